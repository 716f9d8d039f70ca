//! Load: clients that call again as soon as they are answered, and what became of each request.

use super::{
    caller::{Call, Line, Protocol},
    play::shown,
    stage::Stage,
};
use crate::clock;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::{sync::watch, task::JoinSet};
use wardgate_model::{secret::Secret, time::Time};

/// Requests of one client, at most.
const SENT_MAX: usize = 50_000;
/// After so many requests without an answer, one after another, the connection is taken to be gone.
const BROKEN_MAX: usize = 8;

/// What a request without an answer got.
pub(super) const BROKEN: &str = "broken";

/// When a client takes the new key that its owner has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// As soon as it is there.
    AtOnce,
    /// When an answer says that the old one ends.
    WhenWarned,
}

/// Who calls what.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// Who.
    pub(super) who: &'static str,
    /// What; each request has a query of its own.
    pub(super) path: &'static str,
    /// With the key that is in here.
    pub(super) key: watch::Receiver<Secret<String>>,
    /// When the key is replaced.
    pub(super) takes: Takes,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// What was asked for: no two are the same.
    pub(super) target: String,
    /// When it was sent.
    pub(super) began: Time,
    /// When its answer was there.
    pub(super) ended: Time,
    /// Status and code; [`BROKEN`] when there was none.
    pub(super) answer: String,
    /// Until when the key is good, where the answer warned of that.
    pub(super) ends: Option<String>,
    /// Whether it came with a key that replaced another.
    pub(super) renewed: bool,
}

impl Sent {
    /// Whether it was served.
    pub(super) fn served(&self) -> bool {
        self.answer == "200"
    }
}

/// Clients at work.
#[derive(Debug)]
pub(super) struct Load {
    sent: Arc<Mutex<Vec<Sent>>>,
    over: Arc<AtomicBool>,
    clients: JoinSet<anyhow::Result<()>>,
}

impl Load {
    /// Sets clients to work, each over a connection of its own.
    pub(super) async fn start(stage: &Stage, work: &Work, clients: usize) -> anyhow::Result<Self> {
        let mut load = Self { sent: Arc::default(), over: Arc::default(), clients: JoinSet::new() };
        for client in 0..clients {
            let line = stage.gateway().open(Protocol::Http2).await?;
            load.clients.spawn(call(line, work.clone(), client, Arc::clone(&load.sent), Arc::clone(&load.over)));
        }
        Ok(load)
    }

    /// How many requests that fit were sent.
    pub(super) fn count(&self, fits: impl Fn(&Sent) -> bool) -> usize {
        lock(&self.sent).iter().filter(|sent| fits(sent)).count()
    }

    /// Ends the work; gives every request.
    pub(super) async fn stop(mut self) -> anyhow::Result<Vec<Sent>> {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended??;
        }
        Ok(std::mem::take(&mut *lock(&self.sent)))
    }
}

async fn call(mut line: Line, mut work: Work, client: usize, all: Arc<Mutex<Vec<Sent>>>, over: Arc<AtomicBool>) -> anyhow::Result<()> {
    let (mut key, mut renewed) = (work.key.borrow_and_update().clone(), false);
    let mut broken = 0;
    for number in 0..SENT_MAX {
        if over.load(Ordering::SeqCst) || broken >= BROKEN_MAX {
            break;
        }
        let target = format!("{}?by={}-{client}-{number}", work.path, work.who);
        let began = clock::now();
        let answer = line.send(Call::get(&target).key(&key)).await;
        let ended = clock::now();
        // One stream that is broken off leaves the connection as it is; a connection that is gone answers nobody.
        let (answer, ends, warned) = match &answer {
            Ok(answer) => {
                let ends = answer.field("wardgate-credential-expires").map(str::to_owned);
                (shown(answer), ends, answer.field("deprecation").is_some())
            }
            Err(_) => (BROKEN.to_owned(), None, false),
        };
        let warned = warned && ends.is_some();
        broken = if answer == BROKEN { broken + 1 } else { 0 };
        lock(&all).push(Sent { target, began, ended, answer, ends, renewed });
        // Whoever has no more keys to give leaves this one.
        if work.key.has_changed().unwrap_or(false) && (work.takes == Takes::AtOnce || warned) {
            (key, renewed) = (work.key.borrow_and_update().clone(), true);
        }
    }
    Ok(())
}

/// Whoever broke down while it held the lock left whole requests behind.
fn lock(sent: &Mutex<Vec<Sent>>) -> MutexGuard<'_, Vec<Sent>> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}
