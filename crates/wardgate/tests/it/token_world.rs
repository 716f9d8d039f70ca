//! A gate with its token service, and clients of it that know how to ask.

use crate::{
    gate::{Gate, Place},
    http::{self, Answer, bearer},
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};

pub(crate) const ISSUER: &str = "https://gate.test";
pub(crate) const LEDGER: &str = "https://gate.test/ledger";
pub(crate) const ASSERTION: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// Two APIs, a client of the first with a key of its own, and a stranger that may call the second.
pub(crate) const WORLD: &str = "\
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [jwt, api_key]
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /entries', class: list }
    - { match: 'POST /entries', class: write }
    - { match: 'GET /export', class: bulk }
---
kind: Api
name: stock
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /stock }
  accept: [jwt]
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /items', class: list }]
---
kind: Identity
name: ledger-sync
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: keeps the ledger
  credentials:
    - { name: key, type: public_key, jwk: @JWK@ }
    - { name: old, type: api_key, expires_in: 30d }
---
kind: Identity
name: stranger
spec:
  type: workload
  owner: others
  environment: production
  purpose: something else
  credentials: [{ name: key, type: public_key, jwk: @OTHER@ }]
---
kind: Owner
name: others
spec: { accountable: cy@example.com, deputy: di@example.com, contact: others@example.com }
---
kind: Grant
name: ledger-sync-works
spec: { to: { identity: ledger-sync }, api: ledger, operations: [list, bulk] }
---
kind: Grant
name: stranger-works
spec: { to: { identity: stranger }, api: stock, operations: [list] }
";

pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) gate: Gate,
    pub(crate) client: Signer,
    pub(crate) stranger: Signer,
    pub(crate) pkcs8: Vec<u8>,
    pub(crate) _upstream: Upstream,
}

pub(crate) fn made(algorithm: Algorithm) -> (Vec<u8>, Signer) {
    let pkcs8 = Signer::generate_for(algorithm).unwrap();
    (pkcs8.danger_expose().clone(), Signer::load(pkcs8.danger_expose()).unwrap())
}

pub(crate) fn world(algorithm: Algorithm, config: &str) -> World {
    world_at(Place::bare(), algorithm, config, &[])
}

/// The same in a place that is there, by a process with these variables.
pub(crate) fn world_at(place: Place, algorithm: Algorithm, config: &str, variables: &[(&str, &str)]) -> World {
    let upstream = Upstream::plain();
    let ((pkcs8, client), (_, stranger)) = (made(algorithm), made(Algorithm::Es256));
    let text = WORLD.replace("@UPSTREAM@", &upstream.url());
    let text = text.replace("@JWK@", &client.jwk().to_string()).replace("@OTHER@", &stranger.jwk().to_string());
    place.write("resources/world.yaml", &text);
    if !config.is_empty() {
        place.change("wardgate.yaml", "secrets:", &format!("{config}\nsecrets:"));
    }
    let gate = place.serve_with(variables);
    World { place, gate, client, stranger, pkcs8, _upstream: upstream }
}

#[expect(clippy::disallowed_methods, reason = "a client has a clock of its own")]
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// An assertion with the claims of `change` over those of a good one.
pub(crate) fn assertion(signer: &Signer, client: &str, change: &Value) -> String {
    let id = wardgate::clock::entropy().to_string();
    let mut claims = json!({ "iss": client, "sub": client, "aud": ISSUER, "jti": id, "iat": now(), "exp": now() + 60 });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signer.sign("client-authentication+jwt", &claims).unwrap()
}

pub(crate) fn post(gate: &Gate, endpoint: &str, fields: &[(&str, &str)], form: &str) -> Answer {
    let fields: Vec<_> = fields.iter().copied().chain([("Content-Type", "application/x-www-form-urlencoded")]).collect();
    http::ask(gate.public, &format!("POST /oauth/{endpoint}"), &fields, form)
}

impl World {
    pub(crate) fn signed(&self, endpoint: &str, form: &str) -> Answer {
        self.shown(endpoint, &assertion(&self.client, "ledger-sync", &json!({})), form)
    }

    pub(crate) fn by_stranger(&self, endpoint: &str, form: &str) -> Answer {
        self.shown(endpoint, &assertion(&self.stranger, "stranger", &json!({})), form)
    }

    pub(crate) fn shown(&self, endpoint: &str, assertion: &str, form: &str) -> Answer {
        post(&self.gate, endpoint, &[], &format!("{form}&client_assertion_type={ASSERTION}&client_assertion={assertion}"))
    }

    pub(crate) fn basic(&self, user: &str, key: &str, form: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{key}")));
        post(&self.gate, "token", &[("Authorization", &basic)], form)
    }

    pub(crate) fn token(&self, form: &str) -> String {
        token(&self.signed("token", form))
    }

    pub(crate) fn call(&self, what: &str, token: &str) -> Answer {
        http::ask(self.gate.public, what, &[("Authorization", &bearer(token))], "")
    }
}

pub(crate) fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// `401 invalid_client`.
pub(crate) fn said(answer: &Answer) -> String {
    assert_eq!((answer.field("cache-control"), answer.field("pragma")), (Some("no-store"), Some("no-cache")), "{answer:?}");
    if answer.status == 200 { "200".to_owned() } else { format!("{} {}", answer.status, answer.json()["error"].as_str().unwrap()) }
}

pub(crate) const GRANT: &str = "grant_type=client_credentials";
