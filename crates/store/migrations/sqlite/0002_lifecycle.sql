-- Lifecycle, containment, owners, approvals, usage, discoveries, secrets in versions.

-- Who declares itself as the owner, copied out of the spec so that it can be looked for.
ALTER TABLE resource ADD COLUMN owner TEXT;
UPDATE resource SET owner = json_extract(spec, '$.owner') WHERE json_type(spec, '$.owner') = 'text';
CREATE INDEX resource_by_owner ON resource (owner, kind, name) WHERE owner IS NOT NULL;
CREATE INDEX resource_from_file ON resource (kind, name) WHERE origin NOT IN ('api', 'apply', 'shipped');

ALTER TABLE status ADD COLUMN claim_by_us INTEGER;
ALTER TABLE status ADD COLUMN resumes_to TEXT;
ALTER TABLE status ADD COLUMN resumes_then TEXT;
ALTER TABLE status ADD COLUMN requester TEXT;
ALTER TABLE status ADD COLUMN approver TEXT;
ALTER TABLE status ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
CREATE INDEX status_claim_due ON status (claim_by_us) WHERE claim_by_us IS NOT NULL AND claim_overdue = 0;

-- What is stopped. It outlives the thing.
CREATE TABLE containment (
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;
INSERT INTO containment (kind, name, since_us, actor, reason, revision)
    SELECT 'identity', status.name, status.updated_us, COALESCE((SELECT actor FROM change WHERE change.seq = status.revision), '<process>'),
           status.reason, status.revision
    FROM status WHERE status.kind = 'Identity' AND status.state = 'quarantined';
UPDATE status SET resumes_to = 'active' WHERE kind = 'Identity' AND state = 'quarantined';

CREATE TABLE owner_status (
    owner          TEXT NOT NULL PRIMARY KEY,
    departed_us    INTEGER,
    grace_until_us INTEGER,
    attested_us    INTEGER,
    reason         TEXT NOT NULL,
    revision       INTEGER NOT NULL
) STRICT;

CREATE TABLE approval (
    id              TEXT NOT NULL PRIMARY KEY,
    act             TEXT NOT NULL,
    summary         TEXT NOT NULL,
    requester       TEXT NOT NULL,
    owner           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    needs           TEXT NOT NULL CHECK (needs IN ('second', 'person')),
    asked_us        INTEGER NOT NULL,
    expires_us      INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'lapsed')),
    decider         TEXT,
    decided_us      INTEGER,
    decision_reason TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    created_seq     INTEGER NOT NULL UNIQUE,
    CHECK ((state = 'waiting') = (decided_us IS NULL))
) STRICT;
CREATE INDEX approval_waiting ON approval (expires_us) WHERE state = 'waiting';

-- Sums; no part of the feed.
CREATE TABLE usage_sum (
    identity   TEXT NOT NULL,
    credential TEXT NOT NULL,
    api        TEXT NOT NULL,
    operation  TEXT NOT NULL,
    source     TEXT NOT NULL,
    first_us   INTEGER NOT NULL,
    last_us    INTEGER NOT NULL,
    allowed    INTEGER NOT NULL,
    refused    INTEGER NOT NULL,
    PRIMARY KEY (identity, credential, api, operation, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_credential ON usage_sum (credential);

CREATE TABLE discovery (
    id          TEXT NOT NULL PRIMARY KEY,
    what        TEXT NOT NULL CHECK (what IN ('key', 'source')),
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
    CHECK ((state = 'claimed') = (claimed_as IS NOT NULL))
) STRICT;
CREATE INDEX discovery_by_state ON discovery (state, claim_by_us);

ALTER TABLE secret ADD COLUMN staged BLOB;
ALTER TABLE secret ADD COLUMN staged_version INTEGER;
ALTER TABLE secret ADD COLUMN previous BLOB;
ALTER TABLE secret ADD COLUMN previous_version INTEGER;
ALTER TABLE secret ADD COLUMN staged_us INTEGER;
ALTER TABLE secret ADD COLUMN promoted_us INTEGER;
ALTER TABLE secret ADD COLUMN latest INTEGER NOT NULL DEFAULT 0;
UPDATE secret SET latest = version;
