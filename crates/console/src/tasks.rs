//! Tasks by their owner's word: started, seen, ended. Whom a task is of does the same through the gate, at the token service's host.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    operations::Key,
    power::{self, Power, within_reach},
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use wardgate_model::{
    contain::Containable,
    id::{IdentityId, TaskId},
    inventory::Identity,
    task::TaskState,
    time::Time,
};
use wardgate_store::{Actor, StoreFault, StoredContainment, StoredTask, TaskFilter};

/// A task to be started.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartTaskRequest {
    /// Whose it is.
    identity: String,
    /// On which API, by its name.
    api: String,
    /// What for: a registered purpose that its grants are for.
    purpose: String,
    /// Classes (`read`) or operations (`GET /entries`).
    operations: Vec<String>,
    /// Only these resources, as paths name them; `*` at the end stands for all that begin so.
    #[serde(default)]
    resources: Vec<String>,
    /// How long at most: `15m`, at most `24h`.
    lifetime: String,
    /// For how long nothing need be heard of it: `60s`.
    lease: Option<String>,
    /// How much in all.
    budget: Option<BudgetRequest>,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// How much a task may use in all.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetRequest {
    /// Calls.
    calls: Option<u64>,
    /// Bytes of bodies, in and out.
    bytes: Option<u64>,
    /// Records in answers, where they are counted.
    records: Option<u64>,
}

/// Why something is said of a task.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskWordRequest {
    /// For the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// So much of a budget; `null`: it is not counted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BudgetView {
    /// Calls.
    calls: Option<u64>,
    /// Bytes.
    bytes: Option<u64>,
    /// Records.
    records: Option<u64>,
}

/// A task.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TaskView {
    /// Its id.
    id: String,
    /// `open`, `contained` (open on record, and stopped by somebody), `completed`, `failed` or `lapsed`.
    state: &'static str,
    /// Whose it is.
    identity: String,
    /// On which API.
    api: String,
    /// What for.
    purpose: String,
    /// Which operations.
    operations: Vec<String>,
    /// On which resources; none: on any.
    resources: Vec<String>,
    /// How much in all.
    budget: BudgetView,
    /// What of that was given out to gates: used, in use, or lost with a gate that was killed.
    given_out: BudgetView,
    /// When it was started (RFC 3339).
    started: String,
    /// When it is over at the latest (RFC 3339).
    ends: String,
    /// When it is over if nothing more is heard of it (RFC 3339).
    lapses: String,
    /// Since when somebody has stopped it (RFC 3339).
    contained: Option<String>,
    /// When it was ended (RFC 3339).
    ended: Option<String>,
    /// Who started it; who ended it, once it is.
    actor: String,
    /// Why.
    reason: String,
    /// The number of the last change.
    revision: u64,
}

/// The word for a task that is open on record, and that somebody has stopped.
pub(crate) const CONTAINED: &str = "contained";

/// What has become of a task; `stop`: it is contained. What is over is not open, whether or not somebody has put that on record yet.
pub(crate) fn state(stored: &StoredTask, stop: Option<&StoredContainment>, now: Time) -> &'static str {
    match stored.task.state {
        TaskState::Open if !stored.task.is_open(now) => TaskState::Lapsed.as_str(),
        TaskState::Open if stop.is_some() => CONTAINED,
        state => state.as_str(),
    }
}

impl TaskView {
    fn of(stored: &StoredTask, stop: Option<&StoredContainment>, now: Time) -> Self {
        let task = &stored.task;
        let given = |most: Option<u64>, given: u64| most.map(|_| given);
        Self {
            id: task.id.to_string(),
            state: state(stored, stop, now),
            identity: task.identity.to_string(),
            api: task.api.to_string(),
            purpose: task.purpose.to_string(),
            operations: task.operations.iter().map(ToString::to_string).collect(),
            resources: task.resources.iter().map(ToString::to_string).collect(),
            budget: BudgetView { calls: task.budget.calls, bytes: task.budget.bytes, records: task.budget.records },
            given_out: BudgetView {
                calls: given(task.budget.calls, stored.given.calls),
                bytes: given(task.budget.bytes, stored.given.bytes),
                records: given(task.budget.records, stored.given.records),
            },
            started: stored.started.to_rfc3339(),
            ends: task.ends.to_rfc3339(),
            lapses: task.lapses().to_rfc3339(),
            contained: stop.map(|stop| stop.since.to_rfc3339()),
            ended: stored.ended.map(Time::to_rfc3339),
            actor: stored.actor.to_string(),
            reason: stored.reason.to_string(),
            revision: stored.revision,
        }
    }
}

