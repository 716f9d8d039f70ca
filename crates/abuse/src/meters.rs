//! All counters of a process: taken from, given back to, forgotten when idle, never more than bounded.

use crate::{
    budget::Budgets,
    calendar,
    journal::{Journal, MeterRecord},
    key::{Counted, KeyRef, MeterKey, NameRef, SourceNet, SubjectRef},
    ledger::Short,
    limits::{Asked, Limits, Paced, Part, Rule},
    meter::{Gauge, Meter},
    reservation::{Refusal, Reservation, Taken, Taking, Took},
    states::{self, States},
    watch::Watch,
};
use smallvec::SmallVec;
use std::{
    fmt,
    net::IpAddr,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use wardgate_model::{facts::Facts, limit::Per, reason::Reason, ruling::LimitState, time::Time};

/// What a failed proof costs its source, in requests, on top of the one that carried it.
const FAILED_PROOF_COST: u64 = 10;

/// How many meters there may be. Who comes when there is no room shares one meter per limit with all who came so, unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterBounds {
    /// Meters of identities, credentials, operations, APIs and owners. These are as many as the inventory has, times limits.
    pub named_max: usize,
    /// Meters of sources: anybody can make these. A meter takes about 250 bytes.
    pub sources_max: usize,
    /// Meters of people that identities call on behalf of. Who comes when there is no room shares a meter with those of the same
    /// identity who came so.
    pub persons_max: usize,
    /// Meters of people's sessions: anybody can make these. What comes when there is no room shares a meter with what comes from
    /// the same source.
    pub sessions_max: usize,
}

impl Default for MeterBounds {
    fn default() -> Self {
        Self { named_max: 1_000_000, sources_max: 200_000, persons_max: 200_000, sessions_max: 200_000 }
    }
}

/// All counters of a process. They outlive every [`Limits`]: a meter belongs to a limit's name and a subject. A change of rate, burst,
/// concurrency or count is carried over; another window begins a meter of its own. Cheap to clone; clones share the counters.
#[derive(Clone)]
pub struct Meters {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    /// INVARIANT (chance decides nothing): the hasher's seed differs by process, what is counted does not depend on it.
    pub(crate) map: papaya::HashMap<MeterKey, Arc<Meter>, ahash::RandomState>,
    named: AtomicUsize,
    sources: AtomicUsize,
    persons: AtomicUsize,
    sessions: AtomicUsize,
    bounds: MeterBounds,
    pub(crate) journal: Arc<dyn Journal>,
    budgets: Arc<Budgets>,
    watch: Watch,
}

pub(crate) type Pinned<'m> = papaya::HashMapRef<'m, MeterKey, Arc<Meter>, ahash::RandomState, papaya::LocalGuard<'m>>;

/// Why one part of a limit gave nothing.
#[derive(Debug, Clone, Copy)]
struct Refused {
    reason: Reason,
    wait_s: Option<u64>,
}

