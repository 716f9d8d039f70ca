//! Tasks in this process: what `wardgate-issuer` says of them is put on record and obeyed here, and of their budgets shares are drawn.

pub(crate) mod budgets;

use crate::{clock, control::Control};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use wardgate_edge::InProcessCall;
use wardgate_gate::{Change, Population};
use wardgate_issuer::{
    answer::marked,
    tasks::{self, Asked, Cause, Refusal, Start},
};
use wardgate_model::{
    contain::Containable,
    event::{CameOf, ForTask},
    id::{IdentityId, TaskId},
    task::TaskState,
    time::Time,
};
use wardgate_proof::entropy::SystemEntropy;
use wardgate_store::{Actor, Started, Store, StoreFault, StoredTask, TASKS_FORGOTTEN_MAX, TaskFilter, Who};

/// Tasks read from the store at a time.
const PAGE: u32 = 5_000;
/// Most tasks that are listed at once.
const LISTED_MAX: u32 = 200;
/// How often it is looked which tasks are over by themselves. The gate does not wait for that to refuse them.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// Tasks that are ended at a time.
const LAPSED_MAX: u32 = 500;
/// For how long ended tasks are kept on record, and how often those that are older are forgotten.
const KEPT: Duration = Duration::from_hours(30 * 24);
const FORGOTTEN_EVERY: u64 = 600;

/// Puts every task that is under way into a population.
///
/// # Errors
/// When the store fails.
pub(crate) async fn all(store: &Store, population: &mut Population) -> Result<(), StoreFault> {
    let mut filter = TaskFilter { state: Some(TaskState::Open), limit: PAGE, ..TaskFilter::default() };
    loop {
        let page = store.tasks(&filter).await?;
        let Some(last) = page.last() else { return Ok(()) };
        filter.after = last.task.id.as_str().into();
        population.extend(page.into_iter().map(|stored| Change::Task(Arc::new(stored.task))));
    }
}

/// What became of tasks that were touched.
///
/// # Errors
/// When the store fails.
pub(crate) async fn changed(store: &Store, touched: &BTreeSet<TaskId>) -> Result<Vec<Change>, StoreFault> {
    let ids: Vec<TaskId> = touched.iter().cloned().collect();
    let mut changes: Vec<Change> = ids.iter().cloned().map(Change::NoTask).collect();
    let there = store.tasks_named(&ids).await?.into_iter().filter(|stored| stored.task.state == TaskState::Open);
    changes.extend(there.map(|stored| Change::Task(Arc::new(stored.task))));
    Ok(changes)
}

/// Answers a judged request about tasks.
pub(crate) async fn answer(control: &Control, call: &InProcessCall) -> Response<Bytes> {
    done(control, call).await.unwrap_or_else(|refusal| {
        // Its detail may have in it what a client wrote.
        let effect = format!("refused code={}: {}", refusal.cause.as_str(), refusal.cause.title());
        marked(refusal.response(call.facts.id), &effect)
    })
}

