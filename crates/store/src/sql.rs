//! Every SQL text of this crate. `$n` placeholders and plain statements only: what stands here runs on SQLite and on
//! PostgreSQL; the little in which they differ stands in `dialect`. `{}` becomes the placeholders of many rows. Text
//! parameters that filter mean "any" when empty, because no name is.

/// The one locked row. INVARIANT (commit order): whoever allocates holds this row until commit, so numbers become
/// visible in their own order and a reader of `seq > n` can never skip a commit.
pub(crate) const COUNTER_ADVANCE: &str = "UPDATE counter SET seq = seq + $1 WHERE id = 1 RETURNING seq";
/// Changes nothing, and is written all the same.
pub(crate) const COUNTER_TOUCH: &str = "UPDATE counter SET seq = seq WHERE id = 1";
pub(crate) const COUNTER: &str = "SELECT seq FROM counter WHERE id = 1";

pub(crate) const CHANGE_APPEND: &str = "INSERT INTO change (seq, time_us, actor, subject, name, act, reason, before, after) VALUES {}";
pub(crate) const CHANGES_SINCE: &str = "SELECT seq, time_us, actor, subject, name, act, reason, before, after FROM change \
     WHERE seq > $1 AND ($2 = '' OR subject = $2) AND ($3 = '' OR name = $3) ORDER BY seq LIMIT $4";
/// As [`CHANGES_SINCE`], of one thing: by its index.
pub(crate) const CHANGES_OF_ONE: &str = "SELECT seq, time_us, actor, subject, name, act, reason, before, after FROM change \
     WHERE seq > $1 AND subject = $2 AND name = $3 ORDER BY seq LIMIT $4";
/// By the index `change_of_standing`.
pub(crate) const STOPS_SINCE: &str = "SELECT seq, time_us, actor, subject, name, act, reason, before, after FROM change \
     WHERE seq > $1 AND act IN ('revoke', 'spend', 'state', 'contain', 'release') ORDER BY seq LIMIT $2";
pub(crate) const TOUCHED_SINCE: &str = "SELECT c.seq, c.subject, c.name, c.act, k.identity FROM change c \
     LEFT JOIN credential k ON c.subject = 'credential' AND k.id = c.name WHERE c.seq > $1 ORDER BY c.seq LIMIT $2";
/// Resources are what has a kind for its subject, and kinds alone begin with a capital letter.
pub(crate) const RESOURCE_CHANGED_AFTER: &str =
    "SELECT seq FROM change WHERE seq > $1 AND SUBSTR(subject, 1, 1) <> LOWER(SUBSTR(subject, 1, 1)) ORDER BY seq LIMIT 1";
pub(crate) const SEQ_AT: &str = "SELECT seq FROM change WHERE time_us <= $1 ORDER BY seq DESC LIMIT 1";
/// The last change of each resource up to a number, unless it removed it.
pub(crate) const RESOURCES_AT: &str = "SELECT c.subject, c.name, c.after FROM change c JOIN (SELECT MAX(seq) AS seq FROM change \
     WHERE seq <= $1 AND SUBSTR(subject, 1, 1) <> LOWER(SUBSTR(subject, 1, 1)) \
     GROUP BY subject, name) AS latest ON latest.seq = c.seq WHERE c.after IS NOT NULL ORDER BY c.subject, c.name";
pub(crate) const STATUSES_BORN: &str = "SELECT c.name, c.actor, c.reason FROM change c JOIN (SELECT MIN(seq) AS seq FROM change \
     WHERE seq <= $1 AND subject = 'Identity' GROUP BY name) AS first ON first.seq = c.seq";
pub(crate) const STATUSES_AT: &str = "SELECT c.name, c.after FROM change c JOIN (SELECT MAX(seq) AS seq FROM change \
     WHERE seq <= $1 AND subject = 'status' GROUP BY name) AS latest ON latest.seq = c.seq WHERE c.after IS NOT NULL";

