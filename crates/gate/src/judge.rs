//! The judge: the whole way of a request, a line per room. Proxy, `explain`, replay and tests all come through here.

use crate::{
    arrival::Arrival,
    canon, commit, credential, identity, inspect,
    permit::Permit,
    proof::{self, Unready},
    reserve, risk, route,
    rule::{self, Ruled},
    snapshot::Snapshot,
    source, standing,
    step::{Answer, Held, Holding, Need, Step, Unproven},
};
use arc_swap::ArcSwap;
use smallvec::SmallVec;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use wardgate_abuse::{Meters, Reservation, watch::Sight};
use wardgate_model::{
    facts::{Facts, RequestFacts, SourceFacts, Stopped},
    id::{IdentityId, PolicyName},
    proof::ProofKind,
    reason::Reason,
    risk::Assessment,
    ruling::{LimitState, Response, Ruling},
    time::Time,
};

/// Rooms 1 to 6: who asks for what. A refusal is facts too, with what is known and why it was stopped.
#[must_use]
pub fn establish(arrival: &Arrival<'_>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Step<Facts, Unproven> {
    fn rooms(arrival: &Arrival<'_>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Facts, Unready> {
        let canonical = canon::read(arrival)?;
        let routed = route::find(canonical, snapshot)?;
        let sourced = source::admit(routed, snapshot, meters, now)?;
        let presented = credential::read(sourced, snapshot, now)?;
        let proven = proof::verify(presented, &[], snapshot, meters, now)?;
        Ok(identity::resolve(proven, snapshot, now)?)
    }
    match rooms(arrival, snapshot, meters, now) {
        Ok(facts) => Step::Done(facts),
        Err(Unready::Refused(refused)) => Step::Done(by_scheme(refused.into_facts(), arrival)),
        Err(Unready::Needs { need, .. }) => Step::Wait(Unproven(()), need),
    }
}

/// The same after what was needed was asked for, against the snapshot of *now*: all but room 3, which has counted the request.
/// What was asked for and is missing still is refused; something of another kind may be needed once more (a token in a body: the body
/// first, then the keys of its issuer).
#[must_use]
pub fn establish_with(
    arrival: &Arrival<'_>,
    _unproven: Unproven,
    answers: &[Answer],
    snapshot: &Snapshot,
    meters: &Meters,
    now: Time,
) -> Step<Facts, Unproven> {
    let rooms = || -> Result<Facts, Unready> {
        let canonical = canon::read(arrival)?;
        let routed = route::find(canonical, snapshot)?;
        let presented = credential::read(source::admitted(routed, snapshot), snapshot, now)?;
        let proven = proof::verify(presented, answers, snapshot, meters, now)?;
        Ok(identity::resolve(proven, snapshot, now)?)
    };
    let refused = match rooms() {
        Ok(facts) => return Step::Done(facts),
        Err(Unready::Refused(refused)) => refused,
        Err(Unready::Needs { facts, need }) => match answers.iter().find(|answer| need.is_answered_by(answer)) {
            Some(answer) => proof::unanswered(*facts, &need, answer, snapshot, meters, now),
            None => return Step::Wait(Unproven(()), need),
        },
    };
    let mut facts = by_scheme(refused.into_facts(), arrival);
    let upon = proof::upon(arrival, &facts, answers);
    if let Some(stopped) = facts.stopped.as_mut() {
        stopped.upon = upon;
    }
    Step::Done(facts)
}

/// Says by which scheme it was shown what is refused.
fn by_scheme(mut facts: Facts, arrival: &Arrival<'_>) -> Facts {
    if let Some(stopped) = &mut facts.stopped {
        stopped.by_possession = credential::is_by_possession(arrival.headers);
    }
    facts
}

/// Rooms 7 to 12: may it, here and now?
#[must_use]
pub fn decide(facts: &Facts, snapshot: &Snapshot, meters: &Meters, now: Time) -> Step<Verdict> {
    fn rooms(facts: &Facts, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Ruled, Unruled> {
        let considered = standing::consider(facts, snapshot)?;
        let reserved = reserve::take(considered, snapshot, meters, now)?;
        let inspected = looked(reserved, None, snapshot)?;
        let assessed = risk::assess(inspected, meters, now);
        Ok(rule::rule(assessed, snapshot, now)?)
    }
    ruled(rooms(facts, snapshot, meters, now), facts, snapshot, now)
}

/// Room 9, which may need the body: then what is reserved is held.
fn looked<'f>(reserved: reserve::Reserved<'f>, answer: Option<&Answer>, snapshot: &Snapshot) -> Result<inspect::Inspected<'f>, Unruled> {
    match inspect::inspect(reserved, answer, snapshot)? {
        inspect::Looked::Whole(inspected) => Ok(inspected),
        inspect::Looked::Waits(reserved, need) => Err(Unruled::Needs(need, Held(Holding::Reserved(Box::new(reserved.reservation))))),
    }
}

