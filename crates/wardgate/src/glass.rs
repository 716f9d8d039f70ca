//! The break-glass door: a socket on this machine that gives a session of the operator when every other way in is shut.
//!
//! It serves one thing. Who may open it is a matter of the file: mode 0600, and the peer's user must be ours or root.
//! It is loud (an error in the process log, a row of the feed, a finding, a metric), and short: the session lives
//! [`LIFE`], one at a time, and cannot be renewed. No policy reads it, so none can lock it.
//!
//! ```text
//! → { "reason": "the identity provider is down" }
//! ← { "token": "wgb_…", "expires": "2027-01-01T00:15:00Z", "url": "http://127.0.0.1:9080" }   or   { "error": "…" }
//! ```

mod client;
mod socket;

pub use client::{Session, open};

use crate::{builtin, clock, control::Control};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream, unix::UCred},
    task::JoinHandle,
};
use wardgate_audit::sink::{FindingRecord, Log};
use wardgate_model::{
    credential::CredentialKind,
    event::EventSink as _,
    id::{EnvironmentName, IdentityId},
    secret::Secret,
    time::Time,
};
use wardgate_proof::{
    api_key::{self, KeyKind},
    entropy::SystemEntropy,
};
use wardgate_store::{Actor, Condition, CredentialFilter, NewCredential, Precondition, Who};

/// The name of the socket, where the configuration does not say: beside the store.
pub const FILE: &str = "wardgate.glass";
/// How long a session lives.
pub const LIFE: Duration = Duration::from_secs(15 * 60);
/// Time for one request and its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest request, in bytes.
const REQUEST_BYTES_MAX: u64 = 4_096;
/// Longest reason, in characters; the shortest that says something has three.
const REASON_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=1_000;
/// How long nothing is accepted after the system refused to.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    reason: String,
}

/// What is answered.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Answered {
    Opened { token: String, expires: String, url: String },
    Refused { error: String },
}

/// The door, open until it is dropped.
#[derive(Debug)]
pub struct Door {
    path: PathBuf,
    opened: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl Door {
    /// Where it is counted how often it was opened (`wardgate_break_glass_total`).
    #[must_use]
    pub fn opened(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.opened)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the break-glass socket was gone already");
        }
    }
}

/// Puts the door in place. `admin` is where the session can be used. Call it within a runtime.
///
/// # Errors
/// When the socket cannot be made, or another process serves there.
pub fn start(control: Arc<Control>, log: Arc<Log>, path: &Path, admin: SocketAddr) -> anyhow::Result<Door> {
    let (listener, owner) = socket::bind(path).with_context(|| format!("cannot make the break-glass socket `{}`", path.display()))?;
    let opened = Arc::new(AtomicU64::new(0));
    let opening = Opening { control, log, owner, opened: Arc::clone(&opened), url: format!("http://{admin}") };
    let serving = tokio::spawn(opening.serve(listener));
    Ok(Door { path: path.to_owned(), opened, serving })
}

/// What it takes to open it.
struct Opening {
    control: Arc<Control>,
    log: Arc<Log>,
    /// The user that this process runs as.
    owner: u32,
    opened: Arc<AtomicU64>,
    url: String,
}

impl Opening {
    /// One after the other: it is for people in distress, not for throughput.
    async fn serve(self, listener: UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    if tokio::time::timeout(PATIENCE, self.answer(stream)).await.is_err() {
                        tracing::warn!("somebody opened the break-glass socket and said nothing");
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the break-glass socket accepts nobody");
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            }
        }
    }

    async fn answer(&self, mut stream: UnixStream) {
        let answered = match self.hear(&mut stream).await {
            Ok((peer, reason)) => self.open(&peer, &reason).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the break-glass door could not be opened");
                Answered::Refused { error: format!("the door could not be opened: {error:#}") }
            }),
            Err(error) => {
                tracing::warn!(%error, "somebody was not let through the break-glass door");
                Answered::Refused { error }
            }
        };
        let Ok(text) = serde_json::to_string(&answered).map(Secret::new) else { return };
        // Whoever asked is gone when this fails, and the session ends by itself.
        let _gone = stream.write_all(text.danger_expose().as_bytes()).await;
        let _gone = stream.write_all(b"\n").await;
    }

    /// Who asks, and why.
    async fn hear(&self, stream: &mut UnixStream) -> Result<(UCred, String), String> {
        let peer = stream.peer_cred().map_err(|error| format!("the system does not say who asks: {error}"))?;
        if peer.uid() != self.owner && peer.uid() != 0 {
            return Err(format!("user {} may not open this door", peer.uid()));
        }
        let mut line = String::new();
        let read = BufReader::new(stream.take(REQUEST_BYTES_MAX)).read_line(&mut line).await;
        read.map_err(|error| format!("the request cannot be read: {error}"))?;
        let asked: Asked = serde_json::from_str(&line).map_err(|error| format!("the request cannot be read: {error}"))?;
        let reason: String = asked.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let reason = reason.trim();
        if !REASON_CHARACTERS.contains(&reason.chars().count()) {
            return Err("say why: a reason has 3 to 1,000 characters".to_owned());
        }
        Ok((peer, reason.to_owned()))
    }

    /// Makes a session; one that was open ends.
    async fn open(&self, peer: &UCred, reason: &str) -> anyhow::Result<Answered> {
        let (store, now) = (self.control.store(), clock::now());
        let by = peer.pid().map_or_else(|| format!("user {}", peer.uid()), |pid| format!("user {}, process {pid}", peer.uid()));
        let actor = Actor::new(Who::Process, format!("break-glass by {by}: {reason}"));
        self.shut(&actor, now).await?;
        let environment = EnvironmentName::literal(builtin::OWN);
        let (id, text) = api_key::generate(KeyKind::BreakGlass, &environment, &SystemEntropy)?;
        let new = NewCredential {
            id,
            identity: IdentityId::literal(builtin::OPERATOR),
            name: builtin::OPERATOR_ENTRY.into(),
            kind: CredentialKind::BreakGlass,
            environment,
            sources: Box::default(),
            hash: api_key::hash(self.control.material().pepper(), text.danger_expose()),
            expires: now + LIFE,
            task: None,
        };
        let issued = store.issue_credential(&actor, new, now).await?;
        self.control.obey(issued.revision).await?;
        self.cry(&by, reason, now);
        Ok(Answered::Opened { token: text.danger_expose().clone(), expires: (now + LIFE).to_rfc3339(), url: self.url.clone() })
    }

    /// Ends the session that is open.
    async fn shut(&self, actor: &Actor, now: Time) -> anyhow::Result<()> {
        let filter = CredentialFilter { kind: Some(CredentialKind::BreakGlass), ..CredentialFilter::default() };
        for open in self.control.store().credentials(&filter).await? {
            if Condition::of(&open.credential, now) == Condition::Live {
                self.control.store().revoke_credential(actor, &open.credential.id, Precondition::Any, now).await?;
            }
        }
        Ok(())
    }

    fn cry(&self, by: &str, reason: &str, now: Time) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        tracing::error!(by, reason, minutes = LIFE.as_secs() / 60, "BREAK-GLASS: somebody has a session beside all policies");
        let (code, severity, kind) = ("break_glass.opened".into(), "critical".into(), "identity".into());
        let what = format!("{by} opened the break-glass door: {reason}").into();
        let finding = FindingRecord { time: now, code, severity, kind, name: builtin::OPERATOR.into(), what };
        if self.log.record_finding(finding).is_err() {
            self.log.count_dropped();
        }
    }
}

#[cfg(test)]
mod tests;
