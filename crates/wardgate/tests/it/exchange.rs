//! Tokens upon tokens, through the binary: of whom others vouch for (federation), and for whom others call (delegation).

use crate::{
    gate::{Gate, Place, until},
    http::{self, Answer, bearer},
    provider::Provider,
    token_world::{ISSUER, LEDGER, claims, made, now, post, said, token},
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};
use wardgate_proof::{
    jose::{algorithm::Algorithm, signer},
    jws::Signer,
};

const EXCHANGE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const BEARER: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
const KIND: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A";

const FEDERATED: &str = "\
kind: TrustSource
name: forge
spec: { type: oidc, issuer: 'https://forge.test', audiences: ['https://gate.test', 'https://gate.test/oauth/token'], jwks: 'file:forge.json' }
---
kind: TrustSource
name: cluster
spec: { type: oidc, issuer: 'https://cluster.test', audiences: ['https://gate.test'], jwks: 'file:cluster.json', life_max: 1h }
---
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [jwt]
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /entries', class: list }
    - { match: 'POST /entries', class: write }
---
kind: Identity
name: ledger-ci
spec:
  type: ci_job
  owner: shop-team
  environment: production
  purpose: deploys the ledger
  credentials:
    - name: job
      type: oidc
      trust: forge
      subject: 'repo:acme@17/ledger@42:environment:production'
      claims: { repository_id: '42', repository_owner_id: '17', environment: production }
---
kind: Identity
name: ledger-pod
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: keeps the ledger
  credentials:
    - { name: pod, type: oidc, trust: cluster, subject: 'system:serviceaccount:books:ledger', claims: { kubernetes.io.namespace: books } }
---
kind: Grant
name: ledger-ci-works
spec: { to: { identity: ledger-ci }, api: ledger, operations: [list, write] }
---
kind: Grant
name: ledger-pod-works
spec: { to: { identity: ledger-pod }, api: ledger, operations: [list] }
";

struct Federated {
    place: Place,
    gate: Gate,
    forge: Signer,
    cluster: Signer,
    _upstream: Upstream,
}

fn federated() -> Federated {
    let (upstream, place) = (Upstream::plain(), Place::bare());
    let ((_, forge), (_, cluster)) = (made(Algorithm::Es256), made(Algorithm::Es256));
    place.write("resources/forge.json", &signer::jwks([&forge]).to_string());
    place.write("resources/cluster.json", &signer::jwks([&cluster]).to_string());
    place.write("resources/world.yaml", &FEDERATED.replace("@UPSTREAM@", &upstream.url()));
    let gate = place.serve();
    Federated { place, gate, forge, cluster, _upstream: upstream }
}

