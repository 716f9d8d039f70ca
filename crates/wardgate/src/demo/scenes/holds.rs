//! Whoever holds seats and buys none of them keeps them from everybody else, with calls each of which is allowed. What tells is what does not
//! come: the purchase.

use super::Scene;
use crate::demo::{
    caller::{Call, Line, Protocol},
    play::{Play, Side, Step, Want},
    stage::{Stage, habit},
};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, sync::Arc};
use wardgate_gate::Spell;
use wardgate_model::secret::Secret;

/// A shop whose customers leave two of three seats again, and has always been so; and a kiosk at which most are bought.
const SHOP: &str = "ticket-shop";
const KIOSK: &str = "ticket-kiosk";
const SHOP_HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 44, 20);
const KIOSK_HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 45, 20);
/// What begins, and what ends it.
const HOLD: &str = "seats POST /seats/holds";
const PURCHASE: &str = "seats POST /seats/holds/{id}/purchase";
/// What was held in the last minutes, before the scene begins.
const HELD: (u32, u8) = (60, 30);
/// What is tried now.
const TRIES: usize = 20;

pub(super) const SCENE: Scene = Scene {
    name: "holds-without-purchase",
    promise: "a kiosk that holds seat after seat and buys none may hold no more, and may still pay; a shop whose customers never buy much goes on",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (shop, kiosk) = (stage.gateway().at(SHOP_HOME), stage.gateway().at(KIOSK_HOME));
    let software = stage.software(&shop, Protocol::Http2).await?;
    stage.teach(SHOP, vec![habit(HOLD, 18, (SHOP_HOME, &software)), habit(PURCHASE, 6, (SHOP_HOME, &software))])?;
    // The kiosk was taken over half an hour ago: its key, its place, its software.
    let usual = vec![habit(HOLD, 6, (KIOSK_HOME, &software)), habit(PURCHASE, 5, (KIOSK_HOME, &software))];
    stage.teach_lately(KIOSK, usual, &[spell(&software)])?;

    let (_, of_shop) = stage.issue(SHOP).await?;
    let (_, of_kiosk) = stage.issue(KIOSK).await?;
    let mut line = shop.open(Protocol::Http2).await?;
    stage.ask(play, &mut line, (Side::Honest, SHOP), hold(&of_shop), Want::Served).await?;
    let mut line = kiosk.open(Protocol::Http2).await?;
    let request = tried(stage, play, &mut line, &of_kiosk).await?;
    let pay = Call::post("/seats/holds/h-4711/purchase", &json!({})).key(&of_kiosk).about("a seat that it holds");
    stage.ask(play, &mut line, (Side::Honest, KIOSK), pay, Want::Served).await?;

    let event = stage.event("seats", &request).await?;
    let mut signals = event.pointer("/ruling/signals").and_then(Value::as_array).into_iter().flatten();
    let told = signals.find(|signal| signal.get("name").is_some_and(|name| name == "unfinished"));
    let begun = told.and_then(|told| told.get("value")?.as_f64()).unwrap_or_default();
    play.claim(format!("the log says why: `unfinished`, {begun} held and long not bought"), told.is_some());
    Ok(())
}

/// Hold after hold; the request of the last.
async fn tried(stage: &Stage, play: &mut Play, line: &mut Line, key: &Secret<String>) -> anyhow::Result<String> {
    let (from, mut blocked, mut last) = (stage.reached(), 0, String::new());
    for _ in 0..TRIES {
        let answer = line.send(hold(key)).await?;
        blocked += usize::from(answer.code() == Some("risk.blocked"));
        last = answer.field("wardgate-request-id").unwrap_or_default().to_owned();
    }
    let reached = stage.reached().saturating_sub(from);
    let what = format!("{TRIES} × POST /seats/holds, after {} in {} minutes", HELD.0, HELD.1);
    let (who, answer) = (KIOSK.to_owned(), format!("{blocked} × 403 risk.blocked"));
    play.steps.push(Step { side: Side::Abuse, who, what, answer, sent: TRIES, reached, held: blocked == TRIES && reached == 0 });
    Ok(last)
}

fn hold(key: &Secret<String>) -> Call {
    Call::post("/seats/holds", &json!({ "seat": "B7" })).key(key)
}

/// Seats that are held, and nothing else.
fn spell(software: &Arc<str>) -> Spell {
    let usual = habit(HOLD, 0, (KIOSK_HOME, software));
    Spell { operation: usual.operation, calls: HELD.0, minutes: HELD.1, from: usual.from, software: usual.software, records: usual.records }
}
