//! Tokens of trust sources that are bound to a key (RFC 9449 §6), shown with proofs of possession: the judge's side. The rules of the
//! standard by name are tests of the binary.

mod remembered;

use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wardgate_gate::{Arrival, Step, decide, establish};
use wardgate_model::{
    proof::{CertificateChain, HeldKey},
    time::Time,
};
use wardgate_proof::{
    dpop::{Proving, prove},
    jose::base64url,
    jws::{Signer, jwks},
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, Texts};

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
{kind: TrustSource, name: ci, spec: {type: oidc, issuer: 'https://ci.example', audiences: [wardgate], jwks: 'file:ci.json'}}
---
kind: Identity
name: ledger-ci
spec: {type: ci_job, owner: payments, environment: production, purpose: a, credentials: [{name: main, type: oidc, trust: ci, subject: ledger}]}
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {hosts: [ledger.example], path_prefix: /ledger}
  accept: [jwt]
  require: {list: {bound: true}, read: {nonce: true}}
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /entries, class: list}, {match: 'GET /entries/{id}', class: read}, {match: POST /entries, class: write}]
---
kind: Api
name: open
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {path_prefix: /open}
  accept: [jwt, api_key]
  require: {list: {bound: true}}
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: GET /all, class: list}, {match: POST /all, class: write}]
---
{kind: Grant, name: any, spec: {to: {owner: payments}, api: open, operations: [list, write]}}
---
{kind: Grant, name: all, spec: {to: {owner: payments}, api: ledger, operations: [list, read, write]}}
";

struct Scene {
    world: TestWorld,
    issuer: Signer,
    key: Signer,
}

fn signer() -> Signer {
    Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()
}

impl Scene {
    fn new() -> Self {
        let issuer = signer();
        let keys = jwks([&issuer]).to_string();
        let texts = Texts { yaml: WORLD, cedar: &[], files: &[("ci.json", keys.as_bytes())], grants: &[], shipped: ShippedLimits::Off };
        Self { world: texts.world().unwrap(), issuer, key: signer() }
    }

    fn token(&self, cnf: Value) -> String {
        let now = DAWN.as_seconds();
        let claims = json!({ "iss": "https://ci.example", "sub": "ledger", "aud": "wardgate", "iat": now, "exp": now + 600, "cnf": cnf });
        self.issuer.sign("JWT", &claims).unwrap()
    }

    fn bound(&self) -> String {
        self.token(json!({ "jkt": self.key.kid() }))
    }

    /// `METHOD PATH` with a token and a proof of a number, made at a moment.
    fn asked(&self, what: &str, token: &str, id: u8, made: Time, nonce: Option<&str>) -> Asked {
        let (method, path) = what.split_once(' ').unwrap();
        let target = format!("https://ledger.example/ledger{path}");
        let proving = Proving { method, target: &target, token: Some(token), nonce, id: &[id; 16], now: made };
        let proof = prove(&self.key, &proving).unwrap();
        Asked::parse(&format!("{method} /ledger{path}\nhost: ledger.example")).unwrap().possessed(token, &proof)
    }

    fn ruled(&self, asked: &Asked, now: Time) -> String {
        self.world.judge(asked, now).unwrap().1.ruling.reason().code().to_owned()
    }
}

#[test]
fn a_token_of_another_issuer_that_is_bound_opens_with_a_proof_of_its_key() {
    let scene = Scene::new();
    let token = scene.bound();
    let (facts, verdict) = scene.world.judge(&scene.asked("GET /entries", &token, 1, DAWN, None), DAWN).unwrap();
    assert_eq!(verdict.ruling.reason().code(), "rule.allowed");
    let caller = facts.caller.unwrap();
    let thumbprint: [u8; 32] = base64url::decode(scene.key.kid()).unwrap().try_into().unwrap();
    assert_eq!((caller.proof.bound, caller.holds), (true, Some(HeldKey::Key(thumbprint))));
    // Unbound it is taken, and does not do what wants possession; by the scheme DPoP it is not taken.
    let plain = scene.issuer.sign(
        "JWT",
        &json!({
            "iss": "https://ci.example", "sub": "ledger", "aud": "wardgate", "iat": DAWN.as_seconds(), "exp": DAWN.as_seconds() + 600,
        }),
    );
    let plain = plain.unwrap();
    let bearer = |what: &str| Asked::parse(&format!("{what}\nhost: ledger.example")).unwrap().bearer(&plain);
    assert_eq!(scene.ruled(&bearer("POST /ledger/entries"), DAWN), "rule.allowed");
    assert_eq!(scene.ruled(&bearer("GET /ledger/entries"), DAWN), "rule.unbound");
    assert_eq!(scene.ruled(&bearer("GET /ledger/entries/7"), DAWN), "rule.unbound");
    // So it is for a key: it can be swapped for a token that is bound.
    let key = |what: &str| Asked::parse(&format!("{what}\nhost: gate.example")).unwrap().bearer(scene.world.key("ledger-ci"));
    assert_eq!(scene.ruled(&key("GET /open/all"), DAWN), "rule.unbound");
    assert_eq!(scene.ruled(&key("POST /open/all"), DAWN), "rule.allowed");
    assert_eq!(scene.ruled(&scene.asked("GET /entries", &plain, 2, DAWN, None), DAWN), "proof.binding");
    // Bound to two things, or to one that is not known here: nothing shows that.
    for cnf in [json!({}), json!({ "jkt": scene.key.kid(), "x5t#S256": scene.key.kid() }), json!({ "kid": "a" })] {
        assert_eq!(scene.ruled(&scene.asked("GET /entries", &scene.token(cnf), 3, DAWN, None), DAWN), "proof.binding");
    }
}

