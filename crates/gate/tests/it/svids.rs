//! JWT-SVIDs: tokens that the bundle of a trust domain vouches for (SPIFFE JWT-SVID §3, §4).

use serde_json::{Value, json};
use std::time::Duration;
use wardgate_gate::{Need, Step, Verdict, establish};
use wardgate_model::facts::{Facts, Unknown};
use wardgate_proof::jws::{Signer, jwks};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, Texts};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: TrustSource, name: mesh, spec: {type: spiffe, trust_domain: acme.example, bundle: BUNDLE, audiences: [wardgate]}}
---
{kind: TrustSource, name: quiet, spec: {type: spiffe, trust_domain: quiet.example, bundle: 'file:mesh.json'}}
---
kind: Identity
name: both
spec:
  type: workload
  owner: payments
  environment: production
  purpose: shows either
  credentials:
    - {name: token, type: oidc, trust: mesh, spiffe_id: 'spiffe://acme.example/both'}
    - {name: certificate, type: x509, trust: mesh, spiffe_id: 'spiffe://acme.example/both'}
---
kind: Identity
name: certified
spec: {type: workload, owner: payments, environment: production, purpose: p, credentials: [{name: c, type: x509, trust: mesh, spiffe_id: 'spiffe://acme.example/certified'}]}
---
kind: Identity
name: batch
spec: {type: workload, owner: payments, environment: production, purpose: p, credentials: [{name: t, type: oidc, trust: mesh, spiffe_id: 'spiffe://acme.example/batch/*', claims: {stage: live}}]}
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [ledger.example]}
  accept: [jwt, x509]
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}]
---
{kind: Grant, name: all, spec: {to: {owner: payments}, api: ledger, operations: [list]}}
";

fn signer() -> Signer {
    Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()
}

/// The bundle of a trust domain with the key of this signer, for JWT-SVIDs or for something else.
fn bundle(signer: &Signer, usage: &str) -> String {
    let mut keys = jwks([signer]);
    keys["keys"][0]["use"] = json!(usage);
    keys["spiffe_sequence"] = json!(1);
    keys.to_string()
}

fn world(bundle: &str) -> TestWorld {
    let yaml = WORLD.replace("BUNDLE", "'file:mesh.json'");
    Texts { yaml: &yaml, cedar: &[], files: &[("mesh.json", bundle.as_bytes())], grants: &[], shipped: ShippedLimits::Off }.world().unwrap()
}

/// A JWT-SVID with these claims over those of a good one; `null` leaves one out.
fn svid(signer: &Signer, changes: &Value) -> String {
    let now = DAWN.as_seconds();
    let mut claims = json!({ "sub": "spiffe://acme.example/both", "aud": ["wardgate"], "iat": now, "exp": now + 300 });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().shift_remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    signer.sign("JWT", &claims).unwrap()
}

fn judged(world: &TestWorld, token: &str) -> (Facts, Verdict) {
    let asked = Asked::parse("GET /entries\nhost: ledger.example").unwrap().bearer(token);
    world.judge(&asked, DAWN + Duration::from_secs(5)).unwrap()
}

fn said(world: &TestWorld, token: &str) -> String {
    let (facts, verdict) = judged(world, token);
    let identity = facts.caller.as_ref().map_or("nobody", |caller| caller.identity.id.as_str());
    format!("{} {identity}", verdict.ruling.reason().code())
}

#[test]
fn a_jwt_svid_stands_for_whom_its_trust_domain_names() {
    let mesh = signer();
    let world = world(&bundle(&mesh, "jwt-svid"));
    let (facts, verdict) = judged(&world, &svid(&mesh, &json!({})));
    assert_eq!(verdict.ruling.reason().code(), "rule.allowed");
    let caller = facts.caller.as_ref().unwrap();
    assert_eq!((caller.identity.id.as_str(), &*caller.credential.as_ref().unwrap().name, caller.proof.bound), ("both", "token", false));
    assert_eq!(&*caller.token.as_ref().unwrap().issuer, "spiffe://acme.example");
    // Whoever is named in `iss` says nothing: the trust domain vouches.
    let other = svid(&mesh, &json!({ "iss": "https://elsewhere.example" }));
    assert_eq!(judged(&world, &other).0.caller.unwrap().token.as_ref().unwrap().issuer.as_ref(), "spiffe://acme.example");
    assert_eq!(said(&world, &svid(&mesh, &json!({ "sub": "SPIFFE://Acme.Example/both" }))), "rule.allowed both");
    assert_eq!(said(&world, &svid(&mesh, &json!({ "sub": "spiffe://acme.example/batch/7", "stage": "live" }))), "rule.allowed batch");
    assert_eq!(said(&world, &svid(&mesh, &json!({ "sub": "spiffe://acme.example/batch/7", "stage": "test" }))), "proof.subject nobody");
}

