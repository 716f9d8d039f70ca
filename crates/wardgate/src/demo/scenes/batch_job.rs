//! A batch job of which nobody has the source any more: it sends one header that it has always sent. A forwarder on its machine puts a
//! token in the place of it; the job's address is the one thing that changes.

use super::Scene;
use crate::demo::{
    caller::{Call, Line, Protocol},
    play::{FORWARDER, Play, Side, Want},
    stage::Stage,
};
use anyhow::{Context as _, bail};
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
};

/// What the job has always sent.
const OLD: &str = "export-2019-do-not-share";

pub(super) const SCENE: Scene = Scene {
    name: "unmodified-batch-job",
    promise: "a batch job that only knows a static header moves to tokens with one changed address, and its old header opens nothing",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

/// The forwarder, a process of its own as it would be on the job's machine.
struct Forwarder {
    child: Child,
    address: SocketAddr,
    /// Kept open, so that it has a reader.
    _says: BufReader<ChildStdout>,
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Forwarder {
    /// Starts it; it is ready when it says where it is.
    fn start(gate: SocketAddr, ca: &str, key: &str) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program is nowhere")?;
        let gate = gate.to_string();
        let mut child = Command::new(program)
            .args(["token", "--issuer", "https://localhost", "--connect", &gate, "--ca", ca, "--client", "export-job", "--key", key])
            .args(["--resource", "https://localhost/shop", "--proxy", "127.0.0.1:0", "--strip", "X-Api-Key"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the forwarder cannot be started")?;
        let (mut line, out) = (String::new(), child.stdout.take().context("it says nothing")?);
        let mut says = BufReader::new(out);
        says.read_line(&mut line)?;
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).and_then(|address| address.parse().ok());
        let Some(address) = address else {
            drop(child.kill());
            drop(child.wait());
            bail!("the forwarder did not start");
        };
        Ok(Self { child, address, _says: says })
    }
}

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let old = |about| Call::get("/shop/export").field("x-api-key", OLD).about(about);
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let found = (Side::Abuse, "who found the header");
    stage.ask(play, &mut line, found, old("with X-Api-Key, at the gate"), Want::Refused("credential.missing")).await?;

    let (gate, ca, key) = (stage.gateway().address(), stage.ca(), stage.job_key());
    let started = tokio::task::spawn_blocking(move || Forwarder::start(gate, &ca.to_string_lossy(), &key.to_string_lossy()));
    let forwarder = started.await??;
    let from = stage.shop().count();
    let mut job = Line::plain(forwarder.address, &forwarder.address.to_string()).await?;
    let served = stage.ask(play, &mut job, (Side::Honest, "export-job"), old("with X-Api-Key, at the forwarder"), Want::Served).await?;
    let seen = stage.shop().since(from);
    let clean = seen.iter().all(|request| !request.headers.values().any(|value| value.as_bytes() == OLD.as_bytes()));
    play.claim("the shop saw the job and not its header", clean && seen.len() == 1);
    let id = served.field("wardgate-request-id").unwrap_or_default().to_owned();
    let event = stage.event("shop", &id).await?;
    let says = |pointer: &str, wanted: &str| event.pointer(pointer).is_some_and(|value| value == wanted);
    let known = says("/identity/name", "export-job") && says("/proof/kind", "jwt");
    play.claim("the log knows who it was, by a token of five minutes", known);

    let page = old("from a page in a browser").field("origin", "https://attacker.example");
    stage.ask(play, &mut job, (Side::Abuse, "a page"), page, Want::Refused(FORWARDER)).await?;
    let mut rebound = Line::plain(forwarder.address, "attacker.example").await?;
    stage.ask(play, &mut rebound, (Side::Abuse, "a page"), old("by a name of its own (DNS rebinding)"), Want::Refused(FORWARDER)).await?;
    let elsewhere = Call::get("/warehouse/stock/tea").about("at the forwarder");
    stage.ask(play, &mut job, (Side::Abuse, "export-job"), elsewhere, Want::Refused(FORWARDER)).await?;
    Ok(())
}
