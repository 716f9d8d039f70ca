use super::{AssertionClaims, TYP};
use crate::jose::signer::{Signer, tests::verify};
use serde_json::{Value, json};
use wardgate_model::{
    api::{OperationId, PathTemplate},
    id::{ApiName, EnvironmentName, IdentityId, OwnerName, PurposeName, TaskId},
    time::Time,
};

fn claims(purpose: Option<&str>, task: Option<&str>, actors: &[&str]) -> AssertionClaims {
    let template = PathTemplate::parse("/ledger/entries/{id}").expect("a template");
    AssertionClaims {
        issuer: "https://gate.example:8443".into(),
        audience: "http://127.0.0.1:9000".into(),
        identity: IdentityId::literal("ledger-sync"),
        owner: OwnerName::literal("payments"),
        environment: EnvironmentName::literal("production"),
        actors: actors.iter().map(|name| IdentityId::parse(name).expect("a name")).collect(),
        operation: OperationId::new(&ApiName::literal("ledger"), &"GET".parse().expect("a method"), &template),
        purpose: purpose.map(|name| PurposeName::parse(name).expect("a name")),
        task: task.map(|name| TaskId::parse(name).expect("a name")),
    }
}

fn shown(claims: &AssertionClaims) -> (Value, Value) {
    let signer = Signer::load(Signer::generate().expect("a key").danger_expose()).expect("loads");
    let token = claims.sign(&signer, Time::from_micros(1_790_000_000_999_999)).expect("signed");
    verify(&signer.jwk(), &token).expect("verifies")
}

#[test]
fn an_upstream_is_told_who_calls_and_for_what() {
    let (header, told) = shown(&claims(Some("settlement"), Some("t-42"), &[]));
    assert_eq!(header["typ"], TYP);
    assert_eq!(
        told,
        json!({
            "iss": "https://gate.example:8443", "aud": "http://127.0.0.1:9000",
            "iat": 1_790_000_000, "exp": 1_790_000_090,
            "sub": "ledger-sync", "identity": "ledger-sync", "owner": "payments", "environment": "production",
            "operation": "ledger GET /ledger/entries/{id}", "purpose": "settlement", "task": "t-42",
        })
    );
}

#[test]
fn what_is_unknown_is_absent() {
    let (_, told) = shown(&claims(None, None, &[]));
    for absent in ["purpose", "task", "act", "actors", "jti"] {
        assert!(told.get(absent).is_none(), "{absent}");
    }
}

/// RFC 8693 §4.1: the current actor is the outermost, earlier ones are nested.
#[test]
fn actors_are_nested_outermost_first() {
    let (_, told) = shown(&claims(None, None, &["planner", "runner"]));
    assert_eq!(told["act"], json!({ "sub": "planner", "act": { "sub": "runner" } }));
    assert_eq!(told["actors"], json!(["planner", "runner"]));
}

#[test]
fn claims_that_differ_are_never_one_memory() {
    let base = claims(None, None, &[]);
    assert_eq!(base, claims(None, None, &[]));
    assert_ne!(base, claims(Some("settlement"), None, &[]));
    assert_ne!(base, claims(None, None, &["planner"]));
    assert_ne!(base, AssertionClaims { audience: "http://127.0.0.1:9001".into(), ..base.clone() });
}
