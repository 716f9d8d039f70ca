use crate::{Document, Inventory, Sources, load, resolve_identity, resolve_recorded};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::sync::Arc;
use wardgate_model::{diagnostic::Place, resource::Kind};

const ESTATE: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com, teams: [settlement]}}
---
{kind: Owner, name: acme, spec: {accountable: ops@acme.example}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: Contract, name: acme-2027, spec: {owner: acme, contacts: [ops@acme.example], until: 2027-06-30, key_life_max: 90d}}
---
kind: Waiver
name: sync-main
spec: { for: { identity: sync, credential: main }, exempts: expiry, reason: it cannot change, approver: lead@example.com, until: 2027-01-01 }
---
kind: Identity
name: sync
spec: { type: legacy, owner: payments, environment: production, purpose: sync, credentials: [{ name: main, type: api_key }] }
";

fn estate() -> Inventory {
    let sources = Sources { documents: vec![("r.yaml".into(), ESTATE.into())], policies: Vec::new() };
    let loaded = load(&sources, &|_: &std::path::Path, _: &str| Err(std::io::ErrorKind::NotFound.into()));
    assert_eq!(loaded.diagnostics, []);
    loaded.inventory.unwrap()
}

fn document(name: &str, spec: Value) -> Document {
    Document::new(Kind::Identity, name, spec, Place::file("api"))
}

fn check(name: &str, spec: Value) -> String {
    match resolve_identity(&document(name, spec), &estate()) {
        Ok(spec) => format!("{spec:#?}"),
        Err(found) => found.iter().map(|diagnostic| format!("{diagnostic}\n")).collect(),
    }
}

#[test]
fn names_are_those_of_the_inventory() {
    let estate = estate();
    let spec = json!({
        "type": "bot", "owner": "payments", "team": "settlement", "environment": "production", "purpose": "p", "until": "2027-01-01",
        "credentials": [{ "name": "main", "type": "api_key", "expires_in": "30d" }],
    });
    let spec = resolve_identity(&document("x", spec), &estate).unwrap();
    let owner = estate.owners.iter().find(|owner| owner.name.as_str() == "payments").unwrap();
    assert!(std::ptr::eq(owner.name.as_str(), spec.identity.owner.as_str()));
    assert!(std::ptr::eq(owner.teams[0].as_str(), spec.identity.team.as_ref().unwrap().as_str()));
    assert!(Arc::ptr_eq(&estate.environments[0], &spec.identity.environment));
    assert_eq!(spec.identity.ends, wardgate_model::time::Time::parse("2027-01-01"));
}

/// One by one they mean what they mean together.
#[test]
fn one_alone_is_what_it_is_among_all() {
    let estate = estate();
    let spec = json!({
        "type": "legacy", "owner": "payments", "environment": "production", "purpose": "sync",
        "credentials": [{ "name": "main", "type": "api_key" }],
    });
    let spec = resolve_identity(&document("sync", spec), &estate).unwrap();
    assert_eq!(spec, estate.identities[0]);
    assert_eq!(spec.credentials[0].expires_in, None);
    assert_eq!(spec.credentials[0].waived_until, wardgate_model::time::Time::parse("2027-01-01"));
}

