//! A workload of a mesh shows the certificate that the mesh gave it: nothing to store, nothing to leak.

use super::Scene;
use crate::demo::{
    assertion,
    caller::{Call, Protocol},
    mesh::{KEEPER, Mesh},
    play::{Play, Side, Want},
    stage::Stage,
};
use serde_json::Value;

pub(super) const SCENE: Scene = Scene {
    name: "mesh-workload-by-spiffe",
    promise: "a workload is let in by the SPIFFE id that its own mesh certified, and by no other authority, name or trust domain",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (mesh, gateway) = (stage.mesh(), stage.gateway());
    let honest = (Side::Honest, "stock-keeper");
    let stock = |about| Call::get("/mesh/inventory").about(about);
    let keys = gateway.open(Protocol::Http2).await?.send(Call::get("/.well-known/jwks.json")).await?.body;

    let workload = gateway.showing(&mesh.certify(KEEPER)?)?;
    let from = stage.shop().count();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = workload.open(protocol).await?;
        stage.ask(play, &mut line, honest, stock(""), Want::Served).await?;
    }
    let seen = stage.shop().since(from);
    let asserted = |value: &http::HeaderValue| value.to_str().is_ok_and(|token| assertion::proves(token, &keys, "stock-keeper"));
    let told = seen.len() == 2 && seen.iter().all(|seen| seen.headers.get("wardgate-assertion").is_some_and(asserted));
    play.claim("the shop reads who called from the gate's signed assertion", told);

    let strangers = Mesh::new()?;
    let invalid = Want::Refused("proof.invalid");
    for (about, svid) in [
        ("the same SPIFFE id, by another authority", strangers.certify(KEEPER)?),
        ("staging's workload", mesh.certify("spiffe://acme.example/staging/stock-keeper")?),
        ("below the name on record", mesh.certify(&format!("{KEEPER}/debug"))?),
        ("another trust domain, by the same mesh", mesh.certify("spiffe://mallory.example/prod/stock-keeper")?),
    ] {
        let mut line = gateway.showing(&svid)?.open(Protocol::Http2).await?;
        stage.ask(play, &mut line, (Side::Abuse, "a stranger"), stock(about), invalid).await?;
    }
    let mut bare = gateway.open(Protocol::Http2).await?;
    stage.ask(play, &mut bare, (Side::Abuse, "a stranger"), stock("without a certificate"), Want::Refused("credential.missing")).await?;
    let key = stock("with an API key").key(stage.key("orders-sync")?);
    let answer = stage.ask(play, &mut bare, (Side::Abuse, "orders-sync"), key, Want::Refused("credential.not_accepted")).await?;

    let request = answer.field("wardgate-request-id").unwrap_or_default();
    let event = stage.event("stock", request).await?;
    play.claim("the log has the last of them, with no upstream", event.get("upstream").is_none_or(Value::is_null));
    Ok(())
}
