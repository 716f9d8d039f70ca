//! A server that goes away and comes back.

use serde_json::json;
use wardgate_model::{resource::Kind, time::Time};
use wardgate_store::{Actor, DatabaseFault, Precondition, ResourceId, Store, StoreFault, Who};
use wardgate_testkit::postgres::{Disk, Server};

#[tokio::test]
async fn a_server_that_goes_away_is_told_and_taken_up_again() {
    let server = Server::start(Disk::Waits).unwrap();
    let store = Store::open(&server.database().unwrap()).await.unwrap();
    let (actor, now) = (Actor::new(Who::Process, ""), Time::from_seconds(1_800_000_000));
    let put = async |name: &str| {
        let id = ResourceId::parse(Kind::Owner, name).unwrap();
        store.put_resource(&actor, &id, &json!({}), Precondition::Any, now).await
    };
    put("before").await.unwrap();
    server.crash().unwrap();
    for _ in 0..2 {
        let fault = put("during").await.unwrap_err();
        assert!(matches!(fault, StoreFault::Database(DatabaseFault::Gone(_))), "{fault}");
        assert!(fault.to_string().starts_with("the database cannot be reached: "), "{fault}");
        assert!(store.ping().await.is_err());
    }
    server.start_again().unwrap();
    // Connections that were cut are found out one by one; each is told, none is waited for.
    while store.ping().await.is_err() {}
    while put("after").await.is_err() {}
    let names: Vec<_> = store.resources().await.unwrap().iter().map(|r| r.id.name().to_owned()).collect();
    assert_eq!(names, ["after", "before"]);
}
