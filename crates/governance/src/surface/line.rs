//! How each operation stands to the document of its API.

use super::{KEPT, SEEN_MIN, Standing, fold};
use http::Method;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use wardgate_model::{
    api::{Api, Operation, OperationClass, OperationEnding, PathTemplate, Segment, Target},
    id::{ApiName, OwnerName},
    time::Time,
};
use wardgate_store::{OperationUse, Stray, StrayKind, StraySum};

/// What stands for a parameter.
const FILLER: &str = "0";
/// The operation of use that was not told apart.
const OTHER: &str = "other";

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// APIs as they are now.
    pub apis: &'a [Arc<Api>],
    /// What use adds up to.
    pub used: &'a [OperationUse],
    /// What was seen astray.
    pub strays: &'a BTreeMap<ApiName, Vec<Stray>>,
    /// What an API had and has no longer.
    pub had: &'a dyn Fn(&ApiName) -> Vec<(Method, PathTemplate)>,
    /// Since when an operation is there and its use is counted; `None`: nobody knows, and it is not called unused.
    pub since: &'a dyn Fn(&Api, &Operation) -> Option<Time>,
    /// How long an operation goes without a call until it is unused.
    pub unused_for: Duration,
}

impl std::fmt::Debug for Ground<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("apis", &self.apis.len()).field("used", &self.used.len()).finish_non_exhaustive()
    }
}

/// One operation, and one way in which it is beside its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Of which API.
    pub api: ApiName,
    /// Who answers for the API.
    pub owner: OwnerName,
    /// How it stands to the document.
    pub standing: Standing,
    /// `METHOD TEMPLATE` with the API's prefix.
    pub operation: String,
    /// Its class, where the document has it.
    pub class: Option<OperationClass>,
    /// What is beside the document: where requests are otherwise, why it should be gone, since when nobody calls it.
    pub detail: String,
    /// Whether it should be gone by now: past its sunset, or taken out.
    pub gone: bool,
    /// Since when it is so, where it is unused.
    pub since: Option<Time>,
    /// What its calls add up to.
    pub sum: StraySum,
    /// How many identities made them, where they are known; with [`StraySum::callers`] at least so many.
    pub identities: u64,
}

/// All of it, by API, standing and how often.
#[must_use]
pub fn lines(ground: &Ground<'_>, now: Time) -> Vec<Line> {
    let mut used: HashMap<&ApiName, HashMap<&str, &OperationUse>> = HashMap::new();
    for one in ground.used {
        used.entry(&one.api).or_default().insert(&one.operation, one);
    }
    let mut lines = Vec::new();
    for api in ground.apis.iter().filter(|api| matches!(api.upstream.target, Target::Http(_))) {
        let strays = fold::folded(ground.strays.get(&api.name).cloned().unwrap_or_default());
        let strays: Vec<Stray> = strays.into_iter().filter(|stray| now.since(stray.sum.last) <= KEPT).collect();
        declared(ground, api, &used.remove(&api.name).unwrap_or_default(), &strays, now, &mut lines);
        unknown(ground, api, &strays, &mut lines);
    }
    let order = |line: &Line| (line.api.clone(), line.standing, std::cmp::Reverse((line.sum.answered, line.sum.seen)));
    lines.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| (&a.operation, &a.detail).cmp(&(&b.operation, &b.detail))));
    lines
}

fn line(api: &Api, standing: Standing, operation: String, detail: String, sum: StraySum) -> Line {
    let identities = u64::try_from(sum.callers.len()).unwrap_or(u64::MAX);
    let (class, gone, since) = (None, false, None);
    Line { api: api.name.clone(), owner: api.policy_owner.clone(), standing, operation, class, detail, gone, since, sum, identities }
}

fn bare(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.template)
}

