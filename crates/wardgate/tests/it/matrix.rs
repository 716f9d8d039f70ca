//! Every kind of credential that exists here, shown wherever one is taken: only what it is for takes it.

use crate::{
    gate::{Gate, Place},
    http::{self, bearer},
    possession::{self, TOKENS, proof, with},
    process::wardgate,
    provider::Provider,
    tasks::escaped,
    token_world::{ASSERTION, GRANT, ISSUER, assertion, made, now, post, token},
    upstream::Upstream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{cell::OnceCell, fs};
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
  upstream: { urls: ['@UPSTREAM@'], transaction_token: { trust_domain: 'https://gate.test/ledger' } }
  operations: [{ match: 'GET /entries', class: list }]
---
kind: Api
name: stock
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /stock }
  accept: [api_key]
  upstream: { urls: ['@UPSTREAM@'], transaction_token: { trust_domain: 'https://gate.test' } }
  operations: [{ match: 'GET /items', class: list }]
---
kind: Purpose
name: settlement
spec: { description: settles payments }
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
---
kind: TrustSource
name: mesh
spec: { type: spiffe, trust_domain: acme.example, bundle: 'file:mesh.json', audiences: [calls] }
---
kind: Identity
name: meshed
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: is in the mesh
  credentials: [{ name: svid, type: oidc, trust: mesh, spiffe_id: spiffe://acme.example/meshed }]
---
kind: TrustSource
name: asked
spec:
  type: introspection
  issuer: 'http://@ASKED@'
  audiences: [wardgate]
  url: 'http://@ASKED@/token/introspection'
  client_id: gate
  secret: asked-secret
  subject_claim: client_id
  networks: [127.0.0.0/8]
---
kind: Identity
name: opaque
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: shows what only its issuer can read
  credentials: [{ name: token, type: oidc, trust: asked, subject: opaque-ci }]
---
kind: Grant
name: opaque-lists
spec: { to: { identity: opaque }, api: ledger, operations: [list] }
---
kind: Identity
name: behind
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: stands behind the ledger
  serves: [ledger]
  credentials: [{ name: key, type: public_key, jwk: @BEHIND@ }]
---
kind: Grant
name: meshed-lists
spec: { to: { identity: meshed }, api: ledger, operations: [list] }
---
kind: Grant
name: behind-lists
spec: { to: { identity: behind }, api: ledger, operations: [list] }
";

const ENTRIES: &str = "GET https://gate.test/ledger/entries";

/// Where something is taken.
const TAKERS: [&str; 15] = [
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
    "the token service, as the token of who acts",
    "an API, with possession of a key beside",
    "an API, as a proof of possession",
    "where tasks are started",
    "a task of one's own",
];

struct World {
    gate: Gate,
    client: Signer,
    forge: Signer,
    /// A token of ours, one that was got upon a foreign one, and one that is bound to a key.
    ours: String,
    federated: String,
    bound: String,
    key: Signer,
    /// A task of whom most of these are.
    task: OnceCell<String>,
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
            10 => {
                let actor = format!("actor_token_type={kind}&actor_token={shown}");
                // Whom it stands for may have its own token again: by what that was got by.
                let subject = format!("subject_token_type={kind}&subject_token={}", self.federated);
                post(gate, "token", &[], &format!("{}&{subject}&{actor}", grant("token-exchange")))
            }
            11 => possession::call(gate, "GET /ledger/entries", shown, &[&with(&self.key, ENTRIES, shown, &json!({}))]),
            12 => possession::call(gate, "GET /ledger/entries", &self.bound, &[shown]),
            13 => http::ask(gate.public, "GET /tasks", &fields, ""),
            14 => http::ask(gate.public, &format!("GET /tasks/{}", self.task.get().unwrap()), &fields, ""),
            _ => http::ask(gate.public, "GET /api/v1/openapi.json", &fields, ""),
        };
        (200..300).contains(&answer.status)
    }
}

/// The one text in it that is shown as a key is.
fn found(kept: &Value) -> Option<String> {
    match kept {
        Value::String(text) if text.starts_with("wgb_") => Some(text.clone()),
        Value::Object(members) => members.values().find_map(found),
        _ => None,
    }
}

