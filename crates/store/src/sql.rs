//! Every SQL text of this crate. `$n` placeholders and plain statements only: what stands here runs on SQLite and on
//! PostgreSQL. Text parameters that filter mean "any" when empty, because no name is.

/// Takes the lock for writing at once: a transaction that reads first and locks later could lose.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// One consistent picture for several reads.
pub(crate) const BEGIN_READ: &str = "BEGIN";

/// The one locked row. INVARIANT (commit order): whoever allocates holds this row until commit, so numbers become
/// visible in their own order and a reader of `seq > n` can never skip a commit.
pub(crate) const COUNTER_ADVANCE: &str = "UPDATE counter SET seq = seq + $1 WHERE id = 1 RETURNING seq";
pub(crate) const COUNTER: &str = "SELECT seq FROM counter WHERE id = 1";

pub(crate) const CHANGE_APPEND: &str = "INSERT INTO change (seq, time_us, actor, subject, name, act, reason, before, after) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(crate) const CHANGES_SINCE: &str = "SELECT seq, time_us, actor, subject, name, act, reason, before, after FROM change \
     WHERE seq > $1 AND ($2 = '' OR subject = $2) AND ($3 = '' OR name = $3) ORDER BY seq LIMIT $4";

pub(crate) const RESOURCES: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource ORDER BY kind, name";
pub(crate) const RESOURCE: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource WHERE kind = $1 AND name = $2";
pub(crate) const RESOURCES_PAGE: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource \
     WHERE kind = $1 AND name > $2 ORDER BY name LIMIT $3";
pub(crate) const RESOURCE_CREATE: &str =
    "INSERT INTO resource (kind, name, spec, origin, revision, created_seq) VALUES ($1, $2, $3, $4, $5, $5)";
pub(crate) const RESOURCE_UPDATE: &str = "UPDATE resource SET spec = $3, origin = $4, revision = $5 WHERE kind = $1 AND name = $2";
pub(crate) const RESOURCE_REMOVE: &str = "DELETE FROM resource WHERE kind = $1 AND name = $2";

pub(crate) const STATUSES: &str =
    "SELECT name, state, claim_overdue, reason, updated_us, revision FROM status WHERE kind = 'Identity' ORDER BY name";
pub(crate) const STATUS: &str =
    "SELECT name, state, claim_overdue, reason, updated_us, revision FROM status WHERE kind = 'Identity' AND name = $1";
/// A status that is there stays as it is: no file, apply or restart ever undoes a containment.
pub(crate) const STATUS_BEGIN: &str = "INSERT INTO status (kind, name, state, claim_overdue, reason, updated_us, revision) \
     VALUES ('Identity', $1, $2, 0, $3, $4, $5) ON CONFLICT (kind, name) DO NOTHING";
pub(crate) const STATUS_CHANGE: &str = "UPDATE status SET state = $2, claim_overdue = $3, reason = $4, updated_us = $5, revision = $6 \
     WHERE kind = 'Identity' AND name = $1";

pub(crate) const CREDENTIAL: &str = "SELECT id, identity, name, kind, environment, sources, hash, created_us, expires_us, state, revoked_us, \
     revision, created_seq FROM credential WHERE id = $1";
pub(crate) const CREDENTIALS: &str = "SELECT id, identity, name, kind, environment, sources, hash, created_us, expires_us, state, revoked_us, \
     revision, created_seq FROM credential \
     WHERE created_seq > $1 AND ($2 = '' OR identity = $2) AND ($3 = '' OR state = $3) AND ($4 = '' OR kind = $4) \
     AND expires_us > $5 AND expires_us <= $6 ORDER BY created_seq LIMIT $7";
pub(crate) const CREDENTIALS_LIVE: &str = "SELECT COUNT(*) FROM credential \
     WHERE identity = $1 AND name = $2 AND kind = $3 AND state = 'live' AND expires_us > $4";
pub(crate) const CREDENTIAL_ISSUE: &str = "INSERT INTO credential (id, identity, name, kind, environment, sources, hash, created_us, expires_us, \
     state, revoked_us, revision, created_seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'live', NULL, $10, $10) ON CONFLICT (id) DO NOTHING";
pub(crate) const CREDENTIAL_REVOKE: &str =
    "UPDATE credential SET state = 'revoked', revoked_us = $2, revision = $3 WHERE id = $1 AND state <> 'revoked'";
/// INVARIANT (single use): the state is part of the condition, so that of two who spend at once one changes no row.
pub(crate) const CREDENTIAL_SPEND: &str =
    "UPDATE credential SET state = 'spent', revision = $3 WHERE id = $1 AND kind = 'sign_in' AND state = 'live' AND expires_us > $2";
pub(crate) const CREDENTIAL_RENEW: &str =
    "UPDATE credential SET expires_us = $3, revision = $4 WHERE id = $1 AND kind = 'session' AND state = 'live' AND expires_us > $2";

pub(crate) const SECRETS: &str = "SELECT name, sealed, created_us, updated_us, version, revision FROM secret ORDER BY name";
pub(crate) const SECRET: &str = "SELECT name, sealed, created_us, updated_us, version, revision FROM secret WHERE name = $1";
pub(crate) const SECRET_PUT: &str = "INSERT INTO secret (name, sealed, created_us, updated_us, version, revision) VALUES ($1, $2, $3, $3, 1, $4) \
     ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, updated_us = excluded.updated_us, version = secret.version + 1, \
     revision = excluded.revision";

pub(crate) const SIGNING_KEYS: &str = "SELECT kid, sealed, created_us, state, revision FROM signing_key ORDER BY created_us, kid";
pub(crate) const SIGNING_KEY: &str = "SELECT kid, sealed, created_us, state, revision FROM signing_key WHERE kid = $1";
pub(crate) const SIGNING_KEYS_PUBLISH: &str = "UPDATE signing_key SET state = 'published', revision = $1 WHERE state = 'signing'";
pub(crate) const SIGNING_KEY_PUT: &str =
    "INSERT INTO signing_key (kid, sealed, created_us, state, revision) VALUES ($1, $2, $3, 'signing', $4)";
pub(crate) const SIGNING_KEY_RETIRE: &str = "UPDATE signing_key SET state = 'retired', revision = $2 WHERE kid = $1";
