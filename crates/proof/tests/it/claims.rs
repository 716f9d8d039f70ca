//! The rules on claims: RFC 7519 §4.1, RFC 8725 §3, RFC 9068 §4, with the edges of every clock (`clock_*`).

use crate::forge::{Forge, NOW, claims, claims_with, expected, told};
use serde_json::{Value, json};
use std::{sync::LazyLock, time::Duration};
use wardgate_model::time::Time;
use wardgate_proof::jose::{
    algorithm::Algorithm,
    base64url,
    claims::{Actor, Claims, Confirmation},
    expected::{Expected, Sharing},
    jwt,
    key_set::KeySet,
    kind::TokenKind,
};

static FORGE: LazyLock<(Forge, KeySet)> = LazyLock::new(|| {
    let forge = Forge::new(Algorithm::Ed25519);
    let keys = forge.keys();
    (forge, keys)
});

fn at(now: Time, expected: &Expected, claims: &Value) -> String {
    let (forge, keys) = &*FORGE;
    told(jwt::verify(&forge.token(claims), keys, expected, now)).replace(" by Ed25519", "")
}

fn check(over: &Value) -> String {
    at(NOW, &expected(), &claims_with(over))
}

const GOOD: &str = "repo:acme/ledger:ref:refs/heads/main";

#[test]
fn issuer_and_audience_are_compared_exactly() {
    for (over, answer) in [
        (json!({}), GOOD),
        (json!({ "iss": "https://ci.example/" }), "refused: `iss` is `https://ci.example/`"),
        (json!({ "iss": "https://CI.example" }), "refused: `iss` is `https://CI.example`"),
        (json!({ "iss": "http://ci.example" }), "refused: `iss` is `http://ci.example`"),
        (json!({ "iss": "https://ci.example\u{0}" }), "refused: `iss` is `https://ci.example?`"),
        (json!({ "iss": null }), "refused: the claim `iss` is missing"),
        (json!({ "iss": "" }), "refused: the claim `iss` is ill-formed"),
        (json!({ "iss": ["https://ci.example"] }), "refused: the claim `iss` is ill-formed"),
        (json!({ "aud": "Wardgate" }), "refused: `aud` names others: `Wardgate`"),
        (json!({ "aud": "wardgate/" }), "refused: `aud` names others: `wardgate/`"),
        (json!({ "aud": "war" }), "refused: `aud` names others: `war`"),
        (json!({ "aud": "wardgate https://gate.example" }), "refused: `aud` names others: `wardgate https://gate.example`"),
        (json!({ "aud": ["other", "wardgate"] }), GOOD),
        (json!({ "aud": ["https://gate.example"] }), GOOD),
        (json!({ "aud": ["other", "another"] }), "refused: `aud` names others: `other`"),
        (json!({ "aud": null }), "refused: the claim `aud` is missing"),
        (json!({ "aud": [] }), "refused: the claim `aud` is ill-formed"),
        (json!({ "aud": "" }), "refused: the claim `aud` is ill-formed"),
        (json!({ "aud": ["wardgate", ""] }), "refused: the claim `aud` is ill-formed"),
        (json!({ "aud": ["wardgate", 1] }), "refused: the claim `aud` is ill-formed"),
        (json!({ "aud": { "wardgate": true } }), "refused: the claim `aud` is ill-formed"),
        (json!({ "aud": vec!["wardgate"; 33] }), "refused: the claim `aud` is ill-formed"),
    ] {
        assert_eq!(check(&over), answer, "{over}");
    }
}

#[test]
fn a_trust_source_without_an_audience_takes_no_token() {
    let nobody = Expected { audiences: [].into(), ..expected() };
    assert_eq!(at(NOW, &nobody, &claims()), "refused: `aud` names others: `wardgate`");
}

