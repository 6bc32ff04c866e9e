-- What happened to calls, appended by Kamailio; the record keeper folds it into the call records, in the order of `id`.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    record TEXT NOT NULL,              -- which call, '' for all that are going on
    kind TEXT NOT NULL,                -- begin, answer, end, restart
    at TEXT NOT NULL,                  -- seconds since 1970, with microseconds
    facts TEXT NOT NULL                -- name=hex;name=hex: no header text ever becomes SQL
);
CREATE TABLE origin (id TEXT NOT NULL);   -- tells this file from others, and from one that took its place
INSERT INTO origin VALUES (lower(hex(randomblob(8))));