/// What the document has: what should be gone, what nobody calls, what is called otherwise.
fn declared(ground: &Ground<'_>, api: &Api, used: &HashMap<&str, &OperationUse>, strays: &[Stray], now: Time, lines: &mut Vec<Line>) {
    // Of some calls only the API is known: any operation may have been meant.
    let coarse = used.get(OTHER).map(|one| one.last);
    let by_nobody: HashMap<&str, &StraySum> =
        strays.iter().filter(|stray| stray.kind == StrayKind::Unknown).map(|stray| (&*stray.operation, &stray.sum)).collect();
    for operation in &api.operations {
        let name = bare(operation);
        let mut sum = used.get(operation.id.as_str()).map(|one| of_use(one)).unwrap_or_default();
        let identities = used.get(operation.id.as_str()).map_or(0, |one| one.identities);
        if let Some(more) = by_nobody.get(name.as_str()) {
            fold::join(&mut sum, (*more).clone());
        }
        let last = (sum.seen > 0).then_some(sum.last);
        if let (Some(ending), Some(last)) = (&operation.ending, last) {
            let from = if ending.is_past(now) { ending.sunset } else { ending.deprecated };
            if now.since(last) <= KEPT && from.is_none_or(|from| last >= from && from <= now) {
                let one = line(api, Standing::Zombie, name.clone(), told(ending, now), sum.clone());
                lines.push(Line { class: Some(operation.class), gone: ending.is_past(now), identities, ..one });
            }
        }
        if let Some(since) = (ground.since)(api, operation) {
            let idle = [Some(since), last, coarse].into_iter().flatten().max().unwrap_or(since);
            if now.since(idle) >= ground.unused_for {
                let detail = match last {
                    Some(last) => format!("last called at {last}"),
                    None => format!("never called since {since}"),
                };
                let one = line(api, Standing::Unused, name.clone(), detail, sum);
                lines.push(Line { class: Some(operation.class), since: Some(idle), identities, ..one });
            }
        }
        for drift in strays.iter().filter(|stray| stray.kind == StrayKind::Drift && *stray.operation == *name) {
            let one = line(api, Standing::Drift, name.clone(), drift.place.to_string(), drift.sum.clone());
            lines.push(Line { class: Some(operation.class), ..one });
        }
    }
}

fn of_use(one: &OperationUse) -> StraySum {
    StraySum {
        first: one.first,
        last: one.last,
        seen: one.allowed.saturating_add(one.refused),
        answered: one.allowed,
        refused: one.refused,
        ..StraySum::default()
    }
}

fn told(ending: &OperationEnding, now: Time) -> String {
    match (ending.sunset, ending.deprecated) {
        (Some(sunset), _) if ending.is_past(now) => format!("its sunset was at {sunset}"),
        (Some(sunset), _) => format!("deprecated, and gone from {sunset} on"),
        (None, Some(since)) => format!("deprecated since {since}"),
        (None, None) => "deprecated".to_owned(),
    }
}

/// What the document does not have: what it had, and what it never had.
fn unknown(ground: &Ground<'_>, api: &Api, strays: &[Stray], lines: &mut Vec<Line>) {
    let had = (ground.had)(&api.name);
    let mut gone: BTreeMap<String, StraySum> = BTreeMap::new();
    for stray in strays.iter().filter(|stray| stray.kind == StrayKind::Shadow) {
        let Some((method, template)) = stray.operation.split_once(' ') else { continue };
        let path = filled(template);
        let knows = |operation: &Arc<Operation>| operation.method.as_str() == method && fits(&operation.template, &path);
        if api.operations.iter().any(knows) {
            continue;
        }
        if let Some((_, old)) = had.iter().find(|(known, old)| known.as_str() == method && fits(old, &path)) {
            fold::join(gone.entry(format!("{method} {old}")).or_default(), stray.sum.clone());
        } else if stray.sum.answered > 0 || stray.sum.refused >= SEEN_MIN {
            let detail = if stray.sum.answered > 0 { "the upstream serves it" } else { "callers ask for it, and are refused" };
            lines.push(line(api, Standing::Shadow, stray.operation.to_string(), detail.to_owned(), stray.sum.clone()));
        }
    }
    for (operation, sum) in gone {
        let one = line(api, Standing::Zombie, operation, "the document has it no longer".to_owned(), sum);
        lines.push(Line { gone: true, ..one });
    }
}

/// A path that a template stands for.
fn filled(template: &str) -> String {
    let segments = template.split('/').map(|segment| if segment.starts_with('{') { FILLER } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn fits(template: &PathTemplate, path: &str) -> bool {
    let segments: &[Segment] = template.segments();
    let Some(rest) = path.strip_prefix('/') else { return false };
    let parts: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split('/').collect() };
    segments.len() == parts.len() && segments.iter().zip(&parts).all(|(segment, part)| segment.fits(part))
}
