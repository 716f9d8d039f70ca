//! Tokens that are bound to a key of their client, through the binary (DPoP, RFC 9449): the rules of the standard by name.

use crate::{
    gate::{Gate, until},
    http::{self, Answer, bearer},
    token_world::{ASSERTION, GRANT, ISSUER, LEDGER, World, assertion, claims, made, now, post, said, token, world},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use wardgate_proof::{jose, jose::algorithm::Algorithm, jws::Signer};

pub(crate) const TOKENS: &str = "POST https://gate.test/oauth/token";
const ENTRIES: &str = "GET https://gate.test/ledger/entries";
const EXPORT: &str = "GET https://gate.test/ledger/export";

/// A proof for `METHOD ADDRESS`, with the claims of `change` over those of a good one; `null` takes one out.
pub(crate) fn proof(key: &Signer, what: &str, change: &Value) -> String {
    let (method, address) = what.split_once(' ').unwrap();
    let mut claims = json!({ "jti": wardgate::clock::entropy().to_string(), "htm": method, "htu": address, "iat": now() });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    key.sign_showing_key("dpop+jwt", &claims).unwrap()
}

fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(jose::hash(token))
}

/// A proof for a token.
pub(crate) fn with(key: &Signer, what: &str, token: &str, change: &Value) -> String {
    let mut all = json!({ "ath": hash(token) });
    for (name, value) in change.as_object().unwrap() {
        all[name] = value.clone();
    }
    proof(key, what, &all)
}

impl World {
    /// Asks for a token with these proofs.
    pub(crate) fn proven(&self, proofs: &[&str], form: &str) -> Answer {
        let fields: Vec<_> = proofs.iter().map(|proof| ("DPoP", *proof)).collect();
        let assertion = assertion(&self.client, "ledger-sync", &json!({}));
        post(&self.gate, "token", &fields, &format!("{form}&client_assertion_type={ASSERTION}&client_assertion={assertion}"))
    }

    /// The nonce that the token service gives.
    pub(crate) fn nonce(&self, key: &Signer) -> String {
        let answer = self.proven(&[&proof(key, TOKENS, &json!({}))], GRANT);
        assert_eq!(said(&answer), "400 use_dpop_nonce", "{answer:?}");
        answer.field("dpop-nonce").unwrap().to_owned()
    }

    /// A token that is bound to a key, in the two steps of a library.
    pub(crate) fn bound(&self, key: &Signer, form: &str) -> Answer {
        let nonce = self.nonce(key);
        self.proven(&[&proof(key, TOKENS, &json!({ "nonce": nonce }))], form)
    }
}

pub(crate) fn call(gate: &Gate, what: &str, token: &str, proofs: &[&str]) -> Answer {
    let shown = format!("DPoP {token}");
    let fields: Vec<_> = [("Authorization", &*shown)].into_iter().chain(proofs.iter().map(|proof| ("DPoP", *proof))).collect();
    http::ask(gate.public, what, &fields, "")
}

/// The challenge of the scheme DPoP.
pub(crate) fn challenge(answer: &Answer) -> String {
    let mut lines = answer.head.lines().filter_map(|line| line.strip_prefix("www-authenticate: DPoP "));
    let line = lines.next().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    assert!(line.contains("algs=\"ES256 "), "{line}");
    line.split("error=\"").nth(1).map_or(String::new(), |rest| rest.split('"').next().unwrap().to_owned())
}

#[test]
fn a_token_is_bound_to_the_key_of_its_proof() {
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        let (world, (_, key)) = (world(Algorithm::Es256, ""), made(algorithm));
        let answer = world.bound(&key, GRANT);
        let token = token(&answer);
        assert_eq!((&answer.json()["token_type"], &claims(&token)["cnf"]), (&json!("DPoP"), &json!({ "jkt": key.kid() })));
        assert!(answer.field("dpop-nonce").is_some(), "the next one: {answer:?}");
        let called = |change: Value| call(&world.gate, "GET /ledger/entries", &token, &[&with(&key, ENTRIES, &token, &change)]);
        assert_eq!(called(json!({})).said(), "200");
        assert_eq!(called(json!({})).said(), "200", "another proof");
        let told = world.signed("introspect", &format!("token={token}")).json();
        assert_eq!((&told["active"], &told["token_type"], &told["cnf"]["jkt"]), (&json!(true), &json!("DPoP"), &json!(key.kid())));
        // What is for us does not reach the upstream.
        assert!(world._upstream.received().iter().all(|request| !format!("{request:?}").to_ascii_lowercase().contains("dpop")));
        assert_eq!(world.gate.end().0, Some(0));
        let events = world.place.events();
        let used = events.iter().find(|event| event["operation"] == "ledger GET /ledger/entries").unwrap();
        assert_eq!((&used["proof"]["kind"], &used["proof"]["bound"]), (&json!("jwt"), &json!(true)));
        assert!(!events.iter().any(|event| event.to_string().contains("eyJ")), "no token and no proof is in the log");
    }
}

