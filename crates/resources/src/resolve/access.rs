//! Grants, limits, zones.

use super::{
    Entry, agreed, items,
    known::{Grounds, Known, SEARCHED_MAX},
    value,
};
use crate::{
    raw::{Raw, RawGrant, RawLimit, RawSelect, RawZone},
    resolve::operations::shape,
    wire::{Match, Selector},
    yaml::{At, Faults, Spot},
};
use std::{collections::HashMap, sync::Arc};
use wardgate_model::{
    api::{Api, Operation},
    diagnostic::Place,
    facts::Lane,
    grant::{Grant, GrantTo, OperationSelector},
    id::{ApiName, GrantId, LimitName, TrustName, ZoneName},
    inventory::Zone,
    limit::{Limit, Per, Rate, Select},
    resource::Kind,
    trust::Vouches,
};

pub(super) fn grant(name: &str, raw: &RawGrant, known: &Known<'_>, faults: &Faults) -> Option<Grant> {
    let to = to(raw, known, faults);
    let purpose = value(raw.purpose.as_ref()).map(|purpose| purpose.0.clone());
    if let (Some(purpose), Some(at)) = (&purpose, &raw.purpose) {
        known.exists(Kind::Purpose, purpose.as_str(), at.spot, "purpose", faults);
    }
    let api = api(raw.api.value.as_ref().map(|name| &name.0), raw.api.spot, "api", known, faults);
    if raw.operations.value.as_ref().is_some_and(Vec::is_empty) {
        let mend = "name classes or operations, as in `[read, \"GET /export\"]`".to_owned();
        faults.error(raw.operations.spot, "grant.empty", "`operations`: the list is empty", mend);
    }
    let mut operations = Vec::new();
    for (selector, spot) in items(Some(&raw.operations)) {
        operations.extend(selected(&selector.0, spot, api.as_ref(), faults));
    }
    let said = value(raw.until.as_ref()).map(|moment| moment.0);
    let agreed = raw.contract.as_ref().and_then(|at| {
        let api = raw.api.value.as_ref().map(|name| &name.0);
        agreed::granted_until(at, to.as_ref(), api, known, faults)
    });
    Some(Grant {
        id: GrantId::parse(name).ok()?,
        to: to?,
        api: raw.api.value.as_ref()?.0.clone(),
        operations: operations.into(),
        purpose,
        until: said.into_iter().chain(agreed).min(),
        approver: None,
    })
}

fn to(raw: &RawGrant, known: &Known<'_>, faults: &Faults) -> Option<GrantTo> {
    let to = raw.to.value.as_ref()?;
    match (&to.identity, &to.owner) {
        (Some(at), None) => {
            let name = &at.value.as_ref()?.0;
            known.exists(Kind::Identity, name.as_str(), at.spot, "to.identity", faults).then(|| GrantTo::Identity(name.clone()))
        }
        (None, Some(at)) => known.owner(at, "to.owner", faults).map(GrantTo::Owner),
        (Some(_), Some(_)) | (None, None) => {
            let mend = "write `to: {identity: NAME}` or `to: {owner: NAME}`".to_owned();
            faults.error(raw.to.spot, "grant.to", "`to`: a grant is given to one identity or one owner", mend);
            None
        }
    }
}

/// An API that is referred to.
enum Referred<'a> {
    /// One of the documents, resolved.
    Known(&'a Arc<Api>),
    /// The management API, which no document describes; of limits, each API of our own.
    Admin,
}

fn api<'a>(name: Option<&ApiName>, spot: Spot, key: &str, known: &'a Known<'_>, faults: &Faults) -> Option<Referred<'a>> {
    let name = name?;
    if name.as_str() == Api::ADMIN {
        return Some(Referred::Admin);
    }
    known.exists(Kind::Api, name.as_str(), spot, key, faults);
    known.apis.get(name.as_str()).map(Referred::Known)
}

fn find<'a>(api: &'a Api, wanted: &Match) -> Option<&'a Arc<Operation>> {
    let full = super::operations::full(&api.path_prefix, &wanted.template)?;
    let form = shape(&full);
    api.operations.iter().find(|operation| operation.method == wanted.method && shape(&operation.template) == form)
}