#[test]
fn a_proof_is_taken_once_until_it_would_not_be_taken_any_more() {
    let scene = Scene::new();
    let token = scene.bound();
    let asked = scene.asked("GET /entries", &token, 1, DAWN, None);
    assert_eq!(scene.ruled(&asked, DAWN), "rule.allowed");
    for seconds in [0, 30, 89, 90] {
        assert_eq!(scene.ruled(&asked, DAWN + Duration::from_secs(seconds)), "proof.repeated", "after {seconds} s");
    }
    assert_eq!(scene.ruled(&asked, DAWN + Duration::from_secs(91)), "proof.possession");
    // What was refused for something else was not taken: nobody uses up a proof by showing it where it does not count.
    let other = scene.asked("GET /entries", &token, 2, DAWN, None);
    let elsewhere = Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap();
    assert_eq!(scene.ruled(&elsewhere.bearer(&token), DAWN), "proof.binding");
    assert_eq!(scene.ruled(&other, DAWN), "rule.allowed");
    assert_eq!(scene.world.snapshot.possessions().count(), 2);
}

#[test]
fn a_nonce_is_given_where_one_is_wanted() {
    let scene = Scene::new();
    let token = scene.bound();
    let first = scene.asked("GET /entries/7", &token, 1, DAWN, None);
    let (facts, verdict) = scene.world.judge(&first, DAWN).unwrap();
    assert_eq!(verdict.ruling.reason().code(), "proof.nonce");
    let nonce = wardgate_gate::possession::next_nonce(&facts, &scene.world.snapshot, DAWN).unwrap();
    let second = scene.asked("GET /entries/7", &token, 1, DAWN, Some(&nonce));
    let (facts, verdict) = scene.world.judge(&second, DAWN).unwrap();
    assert_eq!(verdict.ruling.reason().code(), "rule.allowed");
    assert!(wardgate_gate::possession::next_nonce(&facts, &scene.world.snapshot, DAWN).is_some());
    assert_eq!(scene.ruled(&second, DAWN + Duration::from_secs(90)), "proof.repeated", "as long as its nonce counts");
    assert_eq!(scene.ruled(&second, DAWN + Duration::from_secs(91)), "proof.nonce");
    let list = scene.asked("GET /entries", &token, 3, DAWN, None);
    let (facts, _) = scene.world.judge(&list, DAWN).unwrap();
    assert_eq!(wardgate_gate::possession::next_nonce(&facts, &scene.world.snapshot, DAWN), None);
}