#[test]
fn what_is_wrong_is_said_at_once() {
    assert_snapshot!(
        check("y", json!({
            "type": "bto", "owner": "paymants", "team": "setlement", "environment": "staging", "purpse": "p",
            "credentials": [{ "name": "main", "type": "api_key" }, { "name": "ci", "type": "oidc", "trust": "ci", "subject": "s" }],
        })),
        @r#"
api: error[key.missing]: Identity `y`: `credentials[0].expires_in`: a credential of type `api_key` needs this key
  = say how long a key lives, as in `expires_in: 30d`, or write a Waiver that `exempts: expiry`
api: error[key.missing]: Identity `y`: `purpose`: this key is missing
api: error[key.unknown]: Identity `y`: `purpse`: this key is not known
  = did you mean `purpose`?
api: error[reference.unknown]: Identity `y`: `credentials[1].trust`: there is no TrustSource `ci`
  = write a document `kind: TrustSource`, `name: ci`
api: error[reference.unknown]: Identity `y`: `environment`: there is no Environment `staging`
  = write a document `kind: Environment`, `name: staging`
api: error[reference.unknown]: Identity `y`: `owner`: there is no Owner `paymants`
  = did you mean `payments`?
api: error[value.word]: Identity `y`: `type`: `bto` is not one of `service_account`, `workload`, `ci_job`, `batch_job`, `partner`, `bot`, `ai_agent`, `legacy`
"#
    );
    assert_snapshot!(
        check("wardgate-x", json!({
            "type": "partner", "owner": "acme", "team": "settlement", "environment": "production", "purpose": "p", "until": "soon",
            "credentials": [{ "name": "main", "type": "api_key", "expires_in": "91d" }],
        })),
        @r#"
api: error[credential.life]: Identity `wardgate-x`: `credentials[0].expires_in`: longer than the `key_life_max` of the Contract `acme-2027` allows
  = write 90d or less
api: error[reference.unknown]: Identity `wardgate-x`: `team`: the Owner `acme` has no team `settlement`
  = add it to the `teams` of Owner `acme`
api: error[resource.name]: Identity `wardgate-x`: the name `wardgate-x` is reserved
  = names that begin with `wardgate`, `shipped:`, `guardrail:`, `grant:` are Wardgate's own
api: error[value.invalid]: Identity `wardgate-x`: `until`: `soon` is no date
  = write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`
"#
    );
    assert_snapshot!(check("y", json!("text")), @"api: error[value.type]: Identity `y`: expected a mapping with `type`, `owner`, `team`, `environment`, `purpose`, `business_function`, `criticality`, `roles`, `serves`, `risk`, `until`, `tags`, `credentials`, found the text `text`");
    let other = Document::new(Kind::Owner, "x", json!({}), Place::file("api"));
    assert_snapshot!(resolve_identity(&other, &estate()).unwrap_err()[0], @"api: error[resource.kind]: Owner `x`: this is no Identity");
}

/// What was changed since an identity was taken bounds what is issued, but does not take the identity away.
#[test]
fn who_is_on_record_stays_when_a_waiver_goes_and_a_contract_comes() {
    let spec = json!({
        "type": "partner", "owner": "acme", "team": "gone", "environment": "production", "purpose": "p",
        "credentials": [{ "name": "frozen", "type": "api_key" }, { "name": "main", "type": "api_key", "expires_in": "365d" }],
    });
    let document = document("feed", spec);
    assert_eq!(resolve_identity(&document, &estate()).unwrap_err().len(), 3);
    let recorded = resolve_recorded(&document, &estate()).unwrap();
    let entries: Vec<_> = recorded.spec.credentials.iter().map(|entry| (&*entry.name, entry.expires_in)).collect();
    assert_eq!(entries, [("main", Some(std::time::Duration::from_secs(90 * 86_400)))]);
    assert_eq!(recorded.spec.identity.team.unwrap().as_str(), "gone");
    let text: String = recorded.warnings.iter().map(|warning| format!("{warning}\n")).collect();
    assert_snapshot!(text, @r#"
api: warning[key.missing]: Identity `feed`: `credentials[0].expires_in`: a credential of type `api_key` needs this key
  = say how long a key lives, as in `expires_in: 30d`, or write a Waiver that `exempts: expiry`
api: warning[credential.life]: Identity `feed`: `credentials[1].expires_in`: longer than the `key_life_max` of the Contract `acme-2027` allows
  = write 90d or less
api: warning[reference.unknown]: Identity `feed`: `team`: the Owner `acme` has no team `gone`
  = add it to the `teams` of Owner `acme`
"#);
    let gone = json!({ "type": "bot", "owner": "gone", "environment": "gone", "purpose": "p" });
    assert_eq!(resolve_recorded(&Document::new(Kind::Identity, "x", gone, Place::file("api")), &estate()).unwrap_err().len(), 2);
}
