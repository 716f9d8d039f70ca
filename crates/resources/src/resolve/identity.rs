//! Owners, environments, identities.

use super::{Known, items, value};
use crate::{
    inventory::{CredentialSpec, IdentitySpec},
    raw::{CredentialWord, RawCredential, RawEnvironment, RawIdentity, RawOwner},
    yaml::{At, Faults, Spot},
};
use std::collections::HashMap;
use wardgate_model::{
    id::{EnvironmentName, IdentityId, OwnerName},
    inventory::{Criticality, Environment, Identity, IdentityState, Owner},
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

pub(super) fn identity(name: &str, raw: &RawIdentity, known: &Known<'_>, faults: &Faults) -> Option<IdentitySpec> {
    let credentials = credentials(raw, faults);
    let environment = known.environment(&raw.environment, "environment", faults);
    let owner = known.owner(&raw.owner, "owner", faults);
    let team = value(raw.team.as_ref()).map(|team| team.0.clone());
    if let (Some(team), Some(known_owner)) = (&team, owner.as_ref().and_then(|owner| known.owners.get(owner.as_str())))
        && !known_owner.teams.contains(team)
    {
        let spot = raw.team.as_ref().map_or(Spot::default(), |at| at.spot);
        let teams = known_owner.teams.iter().map(wardgate_model::id::TeamName::as_str);
        let mend = match crate::nearest::nearest(team.as_str(), teams) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add it to the `teams` of Owner `{}`", known_owner.name),
        };
        faults.error(spot, "reference.unknown", format_args!("`team`: the Owner `{}` has no team `{team}`", known_owner.name), mend);
    }
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
        ends: None,
        state: IdentityState::Active,
        claim_overdue: false,
        quality: 100,
        revision: 0,
    };
    Some(IdentitySpec { identity, credentials })
}

fn credentials(raw: &RawIdentity, faults: &Faults) -> Vec<CredentialSpec> {
    let mut seen: HashMap<&str, Spot> = HashMap::new();
    let mut specs = Vec::new();
    for (index, (credential, spot)) in items(raw.credentials.as_ref()).enumerate() {
        if let Some(name) = &credential.name.value
            && let Some(first) = seen.insert(&name.0, spot)
        {
            let what = format!("`credentials[{index}].name`: there are two credentials `{}`", name.0);
            faults.error(
                credential.name.spot,
                "credential.duplicate",
                what,
                format!("give one another name; the first stands in line {}", first.line),
            );
        }
        specs.extend(spec(credential, index, spot, faults));
    }
    specs
}

fn spec(raw: &RawCredential, index: usize, spot: Spot, faults: &Faults) -> Option<CredentialSpec> {
    let word = raw.kind.value?.0;
    let allowed = keys(word);
    for (key, at) in present(raw) {
        if let Some(at) = at
            && !allowed.iter().any(|(name, _)| *name == key)
        {
            let what = format!("`credentials[{index}].{key}`: a credential of type `{}` has no such key", word.as_str());
            faults.error(at, "key.unknown", what, "take it out".to_owned());
        }
        let needed = allowed.iter().any(|(name, needed)| *name == key && *needed);
        if at.is_none() && needed {
            let mend = match key {
                "expires_in" => "say how long a key lives, as in `expires_in: 30d`".to_owned(),
                other => format!("add `{other}`"),
            };
            let what = format!("`credentials[{index}].{key}`: a credential of type `{}` needs this key", word.as_str());
            faults.error(spot, "key.missing", what, mend);
        }
    }
    Some(CredentialSpec {
        name: raw.name.value.as_ref()?.0.clone(),
        kind: word.kind(),
        expires_in: value(raw.expires_in.as_ref()).map(|duration| duration.0),
        sources: items(raw.sources.as_ref()).map(|(network, _)| network.0).collect(),
    })
}

/// The keys of a type beside `name` and `type`, and whether they must be there.
const fn keys(word: CredentialWord) -> &'static [(&'static str, bool)] {
    match word {
        CredentialWord::ApiKey => &[("expires_in", true), ("sources", false)],
        CredentialWord::Oidc => &[("trust", true), ("subject", true), ("claims", false), ("sources", false)],
        CredentialWord::X509 => &[("trust", true), ("spiffe_id", false), ("subject", false), ("sources", false)],
        CredentialWord::PublicKey => &[("jwk", true), ("expires_in", false), ("sources", false)],
        CredentialWord::Hmac => &[("header", true), ("expires_in", false), ("sources", false)],
    }
}

fn present(raw: &RawCredential) -> [(&'static str, Option<Spot>); 8] {
    [
        ("expires_in", raw.expires_in.as_ref().map(|at| at.spot)),
        ("sources", raw.sources.as_ref().map(|at| at.spot)),
        ("trust", raw.trust.as_ref().map(|at| at.spot)),
        ("subject", raw.subject.as_ref().map(|at| at.spot)),
        ("claims", raw.claims.as_ref().map(|at| at.spot)),
        ("spiffe_id", raw.spiffe_id.as_ref().map(|at| at.spot)),
        ("jwk", raw.jwk.as_ref().map(|at| at.spot)),
        ("header", raw.header.as_ref().map(|at| at.spot)),
    ]
}
