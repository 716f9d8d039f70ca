//! The life of identities: one move at a time, each from where it may be made.

use crate::{
    acts::{self, Asking, Outcome},
    answer::Answer,
    approvals::doing::departed,
    behind::{APART, Standing},
    call::{Asked, Console},
    declared::{self, Making, Scene, Wanted, Wish},
    input,
    power::{Power, may_give, within_reach},
    problem::{Code, Problem},
    records,
    world::{BoxFuture, Manner},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use wardgate_governance::{
    departure,
    lifecycle::{EVIDENCE_BYTES_MAX, Life, Move, Unapproved, may_approve},
    second::apart::stand_apart,
};
use wardgate_model::{
    contain::Containable,
    id::{IdentityId, OwnerName},
    inventory::Identity,
    resource::Kind,
};
use wardgate_store::{Claim, Origin, Precondition, ResourceId, Step, StoredStatus};

/// Why an identity is moved.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveRequest {
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
    /// Where it was agreed: a ticket, a document. An approval needs it.
    #[schemars(length(max = 4096))]
    evidence: Option<String>,
}

/// To whom an identity goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest {
    /// The owner that answers for it from now on.
    owner: String,
    /// The team within that owner.
    team: Option<String>,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// The identity that the path names: its resource, what happened to it, and what the gate knows of it.
struct Subject {
    id: IdentityId,
    resource: ResourceId,
    known: Arc<Identity>,
    status: StoredStatus,
}

impl Subject {
    async fn read(console: &Console, asked: &Asked<'_>, power: Power) -> Result<Self, Problem> {
        let id = input::name("the name of the identity", &asked.parameter("name")?, IdentityId::parse)?;
        let missing = || Problem::new(Code::NotFound, format!("there is no identity `{id}`"));
        let resource = ResourceId::parse(Kind::Identity, id.as_str()).map_err(Problem::fault)?;
        let known = console.world.identity(&id).ok_or_else(missing)?;
        match power {
            Power::Give => may_give(console, &asked.caller.identity, &known).await?,
            Power::Stop => within_reach(&asked.caller.identity, &known, power)?,
        }
        let mut records = console.store.identity_records(std::slice::from_ref(&id)).await?.records;
        let record = records.pop().filter(|record| record.resource.is_some()).ok_or_else(missing)?;
        let status = record.status.ok_or_else(missing)?;
        Ok(Self { id, resource, known, status })
    }
}

/// What a move does to what its identity may do.
const fn power(asked: Move) -> Power {
    match asked {
        Move::Approve | Move::Resume | Move::Activate | Move::Release | Move::Claim => Power::Give,
        Move::Suspend | Move::Quarantine | Move::Retire | Move::Reject => Power::Stop,
    }
}

pub(crate) async fn step(console: &Console, asked: &Asked<'_>, wanted: Move) -> Result<Answer, Problem> {
    let request: MoveRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let evidence = evidence(request.evidence.as_deref())?;
    let subject = Subject::read(console, asked, power(wanted)).await?;
    let life = Life { state: subject.status.state, resumes_to: subject.status.resumes_to };
    let after = life.step(wanted)?;
    let revision = match wanted {
        // INVARIANT (containment): there is one way to contain, whoever asks for it.
        Move::Quarantine => console.store.contain(&actor, Containable::Identity, subject.id.as_str(), asked.now).await?.revision,
        _ => {
            may(console, asked, wanted, &subject, evidence.as_deref()).await?;
            let step = Step { from: vec![life.state], to: after.state, evidence, claim_by: None };
            console.store.step_identity(&actor, &subject.id, &step, asked.now).await?.revision
        }
    };
    if power(wanted) == Power::Stop {
        console.world.published_stop(revision, Containable::Identity, subject.id.as_str()).await;
    } else {
        console.world.published(revision).await;
    }
    let (view, revision) = records::view(console, asked, &subject.resource).await?;
    Ok(Answer::ok(&view).at(revision))
}

fn evidence(text: Option<&str>) -> Result<Option<Box<str>>, Problem> {
    match text {
        Some(text) if text.len() > EVIDENCE_BYTES_MAX => Err(Problem::new(Code::Unfit, Unapproved::LongEvidence.to_string())),
        other => Ok(other.filter(|text| !text.trim().is_empty()).map(Into::into)),
    }
}

