//! Explaining: why a request was ruled as it was, or what would become of one.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
    tasks,
    world::DescribedRequest,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use wardgate_model::{
    contain::Containable,
    grant::OperationSelector,
    id::{IdentityId, RequestId, TaskId},
    proof::ProofKind,
    reason::Reason,
    task::{Task, holds},
    time::Time,
};

/// Most header fields in a description.
const HEADERS_MAX: usize = 100;
/// Longest address in a description, in bytes.
const URL_BYTES_MAX: usize = 8 * 1024;

/// A request that nobody made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainRequest {
    /// As whom; without it, as whoever the headers prove, or nobody.
    identity: Option<String>,
    /// The method.
    method: String,
    /// The whole address, with `http://` or `https://` and the host.
    url: String,
    /// Header fields, each as `Name: value`.
    #[serde(default)]
    headers: Vec<String>,
    /// The address it comes from.
    source: Option<String>,
    /// How `identity` would prove itself, as `context.proof.kind` has it; without it, by its first credential.
    proof: Option<String>,
}

pub(crate) async fn recorded(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let text = asked.parameter("request_id")?;
    let id = RequestId::parse(&text).ok_or_else(|| {
        input::malformed(format!("`{}` is no request id", input::shown(&text)))
            .mend("name a request as answers and `wardgate audit tail` do")
    })?;
    let event = console.world.event(id).await.map_err(Problem::fault)?;
    let missing = || {
        Problem::new(Code::NotFound, format!("there is no event of the request `{id}`, or not any more"))
            .mend("name one that is on record: `wardgate audit tail`; what is under way still has none yet")
    };
    let event = event.ok_or_else(missing)?;
    let of =
        (event.get("task").and_then(Value::as_str).and_then(|task| TaskId::parse(task).ok()), event.get("time_us").and_then(Value::as_i64));
    let mut explained = console.world.explain_recorded(event);
    if let (Some(task), Some(time)) = of {
        tell_task(console, &mut explained, &task, Time::from_micros(time), asked.now).await;
    }
    Ok(Answer::json(StatusCode::OK, &explained))
}

/// Says what has become of the task of a request; and what to do where the request was refused because that was over. Where it is not on
/// record any more, or the store is away, the rest of the explanation stands all the same.
async fn tell_task(console: &Console, explained: &mut Value, task: &TaskId, at: Time, now: Time) {
    let stop = console.store.containment(Containable::Task, task.as_str()).await;
    let (Ok(stored), Ok(stop), Some(members)) = (console.store.task(task).await, stop, explained.as_object_mut()) else { return };
    let state = tasks::state(&stored, stop.as_ref(), now);
    let stopped = stop.map(|stop| stop.since);
    let since = if state == tasks::CONTAINED { stopped } else { stored.ended };
    let outside = outside(members, &stored.task);
    members.insert("task".to_owned(), json!({ "id": task, "state": state, "since": since.map(Time::to_rfc3339), "outside": outside }));
    let revoked = members.get("ruling").and_then(|ruling| ruling.get("code")?.as_str()) == Some(Reason::ProofRevoked.code());
    // Whether somebody has put on record that it is over, or nobody yet.
    let over = stored.ended.into_iter().chain([stored.task.is_over_from()]).any(|over| over <= at);
    let remedy = match (over, stopped.is_some_and(|since| since <= at)) {
        (true, _) => "its task is over: start another (`wardgate task start`)",
        (false, true) => "its task is contained: start another, or have it released (`wardgate contain --list`)",
        (false, false) => return,
    };
    if revoked {
        members.insert("remedy".to_owned(), remedy.into());
    }
}

