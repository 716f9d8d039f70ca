//! Opaque tokens that their issuer is asked about (RFC 7662): when it is asked, what it says, and for how long that counts.

use serde_json::{Map, Value, json};
use std::time::Duration;
use wardgate_gate::{
    Answer, Introspection, Need, Step, establish, establish_with,
    review::{Evidence, review},
};
use wardgate_model::{facts::Facts, id::TrustName, secret::Secret, time::Time};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, Texts};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
kind: TrustSource
name: idp
spec: {type: introspection, issuer: 'https://idp.example', audiences: [wardgate], url: 'https://idp.example/introspect', client_id: gate, secret: idp}
---
kind: TrustSource
name: saas
spec:
  {type: introspection, issuer: 'https://saas.example', audiences: [wardgate], url: 'https://saas.example/introspect', client_id: gate, secret: saas,
   prefix: saas_, remember: 1ms, subject_claim: client_id}
---
kind: Identity
name: ledger-ci
spec:
  {type: ci_job, owner: payments, environment: production, purpose: builds,
   credentials: [{name: main, type: oidc, trust: idp, subject: ci}, {name: saas, type: oidc, trust: saas, subject: app}]}
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [ledger.example]}
  accept: [jwt, api_key]
  api_key_header: X-Api-Key
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}]
---
kind: Api
name: keys
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [keys.example]}
  accept: [api_key]
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}]
---
{kind: Grant, name: all, spec: {to: {owner: payments}, api: ledger, operations: [list]}}
";

fn world() -> TestWorld {
    Texts { yaml: WORLD, cedar: &[], files: &[], grants: &[], shipped: ShippedLimits::Off }.world().unwrap()
}

/// What a good token is said to be, with `changes`; null takes a member out.
fn active(changes: &Value) -> Introspection {
    let now = DAWN.as_seconds();
    let mut said =
        json!({"active": true, "sub": "ci", "aud": "wardgate", "iss": "https://idp.example", "iat": now, "exp": now + 300, "scope": "a b"});
    let said = said.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        said.insert(name.clone(), value.clone());
    }
    said.retain(|_, value| !value.is_null());
    Introspection::Active(Map::from_iter(said.clone()))
}

fn to(host: &str, token: &str) -> Asked {
    Asked::parse(&format!("GET /entries\nhost: {host}")).unwrap().bearer(token)
}

/// What becomes of a token: `asks` where its issuer has to be asked, else the reason for which it is refused, else who calls.
fn at(world: &TestWorld, token: &str, now: Time) -> String {
    let asked = to("ledger.example", token);
    match establish(&asked.arrival(now), &world.snapshot, &world.meters, now) {
        Step::Done(facts) => told(&facts),
        Step::Wait(_, Need::Introspection { trust, token: about }) => {
            assert_eq!(about, Secret::new(token.to_owned()));
            format!("asks {trust}")
        }
        Step::Wait(_, need) => panic!("{need:?}"),
    }
}

fn after(world: &TestWorld, token: &str, said: Introspection, now: Time) -> Facts {
    let asked = to("ledger.example", token);
    let arrival = asked.arrival(now);
    let Step::Wait(unproven, Need::Introspection { trust, .. }) = establish(&arrival, &world.snapshot, &world.meters, now) else {
        panic!("nobody is asked about {token}")
    };
    crate::done(establish_with(&arrival, unproven, &[Answer::Introspection { of: trust, said }], &world.snapshot, &world.meters, now))
}

fn told(facts: &Facts) -> String {
    let stopped = facts.stopped.as_ref().map(|stopped| stopped.reason.code().to_owned());
    stopped.unwrap_or_else(|| facts.caller.as_ref().map_or("nobody", |caller| caller.identity.id.as_str()).to_owned())
}

