//! Every kind of credential that exists here, shown wherever one is taken: only what it is for takes it.

use crate::{
    gate::{Gate, Place},
    http::{self, bearer},
    token_world::{ASSERTION, GRANT, ISSUER, assertion, made, now, post, token},
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use wardgate_proof::{
    jose::{algorithm::Algorithm, signer},
    jws::Signer,
};

const WORLD: &str = "\
kind: TrustSource
name: forge
spec: { type: oidc, issuer: 'https://forge.test', audiences: [calls, 'https://gate.test'], jwks: 'file:forge.json' }
---
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [jwt]
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /entries', class: list }]
---
kind: Api
name: stock
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /stock }
  accept: [api_key]
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
    - { name: job, type: oidc, trust: forge, subject: 'job:ledger' }
---
kind: Grant
name: keeps-the-ledger
spec: { to: { identity: ledger-sync }, api: ledger, operations: [list] }
---
kind: Grant
name: keeps-the-stock
spec: { to: { identity: ledger-sync }, api: stock, operations: [list] }
";

/// Where something is taken.
const TAKERS: [&str; 10] = [
    "an API that takes tokens",
    "an API that takes keys",
    "the token service, as an assertion of a client",
    "the token service, as a client's secret",
    "the token service, to be exchanged",
    "the token service, as an assertion that is the grant",
    "the token service, to be asked about",
    "the management API",
    "the management API, to sign in",
    "the management API, through the gate's public door",
];

struct World {
    gate: Gate,
    client: Signer,
    forge: Signer,
}

impl World {
    /// Whether a taker takes it.
    fn takes(&self, taker: usize, shown: &str) -> bool {
        let (gate, fields) = (&self.gate, [("Authorization", &*bearer(shown))]);
        let resource = "resource=https%3A%2F%2Fgate.test%2Fledger";
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
        let grant = |name: &str| format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A{name}&{resource}");
        let answer = match taker {
            0 => http::ask(gate.public, "GET /ledger/entries", &fields, ""),
            1 => http::ask(gate.public, "GET /stock/items", &fields, ""),
            2 => {
                let form = format!("{GRANT}&{resource}&client_assertion_type={ASSERTION}&client_assertion={shown}");
                post(gate, "token", &[], &form)
            }
            3 => {
                // A key opens no API that refuses keys: that it is taken shows in what is wrong then.
                let basic = format!("Basic {}", STANDARD.encode(format!("ledger-sync:{shown}")));
                let answer = post(gate, "token", &[("Authorization", &basic)], &format!("{GRANT}&{resource}"));
                return answer.json()["error"] == "invalid_target";
            }
            4 => post(gate, "token", &[], &format!("{}&subject_token_type={kind}&subject_token={shown}", grant("token-exchange"))),
            5 => post(gate, "token", &[], &format!("{}&assertion={shown}", grant("jwt-bearer"))),
            6 => {
                let signed = assertion(&self.client, "ledger-sync", &json!({}));
                let form = format!("token={shown}&client_assertion_type={ASSERTION}&client_assertion={signed}");
                return post(gate, "introspect", &[], &form).json()["active"] == true;
            }
            7 => http::ask(gate.admin, "GET /api/v1/openapi.json", &fields, ""),
            8 => http::ask(gate.admin, "POST /api/v1/sessions", &fields, ""),
            _ => http::ask(gate.public, "GET /api/v1/openapi.json", &fields, ""),
        };
        (200..300).contains(&answer.status)
    }
}

#[test]
fn each_credential_is_taken_where_it_belongs_and_nowhere_else() {
    let (upstream, place) = (Upstream::plain(), Place::bare());
    let ((_, client), (_, forge)) = (made(Algorithm::Es256), made(Algorithm::Es256));
    place.write("resources/forge.json", &signer::jwks([&forge]).to_string());
    place.write("resources/world.yaml", &WORLD.replace("@UPSTREAM@", &upstream.url()).replace("@JWK@", &client.jwk().to_string()));
    let gate = place.serve();
    let first = gate.first_credential();
    let session = place.token(&gate).to_owned();
    let (_, key) = place.issue(&gate, "ledger-sync");
    let world = World { gate, client, forge };
    let signed = || assertion(&world.client, "ledger-sync", &json!({}));
    let ours = {
        let form = format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={}", signed());
        token(&post(&world.gate, "token", &[], &form))
    };
    let job = |audience: &str, number: usize| {
        let claims = json!({
            "iss": "https://forge.test", "sub": "job:ledger", "aud": audience, "jti": format!("job-{number}"),
            "iat": now() - 5, "exp": now() + 200,
        });
        world.forge.sign("JWT", &claims).unwrap()
    };
    assert!(world.takes(0, &ours), "a call, of which the upstream sees our word");
    let told = upstream.last().field("wardgate-assertion").unwrap().to_owned();
    // What it is, and the takers that are to take it.
    let shown = |taker: usize, kind: &str, example: &str, takers: &[usize]| {
        assert_eq!(world.takes(taker, example), takers.contains(&taker), "{kind}, shown to {}", TAKERS[taker]);
    };
    for taker in 0..TAKERS.len() {
        shown(taker, "an API key", &key, &[1, 3]);
        shown(taker, "a token of ours", &ours, &[0, 6]);
        shown(taker, "an assertion of a client", &signed(), &[2]);
        shown(taker, "a token of a foreign issuer for calls", &job("calls", taker), &[0]);
        shown(taker, "a token of a foreign issuer for the token service", &job(ISSUER, taker), &[0, 4, 5]);
        shown(taker, "a session", &session, &[7]);
        shown(taker, "the first credential, which was used", &first, &[]);
        shown(taker, "our word to an upstream", &told, &[]);
    }
}
