//! The faces of what is declared: one resource, documents as a whole, everything as documents.

use super::{DocumentBody, DocumentView, Draft, Made, Making, One, Prune, Scene, Wanted, Wish, documents::kind as read_kind, make, needed};
use crate::{
    acts::{self, Asking, Outcome},
    answer::Answer,
    call::{Asked, Console},
    input, power,
    problem::{Code, DiagnosticView, Problem},
    records,
    world::{BoxFuture, Manner, Refused},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wardgate_model::resource::Kind;
use wardgate_resources::{diff, normalise};
use wardgate_store::{Applied, Origin, ResourceChange, ResourceId};

/// One resource as it is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutRequest {
    /// What it declares.
    spec: Map<String, Value>,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// Documents to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanRequest {
    /// The documents, in any order.
    documents: Vec<DocumentBody>,
    /// Whether what was applied before and is in no document now is removed.
    #[serde(default)]
    prune: bool,
}

/// Documents to make true.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyRequest {
    /// The documents, in any order.
    documents: Vec<DocumentBody>,
    /// Whether what was applied before and is in no document now is removed.
    #[serde(default)]
    prune: bool,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// One line of a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangePlanned {
    /// What it is.
    kind: &'static str,
    /// Its name.
    name: String,
    /// `create`, `update`, `remove` or `unchanged`.
    change: &'static str,
    /// What it says now; only where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// What it would say; only where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// What differs, key by key.
    fields: Vec<FieldView>,
}

/// One key that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FieldView {
    /// Where it stands: `spec.credentials[main].expires_in`.
    path: String,
    /// What stands there now; `null`: nothing.
    before: Option<Value>,
    /// What would stand there; `null`: nothing.
    after: Option<Value>,
}

/// What documents would change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlanView {
    /// A line for each document, then what would be removed.
    changes: Vec<ChangePlanned>,
    /// All that is wrong with them, and warnings. With an error in it they cannot be applied.
    diagnostics: Vec<DiagnosticView>,
    /// Whether a second person has to agree.
    approval: bool,
    /// What the second person is for.
    why: Vec<String>,
}

/// What applying documents did.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AppliedView {
    /// Not there before.
    created: usize,
    /// With another spec.
    updated: usize,
    /// Not there any more.
    removed: usize,
    /// As they were.
    unchanged: usize,
    /// The number of the last change.
    seq: u64,
    /// Worth knowing.
    diagnostics: Vec<DiagnosticView>,
}

/// A page of everything declared.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Exported {
    /// The documents, by kind and name.
    documents: Vec<DocumentView>,
    /// Give this as `cursor` for what comes next; `null`: there is no more.
    next: Option<String>,
}

impl ChangePlanned {
    pub(crate) fn of(wanted: &Wanted) -> Self {
        let (before, after) = (wanted.before.as_ref().map(|before| &before.spec), wanted.change.spec.as_ref());
        let change = match (before, after) {
            _ if wanted.is_so() => "unchanged",
            (None, _) => "create",
            (Some(_), None) => "remove",
            (Some(_), Some(_)) => "update",
        };
        let fields = if change == "update" { diff(before, after) } else { Vec::new() };
        let shown = |spec: Option<&Value>| spec.filter(|_| change != "unchanged").cloned();
        Self {
            kind: wanted.change.id.kind().as_str(),
            name: wanted.change.id.name().to_owned(),
            change,
            before: shown(before),
            after: shown(after),
            fields: fields.into_iter().map(|one| FieldView { path: one.path, before: one.before, after: one.after }).collect(),
        }
    }
}

impl PlanView {
    /// Puts what was found before the documents were looked at first.
    pub(crate) fn note_first(&mut self, mut found: Vec<DiagnosticView>) {
        found.append(&mut self.diagnostics);
        self.diagnostics = found;
    }
}