pub(crate) const RESOURCES: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource ORDER BY kind, name";
/// In two halves, so that neither database walks past the identities.
pub(crate) const RESOURCES_BUT_IDENTITIES: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource WHERE kind < 'Identity' \
     UNION ALL SELECT kind, name, spec, origin, revision, created_seq FROM resource WHERE kind > 'Identity' ORDER BY kind, name";
/// The condition is that of the index `resource_from_file`, word for word.
pub(crate) const RESOURCES_FROM_FILES: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource \
     WHERE origin NOT IN ('api', 'apply', 'shipped') ORDER BY kind, name";
pub(crate) const RESOURCES_NAMED: &str =
    "SELECT kind, name, spec, origin, revision, created_seq FROM resource WHERE kind = $1 AND name IN (VALUES {})";
pub(crate) const RESOURCE: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource WHERE kind = $1 AND name = $2";
pub(crate) const RESOURCES_PAGE: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource \
     WHERE kind = $1 AND name > $2 ORDER BY name LIMIT $3";
/// What is looked for is an API's name in quotes, as JSON has it.
pub(crate) const GRANTS_NAMING: &str = "SELECT kind, name, spec, origin, revision, created_seq FROM resource \
     WHERE kind = 'Grant' AND spec LIKE $1 ORDER BY name";
/// By the index `change_by_name`.
pub(crate) const RESOURCES_REMOVED: &str = "SELECT c.name, c.before FROM change c JOIN (SELECT MAX(seq) AS seq FROM change \
     WHERE subject = $1 GROUP BY name) AS latest ON latest.seq = c.seq WHERE c.act = 'remove' AND c.before IS NOT NULL ORDER BY c.name";
pub(crate) const RESOURCES_SAVE: &str = "INSERT INTO resource (kind, name, spec, origin, owner, revision, created_seq) VALUES {} \
     ON CONFLICT (kind, name) DO UPDATE SET spec = excluded.spec, origin = excluded.origin, owner = excluded.owner, revision = excluded.revision";
pub(crate) const RESOURCES_REMOVE: &str = "DELETE FROM resource WHERE kind = $1 AND name IN (VALUES {})";

pub(crate) const IDENTITIES_NAMED: &str =
    "SELECT kind, name, spec, origin, revision, created_seq FROM resource WHERE kind = 'Identity' AND name IN (VALUES {})";
pub(crate) const IDENTITIES_BETWEEN: &str =
    "SELECT kind, name, spec, origin, revision, created_seq FROM resource WHERE kind = 'Identity' AND name > $1 AND name <= $2";
pub(crate) const IDENTITIES_OF_OWNER: &str =
    "SELECT name FROM resource WHERE owner = $1 AND kind = 'Identity' AND name > $2 ORDER BY name LIMIT $3";
/// Everybody who was declared, had a status or was issued something.
pub(crate) const IDENTITIES_PAGE: &str = "SELECT name FROM ( \
     SELECT name FROM (SELECT name FROM resource WHERE kind = 'Identity' AND name > $1 ORDER BY name LIMIT $2) AS declared \
     UNION SELECT name FROM (SELECT name FROM status WHERE kind = 'Identity' AND name > $1 ORDER BY name LIMIT $2) AS happened \
     UNION SELECT name FROM (SELECT DISTINCT identity AS name FROM credential WHERE identity > $1 ORDER BY identity LIMIT $2) AS issued \
     ) AS everybody ORDER BY name LIMIT $2";

pub(crate) const STATUSES: &str = "SELECT name, state, claim_overdue, claim_by_us, resumes_to, resumes_then, requester, approver, evidence, \
     reason, updated_us, revision FROM status WHERE kind = 'Identity' ORDER BY name";
pub(crate) const STATUS: &str = "SELECT name, state, claim_overdue, claim_by_us, resumes_to, resumes_then, requester, approver, evidence, \
     reason, updated_us, revision FROM status WHERE kind = 'Identity' AND name = $1";
