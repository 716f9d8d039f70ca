//! Findings on record: when something began to worry, and when it did so no more, as events of the log.
//!
//! What `wardgate findings` shows is computed when it is asked, and nothing of it is remembered. Whoever looks back wants to know what was
//! known *then*: so the gate asks itself, after changes and from time to time, and records what is different from what it told before.
//! By the same look identities are graded: what policies read as `principal.quality`.

mod told;

use crate::{
    api::findings::{findings, grades_alone},
    bypass::Bypass,
    clock::{self, Instant},
    control::Control,
    risks::Risks,
    surface::Surface,
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::oneshot, task::JoinHandle};
use told::Told;
use wardgate_audit::sink::Log;
use wardgate_governance::quality::BEST;

/// How long after a change all findings are looked at; longer where looking takes long (`SHARE`).
pub const SOON: Duration = Duration::from_secs(15);
/// How often they are looked at although nothing changed: time alone makes some.
pub const EVERY: Duration = Duration::from_mins(10);
/// How long a start waits at the most until identities are graded.
const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// Of the time of one thread, the share that looking may take: one part in so many.
const SHARE: u32 = 3;

/// Who looks.
#[derive(Debug)]
pub struct Posture {
    /// What is on record.
    pub control: Arc<Control>,
    /// Where it is told.
    pub log: Arc<Log>,
    /// Ways round the gate.
    pub bypass: Bypass,
    /// Whose requests were risky.
    pub risks: Arc<Risks>,
    /// What is called.
    pub surface: Arc<Surface>,
}

impl Posture {
    /// Grades everybody, before the first request: what was refused for a grade is not let in by a restart. Without the store by what
    /// there is without it.
    pub async fn grade(&self) {
        let now = clock::now();
        let whole = tokio::time::timeout(FIRST_WITHIN, findings(&self.control, (&self.bypass, &self.risks, &self.surface), now)).await;
        let grades = match whole {
            Ok(Ok((_, grades))) => Ok(grades),
            Ok(Err(error)) => {
                tracing::warn!(%error, "identities are graded without what the store knows of their use and of their owners");
                grades_alone(&self.control, &self.bypass, now).await
            }
            Err(_) => return tracing::warn!("identities could not be graded in time: until they are, each is graded {BEST}"),
        };
        match grades {
            Ok(grades) => drop(self.control.grade(grades).await),
            Err(error) => tracing::error!(%error, "identities could not be graded: until they are, each is graded {BEST}"),
        }
    }

    /// Looks from now on. Call it within a runtime.
    pub fn start(self) -> JoinHandle<()> {
        tokio::spawn(self.follow())
    }

    async fn follow(self) {
        let mut told = Told::open(&self.control.config().state);
        let mut looked: Option<(u64, Instant)> = None;
        let (mut failing, mut pause) = (false, SOON);
        loop {
            tokio::time::sleep(pause).await;
            // Not by the wall's clock: one that is set back must not stop the looking.
            let (number, begun) = (self.control.gate().snapshot().number(), clock::instant());
            if looked.is_some_and(|(of, at)| of == number && begun.since(at) < EVERY) {
                continue;
            }
            let now = clock::now();
            match findings(&self.control, (&self.bypass, &self.risks, &self.surface), now).await {
                Ok((found, grades)) => {
                    failing = false;
                    // A snapshot that is another by these grades alone is no reason to look again.
                    let number = match self.control.grade(grades).await {
                        Some((before, graded)) if before == number => graded,
                        Some(_) | None => number,
                    };
                    // Where not all of it could be told, the next look goes on.
                    looked = told.tell(&found, &self.log, now).then_some((number, begun));
                    self.keep(&mut told).await;
                }
                Err(error) if !failing => {
                    tracing::error!(%error, "findings cannot be put on record: it is tried again");
                    failing = true;
                }
                Err(_) => {}
            }
            pause = SOON.max(clock::instant().since(begun).saturating_mul(SHARE));
        }
    }
    /// Keeps what was told, once it is in the log.
    async fn keep(&self, told: &mut Told) {
        let Some(unkept) = told.unkept() else { return };
        let (tell, written) = oneshot::channel();
        self.log.when_written(Box::new(move || {
            let _nobody_waits = tell.send(());
        }));
        // A log that fails holds on to what it was given: at the next look it may have it on disk.
        if written.await.is_ok() && !self.log.counters().failing && tokio::task::spawn_blocking(move || unkept.keep()).await.is_ok() {
            told.is_kept();
        }
    }
}
