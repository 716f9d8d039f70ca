use super::rollback;
use serde_json::{Value, json};
use wardgate_model::{resource::Kind, time::Time};
use wardgate_store::{Act, Change, Origin, ResourceId, StoredResource, Subject};

fn id(text: &str) -> ResourceId {
    let (kind, name) = text.split_once('/').unwrap();
    ResourceId::parse(Kind::parse(kind).unwrap(), name).unwrap()
}

fn stored(text: &str, spec: Value, origin: Origin) -> StoredResource {
    StoredResource { id: id(text), spec, origin, revision: 1, created_seq: 1 }
}

fn change(seq: u64, actor: &str, subject: Subject, name: &str, act: Act, after: Option<Value>) -> Change {
    Change {
        seq,
        time: Time::from_seconds(0),
        actor: actor.into(),
        subject,
        name: name.into(),
        act,
        reason: "".into(),
        before: None,
        after,
    }
}

fn said(then: &[(ResourceId, Value)], now: &[StoredResource], since: &[Change]) -> String {
    let done = rollback(then, now, since);
    let mut text = String::new();
    for change in done.changes {
        text.push_str(&format!("{}/{} → {}\n", change.kind, change.name, change.spec.unwrap_or(Value::Null)));
    }
    for note in done.notes {
        text.push_str(&format!("stays: {} {}: {}\n", note.subject, note.name, note.why));
    }
    text
}

#[test]
fn what_was_declared_comes_back_and_what_happened_stays() {
    let file = || Origin::File("resources/limits.yaml".into());
    let then = [
        (id("Grant/reads"), json!({ "until": "2027" })),
        (id("Grant/same"), json!({})),
        (id("Limit/of-file"), json!({ "rate": "1/s" })),
        (id("Owner/removed"), json!({ "accountable": "x" })),
        (id("Owner/file-removed"), json!({ "accountable": "x" })),
        (id("Identity/retired"), json!({ "owner": "a" })),
    ];
    let now = [
        stored("Grant/reads", json!({ "until": "2030" }), Origin::Api),
        stored("Grant/same", json!({}), Origin::Api),
        stored("Grant/new", json!({ "api": "x" }), Origin::Api),
        stored("Limit/of-file", json!({ "rate": "2/s" }), file()),
        stored("Limit/new-of-file", json!({ "rate": "2/s" }), file()),
        stored("Identity/retired", json!({ "owner": "b" }), Origin::Api),
        stored("Identity/wardgate-operator", json!({}), Origin::Shipped),
    ];
    let status = |word: &str| Some(json!({ "state": word }));
    let since = [
        change(2, "admin", Subject::Credential, "AAAAAAAAAAA1", Act::Issue, None),
        change(3, "admin", Subject::Credential, "AAAAAAAAAAA1", Act::Revoke, None),
        change(4, "admin", Subject::Credential, "AAAAAAAAAAA2", Act::Issue, None),
        change(5, "admin", Subject::Status, "suspended", Act::State, status("suspended")),
        change(6, "admin", Subject::Status, "retired", Act::State, status("suspended")),
        change(7, "admin", Subject::Status, "retired", Act::State, status("retired")),
        change(8, "admin", Subject::Resource(Kind::Owner), "removed", Act::Remove, None),
        change(9, "file:resources/owners.yaml", Subject::Resource(Kind::Owner), "file-removed", Act::Remove, None),
        change(10, "admin", Subject::Secret, "legacy", Act::Put, None),
    ];
    insta::assert_snapshot!(said(&then, &now, &since), @r#"
    Owner/removed → {"accountable":"x"}
    Identity/retired → {"owner":"a"}
    Grant/new → null
    Grant/reads → {"until":"2027"}
    stays: Identity wardgate-operator: this program ships it
    stays: Limit new-of-file: the file `resources/limits.yaml` owns it: change it there
    stays: Limit of-file: the file `resources/limits.yaml` owns it: change it there
    stays: Owner file-removed: the file `resources/owners.yaml` declared it and does so no more: put it back there
    stays: credential AAAAAAAAAAA1: it was revoked: it stays so, issue a new one
    stays: credential AAAAAAAAAAA2: it was issued since: it stays live, revoke it if it should not be
    stays: secret legacy: secrets are not rolled back: put the old value again if it still counts
    stays: status retired: it was retired: that is for good
    stays: status suspended: its state is not rolled back: move it by itself
    "#);
}

#[test]
fn to_where_one_is_there_is_nothing_to_do() {
    let then = [(id("Grant/same"), json!({}))];
    assert_eq!(said(&then, &[stored("Grant/same", json!({}), Origin::Api)], &[]), "");
}
