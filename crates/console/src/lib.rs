//! The management API of Wardgate, `/api/v1`: what operators, scripts and the command line call.
//!
//! It answers in process, behind the gate: routing, proof and judgement are over when a [`Call`] comes here. It never
//! does cryptography, never judges, never speaks HTTP on a socket, never reads a clock; the gate it serves is a
//! [`World`]. After a change it answers only when the gate obeys.
//!
//! # Reading order
//!
//! `operations` is the one table: the API that the gate judges ([`admin_api`]), the OpenAPI document
//! ([`openapi_document`]) and the dispatch come from it. `call` is the way of a request, `power` how far roles reach.
//! `declared` makes and changes resources, and `acts` lets those wait that want a second person (`approvals`);
//! `lifecycle`, `owners`, `discoveries`, `containments`, `credentials`, `here` (without the store), `secrets` and `sessions` are about what happens
//! to things; `sign_in` is where people come in who are vouched for elsewhere; `records`, `changes`, `events`, `explain`, `usage`, `access` and `around` only tell; `rollback` and `import` come to
//! `declared`. `problem` refuses; `input` reads, `idempotency` remembers.
//!
//! ```
//! use wardgate_console::{admin_api, openapi_document, operations};
//!
//! let (api, document) = (admin_api(), openapi_document());
//! assert_eq!(api.operations.len(), operations().count());
//! assert_eq!(document["paths"]["/api/v1/credentials"]["post"]["operationId"], "issueCredential");
//! ```

mod access;
mod acts;
mod announcements;
mod answer;
mod approvals;
mod around;
mod asking;
mod behind;
mod call;
mod changes;
mod containments;
mod credentials;
mod declared;
mod discoveries;
mod erasures;
mod events;
mod explain;
mod here;
mod idempotency;
mod import;
mod input;
mod lifecycle;
mod openapi;
mod operations;
mod owners;
mod power;
mod problem;
mod reasons;
mod records;
mod rehearsals;
mod rollback;
mod secrets;
mod sessions;
mod sign_in;
mod signing_keys;
mod surface;
mod tasks;
mod timeline;
mod usage;
mod world;

pub use acts::WAITS;
pub use approvals::doing::Finished;
pub use around::{Around, ProbeView, Probed, ProbedCall};
pub use asking::{Found, FoundColumn, QUESTION_BYTES_MAX, QUESTION_ROWS_MAX, Question};
pub use call::{Call, Console};
pub use credentials::{OVERLAP, OVERLAP_MAX, SIGN_IN, SIGN_IN_NAME};
pub use discoveries::{FOREIGN, FOREIGN_NAME};
pub use erasures::{Erasure, ErasureState, ErasureView};
pub use idempotency::{REMEMBERED, REMEMBERED_BYTES_MAX, REMEMBERED_MAX};
pub use openapi::document as openapi_document;
pub use operations::{AdminOperation, Key, Needs, PREFIX, Parameter, Place, Reach, SchemaOf, Verb, admin_api, operations, row_of};
pub use problem::{Code, DiagnosticView, Problem};
pub use rehearsals::{CANARY, Habit, Habits, REHEARSAL_MAX};
pub use secrets::SECRET_BYTES_MAX;
pub use sessions::{SESSION, SESSION_MAX, SESSION_NAME};
pub use sign_in::{PERSON, PERSON_SESSION, SIGN_IN_API, SIGN_IN_PREFIX, SignInStep, is_of_issuer, sign_in_api};
pub use surface::{OperationQuery, OperationView};
pub use timeline::{ClockBackView, LeftOutView, TIMELINE_EVENTS_MAX, TimelineEntry, TimelineQuery, TimelineView};
pub use wardgate_store::ResourceChange;
pub use world::{
    AccessCondition, AccessPage, AccessPath, AccessQuery, Away, BoxFuture, DeclaredQuery, Delivery, DescribedRequest, Entry, EventPage,
    EventQuery, FindingView, HereStop, Journaled, Manner, Minted, Moment, OpenNow, OpenRequests, Planned, QualityPart, QualityView,
    Refused, SecretRotation, Span, Stopping, World, WorldFault,
};
