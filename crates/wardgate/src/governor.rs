//! What the clock does: claims that nobody made, owners who are gone, times and contracts that are over, acts that nobody
//! decided.
//!
//! `governance::due` says what is due, the store does each deed by compare-and-set, the gate obeys. So it may run in two
//! processes at once, be interrupted anywhere and start again: what was done is not due any more. Bounded: at most
//! [`DEEDS_MAX`] deeds a tick, the rest in the next.

#[cfg(test)]
pub(crate) mod ground;
mod situation;

use crate::{clock, control::Control};
use situation::Look;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};
use wardgate_audit::sink::{FindingRecord, Log};
use wardgate_governance::{
    due::Due,
    lifecycle::{self, Move},
};
use wardgate_model::{event::EventSink as _, inventory::IdentityState, time::Time};
use wardgate_store::{Actor, Claim, Step, StoreFault, Who};

/// How often the clock is looked at.
pub const EVERY: Duration = Duration::from_secs(1);
/// Deeds in one tick.
pub const DEEDS_MAX: usize = 200;
/// Where more identities than this are on record, all of them are looked at only every [`SCAN_EVERY`]. The gate itself
/// refuses an identity whose time is over from that moment on.
pub const SCAN_IDENTITIES: usize = 20_000;
/// How often all identities are looked at where there are many.
pub const SCAN_EVERY: Duration = Duration::from_secs(60);

/// The clock's hand.
#[derive(Debug)]
pub struct Governor {
    told: Arc<Notify>,
    deeds: Arc<AtomicU64>,
    running: JoinHandle<()>,
}

impl Governor {
    /// Has it look now: something changed that the clock may have a say in.
    pub fn tell(&self) {
        self.told.notify_one();
    }

    /// Where deeds are counted (`wardgate_due_total`).
    #[must_use]
    pub fn deeds(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.deeds)
    }
}

impl Drop for Governor {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Looks at the clock from now on. Call it within a runtime.
#[must_use]
pub fn start(control: Arc<Control>, log: Arc<Log>) -> Governor {
    let (told, deeds) = (Arc::new(Notify::new()), Arc::new(AtomicU64::new(0)));
    let hand = Hand { control, log, deeds: Arc::clone(&deeds), scanned: Time::default() };
    let running = tokio::spawn(hand.run(Arc::clone(&told)));
    Governor { told, deeds, running }
}

struct Hand {
    control: Arc<Control>,
    log: Arc<Log>,
    deeds: Arc<AtomicU64>,
    /// When all identities were last looked at.
    scanned: Time,
}

impl Hand {
    async fn run(mut self, told: Arc<Notify>) {
        let mut failing = false;
        loop {
            match self.tick(clock::now()).await {
                Ok(done) => {
                    if failing {
                        tracing::info!("what is due is done again");
                    }
                    failing = false;
                    // There may be more.
                    if done >= DEEDS_MAX {
                        tokio::task::yield_now().await;
                        continue;
                    }
                }
                Err(error) if !failing => {
                    tracing::error!(%error, "what is due cannot be done: it is tried again");
                    failing = true;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = told.notified() => self.scanned = Time::default(),
            }
        }
    }

    /// Does what is due at `now`. Gives how many deeds that were.
    async fn tick(&mut self, now: Time) -> Result<usize, StoreFault> {
        let identities = self.control.gate().snapshot().population().identities().len();
        let look = if identities <= SCAN_IDENTITIES || now.since(self.scanned) >= SCAN_EVERY { Look::AtAll } else { Look::AtClaims };
        let due = situation::due(&self.control, look, now).await?;
        let all = due.len();
        let (mut seq, mut done) = (0, 0);
        for deed in due.into_iter().take(DEEDS_MAX) {
            if let Some(revision) = self.do_it(&deed, now).await? {
                seq = seq.max(revision);
                done += 1;
                self.deeds.fetch_add(1, Ordering::Relaxed);
                self.tell_of(&deed, now);
            }
        }
        if look == Look::AtAll && all <= DEEDS_MAX {
            self.scanned = now;
        }
        if seq > 0 {
            self.control.obey(seq).await?;
        }
        Ok(done)
    }

    /// Does one deed; `None`: somebody else was first, or has changed what made it due. Gives the number of the change.
    async fn do_it(&self, deed: &Due, now: Time) -> Result<Option<u64>, StoreFault> {
        let store = self.control.store();
        let actor = Actor::new(Who::Process, deed.reason());
        let step = |from, to| Step { from, to, evidence: None, claim_by: None };
        let suspend = || step(vec![IdentityState::Active], IdentityState::Suspended);
        let done = match deed {
            Due::ClaimOverdue { identity } => store.set_claim(&actor, identity, Claim::Overdue, now).await.map(|status| status.revision),
            Due::SuspendOrphan { identity, .. } | Due::SuspendEnded { identity } => {
                store.step_identity(&actor, identity, &suspend(), now).await.map(|status| status.revision)
            }
            Due::Retire { identity } => {
                let retire = step(lifecycle::origins(Move::Retire), IdentityState::Retired);
                store.step_identity(&actor, identity, &retire, now).await.map(|status| status.revision)
            }
            Due::EndWithContract { credential, at, .. } | Due::EndWithWaiver { credential, at, .. } => {
                store.end_credential_at(&actor, credential, *at, now).await.map(|stored| stored.revision)
            }
            Due::Lapse { id } => {
                let lapsed = store.lapse_approvals(now).await?;
                Ok(lapsed.iter().filter(|approval| approval.id == *id).map(|approval| approval.revision).max().unwrap_or_default())
            }
        };
        match done {
            Ok(0) | Err(StoreFault::Conflict { .. } | StoreFault::NotFound { .. } | StoreFault::Stale { .. }) => Ok(None),
            Ok(revision) => Ok(Some(revision)),
            Err(fault) => Err(fault),
        }
    }

    /// What somebody has to mend is a finding, beside the change itself.
    fn tell_of(&self, deed: &Due, now: Time) {
        let (code, severity, kind, name) = match deed {
            Due::ClaimOverdue { identity } => ("claim.overdue", "high", "identity", identity.to_string()),
            Due::SuspendOrphan { identity, .. } => ("owner.departed", "high", "identity", identity.to_string()),
            Due::SuspendEnded { identity } => ("identity.ended", "medium", "identity", identity.to_string()),
            Due::Retire { identity } => ("identity.retired", "low", "identity", identity.to_string()),
            Due::EndWithContract { credential, .. } => ("contract.over", "medium", "credential", credential.to_string()),
            Due::EndWithWaiver { credential, .. } => ("waiver.over", "medium", "credential", credential.to_string()),
            Due::Lapse { id } => ("approval.lapsed", "low", "approval", id.to_string()),
        };
        tracing::warn!(code, kind, name, "{}", deed.reason());
        let (code, severity, kind) = (code.into(), severity.into(), kind.into());
        let finding = FindingRecord { time: now, code, severity, kind, name: name.into(), what: deed.reason().into() };
        if self.log.record_finding(finding).is_err() {
            self.log.count_dropped();
        }
    }
}

#[cfg(test)]
mod tests;
