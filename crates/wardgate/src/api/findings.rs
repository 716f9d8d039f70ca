//! Posture: what is on record and what the gate knows, as values for `governance::findings`.

use super::surface::beside;
use crate::{
    bypass::{Bypass, Found},
    control::Control,
    risks::{Risks, Row, Shown},
    surface::Surface,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use wardgate_console::{FindingView, QualityPart, QualityView};
use wardgate_governance::{
    findings::{self, Called, Estate, Finding, Findings, Governed, Used},
    quality::{Quality, grade, letter},
    stored,
    surface::Line,
};
use wardgate_model::{
    credential::Credential,
    id::{ApiName, CredentialId, IdentityId},
    inventory::Identity,
    resource::Kind,
    time::Time,
};
use wardgate_resources::Inventory;
use wardgate_store::{ChangeFilter, DiscoveryFilter, DiscoveryState, Store, StoreFault, UsageFilter};

/// Rows of use that are added up.
const USAGE_MAX: u32 = 1_000_000;
/// Resources whose beginning is looked up.
const LOOKED_UP_MAX: usize = 2_000;

/// Grades that are another than those in the snapshot.
pub(crate) type Regraded = Vec<(IdentityId, u8)>;

/// What should worry at `now`, and how that grades whom.
pub(crate) async fn findings(
    control: &Arc<Control>,
    (bypass, risks, surface): (&Bypass, &Risks, &Surface),
    now: Time,
) -> anyhow::Result<(Findings, Regraded)> {
    let mut record = Record::read(control.store(), None, &ending(&control.loaded().inventory)).await?;
    let every = (None, findings::UNUSED);
    record.beside = beside(control, bypass, surface, &record.since, every, now).await?;
    let (control, bypass, risky, misused) = (Arc::clone(control), bypass.clone(), risks.rows(now), risks.misused(now));
    // A million identities take a while to look at.
    let look = move || {
        let mut regraded = Vec::new();
        let found = survey(&control, &bypass, (&risky, &misused), &record, (None, now), |governed, found| {
            regraded.extend(regrade(governed, found, now));
        });
        (found, regraded)
    };
    Ok(tokio::task::spawn_blocking(look).await?)
}

fn regrade(governed: &Governed<'_>, found: &[&Finding], now: Time) -> Option<(IdentityId, u8)> {
    let score = grade(governed, found.iter().copied(), now).score;
    (score != governed.identity.quality).then(|| (governed.identity.id.clone(), score))
}

/// How everybody is graded by what is there without asking anybody: for a gate whose store is away.
pub(crate) async fn grades_alone(control: &Arc<Control>, bypass: &Bypass, now: Time) -> anyhow::Result<Regraded> {
    let (control, bypass) = (Arc::clone(control), bypass.clone());
    let look = move || {
        let mut regraded = Vec::new();
        drop(survey(&control, &bypass, (&[], &[]), &Record::default(), (None, now), |governed, found| {
            regraded.extend(regrade(governed, found, now));
        }));
        regraded
    };
    Ok(tokio::task::spawn_blocking(look).await?)
}

/// The quality of an identity: as policies see it here, and as it is graded at `now`. `None`: it is not there.
pub(crate) async fn quality(
    control: &Arc<Control>,
    (bypass, risks): (&Bypass, &Risks),
    id: &IdentityId,
    now: Time,
) -> anyhow::Result<Option<(u8, Quality)>> {
    let record = Record::read(control.store(), Some(id), &HashSet::new()).await?;
    let (control, bypass, risky, misused) = (Arc::clone(control), bypass.clone(), risks.rows(now), risks.misused(now));
    let id = id.clone();
    let look = move || {
        let mut graded = None;
        drop(survey(&control, &bypass, (&risky, &misused), &record, (Some(&id), now), |governed, found| {
            graded = Some((governed.identity.quality, grade(governed, found.iter().copied(), now)));
        }));
        graded
    };
    Ok(tokio::task::spawn_blocking(look).await?)
}

/// The operations that go out of use, by id.
fn ending(inventory: &Inventory) -> HashSet<Box<str>> {
    let operations = inventory.apis.iter().flat_map(|api| &api.operations);
    operations.filter(|operation| operation.ending.is_some()).map(|operation| operation.id.as_str().into()).collect()
}

/// What the store has to say.
#[derive(Default)]
struct Record {
    owners: Vec<wardgate_store::StoredOwner>,
    discoveries: Vec<wardgate_store::StoredDiscovery>,
    used: HashMap<CredentialId, Used>,
    /// Calls of operations that go out of use: the last, and how many.
    calls: HashMap<(Box<str>, IdentityId), (Time, u64)>,
    counted_since: Option<Time>,
    since: HashMap<(Kind, Box<str>), Time>,
    states: HashMap<IdentityId, Time>,
    beside: Vec<Line>,
}

impl Record {
    /// Of everybody, or what one identity is graded by.
    async fn read(store: &Store, one: Option<&IdentityId>, ending: &HashSet<Box<str>>) -> Result<Self, StoreFault> {
        let open = DiscoveryFilter { state: Some(DiscoveryState::Open), ..DiscoveryFilter::default() };
        let mut used: HashMap<CredentialId, Used> = HashMap::new();
        let mut calls: HashMap<(Box<str>, IdentityId), (Time, u64)> = HashMap::new();
        let mut counted_since: Option<Time> = None;
        for row in store.usage(&UsageFilter { identity: one.cloned(), limit: Some(USAGE_MAX), ..UsageFilter::default() }).await? {
            counted_since = Some(counted_since.map_or(row.first, |since| since.min(row.first)));
            let count = row.allowed.saturating_add(row.refused);
            if ending.contains(&row.operation) {
                let sum = calls.entry((row.operation, row.identity)).or_insert((row.last, 0));
                *sum = (sum.0.max(row.last), sum.1.saturating_add(count));
            }
            let Some(id) = row.credential else { continue };
            let sum = used.entry(id).or_insert(Used { first: row.first, last: row.last, count: 0 });
            (sum.first, sum.last, sum.count) = (sum.first.min(row.first), sum.last.max(row.last), sum.count.saturating_add(count));
        }
        Ok(Self {
            owners: store.owner_statuses().await?,
            discoveries: store.discoveries(&open).await?,
            used,
            calls,
            counted_since,
            since: beginnings(store).await?,
            states: store.statuses().await?.into_iter().map(|status| (status.identity, status.updated)).collect(),
            beside: Vec::new(),
        })
    }
}

/// Since when owners and APIs are on record.
pub(super) async fn beginnings(store: &Store) -> Result<HashMap<(Kind, Box<str>), Time>, StoreFault> {
    let mut since = HashMap::new();
    let resources = store.estate().await?.resources;
    let asked = resources.iter().filter(|resource| matches!(resource.id.kind(), Kind::Owner | Kind::Api)).take(LOOKED_UP_MAX);
    for resource in asked {
        let filter = ChangeFilter { since: resource.created_seq.saturating_sub(1), limit: 1, ..ChangeFilter::default() };
        if let Some(change) = store.changes(&filter).await?.first() {
            since.insert((resource.id.kind(), resource.id.name().into()), change.time);
        }
    }
    Ok(since)
}

/// Looks at everybody, or at one.
fn survey(
    control: &Control,
    bypass: &Bypass,
    (risky, misused): (&[Row], &[Shown]),
    record: &Record,
    (one, now): (Option<&IdentityId>, Time),
    each: impl FnMut(&Governed<'_>, &[&Finding]),
) -> Findings {
    let (snapshot, loaded) = (control.gate().snapshot(), control.loaded());
    let inventory = &loaded.inventory;
    let since = |kind: Kind, name: &str| record.since.get(&(kind, name.into())).copied();
    let owners = inventory.owners.iter().map(|owner| stored::answering(owner, &record.owners, since(Kind::Owner, owner.name.as_str())));
    let (owners, unclaimed): (Vec<_>, Vec<_>) = (owners.collect(), stored::unclaimed(&record.discoveries).collect());
    let population = snapshot.population();
    let mut credentials: HashMap<&IdentityId, Vec<Credential>> = HashMap::new();
    for credential in population.credentials().iter().filter(|credential| one.is_none_or(|one| credential.identity == *one)) {
        credentials.entry(&credential.identity).or_default().push(Credential::clone(credential));
    }
    let ways = bypass.found();
    let calls = record.calls.iter();
    let calls: Vec<_> =
        calls.map(|((operation, identity), (last, count))| Called { operation, identity, last: *last, count: *count }).collect();
    let misused: Vec<_> = misused.iter().map(Shown::misused).collect();
    let risky: Vec<_> = risky.iter().map(Row::shown).collect();
    let bypasses: Vec<_> = ways.iter().map(Found::shown).collect();
    let estate = Estate {
        owners: &owners,
        apis: &inventory.apis,
        grants: &inventory.grants,
        contracts: &inventory.contracts,
        waivers: &inventory.waivers,
        rotations: &loaded.rotations,
        unclaimed: &unclaimed,
        bypasses: &bypasses,
        calls: &calls,
        beside: &record.beside,
        risky: &risky,
        misused: &misused,
        counted_since: record.counted_since,
        used: &|id: &CredentialId| record.used.get(id).copied(),
        api_since: &|name: &ApiName| since(Kind::Api, name.as_str()),
    };
    let wanted = |identity: &&Arc<Identity>| !identity.is_anonymous() && one.is_none_or(|one| identity.id == *one);
    let governed = population.identities().iter().filter(wanted).map(|identity| Governed {
        identity,
        since: record.states.get(&identity.id).copied().unwrap_or_default(),
        credentials: credentials.get(&identity.id).map(Vec::as_slice).unwrap_or_default(),
    });
    findings::survey(&estate, governed, now, each)
}

pub(super) fn shown(finding: &Finding) -> FindingView {
    FindingView {
        code: finding.code.as_str().to_owned(),
        kind: finding.subject.kind.to_owned(),
        name: finding.subject.name.to_string(),
        owner: finding.owner.as_ref().map(ToString::to_string),
        severity: finding.severity.to_string(),
        since: finding.since.map(Time::to_rfc3339),
        evidence: finding.evidence.clone(),
        remedy: finding.remedy.to_owned(),
        owasp: finding.owasp.map(str::to_owned),
        exempt: finding.exempt,
    }
}

pub(super) fn graded((here, now): (u8, Quality)) -> QualityView {
    let part = |part: wardgate_governance::quality::Part| QualityPart { cause: part.cause.to_owned(), minus: part.minus, what: part.what };
    QualityView {
        score: here,
        letter: letter(here).to_string(),
        now: now.score,
        letter_now: now.letter().to_string(),
        parts: now.parts.into_iter().map(part).collect(),
    }
}