pub(crate) const STATUSES_NAMED: &str = "SELECT name, state, claim_overdue, claim_by_us, resumes_to, resumes_then, requester, approver, \
     evidence, reason, updated_us, revision FROM status WHERE kind = 'Identity' AND name IN (VALUES {})";
pub(crate) const STATUSES_BETWEEN: &str = "SELECT name, state, claim_overdue, claim_by_us, resumes_to, resumes_then, requester, approver, \
     evidence, reason, updated_us, revision FROM status WHERE kind = 'Identity' AND name > $1 AND name <= $2";
pub(crate) const STATUSES_CLAIM_DUE: &str = "SELECT name, state, claim_overdue, claim_by_us, resumes_to, resumes_then, requester, approver, \
     evidence, reason, updated_us, revision FROM status \
     WHERE claim_by_us IS NOT NULL AND claim_by_us <= $1 AND claim_overdue = 0 ORDER BY claim_by_us LIMIT $2";
/// A status that is there stays as it is: no file, apply or restart ever undoes a containment.
pub(crate) const STATUS_BEGIN: &str = "INSERT INTO status (kind, name, state, claim_overdue, reason, updated_us, revision, requester, evidence, armed_by) \
     VALUES {} ON CONFLICT (kind, name) DO NOTHING";
pub(crate) const STATUS_BORN_CONTAINED: &str = "UPDATE status SET resumes_to = state, state = 'quarantined' WHERE kind = 'Identity' \
     AND name IN (SELECT name FROM containment WHERE kind = 'identity') AND revision >= $1 AND state <> 'quarantined' AND state <> 'retired'";
pub(crate) const STATUS_CHANGE: &str = "UPDATE status SET state = $2, claim_overdue = $3, claim_by_us = $4, resumes_to = $5, resumes_then = $6, \
     approver = $7, evidence = $8, reason = $9, updated_us = $10, revision = $11 WHERE kind = 'Identity' AND name = $1";

pub(crate) const CONTAINMENTS: &str = "SELECT kind, name, since_us, actor, reason, revision FROM containment ORDER BY kind, name";
pub(crate) const CONTAINMENT: &str = "SELECT kind, name, since_us, actor, reason, revision FROM containment WHERE kind = $1 AND name = $2";
pub(crate) const CONTAINMENTS_NAMED: &str =
    "SELECT kind, name, since_us, actor, reason, revision FROM containment WHERE kind = $1 AND name IN (VALUES {})";
pub(crate) const CONTAINMENT_PUT: &str =
    "INSERT INTO containment (kind, name, since_us, actor, reason, revision) VALUES ($1, $2, $3, $4, $5, $6)";
pub(crate) const CONTAINMENT_REMOVE: &str = "DELETE FROM containment WHERE kind = $1 AND name = $2";

pub(crate) const ANNOUNCEMENTS: &str =
    "SELECT kind, name, since_us, until_us, actor, reason, revision FROM announcement WHERE until_us > $1 ORDER BY kind, name";
pub(crate) const ANNOUNCEMENTS_FORGET: &str = "DELETE FROM announcement WHERE until_us <= $1";
pub(crate) const ANNOUNCEMENT_PUT: &str = "INSERT INTO announcement (kind, name, since_us, until_us, actor, reason, revision) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, name) DO UPDATE SET since_us = excluded.since_us, \
     until_us = excluded.until_us, actor = excluded.actor, reason = excluded.reason, revision = excluded.revision";

pub(crate) const REHEARSALS: &str = "SELECT identity, since_us, until_us, taught, actor, reason, revision FROM rehearsal ORDER BY identity";
pub(crate) const REHEARSALS_FORGET: &str = "DELETE FROM rehearsal WHERE until_us <= $1";
pub(crate) const REHEARSALS_SPENT: &str = "UPDATE rehearsal SET taught = 'null' WHERE until_us <= $1 AND taught <> 'null'";
pub(crate) const REHEARSAL_PUT: &str =
    "INSERT INTO rehearsal (identity, since_us, until_us, taught, actor, reason, revision) VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(crate) const REHEARSAL_END: &str = "UPDATE rehearsal SET until_us = $2, revision = $3 WHERE identity = $1";