impl Meters {
    /// No counters yet. `journal` is where quotas are written before they are used.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, bounds: MeterBounds) -> Self {
        Self::watching(journal, bounds, Watch::default())
    }

    /// The same with what is known already of what is usual.
    #[must_use]
    pub fn watching(journal: Arc<dyn Journal>, bounds: MeterBounds, watch: Watch) -> Self {
        let map = papaya::HashMap::builder().hasher(ahash::RandomState::new()).build();
        let none = || AtomicUsize::new(0);
        Self {
            shared: Arc::new(Shared {
                map,
                named: none(),
                sources: none(),
                persons: none(),
                sessions: none(),
                bounds,
                journal,
                budgets: Arc::default(),
                watch,
            }),
        }
    }

    /// What tasks may use in all.
    #[must_use]
    pub fn budgets(&self) -> &Arc<Budgets> {
        &self.shared.budgets
    }

    /// What is usual, and how far a request is from it.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.shared.watch
    }

    /// Continues where a journal ended. To be called before the first request; a counter that is there already stays as it is.
    pub fn restore(&self, records: impl IntoIterator<Item = MeterRecord>) {
        let map = self.shared.map.pin();
        for MeterRecord { key, window_start, used } in records {
            let (Counted::Quota(window) | Counted::Bytes(window)) = key.counted() else { continue };
            let meter = Meter::restored(&key, calendar::span(window, window_start), used);
            let room = self.shared.room(key.borrow());
            if map.try_insert(key, Arc::new(meter)).is_ok()
                && let Some((count, _)) = room
            {
                // A quota in use is never dropped for want of room: it would be gained.
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Room 8: takes a place under every limit that counts the request, or under none.
    ///
    /// # Errors
    /// Names the limit that has to be waited for longest, with the states of all that count the request. Boxed, so that those who get a
    /// place do not carry its size along.
    pub fn reserve(&self, limits: &Limits, facts: &Facts, now: Time) -> Result<Reservation, Box<Refusal>> {
        let asked = Asked::of(facts);
        let map = self.shared.map.pin();
        let mut taking = Taking::new(&self.shared, limits);
        let stopped = limits.each_matching(&asked, |place, rule| {
            let subject = asked.subject(rule.per);
            for (at, part) in rule.parts.iter().enumerate() {
                if let Some(key) = key(rule, part, subject)
                    && let Err(refused) = self.shared.take(&map, &mut taking, (place, at), rule, part, key, now)
                {
                    return ControlFlow::Break((rule, refused));
                }
            }
            ControlFlow::Continue(())
        });
        match stopped {
            ControlFlow::Continue(()) => Ok(Reservation::new(taking)),
            ControlFlow::Break((rule, refused)) => {
                taking.give_back_rates();
                drop(taking);
                Err(Box::new(self.refusal(&map, limits, &asked, rule, refused, now)))
            }
        }
    }

    /// Room 3: takes one request's worth of every rate that is per source and selects nothing. Proof or not, known or not.
    ///
    /// # Errors
    /// When one is used up. What was taken of the others is given back.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal is moved once, to become the ruling; boxing it would cost an allocation instead"
    )]
    pub fn admit_source(&self, limits: &Limits, source: IpAddr, now: Time) -> Result<(), Refusal> {
        let map = self.shared.map.pin();
        let mut taken: SmallVec<[(Arc<Meter>, &Paced); 2]> = SmallVec::new();
        let mut refusal = None;
        for (rule, paced) in early(limits) {
            let meter = self.shared.pinned(&map, early_key(rule, source));
            let outcome = match &meter.gauge {
                Gauge::Flow(flow) => flow.bucket.take(1, &paced.pace, now).map_err(|wait| (states::rate(paced, Some(flow), now), wait)),
                Gauge::Ledger(_) => Ok(()),
            };
            if let Err((state, wait)) = outcome {
                meter.unpin();
                refusal = Some(Refusal {
                    reason: Reason::SourceLimited,
                    limit: rule.name.clone(),
                    states: SmallVec::from_iter([state]),
                    retry_after_s: Some(states::seconds(wait.0).max(1)),
                });
                break;
            }
            taken.push((meter, paced));
        }
        for (meter, paced) in &taken {
            if let (Gauge::Flow(flow), true) = (&meter.gauge, refusal.is_some()) {
                flow.bucket.give_back(1, &paced.pace);
            }
            meter.unpin();
        }
        refusal.map_or(Ok(()), Err)
    }

    /// A proof failed: its source pays ten requests more under the rates of [`Meters::admit_source`], so that guessing is slow.
    pub fn charge_failed_proof(&self, limits: &Limits, source: IpAddr, now: Time) {
        let map = self.shared.map.pin();
        for (rule, paced) in early(limits) {
            let meter = self.shared.pinned(&map, early_key(rule, source));
            if let Gauge::Flow(flow) = &meter.gauge {
                flow.bucket.drain(FAILED_PROOF_COST, &paced.pace, now);
            }
            meter.unpin();
        }
    }

    /// What the limits would say of a request, without counting it: the tightest first, at most 4.
    #[must_use]
    pub fn peek(&self, limits: &Limits, facts: &Facts, now: Time) -> SmallVec<[LimitState; 2]> {
        self.states(&self.shared.map.pin(), limits, &Asked::of(facts), now)
    }

    /// Forgets what is idle: full buckets, windows that are over. Says how many. To be called every few seconds.
    pub fn sweep(&self, now: Time) -> usize {
        let map = self.shared.map.pin();
        let mut forgotten = 0;
        for (key, meter) in &map {
            if meter.retire(now) {
                self.shared.forget(&map, key.borrow());
                forgotten += 1;
            }
        }
        forgotten
    }

    /// What every quota stands at, exactly: for [`FileJournal::close`](crate::FileJournal::close), once no request is under way.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<MeterRecord> {
        let map = self.shared.map.pin();
        let ledgers = map.values().filter_map(|meter| match &meter.gauge {
            Gauge::Ledger(ledger) => {
                ledger.record().map(|(window_start, used)| MeterRecord { key: ledger.key().clone(), window_start, used })
            }
            Gauge::Flow(_) => None,
        });
        ledgers.collect()
    }

    /// How many meters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.map.pin().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn states(&self, map: &Pinned<'_>, limits: &Limits, asked: &Asked<'_>, now: Time) -> SmallVec<[LimitState; 2]> {
        let mut states = States::default();
        let _all = limits.each_matching(asked, |_, rule| {
            for part in rule.parts.iter().filter(|_| states::is_own(rule.per)) {
                if let Some(key) = key(rule, part, asked.subject(rule.per)) {
                    states.add(part, map.get(&key).map(|meter| &meter.gauge), now);
                }
            }
            ControlFlow::<()>::Continue(())
        });
        states.tightest()
    }

    /// Of all limits that would refuse, the one that has to be waited for longest: "try again in a second" must not hide that the
    /// month's quota is used up too.
    #[cold]
    fn refusal(&self, map: &Pinned<'_>, limits: &Limits, asked: &Asked<'_>, rule: &Rule, refused: Refused, now: Time) -> Refusal {
        let mut worst = (rule.name.clone(), refused);
        if refused.reason != Reason::ReserveFault {
            let _all = limits.each_matching(asked, |_, rule| {
                for part in &rule.parts {
                    let gauge = key(rule, part, asked.subject(rule.per)).and_then(|key| map.get(&key));
                    if let Some(also) = gauge.and_then(|meter| refuses(part, &meter.gauge, now))
                        && also.wait_s > worst.1.wait_s
                    {
                        worst = (rule.name.clone(), also);
                    }
                }
                ControlFlow::<()>::Continue(())
            });
        }
        let (limit, Refused { reason, wait_s }) = worst;
        Refusal { reason, limit, states: self.states(map, limits, asked, now), retry_after_s: wait_s }
    }
}

