//! What it takes to start a task.

use super::refusal::{Cause, Refusal};
use crate::details;
use serde_json::{Map, Value};
use std::{fmt::Write as _, ops::RangeInclusive, sync::Arc, time::Duration};
use wardgate_gate::{Snapshot, prospect::Prospect};
use wardgate_model::{
    api::{Api, Doors, Operation},
    facts::{Basis, Caller, Facts, Purpose, TokenFacts},
    grant::OperationSelector,
    id::{IdentityId, PurposeName, TaskId},
    proof::{ProofFacts, ProofKind},
    task::{Budget, Task, TaskState, covers},
    time::Time,
};
use wardgate_proof::{
    entropy::Entropy,
    jose::{
        self,
        json::{self, Bounds},
    },
};
use wardgate_store::{NewTask, StartKey};

/// Longest life of a task.
const LIFE_MAX: Duration = Duration::from_hours(24);
/// Shortest life.
const LIFE_MIN: Duration = Duration::from_secs(1);
/// Shortest lease: a heartbeat is a change that every gate hears of.
pub const LEASE_MIN: Duration = Duration::from_secs(10);
/// Longest request, in bytes.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// How much may stand in one.
const BOUNDS: Bounds = Bounds { depth: 3, values: 256 };
/// Most operations, and most resources, of one task.
const NAMED_MAX: usize = 64;
/// Longest name of a resource, in bytes.
const RESOURCE_BYTES_MAX: usize = 256;
/// Longest name of a start, in bytes.
const KEY_BYTES_MAX: usize = 256;
/// Most of anything that a budget can have.
const MOST: u64 = 1 << 53;
/// What may stand in a request.
const MEMBERS: [&str; 8] = ["purpose", "operations", "resources", "lifetime", "lease", "budget", "api", "resource"];

/// A request for a task.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Whose it is to be.
    pub identity: &'a IdentityId,
    /// The body.
    pub body: &'a [u8],
    /// The `Idempotency-Key`, as received.
    pub key: Option<&'a str>,
    /// By what the gate is asked what could be let in.
    pub asking: &'a Facts,
}

fn unfit(detail: impl Into<String>) -> Refusal {
    Refusal::new(Cause::Unfit, detail)
}

/// The task that is to be started. `registered`: whether somebody declared a purpose.
///
/// # Errors
/// With what is wrong with the request, by the name of the member.
pub fn begin(
    start: Start<'_>,
    snapshot: &Snapshot,
    registered: impl Fn(&PurposeName) -> bool,
    entropy: &dyn Entropy,
    now: Time,
) -> Result<NewTask, Refusal> {
    let body = read(start.body)?;
    let purpose = text(&body, "purpose")?.ok_or_else(|| unfit("`purpose` is missing: name a registered purpose"))?;
    let asked = shortened(purpose);
    let purpose = PurposeName::parse(purpose).ok().filter(registered);
    let purpose =
        purpose.ok_or_else(|| unfit(format!("`purpose`: `{asked}` is none that is registered: `kind: Purpose` registers one")))?;
    let api = api(&body, snapshot)?;
    let life = span(&body, "lifetime", LIFE_MIN..=LIFE_MAX)?.ok_or_else(|| unfit("`lifetime` is missing: `15m`, or seconds"))?;
    let lease = span(&body, "lease", LEASE_MIN..=LIFE_MAX)?;
    if lease.is_some_and(|lease| lease > life) {
        return Err(unfit("`lease` is longer than `lifetime`: leave it out, or make it shorter"));
    }
    let ends = now + life;
    let identity = snapshot.identity(start.identity).ok_or_else(|| unfit("the identity is not on record"))?;
    let (operations, resources) = (operations(&body, &api)?, resources(&body)?);
    reachable(&operations, &resources, &api)?;
    let task = Task {
        id: id(entropy)?,
        identity: identity.id.clone(),
        purpose,
        operations,
        api: api.name.clone(),
        resources,
        budget: budget(&body)?,
        ends: identity.ends.map_or(ends, |end| end.min(ends)),
        lease,
        beat: now,
        state: TaskState::Open,
    };
    allowed(&task, &api, &start, snapshot, now)?;
    Ok(NewTask { task, key: key(&start)? })
}