#[test]
fn what_its_issuer_says_counts_for_as_long_as_it_may_be_remembered() {
    let world = world();
    assert_eq!(at(&world, "t0k", DAWN), "asks idp");
    let facts = after(&world, "t0k", active(&json!({})), DAWN);
    assert_eq!(told(&facts), "ledger-ci");
    let token = facts.caller.as_ref().unwrap().token.as_ref().unwrap();
    assert_eq!((&*token.issuer, token.scopes.len()), ("https://idp.example", 2));
    assert_eq!(at(&world, "t0k", DAWN + Duration::from_millis(9_999)), "ledger-ci");
    assert_eq!(at(&world, "t0k", DAWN + Duration::from_secs(10)), "asks idp");
    // What ends sooner is remembered no longer.
    let now = DAWN + Duration::from_secs(20);
    let ends = now.as_seconds() + 3;
    assert_eq!(told(&after(&world, "short", active(&json!({"exp": ends})), now)), "ledger-ci");
    assert_eq!(at(&world, "short", now + Duration::from_secs(33)), "asks idp", "thirty seconds are the leeway");
    assert_eq!(told(&after(&world, "short", active(&json!({"exp": ends})), now + Duration::from_secs(33))), "proof.expired");
}

#[test]
fn what_is_not_active_is_refused_and_not_asked_about_at_once_again() {
    let world = world();
    // Nobody ever said that it was active.
    assert_eq!(told(&after(&world, "junk", Introspection::Inactive, DAWN)), "proof.unknown");
    assert_eq!(at(&world, "junk", DAWN + Duration::from_secs(9)), "proof.unknown");
    let later = DAWN + Duration::from_secs(10);
    assert_eq!(at(&world, "junk", later), "asks idp");
    assert_eq!(told(&after(&world, "junk", Introspection::Inactive, later)), "proof.unknown");
    // What was active before was taken back, or is over; so it stays.
    assert_eq!(told(&after(&world, "t0k", active(&json!({})), DAWN)), "ledger-ci");
    for seconds in [10, 20] {
        assert_eq!(told(&after(&world, "t0k", Introspection::Inactive, DAWN + Duration::from_secs(seconds))), "proof.revoked");
    }
    assert_eq!(told(&after(&world, "elsewhere", active(&json!({"aud": "another"})), DAWN)), "proof.claims");
    assert_eq!(told(&after(&world, "elsewhere", Introspection::Inactive, later)), "proof.revoked");
    let ends = DAWN.as_seconds() + 5;
    assert_eq!(told(&after(&world, "short", active(&json!({"exp": ends})), DAWN)), "ledger-ci");
    for seconds in [35, 50] {
        assert_eq!(told(&after(&world, "short", Introspection::Inactive, DAWN + Duration::from_secs(seconds))), "proof.expired");
    }
    // Of what nobody said anything nothing is remembered, and an honest caller is told to come again.
    let facts = after(&world, "other", Introspection::Silent, DAWN);
    assert_eq!(facts.stopped.as_ref().map(|stopped| (stopped.reason.code(), stopped.retry_after_s)), Some(("proof.keys_away", Some(5))));
    assert_eq!(at(&world, "other", DAWN), "asks idp");
}

