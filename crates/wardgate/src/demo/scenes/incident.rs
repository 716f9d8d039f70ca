//! After an incident: who did what with what effect, and what was done about it, in the order it happened.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::{Stage, until},
};
use wardgate_audit::{
    event_v1::{EventV1, Kind},
    segment::find::Order,
    timeline::{Children, Question, Subject, timeline},
};

pub(super) const SCENE: Scene = Scene {
    name: "incident-reconstructed",
    promise: "from the id of a leaked key alone: when it was issued, all it did with what effect, when it was stopped, and what it tried then",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (id, leaked) = stage.issue("orders-sync").await?;
    let mut line = stage.gateway().open(Protocol::Http2).await?;
    let (honest, thief) = ((Side::Honest, "orders-sync"), (Side::Abuse, "who found the key"));
    let call = |target| Call::get(target).key(&leaked);
    for target in ["/shop/orders", "/shop/orders/o-1001", "/shop/orders/o-1002"] {
        stage.ask(play, &mut line, honest, call(target), Want::Served).await?;
    }
    stage.ask(play, &mut line, thief, call("/shop/export"), Want::Refused("standing.denied")).await?;
    stage.revoke(&id).await?;
    stage.ask(play, &mut line, thief, call("/shop/orders").about("after it was revoked"), Want::Refused("proof.invalid")).await?;

    // All that a responder has: the id of the key.
    let subject: Subject = format!("credential:{id}").parse()?;
    let audit = stage.config()?.audit;
    let told = until("the timeline of the key", async || {
        let asked =
            Question { subject: &subject, time_us: i64::MIN..=i64::MAX, limit: 100, order: Order::Oldest, children: Children::Left };
        let told: Vec<String> = timeline(&[&audit], &asked)?.entries.iter().map(|entry| in_words(&entry.event)).collect();
        Ok((told.len() >= 7).then_some(told))
    })
    .await?;
    let expected = [
        "change issue",
        "GET /shop/orders allow 200, the shop answered",
        "GET /shop/orders/{id} allow 200, the shop answered",
        "GET /shop/orders/{id} allow 200, the shop answered",
        "GET /shop/export block standing.no_grant",
        "change revoke",
        "GET /shop/orders block proof.revoked",
    ];
    for (told, expected) in told.iter().zip(expected) {
        play.claim(told.clone(), told == expected);
    }
    play.claim("nothing else was done with it", told.len() == expected.len());
    Ok(())
}

/// What an event says, without times and numbers.
fn in_words(event: &EventV1<'_>) -> String {
    if let (Kind::Change | Kind::Containment, Some(change)) = (event.kind, &event.change) {
        return format!("change {}", change.what);
    }
    let operation = event.operation.as_deref().unwrap_or_default();
    let operation = operation.split_once(' ').map_or(operation, |(_, rest)| rest);
    let response = event.ruling.as_ref().map(|ruling| &*ruling.response).unwrap_or_default();
    match (&event.upstream, event.client_status, &event.ruling) {
        (Some(_), Some(status), _) => format!("{operation} {response} {status}, the shop answered"),
        (_, _, Some(ruling)) => format!("{operation} {response} {}", ruling.code),
        _ => operation.to_owned(),
    }
}
