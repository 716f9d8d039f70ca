//! A task has a budget. Whatever its token is used for, and however many use it at once, it opens no call more.

use super::{
    Scene,
    task_token::{SERVICE, booking, started, token},
};
use crate::demo::{
    caller::Protocol,
    play::{Play, Side, Want},
    stage::Stage,
};

/// Calls that the task may make.
const CALLS: usize = 5;

pub(super) const SCENE: Scene = Scene {
    name: "budget-runs-out",
    promise: "a task may make five calls; the sixth is refused, whoever makes it, and the ledger has heard of five",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (honest, abuse) = ((Side::Honest, SERVICE), (Side::Abuse, SERVICE));
    let (mut line, before) = (stage.gateway().open(Protocol::Http1).await?, stage.shop().count());
    let task = started(stage, &mut line, 5).await?;
    let first = token(stage, &mut line, &task).await?;
    for _ in 0..CALLS {
        stage.ask(play, &mut line, honest, booking().key(&first), Want::Served).await?;
    }
    stage.ask(play, &mut line, abuse, booking().about("once more").key(&first), Want::Refused("reserve.task_budget")).await?;
    let second = token(stage, &mut line, &task).await?;
    let another = booking().about("with another token of the task").key(&second);
    stage.ask(play, &mut line, abuse, another, Want::Refused("reserve.task_budget")).await?;
    play.claim(format!("{CALLS} bookings reached the ledger"), stage.shop().count() == before + CALLS);
    Ok(())
}
