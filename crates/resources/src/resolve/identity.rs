//! Owners, environments, identities.

use super::{
    hooks, items, keys as registered,
    known::{Grounds, Standing},
    risk, trust, value,
};
use crate::{
    inventory::{CredentialSpec, IdentitySpec},
    raw::{CredentialWord, RawCredential, RawEnvironment, RawIdentity, RawOwner},
    yaml::{At, Faults, Spot},
};
use std::collections::HashMap;
use wardgate_model::{
    credential::{CredentialKind, TokenBinding},
    id::{ApiName, EnvironmentName, IdentityId, OwnerName, TeamName},
    inventory::{Criticality, Environment, Identity, IdentityState, Owner},
    time::Time,
};

pub(super) fn owner(name: &str, raw: &RawOwner) -> Option<Owner> {
    Some(Owner {
        name: OwnerName::parse(name).ok()?,
        accountable: raw.accountable.value.as_ref()?.0.clone(),
        deputy: value(raw.deputy.as_ref()).map(|prose| prose.0.clone()),
        contact: value(raw.contact.as_ref()).map(|prose| prose.0.clone()),
        teams: items(raw.teams.as_ref()).map(|(team, _)| team.0.clone()).collect(),
    })
}

pub(super) fn environment(name: &str, raw: &RawEnvironment, faults: &Faults) -> Option<Environment> {
    let is = |member: Option<&At<bool>>| value(member).copied().unwrap_or(false);
    let (production, shared) = (is(raw.production.as_ref()), is(raw.shared.as_ref()));
    if production && shared {
        let spot = raw.shared.as_ref().map_or(Spot::default(), |at| at.spot);
        let mend = "a shared environment may be called from every other: keep production apart".to_owned();
        faults.error(spot, "environment.both", "an environment cannot be `production` and `shared`", mend);
    }
    Some(Environment { name: EnvironmentName::parse(name).ok()?, production, shared })
}

pub(super) fn identity(name: &str, raw: &RawIdentity, known: &dyn Grounds, faults: &Faults) -> Option<IdentitySpec> {
    let environment = known.environment(&raw.environment, "environment", faults);
    let owner = known.owner(&raw.owner, "owner", faults);
    let credentials = credentials(name, raw, owner.as_ref(), known, faults);
    let team = team(raw, owner.as_ref().and_then(|owner| known.described(owner)), known.standing(), faults);
    let mut roles: Vec<_> = items(raw.roles.as_ref()).map(|(role, _)| role.0).collect();
    roles.sort_unstable();
    roles.dedup();
    let tags = value(raw.tags.as_ref()).into_iter().flatten();
    let tags = tags.filter_map(|(key, at)| Some((key.as_str().into(), at.value.as_ref()?.0.clone()))).collect();
    let identity = Identity {
        id: IdentityId::parse(name).ok()?,
        kind: raw.kind.value?.0,
        owner: owner?,
        team,
        environment: environment?,
        purpose: raw.purpose.value.as_ref()?.0.clone(),
        business_function: value(raw.business_function.as_ref()).map(|prose| prose.0.clone()),
        criticality: value(raw.criticality.as_ref()).map_or(Criticality::Medium, |word| word.0),
        roles: roles.into(),
        tags,
        ends: value(raw.until.as_ref()).map(|moment| moment.0),
        state: IdentityState::Active,
        serves: serves(raw, known, faults),
        risk: risk::containment(raw, faults),
        registered: kinds_of_keys(&credentials),
        claim_overdue: false,
        quality: 100,
        revision: 0,
    };
    Some(IdentitySpec { identity, credentials })
}

/// Kinds of the keys that it has on record.
fn kinds_of_keys(credentials: &[CredentialSpec]) -> Box<[CredentialKind]> {
    let keys = [CredentialKind::PublicKey, CredentialKind::X509];
    keys.into_iter().filter(|kind| credentials.iter().any(|credential| credential.kind == *kind)).collect()
}

/// The APIs that it is the workload behind.
fn serves(raw: &RawIdentity, known: &dyn Grounds, faults: &Faults) -> Box<[ApiName]> {
    let mut served: Vec<ApiName> = Vec::new();
    for (api, spot) in items(raw.serves.as_ref()) {
        known.api(api.0.as_str(), spot, "serves", faults);
        if !served.contains(&api.0) {
            served.push(api.0.clone());
        }
    }
    served.into()
}