#[test]
fn pkjwt_aud_an_assertion_of_a_client_is_for_us_alone() {
    // STANDARDS §1.4, RFC 7523bis: CVE-2025-27370, CVE-2025-27371.
    let client = Expected { sharing: Sharing::Refused, kinds: [TokenKind::ClientAuthentication].into(), ..expected() };
    let client = Expected { audiences: ["https://gate.example".into()].into(), ..client };
    for (aud, answer) in [
        (json!("https://gate.example"), GOOD),
        (json!(["https://gate.example"]), GOOD),
        (json!(["https://gate.example", "other"]), "refused: `aud` names others beside us"),
        (json!("https://gate.example/token"), "refused: `aud` names others: `https://gate.example/token`"),
        (json!(["https://gate.example/token", "https://gate.example"]), "refused: `aud` names others beside us"),
    ] {
        assert_eq!(at(NOW, &client, &claims_with(&json!({ "aud": aud, "jti": "1" }))), answer, "{aud}");
    }
    assert_eq!(at(NOW, &client, &claims_with(&json!({ "aud": "https://gate.example" }))), "refused: the claim `jti` is missing");
}

#[test]
fn clock_every_time_rule_at_its_edges() {
    let now = NOW.as_seconds();
    let late = "refused: the token has expired";
    for (over, answer) in [
        // The skew is 30 s. On `exp` plus skew it is over (RFC 7519 §4.1.4: on or after).
        (json!({ "iat": now - 60, "exp": now - 29 }), GOOD),
        (json!({ "iat": now - 60, "exp": now - 30 }), late),
        (json!({ "iat": now - 60, "exp": now - 31 }), late),
        (json!({ "nbf": now + 30 }), GOOD),
        (json!({ "nbf": now + 31 }), "refused: the token is not valid yet"),
        (json!({ "iat": now + 30 }), GOOD),
        (json!({ "iat": now + 31 }), "refused: the token was issued in the future"),
        // The longest life is an hour.
        (json!({ "iat": now, "exp": now + 3_600 }), GOOD),
        (json!({ "iat": now, "exp": now + 3_601 }), "refused: the token lives longer than a token of this trust source may"),
        (json!({ "iat": now - 3_000, "exp": now + 601 }), "refused: the token lives longer than a token of this trust source may"),
        (json!({ "iat": now + 20, "exp": now + 10 }), "refused: the token lives longer than a token of this trust source may"),
        // Without `iat` the rest of the life is measured, and the issuer's clock may be ahead.
        (json!({ "iat": null, "exp": now + 3_630 }), GOOD),
        (json!({ "iat": null, "exp": now + 3_631 }), "refused: the token lives longer than a token of this trust source may"),
        (json!({ "exp": null }), "refused: the claim `exp` is missing"),
    ] {
        assert_eq!(check(&over), answer, "{over}");
    }
    let before = Time::from_micros((now + 630) * 1_000_000 - 1);
    assert_eq!(at(before, &expected(), &claims()), GOOD);
    assert_eq!(at(Time::from_seconds(now + 630), &expected(), &claims()), late);
}

#[test]
fn clocks_are_never_a_minute_apart() {
    let day = Expected { leeway: Duration::from_hours(24), ..expected() };
    let now = NOW.as_seconds();
    assert_eq!(at(NOW, &day, &claims_with(&json!({ "iat": now - 600, "exp": now - 59 }))), GOOD);
    assert_eq!(at(NOW, &day, &claims_with(&json!({ "iat": now - 600, "exp": now - 60 }))), "refused: the token has expired");
    let none = Expected { leeway: Duration::ZERO, ..expected() };
    assert_eq!(at(NOW, &none, &claims_with(&json!({ "iat": now - 600, "exp": now }))), "refused: the token has expired");
    assert_eq!(at(NOW, &none, &claims_with(&json!({ "iat": now - 600, "exp": now + 1 }))), GOOD);
}

