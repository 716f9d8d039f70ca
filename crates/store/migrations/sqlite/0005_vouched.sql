-- Subjects of genuine proofs that stand for nobody are discovered too.
CREATE TABLE discovery_anew (
    id          TEXT NOT NULL PRIMARY KEY,
    what        TEXT NOT NULL CHECK (what IN ('key', 'source', 'subject', 'certificate')),
    hash        BLOB,
    environment TEXT,
    apis        TEXT NOT NULL,
    sources     TEXT NOT NULL,
    first_us    INTEGER NOT NULL,
    last_us     INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    claim_by_us INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'rejected')),
    claimed_as  TEXT,
    revision    INTEGER NOT NULL,
    created_seq INTEGER NOT NULL UNIQUE,
    trust       TEXT,
    subject     TEXT,
    CHECK ((state = 'claimed') = (claimed_as IS NOT NULL)),
    CHECK ((what IN ('subject', 'certificate')) = (trust IS NOT NULL AND subject IS NOT NULL))
) STRICT;
INSERT INTO discovery_anew (id, what, hash, environment, apis, sources, first_us, last_us, seen, claim_by_us, state, claimed_as, revision,
    created_seq) SELECT id, what, hash, environment, apis, sources, first_us, last_us, seen, claim_by_us, state, claimed_as, revision,
    created_seq FROM discovery;
DROP TABLE discovery;
ALTER TABLE discovery_anew RENAME TO discovery;
CREATE INDEX discovery_by_state ON discovery (state, claim_by_us);