fn read(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Cause::TooLarge, format!("the body has more than {BODY_BYTES_MAX} bytes")));
    }
    let members = json::object(body, BOUNDS).map_err(|fault| {
        // Where it is none: a member that is there twice is named.
        let place = serde_json::from_slice::<Value>(body).err().map(|error| (error.line(), error.column()));
        let place = place.map_or_else(String::new, |(line, column)| format!(" at line {line} column {column}"));
        unfit(format!("the body: {fault}{place}"))
    })?;
    match members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        Some(name) => Err(unfit(format!("`{}` is nothing that a task has", shortened(name)))),
        None => Ok(members),
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Option<&'b str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(unfit(format!("`{name}` is a text"))),
    }
}

fn texts<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Vec<&'b str>, Refusal> {
    let all: Option<Vec<&str>> = match body.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let all = all.ok_or_else(|| unfit(format!("`{name}` is a list of texts")))?;
    if all.len() > NAMED_MAX { Err(unfit(format!("`{name}` has more than {NAMED_MAX}"))) } else { Ok(all) }
}

/// Seconds as a number, or `90s`, `15m`, `2h`.
fn span(body: &Map<String, Value>, name: &str, within: RangeInclusive<Duration>) -> Result<Option<Duration>, Refusal> {
    let seconds = match body.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.char_indices().last().and_then(|(at, unit)| {
            let unit = match unit {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                _ => return None,
            };
            let count = text.get(..at).filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()))?;
            count.parse::<u64>().ok()?.checked_mul(unit)
        }),
        Some(_) => None,
    };
    let fits = |span: &Duration| within.contains(span);
    let (least, most) = (within.start().as_secs(), within.end().as_secs() / 3_600);
    let bounds = || unfit(format!("`{name}` is seconds, or a text as `15m` or `2h`: from {least} s to {most} h"));
    seconds.map(Duration::from_secs).filter(fits).map(Some).ok_or_else(bounds)
}

fn budget(body: &Map<String, Value>) -> Result<Budget, Refusal> {
    let members = match body.get("budget") {
        None | Some(Value::Null) => return Ok(Budget::default()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(unfit("`budget` is an object: `{\"calls\": 100, \"bytes\": 1000000, \"records\": 5000}`")),
    };
    if let Some(name) = members.keys().find(|name| !["calls", "bytes", "records"].contains(&name.as_str())) {
        return Err(unfit(format!("`budget.{}` is nothing that is counted", shortened(name))));
    }
    let one = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|most| (1..=MOST).contains(most)) {
            Some(most) => Ok(Some(most)),
            None => Err(unfit(format!("`budget.{name}` is a whole number, one at least"))),
        },
    };
    Ok(Budget { calls: one("calls")?, bytes: one("bytes")?, records: one("records")? })
}

/// By its name, or by its address as a token's `resource` names it.
fn api(body: &Map<String, Value>, snapshot: &Snapshot) -> Result<Arc<Api>, Refusal> {
    let (name, address) = (text(body, "api")?, text(body, "resource")?);
    let found = match (name, address) {
        (Some(_), Some(_)) => return Err(unfit("`api` and `resource` say the same: name one")),
        (None, None) => return Err(unfit("`api` is missing: the API by its name, or `resource`: by its address")),
        (Some(name), None) => snapshot.apis().iter().find(|api| api.name.as_str() == name),
        (None, Some(address)) => snapshot.addressed(address),
    };
    let found = found.filter(|api| api.doors != Doors::Admin && !api.is_issuer() && !api.is_tasks());
    let asked = shortened(name.or(address).unwrap_or_default());
    found.cloned().ok_or_else(|| unfit(format!("there is no API `{asked}` that a task could be for")))
}

fn operations(body: &Map<String, Value>, api: &Api) -> Result<Box<[OperationSelector]>, Refusal> {
    let named = texts(body, "operations")?;
    if named.is_empty() {
        return Err(unfit("`operations` is missing: classes (`read`) or operations (`GET /entries`)"));
    }
    let one = |one: &&str| {
        details::select(one, api)
            .ok_or_else(|| unfit(format!("`operations`: `{}` is no class and no operation of the API", shortened(one))))
    };
    named.iter().map(one).collect()
}