async fn done(control: &Control, call: &InProcessCall) -> Result<Response<Bytes>, Refusal> {
    let asked = tasks::asked(&call.facts)?;
    let caller = call.facts.caller.as_ref().ok_or_else(|| Refusal::new(Cause::Fault, "the request was not judged"))?;
    if !caller.actors.is_empty() {
        return Err(Cause::Acting.into());
    }
    let identity = caller.identity.id.clone();
    let query = call.query.as_deref().unwrap_or_default();
    match asked {
        Asked::Start => {
            let mut keys = call.headers.get_all("idempotency-key").iter();
            let key = match (keys.next().map(http::HeaderValue::to_str), keys.next()) {
                (Some(Err(_)), _) | (_, Some(_)) => return Err(Refusal::new(Cause::Unfit, "`Idempotency-Key` is one text")),
                (key, None) => key.and_then(Result::ok),
            };
            let start = Start { identity: &identity, body: &call.body, key, asking: &call.facts };
            let actor = Actor::new(Who::Identity(identity.clone()), "started by whom it is of");
            let stored = start_task(control, start, &actor).await?;
            // It is on record, whatever else can be read.
            let contained = contained(control, &stored).await.unwrap_or_default();
            let mut response = told(StatusCode::CREATED, &stored, "started", contained);
            let task = ForTask { task: stored.task.id.clone(), purpose: stored.task.purpose.clone() };
            response.extensions_mut().insert(CameOf { task: Some(task), ..CameOf::default() });
            Ok(response)
        }
        Asked::List => list(control, &identity, query).await,
        Asked::Show(id) => shown(control, &own(control, &identity, &id).await?).await,
        Asked::End(id, state) => {
            let stored = own(control, &identity, &id).await?;
            if stored.task.state == state {
                return shown(control, &stored).await;
            }
            let actor = Actor::new(Who::Identity(identity), "told by whom it is of");
            let stored = end(control, &actor, &id, state).await.map_err(|found| refusal(&found))?;
            let contained = contained(control, &stored).await.unwrap_or_default();
            Ok(told(StatusCode::OK, &stored, stored.task.state.as_str(), contained))
        }
        Asked::Heartbeat(id) => {
            let stored = own(control, &identity, &id).await?;
            if stored.task.is_open(clock::now()) && control.gate().snapshot().denied().stops_task(&id) {
                return Err(Refusal::new(Cause::Contained, "the task is contained: nothing keeps it alive"));
            }
            beat(control, identity, &id).await
        }
    }
}

async fn shown(control: &Control, stored: &StoredTask) -> Result<Response<Bytes>, Refusal> {
    let contained = contained(control, stored).await?;
    Ok(tasks::document(StatusCode::OK, &tasks::view(stored, contained, clock::now())))
}

/// Since when somebody has stopped a task.
async fn contained(control: &Control, stored: &StoredTask) -> Result<Option<Time>, Refusal> {
    let stop = control.store().containment(Containable::Task, stored.task.id.as_str()).await.map_err(|found| refusal(&found))?;
    Ok(stop.map(|stop| stop.since))
}

/// What a fault of the store is to whoever asks.
fn refusal(fault: &StoreFault) -> Refusal {
    match fault {
        StoreFault::NotFound { .. } => Cause::NotFound.into(),
        StoreFault::Conflict { .. } => Refusal::new(Cause::Over, fault.to_string()),
        _ => {
            tracing::warn!(%fault, "a task could not be put on record");
            Cause::Away.into()
        }
    }
}

/// A task of this identity; another's is as one that is not there.
async fn own(control: &Control, identity: &IdentityId, id: &TaskId) -> Result<StoredTask, Refusal> {
    let stored = control.store().task(id).await.map_err(|found| refusal(&found))?;
    if stored.task.identity == *identity { Ok(stored) } else { Err(Cause::NotFound.into()) }
}

/// Puts a task on record. It is known to this gate when this returns.
pub(crate) async fn start_task(control: &Control, start: Start<'_>, actor: &Actor) -> Result<StoredTask, Refusal> {
    let now = clock::now();
    let new = {
        let (snapshot, loaded) = (control.gate().snapshot(), control.loaded());
        let registered = |name: &_| loaded.inventory.purposes.iter().any(|purpose| purpose.name == *name);
        tasks::begin(start, &snapshot, registered, &SystemEntropy, now)?
    };
    let started = control.store().start_task(actor, &new, now).await.map_err(|found| match found {
        StoreFault::Conflict { .. } => Refusal::new(Cause::Limit, found.to_string()),
        found => refusal(&found),
    })?;
    let stored = match started {
        Started::New(stored) | Started::Again(stored) => stored,
        Started::Otherwise => return Err(Refusal::new(Cause::KeyReused, "another task was started under this `Idempotency-Key`")),
    };
    if let Err(found) = control.obey(stored.revision).await {
        tracing::warn!(%found, "a task is on record; the feed that tells of it cannot be read");
    }
    Ok(stored)
}

/// A response with what is recorded of it.
fn told(status: StatusCode, stored: &StoredTask, what: &str, contained: Option<Time>) -> Response<Bytes> {
    let mut response = tasks::document(status, &tasks::view(stored, contained, clock::now()));
    if let Ok(effect) = http::HeaderValue::try_from(format!("{what} task={}", stored.task.id)) {
        response.headers_mut().insert("wardgate-effect", effect);
    }
    response
}

