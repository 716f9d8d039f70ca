//! The words of Wardgate: typed values that every other crate speaks in.
//!
//! It never does I/O, never reads a clock, never waits.
//!
//! # Glossary (one word per idea)
//!
//! *identity*: a governed non-human caller · *credential*: the long-lived thing on record · *proof*: what a
//! request shows · *caller*: a proven identity · *operation*: API + method + path template · *grant*: identity →
//! operations, with purpose, approver, end · *task* · *owner* · *environment* · *zone*: where calls come from ·
//! *source*: the network peer · *facts*: all that is known about a request before it is judged · *ruling*: what
//! was decided · *reason*: why · *diagnostic*: what is wrong with the operator's input.
//!
//! # Reading order
//!
//! [`id`], [`time`] and [`secret`] are the atoms, [`numbered`] what is made of names. [`inventory`], [`credential`], [`api`], [`grant`] and [`limit`]
//! are what is governed, [`flow`] what of it belongs together, [`trust`] who outside is believed, [`govern`] how, [`contain`] what can be stopped, [`task`] for what and how much somebody may for a while; [`schema`] and [`shape`] are what requests have to be like; [`resource`] names their kinds. [`proof`] and [`facts`] say what a request is, [`atlas`] what is known of addresses,
//! [`reason`] and [`ruling`] what was decided, [`problem`] how an API of ours refuses, [`event`] what is recorded. [`diagnostic`] speaks to operators.
//!
//! ```
//! use wardgate_model::{id::IdentityId, reason::Reason};
//!
//! let id = IdentityId::parse("ledger-sync").expect("a valid name");
//! assert_eq!(id.as_str(), "ledger-sync");
//! // What a client sees of an expired key is what it sees of an unknown one.
//! assert_eq!(Reason::ProofExpired.outside(), Reason::ProofUnknown.outside());
//! ```

pub mod api;
pub mod atlas;
pub mod contain;
pub mod credential;
pub mod diagnostic;
pub mod event;
pub mod facts;
pub mod flow;
pub mod govern;
pub mod grant;
pub mod id;
pub mod inventory;
pub mod limit;
pub mod numbered;
pub mod problem;
pub mod proof;
pub mod reason;
pub mod resource;
pub mod risk;
pub mod ruling;
pub mod schema;
pub mod secret;
pub mod shape;
pub mod task;
pub mod time;
pub mod trust;
pub mod wire;
