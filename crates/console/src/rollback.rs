//! Back to an earlier state of what was declared: planned, recorded, and never reviving what was ended.

use crate::{
    acts::{self, Asking, Outcome},
    answer::Answer,
    call::{Asked, Console},
    declared::{self, AppliedView, ChangePlanned, Making, Scene, Wanted, Wish},
    input,
    problem::{Code, DiagnosticView, Problem},
    world::{BoxFuture, Manner, Refused},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wardgate_governance::{
    rollback::{RolledBack, rollback},
    second::{Act, Proposed},
};
use wardgate_store::{CHANGES_MAX, Change, Precondition, ResourceChange, ResourceId, StoredResource, Subject};

/// Most changes that one goes back over.
const CHANGES_BACK_MAX: usize = 50_000;

/// How far to go back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackRequest {
    /// To how it was after the change of this number.
    to: u64,
    /// Only tell what would change; nothing is written.
    #[serde(default)]
    plan: bool,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// What going back did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RollbackView {
    /// What changes, by kind and name.
    changes: Vec<ChangePlanned>,
    /// What stays as it is, and why.
    notes: Vec<NoteView>,
    /// All that is wrong with it, and warnings; only for a plan.
    diagnostics: Vec<DiagnosticView>,
    /// Whether a second person has to agree.
    approval: bool,
    /// What the second person is for.
    why: Vec<String>,
    /// What was done; `null` for a plan.
    applied: Option<AppliedView>,
}

/// Something that stays as it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct NoteView {
    /// What it is: a kind, or `credential`, `status`, `secret` and so on.
    subject: &'static str,
    /// Its name or id.
    name: String,
    /// Why it stays.
    why: String,
}

/// What was declared then and now, and what leads back.
struct Back {
    wanted: Vec<Wanted>,
    scene: Scene,
    notes: Vec<NoteView>,
}

/// Every change after `to`, oldest first.
async fn since(console: &Console, to: u64) -> Result<Vec<Change>, Problem> {
    let last = console.store.last_seq().await?;
    let unfit = |detail: String| Err(Problem::new(Code::Unfit, detail));
    if to > last {
        let detail = format!("there is no change {to} yet: the last one is {last}");
        return Err(Problem::new(Code::Unfit, detail).mend("take a number out of `wardgate history KIND NAME`"));
    }
    if last - to > CHANGES_BACK_MAX as u64 {
        return unfit(format!("{} changes lie in between, at most {CHANGES_BACK_MAX} are gone back over at once", last - to));
    }
    let (mut found, mut after) = (Vec::new(), to);
    loop {
        let page = console.store.changes_since(after, CHANGES_MAX).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.seq;
        found.extend(page);
    }
}

async fn back(console: &Console, to: u64) -> Result<Back, Problem> {
    let changes = since(console, to).await?;
    let resource = |change: &Change| match change.subject {
        Subject::Resource(kind) => ResourceId::parse(kind, &change.name).ok(),
        _ => None,
    };
    let touched: BTreeSet<ResourceId> = changes.iter().filter_map(resource).collect();
    let scene = Scene::read(console, &touched).await?;
    // What was not touched since is as it was.
    let mut then = console.store.resources_at(to).await?;
    then.retain(|(id, _)| touched.contains(id));
    let present: Vec<StoredResource> = touched.iter().filter_map(|id| scene.resource(id)).cloned().collect();
    let RolledBack { changes, notes } = rollback(&then, &present, &changes);
    let mut wanted = Vec::with_capacity(changes.len());
    for one in changes {
        let id = ResourceId::parse(one.kind, &one.name).map_err(Problem::fault)?;
        let expect = scene.resource(&id).map_or(Precondition::Absent, |there| Precondition::Revision(there.revision));
        wanted.push(scene.wanted(id, one.spec, expect));
    }
    let notes = notes.into_iter().map(|note| NoteView { subject: note.subject, name: note.name.into(), why: note.why.into() });
    Ok(Back { wanted, scene, notes: notes.collect() })
}

/// What going back would do. Nothing is written.
async fn planned(console: &Console, back: &Back) -> Result<RollbackView, Problem> {
    let wishes: Vec<ResourceChange> = back.wanted.iter().map(|one| one.change.clone()).collect();
    let diagnostics = if wishes.is_empty() {
        Vec::new()
    } else {
        match console.world.plan(&wishes).await {
            Ok(planned) => planned.warnings,
            Err(Refused::Diagnostics(found)) => found,
            Err(refused) => return Err(refused.into()),
        }
    };
    let needs = declared::needed(&back.wanted, &back.scene);
    Ok(RollbackView {
        changes: back.wanted.iter().map(ChangePlanned::of).collect(),
        notes: back.notes.clone(),
        diagnostics: diagnostics.iter().map(DiagnosticView::from).collect(),
        approval: needs.is_some(),
        why: needs.map(|needs| needs.why).unwrap_or_default(),
        applied: None,
    })
}

/// How it was after a change.
struct To(u64);

impl Wish for To {
    fn read<'a>(&'a self, console: &'a Console) -> BoxFuture<'a, Result<(Vec<Wanted>, Scene), Problem>> {
        Box::pin(async move {
            let back = back(console, self.0).await?;
            Ok((back.wanted, back.scene))
        })
    }

    fn act(&self, changes: Vec<Proposed>) -> Act {
        Act::Rollback { to: self.0, changes }
    }
}

pub(crate) async fn roll_back(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: RollbackRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let first = back(console, request.to).await?;
    let mut view = planned(console, &first).await?;
    if request.plan {
        return Ok(Answer::ok(&view));
    }
    if first.wanted.is_empty() {
        let applied = wardgate_store::Applied { seq: console.store.last_seq().await?, ..Default::default() };
        view.applied = Some(AppliedView::of(&applied, 0, Vec::new()));
        return Ok(Answer::ok(&view));
    }
    let making = Making { caller: &asked.caller.identity, actor: &actor, manner: Manner::Single, now: asked.now };
    match declared::make(console, &making, &Asking::of(asked, &actor), &To(request.to)).await? {
        Outcome::Waits(approval) => Ok(acts::waits(&approval, asked.now)),
        Outcome::Done(made) => {
            view.applied = Some(AppliedView::of(&made.applied, 0, Vec::new()));
            Ok(Answer::ok(&view))
        }
    }
}

#[cfg(test)]
mod tests;
