use super::{Effect, Heeded, identities};
use serde_json::json;
use wardgate_model::{resource::Kind, time::Time};
use wardgate_store::{Act, Change, Subject};

const ID: &str = "AAAAAAAAAAAA";

fn change(subject: Subject, name: &str, act: Act, state: &str) -> Change {
    let after = (!state.is_empty()).then(|| json!({ "state": state }));
    let (seq, time) = (1, Time::from_seconds(0));
    Change { seq, time, actor: "root".into(), subject, name: name.into(), act, reason: "".into(), before: None, after }
}

/// What changes in a row do to the overlay: `+` stops, `-` lets in, `.` neither.
fn effects(heeded: &mut Heeded, changes: &[(Subject, &str, Act, &str)]) -> String {
    let effect = |(subject, name, act, state): &(Subject, &str, Act, &str)| match heeded.effect(&change(*subject, name, *act, state)) {
        Some(Effect::Stops(_)) => '+',
        Some(Effect::Releases(_)) => '-',
        None => '.',
    };
    changes.iter().map(effect).collect()
}

#[test]
fn a_release_undoes_the_containment_and_nothing_else() {
    let credential = format!("credential/{ID}");
    let (contain, release) =
        ((Subject::Containment, &*credential, Act::Contain, ""), (Subject::Containment, &*credential, Act::Release, ""));
    let revoke = (Subject::Credential, ID, Act::Revoke, "");
    let fresh = || Heeded::at(0, &[]);
    assert_eq!(effects(&mut fresh(), &[contain, release]), "+-");
    assert_eq!(effects(&mut fresh(), &[contain, revoke, release]), "++.", "it is revoked, and no snapshot says so yet");
    let mut settled = fresh();
    assert_eq!(effects(&mut settled, &[contain, revoke]), "++");
    settled.settle(|_| false);
    assert_eq!(effects(&mut settled, &[release]), "-", "the snapshot refuses it");
    let contain = (Subject::Containment, "identity/bot", Act::Contain, "");
    let release = (Subject::Containment, "identity/bot", Act::Release, "");
    let state = |word: &'static str| (Subject::Status, "bot", Act::State, word);
    assert_eq!(effects(&mut fresh(), &[contain, state("quarantined"), release, state("active")]), "++.-");
    assert_eq!(effects(&mut fresh(), &[contain, state("quarantined"), state("retired"), release]), "+++.");
    assert_eq!(effects(&mut fresh(), &[contain, state("quarantined"), release, state("suspended")]), "++.+");
    assert_eq!(effects(&mut fresh(), &[state("suspended"), contain, state("active"), release]), "++.-", "held by its name");
    assert_eq!(effects(&mut fresh(), &[(Subject::Resource(Kind::Identity), "bot", Act::Remove, "")]), ".");
}

#[test]
fn of_a_change_it_is_known_whose_credential_or_grant_it_is() {
    let of = |subject, before: Option<serde_json::Value>, after: Option<serde_json::Value>| {
        let change = Change { before, after, ..change(subject, ID, Act::Revoke, "") };
        identities(&change).iter().map(|identity| identity.to_string()).collect::<Vec<_>>().join(" ")
    };
    let (ledger, billing) = (json!({ "identity": "ledger-sync" }), json!({ "to": { "identity": "billing" } }));
    assert_eq!(of(Subject::Credential, None, Some(ledger.clone())), "ledger-sync");
    assert_eq!(of(Subject::Credential, Some(ledger.clone()), Some(ledger.clone())), "ledger-sync");
    let grant = Subject::Resource(Kind::Grant);
    assert_eq!(of(grant, Some(billing.clone()), Some(json!({ "to": { "identity": "ledger-sync" } }))), "billing ledger-sync");
    assert_eq!(of(grant, Some(billing.clone()), None), "billing", "removed");
    assert_eq!(of(grant, None, Some(json!({ "to": { "owner": "payments" } }))), "");
    assert_eq!(of(Subject::Status, Some(billing), Some(ledger)), "");
}
