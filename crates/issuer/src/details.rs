//! What a token is asked for beside `scope`: `authorization_details` (RFC 9396) of the one type that is known here, a task.
//!
//! ```json
//! [{ "type": "wardgate_task", "task_id": "t-…", "operations": ["read"], "resources": ["2027-01"], "max_calls": 100 }]
//! ```
//! Whatever is said beside `task_id` may be less than the task has; `purpose` and the budget are the task's, or left out. What comes of
//! a token of a task (RFC 8693) is of the same task, and for no more than that token. What is granted is told in full, in the answer, in
//! the token and by introspection.

use crate::{
    answer::{Error, Refusal},
    exchange::Request,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use wardgate_gate::task::OfTask;
use wardgate_model::{
    api::{Api, Operation},
    grant::OperationSelector,
    id::{IdentityId, TaskId},
    task::{Task, covers, is_narrower},
};
use wardgate_proof::jose::json::{self, Bounds};

/// The type.
pub const TYPE: &str = "wardgate_task";
/// How much may stand in what is asked for.
const BOUNDS: Bounds = Bounds { depth: 4, values: 256 };
/// What may stand in one.
const MEMBERS: [&str; 8] = ["type", "task_id", "purpose", "operations", "resources", "max_calls", "max_bytes", "max_records"];

/// A token of a task is asked for.
#[derive(Debug, Clone)]
pub struct Asks {
    /// The task; it is under way.
    pub task: Arc<Task>,
    /// For which of its operations.
    pub operations: Box<[OperationSelector]>,
    /// On which of its resources.
    pub resources: Box<[Box<str>]>,
}

fn refused(why: &'static str) -> Refusal {
    Refusal::new(Error::InvalidAuthorizationDetails, why)
}

/// A task that is none and one that is over or somebody else's are told alike.
fn no_task() -> Refusal {
    refused("there is no such task of this client under way")
}

impl Asks {
    /// Whether the token covers an operation.
    #[must_use]
    pub fn covers(&self, operation: &Operation) -> bool {
        covers(&self.task.operations, operation) && covers(&self.operations, operation)
    }

    /// What is granted, in full.
    #[must_use]
    pub fn granted(&self) -> Value {
        let operations: Vec<String> = self.operations.iter().map(ToString::to_string).collect();
        let mut granted = json!({
            "type": TYPE,
            "task_id": self.task.id,
            "purpose": self.task.purpose,
            "operations": operations,
            "resources": self.resources,
        });
        let budget = self.task.budget;
        for (name, most) in [("max_calls", budget.calls), ("max_bytes", budget.bytes), ("max_records", budget.records)] {
            if let (Some(most), Some(granted)) = (most, granted.as_object_mut()) {
                granted.insert(name.to_owned(), json!(most));
            }
        }
        json!([granted])
    }
}

/// Whether something is asked for by `authorization_details`.
pub(crate) fn is_asked(request: &Request<'_>) -> bool {
    request.form.one("authorization_details").is_some()
}

/// The task that a token of `identity` is to be of: what is asked for by `authorization_details`, or what the token is of that it is asked
/// upon. Of that it is never for more.
///
/// # Errors
/// When what is asked for cannot be read, is of another type, or is more than there is.
pub(crate) fn asked(request: &Request<'_>, identity: &IdentityId, upon: Option<&OfTask>) -> Result<Option<Asks>, Refusal> {
    let find = |id: &TaskId| find(request, id, identity).ok_or_else(no_task);
    let detail = match (request.form.one("authorization_details"), upon) {
        (None, None) => return Ok(None),
        (None, Some(of)) => {
            let (operations, resources) = (of.operations.clone(), of.resources.clone());
            return Ok(Some(Asks { task: find(&of.task)?, operations, resources }));
        }
        (Some(text), _) => one(text)?,
    };
    let named = |name: &str| detail.get(name).and_then(Value::as_str);
    let id = named("task_id").and_then(|id| TaskId::parse(id).ok()).ok_or_else(|| refused("`task_id` is missing or is none"))?;
    if upon.is_some_and(|of| of.task != id) {
        return Err(refused("the `subject_token` is of another task: what comes of it is of that one"));
    }
    let task = find(&id)?;
    if detail.contains_key("purpose") && named("purpose") != Some(task.purpose.as_str()) {
        return Err(refused("`purpose` is not the task's"));
    }
    for (name, most) in [("max_calls", task.budget.calls), ("max_bytes", task.budget.bytes), ("max_records", task.budget.records)] {
        if detail.get(name).is_some_and(|asked| most.is_none() || asked.as_u64() != most) {
            return Err(refused("the budget is not the task's: one counts for all tokens of a task")
                .told(&format!("`{name}` is not the task's: one budget counts for all tokens of a task, start one with less")));
        }
    }
    let operations = match list(&detail, "operations")? {
        None => upon.map_or(&task.operations, |of| &of.operations).clone(),
        Some(asked) => operations(&asked, &task, upon, request)?,
    };
    let held = upon.map_or(&task.resources, |of| &of.resources);
    let resources = match list(&detail, "resources")? {
        None => held.clone(),
        Some(asked) if is_narrower(&asked, &task.resources) && is_narrower(&asked, held) => asked.iter().map(|one| (*one).into()).collect(),
        Some(_) => return Err(refused("`resources` has some that the task, or the token that is shown, has not")),
    };
    Ok(Some(Asks { task, operations, resources }))
}

fn find(request: &Request<'_>, id: &TaskId, identity: &IdentityId) -> Option<Arc<Task>> {
    let task = request.snapshot.task(id.as_str(), identity, request.now)?;
    (!request.snapshot.denied().stops_task(id)).then(|| Arc::clone(task))
}

/// The one detail, of our type, with nothing in it that is not known (RFC 9396 §5).
fn one(text: &str) -> Result<Map<String, Value>, Refusal> {
    let read = json::value(text.as_bytes(), BOUNDS)
        .map_err(|fault| refused("`authorization_details` cannot be read").told(&format!("`authorization_details`: {fault}")))?;
    let Value::Array(details) = read else { return Err(refused("`authorization_details` is a list of objects (RFC 9396 §2)")) };
    let mut details = details.into_iter();
    let (Some(Value::Object(detail)), None) = (details.next(), details.next()) else {
        return Err(refused("`authorization_details` has one object here, of the type `wardgate_task`"));
    };
    if detail.get("type").and_then(Value::as_str) != Some(TYPE) {
        return Err(refused("the one type of `authorization_details` that is known here is `wardgate_task`"));
    }
    match detail.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        Some(name) => Err(refused("`authorization_details` has a member that a `wardgate_task` has not")
            .told(&format!("`{name}` is nothing that a `wardgate_task` has"))),
        None => Ok(detail),
    }
}

