//! A payment service books payments with a token of the task at hand: when the task is done, whoever has the token has nothing.

use super::Scene;
use crate::demo::{
    caller::{Answer, Call, Line, Protocol},
    play::{Play, Side, Want},
    stage::Stage,
    tokens::given,
};
use anyhow::Context as _;
use serde_json::{Value, json};
use wardgate_model::secret::Secret;

/// Who books payments.
pub(super) const SERVICE: &str = "payment-service";

pub(super) const SCENE: Scene = Scene {
    name: "task-token",
    promise: "a payment service books into the ledger with a token of one task: for its purpose, on its operations, and not after it",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

/// Starts a task with this budget of calls; gives its id.
pub(super) async fn started(stage: &Stage, line: &mut Line, calls: u64) -> anyhow::Result<String> {
    let task = json!({
        "purpose": "settlement", "api": "ledger", "operations": ["write"], "lifetime": "5m", "budget": { "calls": calls },
    });
    let answer = line.send(Call::post("/tasks", &task).key(stage.key(SERVICE)?)).await?;
    let id = answer.body.get("task_id").and_then(Value::as_str);
    id.map(str::to_owned).with_context(|| format!("no task was started: {}", answer.body))
}

/// A token of a task.
pub(super) async fn token(stage: &Stage, line: &mut Line, task: &str) -> anyhow::Result<Secret<String>> {
    let details = json!([{ "type": "wardgate_task", "task_id": task }]).to_string();
    let form = [("grant_type", "client_credentials"), ("authorization_details", details.as_str())];
    given(&line.send(Call::form("/oauth/token", &form).basic(SERVICE, stage.key(SERVICE)?)).await?)
}

/// A booking.
pub(super) fn booking() -> Call {
    Call::post("/ledger/orders", &json!({ "order": "o-1001", "paid": "42.00" }))
}

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (honest, abuse) = ((Side::Honest, SERVICE), (Side::Abuse, SERVICE));
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let key = stage.key(SERVICE)?;
    stage.ask(play, &mut line, abuse, booking().about("with its key alone").key(key), Want::Refused("rule.forbidden")).await?;

    let task = started(stage, &mut line, 100).await?;
    let token = token(stage, &mut line, &task).await?;
    let booked = stage.ask(play, &mut line, honest, booking().about("with a token of the task").key(&token), Want::Served).await?;
    let elsewhere = Call::get("/ledger/orders").about("which the task is not for").key(&token);
    stage.ask(play, &mut line, abuse, elsewhere, Want::Refused("standing.task")).await?;
    let purpose = booking().about("for another purpose").key(&token).field("wardgate-purpose", "curiosity");
    stage.ask(play, &mut line, abuse, purpose, Want::Refused("standing.task")).await?;

    let done = line.send(Call::post(&format!("/tasks/{task}/complete"), &json!({})).key(key)).await?;
    play.claim("the service says that the task is done", done.body.get("state").is_some_and(|state| state == "completed"));
    let after = booking().about("with the same token, after the task").key(&token);
    stage.ask(play, &mut line, abuse, after, Want::Refused("proof.invalid")).await?;

    let of = |answer: &Answer| answer.field("wardgate-request-id").unwrap_or_default().to_owned();
    let event = stage.event("ledger", &of(&booked)).await?;
    let told = event.get("task").is_some_and(|told| *told == *task) && event.pointer("/purpose/basis").is_some_and(|basis| basis == "task");
    play.claim("the log says of the booking which task it was of, and what for", told);
    Ok(())
}
