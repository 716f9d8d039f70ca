//! The event log: one line of JSON for each request, appended by one thread, read back by file and offset.
//!
//! It never serves HTTP, never reads a clock, never makes a request wait, and never holds a secret, a token or a body.
//!
//! # Reading order
//!
//! [`event_v1`] is the outside: what an event looks like, for ever. [`sink`] is where events go: places reserved
//! before a request is forwarded, and the thread that writes, where an [`sink::Observer`] sees each request too. `encode` and `scrub` make the JSON, `directory` the
//! files, `cap` how much of the disk they may take. [`reading`] finds events again. [`anchor`] and [`store`] are where evidence goes
//! besides the directory, by [`web`].
//!
//! ```
//! use std::time::Duration;
//! use wardgate_audit::{reading::{self, Filter, Since}, sink::{ChangeRecord, Log, Options}};
//! use wardgate_model::time::Time;
//!
//! let directory = tempfile::tempdir()?;
//! let (log, writer) = Log::start(directory.path(), &Options::new("edge-1"))?;
//! log.record_change(ChangeRecord {
//!     time: Time::from_seconds(1_790_000_000),
//!     actor: "alice".into(),
//!     what: "revoke".into(),
//!     kind: "credential".into(),
//!     name: "aB3dE5gH7jK9".into(),
//!     reason: Some("leaked".into()),
//!     of: vec!["ledger-sync".into()],
//! })?;
//! assert_eq!(writer.close(Duration::ZERO).written, 1);
//!
//! let page = reading::tail(directory.path(), &Filter::default(), &Since::Newest, 10)?;
//! assert_eq!(page.events[0].change.as_ref().map(|change| &*change.what), Some("revoke"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod anchor;
pub mod canonical;
mod cap;
pub mod columns;
mod directory;
mod encode;
pub mod event_v1;
mod hands;
pub mod hot;
pub mod ledger;
pub mod note;
mod observer;
mod plain;
pub mod reading;
mod record;
mod scrub;
pub mod seal;
pub mod segment;
pub mod sink;
pub mod store;
pub mod tiles;
pub mod timeline;
pub mod tree;
pub mod verify;
mod wakeup;
pub mod web;
