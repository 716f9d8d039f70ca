//! Who can call what: now, then, or what became different in between.

use crate::{clock, control::Control};
use std::sync::Arc;
use wardgate_console::{AccessCondition, AccessPage, AccessPath, AccessQuery, Code, Moment, Problem, Span};
use wardgate_gate::Snapshot;
use wardgate_governance::access::{self, Scene};
use wardgate_model::{
    api::{Api, Operation},
    id::IdentityId,
    inventory::Identity,
    time::Time,
};

/// Paths that are compared at the most, of each moment.
const COMPARED_MAX: usize = 50_000;

pub(super) async fn access(control: &Arc<Control>, query: AccessQuery) -> Result<AccessPage, Problem> {
    let now = clock::now();
    match query.span {
        Span::Now => {
            let snapshot = control.gate().snapshot();
            blocking(move || {
                let there = |id: &IdentityId| snapshot.population().identities().get(id.as_str()).is_some();
                known(&query, &[Scene::of(&snapshot)], there, || names(snapshot.population().identities().iter().map(AsRef::as_ref)))?;
                Ok(page(present(&snapshot, &wanted(&query), now)))
            })
            .await?
        }
        Span::At(moment) => {
            let (past, then) = past(control, moment).await?;
            blocking(move || {
                known(&query, &[past.scene()], |id| past.has(id), || names(&past.0.identities))?;
                Ok(page(access::paths(&past.scene(), &past.0.identities, &wanted(&query), then)))
            })
            .await?
        }
        Span::Between(from, to) => {
            let (before, then) = past(control, from).await?;
            let after = match to {
                Some(moment) => Some(past(control, moment).await?),
                None => None,
            };
            let snapshot = control.gate().snapshot();
            blocking(move || {
                let now_there = |id: &IdentityId| snapshot.population().identities().get(id.as_str()).is_some();
                let there = |id: &IdentityId| before.has(id) || after.as_ref().map_or_else(|| now_there(id), |(after, _)| after.has(id));
                let scenes = [before.scene(), after.as_ref().map_or_else(|| Scene::of(&snapshot), |(after, _)| after.scene())];
                let here = snapshot.population().identities().iter().map(AsRef::as_ref);
                known(&query, &scenes, there, || names(before.0.identities.iter().chain(here)))?;
                let all = |ask: &dyn Fn(&access::AccessQuery) -> access::AccessPage| all(&wanted(&query), ask);
                let old = all(&|query| access::paths(&before.scene(), &before.0.identities, query, then))?;
                let new = match &after {
                    Some((past, then)) => all(&|query| access::paths(&past.scene(), &past.0.identities, query, *then))?,
                    None => all(&|query| present(&snapshot, query, now))?,
                };
                compared(&access::diff(&old, &new), &query)
            })
            .await?
        }
    }
}

/// A past, and what paths are looked for in.
struct Then(crate::control::Past);

impl Then {
    fn scene(&self) -> Scene<'_> {
        Scene { policies: &self.0.loaded.policies, apis: &self.0.loaded.apis, denied: None }
    }

    fn has(&self, id: &IdentityId) -> bool {
        self.0.identities.iter().any(|identity| identity.id == *id)
    }
}

async fn past(control: &Control, moment: Moment) -> Result<(Then, Time), Problem> {
    let (seq, time) = match moment {
        Moment::Seq(seq) => (seq, clock::now()),
        Moment::Time(time) => (control.store().seq_at(time).await?, time),
    };
    let mut past = control.past(seq).await?;
    with_nobody(&mut past.identities);
    Ok((Then(past), time))
}

/// Those who are nobody on record are there at every moment, as they are now: they gain and lose with what is open to them.
fn with_nobody(identities: &mut Vec<Identity>) {
    identities.retain(|identity| !Identity::is_built_in(identity.id.as_str()));
    identities.extend([Identity::anonymous(), Identity::people()]);
    identities.sort_by(|a, b| a.id.cmp(&b.id));
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::fault)
}

/// Identities that a name which nobody has is compared with.
const NAMES_MAX: usize = 100_000;

fn names<'a>(identities: impl IntoIterator<Item = &'a Identity>) -> Vec<String> {
    identities.into_iter().take(NAMES_MAX).map(|identity| identity.id.to_string()).collect()
}

