-- Registrations: the columns that Kamailio's usrloc module reads and writes (table versions 9 and 1).
CREATE TABLE version (table_name TEXT PRIMARY KEY NOT NULL, table_version INTEGER NOT NULL);
INSERT INTO version VALUES ('location', 9), ('location_attrs', 1);
CREATE TABLE location (
    id INTEGER PRIMARY KEY NOT NULL,
    ruid VARCHAR(64) NOT NULL UNIQUE,
    username VARCHAR(64) NOT NULL,
    domain VARCHAR(64),
    contact VARCHAR(512) NOT NULL,
    received VARCHAR(128),
    path VARCHAR(512),
    expires TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    q REAL NOT NULL DEFAULT 1.0,
    callid VARCHAR(255) NOT NULL,
    cseq INTEGER NOT NULL DEFAULT 1,
    last_modified TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    flags INTEGER NOT NULL DEFAULT 0,
    cflags INTEGER NOT NULL DEFAULT 0,
    user_agent VARCHAR(255) NOT NULL DEFAULT '',
    socket VARCHAR(64),
    methods INTEGER,
    instance VARCHAR(255),
    reg_id INTEGER NOT NULL DEFAULT 0,
    server_id INTEGER NOT NULL DEFAULT 0,
    connection_id INTEGER NOT NULL DEFAULT 0,
    keepalive INTEGER NOT NULL DEFAULT 0,
    partition INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX location_expires ON location (expires);
CREATE TABLE location_attrs (
    id INTEGER PRIMARY KEY NOT NULL,
    ruid VARCHAR(64) NOT NULL,
    username VARCHAR(64) NOT NULL,
    domain VARCHAR(64),
    aname VARCHAR(64) NOT NULL,
    atype INTEGER NOT NULL DEFAULT 0,
    avalue VARCHAR(512) NOT NULL,
    last_modified TIMESTAMP WITHOUT TIME ZONE NOT NULL
);
CREATE INDEX location_attrs_record ON location_attrs (username, domain, ruid);