/// Resolves a selector against the API's operations.
fn selected(selector: &Selector, spot: Spot, api: Option<&Referred<'_>>, faults: &Faults) -> Option<OperationSelector> {
    match (selector, api?) {
        (Selector::Class(class), Referred::Admin) => Some(OperationSelector::Class(*class)),
        (Selector::Class(class), Referred::Known(api)) => {
            if !api.operations.iter().any(|operation| operation.class == *class) {
                let mend = "take it out, or give an operation this class".to_owned();
                faults.warning(
                    spot,
                    "grant.no_operation",
                    format_args!("the API `{}` has no operation of class `{class}`", api.name),
                    mend,
                );
            }
            Some(OperationSelector::Class(*class))
        }
        (Selector::Operation(wanted), Referred::Admin) => {
            Some(OperationSelector::Operation { method: wanted.method.clone(), template: wanted.template.clone() })
        }
        (Selector::Operation(wanted), Referred::Known(api)) => {
            let found = operation(api, wanted, spot, "grant.no_operation", faults)?;
            Some(OperationSelector::Operation { method: found.method.clone(), template: found.template.clone() })
        }
    }
}

/// The operation that is meant, or an error with the nearest one.
pub(super) fn operation<'a>(api: &'a Api, wanted: &Match, spot: Spot, code: &'static str, faults: &Faults) -> Option<&'a Arc<Operation>> {
    let found = find(api, wanted);
    if found.is_none() {
        let written = format!("{} {}", wanted.method, wanted.template);
        let others: Vec<String> = api.operations.iter().take(SEARCHED_MAX).map(|operation| relative(api, operation)).collect();
        let near = crate::nearest::nearest(&written, others.iter().map(String::as_str));
        let mend = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "templates are relative to the API's `path_prefix`; add the operation to the API, or take it out here".to_owned(),
        };
        faults.error(spot, code, format_args!("the API `{}` has no operation `{written}`", api.name), mend);
    }
    found
}

fn relative(api: &Api, operation: &Operation) -> String {
    let path = operation.template.as_str();
    format!("{} {}", operation.method, path.strip_prefix(&*api.path_prefix).filter(|rest| rest.starts_with('/')).unwrap_or("/"))
}

pub(super) fn limit(name: &str, raw: &RawLimit, known: &Known<'_>, faults: &Faults) -> Option<Limit> {
    let none = RawSelect::default();
    let select = select(value(raw.select.as_ref()).unwrap_or(&none), known, faults);
    if raw.rate.is_none() && raw.quota.is_none() && raw.concurrency.is_none() && raw.bytes.is_none() {
        let mend = "add `rate`, `quota`, `concurrency` or `bytes`".to_owned();
        faults.error(raw.per.spot, "limit.empty", "this limit limits nothing", mend);
    }
    if let (None, Some(burst)) = (&raw.rate, &raw.burst) {
        faults.error(burst.spot, "limit.burst", "`burst`: there is no `rate` that it belongs to", "add `rate`, or take it out".to_owned());
    }
    if let Some(At { spot, value: Some(0) }) = &raw.concurrency {
        faults.error(*spot, "value.invalid", "`concurrency`: the number must be more than zero", None);
    }
    if raw.per.value.is_some_and(|per| per.0 == Per::Person) && select.lane() == Some(Lane::Anonymous) {
        let mend = "write `per: source`, or select another lane".to_owned();
        faults.error(raw.per.spot, "limit.nobody", "this limit counts nothing: who is anonymous is no person", mend);
    }
    let rate = value(raw.rate.as_ref()).map(|pace| Rate {
        count: pace.0.count,
        period: pace.0.period,
        burst: value(raw.burst.as_ref()).map_or(pace.0.count, |burst| burst.0),
    });
    Some(Limit {
        name: LimitName::parse(name).ok()?,
        select,
        per: raw.per.value?.0,
        rate,
        quota: value(raw.quota.as_ref()).map(|quota| quota.0),
        concurrency: value(raw.concurrency.as_ref()).copied(),
        bytes: value(raw.bytes.as_ref()).map(|bytes| bytes.0),
    })
}

