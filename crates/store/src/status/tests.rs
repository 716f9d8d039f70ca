use crate::{
    database::query,
    world::{NOW, World, actor, identity},
};
use wardgate_model::inventory::IdentityState;

#[tokio::test]
async fn a_life_as_the_feed_tells_it() {
    let world = World::new().await;
    world.apply(&["a.yaml Identity/ledger {}"]).await.unwrap();
    let (who, by) = (identity("ledger"), actor("root", "why not"));
    let set = async |state| {
        let done = world.store.set_identity_state(&by, &who, state, NOW).await;
        done.map_or_else(|e| e.to_string(), |s| format!("{} at {}", s.state, s.revision))
    };
    assert_eq!(set(IdentityState::Active).await, "active at 1", "it was");
    assert_eq!(set(IdentityState::Suspended).await, "suspended at 2");
    assert_eq!(set(IdentityState::Retired).await, "retired at 3");
    assert_eq!(set(IdentityState::Retired).await, "retired at 3", "it was");
    assert_eq!(set(IdentityState::Active).await, "identity `ledger` is retired, and that is for good: make a new one");
    let none = world.store.set_identity_state(&by, &identity("nobody"), IdentityState::Active, NOW).await;
    assert_eq!(none.unwrap_err().to_string(), "there is no identity `nobody`");
    assert_eq!(
        world.feed().await,
        r#"1 file:a.yaml Identity/ledger create - → {} (apply)
2 root status/ledger state {"claim_overdue":false,"reason":"apply","state":"active"} → {"claim_overdue":false,"reason":"why not","state":"suspended"} (why not)
3 root status/ledger state {"claim_overdue":false,"reason":"why not","state":"suspended"} → {"claim_overdue":false,"reason":"why not","state":"retired"} (why not)
"#
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_not_guessed() {
    let world = World::new().await;
    world.apply(&["a.yaml Identity/ledger {}"]).await.unwrap();
    let spoil = query("UPDATE status SET state = 'happy'");
    spoil.execute(&mut world.store.writer.acquire().await.unwrap()).await.unwrap();
    let fault = world.store.statuses().await.unwrap_err();
    assert_eq!(fault.to_string(), "the store holds a status `ledger` that cannot be read: unknown state `happy`");
    assert_eq!(fault.blame(), crate::Blame::Ourselves);
}