/// What shows every task there is.
const LISTED: &str = "list what is on record: `wardgate task list --state all`";

/// A task that the caller may see.
pub(crate) async fn find(console: &Console, caller: &Identity, name: &str) -> Result<StoredTask, Problem> {
    let missing = || Problem::new(Code::NotFound, format!("there is no task `{}`, and there was none", input::shown(name))).mend(LISTED);
    let id = TaskId::parse(name).map_err(|_| missing())?;
    let stored = match console.store.task(&id).await {
        Err(StoreFault::NotFound { .. }) => return Err(missing()),
        found => found?,
    };
    match (console.world.identity(&stored.task.identity), power::kept_to(caller)) {
        (Some(known), Some(own)) if known.owner != *own => Err(missing()),
        (None, Some(_)) => Err(missing()),
        _ => Ok(stored),
    }
}

/// Answers what is asked of tasks.
pub(crate) async fn answer(console: &Console, key: Key, asked: &Asked<'_>) -> Result<Answer, Problem> {
    match key {
        Key::ListTasks => list(console, asked).await,
        Key::StartTask => start(console, asked).await,
        Key::ReadTask => read(console, asked).await,
        Key::HeartbeatTask => beat(console, asked).await,
        Key::CompleteTask => end(console, asked, TaskState::Completed).await,
        Key::FailTask => end(console, asked, TaskState::Failed).await,
        other => Err(Problem::fault(format!("no answer to `{}`", other.as_str()))),
    }
}

/// An answer that shows a task as it is now.
async fn shown(console: &Console, stored: &StoredTask, now: Time) -> Result<Answer, Problem> {
    let stop = console.store.containment(Containable::Task, stored.task.id.as_str()).await?;
    Ok(Answer::ok(&TaskView::of(stored, stop.as_ref(), now)).at(stored.revision))
}

/// Which of some tasks somebody has stopped.
pub(crate) async fn stops<'t>(
    console: &Console,
    tasks: impl Iterator<Item = &'t TaskId>,
) -> Result<BTreeMap<Box<str>, StoredContainment>, StoreFault> {
    let names: Vec<&str> = tasks.map(TaskId::as_str).collect();
    let found = console.store.containments_named(Containable::Task, &names).await?;
    Ok(found.into_iter().map(|stop| (stop.name.clone(), stop)).collect())
}

async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, after) = (asked.query.limit()?, asked.query.value("cursor").unwrap_or_default());
    let identity = asked.query.value("identity").map(|name| input::name("`identity`", name, IdentityId::parse)).transpose()?;
    let state = asked.query.value("state");
    // It is open on record.
    let stopped = state == Some(CONTAINED);
    let on_record = state.map(|word| if stopped { Ok(TaskState::Open) } else { TaskState::parse(word).ok_or(word) }).transpose();
    let on_record = on_record.map_err(|word| {
        input::malformed(format!("`state` is `open`, `contained`, `completed`, `failed` or `lapsed`, not `{}`", input::shown(word)))
    })?;
    let own = power::kept_to(&asked.caller.identity);
    let (mut found, wanted) = (Vec::new(), usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1));
    let mut filter = TaskFilter { after: after.into(), identity, state: on_record, limit: 1_000 };
    while found.len() < wanted {
        let page = console.store.tasks(&filter).await?;
        let Some(last) = page.last().map(|last| last.task.id.as_str().into()) else { break };
        filter.after = last;
        let mut stops = stops(console, page.iter().map(|stored| &stored.task.id)).await?;
        found.extend(
            page.into_iter()
                .filter(|stored| {
                    own.is_none_or(|own| console.world.identity(&stored.task.identity).is_some_and(|known| known.owner == *own))
                })
                .map(|stored| (stops.remove(stored.task.id.as_str()), stored))
                .filter(|(stop, stored)| !stopped || self::state(stored, stop.as_ref(), asked.now) == CONTAINED),
        );
    }
    found.truncate(wanted);
    let shown = |(stop, stored): (Option<StoredContainment>, StoredTask)| TaskView::of(&stored, stop.as_ref(), asked.now);
    Ok(Answer::ok(&Page::cut(found, limit, |(_, stored)| stored.task.id.to_string(), shown)))
}

