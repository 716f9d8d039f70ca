//! A leaked key is worth something until somebody says stop; then nothing, at once, also on connections that are open.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::Stage,
};
use serde_json::Value;
use std::time::Duration;

/// How often the log is looked at, and how many times.
const LOOK: (Duration, u32) = (Duration::from_millis(50), 200);

pub(super) const SCENE: Scene = Scene {
    name: "leaked-key",
    promise: "once a leaked key is revoked the very next request with it is refused, on the same open connection, and the log says so",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (id, leaked) = stage.issue("orders-sync").await?;
    let honest = (Side::Honest, "orders-sync");
    let mut http1 = stage.gateway().open(Protocol::Http1).await?;
    let mut http2 = stage.gateway().open(Protocol::Http2).await?;
    stage.ask(play, &mut http1, honest, Call::get("/shop/orders").key(&leaked), Want::Served).await?;
    stage.ask(play, &mut http2, honest, Call::get("/shop/orders").key(&leaked), Want::Served).await?;

    stage.revoke(&id).await?;
    let thief = (Side::Abuse, "who found the key");
    let stopped = Want::Refused("proof.invalid");
    let answer = stage.ask(play, &mut http1, thief, Call::get("/shop/orders").key(&leaked), stopped).await?;
    stage.ask(play, &mut http2, thief, Call::get("/shop/orders/o-1001").key(&leaked), stopped).await?;
    let mut fresh = stage.gateway().open(Protocol::Http1).await?;
    stage.ask(play, &mut fresh, thief, Call::get("/shop/inventory").key(&leaked), stopped).await?;
    // The other key of the same identity is another credential: the work goes on.
    stage.ask(play, &mut http1, honest, Call::get("/shop/orders").key(stage.key("orders-sync")?), Want::Served).await?;

    let request = answer.field("wardgate-request-id").unwrap_or_default();
    play.claim("the log has the refusal, its true reason and whose key it was", recorded(stage, request, &id).await?);
    Ok(())
}

/// Waits until the event of a request is in the log; whether it says what it should.
async fn recorded(stage: &Stage, request: &str, credential: &str) -> anyhow::Result<bool> {
    let (every, times) = LOOK;
    for _ in 0..times {
        let page = stage.client().get("/api/v1/events?identity=orders-sync&response=block&limit=100").await?;
        let events = page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let Some(event) = events.iter().find(|event| event.get("request_id").is_some_and(|id| id == request)) {
            let says = |path: &str, what: &str| event.pointer(path).is_some_and(|value| value == what);
            return Ok(says("/ruling/code", "proof.revoked")
                && says("/credential/id", credential)
                && event.get("upstream").is_none_or(Value::is_null));
        }
        tokio::time::sleep(every).await;
    }
    Ok(false)
}
