use crate::call::testing::{Fixture, NOW};
use wardgate_store::{Actor, Sealed, Who};

#[tokio::test]
async fn a_signing_key_is_ended_by_one_person_and_another_one_signs() {
    let fixture = Fixture::new().await;
    let actor = Actor::new(Who::Process, "first start");
    fixture.store.put_signing_key(&actor, "stale", &Sealed::new([1; 32]), NOW).await.unwrap();
    let unknown = fixture.ask("DELETE /api/v1/signing-keys/nobody as root").await;
    assert_eq!(unknown, "404 console.not_found: there is no signing key `nobody`");
    let ended = fixture.ask("DELETE /api/v1/signing-keys/stale?reason=leaked as root").await;
    assert!(ended.starts_with("200 ") && ended.contains(r#""kid":"stale""#) && ended.contains(r#""state":"retired""#), "{ended}");
    assert_eq!(fixture.ask("DELETE /api/v1/signing-keys/stale as root").await, ended, "once more");
    let listed = fixture.ask("GET /api/v1/signing-keys as watcher").await;
    assert!(listed.contains(r#""kid":"fresh""#) && listed.contains(r#""state":"signing""#), "{listed}");
    let seq = fixture.store.last_seq().await.unwrap();
    assert!(fixture.played.published.lock().unwrap().contains(&seq));
    let told = fixture.ask("GET /api/v1/changes?kind=signing_key as watcher").await;
    assert!(told.contains("leaked") && told.contains("revoke"), "{told}");
}