/// STANDARDS §1.6, by name: at an API.
#[test]
fn a_proof_of_possession_counts_once_for_one_request() {
    let (world, (_, key), (_, other)) = (world(Algorithm::Es256, ""), made(Algorithm::Es256), made(Algorithm::Es256));
    let (token, second) = (token(&world.bound(&key, GRANT)), token(&world.bound(&key, GRANT)));
    let shown = |proofs: &[&str]| call(&world.gate, "GET /ledger/entries", &token, proofs);
    let said = |proofs: &[&str]| {
        let answer = shown(proofs);
        if answer.status == 200 { "200".to_owned() } else { format!("{} {}", answer.said(), challenge(&answer)) }
    };
    let good = with(&key, ENTRIES, &token, &json!({}));
    assert_eq!(said(&[&good]), "200");
    assert_eq!(said(&[&good]), "401 proof.possession invalid_dpop_proof", "replay of the same proof");
    let jti = json!({ "jti": "mine" });
    assert_eq!(said(&[&with(&key, ENTRIES, &token, &jti)]), "200");
    assert_eq!(said(&[&with(&key, ENTRIES, &token, &jti)]), "401 proof.possession invalid_dpop_proof", "the same `jti`, signed again");
    let wrong = |change: Value| said(&[&with(&key, ENTRIES, &token, &change)]);
    for change in [
        json!({ "htm": "POST" }),
        json!({ "htu": "https://gate.test/ledger/export" }),
        json!({ "htu": "https://other.test/ledger/entries" }),
        json!({ "iat": now() - 150 }),
        json!({ "iat": now() + 95 }),
        json!({ "jti": null }),
        json!({ "iat": null }),
    ] {
        assert_eq!(wrong(change.clone()), "401 proof.possession invalid_dpop_proof", "{change}");
    }
    // Of another key, for another token or for none: as a token that is not known.
    for proof in [
        with(&key, ENTRIES, &token, &json!({ "ath": null })),
        with(&key, ENTRIES, &second, &json!({})),
        with(&other, ENTRIES, &token, &json!({})),
    ] {
        assert_eq!(said(&[&proof]), "401 proof.invalid invalid_token");
    }
    assert_eq!(said(&[]), "401 proof.possession invalid_dpop_proof", "none");
    let two = [with(&key, ENTRIES, &token, &json!({})), with(&key, ENTRIES, &token, &json!({}))];
    assert_eq!(said(&[&two[0], &two[1]]), "401 proof.possession invalid_dpop_proof", "two DPoP headers");
    // Nor does what is signed by nobody tell a good token from another.
    let broken = format!("{}AAAA", &two[0][..two[0].len() - 4]);
    assert_eq!(said(&[&broken]), "401 proof.invalid invalid_token", "its signature");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let payload = two[0].split('.').nth(1).unwrap();
    let jwk = key.jwk();
    let mut private = jwk.clone();
    private["d"] = json!("AAAA");
    for head in [
        json!({ "alg": "ES256", "typ": "dpop+jwt" }),
        json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": private }),
        json!({ "alg": "none", "typ": "dpop+jwt", "jwk": jwk }),
        json!({ "alg": "HS256", "typ": "dpop+jwt", "jwk": jwk }),
        json!({ "alg": "ES256", "typ": "JWT", "jwk": jwk }),
    ] {
        let made_up = format!("{}.{payload}.AAAA", part(&head));
        assert_eq!(said(&[&made_up]), "401 proof.invalid invalid_token", "{head}");
        let unknown = call(&world.gate, "GET /ledger/entries", &format!("{token}x"), &[&made_up]);
        assert_eq!((&*unknown.said(), &*challenge(&unknown)), ("401 proof.invalid", "invalid_token"), "{head}");
    }
    // Percent-case, case of the host and the default port are the same address.
    for htu in ["https://GATE.test:443/ledger/%65ntries?page=2#top", "HTTPS://gate.test/ledger/./entries"] {
        assert_eq!(said(&[&with(&key, ENTRIES, &token, &json!({ "htu": htu }))]), "200", "{htu}");
    }
    assert_eq!(said(&[&with(&key, ENTRIES, &token, &json!({ "iat": now() - 60 }))]), "200");
    // A bound token as Bearer, with and without a proof; an unbound one, and a key, by the scheme DPoP.
    let plain = world.token(GRANT);
    let (_, api_key) = world.place.issue(&world.gate, "ledger-sync");
    assert_eq!(world.call("GET /ledger/entries", &token).said(), "401 proof.invalid");
    let proven = with(&key, ENTRIES, &token, &json!({}));
    let fields = [("Authorization", &*bearer(&token)), ("DPoP", &*proven)];
    assert_eq!(http::ask(world.gate.public, "GET /ledger/entries", &fields, "").said(), "401 proof.invalid");
    let unbound = call(&world.gate, "GET /ledger/entries", &plain, &[&with(&key, ENTRIES, &plain, &json!({}))]);
    assert_eq!(unbound.said(), "401 proof.invalid");
    let by_key = call(&world.gate, "GET /ledger/entries", &api_key, &[&with(&key, ENTRIES, &api_key, &json!({}))]);
    assert_eq!(by_key.said(), "401 credential.not_accepted");
    assert_eq!(world.call("GET /ledger/entries", &plain).said(), "200");
    // Without anything, both schemes are named, and neither says that something was wrong.
    let nothing = http::ask(world.gate.public, "GET /ledger/entries", &[], "");
    assert_eq!((&*nothing.said(), &*challenge(&nothing)), ("401 credential.missing", ""));
    assert!(nothing.field("www-authenticate").unwrap().starts_with("Bearer realm=\"wardgate\""), "{nothing:?}");
}

