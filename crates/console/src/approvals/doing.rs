//! What was approved is done: planned anew, by the same code as acts that do not wait.
//!
//! An approval is decided first and done then, so a process may end in between. Such a one is `unfinished`: it is found at the
//! start, or approved once more, and planned anew. What is so already counts as done; what went on meanwhile, as failed.

use crate::{
    acts::Kept,
    call::Console,
    declared::{self, Scene, Wanted},
    problem::{Code, Problem},
    world::Manner,
};
use std::sync::Arc;
use wardgate_governance::second::{Act, Needed};
use wardgate_model::{
    contain::Containable,
    id::{IdentityId, OwnerName},
    inventory::{Identity, IdentityState},
    time::Time,
};
use wardgate_store::{Actor, ApprovalState, Armers, Needs, Precondition, ResourceChange, ResourceId, StoredApproval, StoredOwner, Who};

/// Most unfinished acts that are looked at in one go.
const UNFINISHED_MAX: u32 = 1_000;

/// Whether an act was approved and is neither done nor given up.
pub(crate) fn is_unfinished(stored: &StoredApproval) -> bool {
    outcome(stored) == Some("unfinished")
}

/// What became of an act that was approved.
pub(crate) fn outcome(stored: &StoredApproval) -> Option<&'static str> {
    match (stored.state, stored.done, &stored.failed) {
        (ApprovalState::Approved, _, Some(_)) => Some("failed"),
        (ApprovalState::Approved, Some(_), None) => Some("done"),
        (ApprovalState::Approved, None, None) => Some("unfinished"),
        _ => None,
    }
}

/// An approved act, ready to be done.
pub(crate) struct Doing {
    kept: Kept,
    requester: Arc<Identity>,
    armers: Armers,
    ready: Ready,
}

impl Doing {
    /// Plans an act again, with what is on record now; `armers` stand behind whoever asked. The inner error says why it does
    /// not apply any more.
    pub(crate) async fn ready(console: &Console, stored: &StoredApproval, armers: Armers) -> Result<Result<Self, String>, Problem> {
        let kept: Kept = serde_json::from_value(stored.act.clone()).map_err(Problem::fault)?;
        let requester = match requester(console, stored).await? {
            Ok(requester) => requester,
            Err(why) => return Ok(Err(why)),
        };
        let ready = ready(console, &requester, &kept, is_unfinished(stored)).await?;
        Ok(ready.map(|ready| Self { kept, requester, armers, ready }))
    }

    /// Whom it needs now.
    pub(crate) const fn needs(&self) -> Option<Needed> {
        match &self.ready {
            Ready::So => None,
            Ready::Act { needs, .. } => *needs,
        }
    }

    /// Does it, and notes what became of it. When the store or we fail, it stays unfinished and can be approved once more.
    pub(crate) async fn finish(self, console: &Console, approved: &StoredApproval, now: Time) -> Result<StoredApproval, Problem> {
        let decider = approved.decider.as_deref().unwrap_or_default();
        let why = format!("{} (approval {} by {decider})", approved.reason, approved.id);
        // Whoever stood behind the one that asked, stands behind what is made.
        let actor = Actor::new(Who::Identity(self.requester.id.clone()), why.trim_start()).armed_by(self.armers);
        let Err(problem) = perform(console, &actor, &self.kept, self.ready, now).await else {
            return Ok(console.store.finish_approval(&approved.id, None, now).await?);
        };
        // Somebody else may have come to its end meanwhile.
        if let Ok(Ready::So) = ready(console, &self.requester, &self.kept, true).await? {
            return Ok(console.store.finish_approval(&approved.id, None, now).await?);
        }
        tracing::warn!(approval = %approved.id, detail = problem.detail, "an approved act could not be done");
        if matches!(problem.code, Code::Fault | Code::Away) {
            return Err(problem);
        }
        console.store.finish_approval(&approved.id, Some(&problem.detail), now).await?;
        Err(Problem::new(Code::Overtaken, format!("`{}` is approved and could not be done: {}", approved.id, problem.detail)))
    }
}

