//! What a partner calls breaks, and its client tries again and again, without a pause: that is stupid, and no attack. It is held to its
//! contract, nothing is held against it, and nobody else notices.

use super::{Scene, one_list};
use crate::demo::{
    caller::{Answer, Call, Line, Protocol},
    play::{Play, Side, Step, Want},
    sample::{Kind, Upstream},
    stage::{Stage, habit},
};
use http::StatusCode;
use serde_json::Value;
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;
use wardgate_model::secret::Secret;

/// Who tries again, and from where it has called for weeks.
const PARTNER: &str = "parcel-partner";
const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 43, 20);
/// What it calls.
const PATH: &str = "/parcels/open";
/// Workers that try, and how often each.
const WORKERS: usize = 2;
const TRIES: usize = 120;
/// What its contract lets through at once, and each second (assets/demo/abuse.yaml).
const CONTRACT: (usize, u64) = (40, 20);
/// Requests of somebody else meanwhile.
const NEIGHBOUR: usize = 20;
/// What is held against it at the most: from 45 on an API like this one makes callers wait.
const RISK_MAX: u64 = 44;

pub(super) const SCENE: Scene = Scene {
    name: "retry-storm-is-no-attack",
    promise: "a partner whose client tries again without a pause is held to its contract: not blocked, not contained, and served as soon as all is well",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let broken = Arc::new(AtomicBool::new(false));
    let server = Upstream::start(Kind::Parcels(Arc::clone(&broken))).await?;
    stage.declare(&one_list("parcels", &format!("http://{}", server.address()), PARTNER), &[]).await?;
    let home = stage.gateway().at(HOME);
    let software = stage.software(&home, Protocol::Http2).await?;
    stage.teach(PARTNER, vec![habit("parcels GET /parcels/open", 12, (HOME, &software))])?;
    let (mut line, key) = (home.open(Protocol::Http2).await?, stage.key(PARTNER)?);
    asked(play, &mut line, &server, key, "as ever").await?;

    broken.store(true, Ordering::SeqCst);
    let (from, began) = (server.count(), crate::clock::now());
    let mut storm = JoinSet::new();
    for _ in 0..WORKERS {
        storm.spawn(again_and_again(line.share()?, key.clone()));
    }
    neighbour(stage, play).await?;
    let mut answers = Vec::with_capacity(WORKERS * TRIES);
    while let Some(tried) = storm.join_next().await {
        answers.extend(tried??);
    }
    let reached = server.count().saturating_sub(from);
    let failed = answers.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.code().is_none()).count();
    let limited: Vec<&Answer> = answers.iter().filter(|answer| answer.code() == Some("reserve.rate_exceeded")).collect();
    let (once, a_second) = CONTRACT;
    let seconds = crate::clock::now().since(began).as_secs() + 1;
    let at_most = once + usize::try_from(a_second * seconds).unwrap_or(usize::MAX - once);
    play.steps.push(Step {
        side: Side::Abuse,
        who: PARTNER.to_owned(),
        what: format!("{} × GET {PATH}, without a pause", WORKERS * TRIES),
        answer: format!("{failed} × 503, {} × 429", limited.len()),
        sent: WORKERS * TRIES,
        reached,
        held: failed == reached && failed + limited.len() == WORKERS * TRIES && reached >= once.saturating_sub(1) && reached <= at_most,
    });
    let waits: Vec<u64> = limited.iter().filter_map(|answer| answer.field("retry-after")?.parse().ok()).collect();
    play.claim("every 429 says when to come again (Retry-After)", !waits.is_empty() && waits.len() == limited.len());

    // All is well again, and it waits for once, as long as it was told to.
    broken.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(waits.iter().copied().max().unwrap_or(1).min(2))).await;
    asked(play, &mut line, &server, key, "after Retry-After").await?;
    let served = asked(play, &mut line, &server, key, "and on").await?;
    let event = stage.event("parcels", served.field("wardgate-request-id").unwrap_or_default()).await?;
    let risk = event.pointer("/ruling/risk").and_then(Value::as_u64).unwrap_or(100);
    let state = stage.state(PARTNER).await?;
    play.claim(format!("it is {state}, and its risk is {risk}: nobody took it for a thief"), state == "active" && risk <= RISK_MAX);
    Ok(())
}

/// One call, which is served.
async fn asked(play: &mut Play, line: &mut Line, server: &Upstream, key: &Secret<String>, about: &'static str) -> anyhow::Result<Answer> {
    let (call, before) = (Call::get(PATH).about(about), server.count());
    let what = call.shown();
    let answer = line.send(call.key(key)).await?;
    play.note(Side::Honest, PARTNER, what, &answer, server.count().saturating_sub(before), Want::Served);
    Ok(answer)
}

async fn again_and_again(mut line: Line, key: Secret<String>) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        answers.push(line.send(Call::get(PATH).key(&key)).await?);
    }
    Ok(answers)
}

/// Somebody else, while it storms.
async fn neighbour(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (mut line, from) = (stage.gateway().open(Protocol::Http2).await?, stage.shop().count());
    let mut served = 0;
    for _ in 0..NEIGHBOUR {
        let answer = line.send(Call::get("/shop/orders").key(stage.key("orders-sync")?)).await?;
        served += usize::from(answer.status == StatusCode::OK);
    }
    let reached = stage.shop().count().saturating_sub(from);
    play.steps.push(Step {
        side: Side::Honest,
        who: "orders-sync".to_owned(),
        what: format!("{NEIGHBOUR} × GET /shop/orders, meanwhile"),
        answer: format!("{served} × 200"),
        sent: NEIGHBOUR,
        reached,
        held: served == NEIGHBOUR && reached == NEIGHBOUR,
    });
    Ok(())
}
