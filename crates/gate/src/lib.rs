//! The heart of Wardgate: the rooms through which a request goes until it is ruled on.
//!
//! It never does I/O, never waits, never reads a clock: given the same facts, snapshot, meters and `now` it rules the
//! same. There is no `async fn` here, no socket and no SQL.
//!
//! # Reading order
//!
//! [`judge`] shows the whole way, a line per room. Then the rooms in their order: [`canon`], [`route`], [`source`],
//! [`credential`], [`proof`], [`identity`] establish the facts; [`standing`], [`reserve`], [`inspect`], [`risk`],
//! [`rule`], [`commit`] decide. [`snapshot`] is what they look things up in, [`denied`] what overtakes it, [`permit`]
//! what they give, [`step`] how they ask for more, [`review`] judges again what is open; [`hooks`] and
//! [`spent`] are about who signs its calls, [`signers`] about who does so by a key of its own, [`possession`] about who proves to have the
//! key of a token, [`clients`] about who signs assertions for our token service, and [`prospect`] says what a token of it could open;
//! [`recorded`] has what others recorded judged, and [`taught`] what somebody is taken to have done before.
//!
//! ```
//! use wardgate_gate::canon;
//! // One meaning or none: what is authorised is what is forwarded.
//! assert_eq!(canon::path("/orders/%41").as_deref(), Some("/orders/A"));
//! assert_eq!(canon::path("/orders/..%2fadmin"), None);
//! ```

pub mod arrival;
pub mod assertion;
pub mod bindings;
pub mod canon;
pub mod challenge;
pub mod clients;
pub mod commit;
pub mod credential;
mod delegation;
pub mod denied;
mod escapes;
pub mod heard;
pub mod hooks;
pub mod identity;
pub mod inspect;
pub mod judge;
pub mod people;
pub mod permit;
pub mod possession;
pub mod proof;
pub mod prospect;
pub mod recorded;
pub mod reserve;
pub mod review;
pub mod risk;
pub mod route;
pub mod rule;
pub mod shards;
pub mod signers;
pub mod snapshot;
pub mod source;
pub mod spent;
pub mod standing;
pub mod step;
pub mod task;
pub mod taught;
pub mod trust;

pub use arrival::{Arrival, Handshake};
pub use clients::Client;
pub use hooks::{Hook, worth_opening};
pub use judge::{Gate, Verdict, decide, describe, establish, establish_with, resume, turn_away};
pub use permit::{ClientCertificate, Departure, Lease, Permit, Show};
pub use snapshot::{Change, Estate, Population, Snapshot, World};
pub use step::{Answer, Held, Introspection, KeysAnswer, Need, Step, Unproven};
pub use taught::{Habit, Software, Spell, Taught, Untaught};
pub use wardgate_abuse::{
    Limits, Meters,
    budget::Course,
    watch::{Effect, Sight},
};