#[test]
fn what_it_says_is_judged_as_the_claims_of_a_token_are() {
    let now = DAWN.as_seconds();
    for (changes, expected) in [
        (json!({"iss": null}), "ledger-ci"),
        (json!({"iss": "https://other.example"}), "proof.issuer"),
        (json!({"aud": null}), "proof.claims"),
        (json!({"aud": "another"}), "proof.claims"),
        (json!({"aud": ["another", "wardgate"]}), "ledger-ci"),
        (json!({"sub": null}), "proof.claims"),
        (json!({"sub": 7}), "proof.claims"),
        (json!({"sub": "stranger"}), "proof.subject"),
        (json!({"exp": now - 31}), "proof.expired"),
        (json!({"exp": "later"}), "proof.claims"),
        (json!({"exp": null}), "ledger-ci"),
        (json!({"exp": now + 366 * 86_400}), "proof.claims"),
        (json!({"nbf": now + 31}), "proof.claims"),
        (json!({"iat": now + 31}), "proof.claims"),
        // It is bound to a key that is not shown (RFC 7662 with RFC 8705 §3.2, RFC 9449 §6.2).
        (json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}), "proof.binding"),
        (json!({"cnf": {"x5t#S256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}), "proof.binding"),
        (json!({"cnf": {}}), "proof.binding"),
    ] {
        let world = world();
        assert_eq!(told(&after(&world, "t0k", active(&changes), DAWN)), expected, "{changes}");
    }
}

#[test]
fn who_is_asked_follows_from_what_a_token_begins_with_and_where_none_is_taken_nobody_is() {
    let world = world();
    assert_eq!(at(&world, "saas_1", DAWN), "asks saas");
    assert_eq!(at(&world, "saas-1", DAWN), "asks idp");
    let said = active(&json!({"iss": null, "client_id": "app"}));
    assert_eq!(told(&after(&world, "saas_1", said, DAWN)), "ledger-ci");
    assert_eq!(at(&world, "saas_1", DAWN + Duration::from_millis(1)), "asks saas");
    let asked = to("keys.example", "t0k");
    let Step::Done(facts) = establish(&asked.arrival(DAWN), &world.snapshot, &world.meters, DAWN) else { panic!("somebody is asked") };
    assert_eq!(told(&facts), "proof.unknown");
    let long = "a".repeat(16 * 1024 + 1);
    assert_eq!(at(&world, &long, DAWN), "credential.malformed");
}

#[test]
fn a_key_where_keys_stand_is_told_to_no_issuer_unless_it_begins_as_a_token_of_its_own() {
    let world = world();
    let shown = |text: &str| Asked::parse(&format!("GET /entries\nhost: ledger.example\nx-api-key: {text}")).unwrap();
    let key = shown("a-key-of-the-application");
    let Step::Done(facts) = establish(&key.arrival(DAWN), &world.snapshot, &world.meters, DAWN) else { panic!("somebody is asked") };
    assert_eq!(told(&facts), "proof.unknown");
    assert!(facts.unknown.is_some(), "it is to be discovered");
    let token = shown("saas_1");
    let step = establish(&token.arrival(DAWN), &world.snapshot, &world.meters, DAWN);
    assert!(matches!(step, Step::Wait(_, Need::Introspection { .. })));
}

#[test]
fn a_stream_that_an_opaque_token_opened_ends_when_its_issuer_said_so_and_not_for_what_was_forgotten() {
    let world = world();
    let facts = after(&world, "t0k", active(&json!({})), DAWN);
    let evidence = Evidence { token: Some("t0k"), certificates: None, upgrade: None };
    let reviewed = |now: Time| review(&facts, evidence, &world.snapshot, now).map(drop).map_err(|reason| reason.code());
    assert_eq!(reviewed(DAWN), Ok(()));
    let later = DAWN + Duration::from_secs(11);
    assert_eq!(reviewed(later), Ok(()), "nobody is asked because of it");
    assert_eq!(told(&after(&world, "t0k", Introspection::Inactive, later)), "proof.revoked");
    assert_eq!(reviewed(later), Err("proof.revoked"));
}

#[test]
fn a_stream_ends_when_its_token_has_no_longer_what_its_identity_asks_for() {
    let before = world();
    let facts = after(&before, "t0k", active(&json!({"stage": "test"})), DAWN);
    assert_eq!(told(&facts), "ledger-ci");
    let bound = "subject: ci, claims: {stage: live}}, {name: saas";
    let yaml = WORLD.replace("subject: ci}, {name: saas", bound);
    assert!(yaml.contains(bound));
    let world = Texts { yaml: &yaml, cedar: &[], files: &[], grants: &[], shipped: ShippedLimits::Off }.world().unwrap();
    let evidence = Evidence { token: Some("t0k"), certificates: None, upgrade: None };
    let reviewed = || review(&facts, evidence, &world.snapshot, DAWN).map(drop).map_err(|reason| reason.code());
    assert_eq!(reviewed(), Ok(()), "what its issuer would say of it now is not known");
    // The next request is refused, and with it what is open.
    assert_eq!(told(&after(&world, "t0k", active(&json!({"stage": "test"})), DAWN)), "proof.subject");
    assert_eq!(reviewed(), Err("proof.subject"));
}

#[test]
fn what_one_issuer_says_is_no_word_of_another() {
    let (world, asked) = (world(), to("ledger.example", "t0k"));
    let arrival = asked.arrival(DAWN);
    let Step::Wait(unproven, _) = establish(&arrival, &world.snapshot, &world.meters, DAWN) else { panic!("nobody is asked") };
    let answer = Answer::Introspection { of: TrustName::parse("saas").unwrap(), said: active(&json!({})) };
    assert_eq!(told(&crate::done(establish_with(&arrival, unproven, &[answer], &world.snapshot, &world.meters, DAWN))), "proof.keys_away");
    assert_eq!(at(&world, "t0k", DAWN), "asks idp", "nothing of it is remembered");
}
