//! A job has nothing to steal but a token of minutes, which dies with whoever it was given to.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::Stage,
    tokens::{given, of_job, refused},
};
use http::Method;
use serde_json::json;

/// Whose job it is.
const JOB: &str = "release-hotfix";

pub(super) const SCENE: Scene = Scene {
    name: "ci-without-a-secret",
    promise: "a job deploys without a secret in its repository, by a token of minutes for one API, and the token that was stolen from it dies",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (ci, mut line) = (stage.ci(), stage.gateway().open(Protocol::Http2).await?);
    let release = |path: &str, about| Call::post(path, &json!({ "image": "checkout@sha256:0815" })).about(about);
    let answer = of_job(&mut line, &ci.token_to_swap("hotfix")?, "deploy").await?;
    let ours = given(&answer)?;
    let life = answer.body.get("expires_in").and_then(serde_json::Value::as_i64).unwrap_or(i64::MAX);
    play.claim(format!("what the CI service says of the job is swapped for a token of {life} s"), (1..=600).contains(&life));
    let deployed = release("/deploy/releases", "with the token").key(&ours);
    stage.ask(play, &mut line, (Side::Honest, JOB), deployed, Want::Served).await?;

    for (about, job) in [("made out to another service", ci.token("hotfix")?), ("of a job of no identity", ci.token_to_swap("review")?)] {
        let said = refused(&of_job(&mut line, &job, "deploy").await?);
        play.claim(format!("a token {about} is not swapped: {said}"), said == "400 invalid_request");
    }
    let elsewhere = Call::get("/shelves/inventory").about("with the stolen token").key(&ours);
    stage.ask(play, &mut line, (Side::Abuse, "a thief"), elsewhere, Want::Refused("proof.invalid")).await?;
    let wanted = json!({ "kind": "identity", "name": JOB, "reason": "its runner was broken into" });
    stage.order(Method::POST, "/api/v1/containments", &wanted).await?;
    let again = release("/deploy/releases", "with the stolen token").key(&ours);
    stage.ask(play, &mut line, (Side::Abuse, "a thief"), again, Want::Refused("identity.contained")).await?;
    let said = refused(&of_job(&mut line, &ci.token_to_swap("hotfix")?, "deploy").await?);
    play.claim(format!("nor is there another: {said}"), said == "400 invalid_request");
    Ok(())
}
