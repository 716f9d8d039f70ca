//! What is declared: resources made, changed and removed, one by one or as documents. Every way in comes here.

mod documents;
mod endpoints;
mod scene;

pub(crate) use documents::{DocumentBody, DocumentView, Draft, Prune, kind, kinds};
pub(crate) use endpoints::{
    AppliedView, ApplyRequest, ChangePlanned, Exported, PlanRequest, PlanView, PutRequest, apply, export, plan, plan_view, put, remove,
};
pub(crate) use scene::Scene;

use crate::{
    acts::{self, Kept, Outcome},
    call::Console,
    power,
    problem::{Code, Problem},
    rehearsals::{CANARY, may_be_named},
    world::{BoxFuture, Manner, Planned, Refused},
};
use serde_json::Value;
use wardgate_governance::second::{Act, Needs, Proposed, Record, needs};
use wardgate_model::{inventory::Identity, resource::Kind, time::Time};
use wardgate_store::{Actor, Applied, Origin, Precondition, ResourceChange, ResourceId, StoreFault, StoredResource};

/// How often a change is tried again that was overtaken by another one of something else.
const TRIES: u32 = 4;

/// A wish for one resource, and what is on record of it.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The wish.
    pub(crate) change: ResourceChange,
    /// The resource.
    pub(crate) before: Option<StoredResource>,
    /// Whether an identity of this name ever was on record.
    pub(crate) known: bool,
}

impl Wanted {
    /// Whether the record says so already.
    pub(crate) fn is_so(&self) -> bool {
        self.before.as_ref().map(|before| &before.spec) == self.change.spec.as_ref()
    }

    /// The file that owns the resource.
    pub(crate) fn file(&self) -> Option<&str> {
        match &self.before.as_ref()?.origin {
            Origin::File(path) => Some(path),
            Origin::Api | Origin::Apply | Origin::Shipped => None,
        }
    }

    fn proposed(&self) -> Proposed {
        Proposed { kind: self.change.id.kind(), name: self.change.id.name().into(), spec: self.change.spec.clone() }
    }

    /// Whether it is an identity whose name is kept for rehearsals. What files declare was agreed otherwise.
    fn is_named_as_canary(&self) -> bool {
        self.change.id.kind() == Kind::Identity && self.change.id.name().starts_with(CANARY) && self.file().is_none()
    }

    /// Refuses a new identity whose name is kept for rehearsals and that is none of these. It could not be changed afterwards: a change
    /// would need no second person.
    fn check_name(&self, now: Time) -> Result<(), Problem> {
        match &self.change.spec {
            Some(spec) if self.before.is_none() && self.is_named_as_canary() => may_be_named(self.change.id.name(), spec, now),
            _ => Ok(()),
        }
    }

    /// Refuses what the store would refuse: what files own, what is not there, what was changed meanwhile.
    fn check(&self) -> Result<(), Problem> {
        let id = &self.change.id;
        let revision = self.before.as_ref().map(|before| before.revision);
        let holds = match self.change.expect {
            Precondition::Any => true,
            Precondition::Absent => revision.is_none(),
            Precondition::Revision(wanted) => revision == Some(wanted),
        };
        if self.change.spec.is_none() && revision.is_none() {
            return Err(Problem::new(Code::NotFound, format!("there is no resource `{id}`")));
        }
        if !holds {
            return Err(Problem::new(Code::Stale, format!("resource `{id}` was changed meanwhile: read it again, then decide")));
        }
        // It was approved by nobody: as it is it ends soon, and it is to stay so.
        if self.before.is_some() && self.change.spec.is_some() && !self.is_so() && self.is_named_as_canary() {
            let detail = format!("`{id}` is made for a rehearsal, and stays as it was made");
            return Err(Problem::new(Code::Conflict, detail)
                .mend(format!("make another one: names that begin with `{CANARY}` are kept for rehearsals")));
        }
        match self.file() {
            Some(path) if !self.is_so() => {
                let detail = format!("resource `{id}` comes from the file `{path}`");
                Err(Problem::new(Code::Conflict, detail).mend(format!("change it in `{path}`")))
            }
            _ => Ok(()),
        }
    }
}

/// Changes that were looked at with everything else on record.
pub(crate) struct Looked {
    pub(crate) planned: Planned,
    pub(crate) needs: Option<Needs>,
}

/// Whether the caller may make changes, whether they make sense, and whom they need. Nothing is written.
pub(crate) async fn look(console: &Console, caller: &Identity, wanted: &[Wanted], scene: &Scene) -> Result<Looked, Problem> {
    power::may_declare(caller, wanted, scene)?;
    wanted.iter().try_for_each(Wanted::check)?;
    let changes: Vec<ResourceChange> = wanted.iter().map(|one| one.change.clone()).collect();
    let planned = console.world.plan(&changes).await?;
    Ok(Looked { planned, needs: needed(wanted, scene) })
}