#[test]
fn cve_2026_25537_a_time_is_a_number_or_the_token_is_refused() {
    let now = NOW.as_seconds();
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!((now + 60).to_string()),
            json!(-1),
            json!(true),
            json!([now + 60]),
            json!({ "seconds": now }),
            json!(253_402_300_800_i64),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e300),
            json!(-0.5),
            json!(now * 1000),
        ] {
            assert_eq!(check(&json!({ name: value })), format!("refused: the claim `{name}` is ill-formed"), "{value}");
        }
        let (forge, keys) = &*FORGE;
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, forge.kid);
        for text in ["null", "1e400", "00", "0x10", "NaN"] {
            let mut claims = claims_with(&json!({ name: null })).to_string();
            claims.insert_str(1, &format!("\"{name}\":{text},"));
            assert!(jwt::verify(&forge.raw(header.as_bytes(), claims.as_bytes()), keys, &expected(), NOW).is_err(), "{name} {text}");
        }
    }
    // RFC 7519 §2: a NumericDate may have a fraction.
    assert_eq!(check(&json!({ "exp": 1_800_000_600.5 })), GOOD);
    assert_eq!(check(&json!({ "iat": 1.8e9 })), GOOD);
    assert_eq!(check(&json!({ "iat": now - 60, "exp": 1_799_999_970.000_001 })), GOOD);
    assert_eq!(check(&json!({ "iat": now - 60, "exp": 1_799_999_970.0 })), "refused: the token has expired");
}

#[test]
fn the_subject_is_text_and_never_empty() {
    for (over, answer) in [
        (json!({ "sub": null }), "refused: the claim `sub` is missing"),
        (json!({ "sub": "" }), "refused: the claim `sub` is ill-formed"),
        (json!({ "sub": 7 }), "refused: the claim `sub` is ill-formed"),
        (json!({ "sub": "x".repeat(2_049) }), "refused: the claim `sub` is ill-formed"),
        (json!({ "jti": 7 }), "refused: the claim `jti` is ill-formed"),
        (json!({ "azp": ["a"] }), "refused: the claim `azp` is ill-formed"),
        (json!({ "client_id": "" }), "refused: the claim `client_id` is ill-formed"),
        (json!({ "scope": 7 }), "refused: the claim `scope` is ill-formed"),
        (json!({ "scope": ["a", 7] }), "refused: the claim `scope` is ill-formed"),
    ] {
        assert_eq!(check(&over), answer, "{over}");
    }
}

#[test]
fn another_claim_can_say_who_calls_and_for_whom() {
    let other = Expected { subject_claim: "kubernetes.io.serviceaccount.name".into(), on_behalf_of: Some("email".into()), ..expected() };
    let claims = claims_with(&json!({ "kubernetes.io": { "serviceaccount": { "name": "sync" } }, "email": "one@example.com" }));
    assert_eq!(at(NOW, &other, &claims), "sync");
    let (forge, keys) = &*FORGE;
    let verified = jwt::verify(&forge.token(&claims), keys, &other, NOW).expect("verifies");
    assert_eq!(verified.on_behalf_of.as_deref(), Some("one@example.com"));
    assert_eq!(at(NOW, &other, &claims_with(&json!({ "email": "one@example.com" }))), "refused: the claim that says who calls is missing");
    assert_eq!(
        at(NOW, &other, &claims_with(&json!({ "kubernetes.io": { "serviceaccount": { "name": ["a"] } } }))),
        "refused: the claim that says who calls is ill-formed"
    );
    assert_eq!(
        at(NOW, &other, &claims_with(&json!({ "kubernetes.io": { "serviceaccount": { "name": "sync" } }, "email": 7 }))),
        "refused: the claim that says for whom it calls is ill-formed"
    );
}

#[test]
fn rfc_9068_an_access_token_has_all_its_claims_and_an_id_token_is_none() {
    let (forge, keys) = &*FORGE;
    let access = Expected { kinds: [TokenKind::Access].into(), ..expected() };
    let whole = claims_with(&json!({ "jti": "1", "client_id": "ledger-sync" }));
    let check = |typ: &str, claims: &Value| {
        let header = json!({ "alg": "EdDSA", "kid": forge.kid, "typ": typ }).to_string();
        told(jwt::verify(&forge.raw(header.as_bytes(), claims.to_string().as_bytes()), keys, &access, NOW)).replace(" by Ed25519", "")
    };
    for typ in ["at+jwt", "at+JWT", "application/at+jwt"] {
        assert_eq!(check(typ, &whole), GOOD);
    }
    for typ in ["JWT", "id+jwt", "dpop+jwt", "logout+jwt", "wardgate-assertion+jwt"] {
        assert_eq!(check(typ, &whole), format!("refused: the header's `typ` is `{typ}`"));
    }
    for missing in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let mut claims = whole.clone();
        claims.as_object_mut().expect("an object").shift_remove(missing);
        assert_eq!(check("at+jwt", &claims), format!("refused: the claim `{missing}` is missing"));
    }
}

