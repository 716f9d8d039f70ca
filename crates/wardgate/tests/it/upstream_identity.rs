//! What an upstream is shown of the caller: a signed assertion, a secret of its own, or the request as it was.

use crate::{
    gate::Place,
    http::{Line, ask, bearer, find},
    upstream::{Play, Received, Upstream, ok},
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// Header and claims of a token that one of the keys has signed (RFC 7515 §5.2, ES256 of RFC 7518 §3.4).
fn verified(token: &str, keys: &Value) -> (Value, Value) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let head: Value = serde_json::from_slice(&part(head)).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == head["kid"]).expect("the key that `kid` names");
    assert_eq!((&key["kty"], &key["crv"], &head["alg"]), (&"EC".into(), &"P-256".into(), &"ES256".into()), "{keys}");
    let point = [vec![4], part(key["x"].as_str().unwrap()), part(key["y"].as_str().unwrap())].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &part(signature)).expect("a good signature");
    (head, serde_json::from_slice(&part(claims)).unwrap())
}

#[test]
fn the_assertion_names_the_caller_and_holds_with_the_published_keys() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    let fields: &[(&str, &str)] = &[("Authorization", &bearer(&key)), ("Wardgate-Assertion", "forged"), ("Wardgate_Assertion", "forged")];
    let answer = ask(gate.public, "GET /shop/things/7", fields, "");
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = upstream.last();
    assert!(!seen.head.contains(&key) && !seen.head.contains("forged"), "{seen:?}");
    assert_eq!(seen.field("wardgate-request-id"), Some(&*answer.id()));

    let published = ask(gate.public, "GET /.well-known/jwks.json", &[], "");
    assert_eq!(published.field("content-type"), Some("application/jwk-set+json"));
    assert!(published.json()["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()), "no private half: {published:?}");
    let (head, claims) = verified(seen.field("wardgate-assertion").unwrap(), &published.json());
    assert_eq!(head["typ"], "wardgate-assertion+jwt");
    let expected = [
        ("iss", "https://gate.test"),
        ("aud", &*upstream.url()),
        ("sub", "caller"),
        ("identity", "caller"),
        ("owner", "shop-team"),
        ("environment", "production"),
        ("operation", "shop GET /shop/things/{id}"),
    ];
    for (claim, value) in expected {
        assert_eq!(claims[claim], value, "{claim} in {claims:#}");
    }
    let (issued, expires) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert!((1..=120).contains(&(expires - issued)), "short-lived: {claims:#}");
    // The same clock as the record's; the claims say when, not when it was used.
    assert_eq!(gate.end().0, Some(0));
    let event = place.events().into_iter().find(|event| event["request_id"] == answer.id().as_str()).unwrap();
    let at = event["time_us"].as_i64().unwrap() / 1_000_000;
    assert!(issued <= at + 1 && at < expires, "{at}: {claims:#}");

    // The key outlives a restart: upstreams that remember it need not fetch it again.
    let gate = place.serve();
    assert_eq!(ask(gate.public, "GET /.well-known/jwks.json", &[], "").json(), published.json());
}

/// STANDARDS §1.13: a token of each request for all that it sets off, beside whatever else the upstream knows the gate by.
#[test]
fn a_transaction_token_is_of_one_request_and_holds_with_the_published_keys() {
    let upstream = Upstream::plain();
    for identity in ["assertion", "keep", "{ header: X-Own, secret: shop-secret }"] {
        let place = Place::shop(&upstream.url());
        let own = format!("upstream: {{ transaction_token: {{ trust_domain: acme.example }}, identity: {identity}, urls:");
        place.change("resources/shop.yaml", "upstream: { urls:", &own);
        let gate = place.serve();
        place.run(&gate, &["secret", "put", "shop-secret"], "s3cret").with(0);
        let (_, key) = place.issue(&gate, "caller");
        let fields: &[(&str, &str)] = &[("Authorization", &bearer(&key)), ("Txn-Token", "forged"), ("Txn_Token", "forged")];
        let keys = ask(gate.public, "GET /.well-known/jwks.json", &[], "").json();
        let called = || {
            let answer = ask(gate.public, "GET /shop/things/7", fields, "");
            assert_eq!(answer.status, 200, "{answer:?}");
            let seen = upstream.last();
            assert!(!seen.head.contains("forged"), "{seen:?}");
            assert_eq!(seen.fields().iter().filter(|field| field.starts_with("txn-token: ")).count(), 1, "{seen:?}");
            let (head, claims) = verified(seen.field("txn-token").unwrap(), &keys);
            assert_eq!(head["typ"], "txntoken+jwt");
            assert_eq!(claims["txn"], answer.id(), "the request, by its id in the record");
            claims
        };
        let (first, second) = (called(), called());
        assert_ne!(first["txn"], second["txn"]);
        for (claim, value) in
            [("iss", "https://gate.test"), ("aud", "acme.example"), ("sub", "caller"), ("scope", "read"), ("req_wl", "https://gate.test")]
        {
            assert_eq!(first[claim], value, "{claim} in {first:#}");
        }
        assert_eq!(first["tctx"], json!({ "operation": "shop GET /shop/things/{id}" }), "nothing is said of what is not known");
        assert_eq!(first["rctx"], json!({ "req_ip": "127.0.0.1", "authn": "api_key" }));
        assert_eq!(first["exp"].as_i64().unwrap() - first["iat"].as_i64().unwrap(), 90);
    }
    // Of whom nobody knows anything nothing is said, and what is sent under the name goes nowhere.
    let place = Place::shop(&upstream.url());
    let observed = "mode: observe\n  upstream: { transaction_token: { trust_domain: acme.example }, urls:";
    place.change("resources/shop.yaml", "upstream: { urls:", observed);
    let gate = place.serve();
    assert_eq!(ask(gate.public, "GET /shop/things/7", &[("Txn-Token", "forged")], "").status, 200);
    assert_eq!(upstream.last().field("txn-token"), None);
}

#[test]
fn a_missing_secret_refuses_until_it_is_put_without_a_restart() {
    let upstream = Upstream::plain();
    for (identity, secret, field) in [
        ("{ header: X-Api-Key, secret: shop-secret }", "s3cret-1", ("x-api-key", "s3cret-1".to_owned())),
        ("{ basic: gate, secret: shop-secret }", "s3cret:2", ("authorization", format!("Basic {}", STANDARD.encode("gate:s3cret:2")))),
    ] {
        let place = Place::shop(&upstream.url());
        place.change("resources/shop.yaml", "upstream: { urls:", &format!("upstream: {{ identity: {identity}, urls:"));
        let gate = place.serve();
        let key = bearer(&place.issue(&gate, "caller").1);
        // What the client sends under the secret's name does not pass for it.
        let fields: &[(&str, &str)] = &[("Authorization", &key), ("Cookie", "kept=1")];
        let (mut line, before) = (Line::open(gate.public), upstream.received().len());
        let refused = line.ask("GET /shop/things", fields, "");
        assert_eq!(refused.said(), "503 forward.no_secret");
        assert_eq!(upstream.received().len(), before, "nothing is sent without it");

        place.run(&gate, &["secret", "put", "shop-secret"], &format!("{secret}\n")).with(0);
        assert_eq!(line.ask("GET /shop/things", fields, "").said(), "200", "on the same connection, at once");
        let seen = upstream.last();
        assert_eq!(seen.field(field.0), Some(&*field.1));
        assert_eq!(seen.field("cookie"), Some("kept=1"));
        assert!(!seen.head.contains(&key) && seen.field("wardgate-assertion").is_none(), "{seen:?}");

        // Another value is shown from then on.
        place.run(&gate, &["secret", "put", "shop-secret"], "another").with(0);
        assert_eq!(line.ask("GET /shop/things", fields, "").said(), "200");
        assert_ne!(upstream.last().field(field.0), Some(&*field.1));
    }
}

/// A request line's method and target, fields, body.
struct Sent(&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Requests as existing clients make them: unproven, to operations that nobody described.
const AS_THEY_COME: [Sent; 6] = [
    Sent("GET /shop/things?b=%2F&a=1&a=2&plus=+", &[("Authorization", "Bearer some-token-of-theirs"), ("Accept", "*/*")], ""),
    Sent("GET /shop/un%20documented/", &[("Authorization", "Basic dXNlcjpwYXNz"), ("Cookie", "a=1; b=2"), ("X-Api-Key", "k-17")], ""),
    Sent("POST /shop/things", &[("Content-Type", "application/json"), ("Idempotency-Key", "7")], "{\"n\":  1}"),
    Sent("PATCH /shop/things/9", &[("If-Match", "\"3\""), ("If-Match", "\"4\"")], "raw body"),
    Sent("OPTIONS /shop/things", &[("Origin", "https://shop.example"), ("Access-Control-Request-Method", "PUT")], ""),
    Sent("DELETE /shop/things/1", &[("User-Agent", "cron/1.0"), ("Accept-Encoding", "gzip, br"), ("Range", "bytes=0-1")], ""),
];

/// What the gate adds on the way to an upstream, by CONTRACT and RFC 9110 §7.6.3.
const ADDED: [&str; 6] =
    ["via: ", "forwarded: ", "x-forwarded-for: ", "x-forwarded-host: ", "x-forwarded-proto: ", "wardgate-request-id: "];

/// The fields without those that are the gate's, and without the host, which is checked apart.
fn own_fields(request: &Received) -> Vec<String> {
    request
        .fields()
        .into_iter()
        .filter(|field| !field.starts_with("host: ") && !ADDED.iter().any(|added| field.starts_with(added)))
        .collect()
}

#[test]
fn observed_and_kept_a_request_arrives_as_it_was_sent() {
    let upstream = Upstream::start(|_| {
        Play::Answer(ok("ok").replace("\r\n\r\n", "\r\nETag: \"9\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Powered-By: them\r\n\r\n"))
    });
    let place = Place::shop(&upstream.url());
    place.change("resources/shop.yaml", "upstream: { urls:", "mode: observe\n  upstream: { identity: keep, urls:");
    let gate = place.serve();
    let mut through = Line::open(gate.public);
    let mut direct = Line::open(upstream.address);
    for Sent(what, fields, body) in AS_THEY_COME {
        let plain = direct.ask(what, fields, body);
        let expected = upstream.last();
        let answer = through.ask(what, fields, body);
        let seen = upstream.last();
        assert_eq!(seen.head.lines().next(), expected.head.lines().next(), "the target, byte by byte");
        assert_eq!(own_fields(&seen), own_fields(&expected), "{what}");
        assert_eq!(seen.body, expected.body, "{what}");
        assert_eq!(seen.fields().len(), expected.fields().len() + ADDED.len(), "each of ours once, and no other: {seen:?}");
        assert!(seen.field("via").unwrap().starts_with("1.1 wardgate-"), "{seen:?}");
        assert_eq!(seen.field("x-forwarded-host"), Some("gate.test"));

        // And the answer back.
        assert_eq!((answer.status, &answer.body), (plain.status, &plain.body));
        for line in plain.head.lines().skip(1).filter(|line| !line.is_empty()) {
            let ours = answer.head.to_ascii_lowercase();
            assert_eq!(ours.matches(&format!("\r\n{}\r\n", line.to_ascii_lowercase())).count(), 1, "`{line}` in {ours}");
        }
        let ours = answer.head.lines().skip(1).filter(|line| {
            !line.is_empty() && find(plain.head.to_ascii_lowercase().as_bytes(), line.to_ascii_lowercase().as_bytes()).is_none()
        });
        let added: Vec<&str> = ours.filter_map(|line| line.split(':').next()).collect();
        assert!(added.iter().all(|name| ["date", "wardgate-request-id"].contains(name)), "{added:?}");
    }
    assert_eq!(gate.end().0, Some(0));
    let events: Vec<Value> = place.events().into_iter().filter(|event| event["door"] == "public").collect();
    assert_eq!(events.len(), AS_THEY_COME.len());
    assert!(events.iter().all(|event| event["ruling"]["enforced"] == false && event["ruling"]["response"] == "block"), "{events:#?}");
}
