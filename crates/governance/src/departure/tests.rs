use super::{GRACE, LongGrace, depart, may_resume, may_transfer};
use crate::testing::{DAY, NOW, inventory};
use wardgate_model::{id::OwnerName, inventory::IdentityState};

const ESTATE: &str = r#"
kind: Owner
name: payments
spec: { accountable: lead@example.com, deputy: deputy@example.com }
---
kind: Owner
name: finance
spec: { accountable: cfo@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Identity
name: low
spec: { type: workload, owner: payments, environment: production, purpose: x, criticality: low }
---
kind: Identity
name: critical
spec: { type: workload, owner: payments, environment: production, purpose: x, criticality: critical }
---
kind: Identity
name: over
spec: { type: workload, owner: payments, environment: production, purpose: x }
---
kind: Identity
name: other
spec: { type: workload, owner: finance, environment: production, purpose: x }
---
kind: Api
name: ledger
spec:
  { policy_owner: finance, business_owner: payments, environment: production, sensitivity: low, exposure: internal, consumers: machine,
    match: { path_prefix: /ledger }, upstream: { urls: ["http://127.0.0.1:9000"], identity: assertion }, accept: [api_key],
    operations: [{ match: "GET /entries", class: list }] }
"#;

#[test]
fn a_departure_flags_what_is_left_behind() {
    let mut inventory = inventory(ESTATE);
    let owner = inventory.owners.iter().find(|owner| owner.name.as_str() == "payments").unwrap().clone();
    for spec in inventory.identities.iter_mut().filter(|spec| spec.identity.id.as_str() == "over") {
        spec.identity.state = IdentityState::Retired;
    }
    let identities = inventory.identities.iter().map(|spec| &spec.identity);
    let departure = depart(&owner, identities.clone(), &inventory.apis, None, NOW).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&departure).unwrap(), @r#"
    {
      "owner": "payments",
      "grace_until": "2027-01-29T08:00:00Z",
      "successor": "deputy@example.com",
      "identities": [
        {
          "identity": "critical",
          "state": "active",
          "criticality": "critical"
        },
        {
          "identity": "low",
          "state": "active",
          "criticality": "low"
        }
      ],
      "count": 2,
      "apis": [
        {
          "api": "ledger",
          "part": "business_owner"
        }
      ]
    }
    "#);
    assert_eq!(departure.grace_until, NOW + GRACE);
    assert_eq!(depart(&owner, identities, &inventory.apis, Some(DAY * 91), NOW), Err(LongGrace));
}

#[test]
fn of_many_the_most_critical_are_listed() {
    let inventory = inventory(ESTATE);
    let owner = &inventory.owners[1];
    let pick = |name: &str| inventory.identities.iter().find(|spec| spec.identity.id.as_str() == name).unwrap().identity.clone();
    let mut many = vec![pick("low"); 5_000];
    many.push(pick("critical"));
    let departure = depart(owner, &many, &[], None, NOW).unwrap();
    assert_eq!((departure.count, departure.identities.len()), (5_001, super::LISTED_MAX));
    assert_eq!(departure.identities[0].identity.as_str(), "critical");
}

#[test]
fn what_stands_in_the_way_is_said() {
    let mut identity = inventory(ESTATE).identities.remove(1).identity;
    identity.ends = Some(NOW);
    let text = |said: Result<(), String>| said.map_or_else(|why| why, |()| "may".to_owned());
    insta::assert_snapshot!(text(may_resume(&identity, true, NOW).map_err(|e| e.to_string())), @"`low` belongs to the owner `payments`, who departed: transfer it first, or take the owner back");
    insta::assert_snapshot!(text(may_resume(&identity, false, NOW).map_err(|e| e.to_string())), @"`low` was to end at 2027-01-15T08:00:00Z: change its `until` first");
    identity.ends = Some(NOW + DAY);
    assert_eq!(may_resume(&identity, false, NOW), Ok(()));
    let (payments, finance) = (OwnerName::literal("payments"), OwnerName::literal("finance"));
    assert_eq!(may_transfer(&identity, &finance, false).is_ok(), identity.owner == payments);
    insta::assert_snapshot!(text(may_transfer(&identity, &finance, true).map_err(|e| e.to_string())), @"the owner `finance` departed: choose one who is there");
    identity.state = IdentityState::Retired;
    insta::assert_snapshot!(text(may_transfer(&identity, &finance, false).map_err(|e| e.to_string())), @"`low` is retired: nobody has to answer for it");
}
