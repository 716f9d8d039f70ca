//! Credentials of callers: issued and shown once, listed without their secrets, ended.

mod hooks;
pub(crate) mod vouched;

pub(crate) use vouched::find;

use crate::{
    answer::{Answer, Page},
    approvals::doing::departed,
    call::{Asked, Console},
    here::{self, OnlyHere},
    input,
    power::{self, Power, may_give, within_reach},
    problem::{Code, Problem},
    records,
    sign_in::is_of_issuer,
    tasks,
    world::Entry,
};
use hooks::entry;
use http::StatusCode;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use vouched::{Place, VouchedView, issued};
use wardgate_governance::{contract::may_issue, person};
use wardgate_model::{
    contain::Containable,
    credential::{Credential, CredentialKind, CredentialState, SignatureScheme},
    id::{CredentialId, IdentityId, TaskId},
    inventory::Identity,
    resource::Kind,
    task::Task,
    time::Time,
};
use wardgate_resources::scalar;
use wardgate_store::{Condition, CredentialFilter, NewCredential, Precondition, StoreFault, StoredCredential};

/// How long a sign-in waits to be used.
pub const SIGN_IN: Duration = Duration::from_secs(60 * 60);
/// How long a key that is replaced goes on, unless told.
pub const OVERLAP: Duration = Duration::from_hours(24);
/// How long a key that is replaced may go on.
pub const OVERLAP_MAX: Duration = Duration::from_hours(30 * 24);
/// The name of the entry that sign-ins stand under.
pub const SIGN_IN_NAME: &str = "sign-in";

/// What to issue.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssueRequest {
    /// For whom.
    identity: String,
    /// For which entry of its `credentials`; needed when it has several that something is issued for.
    name: Option<String>,
    /// `api_key` or `hmac`, as the entry is (unless told), or `sign_in`: for an identity with a role in Wardgate itself.
    kind: Option<String>,
    /// The secret that the sender of webhooks signs with already (`hmac`); without it a random one is made.
    secret: Option<String>,
    /// The open task of the identity that an `api_key` is made for: it is good for that alone, out of its budget, and ends with it.
    task: Option<String>,
    /// Why, for the feed of changes: at most 500 characters.
    reason: Option<String>,
}

/// How a key is replaced.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateRequest {
    /// How long the old key goes on beside the new one, such as `24h` (unless told) or `7d`; at most `30d`.
    overlap: Option<String>,
    /// The secret that the sender of webhooks is to sign with (`hmac`); without it a random one is made.
    secret: Option<String>,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// A key that takes over from another.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rotated {
    /// The new one.
    #[serde(flatten)]
    issued: Issued,
    /// The old one, with the end that it has now.
    replaces: CredentialView,
}

/// A credential on record.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CredentialView {
    /// Its public id: the third part of a key.
    id: String,
    /// Whose it is.
    identity: String,
    /// The entry of the identity's `credentials` that it was issued for.
    name: String,
    /// What kind of thing it is.
    kind: &'static str,
    /// Where it may be used.
    environment: String,
    /// Networks it may be used from; empty means any.
    sources: Vec<String>,
    /// When it was issued (RFC 3339); `null`: it is declared, and never was.
    created: Option<String>,
    /// When it ends by itself (RFC 3339).
    expires: Option<String>,
    /// `live`, `ended` (the task that it was made for is over), `expired`, `revoked` or `spent`.
    state: &'static str,
    /// When it was revoked (RFC 3339).
    revoked: Option<String>,
    /// The task that it was made for: it is good for that alone, and ends with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    /// What `If-Match` can name, in quotes; 0: the change is not on record yet, or it is declared.
    revision: u64,
    /// Who vouches for it, for whom; only of one that is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    vouched: Option<VouchedView>,
    /// That its end is not on record yet; only while the store is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    only_here: Option<OnlyHere>,
}

/// A credential that was just issued.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Issued {
    /// The whole text of it. Shown once: it is not kept, or only sealed. Absent when it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// What is on record.
    #[serde(flatten)]
    credential: CredentialView,
}

impl CredentialView {
    fn of(stored: &StoredCredential, now: Time) -> Self {
        let credential = &stored.credential;
        let revoked = match credential.state {
            CredentialState::Revoked { at } => Some(at.to_rfc3339()),
            CredentialState::Live | CredentialState::Spent => None,
        };
        let created = Some(credential.created.to_rfc3339());
        Self { created, revoked, revision: stored.revision, ..Self::shown(credential, now) }
    }

