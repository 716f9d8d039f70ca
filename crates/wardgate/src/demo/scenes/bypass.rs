//! An upstream that answers whoever reaches it is a way round the gate: it is found, and it is closed by what the gate signs.

use super::{Scene, one_list};
use crate::demo::{
    assertion::Believed,
    caller::{Call, Line, Protocol},
    play::{Play, Side, Step, Want},
    sample::{Kind, Upstream},
    stage::Stage,
};
use anyhow::Context as _;
use http::Method;
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use wardgate_model::secret::Secret;

/// What is called, through the gate and past it.
const PATH: &str = "/returns/open";
/// Who reaches the upstream past the gate.
const NEIGHBOUR: &str = "a neighbour in the network";
/// An assertion that somebody made up.
const FORGED: &str = "eyJhbGciOiJub25lIiwidHlwIjoid2FyZGdhdGUtYXNzZXJ0aW9uK2p3dCJ9.eyJzdWIiOiJyb290In0.";
/// Largest answer that is read past the gate, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// The issuer of the demo's gate.
const ISSUER: &str = "https://localhost";

pub(super) const SCENE: Scene = Scene {
    name: "bypass-found-and-closed",
    promise: "an upstream that answers past the gate is found by the gate's own probe; once it verifies what the gate signs it refuses all else",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let believed = Arc::new(OnceLock::new());
    let server = Upstream::start(Kind::Returns(Arc::clone(&believed))).await?;
    let url = format!("http://{}", server.address());
    stage.declare(&one_list("returns", &url, "orders-sync"), &[]).await?;
    let key = stage.key("orders-sync")?;
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    through(play, &mut line, &server, key).await?;

    // What nobody should be able to do, and can: past the gate nobody is asked for anything.
    let call = Call::get(PATH).about("with nothing");
    let (what, before) = (call.shown(), server.count());
    let answer = line.send(call).await?;
    let reached = server.count().saturating_sub(before);
    play.note(Side::Abuse, NEIGHBOUR, what, &answer, reached, Want::Refused("credential.missing"));
    past(play, server.address(), ("with nothing", None), "200").await?;
    let open = probed(stage, "unguarded").await?;
    let findings = stage.client().get("/api/v1/findings?code=upstream.unguarded").await?.to_string();
    let told = open && findings.contains("`returns GET /returns/open`") && findings.contains("answered 200");
    play.claim("the probe, which has nothing to show either, found it, and says which operation at which address", told);

    // The upstream learns to verify, by the keys that the gate publishes.
    let keys = line.send(Call::get("/.well-known/jwks.json")).await?.body;
    let _only_once = believed.set(Believed { keys, issuer: ISSUER.to_owned(), audience: url, api: "returns".to_owned() });
    let elsewhere = stage.shop().count();
    stage.ask(play, &mut line, (Side::Honest, "orders-sync"), Call::get("/shop/orders").key(key), Want::Served).await?;
    let stolen =
        stage.shop().since(elsewhere).first().and_then(|seen| seen.headers.get("wardgate-assertion")?.to_str().ok().map(str::to_owned));
    let stolen = stolen.context("the shop saw no assertion")?;
    for shown in [("with nothing", None), ("with a made-up assertion", Some(FORGED)), ("with the shop's assertion", Some(stolen.as_str()))]
    {
        past(play, server.address(), shown, "401").await?;
    }
    through(play, &mut line, &server, key).await?;
    let closed = probed(stage, "guarded").await?;
    let findings = stage.client().get("/api/v1/findings?code=upstream.unguarded").await?.to_string();
    play.claim("the probe sees that it is closed", closed && !findings.contains("`returns GET /returns/open`"));
    Ok(())
}

/// Calls through the gate.
async fn through(play: &mut Play, line: &mut Line, server: &Upstream, key: &Secret<String>) -> anyhow::Result<()> {
    let (call, before) = (Call::get(PATH).key(key), server.count());
    let what = call.shown();
    let answer = line.send(call).await?;
    play.note(Side::Honest, "orders-sync", what, &answer, server.count().saturating_sub(before), Want::Served);
    Ok(())
}

/// Calls past the gate: it reaches the upstream, whatever that makes of it.
async fn past(play: &mut Play, address: SocketAddr, (about, shown): (&str, Option<&str>), wanted: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let field = shown.map(|shown| format!("Wardgate-Assertion: {shown}\r\n")).unwrap_or_default();
    let head = format!("GET {PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{field}\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut heard = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut heard).await?;
    let answer = heard.get(9..12).unwrap_or("none").to_owned();
    let (what, held) = (format!("GET {PATH} past the gate, {about}"), answer == wanted);
    play.steps.push(Step { side: Side::Abuse, who: NEIGHBOUR.to_owned(), what, answer, sent: 1, reached: 1, held });
    Ok(())
}

/// Has the gate call past itself; whether it saw what it should.
async fn probed(stage: &Stage, wanted: &str) -> anyhow::Result<bool> {
    let probed = stage.order(Method::POST, "/api/v1/probes?api=returns", &Value::Null).await?;
    Ok(probed.pointer("/items/0/state").is_some_and(|state| state == wanted))
}