/// What doing unfinished acts came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Finished {
    /// Done now, or so already.
    pub done: usize,
    /// Given up, with the reason on record.
    pub failed: usize,
    /// As they were: the store or we failed.
    pub left: usize,
}

impl Console {
    /// Does what was approved and not done, because the process that did it ended: for the start, and whenever the store is
    /// back. Each is planned anew; what is so already counts as done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish_approved(&self, now: Time) -> Result<Finished, Problem> {
        let mut finished = Finished::default();
        for stored in self.store.approvals_unfinished(UNFINISHED_MAX).await? {
            match finish_one(self, &stored, now).await {
                Ok(()) => finished.done += 1,
                Err(Problem { code: Code::Fault | Code::Away, .. }) => finished.left += 1,
                Err(problem) => {
                    tracing::warn!(approval = %stored.id, detail = problem.detail, "an approved act is given up");
                    finished.failed += 1;
                }
            }
        }
        Ok(finished)
    }
}

async fn finish_one(console: &Console, stored: &StoredApproval, now: Time) -> Result<(), Problem> {
    let armers = console.store.armers_of_approval(&stored.id).await?;
    let more = "it wants a person now, and a second identity approved it";
    let decider = stored.decider.as_deref().and_then(|who| IdentityId::parse(who).ok());
    let decider = decider.and_then(|who| console.world.identity(&who)).filter(|known| known.state == IdentityState::Active);
    let gone = match &decider {
        None => Some("whoever approved it is not in use any more"),
        Some(known) if console.store.containment(Containable::Owner, known.owner.as_str()).await?.is_some() => {
            Some("whoever approved it is of an owner that is contained")
        }
        Some(_) => None,
    };
    if let Some(why) = gone {
        console.store.finish_approval(&stored.id, Some(why), now).await?;
        return Err(Problem::new(Code::Overtaken, why));
    }
    let doing = match Doing::ready(console, stored, armers).await? {
        Ok(doing) if doing.needs() == Some(Needed::Person) && stored.needs == Needs::Second => Err(more.to_owned()),
        other => other,
    };
    match doing {
        Ok(doing) => doing.finish(console, stored, now).await.map(drop),
        Err(why) => {
            console.store.finish_approval(&stored.id, Some(&why), now).await?;
            Err(Problem::new(Code::Overtaken, why))
        }
    }
}

/// Whoever asked, with the power that it has now. The inner error says why it has none.
async fn requester(console: &Console, stored: &StoredApproval) -> Result<Result<Arc<Identity>, String>, Problem> {
    if console.store.containment(Containable::Owner, stored.owner.as_str()).await?.is_some() {
        return Ok(Err(format!("`{}`, who asked for it, is of the owner `{}`, who is contained", stored.requester, stored.owner)));
    }
    Ok(in_use(console, stored))
}

fn in_use(console: &Console, stored: &StoredApproval) -> Result<Arc<Identity>, String> {
    let known = console.world.identity(&stored.requester).ok_or_else(|| format!("`{}` is not on record any more", stored.requester))?;
    if known.state != IdentityState::Active || known.claim_overdue {
        return Err(format!("`{}`, who asked for it, is not in use any more", stored.requester));
    }
    if known.owner != stored.owner {
        return Err(format!("`{}`, who asked for it, belongs to another owner now", stored.requester));
    }
    Ok(known)
}

/// An act that can be done now.
enum Ready {
    /// It is so already.
    So,
    /// It is to be done.
    Act { wanted: Vec<Wanted>, basis: u64, needs: Option<Needed> },
}

impl Ready {
    /// An act that changes no resource.
    const fn plain() -> Self {
        Self::Act { wanted: Vec::new(), basis: 0, needs: None }
    }
}

