//! What becomes of binding, of credentials and of ends along a chain of exchanges: each scene by itself, in memory.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wardgate_gate::denied::Subject;
use wardgate_issuer::{
    api,
    exchange::{Asked, Outcome, Terms, answer},
    place::Place,
};
use wardgate_model::{
    credential::CredentialKind,
    facts::{Caller, Facts},
    id::CredentialId,
    proof::{HeldKey, ProofFacts},
    time::Time,
};
use wardgate_proof::{
    dpop::{Proving, prove},
    entropy::SystemEntropy,
    jose::base64url,
    jws::Signer,
};
use wardgate_testkit::world::{self, DAWN, ShippedLimits, TestWorld, world};

const WORLD: &str = "\
{kind: Owner, name: team, spec: {accountable: ann@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
kind: Identity
name: shop
spec: {type: workload, owner: team, environment: production, purpose: testing, credentials: [{name: main, type: api_key, expires_in: 30d}]}
---
kind: Identity
name: orders
spec: {type: workload, owner: team, environment: production, purpose: testing, serves: [one], credentials: [{name: main, type: api_key, expires_in: 30d}]}
---
kind: Api
name: one
spec: {policy_owner: team, environment: production, match: {path_prefix: /one}, accept: [jwt, api_key], upstream: {urls: ['http://127.0.0.1:9']}, operations: [{match: GET /all, class: list}, {match: POST /all, class: write}]}
---
kind: Api
name: two
spec:
  policy_owner: team
  environment: production
  match: {path_prefix: /two}
  accept: [jwt, api_key]
  require: {write: {bound: true}}
  upstream: {urls: ['http://127.0.0.1:9']}
  operations: [{match: GET /all, class: list}, {match: POST /all, class: write}]
---
{kind: Grant, name: all-one, spec: {to: {owner: team}, api: one, operations: [list, write]}}
---
{kind: Grant, name: all-two, spec: {to: {owner: team}, api: two, operations: [list, write]}}
";

struct Scene {
    world: TestWorld,
    /// Keys of the shop and of the workload behind `one`.
    keys: [Signer; 2],
}

/// What a client shows beside its key, and when.
#[derive(Clone, Copy, Default)]
struct Shown {
    bound: bool,
    /// By another credential than the one of the world.
    other: Option<CredentialId>,
    /// It is a platform's, and over by then.
    over: Option<Time>,
}

const BOUND: Shown = Shown { bound: true, other: None, over: None };
const PLAIN: Shown = Shown { bound: false, other: None, over: None };

pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn thumbprint(key: &Signer) -> [u8; 32] {
    base64url::decode(key.kid()).unwrap().try_into().unwrap()
}

impl Scene {
    fn new() -> Self {
        let signer = || Signer::load(Signer::generate().unwrap().danger_expose()).unwrap();
        Self { world: world(WORLD, "", ShippedLimits::Off).unwrap().issuing().unwrap(), keys: [signer(), signer()] }
    }

    fn key(&self, who: &str) -> &Signer {
        &self.keys[usize::from(who == "orders")]
    }

    /// The token, or what is wrong.
    fn asks(&self, who: &str, shown: Shown, form: &str) -> Result<String, String> {
        let by_key = world::Asked::parse("GET https://gate.example/one/all").unwrap().bearer(self.world.key(who));
        let (facts, _) = self.world.judge(&by_key, DAWN).unwrap();
        let mut caller: Caller = facts.caller.clone().unwrap();
        caller.holds = shown.bound.then(|| HeldKey::Key(thumbprint(self.key(who))));
        let mut credential = (**caller.credential.as_ref().unwrap()).clone();
        if let Some(id) = shown.other {
            credential.id = id;
        }
        if shown.over.is_some() {
            credential.kind = CredentialKind::Oidc;
            caller.proof = ProofFacts { ends: shown.over, ..caller.proof };
        }
        caller.credential = Some(Arc::new(credential));
        let service = api::api(&Place::parse("https://gate.example").unwrap());
        let facts =
            Facts { operation: Some(Arc::clone(&service.operations[0])), api: Some(Arc::new(service)), caller: Some(caller), ..facts };
        let asked = Asked { facts: &facts, body: form.as_bytes() };
        match answer(asked, Terms { life: Duration::from_mins(5) }, &self.world.snapshot, &SystemEntropy, DAWN) {
            Outcome::Answer(answer) => {
                let told: Value = serde_json::from_slice(answer.body()).unwrap();
                told["access_token"].as_str().map(str::to_owned).ok_or_else(|| told["error_description"].to_string())
            }
            Outcome::End { .. } => Err("ended".to_owned()),
        }
    }

    fn first(&self, shown: Shown) -> String {
        self.asks("shop", shown, "grant_type=client_credentials&resource=https%3A%2F%2Fgate.example%2Fone").unwrap()
    }

