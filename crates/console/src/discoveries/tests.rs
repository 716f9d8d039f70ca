use crate::call::testing::{Fixture, HOUR, NOW};
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{ApiName, IdentityId},
};
use wardgate_store::{DiscoveredBy, SeenUnknown};

async fn world() -> Fixture {
    let fixture = Fixture::new().await;
    let seen = |id: &'static str, hash: Option<[u8; 32]>| SeenUnknown {
        id: IdentityId::literal(id),
        what: if hash.is_some() { DiscoveredBy::Key } else { DiscoveredBy::Source },
        hash: hash.map(KeyedHash::new),
        vouched: None,
        environment: None,
        apis: vec![ApiName::literal("shop")],
        sources: vec!["192.0.2.0/24".into()],
        first: NOW,
        last: NOW,
        count: 3,
    };
    let all = [seen("discovered-abc", Some([0x1F; 32])), seen("discovered-192.0.2.0-24", None), seen("discovered-def", Some([0x2F; 32]))];
    fixture.store.add_discoveries(&all, NOW + HOUR * 336, NOW).await.unwrap();
    fixture
}

async fn claim(fixture: &Fixture, caller: &str, id: &str, as_: &str) -> String {
    fixture.ask(&format!("POST /api/v1/discoveries/{id}/claim as {caller}\n\n{{\"identity\":\"{as_}\",\"reason\":\"the old job\"}}")).await
}

#[tokio::test]
async fn a_key_is_claimed_and_counts_for_a_while() {
    let fixture = world().await;
    let said = claim(&fixture, "op", "discovered-abc", "ledger").await;
    assert!(said.contains(r#""claimed_as":"ledger""#) && said.contains(r#""state":"claimed""#), "{said}");
    let listed = fixture.ask("GET /api/v1/credentials?identity=ledger as watcher").await;
    assert!(listed.contains(r#""id":"1F1F1F1F1F1F","identity":"ledger","kind":"foreign_key","name":"foreign""#), "{listed}");
    assert!(listed.contains(r#""expires":"2027-04-15T08:00:00Z""#), "90 days: {listed}");
    assert!(!said.contains("1f1f") && !listed.contains(r#""hash""#), "no hash in any answer");
    assert_eq!(claim(&fixture, "op", "discovered-abc", "ledger").await, said, "the same again");
    let other = claim(&fixture, "op", "discovered-abc", "stranger").await;
    assert_eq!(other, "409 console.conflict: discovery `discovered-abc` is claimed already as `ledger`");
    let source = claim(&fixture, "op", "discovered-192.0.2.0-24", "stranger").await;
    assert!(source.contains(r#""claimed_as":"stranger""#), "{source}");
    let keys = fixture.store.credentials(&wardgate_store::CredentialFilter::default()).await.unwrap();
    let foreign = keys.iter().filter(|key| key.credential.kind == CredentialKind::ForeignKey).count();
    assert_eq!(foreign, 1, "a network is no key");
    let open = fixture.ask("GET /api/v1/discoveries?state=open as watcher").await;
    assert!(open.contains("discovered-def") && !open.contains("discovered-abc"), "{open}");
}

#[tokio::test]
async fn what_is_refused_leaves_it_open() {
    let fixture = world().await;
    for (caller, id, as_, said) in [
        ("op", "discovered-zzz", "ledger", "404 console.not_found: there is no discovery `discovered-zzz`"),
        ("op", "discovered-abc", "nobody", "422 console.unfit: there is no identity `nobody`"),
        ("op", "discovered-abc", "root", "403 console.reach: `root` has the role `admin`, which the caller has not"),
        (
            "root",
            "discovered-abc",
            "watcher",
            "422 console.unfit: `watcher` has roles in Wardgate: a key that Wardgate did not issue is no proof for it",
        ),
        ("op", "discovered-abc", "orphan", "409 console.conflict: `orphan` was not claimed in time"),
    ] {
        let did = claim(&fixture, caller, id, as_).await;
        assert!(did.starts_with(said), "{did}");
    }
    assert!(fixture.ask("GET /api/v1/discoveries?state=open as watcher").await.contains("discovered-abc"));
    let rejected = fixture.ask("POST /api/v1/discoveries/discovered-abc/reject as op\n\n{\"reason\":\"a scanner\"}").await;
    assert!(rejected.contains(r#""state":"rejected""#), "{rejected}");
    let late = claim(&fixture, "op", "discovered-abc", "ledger").await;
    assert_eq!(late, "409 console.conflict: discovery `discovered-abc` is rejected already");
    let odd = fixture.ask("GET /api/v1/discoveries?state=lost as watcher").await;
    assert_eq!(odd, "400 console.malformed: `state` is `open`, `claimed` or `rejected`, not `lost`");
}