async fn start(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: StartTaskRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let id = input::name("the name of the identity", &request.identity, IdentityId::parse)?;
    let missing = || Problem::new(Code::NotFound, format!("there is no identity `{id}`"));
    let known = console.world.identity(&id).ok_or_else(missing)?;
    within_reach(&asked.caller.identity, &known, Power::Give)?;
    let body = json!({
        "api": request.api,
        "purpose": request.purpose,
        "operations": request.operations,
        "resources": request.resources,
        "lifetime": request.lifetime,
        "lease": request.lease,
        "budget": request.budget,
    });
    let stored = console.world.start_task(&actor, &id, body, &asked.call.facts).await?;
    Ok(Answer::json(StatusCode::CREATED, &TaskView::of(&stored, None, asked.now)).at(stored.revision))
}

async fn read(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let there = find(console, &asked.caller.identity, &asked.parameter("id")?).await?;
    shown(console, &there, asked.now).await
}

/// Who says something of a task, and why; and the task, which is one of those that the caller may say that of.
async fn said(console: &Console, asked: &Asked<'_>, power: Power) -> Result<(Actor, StoredTask), Problem> {
    let request: TaskWordRequest =
        if asked.call.body.is_empty() { TaskWordRequest::default() } else { input::body(&asked.call.headers, &asked.call.body)? };
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let there = find(console, &asked.caller.identity, &asked.parameter("id")?).await?;
    if let Some(known) = console.world.identity(&there.task.identity) {
        within_reach(&asked.caller.identity, &known, power)?;
    }
    Ok((actor, there))
}

/// Of a task that somebody stopped nothing is kept alive or given out.
pub(crate) async fn not_contained(console: &Console, id: &TaskId) -> Result<(), Problem> {
    match console.store.containment(Containable::Task, id.as_str()).await? {
        None => Ok(()),
        Some(stop) => Err(Problem::new(Code::Unfit, format!("the task `{id}` is contained since {}", stop.since.to_rfc3339()))
            .mend("start another task, or have it released: `wardgate contain --list`")),
    }
}

/// A task that has ended already.
fn over(fault: StoreFault) -> Problem {
    let conflict = matches!(fault, StoreFault::Conflict { .. });
    let problem = Problem::from(fault);
    if conflict { problem.mend("nothing brings it back: start another, `wardgate task start`") } else { problem }
}

async fn beat(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (actor, there) = said(console, asked, Power::Give).await?;
    // What has ended says that itself.
    if there.task.is_open(asked.now) {
        not_contained(console, &there.task.id).await?;
    }
    let stored = console.store.beat_task(&actor, &there.task.id, asked.now).await.map_err(over)?;
    console.world.published(stored.revision).await;
    shown(console, &stored, asked.now).await
}

async fn end(console: &Console, asked: &Asked<'_>, state: TaskState) -> Result<Answer, Problem> {
    let (actor, there) = said(console, asked, Power::Stop).await?;
    if there.task.state == state {
        return shown(console, &there, asked.now).await;
    }
    let stored = console.store.end_task(&actor, &there.task.id, state, asked.now).await.map_err(over)?;
    console.world.published_stop(stored.revision, Containable::Task, stored.task.id.as_str()).await;
    shown(console, &stored, asked.now).await
}
