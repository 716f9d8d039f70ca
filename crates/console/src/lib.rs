//! The management API of Wardgate, `/api/v1`: what operators, scripts and the command line call.
//!
//! It answers in process, behind the gate: routing, proof and judgement are over when a [`Call`] comes here. It never
//! does cryptography, never judges, never speaks HTTP on a socket, never reads a clock; the gate it serves is a
//! [`World`]. After a change it answers only when the gate obeys.
//!
//! # Reading order
//!
//! `operations` is the one table: the API that the gate judges ([`admin_api`]), the OpenAPI document
//! ([`openapi_document`]) and the dispatch come from it. `call` is the way of a request; `sessions`, `credentials`,
//! `secrets`, `explain`, `events` and `records` answer; `problem` refuses; `input` reads, `idempotency` remembers.
//!
//! ```
//! use wardgate_console::{OPERATIONS, admin_api, openapi_document};
//!
//! let (api, document) = (admin_api(), openapi_document());
//! assert_eq!(api.operations.len(), OPERATIONS.len());
//! assert_eq!(document["paths"]["/api/v1/credentials"]["post"]["operationId"], "issueCredential");
//! ```

mod answer;
mod call;
mod credentials;
mod events;
mod explain;
mod idempotency;
mod input;
mod openapi;
mod operations;
mod problem;
mod records;
mod secrets;
mod sessions;
mod world;

pub use call::{Call, Console};
pub use credentials::{SIGN_IN, SIGN_IN_NAME};
pub use idempotency::{REMEMBERED, REMEMBERED_MAX};
pub use openapi::document as openapi_document;
pub use operations::{AdminOperation, Key, Needs, OPERATIONS, PREFIX, Parameter, Place, SchemaOf, Verb, admin_api, row_of};
pub use problem::{Code, Problem};
pub use secrets::SECRET_BYTES_MAX;
pub use sessions::{SESSION, SESSION_MAX, SESSION_NAME};
pub use world::{
    AccessCondition, AccessPage, AccessPath, AccessQuery, BoxFuture, Delivery, DescribedRequest, Entry, EventPage, EventQuery, FindingView,
    KnownIdentity, Manner, Minted, Moment, OPEN_MAX, OpenRequest, Planned, Refused, ResourceChange, SecretRotation, Span, World,
    WorldFault,
};