pub(crate) const OWNERS: &str = "SELECT owner, departed_us, grace_until_us, attested_us, reason, revision FROM owner_status ORDER BY owner";
pub(crate) const OWNER: &str =
    "SELECT owner, departed_us, grace_until_us, attested_us, reason, revision FROM owner_status WHERE owner = $1";
pub(crate) const OWNER_PUT: &str = "INSERT INTO owner_status (owner, departed_us, grace_until_us, attested_us, reason, revision) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner) DO UPDATE SET departed_us = excluded.departed_us, \
     grace_until_us = excluded.grace_until_us, attested_us = excluded.attested_us, reason = excluded.reason, revision = excluded.revision";

pub(crate) const APPROVALS: &str = "SELECT id, act, summary, requester, owner, reason, needs, asked_us, expires_us, state, decider, decided_us, \
     decision_reason, revision, created_seq, done_us, failed FROM approval WHERE created_seq > $1 AND ($2 = '' OR state = $2) ORDER BY created_seq LIMIT $3";
pub(crate) const APPROVAL: &str = "SELECT id, act, summary, requester, owner, reason, needs, asked_us, expires_us, state, decider, decided_us, \
     decision_reason, revision, created_seq, done_us, failed FROM approval WHERE id = $1";
pub(crate) const APPROVALS_OVERDUE: &str = "SELECT id, act, summary, requester, owner, reason, needs, asked_us, expires_us, state, decider, \
     decided_us, decision_reason, revision, created_seq, done_us, failed FROM approval WHERE state = 'waiting' AND expires_us <= $1 ORDER BY expires_us, created_seq";
pub(crate) const APPROVALS_WAITING: &str = "SELECT COUNT(*) FROM approval WHERE state = 'waiting' AND expires_us > $1";
pub(crate) const APPROVAL_ASK: &str = "INSERT INTO approval (id, act, summary, requester, owner, reason, needs, asked_us, expires_us, state, \
     decider, decided_us, decision_reason, revision, created_seq, armed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', NULL, NULL, '', \
     $10, $10, $11) ON CONFLICT (id) DO NOTHING";
/// By the index `approval_of_requester`.
pub(crate) const APPROVALS_WAITING_OF: &str = "SELECT id, act, armed_by FROM approval \
     WHERE state = 'waiting' AND requester = $1 AND expires_us > $2 ORDER BY created_seq LIMIT $3";
/// By the index `approval_unfinished`.
pub(crate) const APPROVALS_UNFINISHED: &str = "SELECT id, act, summary, requester, owner, reason, needs, asked_us, expires_us, state, decider, \
     decided_us, decision_reason, revision, created_seq, done_us, failed FROM approval \
     WHERE state = 'approved' AND done_us IS NULL AND failed IS NULL ORDER BY created_seq LIMIT $1";
pub(crate) const APPROVAL_FINISH: &str = "UPDATE approval SET done_us = $2, failed = $3 \
     WHERE id = $1 AND state = 'approved' AND done_us IS NULL AND failed IS NULL";
pub(crate) const APPROVAL_DECIDE: &str = "UPDATE approval SET state = $2, decider = $3, decided_us = $4, decision_reason = $5, revision = $6 \
     WHERE id = $1 AND state = 'waiting'";

pub(crate) const CREDENTIAL: &str = "SELECT id, identity, name, kind, environment, sources, hash, created_us, expires_us, state, revoked_us, \
     revision, created_seq, sealed, task FROM credential WHERE id = $1";
pub(crate) const CREDENTIALS: &str = "SELECT id, identity, name, kind, environment, sources, hash, created_us, expires_us, state, revoked_us, \
     revision, created_seq, sealed, task FROM credential \
     WHERE created_seq > $1 AND ($2 = '' OR identity = $2) AND ($3 = '' OR state = $3) AND ($4 = '' OR kind = $4) \
     AND expires_us > $5 AND expires_us <= $6 ORDER BY created_seq LIMIT $7";