#[test]
fn an_assertion_of_ours_is_no_token_for_us() {
    let (forge, keys) = &*FORGE;
    let header = json!({ "alg": "EdDSA", "kid": forge.kid, "typ": wardgate_proof::assertion::TYP }).to_string();
    let token = forge.raw(header.as_bytes(), claims().to_string().as_bytes());
    assert_eq!(told(jwt::verify(&token, keys, &expected(), NOW)), "refused: the header's `typ` is `wardgate-assertion+jwt`");
}

#[test]
fn kinds_without_an_end_end_with_the_longest_life() {
    let events = Expected { kinds: [TokenKind::SecurityEvent].into(), subject_claim: "iss".into(), ..expected() };
    let (forge, keys) = &*FORGE;
    let header = json!({ "alg": "EdDSA", "kid": forge.kid, "typ": "secevent+jwt" }).to_string();
    let check = |over: Value, now: i64| {
        let claims = claims_with(&over).to_string();
        told(jwt::verify(&forge.raw(header.as_bytes(), claims.as_bytes()), keys, &events, Time::from_seconds(now)))
    };
    let now = NOW.as_seconds();
    let event = || json!({ "sub": null, "exp": null, "jti": "1" });
    assert_eq!(check(event(), now + 3_629), "https://ci.example by Ed25519");
    assert_eq!(check(event(), now + 3_630), "refused: the token has expired");
    // STANDARDS §6.1: neither `sub` nor `exp`.
    assert_eq!(check(json!({ "exp": null, "jti": "1" }), now), "refused: the claim `sub` must not be in this kind of token");
    assert_eq!(check(json!({ "sub": null, "jti": "1" }), now), "refused: the claim `exp` must not be in this kind of token");
}

#[test]
fn a_workload_identity_token_names_no_audience() {
    // STANDARDS §2, WIT-SVID: `aud` must not appear.
    let workload = Expected { kinds: [TokenKind::WorkloadIdentity].into(), ..expected() };
    let (forge, keys) = &*FORGE;
    let header = json!({ "alg": "EdDSA", "kid": forge.kid, "typ": "wit+jwt" }).to_string();
    let check = |over: Value| {
        let claims = claims_with(&over).to_string();
        told(jwt::verify(&forge.raw(header.as_bytes(), claims.as_bytes()), keys, &workload, NOW))
    };
    assert_eq!(check(json!({ "aud": null, "cnf": { "jwk": {} } })), format!("{GOOD} by Ed25519"));
    assert_eq!(check(json!({ "cnf": { "jwk": {} } })), "refused: the claim `aud` must not be in this kind of token");
    assert_eq!(check(json!({ "aud": null })), "refused: the claim `cnf` is missing");
}

fn read(claims: &Value) -> Result<Claims, String> {
    Claims::read(claims.to_string().as_bytes()).map_err(|refusal| refusal.to_string())
}

#[test]
fn the_actors_are_shown_current_first() {
    let claims = read(&json!({ "act": { "sub": "agent", "iss": "https://a.example", "act": { "sub": "scheduler" } } })).expect("claims");
    let actors: Vec<Actor<'_>> = claims.actors().collect();
    assert_eq!(actors, [Actor { subject: "agent", issuer: Some("https://a.example") }, Actor { subject: "scheduler", issuer: None }]);
    let chain = |length: usize| {
        (0..length)
            .fold(Value::Null, |within, _| if within.is_null() { json!({ "sub": "a" }) } else { json!({ "sub": "a", "act": within }) })
    };
    assert_eq!(read(&json!({ "act": chain(5) })).expect("claims").actors().count(), 5);
    for act in [
        chain(6),
        json!("agent"),
        json!({}),
        json!({ "sub": "" }),
        json!({ "sub": 1 }),
        json!({ "sub": "a", "iss": 1 }),
        json!({ "sub": "a", "act": null }),
        json!([]),
    ] {
        assert_eq!(read(&json!({ "act": act })).expect_err("ill-formed"), "the claim `act` is ill-formed", "{act}");
    }
}

