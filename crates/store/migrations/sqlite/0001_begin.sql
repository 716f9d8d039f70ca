-- The first shape. Types: integer, text and blob only, so that another database can hold the same.
-- Times are microseconds since the Unix epoch. A `revision` is the sequence number of the row's last change.

CREATE TABLE counter (
    id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO counter (id, seq) VALUES (1, 0);

CREATE TABLE change (
    seq     INTEGER NOT NULL PRIMARY KEY,
    time_us INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    subject TEXT NOT NULL,
    name    TEXT NOT NULL,
    act     TEXT NOT NULL,
    reason  TEXT NOT NULL,
    before  TEXT,
    after   TEXT
) STRICT;
CREATE INDEX change_by_name ON change (subject, name, seq);
CREATE TRIGGER change_is_never_updated BEFORE UPDATE ON change BEGIN SELECT RAISE(ABORT, 'the feed of changes is append-only'); END;
CREATE TRIGGER change_is_never_deleted BEFORE DELETE ON change BEGIN SELECT RAISE(ABORT, 'the feed of changes is append-only'); END;

CREATE TABLE resource (
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    spec        TEXT NOT NULL,
    origin      TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    created_seq INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

-- What happens to an identity. It outlives the resource: nothing that is declared ever undoes a containment.
CREATE TABLE status (
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    state         TEXT NOT NULL,
    claim_overdue INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    updated_us    INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

CREATE TABLE credential (
    id          TEXT NOT NULL PRIMARY KEY,
    identity    TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    environment TEXT NOT NULL,
    sources     TEXT NOT NULL,
    hash        BLOB NOT NULL,
    created_us  INTEGER NOT NULL,
    expires_us  INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('live', 'revoked', 'spent')),
    revoked_us  INTEGER,
    revision    INTEGER NOT NULL,
    created_seq INTEGER NOT NULL UNIQUE,
    CHECK ((state = 'revoked') = (revoked_us IS NOT NULL))
) STRICT;
CREATE INDEX credential_by_identity ON credential (identity, name, kind, state);

CREATE TABLE secret (
    name       TEXT NOT NULL PRIMARY KEY,
    sealed     BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    revision   INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_key (
    kid        TEXT NOT NULL PRIMARY KEY,
    sealed     BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('signing', 'published', 'retired')),
    revision   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX signing_key_signs ON signing_key (state) WHERE state = 'signing';