/// As [`CREDENTIALS`], of one identity: by its index.
pub(crate) const CREDENTIALS_OF_ONE: &str = "SELECT id, identity, name, kind, environment, sources, hash, created_us, expires_us, state, \
     revoked_us, revision, created_seq, sealed, task FROM credential \
     WHERE created_seq > $1 AND identity = $2 AND ($3 = '' OR state = $3) AND ($4 = '' OR kind = $4) \
     AND expires_us > $5 AND expires_us <= $6 ORDER BY created_seq LIMIT $7";
pub(crate) const CREDENTIALS_OF: &str = "SELECT id, identity, name, kind, environment, sources, hash, created_us, expires_us, state, revoked_us, \
     revision, created_seq, sealed, task FROM credential WHERE identity IN (VALUES {})";
pub(crate) const CREDENTIALS_BETWEEN: &str = "SELECT id, identity, name, kind, environment, sources, hash, created_us, expires_us, state, \
     revoked_us, revision, created_seq, sealed, task FROM credential WHERE identity > $1 AND identity <= $2";
/// Those of one task, or of none (''), by themselves: what is for a task takes no other's place.
pub(crate) const CREDENTIALS_LIVE: &str = "SELECT COUNT(*) FROM credential \
     WHERE identity = $1 AND name = $2 AND kind = $3 AND state = 'live' AND expires_us > $4 AND COALESCE(task, '') = $5";
pub(crate) const CREDENTIALS_LIVE_OF: &str =
    "SELECT identity, name, kind, expires_us FROM credential WHERE identity IN (VALUES {}) AND state = 'live' AND task IS NULL";
pub(crate) const CREDENTIALS_ISSUE: &str = "INSERT INTO credential (id, identity, name, kind, environment, sources, hash, created_us, expires_us, \
     state, revoked_us, revision, created_seq, armed_by) VALUES {} ON CONFLICT (id) DO NOTHING";
pub(crate) const CREDENTIAL_ISSUE: &str = "INSERT INTO credential (id, identity, name, kind, environment, sources, hash, created_us, expires_us, \
     state, revoked_us, revision, created_seq, armed_by, task) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'live', NULL, $10, $10, $11, $12) \
     ON CONFLICT (id) DO NOTHING";
pub(crate) const CREDENTIAL_SEAL: &str = "UPDATE credential SET sealed = $2 WHERE id = $1";
pub(crate) const CREDENTIAL_REVOKE: &str =
    "UPDATE credential SET state = 'revoked', revoked_us = $2, revision = $3 WHERE id = $1 AND state <> 'revoked'";
/// INVARIANT (single use): the state is part of the condition, so that of two who spend at once one changes no row.
pub(crate) const CREDENTIAL_SPEND: &str =
    "UPDATE credential SET state = 'spent', revision = $3 WHERE id = $1 AND kind = 'sign_in' AND state = 'live' AND expires_us > $2";
pub(crate) const CREDENTIAL_RENEW: &str =
    "UPDATE credential SET expires_us = $3, revision = $4 WHERE id = $1 AND kind = 'session' AND state = 'live' AND expires_us > $2";
pub(crate) const CREDENTIAL_END: &str = "UPDATE credential SET expires_us = $2, revision = $3 WHERE id = $1 AND expires_us >= $2";

pub(crate) const CREDENTIAL_ARMED_BY: &str = "SELECT armed_by, kind FROM credential WHERE id = $1";
pub(crate) const APPROVAL_ARMED_BY: &str = "SELECT armed_by FROM approval WHERE id = $1";
pub(crate) const STATUS_ARMED_BY: &str = "SELECT armed_by FROM status WHERE kind = 'Identity' AND name = $1";
/// By the index `credential_session`, whose condition it repeats.
pub(crate) const SESSION_OF_ANOTHER: &str = "SELECT created_seq FROM credential WHERE kind = 'session' AND identity <> $1 LIMIT 1";

