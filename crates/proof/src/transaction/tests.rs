use super::{LIFE, Transaction};
use crate::jose::signer::{Signer, tests::verify};
use serde_json::{Value, json};
use wardgate_model::{
    api::{OperationClass, OperationId, PathTemplate},
    id::{ApiName, IdentityId, PurposeName, RequestId, TaskId},
    proof::ProofKind,
    time::Time,
};

fn shown(purpose: Option<&str>, task: Option<&str>, actors: &[&str]) -> (Value, Value) {
    let template = PathTemplate::parse("/ledger/entries/{id}").expect("a template");
    let operation = OperationId::new(&ApiName::literal("ledger"), &"GET".parse().expect("a method"), &template);
    let purpose = purpose.map(|name| PurposeName::parse(name).expect("a name"));
    let task = task.map(|name| TaskId::parse(name).expect("a name"));
    let actors: Vec<_> = actors.iter().map(|name| IdentityId::parse(name).expect("a name")).collect();
    let transaction = Transaction {
        issuer: "https://gate.example",
        domain: "acme.example",
        request: RequestId::parse("01234567-89ab-7def-8123-456789abcdef").expect("an id"),
        identity: &IdentityId::literal("ledger-sync"),
        actors: &actors,
        operation: &operation,
        class: OperationClass::Read,
        purpose: purpose.as_ref(),
        task: task.as_ref(),
        address: "192.0.2.7".parse().expect("an address"),
        proof: ProofKind::Jwt,
    };
    let signer = Signer::load(Signer::generate().expect("a key").danger_expose()).expect("loads");
    let token = transaction.sign(&signer, Time::from_micros(1_790_000_000_999_999)).expect("signed");
    verify(&signer.jwk(), &token).expect("verifies")
}

/// STANDARDS §1.13: the claims of the text of July 2026, and no others.
#[test]
fn a_request_is_told_of_as_the_draft_has_it() {
    let (header, told) = shown(Some("settlement"), Some("t-42"), &["planner", "runner"]);
    assert_eq!(header["typ"], "txntoken+jwt");
    assert_eq!(LIFE.as_secs(), 90);
    assert_eq!(
        told,
        json!({
            "iss": "https://gate.example", "aud": "acme.example", "iat": 1_790_000_000, "exp": 1_790_000_090,
            "txn": "01234567-89ab-7def-8123-456789abcdef", "sub": "ledger-sync", "scope": "read", "req_wl": "https://gate.example",
            "tctx": { "operation": "ledger GET /ledger/entries/{id}", "purpose": "settlement", "task": "t-42", "actors": ["planner", "runner"] },
            "rctx": { "req_ip": "192.0.2.7", "authn": "jwt" },
        })
    );
}

#[test]
fn what_is_unknown_is_absent() {
    let (_, told) = shown(None, None, &[]);
    assert_eq!(told["tctx"], json!({ "operation": "ledger GET /ledger/entries/{id}" }));
    assert!(told.get("jti").is_none() && told.get("cnf").is_none(), "it is no credential: {told}");
}
