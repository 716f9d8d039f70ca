//! What Wardgate remembers: resources, status, credentials, sealed secrets, signing keys, and the feed of changes that
//! made them so.
//!
//! It never sees a key or secret in clear, never knows what a policy means, never speaks HTTP, never reads a clock.
//!
//! - **Spec and status.** Files and the API own what is declared; what happens to a thing (state, claim, key hashes,
//!   revocation) is status. No file, apply or restart ever undoes a containment or a revocation.
//! - **One change, one transaction**, on disk before it is acknowledged, which also appends to the feed. Its number
//!   comes from one locked row, so a reader of `seq > n` can never skip a commit.
//! - **One process** on SQLite: a lock file keeps a second one out. On PostgreSQL any number.
//!
//! # Reading order
//!
//! `open`, `feed` (what a change is), `resource` and `apply`, `status` and `containment`, `credential` and `rotation`,
//! `arming` (who armed whom), `owner`, `approval`, `secret` and `vault`, `usage`, `stray`, `discovery`, `once`, `task`; `record` (what a gate starts from), `history`,
//! `follow`, `backup`, `kept` (what a gate goes on from when all this is away); `fault`. All SQL stands in `sql`, what differs between the databases in `dialect`.
//!
//! ```
//! use serde_json::json;
//! use wardgate_model::{id::IdentityId, inventory::IdentityState, resource::Kind, time::Time};
//! use wardgate_store::{Actor, FileDocument, ResourceId, Store, Who};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let directory = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}", directory.path().join("wardgate.db").display());
//! let (store, now) = (Store::open(&url).await?, Time::from_seconds(1_800_000_000));
//! let id = ResourceId::parse(Kind::Identity, "ledger-sync")?;
//! let document = FileDocument { id, spec: json!({ "owner": "payments" }), file: "resources/ledger.yaml".into() };
//! store.apply_files(std::slice::from_ref(&document), "start", now).await?;
//!
//! // Somebody contains it; the file is applied again; it stays contained.
//! let (identity, actor) = (IdentityId::parse("ledger-sync")?, Actor::new(Who::Process, "leaked key"));
//! store.set_identity_state(&actor, &identity, IdentityState::Quarantined, now).await?;
//! store.apply_files(&[document], "again", now).await?;
//! assert_eq!(store.status(&identity).await?.state, IdentityState::Quarantined);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod announcement;
mod apply;
mod approval;
mod arming;
mod backup;
mod containment;
mod credential;
mod database;
mod dialect;
mod discovery;
mod fault;
mod feed;
mod follow;
mod history;
mod issue;
mod kept;
mod once;
mod open;
mod owner;
mod pace;
mod record;
mod rehearsal;
mod resource;
mod rotation;
mod secret;
mod sql;
mod status;
mod stray;
mod task;
mod touched;
mod usage;
mod vault;
#[cfg(test)]
mod world;

pub use announcement::{ANNOUNCEMENTS_MAX, StoredAnnouncement};
pub use apply::{CHANGES_WELL_MADE, ResourceChange};
pub use approval::{ACT_BYTES_MAX, ApprovalState, Decision, Needs, NewApproval, StoredApproval, WAITING_MAX, WAITING_OF_ONE_MAX};
pub use arming::{ARMERS_MAX, Armers, Behind};
pub use backup::Backup;
pub use containment::{CONTAINED_BYTES_MAX, STOP_WAITS, StoredContainment, TOKEN_ENDED};
pub use credential::{Condition, CredentialFilter, NewCredential, StoredCredential, live_max};
pub use discovery::{
    Discovered, DiscoveredBy, DiscoveryFilter, DiscoveryState, OPEN_MAX, SEEN_MAX, SeenSubject, SeenUnknown, StoredDiscovery,
};
pub use fault::{Blame, DatabaseFault, StoreFault};
pub use feed::{Act, Actor, CHANGES_MAX, Change, ChangeFilter, Subject, Who};
pub use follow::BEAT;
pub use kept::{Kept, Unreadable};
pub use once::Once;
pub use open::Store;
pub use owner::StoredOwner;
pub use pace::{PIECE, Pace};
pub use record::{Estate, IdentityRecord, IdentityRecords};
pub use rehearsal::{REHEARSALS_MAX, StoredRehearsal, TAUGHT_BYTES_MAX};
pub use resource::{Applied, FileDocument, Origin, Precondition, ResourceId, StoredResource};
pub use rotation::Rotated;
pub use secret::{SealedVersion, StoredSecret};
pub use status::{Claim, Step, StoredStatus};
pub use stray::{OperationUse, STRAYS_MAX, Stray, StrayKind, StraySum};
pub use task::{NewTask, Rest, Share, StartKey, Started, StoredTask, TASKS_FORGOTTEN_MAX, TASKS_OPEN_MAX, TaskFilter};
pub use touched::{TOUCHED_MAX, Touched};
pub use usage::{UsageFilter, UsageRow, Use};
pub use vault::{KID_BYTES_MAX, SEALED_BYTES_MAX, Sealed, SigningKeyState, StoredSigningKey};
