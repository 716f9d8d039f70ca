//! One act stops an identity everywhere, however busy it is; letting it go on again takes two.

use super::Scene;
use crate::{
    clock,
    demo::{
        caller::{Call, Flow, Next, Protocol},
        load::{BROKEN, Load, Sent, Takes, Work},
        play::{Play, Side, Step, Want},
        stage::{Stage, until},
    },
};
use anyhow::Context as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::sync::watch;
use wardgate_model::time::Time;

/// Who runs wild.
const WILD: &str = "restock-agent";
/// Its neighbour.
const NEIGHBOUR: &str = "orders-sync";
/// Requests of each before and after, at least.
const ENOUGH: usize = 100;
/// What the gate says to who is contained.
const STOPPED: &str = "403 identity.contained";

pub(super) const SCENE: Scene = Scene {
    name: "contained-under-load",
    promise: "once a containment is acknowledged not one request gets through, open streams are cut, and undoing it takes a second person",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let from = stage.shop().count();
    let key = stage.key(WILD)?;
    let mut line = stage.gateway().open(Protocol::Http2).await?;
    let flow = line.follow(Call::get("/shop/inventory/changes").key(key)).await?;
    anyhow::ensure!(flow.status == StatusCode::OK, "the stream was refused with {}", flow.status);
    let flow = tokio::spawn(to_the_end(flow));
    let wild = start(stage, WILD, 2).await?;
    let neighbour = start(stage, NEIGHBOUR, 1).await?;
    until("the load", async || Ok((wild.count(Sent::served) >= ENOUGH && neighbour.count(Sent::served) >= ENOUGH).then_some(()))).await?;

    let hit = previewed(stage).await?;
    let told = hit.get("owner") == Some(&json!("commerce")) && hit.to_string().contains("/shop/inventory");
    play.claim("the preview says who would break, whose it is and what it calls", told);
    let wanted = json!({ "kind": "identity", "name": WILD, "reason": "it buys and buys" });
    let asked = clock::now();
    stage.order(Method::POST, "/api/v1/containments", &wanted).await?;
    let told = clock::now();
    let after = |load: &Load| load.count(|sent| sent.began > told);
    until("requests after it", async || Ok((after(&wild) >= ENOUGH && after(&neighbour) >= ENOUGH).then_some(()))).await?;
    let (cut, end) = flow.await??;
    let (wild, neighbour) = (wild.stop().await?, neighbour.stop().await?);

    let reached: BTreeSet<String> = stage.shop().since(from).into_iter().map(|request| request.target).collect();
    let (later, before): (Vec<Sent>, Vec<Sent>) = wild.into_iter().partition(|sent| sent.began > told);
    play.steps.push(before_it(&before, &reached, asked));
    play.steps.push(step(Side::Honest, NEIGHBOUR, "all the while", &neighbour, "200", &reached));
    let (stream, answer) = ("GET /shop/inventory/changes, open".to_owned(), "200, then cut".to_owned());
    let (who, sent, held) = (WILD.to_owned(), 1, end == Next::Cut);
    play.steps.push(Step { side: Side::Honest, who, what: stream, answer, sent, reached: 1, held });
    let arrived = later.iter().filter(|sent| reached.contains(&sent.target)).count();
    play.steps.push(Step { reached: arrived, ..step(Side::Abuse, WILD, "after it", &later, STOPPED, &reached) });

    let refused = before.iter().chain(&later).filter(|sent| sent.answer == STOPPED).map(|sent| sent.ended).min();
    let next = later.iter().map(|sent| sent.ended).min();
    let (refused, next) = refused.zip(next).context("nobody was refused")?;
    play.claim(format!("the containment was acknowledged in {}", span(asked, told)), true);
    play.claim(format!("first refusal {}; first answer to a later request, a refusal, {}", when(told, refused), when(told, next)), true);
    play.claim(format!("the stream was cut {}", when(told, cut)), end == Next::Cut);
    released(stage, play).await
}