#[test]
fn each_credential_is_taken_where_it_belongs_and_nowhere_else() {
    let (upstream, place, issuer) = (Upstream::plain(), Place::bare(), Provider::start());
    let [client, forge, mesh, behind] = [(); 4].map(|()| made(Algorithm::Es256).1);
    let mut bundle = signer::jwks([&mesh]);
    bundle["keys"][0]["use"] = json!("jwt-svid");
    bundle["spiffe_sequence"] = json!(1);
    place.write("resources/mesh.json", &bundle.to_string());
    place.write("resources/forge.json", &signer::jwks([&forge]).to_string());
    place.write(
        "resources/world.yaml",
        &WORLD
            .replace("@UPSTREAM@", &upstream.url())
            .replace("@ASKED@", &issuer.address.to_string())
            .replace("@JWK@", &client.jwk().to_string())
            .replace("@BEHIND@", &behind.jwk().to_string()),
    );
    let gate = place.serve();
    let first = gate.first_credential();
    let session = place.token(&gate).to_owned();
    let (_, key) = place.issue(&gate, "ledger-sync");
    place.run(&gate, &["secret", "put", "asked-secret"], "of-the-test").with(0);
    let opaque = issuer.token("opaque-ci");
    let (ours, federated, bound) = Default::default();
    let mut world = World { gate, client, forge, ours, federated, bound, key: made(Algorithm::Es256).1, task: OnceCell::new() };
    let own = assertion(&world.client, "ledger-sync", &json!({}));
    world.ours = token(&post(&world.gate, "token", &[], &format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={own}")));
    world.federated = {
        let claims = json!({
            "iss": "https://forge.test", "sub": "job:ledger", "aud": ISSUER, "jti": "job-first", "iat": now() - 5, "exp": now() + 200,
        });
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
        let job = world.forge.sign("JWT", &claims).unwrap();
        let exchange = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&resource=https%3A%2F%2Fgate.test%2Fledger";
        token(&post(&world.gate, "token", &[], &format!("{exchange}&subject_token_type={kind}&subject_token={job}")))
    };
    world.bound = {
        let asked = |nonce: Value| {
            let own = assertion(&world.client, "ledger-sync", &json!({}));
            let proof = proof(&world.key, TOKENS, &json!({ "nonce": nonce }));
            let form = format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={own}");
            post(&world.gate, "token", &[("DPoP", &proof)], &form)
        };
        let nonce = asked(Value::Null).field("dpop-nonce").unwrap().to_owned();
        token(&asked(json!(nonce)))
    };
    let world = world;
    let signed = || assertion(&world.client, "ledger-sync", &json!({}));
    let ours = &world.ours;
    let delegated = {
        let own = assertion(&behind, "behind", &json!({}));
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";
        let exchange =
            format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token_type={kind}&subject_token={ours}");
        token(&post(&world.gate, "token", &[], &format!("{exchange}&client_assertion_type={ASSERTION}&client_assertion={own}")))
    };
    let granted = |more: &str| {
        let form = format!("{GRANT}&{more}&client_assertion_type={ASSERTION}&client_assertion={}", signed());
        token(&post(&world.gate, "token", &[], &form))
    };
    let for_tasks = granted("resource=https%3A%2F%2Fgate.test%2Ftasks");
    let start = json!({ "purpose": "settlement", "api": "ledger", "operations": ["list"], "lifetime": "15m" }).to_string();
    let by_token = bearer(&for_tasks);
    let fields = [("Authorization", &*by_token), ("Content-Type", "application/json")];
    let started = http::ask(world.gate.public, "POST /tasks", &fields, &start);
    assert_eq!(started.status, 201, "{started:?}");
    let task = started.json()["task_id"].as_str().unwrap().to_owned();
    world.task.set(task.clone()).unwrap();
    let key_of_task = place.run(&world.gate, &["credential", "issue", "ledger-sync", "--task", &task, "--output", "json"], "");
    let key_of_task = key_of_task.with(0).json()["key"].as_str().unwrap().to_owned();
    drop(wardgate(place.path(), &["break-glass", "--reason", "to see where it is taken"]).with(0));
    let glass: Value = serde_json::from_str(&fs::read_to_string(place.path().join(".wardgate/break-glass.json")).unwrap()).unwrap();
    let glass = found(&glass).unwrap_or_else(|| panic!("no credential in it"));
    let detail = json!([{ "type": "wardgate_task", "task_id": task }]).to_string();
    let of_task = granted(&format!("authorization_details={}", escaped(&detail)));
    let svid = {
        let claims = json!({ "sub": "spiffe://acme.example/meshed", "aud": ["calls"], "iat": now() - 5, "exp": now() + 200 });
        mesh.sign("JWT", &claims).unwrap()
    };
    let job = |audience: &str, number: usize| {
        let claims = json!({
            "iss": "https://forge.test", "sub": "job:ledger", "aud": audience, "jti": format!("job-{number}"),
            "iat": now() - 5, "exp": now() + 200,
        });
        world.forge.sign("JWT", &claims).unwrap()
    };
    assert!(world.takes(0, ours), "a call, of which the upstream sees our word");
    let told = upstream.last().field("wardgate-assertion").unwrap().to_owned();
    // For a trust domain that is called as an API of ours is, and as the token service.
    let of_api = upstream.last().field("txn-token").unwrap().to_owned();
    assert!(world.takes(1, &key));
    let of_service = upstream.last().field("txn-token").unwrap().to_owned();
    // What it is, and the takers that are to take it.
    let shown = |taker: usize, kind: &str, example: &str, takers: &[usize]| {
        assert_eq!(world.takes(taker, example), takers.contains(&taker), "{kind}, shown to {}", TAKERS[taker]);
    };
    for taker in 0..TAKERS.len() {
        shown(taker, "an API key", &key, &[1, 3, 13, 14]);
        shown(taker, "a key of a task", &key_of_task, &[14]);
        shown(taker, "a token of ours", ours, &[0, 6]);
        shown(taker, "a token of ours that is bound to a key", &world.bound, &[6, 11]);
        shown(taker, "a token to act for somebody", &delegated, &[0, 6]);
        shown(taker, "a token of a task", &of_task, &[0, 6]);
        shown(taker, "a token to start tasks with", &for_tasks, &[6, 13, 14]);
        shown(taker, "a proof of possession", &with(&world.key, ENTRIES, &world.bound, &json!({})), &[12]);
        shown(taker, "a JWT-SVID for calls", &svid, &[0, 13]);
        shown(taker, "an opaque token of an issuer that is asked", &opaque, &[0, 13]);
        shown(taker, "an opaque text", "b3BhcXVlLXRleHQtb2Ytbm9ib2R5", &[]);
        shown(taker, "a secret of webhooks", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", &[]);
        shown(taker, "an assertion of a client", &signed(), &[2]);
        shown(taker, "a token of a foreign issuer for calls", &job("calls", taker), &[0, 13, 14]);
        shown(taker, "a token of a foreign issuer for the token service", &job(ISSUER, taker), &[0, 4, 5, 10, 13, 14]);
        shown(taker, "a session", &session, &[7]);
        shown(taker, "the session of who broke the glass", &glass, &[7]);
        shown(taker, "the first credential, which was used", &first, &[]);
        shown(taker, "our word to an upstream", &told, &[]);
        shown(taker, "a transaction token, for an API's address", &of_api, &[]);
        shown(taker, "a transaction token, for the issuer's", &of_service, &[]);
    }
    // With its task a token of it ends, and no other.
    let completed = http::ask(world.gate.public, &format!("POST /tasks/{task}/complete"), &fields, "");
    assert_eq!((completed.status, world.takes(0, &of_task), world.takes(0, ours)), (200, false, true), "{completed:?}");
    assert!(!world.takes(14, &key_of_task) && world.takes(14, &key), "it is over, and whom it is of sees that");
    // The token service ends tokens of its own, and nothing that others gave out or that is no token (RFC 7009 §2.2).
    let revoked = |example: &str| {
        let form = format!("token={example}&client_assertion_type={ASSERTION}&client_assertion={}", signed());
        post(&world.gate, "revoke", &[], &form).status
    };
    let (foreign, assertion) = (job("calls", 99), signed());
    for (kind, example, taker, status, lives) in [
        ("a token of a foreign issuer", &*foreign, 0, 200, true),
        ("a JWT-SVID", &svid, 0, 200, true),
        ("an assertion", &assertion, 2, 200, true),
        ("an API key", &key, 1, 400, true),
        ("a session", &session, 7, 400, true),
        ("a token to act for somebody", &delegated, 0, 200, false),
        ("a token that is bound to a key", &world.bound, 11, 200, false),
        ("a token to start tasks with", &for_tasks, 13, 200, false),
        ("a token", ours, 0, 200, false),
    ] {
        assert_eq!((revoked(example), world.takes(taker, example)), (status, lives), "{kind}");
    }
}