/// The team, under the name that everybody shares; one of the owner's.
fn team(raw: &RawIdentity, owner: Option<&Owner>, standing: Standing, faults: &Faults) -> Option<TeamName> {
    let At { spot, value: Some(team) } = raw.team.as_ref()? else { return None };
    let Some(owner) = owner else { return Some(team.0.clone()) };
    if let Some(known) = owner.teams.iter().find(|known| **known == team.0) {
        return Some(known.clone());
    }
    let mend = match crate::nearest::nearest(team.0.as_str(), owner.teams.iter().map(TeamName::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add it to the `teams` of Owner `{}`", owner.name),
    };
    let what = format!("`team`: the Owner `{}` has no team `{}`", owner.name, team.0);
    standing.note(*spot, "reference.unknown", what, mend, faults);
    // It stays: a rule that forbids something to the team must not stop to hold.
    Some(team.0.clone())
}

fn credentials(identity: &str, raw: &RawIdentity, owner: Option<&OwnerName>, known: &dyn Grounds, faults: &Faults) -> Vec<CredentialSpec> {
    let life_max = owner.and_then(|owner| known.key_life_max(owner));
    let mut seen: HashMap<&str, Spot> = HashMap::new();
    let mut specs: Vec<CredentialSpec> = Vec::new();
    for (index, (credential, spot)) in items(raw.credentials.as_ref()).enumerate() {
        if let Some(name) = &credential.name.value
            && let Some(first) = seen.insert(&name.0, spot)
        {
            let what = format!("`credentials[{index}].name`: there are two credentials `{}`", name.0);
            let mend = format!("give one another name; the first stands in line {}", first.line);
            faults.error(credential.name.spot, "credential.duplicate", what, mend);
        }
        let waived = |name: &str| known.waived_until(identity, name);
        let Some(mut spec) = spec(credential, index, spot, &waived, known, faults) else { continue };
        if let (Some(life), Some((contract, most))) = (spec.expires_in, &life_max)
            && life > *most
        {
            let what = format!("`credentials[{index}].expires_in`: longer than the `key_life_max` of the Contract `{contract}` allows");
            let mend = format!("write {} or less", crate::scalar::shown(*most));
            let spot = credential.expires_in.as_ref().map_or(spot, |at| at.spot);
            known.standing().note(spot, "credential.life", what, mend, faults);
            spec.expires_in = Some(*most);
        }
        specs.push(spec);
    }
    specs
}

fn spec(
    raw: &RawCredential,
    index: usize,
    spot: Spot,
    waived: &dyn Fn(&str) -> Option<Time>,
    known: &dyn Grounds,
    faults: &Faults,
) -> Option<CredentialSpec> {
    let word = raw.kind.value?.0;
    let name = raw.name.value.as_ref()?;
    let unending = word == CredentialWord::ApiKey && raw.expires_in.is_none();
    let waived_until = if unending { waived(&name.0) } else { None };
    if unending && waived_until.is_none() {
        let what = format!("`credentials[{index}].expires_in`: a credential of type `{}` needs this key", word.as_str());
        let mend = "say how long a key lives, as in `expires_in: 30d`, or write a Waiver that `exempts: expiry`";
        known.standing().note(spot, "key.missing", what, mend.to_owned(), faults);
        // Nothing may be issued that has no end.
        return None;
    }
    let allowed = keys(word);
    for (key, at) in present(raw) {
        let known = allowed.iter().find(|(name, _)| *name == key);
        match (at, known) {
            (Some(at), None) => {
                let what = format!("`credentials[{index}].{key}`: a credential of type `{}` has no such key", word.as_str());
                faults.error(at, "key.unknown", what, "take it out".to_owned());
            }
            (None, Some((_, true))) => {
                let what = format!("`credentials[{index}].{key}`: a credential of type `{}` needs this key", word.as_str());
                faults.error(spot, "key.missing", what, format!("add `{key}`"));
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
    }
    let binding = trust::binding(raw, word, index, known, faults);
    if binding.is_none() && matches!(word, CredentialWord::Oidc | CredentialWord::X509 | CredentialWord::WebBotAuth) {
        // Nobody vouches for it, or it is wrong: it proves nothing.
        return None;
    }
    let signed = hooks::form(raw, word, index, known, faults);
    if signed.is_none() && word == CredentialWord::Hmac {
        return None;
    }
    let jwk = registered::registered(raw, word, index, faults);
    if jwk.is_none() && word == CredentialWord::PublicKey {
        return None;
    }
    Some(CredentialSpec {
        name: name.0.clone(),
        kind: word.kind(),
        expires_in: value(raw.expires_in.as_ref()).map(|duration| duration.0),
        waived_until,
        sources: items(raw.sources.as_ref()).map(|(network, _)| network.0).collect(),
        binding,
        signed,
        jwk,
        tokens: if value(raw.bound_tokens.as_ref()) == Some(&true) { TokenBinding::Required } else { TokenBinding::Optional },
    })
}

/// The keys of a type beside `name` and `type`, and whether they must be there whatever else is.
const fn keys(word: CredentialWord) -> &'static [(&'static str, bool)] {
    match word {
        CredentialWord::ApiKey => &[("expires_in", false), ("sources", false)],
        CredentialWord::Oidc => &[("trust", true), ("subject", false), ("spiffe_id", false), ("claims", false), ("sources", false)],
        CredentialWord::X509 => &[("trust", true), ("spiffe_id", false), ("subject", false), ("sources", false)],
        CredentialWord::WebBotAuth => &[("trust", true), ("sources", false)],
        CredentialWord::PublicKey => &[("jwk", true), ("bound_tokens", false), ("sources", false)],
        CredentialWord::Hmac => &[
            ("header", false),
            ("scheme", false),
            ("timestamp_header", false),
            ("api", false),
            ("tolerance", false),
            ("expires_in", false),
            ("sources", false),
        ],
    }
}

fn present(raw: &RawCredential) -> [(&'static str, Option<Spot>); 13] {
    [
        ("expires_in", raw.expires_in.as_ref().map(|at| at.spot)),
        ("sources", raw.sources.as_ref().map(|at| at.spot)),
        ("trust", raw.trust.as_ref().map(|at| at.spot)),
        ("subject", raw.subject.as_ref().map(|at| at.spot)),
        ("claims", raw.claims.as_ref().map(|at| at.spot)),
        ("spiffe_id", raw.spiffe_id.as_ref().map(|at| at.spot)),
        ("jwk", raw.jwk.as_ref().map(|at| at.spot)),
        ("bound_tokens", raw.bound_tokens.as_ref().map(|at| at.spot)),
        ("header", raw.header.as_ref().map(|at| at.spot)),
        ("scheme", raw.scheme.as_ref().map(|at| at.spot)),
        ("timestamp_header", raw.timestamp_header.as_ref().map(|at| at.spot)),
        ("api", raw.api.as_ref().map(|at| at.spot)),
        ("tolerance", raw.tolerance.as_ref().map(|at| at.spot)),
    ]
}
