//! Whom the gate that is played knows.

use super::HOUR;
use crate::world::Entry;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use wardgate_governance::person;
use wardgate_model::{
    credential::{CredentialKind, SignatureScheme},
    id::{EnvironmentName, IdentityId, OwnerName},
    inventory::{Criticality, Environment, Identity, IdentityKind, IdentityState, Owner, Role},
    time::Time,
};
use wardgate_store::{Claim, IdentityRecord};

/// `name: kind owner state purpose roles person | entries`
const IDENTITIES: &str = "
root payments active governs admin pia@example.com |
wardgate-operator wardgate active governs admin,security,operator,viewer - |
rosa payments active decides security - |
rita risk active decides security rob@example.com |
rico risk active decides security - |
hank cards active decides admin - |
op payments active operates operator - |
oscar cards active operates operator - |
watcher payments active looks viewer - |
olga payments active answers owner - |
otto cards active answers owner - |
ledger payments active copies - - | main api_key 720, ci oidc 0
twin payments active copies - - | one api_key 1, two api_key 2
stranger cards active copies - - | main api_key 24
sender cards active tells - - | hook hmac 0, main api_key 24
forever payments active copies - - | main api_key 0
asleep payments suspended copies - - | main api_key 24
idle payments active - - - | main api_key 24
orphan payments overdue copies - - | main api_key 24
fresh payments approved copies - - | main api_key 24
acme-bot acme active orders - - | main api_key 2400, short api_key 24
";

/// `name accountable deputy`
pub(super) const OWNERS: [&str; 4] =
    ["payments pia@example.com paul@example.com", "cards cora@example.com -", "risk rob@example.com -", "acme ann@example.com -"];

pub(super) fn owner(line: &str) -> Owner {
    let [name, accountable, deputy] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
    Owner {
        name: OwnerName::parse(name).unwrap(),
        accountable: accountable.into(),
        deputy: (deputy != "-").then(|| deputy.into()),
        contact: None,
        teams: Box::default(),
    }
}

/// An identity as the gate would know it, with what is in its record.
#[derive(Debug, Clone)]
pub(crate) struct KnownIdentity {
    pub(crate) identity: Arc<Identity>,
    pub(crate) entries: Vec<Entry>,
}

pub(crate) fn identity(name: &str) -> Option<KnownIdentity> {
    let line = IDENTITIES.lines().find(|line| line.split(' ').next() == Some(name)).filter(|_| !name.is_empty())?;
    let (spec, entries) = line.split_once(" |").unwrap();
    let [name, owner, state, purpose, roles, person] = spec.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let entries = entries.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(|entry| {
        let [name, kind, hours] = entry.split(' ').collect::<Vec<_>>().try_into().unwrap();
        self::entry(name, kind, hours.parse().unwrap())
    });
    let entries = entries.collect();
    let tags: BTreeMap<Box<str>, Box<str>> = [(person::TAG.into(), person.into())].into();
    let known = Identity {
        id: IdentityId::parse(name).unwrap(),
        kind: if name == "acme-bot" { IdentityKind::Partner } else { IdentityKind::ServiceAccount },
        owner: OwnerName::parse(owner).unwrap(),
        team: None,
        environment: production(),
        purpose: purpose.trim_matches('-').into(),
        business_function: None,
        criticality: Criticality::Low,
        roles: roles.split(',').filter_map(Role::parse).collect(),
        tags: if person == "-" { BTreeMap::new() } else { tags },
        ends: None,
        state: IdentityState::parse(state).unwrap_or(IdentityState::Active),
        serves: Box::default(),
        risk: None,
        registered: Box::default(),
        claim_overdue: state == "overdue",
        quality: 100,
        revision: 1,
    };
    Some(KnownIdentity { identity: Arc::new(known), entries })
}

/// Everybody whom the gate knows by heart.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    IDENTITIES.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty())
}

fn production() -> Arc<Environment> {
    Arc::new(Environment { name: EnvironmentName::literal("production"), production: true, shared: false })
}

fn entry(name: &str, kind: &str, hours: u32) -> Entry {
    Entry {
        name: name.into(),
        kind: CredentialKind::parse(kind).unwrap(),
        expires_in: (hours > 0).then(|| HOUR * hours),
        waived_until: None,
        sources: ["10.0.0.0/8".parse().unwrap()].into(),
        signed: (kind == "hmac").then_some(SignatureScheme::Timestamped),
    }
}

/// An identity of the store, by what its spec and its status say.
pub(super) fn of_record(record: &IdentityRecord) -> Option<KnownIdentity> {
    let (spec, status) = (&record.resource.as_ref()?.spec, record.status.as_ref()?);
    let text = |name: &str| spec.get(name).and_then(Value::as_str);
    let tags = spec.get("tags").and_then(Value::as_object).into_iter().flatten();
    let identity = Identity {
        id: record.identity.clone(),
        kind: if text("type") == Some("bot") { IdentityKind::Bot } else { IdentityKind::ServiceAccount },
        owner: OwnerName::parse(text("owner").unwrap_or("nobody")).unwrap(),
        team: None,
        environment: production(),
        purpose: text("purpose").unwrap_or("copies").into(),
        business_function: None,
        criticality: Criticality::Low,
        roles: spec.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(|r| Role::parse(r.as_str()?)).collect(),
        tags: tags.map(|(name, value)| (name.as_str().into(), value.as_str().unwrap_or_default().into())).collect(),
        ends: text("until").and_then(Time::parse),
        state: status.state,
        serves: Box::default(),
        risk: None,
        registered: Box::default(),
        claim_overdue: status.claim == Claim::Overdue,
        quality: 100,
        revision: status.revision,
    };
    Some(KnownIdentity { identity: Arc::new(identity), entries: vec![entry("main", "api_key", 24)] })
}
