//! Production and staging never mix, whatever somebody granted by mistake.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::Stage,
};
use serde_json::{Value, json};

pub(super) const SCENE: Scene = Scene {
    name: "staging-on-production",
    promise: "a staging identity works in staging and is refused by production, although a grant says otherwise",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let key = stage.key("checkout-ci")?;
    let (honest, abuse) = ((Side::Honest, "checkout-ci"), (Side::Abuse, "checkout-ci"));
    let mut line = stage.gateway().open(Protocol::Http2).await?;
    let staging = stage.staging().count();
    stage.ask(play, &mut line, honest, Call::get("/staging/shop/orders").key(key), Want::Served).await?;
    let order = Call::post("/staging/shop/orders", &json!({ "sku": "tea" })).key(key);
    stage.ask(play, &mut line, honest, order, Want::Served).await?;
    play.claim("both reached staging's own shop", stage.staging().count() == staging + 2);

    let production = stage.shop().count();
    let mut refused = None;
    for call in [Call::get("/shop/orders"), Call::get("/shop/orders/o-1001"), Call::post("/shop/orders", &json!({ "sku": "tea" }))] {
        let answer = stage.ask(play, &mut line, abuse, call.key(key), Want::Refused("standing.denied")).await?;
        refused = answer.field("wardgate-request-id").map(str::to_owned);
    }
    play.claim("production's shop heard nothing", stage.shop().count() == production);
    // The reverse: a production key is no way into staging either.
    let reverse = Call::get("/staging/shop/orders").key(stage.key("orders-sync")?);
    stage.ask(play, &mut line, (Side::Abuse, "orders-sync"), reverse, Want::Refused("standing.denied")).await?;

    let described = json!({ "identity": "checkout-ci", "method": "GET", "url": "https://localhost/shop/orders" });
    let explained = stage.client().call(http::Method::POST, "/api/v1/explain", Some(&described)).await?.body;
    let policies = explained.pointer("/ruling/policies").and_then(Value::as_array).cloned().unwrap_or_default();
    play.claim("`wardgate explain` names guardrail:environments", refused.is_some() && policies.contains(&json!("guardrail:environments")));
    Ok(())
}