fn changed(mut claims: Value, change: &Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

impl Federated {
    /// As GitHub Actions makes them, with names and numbers in `sub`.
    fn job(&self, change: &Value) -> String {
        let claims = json!({
            "iss": "https://forge.test", "sub": "repo:acme@17/ledger@42:environment:production", "aud": ISSUER, "jti": "one-job",
            "repository": "acme/ledger", "repository_id": "42", "repository_owner_id": "17", "environment": "production",
            "ref": "refs/heads/main", "job_workflow_ref": "acme/ledger/.github/workflows/deploy.yaml@refs/heads/main",
            "iat": now() - 5, "nbf": now() - 5, "exp": now() + 200,
        });
        self.forge.sign("JWT", &changed(claims, change)).unwrap()
    }

    /// As Kubernetes projects them into a pod.
    fn pod(&self, change: &Value) -> String {
        let claims = json!({
            "iss": "https://cluster.test", "sub": "system:serviceaccount:books:ledger", "aud": [ISSUER], "jti": "one-pod",
            "kubernetes.io": { "namespace": "books", "serviceaccount": { "name": "ledger", "uid": "1" }, "pod": { "name": "ledger-0", "uid": "2" } },
            "iat": now() - 600, "nbf": now() - 600, "exp": now() + 3000,
        });
        self.cluster.sign("JWT", &changed(claims, change)).unwrap()
    }

    fn exchanged(&self, subject: &str, more: &str) -> Answer {
        exchanged(&self.gate, subject, more)
    }

    fn call(&self, what: &str, token: &str) -> String {
        http::ask(self.gate.public, what, &[("Authorization", &bearer(token))], "").said()
    }
}

fn exchanged(gate: &Gate, subject: &str, more: &str) -> Answer {
    post(gate, "token", &[], &format!("{EXCHANGE}&subject_token_type={KIND}jwt&subject_token={subject}{more}"))
}

#[test]
fn a_job_and_a_pod_get_tokens_by_what_they_have() {
    let world = federated();
    let answer = world.exchanged(&world.job(&json!({})), "&resource=https%3A%2F%2Fgate.test%2Fledger&scope=write");
    let by_job = token(&answer);
    let told = answer.json();
    assert_eq!((&told["token_type"], &told["scope"]), (&json!("Bearer"), &json!("write")));
    assert_eq!(told["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    // It ends with what it was got upon, and is as old.
    assert!((190..=200).contains(&told["expires_in"].as_i64().unwrap()), "{told}");
    let says = claims(&by_job);
    for (name, expected) in [("iss", ISSUER), ("sub", "ledger-ci"), ("client_id", "ledger-ci"), ("aud", LEDGER)] {
        assert_eq!(says[name], expected, "{says}");
    }
    assert!((3..20).contains(&(says["iat"].as_i64().unwrap() - says["auth_time"].as_i64().unwrap())), "{says}");
    assert_eq!(world.call("POST /ledger/entries", &by_job), "200");
    assert_eq!(world.call("GET /ledger/entries", &by_job), "403 standing.scope");
    let metadata = http::ask(world.gate.public, "GET /.well-known/oauth-authorization-server", &[], "").json();
    let unproven =
        |endpoint: &str| metadata[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().unwrap().contains(&json!("none"));
    assert_eq!(["token", "introspection", "revocation"].map(unproven), [true, false, false]);
    // What a platform puts into a file is shown again and again.
    let pod = world.pod(&json!({}));
    let by_pod = [0, 1].map(|_| token(&world.exchanged(&pod, "")));
    assert!(by_pod.iter().all(|token| world.call("GET /ledger/entries", token) == "200"));
    let again = post(&world.gate, "token", &[], &format!("{BEARER}&assertion={pod}"));
    assert_eq!(world.call("GET /ledger/entries", &token(&again)), "200");
    let at_endpoint = world.job(&json!({ "aud": "https://gate.test/oauth/token" }));
    assert_eq!(said(&post(&world.gate, "token", &[], &format!("{BEARER}&assertion={at_endpoint}"))), "200");
    assert_eq!(said(&world.exchanged(&at_endpoint, "")), "400 invalid_request", "RFC 7523 alone has it");
    assert_eq!(world.gate.end().0, Some(0));
    let events = world.place.events();
    let issued = events.iter().find(|event| event["effect"].as_str().is_some_and(|effect| effect.starts_with("issued "))).unwrap();
    assert_eq!((&issued["identity"]["id"], &issued["token"]["issuer"]), (&json!("ledger-ci"), &json!("https://forge.test")));
    assert!(!events.iter().any(|event| event.to_string().contains("eyJ")));
}

/// STANDARDS §1.8, by name: what is wrong with a subject token is wrong with the request, whatever it is.
#[test]
fn a_subject_token_that_is_not_good_is_an_invalid_request() {
    let world = federated();
    for change in [
        json!({ "aud": "https://other.test" }),
        json!({ "aud": [ISSUER, "https://other.test"] }),
        json!({ "aud": [ISSUER, "https://gate.test/oauth/token"] }),
        json!({ "iat": now() - 900, "nbf": now() - 900, "exp": now() - 600 }),
        json!({ "iss": "https://elsewhere.test" }),
        json!({ "environment": "staging" }),
        json!({ "repository_id": "43" }),
        json!({ "sub": "repo:acme@17/ledger@42:environment:staging" }),
        json!({ "may_act": { "sub": "somebody" } }),
        json!({ "act": { "sub": "somebody" } }),
    ] {
        let job = world.job(&change);
        assert_eq!(said(&world.exchanged(&job, "")), "400 invalid_request", "{change}");
        assert_eq!(said(&post(&world.gate, "token", &[], &format!("{BEARER}&assertion={job}"))), "400 invalid_grant", "{change}");
    }
    let job = world.job(&json!({}));
    let forged = world.cluster.sign("JWT", &claims(&job)).unwrap();
    for text in [&*forged, "garbage", "eyJ.e.e", &job[..job.len() - 2]] {
        assert_eq!(said(&world.exchanged(text, "")), "400 invalid_request", "{text}");
        assert_eq!(said(&post(&world.gate, "token", &[], &format!("{BEARER}&assertion={text}"))), "400 invalid_grant", "{text}");
    }
    let typed = |kind: &str| said(&post(&world.gate, "token", &[], &format!("{EXCHANGE}&subject_token={job}{kind}")));
    assert_eq!(typed(""), "400 invalid_request");
    assert_eq!(typed(&format!("&subject_token_type={KIND}refresh_token")), "400 invalid_request");
    assert_eq!(typed(&format!("&subject_token_type={KIND}id_token")), "200");
    for (more, expected) in [
        (format!("&actor_token_type={KIND}jwt"), "400 invalid_request"),
        (format!("&requested_token_type={KIND}refresh_token"), "400 invalid_request"),
        (format!("&requested_token_type={KIND}access_token"), "200"),
        ("&scope=delete".to_owned(), "400 invalid_scope"),
        ("&resource=https%3A%2F%2Fgate.test%2Fstock".to_owned(), "400 invalid_target"),
        ("&subject_token=twice".to_owned(), "400 invalid_request"),
    ] {
        assert_eq!(said(&world.exchanged(&job, &more)), expected, "{more}");
    }
    assert_eq!(said(&post(&world.gate, "token", &[], EXCHANGE)), "401 invalid_client");
    // Our own token proves nobody here: it cannot keep itself alive.
    let ours = token(&world.exchanged(&job, ""));
    let plain = |answer: &Answer| {
        let mut told = answer.json();
        told["request_id"] = Value::Null;
        format!("{} {told} {:?}", answer.status, answer.field("www-authenticate"))
    };
    let forged = format!("{}AAAA", &ours[..ours.len() - 4]);
    let alike = [world.exchanged(&forged, ""), world.exchanged(&ours, ""), world.exchanged("eyJ.e.e", "")].map(|answer| plain(&answer));
    assert!(alike[0].starts_with("400 ") && alike.iter().all(|answer| *answer == alike[0]), "{alike:?}");
    // What is wrong with the form is not wrong with what is asked upon.
    for more in ["&client_secret=s", "&client_id=ledger-ci&client_id=ledger-ci", "&audience=https%3A%2F%2Fgate.test%2Fledger"] {
        let answer = post(&world.gate, "token", &[], &format!("{BEARER}&assertion={job}{more}"));
        assert_eq!(said(&answer), "400 invalid_request", "{more}");
        let description = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert_ne!(description, "the token that is asked upon is not taken here", "{more}");
    }
    assert_eq!(said(&world.exchanged(&job, "&audience=https%3A%2F%2Fgate.test%2Fledger")), "200");
    assert_eq!(said(&world.exchanged(&job, "&audience=https%3A%2F%2Fgate.test%2Fstock")), "400 invalid_target");
    // Nor does a foreign token open an introspection.
    for grant in ["", "&grant_type=x", &format!("&{EXCHANGE}&subject_token_type={KIND}jwt"), &format!("&{BEARER}&assertion={job}")] {
        let form = format!("token={ours}&subject_token={job}{grant}");
        for endpoint in ["introspect", "revoke"] {
            assert_eq!(said(&post(&world.gate, endpoint, &[], &form)), "401 invalid_client", "{endpoint}{grant}");
        }
    }
    // Who says that it is somebody else is not who it is.
    assert_eq!(said(&world.exchanged(&job, "&client_id=ledger-pod")), "400 invalid_request");
    assert_eq!(said(&world.exchanged(&job, "&client_id=ledger-ci")), "200");
}

#[test]
fn a_federated_token_dies_with_what_it_was_got_by() {
    let world = federated();
    let contain = |kind: &str, name: &str| {
        let asked = json!({ "kind": kind, "name": name, "reason": "test" });
        assert_eq!(world.place.manage(&world.gate, "POST /api/v1/containments", &asked).status, 200);
    };
    let (job, pod) = (world.job(&json!({})), world.pod(&json!({})));
    let (by_job, by_pod) = (token(&world.exchanged(&job, "")), token(&world.exchanged(&pod, "")));
    assert_eq!((&*world.call("GET /ledger/entries", &by_job), &*world.call("GET /ledger/entries", &by_pod)), ("200", "200"));
    contain("identity", "ledger-ci");
    assert_eq!(world.call("GET /ledger/entries", &by_job), "403 identity.contained");
    assert_eq!(said(&world.exchanged(&job, "")), "400 invalid_request");
    assert_eq!(world.call("GET /ledger/entries", &by_pod), "200", "nobody else is harmed");
    contain("issuer", "cluster");
    assert_eq!(world.call("GET /ledger/entries", &by_pod), "401 proof.invalid");
    assert_eq!(said(&world.exchanged(&pod, "")), "400 invalid_request");
}

/// `oidc-provider`, unmodified, replaces its keys while tokens are asked for upon its own.
#[test]
fn an_issuer_rotates_its_keys_while_its_tokens_are_swapped_and_nothing_honest_is_lost() {
    let (upstream, place, issuer) = (Upstream::plain(), Place::bare(), Provider::of_tokens_for(ISSUER));
    let at = issuer.address;
    let trust = format!(
        "kind: TrustSource\nname: ci\nspec: {{ type: oidc, issuer: 'http://{at}', audiences: ['{ISSUER}'], networks: [127.0.0.0/8], life_max: 10m }}\n"
    );
    crate::trust::world(&place, &upstream, "jwt", "type: oidc, trust: ci, subject: ledger-ci", &trust);
    let gate = place.serve();
    let call = |token: &str| http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "").said();
    let whole = || call(&token(&exchanged(&gate, &issuer.token("ledger-ci"), "")));
    // The first request may come before the first fetch has ended: body first, then keys, and it waits for both.
    assert_eq!(whole(), "200");
    assert_eq!(said(&exchanged(&gate, &issuer.token("stranger"), "")), "400 invalid_request");
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let load: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        assert_eq!(whole(), "200");
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let more = |count: usize| until("the load", || (served.load(Ordering::Relaxed) >= count).then_some(()));
        more(3);
        issuer.told("POST /rotate");
        assert_eq!(whole(), "200");
        more(served.load(Ordering::Relaxed) + 6);
        stop.store(true, Ordering::Relaxed);
        load.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert!(gate.metric("wardgate_trust_fetches_total{trust=\"ci\"}").is_some_and(|fetches| fetches >= 2));
}
