//! Contracts, waivers, rotations.

use super::{
    Entry, items,
    known::{Grounds, Known, owner_of},
    value,
};
use crate::{
    names::CONTRACT_LIMIT,
    raw::{DurationText, Name, Raw, RawContract, RawRotation, RawRotationSelect, RawWaived, RawWaiver},
    yaml::{At, Faults, Spot},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use wardgate_model::{
    api::Api,
    diagnostic::Place,
    govern::{Contract, Exemption, Rotation, RotationSelect, Waived, Waiver},
    grant::GrantTo,
    id::{ApiName, ContractName, LimitName, RotationName, WaiverName},
    limit::{Limit, Per, Rate, Select},
    resource::Kind,
    time::Time,
};

/// How long before their end users of a credential are warned, unless said.
const WARN: Duration = Duration::from_secs(14 * 86_400);

pub(super) fn contract(name: &str, raw: &RawContract, known: &Known<'_>, faults: &Faults) -> Option<Contract> {
    let owner = known.owner(&raw.owner, "owner", faults);
    let contacts = items(Some(&raw.contacts)).map(|(contact, _)| contact.0.clone()).collect();
    if raw.contacts.value.as_ref().is_some_and(Vec::is_empty) {
        let mend = "name whom to reach, as in `[ops@partner.example]`".to_owned();
        faults.error(raw.contacts.spot, "contract.no_contact", "`contacts`: the list is empty", mend);
    }
    let mut apis: Vec<ApiName> = Vec::new();
    for (api, spot) in items(raw.apis.as_ref()) {
        if api.0.as_str() != Api::ADMIN {
            known.exists(Kind::Api, api.0.as_str(), spot, "apis", faults);
        }
        apis.push(api.0.clone());
    }
    apis.sort_unstable();
    apis.dedup();
    if let Some(list) = &raw.apis
        && list.value.as_ref().is_some_and(Vec::is_empty)
    {
        let mend = "name an API, or leave `apis` out for any".to_owned();
        faults.error(list.spot, "contract.no_api", "`apis`: the list is empty", mend);
    }
    let concurrency = raw.concurrency.as_ref().and_then(|at| {
        let places = u32::try_from(at.value?.0.get());
        if places.is_err() {
            faults.error(at.spot, "value.invalid", "`concurrency`: more than 4294967295", None);
        }
        places.ok()
    });
    let span = |member: &Option<At<DurationText>>| value(member.as_ref()).map(|span| span.0);
    Some(Contract {
        name: ContractName::parse(name).ok()?,
        owner: owner?,
        contacts,
        until: raw.until.value.as_ref()?.0,
        quota: value(raw.quota.as_ref()).map(|quota| quota.0),
        rate: value(raw.rate.as_ref()).map(|pace| Rate { count: pace.0.count, period: pace.0.period, burst: pace.0.count }),
        concurrency,
        rotation: span(&raw.rotation),
        key_life_max: span(&raw.key_life_max),
        drill: span(&raw.drill),
        apis: apis.into(),
    })
}

/// The limit of all identities of the partner together, when the contract has one.
pub(super) fn limit(contract: &Contract) -> Option<Limit> {
    if contract.quota.is_none() && contract.rate.is_none() && contract.concurrency.is_none() {
        return None;
    }
    let api = match &*contract.apis {
        [api] => Some(api.clone()),
        _ => None,
    };
    Some(Limit {
        name: LimitName::parse(&format!("{CONTRACT_LIMIT}{}", contract.name)).ok()?,
        select: Select { owner: Some(contract.owner.clone()), api, ..Select::default() },
        per: Per::Owner,
        rate: contract.rate,
        quota: contract.quota,
        concurrency: contract.concurrency,
        bytes: None,
    })
}

/// When the contract that a grant names ends. It must be one with the owner that the grant is given to, about its API.
pub(super) fn granted_until(
    at: &At<Name<ContractName>>,
    to: Option<&GrantTo>,
    api: Option<&ApiName>,
    known: &Known<'_>,
    faults: &Faults,
) -> Option<Time> {
    let name = at.value.as_ref()?.0.as_str();
    known.exists(Kind::Contract, name, at.spot, "contract", faults);
    let contract = known.contracts.get(name)?;
    let owner = to.and_then(|to| match to {
        GrantTo::Owner(owner) => Some(owner.clone()),
        GrantTo::Identity(identity) => owner_of(identity.as_str(), known),
    });
    if let Some(owner) = owner.filter(|owner| *owner != contract.owner) {
        let what = format!("`contract`: the Contract `{name}` is with `{}`, this grant is to `{owner}`", contract.owner);
        let mend = format!("name a contract with `{owner}`, or take `contract` out");
        faults.error(at.spot, "grant.contract_owner", what, mend);
    }
    if let Some(api) = api.filter(|api| !contract.apis.is_empty() && !contract.apis.contains(api)) {
        let mend = format!("add it to the `apis` of Contract `{name}`, or take `contract` out");
        faults.error(at.spot, "grant.contract_api", format_args!("`contract`: the Contract `{name}` is not about the API `{api}`"), mend);
    }
    Some(contract.until)
}

pub(super) fn waiver(name: &str, raw: &RawWaiver, faults: &Faults) -> Option<Waiver> {
    let exempts = raw.exempts.value.map(|word| word.0);
    let waived = raw.waived.value.as_ref().and_then(|waived| self::waived(waived, raw.waived.spot, faults));
    match (exempts, &waived) {
        (Some(Exemption::Expiry), Some(waived)) if !matches!(waived, Waived::Identity { credential: Some(_), .. }) => {
            let mend = "write `for: {identity: NAME, credential: ENTRY}`".to_owned();
            faults.error(raw.waived.spot, "waiver.for", "`for`: `exempts: expiry` is for one credential of one identity", mend);
        }
        (Some(Exemption::Rotation), Some(Waived::Api(_))) => {
            let mend = "write `for: {identity: NAME}` or `for: {owner: NAME}`".to_owned();
            faults.error(raw.waived.spot, "waiver.for", "`for`: `exempts: rotation` is for an identity or an owner", mend);
        }
        _ => {}
    }
    Some(Waiver {
        name: WaiverName::parse(name).ok()?,
        waived: waived?,
        exempts: exempts?,
        reason: raw.reason.value.as_ref()?.0.clone(),
        approver: raw.approver.value.as_ref()?.0.clone(),
        until: raw.until.value.as_ref()?.0,
    })
}

fn waived(raw: &RawWaived, spot: Spot, faults: &Faults) -> Option<Waived> {
    let credential = raw.credential.as_ref();
    match (&raw.identity, &raw.api, &raw.owner) {
        (Some(identity), None, None) => {
            let credential = match credential {
                Some(at) => Some(at.value.as_ref()?.0.clone()),
                None => None,
            };
            Some(Waived::Identity { identity: identity.value.as_ref()?.0.clone(), credential })
        }
        (None, Some(api), None) if credential.is_none() => Some(Waived::Api(api.value.as_ref()?.0.clone())),
        (None, None, Some(owner)) if credential.is_none() => Some(Waived::Owner(owner.value.as_ref()?.0.clone())),
        _ => {
            let what = "`for`: a waiver is for one identity or one of its credentials, one API, or one owner";
            let mend = "write `for: {identity: NAME}`, `{identity: NAME, credential: ENTRY}`, `{api: NAME}` or `{owner: NAME}`".to_owned();
            faults.error(spot, "waiver.for", what, mend);
            None
        }
    }
}

/// Whether what a waiver is for is on record.
pub(super) fn stands(raw: &RawWaiver, known: &Known<'_>, faults: &Faults) {
    let Some(waived) = &raw.waived.value else { return };
    if let Some(at) = &waived.owner {
        known.owner(at, "for.owner", faults);
    }
    if let Some(At { spot, value: Some(name) }) = &waived.api
        && name.0.as_str() != Api::ADMIN
    {
        known.exists(Kind::Api, name.0.as_str(), *spot, "for.api", faults);
    }
    let Some(At { spot, value: Some(name) }) = &waived.identity else { return };
    let name = name.0.as_str();
    if !known.exists(Kind::Identity, name, *spot, "for.identity", faults) {
        return;
    }
    let Some(At { spot, value: Some(entry) }) = &waived.credential else { return };
    let (there, ends) = match known.identities.get(name) {
        Some(identity) => {
            let found = identity.entries.iter().find(|(other, _)| *other == entry.0);
            (found.is_some(), found.is_some_and(|(_, ends)| *ends))
        }
        // A document that is wrong has been said to be so.
        None if known.names.get(&Kind::Identity).is_some_and(|names| names.contains_key(name)) => (true, false),
        None => (known.beside.has_credential(name, &entry.0).unwrap_or(true), false),
    };
    if !there {
        let what = format!("`for.credential`: the Identity `{name}` has no credential `{}`", entry.0);
        faults.error(*spot, "reference.unknown", what, "name an entry of its `credentials`".to_owned());
    }
    if ends && raw.exempts.value.is_some_and(|word| word.0 == Exemption::Expiry) {
        let what = format!("`for.credential`: the credential `{}` of `{name}` says when it ends, so that nothing is waived", entry.0);
        faults.warning(*spot, "waiver.idle", what, "take the waiver out, or `expires_in` there".to_owned());
    }
}

pub(super) fn rotation(name: &str, raw: &RawRotation, known: &Known<'_>, faults: &Faults) -> Option<Rotation> {
    let none = RawRotationSelect::default();
    let select = selected(value(raw.select.as_ref()).unwrap_or(&none));
    if let Some(raw) = value(raw.select.as_ref()) {
        if let Some(at) = &raw.owner {
            known.owner(at, "select.owner", faults);
        }
        if let Some(at) = &raw.environment {
            known.environment(at, "select.environment", faults);
        }
    }
    let every = raw.every.value.as_ref()?.0;
    let warn = value(raw.warn.as_ref()).map_or(WARN.min(every / 2), |span| span.0);
    if let Some(at) = &raw.warn
        && warn >= every
    {
        let what = "`warn`: users would be warned from the first day, as it is no shorter than `every`";
        faults.error(at.spot, "rotation.warn", what, "write a shorter one".to_owned());
    }
    let enforce = value(raw.enforce.as_ref()).and_then(|span| span.0);
    Some(Rotation { name: RotationName::parse(name).ok()?, select, every, warn, enforce })
}

fn selected(raw: &RawRotationSelect) -> RotationSelect {
    RotationSelect {
        credential: value(raw.credential.as_ref()).map(|word| word.0.kind()),
        kind: value(raw.kind.as_ref()).map(|word| word.0),
        criticality: value(raw.criticality.as_ref()).map(|word| word.0),
        owner: value(raw.owner.as_ref()).map(|name| name.0.clone()),
        environment: value(raw.environment.as_ref()).map(|name| name.0.clone()),
    }
}

/// Of two rotations that select the same credentials neither would be the right one.
pub(super) fn rotations_apart(entries: &[Entry<'_>]) {
    let mut seen: HashMap<_, (&str, Place)> = HashMap::new();
    for entry in entries {
        let Raw::Rotation(raw) = &entry.raw else { continue };
        let none = RawRotationSelect::default();
        let RotationSelect { credential, kind, criticality, owner, environment } = selected(value(raw.select.as_ref()).unwrap_or(&none));
        let spot = raw.select.as_ref().map_or(raw.every.spot, |at| at.spot);
        let place = super::place(entry.document, spot);
        let key = (credential, kind, criticality, owner, environment);
        if let Some((other, first)) = seen.get(&key) {
            let mend = format!("keep one of them; the first stands in {first}");
            entry.faults.error(spot, "rotation.same", format_args!("the Rotation `{other}` selects the same credentials"), mend);
        } else {
            seen.insert(key, (&entry.document.name, place));
        }
    }
}

/// Notes what later steps ask of a contract.
pub(super) fn keep<'a>(name: &'a str, contract: &Arc<Contract>, known: &mut Known<'a>) {
    known.contracts.insert(name, Arc::clone(contract));
    if let Some(life) = contract.key_life_max {
        let shortest = known.key_lives.entry(contract.owner.clone()).or_insert_with(|| (contract.name.clone(), life));
        if life < shortest.1 {
            *shortest = (contract.name.clone(), life);
        }
    }
}

/// Notes what later steps ask of a waiver.
pub(super) fn keep_waiver(waiver: &Waiver, known: &mut Known<'_>) {
    if let (Exemption::Expiry, Waived::Identity { identity, credential: Some(entry) }) = (waiver.exempts, &waiver.waived) {
        let end = known.waived.entry((identity.as_str().into(), entry.clone())).or_insert(waiver.until);
        *end = waiver.until.max(*end);
    }
}

#[cfg(test)]
mod tests;