/// The key of a part's meter; `None` when the part has nothing to take in room 8.
fn key<'a>(rule: &'a Rule, part: &Part, subject: SubjectRef<'a>) -> Option<KeyRef<'a>> {
    let counted = match part {
        Part::Flow { concurrency: None, .. } if rule.early => return None,
        Part::Flow { .. } => Counted::Flow,
        Part::Quota(allowed) => Counted::Quota(allowed.allowance.window),
        Part::Bytes(allowed) => Counted::Bytes(allowed.allowance.window),
    };
    Some(KeyRef { limit: &rule.name, hash: rule.hash, counted, subject })
}

fn early(limits: &Limits) -> impl Iterator<Item = (&Rule, &Paced)> {
    limits.early().filter_map(|rule| {
        let paced = rule.parts.iter().find_map(|part| match part {
            Part::Flow { rate, .. } => rate.as_ref(),
            Part::Quota(_) | Part::Bytes(_) => None,
        });
        paced.map(|paced| (rule, paced))
    })
}

const fn early_key(rule: &Rule, source: IpAddr) -> KeyRef<'_> {
    let subject = SubjectRef { per: Per::Source, name: NameRef::Net(SourceNet::of(source)) };
    KeyRef { limit: &rule.name, hash: rule.hash, counted: Counted::Flow, subject }
}

/// Whether a part would refuse now, and for how long.
fn refuses(part: &Part, gauge: &Gauge, now: Time) -> Option<Refused> {
    match (part, gauge) {
        (Part::Flow { rate, concurrency }, Gauge::Flow(flow)) => {
            let slow = rate.as_ref().filter(|paced| flow.bucket.available(&paced.pace, now) == 0);
            let crowded = concurrency.as_ref().filter(|crowd| flow.running() >= crowd.most);
            slow.map(|paced| Refused {
                reason: Reason::ReserveRate,
                wait_s: Some(states::seconds(flow.bucket.next_us(&paced.pace, now)).max(1)),
            })
            .or_else(|| crowded.map(|_| Refused { reason: Reason::ReserveConcurrency, wait_s: Some(1) }))
        }
        (Part::Quota(allowed), Gauge::Ledger(ledger)) => {
            let standing = ledger.standing(allowed.allowance.window, now);
            (standing.used >= allowed.allowance.count)
                .then(|| Refused { reason: Reason::ReserveQuota, wait_s: Some(states::seconds_until(standing.until, now).max(1)) })
        }
        (Part::Bytes(allowed), Gauge::Ledger(ledger)) => {
            let standing = ledger.standing(allowed.allowance.window, now);
            (standing.used >= allowed.allowance.count)
                .then(|| Refused { reason: Reason::ReserveBytes, wait_s: Some(states::seconds_until(standing.until, now).max(1)) })
        }
        // A key's measure says which gauge its meter has: these pairs do not occur.
        (Part::Flow { .. }, Gauge::Ledger(_)) | (Part::Quota(_) | Part::Bytes(_), Gauge::Flow(_)) => None,
    }
}

impl Shared {
    /// Takes from one part of a limit what one request needs, and notes it in `taking`.
    #[expect(clippy::too_many_arguments, reason = "one call site, all of it is needed and nothing of it belongs together")]
    fn take(
        &self,
        map: &Pinned<'_>,
        taking: &mut Taking,
        (place, at): (u32, usize),
        rule: &Rule,
        part: &Part,
        key: KeyRef<'_>,
        now: Time,
    ) -> Result<(), Refused> {
        let meter = self.pinned(map, key);
        let mut took = Took::Nothing;
        let outcome = self.take_from(&mut took, rule, part, &meter.gauge, now);
        // Whatever came of it: from here on `taking` gives back what was taken, and ends the pin.
        taking.push(Taken { place, at, meter, took });
        outcome
    }

