//! How a rehearsal goes: every lane at the same time, honest ones first, within bounds of requests and time.
//!
//! An attack ends when its calls are made, when it has come to nothing [`GIVEN_UP`] times one after the other, or at a bound. Honest lanes go on
//! until it has ended.

use super::{
    caller::{Answered, Caller, Shown},
    gateway::Gateway,
    script::{Calls, Lane, Side},
};
use crate::clock::{self, Instant};
use indicatif::ProgressBar;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet};

/// After so many attack requests that came to nothing, one after the other, the attack is over.
const GIVEN_UP: u32 = 30;
/// Answers of each honest lane before the attack begins: what is usual in this run.
pub(super) const WARM: u32 = 8;
/// Honest calls of one lane during the attack, at the least, where there is time.
const BESIDE: u32 = 12;

/// Bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) requests: u64,
    pub(super) lasting: Duration,
}

/// One request and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) side: Side,
    /// Since the rehearsal began.
    pub(super) at: Duration,
    pub(super) took: Duration,
    /// Whether the attack had begun.
    pub(super) during: bool,
    pub(super) answered: Answered,
}

/// What all lanes know of each other.
struct Course {
    began: Instant,
    bounds: Bounds,
    sent: AtomicU64,
    /// Honest lanes that have had their first answers.
    warm: watch::Sender<usize>,
    /// Attack lanes that are under way.
    attacking: watch::Sender<usize>,
    in_vain: AtomicU32,
    bar: ProgressBar,
}

/// What came of it all, in the order of time.
pub(super) struct Ran {
    pub(super) sent: Vec<Sent>,
    /// When the attack began.
    pub(super) attack: Duration,
    pub(super) took: Duration,
    /// Whether a bound ended it.
    pub(super) bounded: bool,
}

/// Runs every lane; `shown` says what each shows.
pub(super) async fn run(gate: &Arc<Gateway>, lanes: Vec<(Lane, Shown)>, bounds: Bounds, bar: ProgressBar) -> Ran {
    let honest = lanes.iter().filter(|(lane, _)| lane.side != Side::Attack).count();
    let course = Arc::new(Course {
        began: clock::instant(),
        bounds,
        sent: AtomicU64::new(0),
        warm: watch::Sender::new(0),
        attacking: watch::Sender::new(lanes.len() - honest),
        in_vain: AtomicU32::new(0),
        bar,
    });
    let mut running = JoinSet::new();
    for (lane, shown) in lanes {
        let caller = Caller::new(Arc::clone(gate), lane.from, lane.software, shown);
        let course = Arc::clone(&course);
        running.spawn(async move {
            match lane.side {
                Side::Attack => course.attack(lane, caller, honest).await,
                Side::Bystander | Side::Owner => course.honest(lane, caller).await,
            }
        });
    }
    let mut sent = Vec::new();
    while let Some(lane) = running.join_next().await {
        sent.extend(lane.unwrap_or_default());
    }
    course.bar.finish_and_clear();
    sent.sort_by_key(|one| one.at);
    let attack = sent.iter().filter(|one| one.side == Side::Attack).map(|one| one.at).min().unwrap_or_default();
    Ran { sent, attack, took: clock::instant().since(course.began), bounded: course.is_over() }
}

impl Course {
    fn is_over(&self) -> bool {
        self.sent.load(Ordering::Relaxed) >= self.bounds.requests || self.left().is_zero()
    }

    fn left(&self) -> Duration {
        self.bounds.lasting.saturating_sub(clock::instant().since(self.began))
    }

    async fn send(&self, lane: &Lane, caller: &mut Caller, call: &super::caller::Call) -> Sent {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(1);
        let at = clock::instant();
        let answered = caller.send(call).await;
        let during = lane.side == Side::Attack || *self.warm.borrow() == usize::MAX;
        Sent { side: lane.side, at: at.since(self.began), took: clock::instant().since(at), during, answered }
    }

    /// Somebody honest: until the attack is over.
    async fn honest(&self, lane: Lane, mut caller: Caller) -> Vec<Sent> {
        let mut sent: Vec<Sent> = Vec::new();
        let (calls, ends) = match &lane.calls {
            Calls::Once(calls) => (calls.clone(), Some(calls.len())),
            Calls::Round(calls) => (calls.clone(), None),
        };
        let (mut attacking, mut warm, mut beside) = (self.attacking.subscribe(), false, 0);
        for (number, call) in calls.iter().cycle().enumerate() {
            if ends.is_some_and(|ends| number >= ends) || self.is_over() {
                break;
            }
            let over = *attacking.borrow_and_update() == 0;
            if over && (beside >= BESIDE || ends.is_some()) {
                break;
            }
            let one = self.send(&lane, &mut caller, call).await;
            beside += u32::from(one.during);
            sent.push(one);
            if !warm && (number + 1 >= WARM as usize) {
                warm = true;
                self.is_warm();
            }
            // Until the attack ends there is a pace to keep; afterwards what is left is made quickly.
            let pace = if over { lane.every.min(Duration::from_millis(20)) } else { lane.every };
            tokio::time::sleep(pace.min(self.left())).await;
        }
        if !warm {
            self.is_warm();
        }
        sent
    }

    fn is_warm(&self) {
        self.warm.send_modify(|warm| *warm = warm.saturating_add(1));
    }

    /// Somebody hostile: until it has made its calls, or gives up.
    async fn attack(&self, lane: Lane, mut caller: Caller, honest: usize) -> Vec<Sent> {
        // Once all are warm it stays so, whoever asks later.
        let warm = self.warm.subscribe().wait_for(|warm| *warm >= honest).await.is_ok();
        if warm {
            self.warm.send_if_modified(|warm| std::mem::replace(warm, usize::MAX) != usize::MAX);
        }
        tokio::time::sleep(lane.after.min(self.left())).await;
        let mut sent = Vec::new();
        let (Calls::Once(calls) | Calls::Round(calls)) = &lane.calls;
        for call in calls {
            if self.is_over() || self.in_vain.load(Ordering::Relaxed) >= GIVEN_UP {
                break;
            }
            let one = self.send(&lane, &mut caller, call).await;
            match one.answered.reached() {
                true => self.in_vain.store(0, Ordering::Relaxed),
                false => drop(self.in_vain.fetch_add(1, Ordering::Relaxed)),
            }
            sent.push(one);
            tokio::time::sleep(lane.every.min(self.left())).await;
        }
        self.attacking.send_modify(|attacking| *attacking = attacking.saturating_sub(1));
        sent
    }
}

impl Answered {
    /// Whether the upstream was reached, as far as the answer tells.
    pub(super) fn reached(&self) -> bool {
        match &self.reason {
            None => self.status.is_some(),
            Some(reason) => matches!(reason.as_str(), "forward.timeout" | "forward.malformed"),
        }
    }

    /// Whether it is the upstream that did not answer as it should.
    pub(super) fn is_upstreams_own(&self) -> bool {
        self.reason.as_deref().is_some_and(|reason| matches!(reason, "forward.connect" | "forward.timeout" | "forward.malformed"))
    }
}
