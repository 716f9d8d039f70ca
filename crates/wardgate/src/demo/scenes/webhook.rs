//! A sender of webhooks can do no more than sign: what it signed is good for a few minutes, and once.

use super::Scene;
use crate::{
    clock,
    demo::{
        caller::{Call, Protocol},
        play::{Play, Side, Want},
        stage::Stage,
    },
};
use http::Method;
use serde_json::{Value, json};
use wardgate_model::{credential::SignatureScheme, secret::Secret};
use wardgate_proof::{
    entropy::SystemEntropy,
    webhook::{self, Key},
};

const SCHEME: SignatureScheme = SignatureScheme::StandardWebhooks;
const TARGET: &str = "/hooks/orders";

pub(super) const SCENE: Scene = Scene {
    name: "webhook-sender",
    promise: "a sender of webhooks is known by what it signs: nobody who hears a call can send it again, later, or otherwise",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

/// A call as its sender signs it, so many seconds ago.
fn signed(secret: &Secret<String>, body: &Value, ago_s: i64, about: &'static str) -> anyhow::Result<Call> {
    altered(secret, body, body, ago_s, about)
}

/// A call whose sender signed one body and that has another.
fn altered(secret: &Secret<String>, body: &Value, sent: &Value, ago_s: i64, about: &'static str) -> anyhow::Result<Call> {
    let key = Key::parse(SCHEME, secret.danger_expose())?;
    let (id, seconds) = ("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", clock::now().as_seconds() - ago_s);
    let signature = webhook::sign(SCHEME, &key, id, seconds, body.to_string().as_bytes());
    let call = Call::post(TARGET, sent).about(about).field("webhook-id", id);
    Ok(call.field("webhook-timestamp", &seconds.to_string()).field("webhook-signature", &signature))
}

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (id, secret) = stage.issue("market-hooks").await?;
    let (honest, thief) = ((Side::Honest, "market-hooks"), (Side::Abuse, "who heard a call"));
    let mut line = stage.gateway().open(Protocol::Http2).await?;
    let order = |number: u32| json!({ "order": format!("o-{number}"), "sku": "tea" });
    let stopped = Want::Refused("proof.invalid");

    let call = signed(&secret, &order(1), 0, "signed")?;
    stage.ask(play, &mut line, honest, call.clone(), Want::Served).await?;
    stage.ask(play, &mut line, thief, call.clone().about("the same again"), stopped).await?;
    let mut elsewhere = stage.gateway().open(Protocol::Http1).await?;
    stage.ask(play, &mut elsewhere, thief, call.about("the same on another line"), stopped).await?;
    let guessed = webhook::generate(&SystemEntropy)?;
    for call in [
        signed(&secret, &order(2), 600, "held back for ten minutes")?,
        altered(&secret, &order(3), &json!({ "order": "o-3", "sku": "everything" }), 0, "with another body")?,
        signed(&guessed, &order(4), 0, "signed with a guess")?,
    ] {
        stage.ask(play, &mut line, thief, call, stopped).await?;
    }
    let bare = Call::post(TARGET, &order(5)).about("not signed");
    stage.ask(play, &mut line, thief, bare, Want::Refused("credential.missing")).await?;

    // The sender's secret is replaced: both are good meanwhile.
    let path = format!("/api/v1/credentials/{id}/rotate");
    let rotated = stage.client().call(Method::POST, &path, Some(&json!({ "overlap": "1h" }))).await?;
    let next = Secret::new(rotated.body.get("key").and_then(Value::as_str).unwrap_or_default().to_owned());
    stage.ask(play, &mut line, honest, signed(&secret, &order(6), 0, "with the old secret")?, Want::Served).await?;
    stage.ask(play, &mut line, honest, signed(&next, &order(7), 0, "with the new one")?, Want::Served).await?;
    stage.revoke(&id).await?;
    stage.ask(play, &mut line, thief, signed(&secret, &order(8), 0, "with the old one, revoked")?, stopped).await?;
    stage.ask(play, &mut line, honest, signed(&next, &order(9), 0, "with the new one")?, Want::Served).await?;
    play.claim("four calls reached the shop, each of them once", play.reached() == 4);
    Ok(())
}