    /// Takes the place of a request that is under way already: nothing of rate and quota.
    pub(crate) fn occupy(
        &self,
        map: &Pinned<'_>,
        taking: &mut Taking,
        place: (u32, usize),
        rule: &Rule,
        part: &Part,
        subject: SubjectRef<'_>,
    ) {
        let Some(key) = key(rule, part, subject) else { return };
        let meter = self.pinned(map, key);
        let took = match (part, &meter.gauge) {
            (Part::Flow { concurrency: Some(_), .. }, Gauge::Flow(flow)) if flow.enter(u32::MAX) => Took::Flow { rate: false, place: true },
            (Part::Bytes(_), Gauge::Ledger(_)) => Took::Bytes,
            (Part::Flow { .. } | Part::Quota(_) | Part::Bytes(_), _) => Took::Nothing,
        };
        taking.push(Taken { place: place.0, at: place.1, meter, took });
    }

    fn take_from(&self, took: &mut Took, rule: &Rule, part: &Part, gauge: &Gauge, now: Time) -> Result<(), Refused> {
        match (part, gauge) {
            (Part::Flow { rate, concurrency }, Gauge::Flow(flow)) => {
                let rate = rate.as_ref().filter(|_| !rule.early);
                if let Some(paced) = rate {
                    flow.bucket
                        .take(1, &paced.pace, now)
                        .map_err(|wait| Refused { reason: Reason::ReserveRate, wait_s: Some(states::seconds(wait.0).max(1)) })?;
                    *took = Took::Flow { rate: true, place: false };
                }
                if let Some(crowd) = concurrency {
                    if !flow.enter(crowd.most) {
                        return Err(Refused { reason: Reason::ReserveConcurrency, wait_s: Some(1) });
                    }
                    *took = Took::Flow { rate: rate.is_some(), place: true };
                }
                Ok(())
            }
            (Part::Quota(allowed), Gauge::Ledger(ledger)) => match ledger.take(1, &allowed.allowance, &*self.journal, now) {
                Ok(token) => {
                    *took = Took::Quota(token);
                    Ok(())
                }
                Err(Short::Fault) => Err(Refused { reason: Reason::ReserveFault, wait_s: None }),
                Err(Short::Full) => Err(refuses(part, gauge, now).unwrap_or(Refused { reason: Reason::ReserveQuota, wait_s: Some(1) })),
            },
            (Part::Bytes(_), Gauge::Ledger(_)) => {
                *took = Took::Bytes;
                refuses(part, gauge, now).map_or(Ok(()), Err)
            }
            // A key's measure says which gauge its meter has: these pairs do not occur, and would count nothing.
            (Part::Flow { .. }, Gauge::Ledger(_)) | (Part::Quota(_) | Part::Bytes(_), Gauge::Flow(_)) => {
                Err(Refused { reason: Reason::ReserveFault, wait_s: None })
            }
        }
    }

    /// The meter of a key, pinned; a new one where there is room, else the one that all newcomers share.
    fn pinned(&self, map: &Pinned<'_>, key: KeyRef<'_>) -> Arc<Meter> {
        loop {
            if let Some(meter) = map.get(&key) {
                if meter.pin() {
                    return Arc::clone(meter);
                }
                self.forget(map, key);
                continue;
            }
            let room = self.room(key);
            if let Some((count, most)) = room
                && count.try_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < most).then_some(count + 1)).is_err()
            {
                return self.pinned(map, key.overflow());
            }
            let owned = key.to_owned();
            let meter = Arc::new(Meter::pinned(&owned));
            if map.try_insert(owned, Arc::clone(&meter)).is_ok() {
                return meter;
            }
            if let Some((count, _)) = room {
                count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Takes a retired meter out of the map. Of several that try, one does.
    fn forget(&self, map: &Pinned<'_>, key: KeyRef<'_>) {
        if let (Ok(Some(_)), Some((count, _))) = (map.remove_if(&key, |_, meter| meter.is_retired()), self.room(key)) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Which count a key's meter is under, and how far it may go; `None` for the shared ones, which are as many as limits.
    pub(crate) const fn room(&self, key: KeyRef<'_>) -> Option<(&AtomicUsize, usize)> {
        match key.subject.name {
            NameRef::Text(_) => Some((&self.named, self.bounds.named_max)),
            NameRef::Net(_) => Some((&self.sources, self.bounds.sources_max)),
            NameRef::Person { .. } => Some((&self.persons, self.bounds.persons_max)),
            NameRef::Session { .. } => Some((&self.sessions, self.bounds.sessions_max)),
            NameRef::Overflow => None,
        }
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").field("meters", &self.len()).field("bounds", &self.shared.bounds).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