    /// What every credential says of itself, issued or declared.
    fn shown(credential: &Credential, now: Time) -> Self {
        Self {
            id: credential.id.to_string(),
            identity: credential.identity.to_string(),
            name: credential.name.to_string(),
            kind: credential.kind.as_str(),
            environment: credential.environment.to_string(),
            sources: credential.sources.iter().map(IpNet::to_string).collect(),
            created: None,
            expires: credential.expires.map(Time::to_rfc3339),
            state: Condition::of(credential, now).as_str(),
            revoked: None,
            task: credential.task.as_ref().map(ToString::to_string),
            revision: 0,
            vouched: None,
            only_here: None,
        }
    }
}

/// The state of a key that nobody ended, made for a task that is over.
const ENDED: &str = "ended";

/// Which of some credentials were made for tasks that are over.
async fn of_tasks_over(console: &Console, found: &[StoredCredential], now: Time) -> Result<BTreeSet<CredentialId>, StoreFault> {
    let made_for = || found.iter().filter_map(|one| Some((one.credential.id, one.credential.task.as_ref()?)));
    let named: Vec<TaskId> = made_for().map(|(_, task)| task.clone()).collect();
    let open: BTreeSet<TaskId> = match named.is_empty() {
        true => BTreeSet::new(),
        false => console.store.tasks_named(&named).await?.into_iter().filter(|one| one.task.is_open(now)).map(|one| one.task.id).collect(),
    };
    // What is long over is not on record any more.
    Ok(made_for().filter(|(_, task)| !open.contains(*task)).map(|(id, _)| id).collect())
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let state = asked.query.value("state");
    let condition = match state.map(|word| (word, Condition::parse(word))) {
        None => None,
        // Nobody has ended it on record.
        Some((ENDED, _)) => Some((Condition::Live, asked.now)),
        Some((_, Some(condition))) => Some((condition, asked.now)),
        Some((word, None)) => {
            let detail = format!("`state` is `live`, `ended`, `expired`, `revoked` or `spent`, not `{}`", input::shown(word));
            return Err(input::malformed(detail));
        }
    };
    let limit = asked.query.limit()?;
    let (place, identity) = (Place::read(asked)?, asked.query.identity()?);
    let kept = power::kept_to(&asked.caller.identity);
    let own = |of: &IdentityId| kept.is_none_or(|own| console.world.identity(of).is_some_and(|known| known.owner == *own));
    let (mut room, mut items) = (limit as usize, Vec::new());
    if let Place::Issued(after) = place {
        let filter = CredentialFilter { after, identity: identity.clone(), kind: None, condition, limit: Some(limit + 1) };
        let found = console.store.credentials(&filter).await?;
        if let (true, Some(identity)) = (found.is_empty() && after == 0, &filter.identity)
            && kept.is_none()
            && let Some(problem) = records::missing(console, Kind::Identity, identity.as_str()).await
        {
            return Err(problem);
        }
        let over = of_tasks_over(console, &found, asked.now).await?;
        let page = Page::cut(found, limit, |one| one.created_seq.to_string(), |one| one);
        room = room.saturating_sub(page.items.len());
        let shown = page.items.iter().filter(|one| own(&one.credential.identity)).map(|one| {
            let view = in_force(console, CredentialView::of(one, asked.now), &one.credential.id);
            let ended = view.state == Condition::Live.as_str() && over.contains(&one.credential.id);
            if ended { CredentialView { state: ENDED, ..view } } else { view }
        });
        items.extend(shown.filter(|view| state.is_none_or(|state| state == view.state)));
        if page.next.is_some() {
            return Ok(Answer::ok(&Page { items, next: page.next }));
        }
    }
    // What is declared lasts for as long as it stands there.
    if state.is_some_and(|state| state != Condition::Live.as_str()) {
        return Ok(Answer::ok(&Page { items, next: None }));
    }
    let (found, next) = place.rest(console, identity, room);
    for one in found.iter().filter(|one| own(&one.identity)) {
        items.push(CredentialView::declared(one, console.store.last_use(&one.id).await?, asked.now));
    }
    Ok(Answer::ok(&Page { items, next }))
}