/// What a move asks for besides being legal.
async fn may(console: &Console, asked: &Asked<'_>, wanted: Move, subject: &Subject, evidence: Option<&str>) -> Result<(), Problem> {
    match wanted {
        Move::Approve => {
            let allowed = may_approve(subject.status.requester.as_deref(), &asked.caller.identity.id, evidence.unwrap_or_default());
            allowed.map_err(|why| match why {
                Unapproved::OwnRequest(_) => Problem::new(Code::Undecidable, why.to_string()),
                Unapproved::NoEvidence | Unapproved::LongEvidence => {
                    Problem::new(Code::Unfit, why.to_string()).mend("name a ticket or a document in `evidence` (`--evidence`)")
                }
            })?;
            by_another(console, asked, subject).await
        }
        Move::Resume => {
            let gone = departed(console, &subject.known.owner).await?;
            let allowed = departure::may_resume(&subject.known, gone, asked.now);
            let remedy = "give it to an owner who is there: `wardgate identity transfer`";
            allowed.map_err(|why| Problem::new(Code::Conflict, why.to_string()).mend(remedy))
        }
        _ => Ok(()),
    }
}

/// Whether whoever approves is another one than whoever asked, with all who stand behind either session.
async fn by_another(console: &Console, asked: &Asked<'_>, subject: &Subject) -> Result<(), Problem> {
    let requester = subject.status.requester.as_deref().and_then(|who| IdentityId::parse(who).ok());
    let Some(requester) = requester else { return Ok(()) };
    let armers = console.store.armers_of_request(&subject.id).await?;
    let (asking, approving) = (Standing::of(console, &armers), Standing::of_caller(console, asked).await?);
    let apart = stand_apart((&requester, asking.behind()), (&asked.caller.identity.id, approving.behind()));
    apart.map_err(|why| Problem::new(Code::Undecidable, why.to_string()).mend(APART))
}

/// An identity under another owner.
struct Transfer {
    resource: ResourceId,
    owner: OwnerName,
    team: Option<Box<str>>,
}

impl Wish for Transfer {
    fn read<'a>(&'a self, console: &'a Console) -> BoxFuture<'a, Result<(Vec<Wanted>, Scene), Problem>> {
        Box::pin(async move {
            let (scene, name) = (Scene::read(console, [&self.resource]).await?, self.resource.name());
            let missing = || Problem::new(Code::NotFound, format!("there is no identity `{name}`"));
            let before = scene.resource(&self.resource).ok_or_else(missing)?;
            let expect = Precondition::Revision(before.revision);
            if before.origin == Origin::Shipped {
                return Err(Problem::new(Code::Conflict, format!("`{name}` is shipped with this program: it has no other owner")));
            }
            let spec = given(before.spec.clone(), &self.owner, self.team.as_deref());
            Ok((vec![scene.wanted(self.resource.clone(), Some(spec), expect)], scene))
        })
    }
}

pub(crate) async fn transfer(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: TransferRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let owner = input::name("owner", &request.owner, OwnerName::parse)?;
    let subject = Subject::read(console, asked, Power::Give).await?;
    let missing = || Problem::new(Code::Unfit, format!("there is no owner `{owner}`")).mend("see `wardgate get owners`");
    console.world.owner(&owner).ok_or_else(missing)?;
    let allowed = departure::may_transfer(&subject.known, &owner, departed(console, &owner).await?);
    allowed.map_err(|why| Problem::new(Code::Conflict, why.to_string()))?;
    let making = Making { caller: &asked.caller.identity, actor: &actor, manner: Manner::Single, now: asked.now };
    let wish = Transfer { resource: subject.resource.clone(), owner, team: request.team.map(Into::into) };
    match declared::make(console, &making, &Asking::of(asked, &actor), &wish).await? {
        Outcome::Waits(approval) => Ok(acts::waits(&approval, asked.now)),
        Outcome::Done(_) => {
            // Somebody answers for it now.
            if subject.status.claim == Claim::Overdue {
                let status = console.store.set_claim(&actor, &subject.id, Claim::InTime, asked.now).await?;
                console.world.published(status.revision).await;
            }
            let (view, revision) = records::view(console, asked, &subject.resource).await?;
            Ok(Answer::ok(&view).at(revision))
        }
    }
}

/// The spec with another owner; a team is one of the owner's own.
fn given(mut spec: Value, owner: &OwnerName, team: Option<&str>) -> Value {
    if let Some(members) = spec.as_object_mut() {
        members.insert("owner".into(), owner.as_str().into());
        match team {
            Some(team) => members.insert("team".into(), team.into()),
            None => members.remove("team"),
        };
        members.sort_keys();
    }
    spec
}

#[cfg(test)]
mod tests;