/// Plans an act again, with what is on record now: one that was `begun` may be done already. The inner error says why it does
/// not apply any more.
async fn ready(console: &Console, requester: &Identity, kept: &Kept, begun: bool) -> Result<Result<Ready, String>, Problem> {
    match &kept.act {
        Act::Apply { .. } | Act::Rollback { .. } => {}
        Act::Release { kind, name } => {
            let there = console.store.containment(*kind, name).await?;
            return Ok(match there {
                None if begun => Ok(Ready::So),
                None => Err(format!("{kind} `{name}` is not contained any more")),
                Some(there) if is_other(kept, there.revision) => Err(format!("{kind} `{name}` was released, and contained anew")),
                Some(_) => Ok(Ready::plain()),
            });
        }
        Act::Return { owner } => {
            let there = owner_gone(console, owner).await?;
            return Ok(match there {
                None if begun => Ok(Ready::So),
                None => Err(format!("the owner `{owner}` did not depart")),
                Some(there) if is_other(kept, there.revision) => Err(format!("the owner `{owner}` changed since: ask again")),
                Some(_) => Ok(Ready::plain()),
            });
        }
        Act::Resume { .. } | Act::Issue { .. } => return Ok(Err("this act is not done by approval".into())),
    }
    let changes = kept.act.changes();
    let ids = changes.iter().map(|one| ResourceId::parse(one.kind, &one.name)).collect::<Result<Vec<_>, _>>().map_err(Problem::fault)?;
    let scene = Scene::read(console, &ids).await?;
    let mut wanted = Vec::with_capacity(ids.len());
    for (at, (id, change)) in ids.into_iter().zip(changes).enumerate() {
        let expect = match kept.expects.get(at).copied().flatten() {
            Some(revision) => Precondition::Revision(revision),
            None => Precondition::Absent,
        };
        wanted.push(scene.wanted(id, change.spec.clone(), expect));
    }
    if begun && wanted.iter().all(Wanted::is_so) {
        return Ok(Ok(Ready::So));
    }
    match declared::look(console, requester, &wanted, &scene).await {
        Ok(looked) => {
            let needs = looked.needs.map(|needs| needs.needed);
            Ok(Ok(Ready::Act { wanted, basis: scene.seq.min(looked.planned.basis), needs }))
        }
        Err(problem) if matches!(problem.code, Code::Fault | Code::Away) => Err(problem),
        Err(problem) => Ok(Err(problem.detail)),
    }
}

/// Whether what is undone is another stop than the one that was looked at: that one is over.
fn is_other(kept: &Kept, revision: u64) -> bool {
    kept.expects.first().copied().flatten().is_some_and(|looked_at| looked_at != revision)
}

/// What an approval is bound to, whatever happens between looking and doing: another gate may do the same act meanwhile, and
/// somebody stop it anew.
fn looked_at(kept: &Kept) -> Precondition {
    kept.expects.first().copied().flatten().map_or(Precondition::Any, Precondition::Revision)
}

/// Whether an owner is gone.
pub(crate) async fn departed(console: &Console, owner: &OwnerName) -> Result<bool, Problem> {
    Ok(owner_gone(console, owner).await?.is_some())
}

/// An owner that is gone.
async fn owner_gone(console: &Console, owner: &OwnerName) -> Result<Option<StoredOwner>, Problem> {
    let owners = console.store.owner_statuses().await?;
    Ok(owners.into_iter().find(|status| status.owner == *owner && status.departed.is_some()))
}

/// Does what was approved.
async fn perform(console: &Console, actor: &Actor, kept: &Kept, ready: Ready, now: Time) -> Result<(), Problem> {
    let Ready::Act { wanted, basis, .. } = ready else { return Ok(()) };
    let seq = match &kept.act {
        Act::Apply { .. } | Act::Rollback { .. } => {
            let changes: Vec<ResourceChange> = wanted.into_iter().map(|one| one.change).collect();
            let manner = if kept.whole { Manner::Whole } else { Manner::Single };
            console.world.apply(actor, &changes, manner, basis, now).await?.seq
        }
        Act::Release { kind, name } => console.store.release_looked_at(actor, (*kind, name), looked_at(kept), now).await?,
        Act::Return { owner } => console.store.return_owner_looked_at(actor, owner, looked_at(kept), now).await?.revision,
        Act::Resume { .. } | Act::Issue { .. } => return Err(Problem::fault("an act that is not done by approval")),
    };
    console.world.published(seq).await;
    Ok(())
}