/// Room 12, or what is waited for before it.
fn ruled(ruled: Result<Ruled, Unruled>, facts: &Facts, snapshot: &Snapshot, now: Time) -> Step<Verdict> {
    let ruled = match ruled {
        Ok(ruled) => ruled,
        Err(Unruled::Denied(denial)) => Ruled::denied(*denial, facts),
        Err(Unruled::Needs(need, held)) => return Step::Wait(held, need),
    };
    match ruled.ruling.response {
        // Where a ruling does not bind, nobody waits for it.
        Response::Slow { delay } if ruled.ruling.enforced => {
            // Until then something may be heard of its task.
            let ruled = Ruled { lapses: None, ..ruled };
            Step::Wait(Held(Holding::Ruled(Box::new(ruled))), Need::Delay { until: now + delay })
        }
        Response::Slow { .. } | Response::Allow | Response::Challenge { .. } | Response::Block => {
            Step::Done(commit::commit(ruled, snapshot, now))
        }
    }
}

/// Goes on after a [`Need`] was answered, against the snapshot of *now*: with the room after the one that asked, and where that was room 9,
/// with the policy's constant answer, which may be another by now. What was counted is not counted again.
#[must_use]
pub fn resume(held: Held, answer: &Answer, facts: &Facts, snapshot: &Snapshot, meters: &Meters, now: Time) -> Step<Verdict> {
    fn rooms(
        reservation: Reservation,
        answer: &Answer,
        facts: &Facts,
        snapshot: &Snapshot,
        meters: &Meters,
        now: Time,
    ) -> Result<Ruled, Unruled> {
        let considered = standing::consider(facts, snapshot)?;
        let inspected = looked(reserve::Reserved { considered, reservation, lapses: None }, Some(answer), snapshot)?;
        let assessed = risk::assess(inspected, meters, now);
        Ok(rule::rule(assessed, snapshot, now)?)
    }
    match held.0 {
        Holding::Ruled(ruled) => Step::Done(commit::commit(*ruled, snapshot, now)),
        Holding::Reserved(reservation) => ruled(rooms(*reservation, answer, facts, snapshot, meters, now), facts, snapshot, now),
        // Whoever does not judge again does not know whether there is anything left.
        Holding::Nothing => Step::Done(Verdict::refused(Reason::ReserveFault)),
    }
}

/// The refusal of a request that was to wait until then, where there is no room for one more who waits: it may come again when it would
/// have gone on. What it reserved is given back.
#[must_use]
pub fn turn_away(held: Held, until: Time, now: Time) -> Verdict {
    let seconds = u64::try_from(until.since(now).as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
    let ruling = match held.0 {
        Holding::Ruled(ruled) => ruled.ruling,
        Holding::Nothing | Holding::Reserved(_) => Ruling::refused(Reason::RiskSlowed),
    };
    Verdict { ruling: Ruling { response: Response::Block, retry_after_s: Some(seconds), ..ruling }, permit: None, sight: None }
}

/// Facts of a request that is only described: by whom, with which kind of proof. For `explain` and plans; the rooms that look
/// at credentials are left out, and nothing is metered.
///
/// # Errors
/// When no such identity is on record.
pub fn describe(arrival: &Arrival<'_>, identity: &IdentityId, kind: ProofKind, snapshot: &Snapshot) -> Result<Facts, UnknownIdentity> {
    let identity = snapshot.identity(identity).ok_or(UnknownIdentity)?;
    let rooms = || {
        let canonical = canon::read(arrival)?;
        route::find(canonical, snapshot).map(route::Routed::into_facts)
    };
    let mut facts = rooms().unwrap_or_else(Refused::into_facts);
    facts.source.zone = snapshot.zone(facts.source.address).cloned();
    facts.source.look_up(snapshot.atlas());
    let caller = identity::described(identity, kind, snapshot, arrival.time);
    if facts.stopped.is_none() && identity::is_contained(&caller, snapshot) {
        facts.stopped = Some(Stopped::because(Reason::IdentityContained));
    }
    facts.caller = Some(caller);
    Ok(facts)
}

/// No such identity is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such identity is on record")]
pub struct UnknownIdentity;

/// What the judge says.
#[derive(Debug)]
pub struct Verdict {
    /// The decision.
    pub ruling: Ruling,
    /// Leave to forward; there exactly when the ruling forwards.
    pub permit: Option<Permit>,
    /// What was seen of the request in room 10, for the watch to learn by when it is over; `None`: it did not come so far.
    pub sight: Option<Sight>,
}

impl Verdict {
    /// A refusal for one reason, before or beside the rooms.
    #[must_use]
    pub fn refused(reason: Reason) -> Self {
        Self { ruling: Ruling::refused(reason), permit: None, sight: None }
    }
}

/// A refusal in rooms 1 to 6: the facts so far, and why.
#[derive(Debug)]
pub struct Refused(Box<Facts>);

impl Refused {
    /// Stops here.
    #[must_use]
    pub fn new(mut facts: Facts, reason: Reason) -> Self {
        facts.stopped = Some(Stopped::because(reason));
        Self(Box::new(facts))
    }

    /// Says when another try can succeed, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: Option<u64>) -> Self {
        if let Some(stopped) = &mut self.0.stopped {
            stopped.retry_after_s = seconds;
        }
        self
    }

    fn into_facts(self) -> Facts {
        *self.0
    }
}

