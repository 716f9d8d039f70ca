use super::{LISTED_MAX, OPERATIONS_MAX, Open, Preview, Stop, Use, preview};
use crate::testing::{DAY, NOW};
use std::{collections::BTreeSet, sync::Arc};
use wardgate_model::{
    contain::Containable,
    id::{CredentialId, IdentityId, OwnerName},
    inventory::Identity,
    time::Time,
};

fn ago(days: i64) -> Time {
    Time::from_seconds(NOW.as_seconds() - days * 86_400)
}

/// `ledger-sync AAAAAAAAAAAA ledger GET /entries 10.1.2.0/24 40 2 100 3`: identity, credential, operation, source, days since
/// the first and the last, allowed and refused.
struct Row {
    identity: IdentityId,
    credential: CredentialId,
    operation: String,
    source: String,
    days: (i64, i64),
    calls: (u64, u64),
}

fn rows(text: &str) -> Vec<Row> {
    let row = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| parts[at].parse::<i64>().unwrap();
        Row {
            identity: IdentityId::parse(parts[0]).unwrap(),
            credential: CredentialId::parse(parts[1]).unwrap(),
            operation: parts[2..5].join(" "),
            source: parts[5].to_owned(),
            days: (number(6), number(7)),
            calls: (number(8).unsigned_abs(), number(9).unsigned_abs()),
        }
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(row).collect()
}

const USED: &str = "
    ledger-sync AAAAAAAAAAA1 ledger GET /entries 10.1.2.0/24 40 2 100 3
    ledger-sync AAAAAAAAAAA2 ledger GET /entries 10.1.3.0/24 30 1 50 0
    ledger-sync AAAAAAAAAAA1 ledger POST /entries 10.1.2.0/24 40 20 7 0
    old-report AAAAAAAAAAA3 ledger GET /export 10.9.9.0/24 200 120 9000 0
    refused AAAAAAAAAAA4 ledger GET /export 10.9.9.0/24 9 8 0 77
    gone AAAAAAAAAAA5 ledger GET /entries 10.7.7.0/24 5 4 1 0
    others AAAAAAAAAAA6 ledger GET /entries 10.7.7.0/24 5 4 10 0";

fn known(id: &IdentityId) -> Option<Arc<Identity>> {
    let owner = match id.as_str() {
        "gone" => return None,
        "others" => "finance",
        _ => "payments",
    };
    Some(Arc::new(Identity { id: id.clone(), owner: OwnerName::literal(owner), ..Identity::anonymous() }))
}

fn check(kind: Containable, name: &str, open: &[&str]) -> Preview {
    let rows = rows(USED);
    let uses = rows.iter().map(|row| Use {
        identity: &row.identity,
        credential: Some(&row.credential),
        api: "ledger",
        operation: &row.operation,
        source: &row.source,
        first: ago(row.days.0),
        last: ago(row.days.1),
        allowed: row.calls.0,
        refused: row.calls.1,
    });
    let open: Vec<IdentityId> = open.iter().map(|name| IdentityId::parse(name).unwrap()).collect();
    let open = open.iter().map(|identity| Open { identity, credential: None, operation: "ledger GET /stream", count: 1, since: ago(1) });
    let vouched = [CredentialId::parse("AAAAAAAAAAA2").unwrap(), CredentialId::parse("AAAAAAAAAAA6").unwrap()].into();
    let nobody = BTreeSet::new();
    let vouched = if name == "ci" { &vouched } else { &nobody };
    preview(&Stop { kind, name, vouched, since: ago(90) }, uses, open, &known, NOW)
}

