//! While the store is away: whether it is, what is obeyed all the same, and how that comes on record afterwards.

use super::{
    Control,
    heard::Tried,
    pending::{self, TooMany},
};
use crate::clock;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use wardgate_audit::sink::ChangeRecord;
use wardgate_console::{HereStop, Journaled, Stopping};
use wardgate_model::{event::EventSink as _, id::CredentialId};
use wardgate_store::{Actor, Blame, Precondition, StoreFault, Who};

/// How often the store is asked whether it is there.
const BEATS: Duration = Duration::from_secs(1);

impl Control {
    /// Asks the store once a second whether it is there, for as long as the process runs; at once when somebody doubts it.
    pub async fn listen(self: Arc<Self>) {
        loop {
            if self.store.is_back() {
                let beat = self.store.beat().await;
                self.heard.note(Tried::Beat, beat.as_ref().map(drop));
            }
            tokio::select! {
                () = tokio::time::sleep(BEATS) => {}
                () = self.doubted.notified() => {}
            }
        }
    }

    /// Somebody could not do something because the store was away.
    pub fn doubt(&self) {
        self.doubtful.store(true, Ordering::Release);
        self.doubted.notify_one();
        self.behind.notify_one();
    }

    /// Whether changes can be written, where that is in doubt.
    pub(super) async fn prove(&self) -> Result<(), StoreFault> {
        let doubtful = self.doubtful.swap(false, Ordering::AcqRel);
        if !doubtful && self.pending.count() == 0 && !self.heard.failed(Tried::Write) {
            return Ok(());
        }
        let proven = self.store.prove_writable().await;
        self.heard.note(Tried::Write, proven.as_ref().map(drop));
        // What can be read is followed all the same.
        Ok(())
    }

    /// Obeys a stop now, and keeps it until it can be put on record.
    ///
    /// # Errors
    /// When as many wait as may. It is obeyed until this process ends.
    pub async fn stop_here(&self, stop: HereStop) -> Result<Journaled, String> {
        // First of all, and whatever becomes of the journal.
        self.denied.stop_all(pending::subject(&stop), clock::now());
        self.cry(&stop);
        let (waiting, kept) = (Arc::clone(&self.pending), stop.clone());
        let journaled = tokio::task::spawn_blocking(move || waiting.add(kept)).await;
        self.doubt();
        match journaled {
            Ok(Ok(journaled)) => Ok(journaled),
            Ok(Err(TooMany)) => Err(format!("{TooMany}: `{}` is stopped here until this gate ends", stop.name)),
            Err(error) => {
                tracing::error!(%error, "the journal of stops broke off");
                Ok(Journaled::InMemory)
            }
        }
    }

    /// Into the log, at once: the feed will have it later.
    fn cry(&self, stop: &HereStop) {
        let (what, kind) = match stop.stopping {
            Stopping::Contain(kind) => ("contain_here", kind.as_str()),
            Stopping::Revoke => ("revoke_here", "credential"),
        };
        tracing::error!(kind, name = %stop.name, actor = %stop.actor, "STOPPED HERE ONLY: the store is away, other gates do not know it");
        let record = ChangeRecord {
            time: stop.at,
            actor: stop.actor.as_str().into(),
            what: what.into(),
            kind: kind.into(),
            name: stop.name.clone(),
            reason: Some(stop.reason.clone()).filter(|reason| !reason.is_empty()),
            of: Vec::new(),
        };
        if self.log.record_change(record).is_err() {
            self.log.count_dropped();
        }
    }

    /// How many stops are obeyed here and not on record.
    #[must_use]
    pub fn unrecorded(&self) -> usize {
        self.pending.count()
    }

    /// Whether the last good state cannot be kept on disk.
    #[must_use]
    pub fn last_failing(&self) -> bool {
        self.last_failing.load(Ordering::Relaxed)
    }

    /// Puts on record what was stopped while the store was away, in order. Interrupted, it begins again: what is on record
    /// already stays as it is.
    ///
    /// # Errors
    /// The store is away still, or again.
    pub(super) async fn merge(&self) -> Result<(), StoreFault> {
        if self.pending.count() == 0 || self.heard.failed(Tried::Write) {
            return Ok(());
        }
        let merged = self.merge_all().await;
        let waiting = Arc::clone(&self.pending);
        // Should it fail, they are put on record once more.
        drop(tokio::task::spawn_blocking(move || waiting.tidy()).await);
        merged
    }

    async fn merge_all(&self) -> Result<(), StoreFault> {
        while let Some(stop) = self.pending.first() {
            match self.put_on_record(&stop).await {
                Ok(seq) => {
                    // Known from the feed before it is not known from here any more.
                    self.heed(seq).await?;
                    tracing::info!(name = %stop.name, seq, "a stop that was obeyed here is on record");
                }
                Err(fault) if fault.blame() == Blame::Ourselves => return Err(fault),
                Err(fault) => tracing::error!(name = %stop.name, %fault, "a stop that was obeyed here cannot be put on record"),
            }
            self.pending.done(&stop);
        }
        Ok(())
    }

    async fn put_on_record(&self, stop: &HereStop) -> Result<u64, StoreFault> {
        let (actor, now) = (Actor::new(Who::Identity(stop.actor.clone()), stop.reason.clone()), clock::now());
        match stop.stopping {
            Stopping::Contain(kind) => Ok(self.store.contain_since(&actor, kind, &stop.name, stop.at, now).await?.revision),
            Stopping::Revoke => {
                let id = CredentialId::parse(&stop.name);
                let id = id.ok_or_else(|| StoreFault::NotFound { what: "credential", name: stop.name.to_string() })?;
                Ok(self.store.revoke_credential_since(&actor, &id, Precondition::Any, stop.at, now).await?.revision)
            }
        }
    }
}

#[cfg(test)]
mod tests;