/// Ends a task: it is on record, and every token of it is refused here when this returns.
///
/// # Errors
/// As [`Store::end_task`].
pub(crate) async fn end(control: &Control, actor: &Actor, id: &TaskId, state: TaskState) -> Result<StoredTask, StoreFault> {
    let stored = control.store().end_task(actor, id, state, clock::now()).await?;
    if let Err(found) = control.obey_stop(stored.revision, Containable::Task, id.as_str()).await {
        tracing::error!(%found, "a task is ended on record and here; the feed that tells of it cannot be read");
    }
    Ok(stored)
}

async fn beat(control: &Control, identity: IdentityId, id: &TaskId) -> Result<Response<Bytes>, Refusal> {
    let actor = Actor::new(Who::Identity(identity), "it is under way");
    let stored = control.store().beat_task(&actor, id, clock::now()).await.map_err(|found| refusal(&found))?;
    if let Err(found) = control.obey(stored.revision).await {
        tracing::warn!(%found, "a heartbeat is on record; the feed that tells of it cannot be read");
    }
    shown(control, &stored).await
}

async fn list(control: &Control, identity: &IdentityId, query: &str) -> Result<Response<Bytes>, Refusal> {
    let mut filter = TaskFilter { identity: Some(identity.clone()), limit: LISTED_MAX, ..TaskFilter::default() };
    for (name, value) in query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
        match (name, TaskState::parse(value)) {
            ("state", Some(state)) => filter.state = Some(state),
            ("after", _) if TaskId::parse(value).is_ok() => filter.after = value.into(),
            _ => return Err(Refusal::new(Cause::Unfit, "the query knows `state` and `after`, a task's id")),
        }
    }
    let found = control.store().tasks(&filter).await.map_err(|found| refusal(&found))?;
    let names: Vec<&str> = found.iter().map(|stored| stored.task.id.as_str()).collect();
    let stops = control.store().containments_named(Containable::Task, &names).await.map_err(|found| refusal(&found))?;
    let contained = |stored: &StoredTask| stops.iter().find(|stop| *stop.name == *stored.task.id.as_str()).map(|stop| stop.since);
    let now = clock::now();
    let whole = found.len() < LISTED_MAX as usize;
    let next = if whole { None } else { found.last().map(|last| last.task.id.clone()) };
    let items: Vec<Value> = found.iter().map(|stored| tasks::view(stored, contained(stored), now)).collect();
    Ok(tasks::document(StatusCode::OK, &json!({ "items": items, "next": next })))
}

/// Ends tasks that are over by themselves, forgets what is long over, and tells again what is owed of budgets; for as long as the
/// process runs.
pub async fn look_after(control: Arc<Control>) {
    let mut tick = tokio::time::interval(LOOKED_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let actor = Actor::new(Who::Process, "nothing was heard of it any more, or its time is over");
    for turn in 0_u64.. {
        tick.tick().await;
        let now = clock::now();
        match control.store().lapse_tasks(&actor, now, LAPSED_MAX).await {
            Ok(lapsed) => {
                if let Some(last) = lapsed.last()
                    && let Err(found) = control.obey(last.revision).await
                {
                    tracing::debug!(%found, "tasks have lapsed; the feed that tells of them is read later");
                }
            }
            Err(found) => tracing::debug!(%found, "tasks that are over stay on record as open for now"),
        }
        {
            let snapshot = control.gate().snapshot();
            let budgets = control.gate().meters().budgets();
            budgets.retain(|task| snapshot.population().tasks().get(task.as_str()).is_some());
            budgets.tell_again();
        }
        if turn % FORGOTTEN_EVERY == 0 {
            let before = Time::from_micros(now.as_micros().saturating_sub(i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX)));
            loop {
                match control.store().forget_tasks(before).await {
                    Ok(forgotten) if forgotten < u64::from(TASKS_FORGOTTEN_MAX) => break,
                    Ok(_) => {}
                    Err(found) => {
                        tracing::debug!(%found, "tasks that are long over stay on record for now");
                        break;
                    }
                }
            }
        }
    }
}
