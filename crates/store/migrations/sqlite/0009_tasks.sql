-- Tasks. What is given out of a budget is counted here before any gate uses it, so that it is never had twice.
CREATE TABLE task (
    id            TEXT NOT NULL PRIMARY KEY,
    identity      TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    api           TEXT NOT NULL,
    operations    TEXT NOT NULL,
    resources     TEXT NOT NULL,
    calls_max     INTEGER,
    bytes_max     INTEGER,
    records_max   INTEGER,
    calls_given   INTEGER NOT NULL DEFAULT 0,
    bytes_given   INTEGER NOT NULL DEFAULT 0,
    records_given INTEGER NOT NULL DEFAULT 0,
    started_us    INTEGER NOT NULL,
    ends_us       INTEGER NOT NULL,
    lease_us      INTEGER,
    beat_us       INTEGER NOT NULL,
    -- When it is over if nothing more is heard of it.
    lapses_us     INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('open', 'completed', 'failed', 'lapsed')),
    ended_us      INTEGER,
    -- Who started it, then who ended it, and why.
    actor         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    -- What whoever started it calls the start, and what was asked for under that name.
    start_key     TEXT,
    start_hash    BLOB,
    revision      INTEGER NOT NULL,
    CHECK ((state = 'open') = (ended_us IS NULL)),
    CHECK ((start_key IS NULL) = (start_hash IS NULL))
);
CREATE UNIQUE INDEX task_by_start ON task (identity, start_key) WHERE start_key IS NOT NULL;
CREATE INDEX task_open ON task (lapses_us) WHERE state = 'open';
CREATE INDEX task_of_identity ON task (identity, id);
-- How many an identity has open, and what is to be forgotten: neither looks at all that ever was.
CREATE INDEX task_open_of_identity ON task (identity) WHERE state = 'open';
CREATE INDEX task_ended ON task (ended_us) WHERE state <> 'open';