#[test]
fn whoever_catches_a_token_does_not_pass_for_who_has_a_key() {
    let mesh = signer();
    let world = world(&bundle(&mesh, "jwt-svid"));
    let (facts, verdict) = judged(&world, &svid(&mesh, &json!({ "sub": "spiffe://acme.example/certified" })));
    assert_eq!(verdict.ruling.reason().code(), "proof.subject", "only a certificate stands for it");
    let unknown = facts.unknown.unwrap();
    assert!(matches!(&*unknown, Unknown::Subject { subject, .. } if **subject == *"jwt:spiffe://acme.example/certified"), "{unknown:?}");
}

#[test]
fn what_a_jwt_svid_must_say_it_must_say() {
    let (mesh, stranger) = (signer(), signer());
    let world = world(&bundle(&mesh, "jwt-svid"));
    let now = DAWN.as_seconds();
    for (changes, code) in [
        (json!({ "aud": null }), "proof.claims"),
        (json!({ "aud": [] }), "proof.claims"),
        (json!({ "aud": ["elsewhere"] }), "proof.claims"),
        (json!({ "exp": null }), "proof.claims"),
        (json!({ "exp": now - 60 }), "proof.expired"),
        (json!({ "sub": null }), "proof.issuer"),
        (json!({ "sub": "spiffe://acme.example" }), "proof.issuer"),
        (json!({ "sub": "spiffe://acme.example/a/../both" }), "proof.issuer"),
        (json!({ "sub": "spiffe://other.example/both" }), "proof.issuer"),
        (json!({ "sub": "both" }), "proof.issuer"),
        // Nobody said that its JWT-SVIDs count.
        (json!({ "sub": "spiffe://quiet.example/both" }), "proof.issuer"),
    ] {
        assert_eq!(said(&world, &svid(&mesh, &changes)), format!("{code} nobody"), "{changes}");
    }
    let typed = |typ: &str| mesh.sign(typ, &json!({ "sub": "spiffe://acme.example/both", "aud": "wardgate", "exp": now + 60 })).unwrap();
    assert_eq!(said(&world, &typed("JOSE")), "rule.allowed both");
    assert_eq!(said(&world, &typed("at+jwt")), "proof.token nobody");
    let asked = Asked::parse("GET /entries\nhost: ledger.example").unwrap().bearer(&svid(&stranger, &json!({})));
    let step = establish(&asked.arrival(DAWN), &world.snapshot, &world.meters, DAWN);
    assert!(
        matches!(step, Step::Wait(_, Need::Keys { ref trust, kid: Some(_) }) if trust.as_str() == "mesh"),
        "newer keys of the domain may turn it"
    );
}

#[test]
fn a_key_for_something_else_signs_no_jwt_svid() {
    let mesh = signer();
    for usage in ["sig", "x509-svid", "wit-svid"] {
        let world = world(&bundle(&mesh, usage));
        let asked = Asked::parse("GET /entries\nhost: ledger.example").unwrap().bearer(&svid(&mesh, &json!({})));
        assert!(
            matches!(establish(&asked.arrival(DAWN), &world.snapshot, &world.meters, DAWN), Step::Wait(_, Need::Keys { .. })),
            "{usage}"
        );
    }
}

#[test]
fn a_bundle_that_was_never_fetched_is_asked_for() {
    let yaml = WORLD.replace("BUNDLE", "'https://mesh.example/bundle.json'");
    let files: [(&str, &[u8]); 1] = [("mesh.json", br#"{"keys":[]}"#)];
    let world = Texts { yaml: &yaml, cedar: &[], files: &files, grants: &[], shipped: ShippedLimits::Off }.world().unwrap();
    let asked = Asked::parse("GET /entries\nhost: ledger.example").unwrap().bearer(&svid(&signer(), &json!({})));
    let step = establish(&asked.arrival(DAWN), &world.snapshot, &world.meters, DAWN);
    assert!(matches!(step, Step::Wait(_, Need::Keys { ref trust, kid: None }) if trust.as_str() == "mesh"));
}