/// From where it may be used as the gate knows it: what its document says now, and not when it was issued.
fn in_force(console: &Console, view: CredentialView, id: &CredentialId) -> CredentialView {
    let known = console.world.credential(id);
    let sources = known.map(|known| known.sources.iter().map(IpNet::to_string).collect());
    CredentialView { sources: sources.unwrap_or(view.sources), ..view }
}

/// What a request for a credential comes to, once everything is known.
struct Plan {
    identity: Arc<Identity>,
    name: Box<str>,
    kind: CredentialKind,
    ends: Time,
    sources: Box<[IpNet]>,
    /// What its calls are signed like, where they are.
    signed: Option<SignatureScheme>,
}

pub(crate) async fn issue(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: IssueRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let reason = input::reason(request.reason.as_deref())?;
    let plan = plan(console, asked, &request).await?;
    let identity = &plan.identity;
    let task = match &request.task {
        Some(task) => Some(for_task(console, identity, plan.kind, task, asked.now).await?),
        None => None,
    };
    let environment = &identity.environment.name;
    let made = hooks::make(console, plan.kind, environment, plan.signed, request.secret)?;
    let new = NewCredential {
        id: made.id,
        identity: identity.id.clone(),
        name: plan.name,
        kind: plan.kind,
        environment: environment.clone(),
        sources: plan.sources,
        hash: made.hash,
        expires: task.as_ref().map_or(plan.ends, |task| task.ends.min(plan.ends)),
        task: task.map(|task| task.id),
    };
    let actor = asked.actor(reason);
    let stored = match made.sealed {
        Some(sealed) => console.store.issue_sealed_credential(&actor, new, sealed, asked.now).await?,
        None if plan.kind == CredentialKind::SignIn && asked.caller.identity.id.as_str() == person::OPERATOR => {
            console.store.hand_over_credential(&actor, new, asked.now).await?
        }
        None => console.store.issue_credential(&actor, new, asked.now).await?,
    };
    console.world.published(stored.revision).await;
    let credential = CredentialView::of(&stored, asked.now);
    let issued = Issued { key: made.shown, credential };
    Ok(Answer::json(StatusCode::CREATED, &issued).at(stored.revision))
}

/// The open task of an identity that a key is made for.
async fn for_task(console: &Console, identity: &Identity, kind: CredentialKind, task: &str, now: Time) -> Result<Task, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    if kind != CredentialKind::ApiKey {
        return Err(unfit(format!("a credential of the kind `{kind}` is of no task")).mend("leave `task` out, or issue an `api_key`"));
    }
    let missing = || {
        unfit(format!("`{}` has no task `{}` under way", identity.id, input::shown(task)))
            .mend(format!("see `wardgate task list --identity {}`", identity.id))
    };
    let id = TaskId::parse(task).map_err(|_| missing())?;
    match console.store.task(&id).await {
        Ok(stored) if stored.task.identity == identity.id && stored.task.is_open(now) => {
            tasks::not_contained(console, &id).await?;
            Ok(stored.task)
        }
        Ok(_) | Err(StoreFault::NotFound { .. }) => Err(missing()),
        Err(fault) => Err(fault.into()),
    }
}

