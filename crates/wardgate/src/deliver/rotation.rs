//! The whole of a replacement: staged → delivered → promoted → settled, or reverted.
//!
//! Whatever happens on the way, one of two secrets that the upstream knows is in use: the old one until the new one was
//! delivered, and the old one again when the upstream refuses the new. After a restart what was promoted and not settled is
//! waited for again, and what was staged stays unused until somebody replaces it anew.

use super::{
    Settings,
    outcome::{Awaited, Outcome},
    place::Place,
};
use crate::{clock, control::Control};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::{sync::mpsc, task::JoinHandle};
use wardgate_audit::sink::{FindingRecord, Log};
use wardgate_console::{Code, Problem, SecretRotation};
use wardgate_model::{
    event::{Event, EventSink as _},
    id::SecretName,
    secret::Secret,
};
use wardgate_proof::entropy::{Entropy as _, SystemEntropy};
use wardgate_store::{Actor, Store, StoreFault, StoredSecret, Who};

/// Outcomes that may wait to be acted upon: one of each secret at the most, and there are never so many.
const OUTCOMES_MAX: usize = 1_024;
/// Bytes of randomness in a secret that is made here.
const SECRET_BYTES: usize = 32;

/// Replacements under way.
#[derive(Debug)]
pub struct Deliveries {
    settings: Settings,
    /// How many outcomes are waited for: most of the time none, and then a request costs nothing.
    waiting: AtomicUsize,
    awaited: Mutex<Awaited>,
    /// INVARIANT (one at a time): a secret is in here from staging until it is promoted.
    busy: Mutex<HashSet<SecretName>>,
    outcomes: mpsc::Sender<(SecretName, Outcome)>,
    coming: Mutex<Option<mpsc::Receiver<(SecretName, Outcome)>>>,
    settled: AtomicU64,
    reverted: AtomicU64,
}