/// Why there is no ruling by all rooms.
#[derive(Debug)]
pub enum Unruled {
    /// A room refused.
    Denied(Box<Denial>),
    /// A room needs something first, and holds this meanwhile.
    Needs(Need, Held),
}

impl From<Box<Denial>> for Unruled {
    fn from(denial: Box<Denial>) -> Self {
        Self::Denied(denial)
    }
}

/// A refusal in rooms 7 to 11.
#[derive(Debug)]
pub struct Denial {
    pub(crate) reason: Reason,
    pub(crate) policies: Arc<[PolicyName]>,
    pub(crate) limits: SmallVec<[LimitState; 2]>,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) assessment: Assessment,
    pub(crate) told: Option<Box<str>>,
}

impl Denial {
    /// Boxed, so that the way of an allowed request does not carry its size along.
    pub(crate) fn because(reason: Reason) -> Box<Self> {
        Box::new(Self {
            reason,
            policies: Arc::default(),
            limits: SmallVec::new(),
            retry_after_s: None,
            assessment: Assessment::default(),
            told: None,
        })
    }

    /// Says where the request is not as it should be.
    pub(crate) fn told(mut self: Box<Self>, told: Box<str>) -> Box<Self> {
        self.told = Some(told);
        self
    }

    pub(crate) fn assessed(mut self: Box<Self>, assessment: Assessment) -> Box<Self> {
        self.assessment = assessment;
        self
    }

    pub(crate) fn policies(mut self: Box<Self>, policies: Arc<[PolicyName]>) -> Box<Self> {
        self.policies = policies;
        self
    }

    pub(crate) fn limits(mut self: Box<Self>, limits: SmallVec<[LimitState; 2]>, retry_after_s: Option<u64>) -> Box<Self> {
        self.limits = limits;
        self.retry_after_s = retry_after_s;
        self
    }
}

/// The facts that arrival and request alone give.
#[inline]
pub(crate) fn blank(arrival: &Arrival<'_>, request: RequestFacts) -> Facts {
    Facts {
        id: arrival.id,
        time: arrival.time,
        door: arrival.door,
        trace: None,
        request,
        source: SourceFacts {
            tls: arrival.handshake.map(|handshake| Arc::clone(&handshake.fingerprint)),
            ..SourceFacts::at(canon::address(arrival.peer))
        },
        api: None,
        operation: None,
        resource: None,
        caller: None,
        purpose: None,
        stopped: None,
        unknown: None,
        assessed: None,
    }
}

/// The running judge: the snapshot of now, the meters, and the count of rulings. Shared by all doors of a process.
#[derive(Debug)]
pub struct Gate {
    snapshot: ArcSwap<Snapshot>,
    meters: Meters,
    rulings: AtomicU64,
}

impl Gate {
    /// Starts with a snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot, meters: Meters) -> Self {
        Self { snapshot: ArcSwap::from_pointee(snapshot), meters, rulings: AtomicU64::new(0) }
    }

    /// The snapshot of now. Hold it no longer than one step.
    #[must_use]
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// The meters. They outlive snapshots.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Publishes a snapshot: the next step of every request sees it. There is one publisher.
    pub fn publish(&self, snapshot: Snapshot) {
        let before = self.snapshot.load();
        self.snapshot.store(Arc::new(snapshot.after(&before)));
    }

    /// The number of the next ruling: how many there were.
    #[must_use]
    pub fn judge_order(&self) -> u64 {
        self.rulings.load(Ordering::Relaxed)
    }

    /// Numbers the rulings of this process, in the order they were made.
    #[must_use]
    pub fn next_judge_order(&self) -> u64 {
        self.rulings.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(crate) mod tests_support {
    /// The facts of a refusal, for the tests of single rooms.
    pub(crate) fn facts(refused: super::Refused) -> super::Facts {
        refused.into_facts()
    }
}