#[test]
fn stopping_an_owner_hits_what_it_owns_and_what_is_used() {
    let owner = check(Containable::Owner, "payments", &["old-report", "others"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&owner).unwrap(), @r#"
    {
      "kind": "owner",
      "name": "payments",
      "breaks": true,
      "from": "2026-12-06T08:00:00Z",
      "to": "2027-01-15T08:00:00Z",
      "calls": 157,
      "refused": 80,
      "open": 1,
      "open_since": "2027-01-14T08:00:00Z",
      "identities": [
        {
          "identity": "old-report",
          "owner": "payments",
          "environment": "shared",
          "criticality": "low",
          "state": "active",
          "calls": 0,
          "refused": 0,
          "open": 1,
          "open_since": "2027-01-14T08:00:00Z",
          "last": "2027-01-14T08:00:00Z",
          "operations": [
            {
              "operation": "ledger GET /stream",
              "calls": 0,
              "refused": 0,
              "open": 1,
              "open_since": "2027-01-14T08:00:00Z",
              "last": "2027-01-14T08:00:00Z"
            }
          ],
          "sources": []
        },
        {
          "identity": "ledger-sync",
          "owner": "payments",
          "environment": "shared",
          "criticality": "low",
          "state": "active",
          "calls": 157,
          "refused": 3,
          "open": 0,
          "open_since": null,
          "last": "2027-01-14T08:00:00Z",
          "operations": [
            {
              "operation": "ledger GET /entries",
              "calls": 150,
              "refused": 3,
              "open": 0,
              "open_since": null,
              "last": "2027-01-14T08:00:00Z"
            },
            {
              "operation": "ledger POST /entries",
              "calls": 7,
              "refused": 0,
              "open": 0,
              "open_since": null,
              "last": "2026-12-26T08:00:00Z"
            }
          ],
          "sources": [
            "10.1.2.0/24",
            "10.1.3.0/24"
          ]
        },
        {
          "identity": "refused",
          "owner": "payments",
          "environment": "shared",
          "criticality": "low",
          "state": "active",
          "calls": 0,
          "refused": 77,
          "open": 0,
          "open_since": null,
          "last": "2027-01-07T08:00:00Z",
          "operations": [
            {
              "operation": "ledger GET /export",
              "calls": 0,
              "refused": 77,
              "open": 0,
              "open_since": null,
              "last": "2027-01-07T08:00:00Z"
            }
          ],
          "sources": [
            "10.9.9.0/24"
          ]
        }
      ],
      "count": 3,
      "owners": [
        {
          "owner": "payments",
          "identities": 3,
          "calls": 157
        }
      ]
    }
    "#);
}

#[test]
fn what_nobody_uses_breaks_nobody() {
    let say = |kind, name: &str, open: &[&str]| {
        let seen = check(kind, name, open);
        format!("breaks {} calls {} refused {} open {} of {}", seen.breaks, seen.calls, seen.refused, seen.open, seen.count)
    };
    assert_eq!(say(Containable::Identity, "ledger-sync", &[]), "breaks true calls 157 refused 3 open 0 of 1");
    assert_eq!(say(Containable::Credential, "AAAAAAAAAAA2", &[]), "breaks true calls 50 refused 0 open 0 of 1");
    assert_eq!(say(Containable::Identity, "old-report", &[]), "breaks false calls 0 refused 0 open 0 of 0");
    assert_eq!(say(Containable::Identity, "old-report", &["old-report"]), "breaks true calls 0 refused 0 open 1 of 1");
    assert_eq!(say(Containable::Identity, "refused", &[]), "breaks false calls 0 refused 77 open 0 of 1");
    assert_eq!(say(Containable::Identity, "gone", &[]), "breaks true calls 1 refused 0 open 0 of 1");
    assert_eq!(say(Containable::Owner, "nobody", &["old-report"]), "breaks false calls 0 refused 0 open 0 of 0");
    assert_eq!(say(Containable::Issuer, "https://ci.example", &["old-report"]), "breaks false calls 0 refused 0 open 0 of 0");
    assert_eq!(
        say(Containable::Issuer, "ci", &["old-report"]),
        "breaks true calls 60 refused 0 open 0 of 2",
        "only with what it vouches for"
    );
}

#[test]
fn many_are_counted_and_some_are_listed() {
    let names: Vec<IdentityId> = (0..1_000).map(|at| IdentityId::parse(&format!("i{at:04}")).unwrap()).collect();
    let operations: Vec<String> = (0..60).map(|at| format!("ledger GET /o{at}")).collect();
    let uses = names.iter().zip(1_u64..).flat_map(|(identity, allowed)| {
        operations.iter().map(move |operation| {
            let (first, last) = (ago(1), NOW);
            Use { identity, credential: None, api: "ledger", operation, source: "10.0.0.0/24", first, last, allowed, refused: 0 }
        })
    });
    let vouched = BTreeSet::new();
    let seen =
        preview(&Stop { kind: Containable::Owner, name: "payments", vouched: &vouched, since: ago(90) }, uses, [], &known, NOW + DAY);
    assert_eq!((seen.count, seen.identities.len(), seen.calls), (1_000, LISTED_MAX, 60 * 500_500));
    let first = &seen.identities[0];
    assert_eq!((first.identity.as_str(), first.operations.len(), first.calls), ("i0999", OPERATIONS_MAX, 60_000));
}
