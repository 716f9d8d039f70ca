//! Work that is handed on: each that it is handed to gets less, all of them are on record, and one word ends it.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::Stage,
    tokens::{ended, given, own, refused, swapped},
};
use serde_json::json;

pub(super) const SCENE: Scene = Scene {
    name: "three-hops-each-narrower",
    promise: "what is handed on from one to the next only grows less, everybody in the chain is on record, and ending the first ends them all",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let [orders, planner, buyer, stranger] = ["orders-sync", "planner-agent", "buyer-agent", "acme-partner"];
    let key = |name| stage.key(name).map(|key| (name, key));
    let mut line = stage.gateway().open(Protocol::Http2).await?;
    let first = own(&mut line, key(orders)?, "planning").await?;
    let plan = Call::post("/planning/releases", &json!({ "sku": 7 })).about("first hop, list and write").key(&first);
    stage.ask(play, &mut line, (Side::Honest, orders), plan, Want::Served).await?;

    let second = given(&swapped(&mut line, key(planner)?, &first, "buying", "list").await?)?;
    let buying = Call::get("/buying/inventory").about("second hop, list").key(&second);
    stage.ask(play, &mut line, (Side::Honest, planner), buying, Want::Served).await?;
    let third = given(&swapped(&mut line, key(buyer)?, &second, "shelves", "list").await?)?;
    let look = || Call::get("/shelves/inventory").about("third hop").key(&third);
    let answer = stage.ask(play, &mut line, (Side::Honest, buyer), look(), Want::Served).await?;
    let event = stage.event("shelves", answer.field("wardgate-request-id").unwrap_or_default()).await?;
    let chain = event.pointer("/identity/name").is_some_and(|name| name == orders) && event.get("actors") == Some(&json!([buyer, planner]));
    play.claim("the log says for whom and through whom: orders-sync, by buyer-agent, by planner-agent", chain);

    let wider = refused(&swapped(&mut line, key(planner)?, &first, "buying", "write").await?);
    play.claim(format!("what orders-sync may do and planner-agent may not is not given out: {wider}"), wider == "400 invalid_scope");
    let back = refused(&swapped(&mut line, key(buyer)?, &second, "shelves", "write").await?);
    play.claim(format!("nor what the hop before had not: {back}"), back == "400 invalid_scope");
    let caught = refused(&swapped(&mut line, key(stranger)?, &first, "shelves", "list").await?);
    play.claim(format!("whoever caught the token cannot act with it: {caught}"), caught == "400 invalid_request");
    let more = Call::post("/shelves/releases", &json!({ "sku": 7 })).about("third hop").key(&third);
    stage.ask(play, &mut line, (Side::Abuse, buyer), more, Want::Refused("standing.scope")).await?;

    let told = ended(&mut line, key(orders)?, &first).await?;
    play.claim("orders-sync ends the first token", told.status.is_success());
    stage.ask(play, &mut line, (Side::Abuse, buyer), look(), Want::Refused("proof.invalid")).await?;
    Ok(())
}