impl AppliedView {
    /// What was done, besides `unchanged` documents that were not asked about.
    pub(crate) fn of(applied: &Applied, unchanged: usize, diagnostics: Vec<DiagnosticView>) -> Self {
        Self {
            created: applied.created,
            updated: applied.updated,
            removed: applied.removed,
            // Taken over as it stands: what it declares is as it was.
            unchanged: applied.unchanged + applied.moved + unchanged,
            seq: applied.seq,
            diagnostics,
        }
    }
}

const fn pruning(prune: bool) -> Prune {
    if prune { Prune::Remove } else { Prune::Keep }
}

/// What a draft would change, and all that is wrong with it. Nothing is written.
pub(crate) async fn plan_view(console: &Console, asked: &Asked<'_>, draft: &Draft) -> Result<PlanView, Problem> {
    let changes = draft.changes();
    let mut diagnostics = draft.diagnostics.clone();
    let caller = &asked.caller.identity;
    if power::kept_to(caller).is_some() {
        // What one may not change one is not shown.
        power::may_declare(caller, &draft.wanted, &draft.scene)?;
    }
    let wishes: Vec<ResourceChange> = changes.iter().map(|one| one.change.clone()).collect();
    if !wishes.is_empty() {
        match console.world.plan(&wishes).await {
            Ok(planned) => diagnostics.extend(planned.warnings.iter().map(DiagnosticView::from)),
            Err(Refused::Diagnostics(found)) => diagnostics.extend(found.iter().map(DiagnosticView::from)),
            Err(refused) => return Err(refused.into()),
        }
    }
    let needs = needed(&changes, &draft.scene);
    Ok(PlanView {
        changes: draft.wanted.iter().map(ChangePlanned::of).collect(),
        diagnostics,
        approval: needs.is_some(),
        why: needs.map(|needs| needs.why).unwrap_or_default(),
    })
}

pub(crate) async fn plan(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: PlanRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let draft = Draft::read(console, &request.documents, pruning(request.prune)).await?;
    Ok(Answer::ok(&plan_view(console, asked, &draft).await?))
}

/// Documents to be made true.
struct Documents<'r> {
    documents: &'r [DocumentBody],
    prune: Prune,
}

impl Wish for Documents<'_> {
    fn read<'a>(&'a self, console: &'a Console) -> BoxFuture<'a, Result<(Vec<Wanted>, Scene), Problem>> {
        Box::pin(async move {
            let draft = Draft::read(console, self.documents, self.prune).await?;
            Ok((draft.changes(), draft.scene))
        })
    }
}

pub(crate) async fn apply(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ApplyRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let prune = pruning(request.prune);
    let first = Draft::read(console, &request.documents, prune).await?;
    power::may_declare(&asked.caller.identity, &first.changes(), &first.scene)?;
    refuse(console, &first).await?;
    let unchanged = first.unchanged();
    if first.changes().is_empty() {
        let applied = Applied { seq: console.store.last_seq().await?, ..Applied::default() };
        return Ok(Answer::ok(&AppliedView::of(&applied, unchanged, Vec::new())));
    }
    let making = Making { caller: &asked.caller.identity, actor: &actor, manner: Manner::Whole, now: asked.now };
    let wish = Documents { documents: &request.documents, prune };
    match make(console, &making, &Asking::of(asked, &actor), &wish).await? {
        Outcome::Waits(approval) => Ok(acts::waits(&approval, asked.now)),
        Outcome::Done(Made { applied, planned }) => {
            let warnings = planned.warnings.iter().map(DiagnosticView::from).collect();
            Ok(Answer::ok(&AppliedView::of(&applied, unchanged, warnings)))
        }
    }
}

/// Refuses documents that cannot be read, together with all that resolving the others finds.
async fn refuse(console: &Console, draft: &Draft) -> Result<(), Problem> {
    let mut found = draft.diagnostics.clone();
    if found.is_empty() {
        return Ok(());
    }
    if found.iter().all(|one| one.code == "resource.from_file")
        && let Some(first) = found.first()
    {
        let more = found.len() - 1;
        let more = if more > 0 { format!(", and {more} more come from files") } else { String::new() };
        let problem = Problem::new(Code::Conflict, format!("resource `{}`: {}{more}", first.place, first.what));
        return Err(problem.mend("change what comes from files in the files, and leave it out here"));
    }
    let wishes: Vec<ResourceChange> = draft.changes().into_iter().map(|one| one.change).collect();
    if let Err(Refused::Diagnostics(more)) = console.world.plan(&wishes).await {
        found.extend(more.iter().map(DiagnosticView::from));
    }
    Err(Problem::diagnostics(found))
}