    fn hop(&self, who: &str, shown: Shown, subject: &str, api: &str) -> Result<String, String> {
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token\
             &subject_token={subject}&resource=https%3A%2F%2Fgate.example%2F{api}"
        );
        self.asks(who, shown, &form)
    }

    /// Shown with a proof of the key of whoever acts.
    fn shown(&self, what: &str, token: &str, id: u8) -> String {
        let (method, path) = what.split_once(' ').unwrap();
        let target = format!("https://gate.example{path}");
        let proving = Proving { method, target: &target, token: Some(token), nonce: None, id: &[id; 16], now: DAWN };
        let proof = prove(self.key("orders"), &proving).unwrap();
        let asked = world::Asked::parse(&format!("{method} {target}")).unwrap().possessed(token, &proof);
        self.world.judge(&asked, DAWN).unwrap().1.ruling.reason().code().to_owned()
    }
}

/// Whoever acts shows a key of its own. That is nothing that the caller has shown: what is for bound tokens alone stays shut.
#[test]
fn what_came_of_an_unbound_token_counts_as_unbound_at_every_hop() {
    let scene = Scene::new();
    let of = |first: Shown| scene.hop("orders", BOUND, &scene.first(first), "two").unwrap();
    let (bound, unbound) = (of(BOUND), of(PLAIN));
    assert_eq!((&claims(&bound)["scope"], &claims(&unbound)["scope"]), (&json!("list write"), &json!("list")));
    assert_eq!((&claims(&bound)["wardgate_unbound"], &claims(&unbound)["wardgate_unbound"]), (&Value::Null, &json!(true)));
    assert_eq!(claims(&unbound)["cnf"], json!({ "jkt": scene.key("orders").kid() }), "it is held to the actor's key all the same");
    assert_eq!((&*scene.shown("POST /two/all", &bound, 1), &*scene.shown("GET /two/all", &unbound, 2)), ("rule.allowed", "rule.allowed"));
    // Whoever has it again does not make it better.
    let again = scene.hop("orders", BOUND, &unbound, "two").unwrap();
    assert_eq!((&claims(&again)["scope"], &claims(&again)["wardgate_unbound"]), (&json!("list"), &json!(true)));
    // And a bound one is not had without showing a key.
    let refused = scene.hop("orders", PLAIN, &scene.first(BOUND), "two").unwrap_err();
    assert!(refused.contains("bound to a key"), "{refused}");
}

/// A token rests on one credential. By another of the same identity it is not had again: what that one is worth, and its end, would be lost.
#[test]
fn whoever_has_a_token_again_proves_itself_by_what_it_was_got_by() {
    let scene = Scene::new();
    let other = Shown { other: Some(CredentialId::of(7)), ..BOUND };
    let first = scene.first(BOUND);
    assert!(scene.hop("shop", BOUND, &first, "one").is_ok());
    assert!(scene.hop("shop", other, &first, "one").unwrap_err().contains("another credential"));
    let second = scene.hop("orders", BOUND, &first, "two").unwrap();
    assert!(scene.hop("orders", BOUND, &second, "two").is_ok());
    assert!(scene.hop("orders", other, &second, "two").unwrap_err().contains("another credential"));
}

/// Which parts end it, in the order in which they came: each alone is enough.
#[test]
fn a_token_ends_with_every_token_that_it_came_of() {
    let scene = Scene::new();
    let (first, other) = (scene.first(BOUND), scene.first(BOUND));
    let of = |first: &str| scene.hop("orders", BOUND, first, "two").unwrap();
    let (second, kept) = (of(&first), of(&other));
    scene.world.denied.stop(Subject::Token(claims(&first)["jti"].as_str().unwrap().into()), DAWN);
    assert_eq!((&*scene.shown("GET /two/all", &second, 1), &*scene.shown("GET /two/all", &kept, 2)), ("proof.revoked", "rule.allowed"));
}

/// What proves the one who acts may be over sooner than the token that it acts with.
#[test]
fn a_token_ends_no_later_than_what_whoever_acts_has_shown() {
    let scene = Scene::new();
    let over = Shown { over: Some(DAWN + Duration::from_secs(20)), ..BOUND };
    let first = scene.first(BOUND);
    let token = scene.asks(
        "orders",
        over,
        &format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&subject_token={first}\
             &actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&actor_token={}\
             &resource=https%3A%2F%2Fgate.example%2Ftwo",
            scene.asks("orders", BOUND, "grant_type=client_credentials&resource=https%3A%2F%2Fgate.example%2Ftwo").unwrap()
        ),
    );
    assert_eq!(claims(&token.unwrap())["exp"], json!(DAWN.as_seconds() + 20));
}