/// RFC 8705 §3: a token that is bound to a certificate opens on connections with that certificate, and with nothing else.
#[test]
fn a_token_of_another_issuer_that_is_bound_to_a_certificate_opens_with_it_alone() {
    let scene = Scene::new();
    let (own, other) = ([&b"one certificate"[..]], [&b"another"[..]]);
    let chain = |certificates| Arc::new(CertificateChain::new(certificates).unwrap());
    let (own, other) = (chain(own), chain(other));
    let print = |chain: &CertificateChain| base64url::encode(&wardgate_proof::x509::Thumbprint::of(chain.leaf()).0);
    let to_certificate = scene.token(json!({ "x5t#S256": print(&own) }));
    let ruled = |asked: &Asked, chain: Option<&Arc<CertificateChain>>| {
        let arrival = Arrival { certificates: chain, ..asked.arrival(DAWN) };
        let Step::Done(facts) = establish(&arrival, &scene.world.snapshot, &scene.world.meters, DAWN) else { panic!("facts") };
        let Step::Done(verdict) = decide(&facts, &scene.world.snapshot, &scene.world.meters, DAWN) else { panic!("a ruling") };
        verdict.ruling.reason().code()
    };
    let bearer = |token: &str| Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().bearer(token);
    let shown = bearer(&to_certificate);
    assert_eq!(ruled(&shown, Some(&own)), "rule.allowed", "and what wants possession takes it");
    assert_eq!((ruled(&shown, Some(&other)), ruled(&shown, None)), ("proof.binding", "proof.binding"));
    // STANDARDS §1.5, by name: over DPoP only it is refused, and with the certificate beside too: nothing rests on that proof.
    for (id, chain) in [(1, None), (2, Some(&own)), (3, Some(&other))] {
        assert_eq!(ruled(&scene.asked("GET /entries", &to_certificate, id, DAWN, None), chain), "proof.binding", "{chain:?}");
    }
    // One that is bound to a key is that key's, whatever certificate the connection has.
    for chain in [None, Some(&own)] {
        assert_eq!(ruled(&bearer(&scene.bound()), chain), "proof.binding", "{chain:?}");
    }
    assert_eq!(ruled(&scene.asked("GET /entries", &scene.bound(), 4, DAWN, None), Some(&own)), "rule.allowed");
}

/// RFC 9449 §11.1: nothing is remembered of what is not signed by the key that it shows, or somebody could use up the proofs of others.
#[test]
fn a_proof_with_a_wrong_signature_uses_up_nothing() {
    let scene = Scene::new();
    let token = scene.bound();
    let target = "https://ledger.example/ledger/entries";
    let proof = prove(&scene.key, &Proving { method: "GET", target, token: Some(&token), nonce: None, id: &[7; 16], now: DAWN }).unwrap();
    let shown = |proof: &str| Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().possessed(&token, proof);
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    let mut bytes = base64url::decode(signature).unwrap();
    bytes[40] ^= 1;
    let broken = format!("{signed}.{}", base64url::encode(&bytes));
    for _ in 0..3 {
        assert!(scene.ruled(&shown(&broken), DAWN).starts_with("proof."));
    }
    assert_eq!(scene.world.snapshot.possessions().count(), 0);
    assert_eq!(scene.ruled(&shown(&proof), DAWN), "rule.allowed", "the same `jti`, well signed");
    assert_eq!(scene.ruled(&shown(&proof), DAWN), "proof.repeated");
}

/// RFC 9110 §11.1: the name of a scheme is compared without regard to case.
#[test]
fn the_scheme_of_possession_is_known_in_any_case() {
    let scene = Scene::new();
    let token = scene.bound();
    let target = "https://ledger.example/ledger/entries";
    for (id, scheme) in [(1, "dpop"), (2, "DPOP"), (3, "dPoP")] {
        let proof =
            prove(&scene.key, &Proving { method: "GET", target, token: Some(&token), nonce: None, id: &[id; 16], now: DAWN }).unwrap();
        let text = format!("GET /ledger/entries\nhost: ledger.example\nauthorization: {scheme} {token}\ndpop: {proof}");
        assert_eq!(scene.ruled(&Asked::parse(&text).unwrap(), DAWN), "rule.allowed", "{scheme}");
    }
}

/// STANDARDS §1.6: `htu` is compared with the address that is configured, never with what a header says.
#[test]
fn the_address_of_a_proof_is_the_configured_one_whatever_headers_say() {
    let scene = Scene::new();
    let token = scene.bound();
    let ruled = |id: u8, target: &str, headers: &str| {
        let proof =
            prove(&scene.key, &Proving { method: "GET", target, token: Some(&token), nonce: None, id: &[id; 16], now: DAWN }).unwrap();
        scene.ruled(&Asked::parse(&format!("GET /open/all\n{headers}")).unwrap().possessed(&token, &proof), DAWN)
    };
    let configured = "https://gate.example/open/all";
    for (at, headers) in [
        "host: gate.example",
        "host: evil.test",
        "host: gate.example:8443",
        "host: gate.example\nx-forwarded-host: evil.test\nx-forwarded-proto: http\nx-forwarded-port: 80",
        "host: evil.test\nx-forwarded-host: evil.test\nforwarded: host=evil.test;proto=https",
    ]
    .into_iter()
    .enumerate()
    {
        let id = u8::try_from(at).unwrap();
        assert_eq!(ruled(id, configured, headers), "rule.allowed", "{headers}");
        for (more, other) in
            ["https://evil.test/open/all", "http://gate.example/open/all", "https://gate.example:8443/open/all"].iter().enumerate()
        {
            let id = 100 + 10 * id + u8::try_from(more).unwrap();
            assert_eq!(ruled(id, other, headers), "proof.possession", "{other} with {headers}");
        }
    }
}
