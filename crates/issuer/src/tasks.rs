//! Tasks over HTTP: started, kept alive and ended by whom they are of, whatever it proves itself by. An API of its own beside the token
//! service, judged by the gate as any other.
//!
//! INVARIANT (no more than the gate): a task is of operations of which the gate could let its identity in to each with a token of it
//! (`gate::prospect`), for a purpose that its grants do not rule out.

mod refusal;
mod start;

pub use refusal::{Cause, Refusal};
pub use start::{LEASE_MIN, Start, begin};

use crate::place::Place;
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use wardgate_model::{
    api::{Api, Doors, HostPattern, Operation, OperationClass, PathTemplate},
    credential::CredentialKind,
    facts::Facts,
    id::{ApiName, TaskId},
    task::TaskState,
    time::Time,
};
use wardgate_store::StoredTask;

/// What can be asked for.
const OPERATIONS: [(Method, &str, OperationClass); 6] = [
    (Method::POST, "", OperationClass::Write),
    (Method::GET, "", OperationClass::List),
    (Method::GET, "/{task}", OperationClass::Read),
    (Method::POST, "/{task}/complete", OperationClass::Write),
    (Method::POST, "/{task}/fail", OperationClass::Write),
    (Method::POST, "/{task}/heartbeat", OperationClass::Write),
];

/// What is asked for, by operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A task is started.
    Start,
    /// The tasks of the caller.
    List,
    /// One of them.
    Show(TaskId),
    /// One of them is ended.
    End(TaskId, TaskState),
    /// One of them is under way still.
    Heartbeat(TaskId),
}

/// The API at a place.
#[must_use]
pub fn api(place: &Place) -> Api {
    let (name, prefix) = (ApiName::literal(Api::TASKS), place.tasks());
    let operations = OPERATIONS.into_iter().filter_map(|(method, rest, class)| {
        let template = PathTemplate::parse(&format!("{prefix}{rest}")).ok()?;
        Some(Operation { resource: (!rest.is_empty()).then(|| "task".into()), ..Operation::ours(&name, method, template, class) })
    });
    let accept = [CredentialKind::ApiKey, CredentialKind::Oidc, CredentialKind::X509];
    Api::ours(name.clone(), (Doors::Public, HostPattern::Exact(place.host().into())), &prefix, &accept, operations)
}

/// What a judged request asks for.
///
/// # Errors
/// When it names no task.
pub fn asked(facts: &Facts) -> Result<Asked, Refusal> {
    let template = facts.operation.as_deref().map_or("", |operation| operation.template.as_str());
    let task = || {
        let id = facts.resource.as_deref().and_then(|id| TaskId::parse(id).ok());
        id.ok_or(Refusal::from(Cause::NotFound))
    };
    match template.rsplit('/').next() {
        Some("complete") => Ok(Asked::End(task()?, TaskState::Completed)),
        Some("fail") => Ok(Asked::End(task()?, TaskState::Failed)),
        Some("heartbeat") => Ok(Asked::Heartbeat(task()?)),
        Some("{task}") => Ok(Asked::Show(task()?)),
        _ if facts.request.method == Method::POST => Ok(Asked::Start),
        _ => Ok(Asked::List),
    }
}

/// A task, as it is told; `contained`: since when somebody has stopped it.
#[must_use]
pub fn view(stored: &StoredTask, contained: Option<Time>, now: Time) -> Value {
    let StoredTask { task, given, started, ended, .. } = stored;
    let operations: Vec<String> = task.operations.iter().map(ToString::to_string).collect();
    json!({
        "task_id": task.id,
        "state": state(stored, contained.is_some(), now),
        "identity": task.identity,
        "purpose": task.purpose,
        "api": task.api,
        "operations": operations,
        "resources": task.resources,
        "budget": { "calls": task.budget.calls, "bytes": task.budget.bytes, "records": task.budget.records },
        "given_out": { "calls": given.calls, "bytes": given.bytes, "records": given.records },
        "started": started.to_rfc3339(),
        "ends": task.ends.to_rfc3339(),
        "lease": task.lease.map(|lease| lease.as_secs()),
        "lapses": task.lapses().to_rfc3339(),
        "contained": contained.map(Time::to_rfc3339),
        "ended": ended.map(Time::to_rfc3339),
    })
}

/// The word for what has become of a task. What is over is not open, whether or not somebody has put that on record yet; nor is what
/// somebody has stopped.
#[must_use]
pub fn state(stored: &StoredTask, is_contained: bool, now: Time) -> &'static str {
    match stored.task.state {
        TaskState::Open if !stored.task.is_open(now) => TaskState::Lapsed.as_str(),
        TaskState::Open if is_contained => "contained",
        state => state.as_str(),
    }
}

/// A document that nobody keeps.
#[must_use]
pub fn document(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