impl Deliveries {
    /// With what is configured.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let (outcomes, coming) = mpsc::channel(OUTCOMES_MAX);
        Self {
            settings,
            waiting: AtomicUsize::new(0),
            awaited: Mutex::default(),
            busy: Mutex::default(),
            outcomes,
            coming: Mutex::new(Some(coming)),
            settled: AtomicU64::new(0),
            reverted: AtomicU64::new(0),
        }
    }

    /// Looks at what an upstream answered. Cheap, waits for nothing.
    pub fn observe(&self, event: &Event) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut awaited = lock(&self.awaited);
        let Some((secret, outcome)) = awaited.told(event).map(|(secret, outcome)| (secret.clone(), outcome)) else { return };
        // No room: the next answer tells it again.
        if self.outcomes.try_send((secret.clone(), outcome)).is_ok() {
            awaited.remove(&secret);
            self.waiting.store(awaited.len(), Ordering::Relaxed);
        }
    }

    /// Replacements that came to their end, and those that were taken back, since the start.
    #[must_use]
    pub fn counters(&self) -> (u64, u64) {
        (self.settled.load(Ordering::Relaxed), self.reverted.load(Ordering::Relaxed))
    }

    /// Replaces a secret; returns when the new one is in use.
    ///
    /// # Errors
    /// It is not on record, is being replaced already, or could not be delivered: then the old one stays in use.
    pub async fn rotate(&self, control: &Arc<Control>, actor: &Actor, rotation: SecretRotation) -> Result<StoredSecret, Problem> {
        let SecretRotation { name, value, deliver } = rotation;
        let _busy = Busy::take(&self.busy, &name)
            .ok_or_else(|| Problem::new(Code::Conflict, format!("the secret `{name}` is being replaced at this moment")))?;
        let place = deliver.as_ref().map(|delivery| Place::find(delivery, &name, &self.settings)).transpose()?;
        let fresh = match value {
            Some(value) => value,
            None if place.is_none() => {
                let why = "a new secret that is neither given nor delivered would be known to nobody: give `value` or `deliver`";
                return Err(Problem::new(Code::Unfit, why));
            }
            None => random().map_err(Problem::fault)?,
        };
        let store = control.store();
        let before = on_record(store, &name).await?;
        if before.previous.is_some() {
            let why = format!(
                "the secret `{name}` was replaced and the upstream was not yet seen to take the new one: wait for a request, or put one \
                 with `wardgate secret put`"
            );
            return Err(Problem::new(Code::Conflict, why));
        }
        let sealed = control.material().seal(&name, fresh.danger_expose().as_bytes()).map_err(Problem::fault)?;
        store.stage_secret(actor, &name, &sealed, clock::now()).await?;
        if let Some(place) = place
            && let Err(fault) = place.bring(&fresh).await
        {
            tracing::error!(secret = %name, error = %fault, "an upstream secret was not delivered; the old one stays in use");
            let undelivered = Actor::new(Who::Process, fault.to_string());
            store.revert_secret(&undelivered, &name, clock::now()).await?;
            return Err(fault.into());
        }
        let promoted = store.promote_secret(actor, &name, clock::now()).await?;
        control.obey(promoted.revision).await?;
        self.wait_for(name.clone(), control.gate().snapshot().number());
        Ok(promoted)
    }

    fn wait_for(&self, secret: SecretName, since_snapshot: u64) {
        self.change_awaited(|awaited| awaited.add(secret, since_snapshot));
    }

    fn change_awaited(&self, change: impl FnOnce(&mut Awaited)) {
        let mut awaited = lock(&self.awaited);
        change(&mut awaited);
        self.waiting.store(awaited.len(), Ordering::Relaxed);
    }

    /// Acts upon what the upstream was seen to do.
    async fn conclude(&self, control: &Arc<Control>, log: &Log, secret: &SecretName, outcome: Outcome) -> Result<(), StoreFault> {
        let (store, now) = (control.store(), clock::now());
        // Until this is kept nobody can replace it anew, so nothing newer is forgotten here.
        self.change_awaited(|awaited| awaited.remove(secret));
        let on_record = store.secrets().await?.into_iter().find(|stored| stored.name == *secret);
        if on_record.is_none_or(|stored| stored.previous.is_none()) {
            // Somebody put another secret meanwhile, or another process was first.
            return Ok(());
        }
        let done = match outcome {
            Outcome::Taken => {
                let actor = Actor::new(Who::Process, "the upstream takes it");
                let done = store.settle_secret(&actor, secret, now).await;
                self.settled.fetch_add(u64::from(done.is_ok()), Ordering::Relaxed);
                done
            }
            Outcome::Refused(status) => {
                let what = format!("the upstream answered {status} to the new secret: the old one is in use again");
                tracing::error!(secret = %secret, status, "an upstream refuses its new secret: the old one is in use again");
                let done = store.revert_secret(&Actor::new(Who::Process, &*what), secret, now).await;
                self.reverted.fetch_add(u64::from(done.is_ok()), Ordering::Relaxed);
                let (code, severity, kind) = ("secret.refused".into(), "high".into(), "secret".into());
                let finding = FindingRecord { time: now, code, severity, kind, name: secret.as_str().into(), what: what.into() };
                if log.record_finding(finding).is_err() {
                    log.count_dropped();
                }
                done
            }
        };
        match done {
            Ok(secret) => control.obey(secret.revision).await,
            Err(StoreFault::Conflict { .. } | StoreFault::NotFound { .. }) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

async fn on_record(store: &Store, name: &SecretName) -> Result<StoredSecret, Problem> {
    let found = store.secrets().await?.into_iter().find(|secret| secret.name == *name);
    found.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no secret `{name}`")))
}

/// A secret that no one has thought of.
fn random() -> anyhow::Result<Secret<String>> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = zeroize::Zeroizing::new([0_u8; SECRET_BYTES]);
    SystemEntropy.fill(&mut *bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(*bytes)))
}

/// Holds a secret while it is replaced.
struct Busy<'a> {
    all: &'a Mutex<HashSet<SecretName>>,
    name: &'a SecretName,
}

impl<'a> Busy<'a> {
    fn take(all: &'a Mutex<HashSet<SecretName>>, name: &'a SecretName) -> Option<Self> {
        lock(all).insert(name.clone()).then_some(Self { all, name })
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        lock(self.all).remove(self.name);
    }
}

/// Whoever broke down while it held the lock left nothing half done: each change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for outcomes and acts upon them; takes up what an earlier run left. Ends with its runtime.
#[must_use]
pub fn start(deliveries: Arc<Deliveries>, control: Arc<Control>, log: Arc<Log>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(mut coming) = lock(&deliveries.coming).take() else { return };
        match control.store().secrets().await {
            Ok(secrets) => {
                // What is in use now is what is waited for: every request from here on shows it.
                let left = secrets.into_iter().filter(|secret| secret.previous.is_some());
                left.for_each(|secret| deliveries.change_awaited(|awaited| awaited.take_up(secret.name)));
            }
            Err(error) => tracing::error!(%error, "secrets that were being replaced cannot be read: their old versions are kept"),
        }
        while let Some((secret, outcome)) = coming.recv().await {
            if let Err(error) = deliveries.conclude(&control, &log, &secret, outcome).await {
                tracing::error!(%error, %secret, "what became of a new secret cannot be kept: the next answer of its upstream tells it again");
                deliveries.wait_for(secret, control.gate().snapshot().number());
            }
        }
    })
}

#[cfg(test)]
mod tests;