pub(crate) const USAGE: &str = "SELECT identity, credential, api, operation, source, first_us, last_us, allowed, refused FROM usage_sum \
     WHERE ($1 = '' OR identity = $1) AND ($2 = '' OR credential = $2) AND ($3 = '' OR api = $3) AND last_us >= $4 \
     ORDER BY last_us DESC, identity, credential, api, operation, source LIMIT $5";
/// As [`USAGE`], of one identity: by its index.
pub(crate) const USAGE_OF_IDENTITY: &str = "SELECT identity, credential, api, operation, source, first_us, last_us, allowed, refused \
     FROM usage_sum WHERE identity = $1 AND ($2 = '' OR credential = $2) AND ($3 = '' OR api = $3) AND last_us >= $4 \
     ORDER BY last_us DESC, identity, credential, api, operation, source LIMIT $5";
/// As [`USAGE`], of one credential: by its index.
pub(crate) const USAGE_OF_CREDENTIAL: &str = "SELECT identity, credential, api, operation, source, first_us, last_us, allowed, refused \
     FROM usage_sum WHERE ($1 = '' OR identity = $1) AND credential = $2 AND ($3 = '' OR api = $3) AND last_us >= $4 \
     ORDER BY last_us DESC, identity, credential, api, operation, source LIMIT $5";
/// `MIN` and `MAX` of two values are called differently in the two databases; `CASE` is not.
pub(crate) const USAGE_ADD: &str = "INSERT INTO usage_sum (identity, credential, api, operation, source, first_us, last_us, allowed, refused) \
     VALUES {} ON CONFLICT (identity, credential, api, operation, source) DO UPDATE SET \
     first_us = CASE WHEN excluded.first_us < usage_sum.first_us THEN excluded.first_us ELSE usage_sum.first_us END, \
     last_us = CASE WHEN excluded.last_us > usage_sum.last_us THEN excluded.last_us ELSE usage_sum.last_us END, \
     allowed = usage_sum.allowed + excluded.allowed, refused = usage_sum.refused + excluded.refused";
pub(crate) const USAGE_LAST: &str =
    "SELECT MIN(first_us), MAX(last_us), CAST(SUM(allowed + refused) AS BIGINT) FROM usage_sum WHERE credential = $1";
/// A sum of whole numbers is something else in PostgreSQL.
pub(crate) const USAGE_OF_OPERATIONS: &str = "SELECT api, operation, MIN(first_us) AS first_us, MAX(last_us) AS last_us, \
     CAST(SUM(allowed) AS BIGINT) AS allowed, CAST(SUM(refused) AS BIGINT) AS refused, COUNT(DISTINCT identity) AS identities \
     FROM usage_sum WHERE ($1 = '' OR api = $1) GROUP BY api, operation ORDER BY api, operation";
pub(crate) const USAGE_SINCE: &str = "SELECT MIN(first_us) FROM usage_sum";

pub(crate) const STRAYS: &str = "SELECT api, kind, operation, place, first_us, last_us, seen, answered, refused, callers, sources FROM stray \
     WHERE ($1 = '' OR api = $1) ORDER BY api, kind, operation, place";
pub(crate) const STRAYS_PUT: &str = "INSERT INTO stray (api, kind, operation, place, first_us, last_us, seen, answered, refused, callers, sources) \
     VALUES {} ON CONFLICT (api, kind, operation, place) DO UPDATE SET first_us = excluded.first_us, last_us = excluded.last_us, \
     seen = excluded.seen, answered = excluded.answered, refused = excluded.refused, callers = excluded.callers, sources = excluded.sources";
pub(crate) const STRAY_FORGET: &str = "DELETE FROM stray WHERE api = $1 AND kind = $2 AND operation = $3 AND place = $4";
pub(crate) const STRAYS_FORGET: &str = "DELETE FROM stray WHERE last_us < $1";

/// Changes no row where it was taken before and counts still.
pub(crate) const ONCE_TAKE: &str = "INSERT INTO once (mark, ends_us) VALUES ($1, $2) ON CONFLICT (mark) DO UPDATE SET ends_us = excluded.ends_us \
     WHERE once.ends_us < $3";
