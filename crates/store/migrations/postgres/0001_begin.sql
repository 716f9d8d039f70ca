-- The whole shape, as SQLite has it after its first two steps. Types: BIGINT, TEXT and BYTEA only. Texts that are
-- ordered or compared by size are ordered by their bytes, as SQLite orders them.
-- Times are microseconds since the Unix epoch. A `revision` is the sequence number of the row's last change.

CREATE TABLE counter (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO counter (id, seq) VALUES (1, 0);

CREATE TABLE change (
    seq     BIGINT NOT NULL PRIMARY KEY,
    time_us BIGINT NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    act     TEXT COLLATE "C" NOT NULL,
    reason  TEXT NOT NULL,
    before  TEXT,
    after   TEXT
);
CREATE INDEX change_by_name ON change (subject, name, seq);
CREATE FUNCTION change_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the feed of changes is append-only';
END $$;
CREATE TRIGGER change_is_never_rewritten BEFORE UPDATE OR DELETE ON change FOR EACH ROW EXECUTE FUNCTION change_is_append_only();
CREATE TRIGGER change_is_never_emptied BEFORE TRUNCATE ON change FOR EACH STATEMENT EXECUTE FUNCTION change_is_append_only();

CREATE TABLE resource (
    kind        TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    spec        TEXT NOT NULL,
    origin      TEXT COLLATE "C" NOT NULL,
    revision    BIGINT NOT NULL,
    created_seq BIGINT NOT NULL,
    -- Who declares itself as the owner, copied out of the spec so that it can be looked for.
    owner       TEXT COLLATE "C",
    PRIMARY KEY (kind, name)
);
CREATE INDEX resource_by_owner ON resource (owner, kind, name) WHERE owner IS NOT NULL;
CREATE INDEX resource_from_file ON resource (kind, name) WHERE origin NOT IN ('api', 'apply', 'shipped');

-- What happens to an identity. It outlives the resource: nothing that is declared ever undoes a containment.
CREATE TABLE status (
    kind          TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    claim_overdue BIGINT NOT NULL,
    reason        TEXT NOT NULL,
    updated_us    BIGINT NOT NULL,
    revision      BIGINT NOT NULL,
    claim_by_us   BIGINT,
    resumes_to    TEXT,
    resumes_then  TEXT,
    requester     TEXT,
    approver      TEXT,
    evidence      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, name)
);
CREATE INDEX status_claim_due ON status (claim_by_us) WHERE claim_by_us IS NOT NULL AND claim_overdue = 0;

CREATE TABLE credential (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    identity    TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    environment TEXT NOT NULL,
    sources     TEXT NOT NULL,
    hash        BYTEA NOT NULL,
    created_us  BIGINT NOT NULL,
    expires_us  BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('live', 'revoked', 'spent')),
    revoked_us  BIGINT,
    revision    BIGINT NOT NULL,
    created_seq BIGINT NOT NULL UNIQUE,
    CHECK ((state = 'revoked') = (revoked_us IS NOT NULL))
);
CREATE INDEX credential_by_identity ON credential (identity, name, kind, state);

CREATE TABLE signing_key (
    kid        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('signing', 'published', 'retired')),
    revision   BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_key_signs ON signing_key (state) WHERE state = 'signing';

CREATE TABLE secret (
    name             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed           BYTEA NOT NULL,
    created_us       BIGINT NOT NULL,
    updated_us       BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    revision         BIGINT NOT NULL,
    staged           BYTEA,
    staged_version   BIGINT,
    previous         BYTEA,
    previous_version BIGINT,
    staged_us        BIGINT,
    promoted_us      BIGINT,
    latest           BIGINT NOT NULL
);

-- What is stopped. It outlives the thing.
CREATE TABLE containment (
    kind     TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    since_us BIGINT NOT NULL,
    actor    TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE owner_status (
    owner          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    departed_us    BIGINT,
    grace_until_us BIGINT,
    attested_us    BIGINT,
    reason         TEXT COLLATE "C" NOT NULL,
    revision       BIGINT NOT NULL
);

CREATE TABLE approval (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    act             TEXT COLLATE "C" NOT NULL,
    summary         TEXT COLLATE "C" NOT NULL,
    requester       TEXT COLLATE "C" NOT NULL,
    owner           TEXT COLLATE "C" NOT NULL,
    reason          TEXT COLLATE "C" NOT NULL,
    needs           TEXT COLLATE "C" NOT NULL CHECK (needs IN ('second', 'person')),
    asked_us        BIGINT NOT NULL,
    expires_us      BIGINT NOT NULL,
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'lapsed')),
    decider         TEXT COLLATE "C",
    decided_us      BIGINT,
    decision_reason TEXT COLLATE "C" NOT NULL,
    revision        BIGINT NOT NULL,
    created_seq     BIGINT NOT NULL UNIQUE,
    CHECK ((state = 'waiting') = (decided_us IS NULL))
);
CREATE INDEX approval_waiting ON approval (expires_us) WHERE state = 'waiting';

-- Sums; no part of the feed.
CREATE TABLE usage_sum (
    identity   TEXT COLLATE "C" NOT NULL,
    credential TEXT COLLATE "C" NOT NULL,
    api        TEXT COLLATE "C" NOT NULL,
    operation  TEXT COLLATE "C" NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    first_us   BIGINT NOT NULL,
    last_us    BIGINT NOT NULL,
    allowed    BIGINT NOT NULL,
    refused    BIGINT NOT NULL,
    PRIMARY KEY (identity, credential, api, operation, source)
);
CREATE INDEX usage_by_credential ON usage_sum (credential);

CREATE TABLE discovery (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    what        TEXT COLLATE "C" NOT NULL CHECK (what IN ('key', 'source')),
    hash        BYTEA,
    environment TEXT COLLATE "C",
    apis        TEXT COLLATE "C" NOT NULL,
    sources     TEXT COLLATE "C" NOT NULL,
    first_us    BIGINT NOT NULL,
    last_us     BIGINT NOT NULL,
    seen        BIGINT NOT NULL,
    claim_by_us BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'claimed', 'rejected')),
    claimed_as  TEXT COLLATE "C",
    revision    BIGINT NOT NULL,
    created_seq BIGINT NOT NULL UNIQUE,
    CHECK ((state = 'claimed') = (claimed_as IS NOT NULL))
);
CREATE INDEX discovery_by_state ON discovery (state, claim_by_us);