/// STANDARDS §1.6, by name: at the token endpoint.
#[test]
fn the_token_endpoint_wants_a_nonce_of_its_own() {
    let (world, (_, key)) = (world(Algorithm::Es256, ""), made(Algorithm::Es256));
    let nonce = world.nonce(&key);
    let asked = |change: Value| {
        let mut all = json!({ "nonce": nonce });
        for (name, value) in change.as_object().unwrap() {
            all[name] = value.clone();
        }
        proof(&key, TOKENS, &all)
    };
    let answered = |proofs: &[&str]| said(&world.proven(proofs, GRANT));
    let once = asked(json!({}));
    assert_eq!(answered(&[&once]), "200");
    assert_eq!(answered(&[&once]), "400 invalid_dpop_proof", "replay of the same proof");
    assert_eq!(answered(&[&asked(json!({}))]), "200", "the same nonce again");
    assert_eq!(answered(&[&asked(json!({ "iat": now() - 3600 }))]), "200", "the nonce says when, whatever the client's clock");
    for change in [json!({ "nonce": "a" }), json!({ "nonce": null })] {
        assert_eq!(answered(&[&asked(change)]), "400 use_dpop_nonce");
    }
    for change in [json!({ "htm": "GET" }), json!({ "htu": "https://gate.test/oauth/introspect" }), json!({ "jti": null })] {
        assert_eq!(answered(&[&asked(change.clone())]), "400 invalid_dpop_proof", "{change}");
    }
    assert_eq!(answered(&[&asked(json!({})), &asked(json!({}))]), "400 invalid_dpop_proof", "two");
    assert_eq!(answered(&["nonsense"]), "400 invalid_dpop_proof");
    // Where nothing is given out, nobody looks at one.
    let fields = [("DPoP", "nonsense"), ("Content-Type", "application/x-www-form-urlencoded")];
    let assertion = assertion(&world.client, "ledger-sync", &json!({}));
    let form = format!("token=a&client_assertion_type={ASSERTION}&client_assertion={assertion}");
    assert_eq!(http::ask(world.gate.public, "POST /oauth/introspect", &fields, &form).body, r#"{"active":false}"#);
    // An API key is swapped for a token that is bound: the upgrade path of STANDARDS §1.14.
    let (_, api_key) = world.place.issue(&world.gate, "ledger-sync");
    let basic = {
        use base64::engine::general_purpose::STANDARD;
        format!("Basic {}", STANDARD.encode(format!("ledger-sync:{api_key}")))
    };
    let got = post(&world.gate, "token", &[("Authorization", &basic), ("DPoP", &asked(json!({})))], GRANT);
    assert_eq!((&*said(&got), &claims(&token(&got))["cnf"]["jkt"]), ("200", &json!(key.kid())));
}

/// What an API wants beside: nothing unbound is given out for it, and a nonce of its own is asked for.
#[test]
fn an_api_wants_possession_and_a_nonce() {
    let (world, (_, key)) = (world(Algorithm::Es256, ""), made(Algorithm::Es256));
    let early = world.token(GRANT);
    assert_eq!(world.call("GET /ledger/export", &early).said(), "200");
    world.place.change(
        "resources/world.yaml",
        "  accept: [jwt, api_key]\n",
        "  accept: [jwt, api_key]\n  require: { bulk: { nonce: true } }\n",
    );
    // What the gate would refuse is not in the token.
    until("the API to want it", || (world.signed("token", GRANT).json()["scope"] == "list").then_some(()));
    assert_eq!(said(&world.signed("token", &format!("{GRANT}&scope=bulk"))), "400 invalid_scope");
    let nonce = world.nonce(&key);
    let answer = world.proven(&[&proof(&key, TOKENS, &json!({ "nonce": nonce }))], GRANT);
    assert_eq!(answer.json()["scope"], "list bulk");
    let token = token(&answer);
    let export = |change: Value| call(&world.gate, "GET /ledger/export", &token, &[&with(&key, EXPORT, &token, &change)]);
    // Where none is wanted none is asked for.
    let entries = call(&world.gate, "GET /ledger/entries", &token, &[&with(&key, ENTRIES, &token, &json!({}))]);
    assert_eq!((&*entries.said(), entries.field("dpop-nonce")), ("200", None));
    let asked = export(json!({}));
    assert_eq!((&*asked.said(), &*challenge(&asked)), ("401 proof.nonce", "use_dpop_nonce"));
    // One of the token service is none of the API's.
    assert_eq!(export(json!({ "nonce": nonce })).said(), "401 proof.nonce");
    let own = asked.field("dpop-nonce").unwrap();
    assert_eq!(asked.head.matches("dpop-nonce").count(), 1);
    let done = export(json!({ "nonce": own }));
    assert_eq!(done.said(), "200");
    assert!(done.field("dpop-nonce").is_some(), "the next one comes with the answer");
    let back = world.proven(&[&proof(&key, TOKENS, &json!({ "nonce": own }))], GRANT);
    assert_eq!(said(&back), "400 use_dpop_nonce", "nor the other way round");
    // A token that was there before is refused by the same rule, and told what is wanted and where to read on (STANDARDS §1.15).
    let refused = world.call("GET /ledger/export", &early);
    assert_eq!((&*refused.said(), &*challenge(&refused)), ("401 rule.unbound", ""));
    assert!(refused.field("www-authenticate").unwrap().starts_with("Bearer realm=\"wardgate\", error=\"invalid_token\""), "{refused:?}");
    assert_eq!(refused.head.matches("resource_metadata=\"https://gate.test/.well-known/oauth-protected-resource/ledger\"").count(), 2);
    assert_eq!(world.call("GET /ledger/entries", &early).said(), "200");
    // What is for something else is told in the scheme that it was shown by.
    let narrow = self::token(&world.bound(&key, &format!("{GRANT}&scope=list")));
    let elsewhere = call(&world.gate, "GET /ledger/export", &narrow, &[&with(&key, EXPORT, &narrow, &json!({ "nonce": own }))]);
    assert_eq!((&*elsewhere.said(), &*challenge(&elsewhere)), ("403 standing.scope", "insufficient_scope"));
    assert!(!elsewhere.head.contains("Bearer"), "{elsewhere:?}");
}

/// `dpop_bound_access_tokens` of a client (RFC 9449 §5.2).
#[test]
fn a_client_whose_tokens_have_to_be_bound_gets_none_without() {
    let (world, (_, key)) = (world(Algorithm::Es256, ""), made(Algorithm::Es256));
    let jwk = world.client.jwk().to_string();
    world.place.change("resources/world.yaml", &jwk, &format!("{jwk}, bound_tokens: true"));
    until("the setting", || (said(&world.signed("token", GRANT)) == "400 invalid_dpop_proof").then_some(()));
    assert_eq!(said(&world.bound(&key, GRANT)), "200");
}

/// RFC 9728, RFC 8414: what is told of all this.
#[test]
fn metadata_name_the_api_and_what_it_takes() {
    let world = world(Algorithm::Es256, "");
    let told = |path: &str| http::ask(world.gate.public, &format!("GET {path}"), &[], "");
    let ledger = told("/.well-known/oauth-protected-resource/ledger").json();
    assert_eq!((&ledger["resource"], &ledger["authorization_servers"]), (&json!(LEDGER), &json!([ISSUER])));
    assert_eq!((&ledger["bearer_methods_supported"], &ledger["scopes_supported"]), (&json!(["header"]), &json!(["list", "write", "bulk"])));
    assert!(ledger["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("ES256")));
    // Two resources of one host have two documents, and what is none has none.
    assert_eq!(told("/.well-known/oauth-protected-resource/stock").json()["resource"], "https://gate.test/stock");
    for path in ["", "/", "/ledger/", "/ledger/entries", "/oauth"] {
        assert_eq!(told(&format!("/.well-known/oauth-protected-resource{path}")).status, 404, "{path}");
    }
    let refused = http::ask(world.gate.public, "GET /ledger/entries", &[], "");
    let url = "resource_metadata=\"https://gate.test/.well-known/oauth-protected-resource/ledger\"";
    assert_eq!(refused.head.matches(url).count(), 2, "in each challenge: {refused:?}");
    let service = told("/.well-known/oauth-authorization-server").json();
    assert!(service["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("EdDSA")));
    assert_eq!(service["tls_client_certificate_bound_access_tokens"], false);
}
