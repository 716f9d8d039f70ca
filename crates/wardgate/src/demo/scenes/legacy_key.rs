//! A legacy system that knows one shared key never sees a caller's, and no caller ever sees the shared one.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::Stage,
};

pub(super) const SCENE: Scene = Scene {
    name: "legacy-key",
    promise: "the legacy warehouse sees its own secret and never a caller's key; callers never see the secret",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (warehouse, secret) = stage.warehouse();
    let key = stage.key("till-terminal")?;
    let from = warehouse.count();
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let honest = (Side::Honest, "till-terminal");
    let answer = stage.ask(play, &mut line, honest, Call::get("/warehouse/stock/tea").key(key), Want::Served).await?;
    let shown = format!("{:?} {}", answer.headers, answer.body);
    play.claim("the caller did not see the warehouse's secret", !shown.contains(secret.danger_expose()));
    // A caller that brings a key for the warehouse itself is served with the right one all the same.
    let guessing = Call::get("/warehouse/stock/cup")
        .key(key)
        .about("with X-Api-Key: letmein")
        .field("x-api-key", "letmein")
        .field("X-Api-Key", "admin");
    stage.ask(play, &mut line, honest, guessing, Want::Served).await?;

    let seen = warehouse.since(from);
    let own = seen.iter().all(|request| {
        let mut values = request.headers.get_all("x-api-key").iter();
        values.next().is_some_and(|value| value.as_bytes() == secret.danger_expose().as_bytes()) && values.next().is_none()
    });
    play.claim("the warehouse saw its own secret, once in each request", own && seen.len() == 2);
    let leaked = seen.iter().any(|request| {
        let callers = request.headers.values().any(|value| value.as_bytes().windows(3).any(|part| part == b"wg_"));
        callers || request.headers.contains_key("authorization")
    });
    play.claim("the warehouse saw no key of Wardgate", !leaked);

    let stranger = Call::get("/warehouse/stock/tea").about("with the secret").field("x-api-key", secret.danger_expose());
    stage.ask(play, &mut line, (Side::Abuse, "who knows the secret"), stranger, Want::Refused("credential.missing")).await?;
    let other = Call::get("/warehouse/stock/tea").key(stage.key("acme-partner")?);
    stage.ask(play, &mut line, (Side::Abuse, "acme-partner"), other, Want::Refused("standing.denied")).await?;
    let query = Call::get(&format!("/warehouse/stock/tea?key={}", key.danger_expose()));
    let answer = line.send(query).await?;
    let reached = warehouse.count().saturating_sub(from + 2);
    play.note(
        Side::Abuse,
        "till-terminal",
        "GET /warehouse/stock/tea?key=wg_…".to_owned(),
        &answer,
        reached,
        Want::Refused("credential.in_query"),
    );
    Ok(())
}
