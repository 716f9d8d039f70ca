//! The query engine of the event log: SQL over one table, `events`, of sealed segments and the hot tail of one or more logs.
//!
//! It never writes, never reads anything but the directories it was given and the objects that these say segments lie in, and
//! never takes more time or memory than it was allowed. It is a program of its own (`wardgate-query`), because what it is built from takes longer to
//! build than all the rest; nothing waits for it.
//!
//! # Reading order
//!
//! [`command`] is the program, [`bounds`] what a question may take, [`watch`] who ends it. `statement` says what may be asked,
//! `snapshot` what there is, `segment` how a file is read, `table` brings both before the
//! engine. [`engine`] asks, [`shown`] writes the answer, [`fault`] says why there is none, [`schema`] which columns there are.
//!
//! ```text
//! wardgate-query --directory audit "SELECT identity_name, count(*) FROM events WHERE response = 'block' GROUP BY 1"
//! ```

pub mod bounds;
pub mod command;
pub mod engine;
pub mod fault;
pub mod schema;
mod segment;
pub mod shown;
mod snapshot;
mod statement;
pub mod table;
pub mod watch;