fn resources(body: &Map<String, Value>) -> Result<Box<[Box<str>]>, Refusal> {
    let named = texts(body, "resources")?;
    let fits = |one: &&str| !one.is_empty() && one.len() <= RESOURCE_BYTES_MAX && !one.chars().any(char::is_control);
    match named.iter().find(|one| !fits(one)) {
        Some(_) => Err(unfit(format!("`resources`: one is empty, longer than {RESOURCE_BYTES_MAX} bytes, or no plain text"))),
        None => Ok(named.into_iter().map(Into::into).collect()),
    }
}

/// Whether each operation could be called at all: where resources are named, what names none is none of the task ([`holds`]).
///
/// [`holds`]: wardgate_model::task::holds
fn reachable(operations: &[OperationSelector], resources: &[Box<str>], api: &Api) -> Result<(), Refusal> {
    let names = |selector: &OperationSelector| {
        api.operations.iter().any(|own| own.resource.is_some() && covers(std::slice::from_ref(selector), own))
    };
    match operations.iter().find(|selector| !resources.is_empty() && !names(selector)) {
        Some(selector) => Err(unfit(format!(
            "`resources`: `{selector}` names no resource, and where some are named nothing else can be called: leave out it or `resources`"
        ))),
        None => Ok(()),
    }
}

/// What the start is called (draft-ietf-httpapi-idempotency-key-header: a text in quotes; without them it is taken too).
fn key(start: &Start<'_>) -> Result<Option<StartKey>, Refusal> {
    let Some(key) = start.key else { return Ok(None) };
    let plain = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if plain.is_empty() || plain.len() > KEY_BYTES_MAX || !plain.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(unfit(format!("`Idempotency-Key` is a text of 1 to {KEY_BYTES_MAX} visible characters")));
    }
    Ok(Some(StartKey { name: plain.into(), hash: jose::hash(&String::from_utf8_lossy(start.body)) }))
}

fn id(entropy: &dyn Entropy) -> Result<TaskId, Refusal> {
    let mut bytes = [0_u8; 12];
    let server = || Refusal::from(Cause::Fault);
    entropy.fill(&mut bytes).map_err(|_| server())?;
    let text = bytes.iter().fold(String::from("t-"), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    });
    TaskId::parse(&text).map_err(|_| server())
}

/// Whether the gate could let the identity in to everything that the task is for, with a token of it and for its purpose.
fn allowed(task: &Task, api: &Arc<Api>, start: &Start<'_>, snapshot: &Snapshot, now: Time) -> Result<(), Refusal> {
    let refused = |why: String| Refusal::new(Cause::NotGranted, why);
    let identity = snapshot.identity(&task.identity).ok_or_else(|| unfit("the identity is not on record"))?;
    // The strongest that it could show: what it shows indeed is judged with each call.
    let proof = ProofFacts { kind: ProofKind::Jwt, bound: true, fresh: false, since: now, ends: None };
    let named = |operation: &&Arc<Operation>| covers(&task.operations, operation);
    let token = TokenFacts {
        id: Box::default(),
        issuer: (**snapshot.mint().issuer()).into(),
        audience: snapshot.addresses(&api.name).first().map(|address| (*address).into()).into_iter().collect(),
        scopes: api.operations.iter().filter(named).map(|operation| operation.class.as_str().into()).collect(),
    };
    let caller = Caller {
        identity: Arc::clone(identity),
        credential: None,
        proof,
        token: Some(Arc::new(token)),
        on_behalf_of: None,
        actors: Default::default(),
        holds: None,
        delegation: None,
        task: Some(task.id.clone()),
    };
    let prospect = Prospect { caller: &caller, asking: start.asking, snapshot, now };
    let purpose = Purpose { value: task.purpose.clone(), basis: Basis::Task };
    for selector in &task.operations {
        let own = |operation: &&Arc<Operation>| covers(std::slice::from_ref(selector), operation) && !operation.anonymous;
        let mut could = api.operations.iter().filter(own).filter(|one| prospect.could(identity, api, one)).peekable();
        if could.peek().is_none() {
            return Err(refused(format!("`operations`: `{selector}` is nothing that the identity is granted")));
        }
        if !could.any(|one| prospect.is_purposed(api, one, &purpose)) {
            return Err(refused(format!("`purpose`: `{}` is not what `{selector}` is granted for", task.purpose)));
        }
    }
    Ok(())
}