pub(crate) const ONCE_FORGET: &str = "DELETE FROM once WHERE ends_us < $1";
pub(crate) const USAGE_FORGET: &str = "DELETE FROM usage_sum WHERE last_us < $1";

pub(crate) const DISCOVERIES: &str = "SELECT id, what, hash, environment, apis, sources, first_us, last_us, seen, claim_by_us, state, claimed_as, \
     revision, created_seq, trust, subject FROM discovery WHERE created_seq > $1 AND ($2 = '' OR state = $2) AND claim_by_us < $3 ORDER BY created_seq LIMIT $4";
pub(crate) const DISCOVERY: &str = "SELECT id, what, hash, environment, apis, sources, first_us, last_us, seen, claim_by_us, state, claimed_as, \
     revision, created_seq, trust, subject FROM discovery WHERE id = $1";
pub(crate) const DISCOVERIES_OPEN: &str = "SELECT COUNT(*) FROM discovery WHERE state = 'open'";
pub(crate) const DISCOVERY_PUT: &str = "INSERT INTO discovery (id, what, hash, environment, apis, sources, first_us, last_us, seen, claim_by_us, \
     state, claimed_as, revision, created_seq, trust, subject) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
     ON CONFLICT (id) DO UPDATE SET apis = excluded.apis, sources = excluded.sources, first_us = excluded.first_us, last_us = excluded.last_us, \
     seen = excluded.seen, state = excluded.state, claimed_as = excluded.claimed_as, revision = excluded.revision";

pub(crate) const SECRETS: &str = "SELECT name, sealed, version, staged, staged_version, previous, previous_version, created_us, updated_us, \
     staged_us, promoted_us, latest, revision FROM secret ORDER BY name";
pub(crate) const SECRET: &str = "SELECT name, sealed, version, staged, staged_version, previous, previous_version, created_us, updated_us, \
     staged_us, promoted_us, latest, revision FROM secret WHERE name = $1";
pub(crate) const SECRET_PUT: &str = "INSERT INTO secret (name, sealed, version, staged, staged_version, previous, previous_version, created_us, \
     updated_us, staged_us, promoted_us, latest, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
     ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, version = excluded.version, staged = excluded.staged, \
     staged_version = excluded.staged_version, previous = excluded.previous, previous_version = excluded.previous_version, \
     updated_us = excluded.updated_us, staged_us = excluded.staged_us, promoted_us = excluded.promoted_us, latest = excluded.latest, \
     revision = excluded.revision";

pub(crate) const SIGNING_KEYS: &str = "SELECT kid, sealed, created_us, state, revision FROM signing_key ORDER BY created_us, kid";
pub(crate) const SIGNING_KEY: &str = "SELECT kid, sealed, created_us, state, revision FROM signing_key WHERE kid = $1";
pub(crate) const SIGNING_KEYS_PUBLISH: &str = "UPDATE signing_key SET state = 'published', revision = $1 WHERE state = 'signing'";
pub(crate) const SIGNING_KEY_PUT: &str = "INSERT INTO signing_key (kid, sealed, created_us, state, revision) VALUES ($1, $2, $3, $4, $5)";
pub(crate) const SIGNING_KEY_PROMOTE: &str = "UPDATE signing_key SET state = 'signing', revision = $2 WHERE kid = $1";
/// The change that it names last put it to its use.
pub(crate) const SIGNING_KEYS_SINCE: &str = "SELECT k.kid, c.time_us FROM signing_key k JOIN change c ON c.seq = k.revision";
pub(crate) const SIGNING_KEY_RETIRE: &str = "UPDATE signing_key SET state = 'retired', revision = $2 WHERE kid = $1";

pub(crate) const TASK: &str = "SELECT id, identity, purpose, api, operations, resources, calls_max, bytes_max, records_max, calls_given, \
     bytes_given, records_given, started_us, ends_us, lease_us, beat_us, state, ended_us, actor, reason, start_hash, revision \
     FROM task WHERE id = $1";
