//! The one table of operations, a room a file. The API that the gate judges, the OpenAPI document and the dispatch come
//! from it.

mod access;
mod announcements;
mod approvals;
mod containments;
mod credentials;
mod declared;
mod events;
mod key;
mod lifecycle;
mod owners;
mod rehearsals;
mod row;
mod sessions;
mod tasks;
mod timeline;

pub use key::Key;
pub(crate) use row::IDEMPOTENCY_KEY;
pub use row::{AdminOperation, Needs, Parameter, Place, Reach, SchemaOf, Verb};

use http::Method;
use wardgate_model::{
    api::{Api, Doors, HostPattern, Operation},
    credential::CredentialKind,
    id::ApiName,
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
    announcements::ROWS,
    rehearsals::ROWS,
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
    let accept = [CredentialKind::Session, CredentialKind::SignIn, CredentialKind::BreakGlass];
    let operations = operations().filter_map(|row| row.operation().ok());
    Api::ours(ApiName::literal(Api::ADMIN), (Doors::Admin, HostPattern::Any), PREFIX, &accept, operations)
}

/// The row that answers an operation of the gate's.
#[must_use]
pub fn row_of(operation: &Operation) -> Option<&'static AdminOperation> {
    let fits = |method: &Method| *method == operation.method;
    operations().find(|row| fits(&row.method.http()) && row.template == operation.template.as_str())
}

#[cfg(test)]
mod tests;
