use super::{Kept, hex, unhex};
use crate::{
    Actor, Who,
    vault::{Sealed, SigningKeyState},
    world::{NOW, World, actor, credential, id, identity, on_both},
};
use wardgate_model::{contain::Containable, inventory::IdentityState};

on_both! {
    what_a_gate_rests_on_reads_back,
}

async fn what_a_gate_rests_on_reads_back(world: World) {
    let by = actor("root", "a reason that nobody else needs");
    world
        .apply(&["a.yaml Identity/ledger {\"owner\":\"payments\"}", "a.yaml Owner/payments {\"contact\":\"a@example.com\"}"])
        .await
        .unwrap();
    for key in ["AAAAAAAAAAAA", "BBBBBBBBBBBB"] {
        world.store.issue_credential(&by, credential(&format!("api_key {key} ledger/main 24")), NOW).await.unwrap();
    }
    world.store.revoke_credential(&by, &id("BBBBBBBBBBBB"), crate::Precondition::Any, NOW).await.unwrap();
    world.store.contain(&by, Containable::Identity, "ledger", NOW).await.unwrap();
    world.store.put_signing_key(&Actor::new(Who::Process, ""), "kid", &Sealed::new([1, 2, 0xFF]), NOW).await.unwrap();
    let (estate, people) = (world.store.estate().await.unwrap(), world.store.identities_page("", 10).await.unwrap());
    let read = |kept: Kept| {
        let line = kept.line();
        assert!(!line.contains('\n') && !line.contains("nobody else"), "{line}");
        let read = Kept::read(&line).unwrap();
        assert_eq!(read.line(), line);
        read
    };
    let Kept::Resource(owner) = read(Kept::Resource(estate.resources[0].clone())) else { panic!("another line") };
    assert_eq!((owner.id, owner.spec), (estate.resources[0].id.clone(), estate.resources[0].spec.clone()));
    let Kept::Identity(record) = read(Kept::Identity(people.records[0].clone())) else { panic!("another line") };
    assert_eq!(record.identity, identity("ledger"));
    assert_eq!(record.status.unwrap().state, IdentityState::Quarantined);
    let kept: Vec<String> = record.credentials.iter().map(|one| format!("{:?}", one.credential)).collect();
    let stored: Vec<String> = people.records[0].credentials.iter().map(|one| format!("{:?}", one.credential)).collect();
    assert_eq!(kept, stored);
    assert_eq!(
        record.credentials[0].credential.hash.as_ref().unwrap().bytes(),
        credential("api_key AAAAAAAAAAAA ledger/main 1").hash.bytes()
    );
    let Kept::SigningKey(key) = read(Kept::SigningKey(world.store.signing_keys().await.unwrap()[0].clone())) else {
        panic!("another line")
    };
    assert_eq!((key.state, key.sealed.bytes()), (SigningKeyState::Signing, &[1, 2, 0xFF][..]));
    let Kept::Contained(kind, name) = read(Kept::Contained(Containable::Owner, "payments".into())) else { panic!("another line") };
    assert_eq!((kind, &*name), (Containable::Owner, "payments"));
}

#[test]
fn what_is_no_line_is_told_by_its_member() {
    for (line, said) in [
        ("", "the line"),
        ("[]", "the line"),
        ("{}", "the line"),
        (r#"{"nonsense":{}}"#, "the line"),
        (r#"{"contained":{"kind":"planet","name":"x"}}"#, "kind"),
        (r#"{"signing_key":{"kid":"k","sealed":"0g"}}"#, "sealed"),
        (r#"{"identity":{"name":"BAD NAME"}}"#, "name"),
        (r#"{"identity":{"name":"a","credentials":[{"sources":["x"]}]}}"#, "id"),
        (r#"{"identity":{"name":"a","credentials":[{"sources":"x"}]}}"#, "sources"),
    ] {
        assert_eq!(
            Kept::read(line).map(|kept| kept.line()).unwrap_err().to_string(),
            format!("a line cannot be read at `{said}`"),
            "{line}"
        );
    }
    assert_eq!((hex(&[0, 0xAB]), unhex("00ab"), unhex("00a")), ("00ab".to_owned(), Some(vec![0, 0xAB]), None));
}
