//! The one table of operations, a room a file. The API that the gate judges, the OpenAPI document and the dispatch come
//! from it.

mod access;
mod approvals;
mod containments;
mod credentials;
mod declared;
mod events;
mod key;
mod lifecycle;
mod owners;
mod row;
mod sessions;
mod tasks;
mod timeline;

pub use key::Key;
pub(crate) use row::IDEMPOTENCY_KEY;
pub use row::{AdminOperation, Needs, Parameter, Place, Reach, SchemaOf, Verb};

use http::Method;
use std::sync::Arc;
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, HostPattern, Mode, Operation, Sensitivity, Target, Upstream, UpstreamIdentity,
        UpstreamTimeouts,
    },
    credential::CredentialKind,
    id::{ApiName, EnvironmentName, OwnerName},
    inventory::Environment,
};

/// Whole segments that every path of this API begins with.
pub const PREFIX: &str = "/api/v1";

/// The rooms of the table, in the order of the document.
const ROOMS: &[&[AdminOperation]] = &[
    sessions::ROWS,
    credentials::ROWS,
    events::ROWS,
    timeline::ROWS,
    declared::ROWS,
    lifecycle::ROWS,
    owners::ROWS,
    containments::ROWS,
    approvals::ROWS,
    access::ROWS,
    tasks::ROWS,
];

/// Every operation of the management API.
pub fn operations() -> impl Iterator<Item = &'static AdminOperation> + Clone {
    ROOMS.iter().copied().flatten()
}

/// The management API as the gate judges it: on the admin door, for sessions, sign-ins and the break-glass door, recorded
/// without fail.
#[must_use]
pub fn admin_api() -> Api {
    let shared = Environment { name: EnvironmentName::literal("shared"), production: false, shared: true };
    Api {
        name: ApiName::literal(Api::ADMIN),
        policy_owner: OwnerName::literal("wardgate"),
        business_owner: None,
        business_function: None,
        environment: Arc::new(shared),
        sensitivity: Sensitivity::Critical,
        exposure: Exposure::Internal,
        consumers: Consumers::Machine,
        people: None,
        hosts: [HostPattern::Any].into(),
        path_prefix: PREFIX.into(),
        audit: AuditMode::Required,
        mode: Mode::Enforce,
        accept: [CredentialKind::Session, CredentialKind::SignIn, CredentialKind::BreakGlass].into(),
        api_key_header: None,
        upstream: Upstream {
            target: Target::InProcess,
            path: None,
            identity: UpstreamIdentity::Assertion,
            timeouts: UpstreamTimeouts::default(),
            connections_max: 64,
            wire: wardgate_model::wire::UpstreamWire::default(),
            transactions: None,
        },
        operations: operations().filter_map(|row| row.operation().ok().map(Arc::new)).collect(),
        doors: Doors::Admin,
        stale_after: None,
        require: Box::default(),
    }
}

/// The row that answers an operation of the gate's.
#[must_use]
pub fn row_of(operation: &Operation) -> Option<&'static AdminOperation> {
    let fits = |method: &Method| *method == operation.method;
    operations().find(|row| fits(&row.method.http()) && row.template == operation.template.as_str())
}

#[cfg(test)]
mod tests;
