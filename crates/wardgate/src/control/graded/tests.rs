use super::super::tests::with_world;
use std::sync::Arc;
use wardgate_model::{contain::Containable, id::IdentityId};
use wardgate_store::{Actor, Who};

const WORLD: &str = "
kind: Environment
name: production
spec: { production: true }
---
kind: Owner
name: team
spec: { accountable: ada@example.com, deputy: bo@example.com }
---
kind: Identity
name: worn
spec: { type: bot, owner: team, environment: production, purpose: x }
---
kind: Identity
name: well
spec: { type: bot, owner: team, environment: production, purpose: x }
";

#[test]
fn a_grade_makes_a_snapshot_in_which_nothing_else_is_different() {
    with_world(WORLD, |control| async move {
        let (worn, well) = (IdentityId::literal("worn"), IdentityId::literal("well"));
        let gone = IdentityId::literal("gone");
        let before = control.gate().snapshot().clone();
        assert_eq!(before.identity(&worn).unwrap().quality, 100, "until it is computed");
        // Nobody is another by that: no snapshot.
        assert_eq!(control.grade(vec![(worn.clone(), 100), (gone.clone(), 3)]).await, None);
        assert_eq!(control.gate().snapshot().number(), before.number());

        let number = before.number();
        let graded = control.grade(vec![(worn.clone(), 40), (well.clone(), 100), (gone.clone(), 3)]).await;
        assert_eq!(graded, Some((number, number + 1)));
        let after = control.gate().snapshot().clone();
        assert_eq!((after.number(), after.identity(&worn).unwrap().quality), (number + 1, 40));
        assert!(after.identity(&gone).is_none());
        assert!(Arc::ptr_eq(before.estate(), after.estate()) && Arc::ptr_eq(before.trust(), after.trust()));
        assert!(Arc::ptr_eq(before.identity(&well).unwrap(), after.identity(&well).unwrap()));
        let (then, now) = (before.identity(&worn).unwrap(), after.identity(&worn).unwrap());
        assert_eq!((then.revision, then.state, then.owner.clone()), (now.revision, now.state, now.owner.clone()));
        assert_eq!(control.grade(vec![(worn, 40), (well, 100)]).await, None, "once");
    });
}

#[test]
fn a_grade_stays_when_something_else_becomes_another() {
    with_world(WORLD, |control| async move {
        let worn = IdentityId::literal("worn");
        let quality = || control.gate().snapshot().identity(&worn).unwrap().quality;
        control.grade(vec![(worn.clone(), 40)]).await.unwrap();
        // Its own status.
        let actor = Actor::new(Who::Process, "test");
        let contained = control.store.contain(&actor, Containable::Identity, "worn", crate::clock::now()).await.unwrap();
        control.obey(contained.revision).await.unwrap();
        control.catch_up().await.unwrap();
        assert_eq!(quality(), 40);
        // Everybody's ground.
        control.reload().await.unwrap();
        assert_eq!(quality(), 40);
        control.anew().await.unwrap();
        assert_eq!(quality(), 40);
    });
}
