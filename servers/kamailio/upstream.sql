-- The registration of this server at the one above: the columns that Kamailio's uac module reads (table version 5).
CREATE TABLE version (table_name TEXT PRIMARY KEY NOT NULL, table_version INTEGER NOT NULL);
INSERT INTO version VALUES ('uacreg', 5);
CREATE TABLE uacreg (
    id INTEGER PRIMARY KEY NOT NULL,
    l_uuid VARCHAR(64) NOT NULL UNIQUE,
    l_username VARCHAR(64) NOT NULL,
    l_domain VARCHAR(64) NOT NULL,
    r_username VARCHAR(64) NOT NULL,
    r_domain VARCHAR(64) NOT NULL,
    realm VARCHAR(64) NOT NULL,
    auth_username VARCHAR(64) NOT NULL,
    auth_password VARCHAR(64) NOT NULL DEFAULT '',
    auth_ha1 VARCHAR(128) NOT NULL,
    auth_proxy VARCHAR(255) NOT NULL,
    expires INTEGER NOT NULL,
    flags INTEGER NOT NULL DEFAULT 0,
    reg_delay INTEGER NOT NULL DEFAULT 0,
    contact_addr VARCHAR(255) NOT NULL,
    socket VARCHAR(128) NOT NULL
);