/// What of a call was outside of its task, where it was refused for that; `None`: it was not. The task itself says it; where all of it covers the
/// call, it was the purpose that was declared, or the token was for less than its task.
fn outside(explained: &Map<String, Value>, task: &Task) -> Option<String> {
    let text = |member: &str| explained.get(member).and_then(Value::as_str);
    if explained.get("ruling")?.get("code")?.as_str() != Some(Reason::StandingTask.code()) {
        return None;
    }
    let api = explained.get("api").and_then(|api| api.get("name")?.as_str()).unwrap_or("-");
    if api != task.api.as_str() {
        return Some(format!("the API `{api}`: the task is of `{}`", task.api));
    }
    let (operation, class) = (text("operation").unwrap_or("-"), text("class"));
    let covered = task.operations.iter().any(|selector| match selector {
        OperationSelector::Class(of) => class == Some(of.as_str()),
        OperationSelector::Operation { method, template } => operation == format!("{api} {method} {}", template.as_str()),
    });
    if !covered {
        let of: Vec<String> = task.operations.iter().map(|one| format!("`{one}`")).collect();
        return Some(format!("the operation `{operation}`: the task has {}", of.join(", ")));
    }
    let resource = text("resource");
    if !holds(&task.resources, resource) {
        let of: Vec<String> = task.resources.iter().map(|one| format!("`{one}`")).collect();
        let asked = resource.map_or_else(|| "an operation without a resource".to_owned(), |resource| format!("the resource `{resource}`"));
        return Some(format!("{asked}: the task has {}", of.join(", ")));
    }
    Some(format!(
        "the purpose that was declared, where that is not the task's (`{}`), or what was shown is for less than its task",
        task.purpose
    ))
}

pub(crate) fn described(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ExplainRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let described = read(&request)?;
    Ok(Answer::json(StatusCode::OK, &console.world.explain_described(&described)?))
}

fn read(request: &ExplainRequest) -> Result<DescribedRequest, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let identity = request.identity.as_deref().map(|text| input::name("identity", text, IdentityId::parse)).transpose()?;
    let method = Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| unfit(format!("`{}` is no method", input::shown(&request.method))))?;
    if request.url.len() > URL_BYTES_MAX {
        return Err(unfit(format!("`url` has at most {URL_BYTES_MAX} bytes")));
    }
    let url: Uri = request.url.parse().map_err(|_| unfit(format!("`{}` is no URL", input::shown(&request.url))))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        let detail = format!("`{}` is no whole URL: begin with `http://` or `https://` and the host", input::shown(&request.url));
        return Err(unfit(detail));
    }
    let source = request.source.as_deref().map(|text| {
        let address: Result<IpAddr, _> = text.parse();
        address.map_err(|_| unfit(format!("`{}` is no address", input::shown(text))))
    });
    let proof = request.proof.as_deref().map(|word| {
        let words = || ProofKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join("`, `");
        ProofKind::parse(word).ok_or_else(|| unfit(format!("`{}` is no kind of proof: there are `{}`", input::shown(word), words())))
    });
    let (source, proof) = (source.transpose()?, proof.transpose()?);
    if proof.is_some() && identity.is_none() {
        return Err(unfit("`proof` says how `identity` would prove itself, and there is none".to_owned()));
    }
    Ok(DescribedRequest { identity, method, url, headers: fields(&request.headers)?, source, proof })
}

/// Reads `Name: value` lines. A value may be a credential, so no message shows one.
fn fields(lines: &[String]) -> Result<HeaderMap, Problem> {
    if lines.len() > HEADERS_MAX {
        return Err(Problem::new(Code::Unfit, format!("a request has at most {HEADERS_MAX} header fields")));
    }
    let mut headers = HeaderMap::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let unfit = |why: &str| Problem::new(Code::Unfit, format!("the header field {} {why}", at + 1));
        let (name, value) = line.split_once(':').ok_or_else(|| unfit("has no colon: write `Name: value`"))?;
        let name: HeaderName = name.parse().map_err(|_| unfit("has no valid name"))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| unfit("has a value that is not visible ASCII"))?;
        headers.try_append(name, value).map_err(|_| unfit("is one too many"))?;
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
