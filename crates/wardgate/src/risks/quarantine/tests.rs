use super::{ACTOR, Risks, start};
use crate::{
    governor::ground::{Ground, on},
    usage::scene::Scene,
};
use std::sync::Arc;
use wardgate_model::{
    contain::Containable,
    event::Event,
    id::IdentityId,
    inventory::IdentityState,
    risk::{Contribution, Signal},
};

fn identity(name: &str, risk: &str) -> String {
    format!(
        "---\nkind: Identity\nname: {name}\nspec:\n  type: partner\n  owner: shop-team\n  environment: production\n  purpose: keeps \
         things in step\n  risk: {risk}\n  credentials: [{{ name: main, type: api_key, expires_in: 90d }}]\n"
    )
}

fn id(name: &str) -> IdentityId {
    IdentityId::parse(name).unwrap()
}

/// A request of an identity, as the gate knows it now, whose risk is this much.
fn request(ground: &Ground, name: &str, risk: u8) -> Event {
    let mut event = Scene::new().event("+1s caller 10.0.0.1 GET /shop/things 200");
    let snapshot = ground.control.gate().snapshot();
    event.facts.caller.as_mut().unwrap().identity = Arc::clone(snapshot.identity(&id(name)).unwrap());
    event.ruling.risk = risk;
    event.ruling.signals = [Contribution { signal: Signal::Bulk, value: 400, weight: risk }].into_iter().collect();
    event
}

async fn quarantined(ground: &Ground, name: &str) {
    while ground.control.gate().snapshot().identity(&id(name)).unwrap().state != IdentityState::Quarantined {
        tokio::task::yield_now().await;
    }
}

#[test]
fn whose_plan_says_so_is_quarantined_once_and_whom_to_tell_is_on_record() {
    let documents = [
        identity("caller", "{ quarantine: 90, tell: [deputy, owner] }"),
        identity("watched", "{ quarantine: 90, mode: observe }"),
        identity("alive", "{ quarantine: 90, keep: [list] }"),
        identity("plain", "{ block: 50 }"),
        identity("last", "{ quarantine: true }"),
    ];
    on(&documents.concat(), async |ground| {
        let risks = Arc::new(Risks::default());
        let _running = start(Arc::clone(&risks), Arc::clone(&ground.control), Arc::clone(&ground.log));
        for (name, risk) in [("caller", 89), ("watched", 99), ("alive", 99), ("plain", 99), ("caller", 90), ("caller", 97), ("last", 95)] {
            risks.observe(&request(ground, name, risk));
        }
        // They are looked at in their order.
        quarantined(ground, "last").await;
        let contained = ground.control.store().containments().await.unwrap();
        let contained: Vec<_> = contained.iter().map(|one| (one.kind, &*one.name, &*one.actor)).collect();
        assert_eq!(contained, [(Containable::Identity, "caller", ACTOR), (Containable::Identity, "last", ACTOR)]);
        quarantined(ground, "caller").await;
        let counters = risks.counters();
        assert_eq!((counters.requests, counters.quarantined, counters.identities), (7, 2, 5));
        let findings = ground.recorded("finding");
        let said: Vec<_> = findings.iter().map(|event| &event["finding"]).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!((&said[0]["code"], &said[0]["name"]), (&"risk.bulk".into(), &"caller".into()));
        let what = said[0]["what"].as_str().unwrap();
        assert!(what.starts_with("quarantined: risk 90 of a request to `shop`, from 90 on it is quarantined: bulk 90"), "{what}");
        assert!(what.ends_with("to be told: deputy, owner"), "{what}");
    });
}