#[test]
fn mtls_bind_and_dpop_what_a_token_is_bound_to_is_read_exactly() {
    let hash = base64url::encode(&[7; 32]);
    assert_eq!(read(&json!({ "cnf": { "x5t#S256": hash } })).expect("claims").confirmation(), Some(Confirmation::Certificate([7; 32])));
    assert_eq!(read(&json!({ "cnf": { "jkt": hash } })).expect("claims").confirmation(), Some(Confirmation::Key([7; 32])));
    // STANDARDS §1.5, botched: hexadecimal, padding, another length.
    for cnf in [
        json!({ "x5t#S256": "07".repeat(32) }),
        json!({ "x5t#S256": format!("{hash}=") }),
        json!({ "jkt": base64url::encode(&[7; 31]) }),
        json!({ "jkt": 7 }),
        json!("x"),
        json!([]),
        json!(null),
    ] {
        assert_eq!(read(&json!({ "cnf": cnf })).expect_err("ill-formed"), "the claim `cnf` is ill-formed", "{cnf}");
    }
    // What is not known is not ignored: who asks for possession must refuse it.
    for cnf in [json!({}), json!({ "kid": "k" }), json!({ "jwk": {} }), json!({ "jkt": hash, "x5t#S256": hash }), json!({ "x5t": hash })] {
        assert_eq!(read(&json!({ "cnf": cnf })).expect("claims").confirmation(), Some(Confirmation::Other), "{cnf}");
    }
    assert_eq!(read(&json!({})).expect("claims").confirmation(), None);
}

#[test]
fn scopes_and_client_are_read_as_issuers_write_them() {
    for (claims, scopes, client) in [
        (json!({ "scope": "read write", "client_id": "a", "azp": "b" }), vec!["read", "write"], Some("a")),
        (json!({ "scope": " read  ", "azp": "b" }), vec!["read"], Some("b")),
        (json!({ "scope": ["read", "write"] }), vec!["read", "write"], None),
        (json!({ "scope": "" }), vec![], None),
        (json!({}), vec![], None),
    ] {
        let read = read(&claims).expect("claims");
        assert_eq!((read.scopes().collect::<Vec<_>>(), read.client()), (scopes, client), "{claims}");
    }
}

#[test]
fn a_path_leads_to_a_claim() {
    let claims = read(&json!({
        "environment": "production",
        "https://example.com/team": "core",
        "kubernetes.io": { "namespace": "payments", "pod": { "name": "p-1" }, "a/b": [1, 2] },
        "kubernetes": { "io": { "namespace": "shadowed", "other": 1 } },
        "a.b": 3,
        "a": { "b": 4, "c": 5 },
    }))
    .expect("claims");
    for (path, value) in [
        ("environment", json!("production")),
        ("https://example.com/team", json!("core")),
        ("kubernetes.io.namespace", json!("payments")),
        ("kubernetes.io.pod.name", json!("p-1")),
        ("/kubernetes.io/pod/name", json!("p-1")),
        ("/kubernetes.io/a~1b/1", json!(2)),
        ("a.b", json!(3)),
        ("/a/b", json!(4)),
        ("a.c", json!(5)),
    ] {
        assert_eq!(claims.at(path), Some(&value), "{path}");
    }
    for path in ["", ".", "/", "a.", ".a", "a.d", "environment.x", "/environment/x", "a.b.c", "kubernetes.io.other"] {
        assert_eq!(claims.at(path), None, "{path}");
    }
}
