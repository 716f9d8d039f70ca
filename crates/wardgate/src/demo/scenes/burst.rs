//! One caller that runs away is held to its contract; its neighbours do not notice.

use super::Scene;
use crate::demo::{
    caller::{Answer, Call, Line, Protocol},
    play::{Play, Side, Step},
    stage::Stage,
};
use http::StatusCode;
use std::time::Duration;
use tokio::task::JoinSet;
use wardgate_model::secret::Secret;

/// Requests that the partner sends at once.
const BURST: usize = 60;
/// What its contract lets through at once, and how long one more takes (assets/demo/resources.yaml).
const CONTRACT: (usize, Duration) = (10, Duration::from_secs(10));
/// Requests of each neighbour meanwhile.
const NEIGHBOUR: usize = 20;

pub(super) const SCENE: Scene = Scene {
    name: "burst",
    promise: "a partner that sends sixty requests at once gets what its contract says, and its neighbours all of theirs",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let shop = stage.shop();
    let began = crate::clock::now();
    let from = shop.count();
    let mut running = JoinSet::new();
    for (who, count) in [("acme-partner", BURST), ("orders-sync", NEIGHBOUR), ("restock-agent", NEIGHBOUR)] {
        let line = stage.gateway().open(Protocol::Http2).await?;
        let key = stage.key(who)?.clone();
        running.spawn(async move { (who, at_once(&line, &key, who, count).await) });
    }
    let mut answers = std::collections::BTreeMap::new();
    while let Some(done) = running.join_next().await {
        let (who, answered) = done?;
        answers.insert(who, answered?);
    }
    let seen = shop.since(from);
    let reached = |who: &str| seen.iter().filter(|request| request.target.ends_with(&format!("?by={who}"))).count();
    for who in ["orders-sync", "restock-agent"] {
        let served = answers.get(who).map_or(0, |answers| answers.iter().filter(|answer| answer.status == StatusCode::OK).count());
        let held = served == NEIGHBOUR && reached(who) == NEIGHBOUR;
        play.steps.push(step(Side::Honest, who, NEIGHBOUR, format!("{served} × 200"), reached(who), held));
    }
    let partner = answers.remove("acme-partner").unwrap_or_default();
    let served = partner.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let limited: Vec<&Answer> = partner.iter().filter(|answer| answer.code() == Some("reserve.rate_exceeded")).collect();
    let (once, refill) = CONTRACT;
    let elapsed = crate::clock::now().since(began);
    let at_most = once + usize::try_from(elapsed.as_secs() / refill.as_secs().max(1)).unwrap_or(usize::MAX - once) + 1;
    let held = served + limited.len() == BURST && served >= once && served <= at_most && reached("acme-partner") == served;
    let answer = format!("{served} × 200, {} × 429", limited.len());
    play.steps.push(step(Side::Abuse, "acme-partner", BURST, answer, reached("acme-partner"), held));

    let told = |answer: &&Answer| {
        let retry = answer.field("retry-after").and_then(|seconds| seconds.parse::<u64>().ok()).is_some_and(|seconds| seconds > 0);
        answer.status == StatusCode::TOO_MANY_REQUESTS
            && retry
            && answer.field("ratelimit").is_some()
            && answer.field("ratelimit-policy").is_some()
    };
    play.claim(
        "every 429 says when to come back (Retry-After, RateLimit, RateLimit-Policy)",
        !limited.is_empty() && limited.iter().all(told),
    );
    Ok(())
}

fn step(side: Side, who: &str, sent: usize, answer: String, reached: usize, held: bool) -> Step {
    Step { side, who: who.to_owned(), what: format!("{sent} × GET /shop/inventory"), answer, sent, reached, held }
}

/// Sends `count` requests at once over one connection.
async fn at_once(line: &Line, key: &Secret<String>, who: &str, count: usize) -> anyhow::Result<Vec<Answer>> {
    let mut running = JoinSet::new();
    for _ in 0..count {
        let mut line = line.share()?;
        let call = Call::get(&format!("/shop/inventory?by={who}")).key(key);
        running.spawn(async move { line.send(call).await });
    }
    let mut answers = Vec::with_capacity(count);
    while let Some(done) = running.join_next().await {
        answers.push(done??);
    }
    Ok(answers)
}