pub(crate) const TASK_BY_START: &str = "SELECT id, identity, purpose, api, operations, resources, calls_max, bytes_max, records_max, \
     calls_given, bytes_given, records_given, started_us, ends_us, lease_us, beat_us, state, ended_us, actor, reason, start_hash, revision \
     FROM task WHERE identity = $1 AND start_key = $2";
pub(crate) const TASKS: &str = "SELECT id, identity, purpose, api, operations, resources, calls_max, bytes_max, records_max, calls_given, \
     bytes_given, records_given, started_us, ends_us, lease_us, beat_us, state, ended_us, actor, reason, start_hash, revision \
     FROM task WHERE id > $1 AND ($2 = '' OR state = $2) ORDER BY id LIMIT $3";
/// By the index `task_of_identity`.
pub(crate) const TASKS_OF: &str = "SELECT id, identity, purpose, api, operations, resources, calls_max, bytes_max, records_max, calls_given, \
     bytes_given, records_given, started_us, ends_us, lease_us, beat_us, state, ended_us, actor, reason, start_hash, revision \
     FROM task WHERE id > $1 AND ($2 = '' OR state = $2) AND identity = $4 ORDER BY id LIMIT $3";
pub(crate) const TASKS_NAMED: &str = "SELECT id, identity, purpose, api, operations, resources, calls_max, bytes_max, records_max, \
     calls_given, bytes_given, records_given, started_us, ends_us, lease_us, beat_us, state, ended_us, actor, reason, start_hash, revision \
     FROM task WHERE id IN (VALUES {})";
/// By the index `task_open`.
pub(crate) const TASKS_OVER: &str = "SELECT id, identity, purpose, api, operations, resources, calls_max, bytes_max, records_max, \
     calls_given, bytes_given, records_given, started_us, ends_us, lease_us, beat_us, state, ended_us, actor, reason, start_hash, revision \
     FROM task WHERE state = 'open' AND lapses_us <= $1 ORDER BY lapses_us LIMIT $2";
/// By the index `task_open_of_identity`.
pub(crate) const TASKS_OPEN: &str = "SELECT COUNT(*) FROM task WHERE state = 'open' AND identity = $1";
pub(crate) const TASK_PUT: &str = "INSERT INTO task (id, identity, purpose, api, operations, resources, calls_max, bytes_max, records_max, \
     started_us, ends_us, lease_us, beat_us, lapses_us, state, actor, reason, start_key, start_hash, revision) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $10, $13, 'open', $14, $15, $16, $17, $18)";
pub(crate) const TASK_END: &str =
    "UPDATE task SET state = $2, ended_us = $3, actor = $4, reason = $5, revision = $6 WHERE id = $1 AND state = 'open'";
pub(crate) const TASK_BEAT: &str = "UPDATE task SET beat_us = $2, lapses_us = $3, revision = $4 WHERE id = $1 AND state = 'open'";
/// What was given out must be what was read: of two that draw at once, one reads again.
pub(crate) const TASK_DRAW: &str = "UPDATE task SET calls_given = $2, bytes_given = $3, records_given = $4 \
     WHERE id = $1 AND state = 'open' AND calls_given = $5 AND bytes_given = $6 AND records_given = $7";
/// What was used beyond what was given out counts as given out; more than all there is cannot be.
pub(crate) const TASK_GIVE_BACK: &str = "UPDATE task SET calls_given = calls_given - $2, bytes_given = bytes_given - $3, \
     records_given = CASE WHEN records_given - $4 + $5 > records_max THEN records_max ELSE records_given - $4 + $5 END \
     WHERE id = $1 AND state = 'open' AND calls_given >= $2 AND bytes_given >= $3 AND records_given >= $4";
/// By the index `task_ended`.
pub(crate) const TASKS_FORGET: &str = "DELETE FROM task WHERE id IN \
     (SELECT id FROM task WHERE state <> 'open' AND ended_us < $1 ORDER BY ended_us LIMIT $2)";
