-- Accounts of one server. Only the hash of a login is kept: HA1 = MD5(username:realm:password), RFC 2617.
CREATE TABLE device (
    username TEXT PRIMARY KEY NOT NULL,
    ha1 TEXT NOT NULL,
    aor TEXT NOT NULL,                 -- user part of the address this device registers
    kind TEXT NOT NULL,
    unlock_key TEXT NOT NULL DEFAULT '',   -- public, base64 of 32 bytes Ed25519; '' for devices that open no door
    added TEXT NOT NULL
);