/// Whom the containment would hit, once what is called is on record; nothing is stopped by asking.
async fn previewed(stage: &Stage) -> anyhow::Result<Value> {
    let wanted = json!({ "kind": "identity", "name": WILD, "preview": true });
    until("use on record", async || {
        let preview = stage.order(Method::POST, "/api/v1/containments", &wanted).await?;
        let hit = preview.pointer("/preview/identities").and_then(Value::as_array).into_iter().flatten();
        Ok(hit.into_iter().find(|hit| hit.get("identity").is_some_and(|name| name == WILD)).cloned())
    })
    .await
}

async fn start(stage: &Stage, who: &'static str, clients: usize) -> anyhow::Result<Load> {
    let (owner, key) = watch::channel(stage.key(who)?.clone());
    let load = Load::start(stage, &Work { who, path: "/shop/inventory", key, takes: Takes::AtOnce }, clients).await;
    drop(owner);
    load
}

/// Listens until nothing more comes.
async fn to_the_end(mut flow: Flow) -> anyhow::Result<(Time, Next)> {
    loop {
        match flow.next().await? {
            Next::Piece => {}
            end => return Ok((clock::now(), end)),
        }
    }
}

/// Letting it go on: one person asks, another of another owner agrees.
async fn released(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let key = stage.key(WILD)?;
    let path = format!("/api/v1/containments/identity/{WILD}?reason=it%20was%20taught");
    let waits = stage.client().call(Method::DELETE, &path, None).await?;
    let id = waits.body.get("id").and_then(Value::as_str).context("the answer names no approval")?.to_owned();
    let approve = format!("/api/v1/approvals/{id}/approve");
    let agreed = json!({ "reason": "it may go on" });
    let own = stage.refused(stage.client(), &approve, &agreed).await?;
    let alone = waits.status == StatusCode::ACCEPTED && own.as_deref() == Some("console.undecidable");
    play.claim("whoever asks for its release cannot agree to it", alone);
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let waiting = Call::get("/shop/inventory").key(key).about("while that waits");
    stage.ask(play, &mut line, (Side::Abuse, WILD), waiting, Want::Refused("identity.contained")).await?;
    stage.second().call(Method::POST, &approve, Some(&agreed)).await.context("the release was not approved")?;
    let again = Call::get("/shop/inventory").key(key).about("released by two");
    stage.ask(play, &mut line, (Side::Honest, WILD), again, Want::Served).await?;
    Ok(())
}

/// What was sent before the acknowledgement: served, or refused or cut while it was being contained. One that was under way
/// by then may have reached the upstream all the same.
fn before_it(sent: &[Sent], reached: &BTreeSet<String>, asked: Time) -> Step {
    let served = sent.iter().filter(|sent| sent.served()).count();
    let stopped = |sent: &&Sent| sent.ended > asked && (sent.answer == STOPPED || sent.answer == BROKEN);
    let caught = sent.iter().filter(stopped).count();
    let arrived = |sent: &&Sent| reached.contains(&sent.target);
    Step {
        side: Side::Honest,
        who: WILD.to_owned(),
        what: format!("{} × GET /shop/inventory, before it", sent.len()),
        answer: if caught == 0 { format!("{served} × 200") } else { format!("{served} × 200, {caught} caught") },
        sent: sent.len(),
        reached: sent.iter().filter(arrived).count(),
        held: served + caught == sent.len() && sent.iter().filter(|sent| sent.served()).all(|sent| arrived(&sent)),
    }
}

/// Many requests that all want the same answer; only those that want success reach the upstream.
fn step(side: Side, who: &str, when: &str, sent: &[Sent], want: &str, reached: &BTreeSet<String>) -> Step {
    let met = sent.iter().filter(|sent| sent.answer == want && (want == "200") == reached.contains(&sent.target)).count();
    Step {
        side,
        who: who.to_owned(),
        what: format!("{} × GET /shop/inventory, {when}", sent.len()),
        answer: format!("{met} × {want}"),
        sent: sent.len(),
        reached: sent.iter().filter(|sent| reached.contains(&sent.target)).count(),
        held: met == sent.len(),
    }
}

/// When something was, seen from the acknowledgement.
fn when(told: Time, then: Time) -> String {
    if then < told {
        format!("{} before the acknowledgement", span(then, told))
    } else {
        format!("{} after the acknowledgement", span(told, then))
    }
}

fn span(from: Time, to: Time) -> String {
    let micros = to.since(from).as_micros();
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}
