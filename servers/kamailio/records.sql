-- One row per call; times are UTC, ISO 8601 with milliseconds. `result` is '' while the call is still going on.
CREATE TABLE call (
    id TEXT PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL,          -- local part of the Session-ID header (RFC 7989), '' without one
    call_id TEXT NOT NULL,
    caller TEXT NOT NULL,              -- name in the certificate, or the account, that the caller proved
    caller_kind TEXT NOT NULL,
    caller_uri TEXT NOT NULL,
    called TEXT NOT NULL,
    started TEXT NOT NULL,
    answered TEXT,
    ended TEXT,
    answered_by TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '',
    code INTEGER
);
CREATE INDEX call_started ON call (started);