pub(crate) async fn put(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let id = records::resource_id(asked)?;
    let expect = input::precondition(&asked.call.headers)?;
    let request: PutRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let spec = normalise(Value::Object(request.spec)).map_err(|wrong| Problem::new(Code::Unfit, wrong.what))?;
    let making = Making { caller: &asked.caller.identity, actor: &actor, manner: Manner::Single, now: asked.now };
    let wish = One { id, spec: Some(spec), expect };
    match make(console, &making, &Asking::of(asked, &actor), &wish).await? {
        Outcome::Waits(approval) => Ok(acts::waits(&approval, asked.now)),
        Outcome::Done(made) => {
            let (view, revision) = records::view(console, asked, &wish.id).await?;
            let status = if made.applied.created > 0 { StatusCode::CREATED } else { StatusCode::OK };
            Ok(Answer::json(status, &view).at(revision))
        }
    }
}

pub(crate) async fn remove(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let id = records::resource_id(asked)?;
    let expect = input::precondition(&asked.call.headers)?;
    let actor = asked.actor(input::reason(asked.query.value("reason"))?);
    let making = Making { caller: &asked.caller.identity, actor: &actor, manner: Manner::Single, now: asked.now };
    let wish = One { id, spec: None, expect };
    match make(console, &making, &Asking::of(asked, &actor), &wish).await? {
        Outcome::Waits(approval) => Ok(acts::waits(&approval, asked.now)),
        Outcome::Done(_) => Ok(Answer::nothing()),
    }
}

/// How many rows are looked at for one page, however few of them are wanted.
const LOOKED_MAX: u32 = 5_000;

pub(crate) async fn export(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let limit = asked.query.limit()? as usize;
    let only = asked.query.value("kind").map(records::kind_of).transpose()?;
    let origin = asked.query.value("origin");
    let (mut kind, mut after) = match asked.query.value("cursor") {
        None => (Kind::ALL.first().copied(), String::new()),
        Some(cursor) => {
            let bad = || input::malformed(format!("`{}` is no cursor of this list", input::shown(cursor)));
            let (kind, name) = cursor.split_once('/').ok_or_else(bad)?;
            (Some(read_kind(kind).ok_or_else(bad)?), name.to_owned())
        }
    };
    let (mut documents, mut looked) = (Vec::new(), 0);
    while let Some(current) = kind {
        let rest = limit.saturating_sub(documents.len()).max(1);
        let wanted = only.is_none_or(|only| only == current);
        let page =
            if wanted { console.store.resources_of(current, &after, u32::try_from(rest).unwrap_or(u32::MAX)).await? } else { Vec::new() };
        looked += u32::try_from(page.len()).unwrap_or(u32::MAX);
        match page.last() {
            None => (kind, after) = (next_kind(current), String::new()),
            Some(last) => after = last.id.name().to_owned(),
        }
        let fits = |one: &Origin| *one != Origin::Shipped && origin.is_none_or(|word| records::comes_from(one, word));
        let shown = page.into_iter().filter(|resource| fits(&resource.origin));
        documents.extend(shown.map(|resource| document(resource.id, resource.spec)));
        if documents.len() >= limit || looked >= LOOKED_MAX {
            break;
        }
    }
    let next = kind.map(|kind| format!("{kind}/{after}"));
    Ok(Answer::ok(&Exported { documents, next }))
}

fn document(id: ResourceId, spec: Value) -> DocumentView {
    DocumentView { kind: id.kind().to_string(), name: id.name().to_owned(), spec }
}

fn next_kind(kind: Kind) -> Option<Kind> {
    Kind::ALL.iter().copied().skip_while(|one| *one != kind).nth(1)
}