/// Whom changes need beside whoever makes them.
pub(crate) fn needed(wanted: &[Wanted], scene: &Scene) -> Option<Needs> {
    let act = Act::Apply { changes: wanted.iter().map(Wanted::proposed).collect() };
    needs(&act, &record(wanted, scene))
}

fn record<'a>(wanted: &'a [Wanted], scene: &'a Scene) -> Record<'a> {
    let identities = wanted.iter().filter_map(|one| one.before.as_ref()).filter(|before| before.id.kind() == Kind::Identity);
    let all = scene.resources().chain(identities);
    let returning = wanted.iter().filter(|one| one.known && one.before.is_none()).map(|one| one.change.id.name());
    let record: Record<'a> = all.map(|resource| (resource.id.kind(), resource.id.name(), &resource.spec)).collect();
    record
        .with_returning(returning)
        .with_contained(scene.contained())
        .with_formers(scene.formers())
        .with_stopped(scene.stopped())
        .with_tagged(scene.tagged())
        .with_serving(scene.serving())
}

/// Who changes something, as whom, and how.
pub(crate) struct Making<'a> {
    /// Whose power counts.
    pub(crate) caller: &'a Identity,
    /// Who the feed says it was, and why.
    pub(crate) actor: &'a Actor,
    pub(crate) manner: Manner,
    pub(crate) now: Time,
}

/// What making changes came to.
pub(crate) struct Made {
    pub(crate) applied: Applied,
    pub(crate) planned: Planned,
}

/// What is wanted, read together with what is on record.
pub(crate) trait Wish: Sync {
    /// Reads it; it is read again when something else was changed meanwhile.
    fn read<'a>(&'a self, console: &'a Console) -> BoxFuture<'a, Result<(Vec<Wanted>, Scene), Problem>>;

    /// What an approval would keep of it.
    fn act(&self, changes: Vec<Proposed>) -> Act {
        Act::Apply { changes }
    }
}

/// One resource as it is to be, or to be gone.
pub(crate) struct One {
    pub(crate) id: ResourceId,
    pub(crate) spec: Option<Value>,
    pub(crate) expect: Precondition,
}

impl Wish for One {
    fn read<'a>(&'a self, console: &'a Console) -> BoxFuture<'a, Result<(Vec<Wanted>, Scene), Problem>> {
        Box::pin(async move {
            let scene = Scene::read(console, [&self.id]).await?;
            Ok((vec![scene.wanted(self.id.clone(), self.spec.clone(), self.expect)], scene))
        })
    }
}

/// Makes changes, or lets them wait for a second person.
pub(crate) async fn make(
    console: &Console,
    making: &Making<'_>,
    ask: &acts::Asking<'_>,
    wish: &dyn Wish,
) -> Result<Outcome<Made>, Problem> {
    for last in (0..TRIES).rev() {
        let (wanted, scene) = wish.read(console).await?;
        wanted.iter().try_for_each(|one| one.check_name(making.now))?;
        let looked = look(console, making.caller, &wanted, &scene).await?;
        if let Some(needs) = looked.needs {
            let kept = Kept {
                act: wish.act(wanted.iter().map(Wanted::proposed).collect()),
                why: needs.why.clone(),
                expects: wanted.iter().map(|one| one.before.as_ref().map(|before| before.revision)).collect(),
                whole: making.manner == Manner::Whole,
            };
            return acts::ask(console, ask, &kept, needs.needed, making.now).await.map(Outcome::Waits);
        }
        let changes: Vec<ResourceChange> = wanted.iter().map(|one| one.change.clone()).collect();
        let basis = scene.seq.min(looked.planned.basis);
        match console.world.apply(making.actor, &changes, making.manner, basis, making.now).await {
            Ok(applied) => return Ok(Outcome::Done(Made { applied, planned: looked.planned })),
            // Something else was changed since it was looked at: whether it is allowed is asked anew.
            Err(Refused::Store(StoreFault::Stale { what: "list of", .. })) if last > 0 => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::new(Code::Stale, "what is declared changes faster than this can be looked at: try again"))
}

/// The name that a document's spec gives an owner, for lists.
pub(crate) fn owner_of(spec: &Value) -> Option<&str> {
    spec.get("owner").or_else(|| spec.get("policy_owner"))?.as_str()
}

#[cfg(test)]
mod tests;