/// A typing error is no answer: whoever and whatever is asked about must be there, at one of the moments at least.
fn known(
    query: &AccessQuery,
    scenes: &[Scene<'_>],
    there: impl Fn(&IdentityId) -> bool,
    names: impl FnOnce() -> Vec<String>,
) -> Result<(), Problem> {
    if let Some(id) = query.identity.as_ref().filter(|id| !Identity::is_built_in(id.as_str()) && !there(id)) {
        let names = names();
        return Err(missing("identity", id.as_str(), names.iter().map(String::as_str)));
    }
    let apis = || scenes.iter().flat_map(|scene| scene.apis);
    if let Some(name) = query.api.as_ref().filter(|name| !apis().any(|api| api.name == **name)) {
        return Err(missing("API", name.as_str(), apis().map(|api| api.name.as_str())));
    }
    let Some(operation) = query.operation.as_deref() else { return Ok(()) };
    // By its id, or by the id without the API before it.
    let all = || apis().flat_map(|api| api.operations.iter().map(|operation| (operation.id.as_str(), bare(api, operation))));
    if all().any(|(id, bare)| id == operation || bare == operation) {
        return Ok(());
    }
    Err(missing("operation", operation, all().map(|(_, bare)| bare)))
}

/// An operation's id without the API before it.
fn bare<'a>(api: &Api, operation: &'a Operation) -> &'a str {
    let id = operation.id.as_str();
    id.strip_prefix(api.name.as_str()).map_or(id, str::trim_start)
}

fn missing<'a>(what: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Problem {
    let near = wardgate_resources::nearest(name, names).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
    Problem::new(Code::NotFound, format!("there is no {what} `{name}`{near}"))
}

fn wanted(query: &AccessQuery) -> access::AccessQuery {
    access::AccessQuery {
        identity: query.identity.clone(),
        api: query.api.clone(),
        operation: query.operation.clone(),
        denied: query.denied,
        after: query.cursor.clone(),
        limit: query.limit,
    }
}

fn present(snapshot: &Snapshot, query: &access::AccessQuery, now: Time) -> access::AccessPage {
    let scene = Scene::of(snapshot);
    let population = snapshot.population().identities();
    if let Some(identity) = &query.identity {
        return access::paths(&scene, snapshot.identity(identity).map(AsRef::as_ref), query, now);
    }
    let after = query.after.as_deref().and_then(|after| after.split_once(' ')).map_or("", |(identity, _)| identity);
    let mut identities: Vec<&Identity> = population
        .iter()
        .chain([snapshot.people()])
        .map(AsRef::as_ref)
        .filter(|identity: &&Identity| identity.id.as_str() >= after)
        .collect();
    identities.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    access::paths(&scene, identities, query, now)
}

/// Every path of a query, page by page.
fn all(query: &access::AccessQuery, ask: &dyn Fn(&access::AccessQuery) -> access::AccessPage) -> Result<Vec<access::AccessPath>, Problem> {
    let mut query = access::AccessQuery { after: None, limit: access::PAGE_MAX, denied: false, ..query.clone() };
    let mut paths = Vec::new();
    loop {
        let page = ask(&query);
        paths.extend(page.paths);
        if paths.len() > COMPARED_MAX {
            let what = format!("more than {COMPARED_MAX} paths would be compared: name an identity, an API or an operation");
            return Err(Problem::new(Code::Unfit, what));
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(paths),
        }
    }
}

/// A page of differences; the cursor is how many were seen.
fn compared(diff: &access::AccessDiff, query: &AccessQuery) -> Result<AccessPage, Problem> {
    let seen: usize = match query.cursor.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(seen)) => seen,
        Some(Err(_)) => return Err(Problem::new(Code::Malformed, "this is no cursor of a comparison")),
    };
    let told = |change: &str, path: &access::AccessPath, before: Option<String>| AccessPath {
        change: Some(change.to_owned()),
        before,
        ..shown(path)
    };
    let gained = diff.gained.iter().map(|path| told("gained", path, None));
    let lost = diff.lost.iter().map(|path| told("lost", path, Some(path.answer.to_string())));
    let changed = diff.changed.iter().map(|changed| told("changed", &changed.after, Some(changed.before.answer.to_string())));
    let limit = usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX);
    let mut rest = gained.chain(lost).chain(changed).skip(seen);
    let paths: Vec<_> = rest.by_ref().take(limit).collect();
    let next = rest.next().map(|_| (seen + paths.len()).to_string());
    Ok(AccessPage { paths, next })
}

fn page(page: access::AccessPage) -> AccessPage {
    AccessPage { paths: page.paths.iter().map(shown).collect(), next: page.next.map(Into::into) }
}

fn shown(path: &access::AccessPath) -> AccessPath {
    AccessPath {
        identity: path.identity.to_string(),
        api: path.api.to_string(),
        operation: path.operation.to_string(),
        class: path.class.to_string(),
        answer: path.answer.to_string(),
        by: path.by.iter().map(ToString::to_string).collect(),
        conditions: path
            .conditions
            .iter()
            .map(|condition| AccessCondition {
                policy: condition.policy.to_string(),
                forbids: condition.forbids,
                when: condition.when.to_string(),
            })
            .collect(),
        until: path.until.map(Time::to_rfc3339),
        enforced: path.enforced,
        change: None,
        before: None,
    }
}