/// A list of texts, at least one.
fn list<'d>(detail: &'d Map<String, Value>, name: &str) -> Result<Option<Vec<&'d str>>, Refusal> {
    let Some(value) = detail.get(name) else { return Ok(None) };
    let texts: Option<Vec<&str>> = value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
    match texts {
        Some(texts) if !texts.is_empty() => Ok(Some(texts)),
        Some(_) | None => Err(refused("`operations` and `resources` are lists of texts, one at least")
            .told(&format!("`{name}` is a list of texts, one at least"))),
    }
}

fn operations(asked: &[&str], task: &Task, upon: Option<&OfTask>, request: &Request<'_>) -> Result<Box<[OperationSelector]>, Refusal> {
    let api = request.snapshot.apis().iter().find(|api| api.name == task.api).ok_or_else(|| refused("the task's API is not there"))?;
    let wider = |one: &str| {
        refused("`operations` has one that the task, or the token that is shown, has not")
            .told(&format!("the operation `{one}` is none that the task, or the token that is shown, has"))
    };
    let mut selected = Vec::with_capacity(asked.len());
    for one in asked {
        let selector = select(one, api).ok_or_else(|| wider(one))?;
        // Of a class that the task has by some of its operations, the token has those.
        let both = |own: &Arc<Operation>| covers(std::slice::from_ref(&selector), own) && covers(&task.operations, own);
        let mut both = api.operations.iter().filter(|own| both(own)).peekable();
        // A class of which the token has some, it may have again only by their names.
        let held = |of: &OfTask| match &selector {
            OperationSelector::Class(_) => of.operations.contains(&selector),
            OperationSelector::Operation { .. } => both.clone().all(|own| covers(&of.operations, own)),
        };
        if upon.is_some_and(|of| !held(of)) || both.peek().is_none() {
            return Err(wider(one));
        }
        selected.push(selector);
    }
    Ok(selected.into())
}

/// What a text selects of an API: a class, or a method and a template, with or without the API's prefix.
pub(crate) fn select(text: &str, api: &Api) -> Option<OperationSelector> {
    let selector = OperationSelector::parse(text)?;
    let OperationSelector::Operation { method, template } = &selector else { return Some(selector) };
    // As a `Grant` names it: the root of an API is its prefix.
    let full = match template.as_str() {
        "/" if !api.path_prefix.is_empty() => api.path_prefix.to_string(),
        template => format!("{}{template}", api.path_prefix),
    };
    let own = api.operations.iter().find(|own| own.method == *method && [template.as_str(), &full].contains(&own.template.as_str()))?;
    Some(OperationSelector::Operation { method: own.method.clone(), template: own.template.clone() })
}
