//! A caller with rights to read cannot take everything, nor reach the levers.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::Stage,
};
use serde_json::json;

pub(super) const SCENE: Scene = Scene {
    name: "analytics-no-export",
    promise: "an analytics job reads what it was granted; the bulk export and the admin operations never hear from it",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let key = stage.key("analytics-reader")?;
    let honest = (Side::Honest, "analytics-reader");
    let abuse = (Side::Abuse, "analytics-reader");
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    for target in ["/shop/orders", "/shop/orders/o-1001", "/shop/inventory"] {
        stage.ask(play, &mut line, honest, Call::get(target).key(key), Want::Served).await?;
    }
    let from = stage.shop().count();
    for target in ["/shop/export", "/shop/admin/keys", "/shop/%65xport"] {
        stage.ask(play, &mut line, abuse, Call::get(target).key(key), Want::Refused("standing.denied")).await?;
    }
    let create = Call::post("/shop/admin/keys", &json!({ "name": "mine" })).key(key);
    stage.ask(play, &mut line, abuse, create, Want::Refused("standing.denied")).await?;
    let mut http2 = stage.gateway().open(Protocol::Http2).await?;
    stage.ask(play, &mut http2, abuse, Call::get("/shop/export").key(key), Want::Refused("standing.denied")).await?;
    // Other spellings of the same path have no plain meaning, so they have none at all.
    for target in ["/shop/orders/../export", "/shop//export", "/shop/orders%2f..%2fexport"] {
        let mut line = stage.gateway().open(Protocol::Http1).await?;
        stage.ask(play, &mut line, abuse, Call::get(target).key(key), Want::Refused("canon.path")).await?;
    }
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    stage.ask(play, &mut line, (Side::Abuse, "nobody"), Call::get("/shop/export"), Want::Refused("credential.missing")).await?;
    // Even with a grant: what takes everything wants more than a key that a listener can repeat (guardrail:power).
    let granted = Call::get("/shop/export").key(stage.key("export-job")?);
    stage.ask(play, &mut line, (Side::Abuse, "export-job"), granted, Want::Refused("rule.forbidden")).await?;
    let asked = stage.shop().since(from);
    play.claim("the shop was never asked for its export or its keys", !asked.iter().any(|seen| taking(&seen.target)));
    Ok(())
}

fn taking(target: &str) -> bool {
    target.contains("export") || target.contains("admin")
}