async fn plan(console: &Console, asked: &Asked<'_>, request: &IssueRequest) -> Result<Plan, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let id = input::name("identity", &request.identity, IdentityId::parse)?;
    let missing = || {
        unfit(format!("there is no identity `{id}`")).mend("see `wardgate get identities`, or ask for it with `wardgate identity request`")
    };
    let known = console.world.identity(&id).ok_or_else(missing)?;
    may_give(console, &asked.caller.identity, &known).await?;
    if is_of_issuer(&known.id) {
        let detail = format!("`{id}` signs in at an issuer and has no other way in");
        return Err(unfit(detail).mend("have the person sign in: `wardgate login`"));
    }
    match request.kind.as_deref() {
        None | Some("api_key" | "hmac") => {
            let entries = console.world.entries(&known.id).await?;
            let wanted = request.kind.as_deref().and_then(CredentialKind::parse);
            let entry = entry(&known, &entries, request.name.as_deref(), wanted)?;
            let ends = entry_ends(console, &known, entry, asked.now).await?;
            let Entry { name, kind, sources, signed, .. } = entry.clone();
            Ok(Plan { name, kind, ends, sources, signed, identity: known })
        }
        Some("sign_in") if known.roles.is_empty() => {
            let detail = format!("`{id}` has no role in Wardgate itself, so a session would be no use to it");
            Err(unfit(detail).mend("issue an `api_key`, or give the identity one of the `roles` first"))
        }
        Some("sign_in") if request.name.is_some() => Err(unfit("a sign-in is not issued for an entry".into()).mend("leave `name` out")),
        Some("sign_in") => {
            let ends = lasts(console, &known, Some(SIGN_IN), None, asked.now).await?;
            Ok(Plan {
                name: SIGN_IN_NAME.into(),
                kind: CredentialKind::SignIn,
                ends,
                sources: Box::default(),
                signed: None,
                identity: known,
            })
        }
        Some(other) => Err(unfit(format!("there is no kind `{}`", input::shown(other)))
            .mend("write `api_key`, `hmac` or `sign_in` for `kind`, or leave it out")),
    }
}

/// When a credential ends that is issued now: what nobody answers for, or what is over, gets none.
pub(crate) async fn lasts(
    console: &Console,
    identity: &Identity,
    life: Option<Duration>,
    waived_until: Option<Time>,
    now: Time,
) -> Result<Time, Problem> {
    let conflict = |why: String| Problem::new(Code::Conflict, why);
    if Identity::is_built_in(identity.id.as_str()) {
        return Err(conflict(format!("`{}` is who shows no credential", identity.id)));
    }
    let gone = departed(console, &identity.owner).await?;
    let contracts = console.world.contracts(&identity.owner);
    let ends = may_issue(identity, gone, &contracts, life, waived_until, now).map_err(|why| conflict(why.to_string()))?;
    ends.filter(|ends| *ends > now).ok_or_else(|| conflict(format!("nothing that is issued to `{}` would last", identity.id)))
}

/// When a key for an entry ends that is issued now.
async fn entry_ends(console: &Console, identity: &Identity, entry: &Entry, now: Time) -> Result<Time, Problem> {
    let unless_said = (entry.kind == CredentialKind::Hmac).then_some(hooks::LIFE);
    let life = entry.expires_in.filter(|span| !span.is_zero()).or(unless_said);
    if life.is_none() && entry.waived_until.is_none_or(|until| until <= now) {
        let detail = format!("the entry `{}` of `{}` has no `expires_in`, and no waiver in force", entry.name, identity.id);
        return Err(
            Problem::new(Code::Conflict, detail).mend("give the entry an `expires_in`, as in `30d`, or declare a Waiver with an end")
        );
    }
    lasts(console, identity, life, entry.waived_until, now).await
}

/// The credential that the path names.
fn id(asked: &Asked<'_>) -> Result<CredentialId, Problem> {
    CredentialId::parse(&asked.parameter("id")?).ok_or_else(|| {
        let detail = format!("the id of a credential has {} letters and digits: the third part of its key", CredentialId::CHARACTERS);
        input::malformed(detail)
    })
}

pub(crate) async fn revoke(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let id = id(asked)?;
    let reason = input::reason(asked.query.value("reason"))?;
    let expect = input::precondition(&asked.call.headers)?;
    // Whether a precondition holds, only the store can say.
    let here = expect == Precondition::Any;
    if here && console.world.away().is_some() {
        return revoke_here(console, asked, &id, &reason).await;
    }
    match revoke_on_record(console, asked, &id, expect, reason.clone()).await {
        Err(problem) if problem.code == Code::Away && here => {
            console.world.doubt();
            revoke_here(console, asked, &id, &reason).await
        }
        done => done,
    }
}

async fn revoke_on_record(
    console: &Console,
    asked: &Asked<'_>,
    id: &CredentialId,
    expect: Precondition,
    reason: Box<str>,
) -> Result<Answer, Problem> {
    let stored = issued(console, id).await?;
    reach_of(console, asked, &stored.credential)?;
    let stored = console.store.revoke_credential(&asked.actor(reason), id, expect, asked.now).await?;
    console.world.published_stop(stored.revision, Containable::Credential, id.as_str()).await;
    Ok(Answer::ok(&CredentialView::of(&stored, asked.now)).at(stored.revision))
}

