//! Keys are replaced while they are used: a caller's by one that overlaps, an upstream's secret by one that is brought there
//! first.

use super::Scene;
use crate::{
    client::segment,
    demo::{
        caller::{Call, Protocol},
        load::{Load, Sent, Takes, Work},
        play::{Play, Side, Step, Want},
        sample::Seen,
        stage::{Stage, WAREHOUSE_KEY, until},
    },
};
use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use wardgate_model::{secret::Secret, time::Time};

/// Who calls all the time.
const CALLER: &str = "shelf-labels";
/// How long the old key goes on; in earnest it is a day or more.
const OVERLAP: &str = "2s";
/// Requests that show that things go on.
const ENOUGH: usize = 20;

pub(super) const SCENE: Scene = Scene {
    name: "rotation-without-a-failed-request",
    promise: "a caller's key and an upstream's secret are replaced under load, and no request fails; what was replaced is worth nothing",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (warehouse, first) = stage.warehouse();
    let from = warehouse.count();
    let (id, old) = stage.issue(CALLER).await?;
    let (owner, keys) = watch::channel(old.clone());
    let work = |takes| Work { who: CALLER, path: "/warehouse/stock/tea", key: keys.clone(), takes };
    let prompt = Load::start(stage, &work(Takes::AtOnce), 1).await?;
    let slow = Load::start(stage, &Work { path: "/warehouse/stock/cup", ..work(Takes::WhenWarned) }, 1).await?;
    until("the load", async || Ok((prompt.count(Sent::served) >= ENOUGH && slow.count(Sent::served) >= ENOUGH).then_some(()))).await?;

    let (new, ends) = rotate_key(stage, &id).await?;
    owner.send(new.clone()).context("nobody calls any more")?;
    until("calls with the new key", async || Ok((prompt.count(|sent| sent.renewed) >= ENOUGH).then_some(()))).await?;
    let both = slow.count(|sent| sent.served() && !sent.renewed && sent.began < ends) > 0;

    rotate_secret(stage).await?;
    let so_far = (prompt.count(Sent::served), slow.count(Sent::served));
    let on = || prompt.count(Sent::served) >= so_far.0 + ENOUGH && slow.count(Sent::served) >= so_far.1 + ENOUGH;
    until("calls with the new secret", async || Ok(on().then_some(()))).await?;
    // Only now does the warehouse forget the old one: who still came with it would fail.
    stage.warehouse_key().forget_first();
    until("the last client with the old key", async || Ok((slow.count(|sent| sent.renewed) >= ENOUGH).then_some(()))).await?;
    let (prompt, slow) = (prompt.stop().await?, slow.stop().await?);

    let seen = warehouse.since(from);
    play.steps.push(step("takes the new key at once", &prompt, &seen));
    play.steps.push(step("takes it when an answer warns", &slow, &seen));
    let failed = prompt.iter().chain(&slow).filter(|sent| !sent.served()).count();
    play.claim(format!("{failed} requests failed"), failed == 0);
    play.claim("old and new key worked side by side", both);
    let told = slow.iter().find_map(|sent| sent.ends.as_deref()).and_then(Time::parse);
    play.claim("Wardgate-Credential-Expires and Deprecation said when the old key ends", told == Some(ends));
    let secrets = [Some(first.clone()), stage.warehouse_key().delivered()];
    play.claim("the warehouse saw its old secret, then its new one, and no key of Wardgate", own(&seen, &secrets));

    let path = format!("/api/v1/credentials?identity={CALLER}&state=expired");
    until("the end of the old key", async || {
        let page = stage.client().get(&path).await?;
        let mut over = page.get("items").and_then(Value::as_array).into_iter().flatten();
        Ok(over.any(|one| one.get("id").is_some_and(|over| *over == id)).then_some(()))
    })
    .await?;
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let read = || Call::get("/warehouse/stock/tea");
    stage.ask(play, &mut line, (Side::Honest, CALLER), read().key(&new).about("with the new key"), Want::Served).await?;
    let kept = (Side::Abuse, "who kept the old key");
    stage.ask(play, &mut line, kept, read().key(&old), Want::Refused("proof.invalid")).await?;
    let secret = read().field("x-api-key", first.danger_expose()).about("with the old secret");
    stage.ask(play, &mut line, (Side::Abuse, "who kept the secret"), secret, Want::Refused("credential.missing")).await?;
    Ok(())
}

/// Replaces a key through the management API: the new one, and when the old one ends.
async fn rotate_key(stage: &Stage, id: &str) -> anyhow::Result<(Secret<String>, Time)> {
    let wanted = json!({ "overlap": OVERLAP, "reason": "it is time" });
    let rotated = stage.order(Method::POST, &format!("/api/v1/credentials/{}/rotate", segment(id)), &wanted).await?;
    let key = rotated.get("key").and_then(Value::as_str).context("the answer holds no key")?;
    let ends = rotated.pointer("/replaces/expires").and_then(Value::as_str).and_then(Time::parse);
    Ok((Secret::new(key.to_owned()), ends.context("the answer does not say when the old key ends")?))
}

/// Replaces the warehouse's secret and waits until it is seen to be taken.
async fn rotate_secret(stage: &Stage) -> anyhow::Result<()> {
    let wanted = json!({ "deliver": { "file": WAREHOUSE_KEY }, "reason": "it is time" });
    let rotated = stage.order(Method::POST, &format!("/api/v1/secrets/{WAREHOUSE_KEY}/rotate"), &wanted).await?;
    let version = rotated.get("version").cloned();
    until("the old secret to be dropped", async || {
        let page = stage.client().get("/api/v1/secrets").await?;
        let secrets = page.get("items").and_then(Value::as_array).into_iter().flatten();
        let secret = secrets.into_iter().find(|secret| secret.get("name").is_some_and(|name| name == WAREHOUSE_KEY));
        let secret = secret.context("the secret is not on record")?;
        let settled = ["previous", "staged"].iter().all(|one| secret.get(*one).is_none_or(Value::is_null));
        Ok((settled && secret.get("version") == version.as_ref()).then_some(()))
    })
    .await
}

fn step(how: &str, sent: &[Sent], seen: &[Seen]) -> Step {
    let served = sent.iter().filter(|sent| sent.served()).count();
    let path = sent.first().map(|sent| sent.target.split('?').next().unwrap_or_default()).unwrap_or_default();
    let reached = seen.iter().filter(|request| request.target.starts_with(&format!("{path}?"))).count();
    Step {
        side: Side::Honest,
        who: CALLER.to_owned(),
        what: format!("{} × GET {path}, {how}", sent.len()),
        answer: format!("{served} × 200"),
        sent: sent.len(),
        reached,
        held: served == sent.len() && reached == served,
    }
}

/// Whether each request showed one secret of the upstream's own, both were shown, and nothing showed a key of ours.
fn own(seen: &[Seen], secrets: &[Option<Secret<String>>; 2]) -> bool {
    let shown = |request: &Seen| {
        let mut values = request.headers.get_all("x-api-key").iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        secrets.iter().position(|secret| secret.as_ref().is_some_and(|secret| secret.danger_expose().as_bytes() == value.as_bytes()))
    };
    let shown: Vec<Option<usize>> = seen.iter().map(shown).collect();
    let ours = |request: &Seen| request.headers.values().any(|value| value.as_bytes().windows(3).any(|part| part == b"wg_"));
    let both = shown.first() == Some(&Some(0)) && shown.last() == Some(&Some(1));
    both && shown.iter().all(Option::is_some) && !seen.iter().any(ours)
}