fn select(raw: &RawSelect, known: &Known<'_>, faults: &Faults) -> Select {
    if let (Some(at), Some(_)) = (&raw.lane, &raw.anonymous) {
        let what = "`select`: `lane` and `anonymous` say the same, or contradict each other";
        faults.error(at.spot, "limit.lane", what, "take `anonymous` out".to_owned());
    }
    if let Some(at) = &raw.identity
        && let Some(name) = &at.value
    {
        known.exists(Kind::Identity, name.0.as_str(), at.spot, "select.identity", faults);
    }
    if let Some(at) = &raw.owner {
        known.owner(at, "select.owner", faults);
    }
    if let Some(at) = &raw.environment {
        known.environment(at, "select.environment", faults);
    }
    let api_name = value(raw.api.as_ref()).map(|name| name.0.clone());
    let spot = raw.api.as_ref().map_or(Spot::default(), |at| at.spot);
    // APIs of our own are limited as any other; their operations no document describes.
    let ours = api_name.as_ref().is_some_and(|name| [Api::ISSUER, Api::TASKS].contains(&name.as_str()));
    let referred = if ours { Some(Referred::Admin) } else { api(api_name.as_ref(), spot, "select.api", known, faults) };
    let operation = raw.operation.as_ref().and_then(|at| {
        let wanted = &at.value.as_ref()?.0;
        match (&raw.api, referred.as_ref()) {
            (None, _) => {
                let mend = "add `api`: templates are relative to an API".to_owned();
                faults.error(at.spot, "limit.operation", "`select.operation`: there is no `api` that it belongs to", mend);
                None
            }
            (Some(_), Some(Referred::Known(api))) => {
                let found = operation(api, wanted, at.spot, "limit.no_operation", faults)?;
                Some(format!("{} {}", found.method, found.template).into())
            }
            (Some(_), Some(Referred::Admin)) => Some(format!("{} {}", wanted.method, wanted.template).into()),
            (Some(_), None) => None,
        }
    });
    Select {
        kind: value(raw.kind.as_ref()).map(|word| word.0),
        identity: value(raw.identity.as_ref()).map(|name| name.0.clone()),
        owner: value(raw.owner.as_ref()).map(|name| name.0.clone()),
        environment: value(raw.environment.as_ref()).map(|name| name.0.clone()),
        api: api_name,
        class: value(raw.class.as_ref()).map(|word| word.0),
        operation,
        anonymous: value(raw.anonymous.as_ref()).copied(),
        lane: value(raw.lane.as_ref()).map(|word| word.0),
    }
}

pub(super) fn zone(name: &str, raw: &RawZone, known: &Known<'_>, faults: &Faults) -> Option<Zone> {
    let environment = raw.environment.as_ref().and_then(|at| known.environment(at, "environment", faults));
    if raw.networks.is_none() && raw.clusters.is_none() && raw.ci_providers.is_none() {
        faults.error(Spot::default(), "zone.empty", "this zone has no place", "add `networks`, as in `[10.0.0.0/8]`".to_owned());
    }
    for Vouching { key, at, trust, spot } in vouching(raw) {
        let source = known.trust(trust.as_str(), spot, &format!("{key}[{at}]"), faults);
        let other = source.and_then(|source| match source.vouches {
            Vouches::Tokens(_) => None,
            Vouches::Certificates(_) => Some("certificates"),
            Vouches::Signatures(_) => Some("signatures"),
        });
        if let Some(other) = other.filter(|_| key == "ci_providers") {
            let what = format!("`{key}[{at}]`: the trust source `{trust}` vouches for {other}, not for tokens");
            faults.error(spot, "zone.provider", what, "write it into `clusters`".to_owned());
        }
    }
    Some(Zone {
        name: ZoneName::parse(name).ok()?,
        networks: items(raw.networks.as_ref()).map(|(network, _)| network.0).collect(),
        vouched: vouching(raw).map(|vouching| vouching.trust.clone()).collect(),
        environment,
    })
}

/// A trust source that a zone names.
struct Vouching<'a> {
    key: &'static str,
    at: usize,
    trust: &'a TrustName,
    spot: Spot,
}

/// The trust sources that a zone names.
fn vouching(raw: &RawZone) -> impl Iterator<Item = Vouching<'_>> {
    [("clusters", &raw.clusters), ("ci_providers", &raw.ci_providers)].into_iter().flat_map(|(key, list)| {
        items(list.as_ref()).enumerate().map(move |(at, (trust, spot))| Vouching { key, at, trust: &trust.0, spot })
    })
}

/// One network stands in one zone, and so does one trust source: of two zones neither would be the right one.
pub(super) fn zones_apart(entries: &[Entry<'_>]) {
    let mut seen: HashMap<_, (&str, Place)> = HashMap::new();
    let mut vouched: HashMap<&str, (&str, Place)> = HashMap::new();
    for entry in entries {
        let Raw::Zone(raw) = &entry.raw else { continue };
        for (network, spot) in items(raw.networks.as_ref()) {
            let place = super::place(entry.document, spot);
            if let Some((zone, first)) = seen.insert(network.0, (entry.document.name.as_str(), place)) {
                let mend = format!("keep it in one zone; the first stands in {first}");
                entry.faults.error(spot, "zone.overlap", format_args!("the network `{}` stands in the zone `{zone}` too", network.0), mend);
            }
        }
        for Vouching { trust, spot, .. } in vouching(raw) {
            let place = super::place(entry.document, spot);
            if let Some((zone, first)) = vouched.insert(trust.as_str(), (entry.document.name.as_str(), place)) {
                let mend = format!("keep it in one zone, once; the first stands in {first}");
                let what = format_args!("the trust source `{trust}` stands in the zone `{zone}` too");
                entry.faults.error(spot, "zone.overlap", what, mend);
            }
        }
    }
}