/// The store is away: what is to be ended is ended all the same.
async fn revoke_here(console: &Console, asked: &Asked<'_>, id: &CredentialId, reason: &str) -> Result<Answer, Problem> {
    let (known, only_here) = here::revoke(console, asked, id, reason).await?;
    let credential = Credential { state: CredentialState::Revoked { at: asked.now }, ..Credential::clone(&known) };
    let view = CredentialView::of(&StoredCredential { credential, sealed: None, revision: 0, created_seq: 0 }, asked.now);
    Ok(Answer::ok(&CredentialView { only_here: Some(only_here), ..view }))
}

pub(crate) async fn rotate(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let id = id(asked)?;
    let request: RotateRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let reason = input::reason(request.reason.as_deref())?;
    let overlap = overlap(request.overlap.as_deref())?;
    let old = issued(console, &id).await?.credential;
    let conflict = |detail: String| Problem::new(Code::Conflict, detail);
    let missing = || conflict(format!("the identity `{}` is not on record any more", old.identity));
    let known = console.world.identity(&old.identity).ok_or_else(missing)?;
    may_give(console, &asked.caller.identity, &known).await?;
    if Condition::of(&old, asked.now) != Condition::Live {
        let detail = format!("`{id}` is {}", Condition::of(&old, asked.now).as_str());
        return Err(conflict(detail).mend(format!("issue a new one: `wardgate credential issue {}`", old.identity)));
    }
    if !hooks::ISSUED.contains(&old.kind) {
        let detail = format!("`{id}` is of the kind `{}`: only a key that Wardgate issued is rotated, or a secret of webhooks", old.kind);
        return Err(Problem::new(Code::Unfit, detail).mend("replace it where it was made, then revoke it here"));
    }
    // What would be dead at birth is not handed over.
    if let Some(task) = &old.task {
        for_task(console, &known, old.kind, task.as_str(), asked.now).await?;
    }
    let entries = console.world.entries(&known.id).await?;
    let entry = entry(&known, &entries, Some(&old.name), Some(old.kind))?;
    let made = hooks::make(console, old.kind, &known.environment.name, entry.signed, request.secret)?;
    let ends = entry_ends(console, &known, entry, asked.now).await?;
    let new = NewCredential {
        id: made.id,
        identity: known.id.clone(),
        name: entry.name.clone(),
        kind: old.kind,
        environment: known.environment.name.clone(),
        sources: entry.sources.clone(),
        hash: made.hash,
        // What was made for a task has its end, whoever replaces it.
        expires: ends.min(old.task.as_ref().and(old.expires).unwrap_or(ends)),
        task: old.task.clone(),
    };
    let (actor, ends) = (asked.actor(reason), asked.now + overlap);
    let rotated = match made.sealed {
        Some(sealed) => console.store.rotate_sealed_credential(&actor, &id, (new, sealed), ends, asked.now).await?,
        None => console.store.rotate_credential(&actor, &id, new, ends, asked.now).await?,
    };
    console.world.published(rotated.old.revision.max(rotated.new.revision)).await;
    let issued = Issued { key: made.shown, credential: CredentialView::of(&rotated.new, asked.now) };
    let answer = Rotated { issued, replaces: CredentialView::of(&rotated.old, asked.now) };
    Ok(Answer::json(StatusCode::CREATED, &answer).at(rotated.new.revision))
}

/// How long the old key goes on beside the new one.
fn overlap(text: Option<&str>) -> Result<Duration, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let Some(text) = text else { return Ok(OVERLAP) };
    let overlap = scalar::duration(text).map_err(|wrong| unfit(format!("`overlap`: {}", wrong.what)).mend(input::SPAN))?;
    if overlap > OVERLAP_MAX {
        Err(unfit("`overlap` is at most 30 days".into()).mend("write a shorter one, as in `24h`"))
    } else {
        Ok(overlap)
    }
}

/// What belongs to an identity that is not on record any more can be ended by everyone who may end at all.
fn reach_of(console: &Console, asked: &Asked<'_>, credential: &Credential) -> Result<(), Problem> {
    let target = console.world.identity(&credential.identity);
    target.map_or(Ok(()), |known| within_reach(&asked.caller.identity, &known, Power::Stop))
}

#[cfg(test)]
mod tests;
