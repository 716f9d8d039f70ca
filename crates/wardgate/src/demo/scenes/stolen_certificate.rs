//! A stolen certificate is worth something until its authority revokes it; then nothing, also on the connection that the thief
//! has opened long before.

use super::Scene;
use crate::{
    clock,
    demo::{
        caller::{Call, Protocol},
        mesh::KEEPER,
        play::{Play, Side, Want},
        stage::{Stage, until},
    },
};
use anyhow::bail;

/// How soon a new list has to be obeyed, in milliseconds, on the busiest machine: elsewhere it is a fraction of a second.
const OBEYED_MS_MAX: u128 = 60_000;

pub(super) const SCENE: Scene = Scene {
    name: "stolen-certificate",
    promise: "once a stolen certificate is on its authority's revocation list, it opens nothing, on a connection that is open already neither",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let stock = || Call::get("/mesh/inventory");
    let (stolen, renewed) = (stage.mesh().certify(KEEPER)?, stage.mesh().certify(KEEPER)?);
    let (thief, workload) = (stage.gateway().showing(&stolen)?, stage.gateway().showing(&renewed)?);
    let mut open = thief.open(Protocol::Http2).await?;
    let mut open1 = thief.open(Protocol::Http1).await?;
    let mut honest = workload.open(Protocol::Http2).await?;
    stage.ask(play, &mut open, (Side::Honest, "stock-keeper"), stock().about("by its certificate"), Want::Served).await?;
    stage.ask(play, &mut open1, (Side::Honest, "stock-keeper"), stock().about("over HTTP/1.1"), Want::Served).await?;
    stage.ask(play, &mut honest, (Side::Honest, "stock-keeper"), stock().about("by its next certificate"), Want::Served).await?;

    let from = clock::now();
    stage.revoke_certificates(&[&stolen])?;
    // How long a file takes to be read again is measured over the connection that is open.
    let mut served = 0_u32;
    until("the revocation", async || {
        let answer = open.send(stock()).await?;
        match answer.code() {
            Some("proof.invalid") => Ok(Some(())),
            None if answer.status.is_success() => {
                served += 1;
                Ok(None)
            }
            other => bail!("{} {other:?} instead of an answer or a refusal", answer.status),
        }
    })
    .await?;
    let took = clock::now().since(from).as_millis();
    play.claim(
        format!("the list was read and obeyed {took} ms after it was written ({served} requests were served meanwhile)"),
        took < OBEYED_MS_MAX,
    );

    let who = (Side::Abuse, "the thief");
    let invalid = Want::Refused("proof.invalid");
    let answer = stage.ask(play, &mut open, who, stock().about("on the open connection"), invalid).await?;
    stage.ask(play, &mut open1, who, stock().about("on the other open connection"), invalid).await?;
    let mut again = thief.open(Protocol::Http2).await?;
    stage.ask(play, &mut again, who, stock().about("on a new connection"), invalid).await?;
    play.claim("no session was resumed: the new connection had to show certificate and key anew", !again.resumed);
    // The workload has got another certificate, and goes on over the connection that it had.
    stage.ask(play, &mut honest, (Side::Honest, "stock-keeper"), stock().about("by its next certificate"), Want::Served).await?;

    let request = answer.field("wardgate-request-id").unwrap_or_default();
    let event = stage.event("stock", request).await?;
    let true_reason = event.pointer("/ruling/code").is_some_and(|code| code == "proof.revoked");
    play.claim("the log has the true reason, which the thief is not told: proof.revoked", true_reason);
    Ok(())
}
