//! What becomes of calls, counted as they pass.

use super::{
    callers::{Callers, Known},
    report::{self, ApiTold, CallTold, Counted, IdentityTold, OperationTold, OverTime, Part, Rulings, SignalTold, Step, Weighed},
};
use ahash::{AHashMap, AHashSet};
use std::{cmp::Reverse, net::IpAddr, sync::Arc};
use wardgate_model::{
    api::{Operation, OperationId},
    facts::Facts,
    reason::Reason,
    risk::Signal,
    ruling::{Response, Ruling},
    time::Time,
};

/// Steps of time, at the most.
const STEPS_MAX: u64 = 96;
/// How long a step may be, in seconds: a length that people know, and beyond a month whole months.
const STEPS_S: [u64; 15] =
    [1, 5, 15, 60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400];
/// Pairs of a caller and an operation or source that are told apart; beyond, callers are said to have fewer than they had.
const PAIRS_MAX: usize = 4_000_000;
/// Calls of a caller that are shown.
const WORST_MAX: usize = 3;
/// Operations of an API that are shown.
const OPERATIONS_MAX: usize = 50;
/// Characters of a path that is shown.
const SHOWN_MAX: usize = 120;

/// All that is counted.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) calls: u64,
    rulings: Rulings,
    reasons: AHashMap<Reason, u64>,
    begin: Time,
    step_s: u64,
    steps: Vec<(Rulings, u8)>,
    signals: AHashMap<Signal, SignalTally>,
    callers: Vec<CallerTally>,
    operations: Vec<OperationTally>,
    by_operation: AHashMap<*const Operation, u32>,
    by_id: AHashMap<OperationId, u32>,
    pairs: AHashSet<(u32, Pair)>,
}

/// What a caller is paired with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Pair {
    Operation(u32),
    Source(IpAddr),
    Signal(Signal),
}

#[derive(Debug)]
struct SignalTally {
    calls: u64,
    callers: u64,
    weight_max: u8,
    first: Time,
    last: Time,
    over_time: Vec<u64>,
}

#[derive(Debug, Default)]
struct CallerTally {
    calls: u64,
    rulings: Rulings,
    risk_max: u8,
    first: Time,
    last: Time,
    operations: u64,
    sources: u64,
    /// The operation and source of the call before: most calls are like it.
    before: Option<(u32, IpAddr)>,
    more: Option<Box<More>>,
}

/// What only those have who stood out.
#[derive(Debug, Default)]
struct More {
    signals: Vec<(Signal, u64, u8)>,
    reasons: Vec<(Reason, u64)>,
    worst: Vec<CallTold>,
}

#[derive(Debug)]
struct OperationTally {
    operation: Arc<Operation>,
    api: Box<str>,
    calls: u64,
    callers: u64,
    not_allowed: u64,
}

impl Tally {
    /// For calls between two moments.
    pub(super) fn new(span: Option<(Time, Time)>) -> Self {
        let (begin, end) = span.unwrap_or_default();
        let seconds = end.since(begin).as_secs() + 1;
        let month = 30 * 86_400;
        let known = STEPS_S.iter().copied().find(|step| seconds.div_ceil(*step) < STEPS_MAX);
        let step_s = known.unwrap_or_else(|| seconds.div_ceil(STEPS_MAX - 1).div_ceil(month) * month);
        let signed = i64::try_from(step_s).unwrap_or(1);
        let begin = Time::from_seconds(begin.as_seconds().div_euclid(signed) * signed);
        Self {
            calls: 0,
            rulings: Rulings::default(),
            reasons: AHashMap::default(),
            begin,
            step_s,
            steps: Vec::new(),
            signals: AHashMap::default(),
            callers: Vec::new(),
            operations: Vec::new(),
            by_operation: AHashMap::default(),
            by_id: AHashMap::default(),
            pairs: AHashSet::default(),
        }
    }

    /// Counts a call.
    pub(super) fn take(&mut self, caller: u32, facts: &Facts, ruling: &Ruling) {
        let (now, allowed) = (facts.time, ruling.response == Response::Allow);
        self.calls += 1;
        count(&mut self.rulings, ruling.response);
        *self.reasons.entry(ruling.reason()).or_default() += 1;
        let at = usize::try_from(now.since(self.begin).as_secs() / self.step_s).unwrap_or(usize::MAX).min(1_000);
        if self.steps.len() <= at {
            self.steps.resize(at + 1, <(Rulings, u8)>::default());
        }
        if let Some((rulings, risk)) = self.steps.get_mut(at) {
            count(rulings, ruling.response);
            *risk = (*risk).max(ruling.risk);
        }
        let operation = facts.operation.as_ref().map(|operation| self.operation(operation, facts));
        self.caller(caller, operation, facts, ruling);
        if let Some(operation) = operation.and_then(|operation| self.operations.get_mut(usize::try_from(operation).ok()?)) {
            operation.calls += 1;
            operation.not_allowed += u64::from(!allowed);
        }
        for part in &ruling.signals {
            self.signal(caller, part.signal, part.weight, at, now);
        }
    }

    fn operation(&mut self, operation: &Arc<Operation>, facts: &Facts) -> u32 {
        if let Some(at) = self.by_operation.get(&Arc::as_ptr(operation)) {
            return *at;
        }
        // The same in another snapshot. What is looked up by its place in memory stays there.
        if let Some(at) = self.by_id.get(&operation.id) {
            return *at;
        }
        let at = u32::try_from(self.operations.len()).unwrap_or(u32::MAX);
        let api = facts.api.as_ref().map(|api| api.name.as_str()).unwrap_or_default().into();
        self.operations.push(OperationTally { operation: Arc::clone(operation), api, calls: 0, callers: 0, not_allowed: 0 });
        self.by_operation.insert(Arc::as_ptr(operation), at);
        self.by_id.insert(operation.id.clone(), at);
        at
    }

    fn caller(&mut self, caller: u32, operation: Option<u32>, facts: &Facts, ruling: &Ruling) {
        let Ok(at) = usize::try_from(caller) else { return };
        if self.callers.len() <= at {
            self.callers.resize_with(at + 1, CallerTally::default);
        }
        let Some(tally) = self.callers.get_mut(at) else { return };
        if tally.calls == 0 {
            tally.first = facts.time;
        }
        (tally.calls, tally.last) = (tally.calls + 1, facts.time);
        count(&mut tally.rulings, ruling.response);
        let risk_before = tally.risk_max;
        tally.risk_max = risk_before.max(ruling.risk);
        let (of, source) = (operation.unwrap_or(u32::MAX), facts.source.address);
        if tally.before != Some((of, source)) {
            tally.before = Some((of, source));
            let room = self.pairs.len() < PAIRS_MAX;
            if operation.is_some() && room && self.pairs.insert((caller, Pair::Operation(of))) {
                tally.operations += 1;
                if let Some(operation) = usize::try_from(of).ok().and_then(|of| self.operations.get_mut(of)) {
                    operation.callers += 1;
                }
            }
            if room && self.pairs.insert((caller, Pair::Source(source))) {
                tally.sources += 1;
            }
        }
        if ruling.response != Response::Allow || ruling.risk > 0 {
            tally.more.get_or_insert_default().take(facts, ruling);
        }
    }

    fn signal(&mut self, caller: u32, signal: Signal, weight: u8, at: usize, now: Time) {
        let new = self.pairs.len() < PAIRS_MAX && self.pairs.insert((caller, Pair::Signal(signal)));
        let seen = self.signals.entry(signal).or_insert_with(|| SignalTally {
            calls: 0,
            callers: 0,
            weight_max: 0,
            first: now,
            last: now,
            over_time: Vec::new(),
        });
        seen.calls += 1;
        seen.callers += u64::from(new);
        seen.weight_max = seen.weight_max.max(weight);
        seen.last = now;
        if seen.over_time.len() <= at {
            seen.over_time.resize(at + 1, 0);
        }
        if let Some(count) = seen.over_time.get_mut(at) {
            *count += 1;
        }
    }

    pub(super) fn rulings(&self) -> Rulings {
        self.rulings
    }

    pub(super) fn reasons(&self) -> Vec<Counted> {
        counted(self.reasons.iter().map(|(reason, calls)| (*reason, *calls)))
    }

    pub(super) fn over_time(&self) -> OverTime {
        let from = |at: usize| self.begin + std::time::Duration::from_secs(self.step_s.saturating_mul(u64::try_from(at).unwrap_or(0)));
        let steps =
            self.steps.iter().enumerate().map(|(at, (rulings, risk_max))| Step { from: from(at), rulings: *rulings, risk_max: *risk_max });
        OverTime { step_s: self.step_s, steps: steps.collect() }
    }

    pub(super) fn signals(&self) -> Vec<SignalTold> {
        let seen = Signal::ALL.iter().filter_map(|signal| Some((signal, self.signals.get(signal)?)));
        let told = seen.map(|(signal, seen)| {
            let mut over_time = seen.over_time.clone();
            over_time.resize(self.steps.len(), 0);
            SignalTold {
                name: signal.as_str(),
                family: signal.family().as_str(),
                says: signal.says(),
                calls: seen.calls,
                callers: seen.callers,
                weight_max: seen.weight_max,
                first: seen.first,
                last: seen.last,
                over_time,
            }
        });
        told.collect()
    }

    /// The first `top` callers.
    pub(super) fn identities(&self, callers: &Callers, top: usize) -> Vec<IdentityTold> {
        let mut all: Vec<(usize, &CallerTally)> = self.callers.iter().enumerate().filter(|(_, tally)| tally.calls > 0).collect();
        all.sort_by_key(|(at, tally)| (Reverse(tally.risk_max), Reverse(tally.rulings.not_allowed()), Reverse(tally.calls), *at));
        let told = all.into_iter().take(top).filter_map(|(at, tally)| {
            let who = callers.get(u32::try_from(at).ok()?)?;
            Some(tally.told(who.name.to_string(), who.known))
        });
        told.collect()
    }

    pub(super) fn callers(&self, callers: &Callers) -> report::Callers {
        let mut told = report::Callers::default();
        for (at, tally) in self.callers.iter().enumerate().filter(|(_, tally)| tally.calls > 0) {
            let Some(who) = u32::try_from(at).ok().and_then(|at| callers.get(at)) else { continue };
            let place = match who.known {
                Known::Record => &mut told.on_record,
                Known::User => &mut told.users,
                Known::Key => &mut told.keys,
                Known::Source => &mut told.sources,
                Known::Others => {
                    told.calls_of_others = tally.calls;
                    continue;
                }
            };
            *place += 1;
            told.count += 1;
        }
        told
    }

    /// What was called, by API, those with the most calls first.
    pub(super) fn apis(&self) -> Vec<ApiTold> {
        let mut apis: Vec<ApiTold> = Vec::new();
        let mut operations: Vec<&OperationTally> = self.operations.iter().collect();
        operations.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.operation.id.cmp(&b.operation.id)));
        let mut by_name: AHashMap<&str, usize> = AHashMap::default();
        for tally in operations {
            let at = *by_name.entry(&tally.api).or_insert(apis.len());
            if apis.len() == at {
                apis.push(ApiTold { name: tally.api.to_string(), calls: 0, operation_count: 0, operations: Vec::new() });
            }
            let Some(api) = apis.get_mut(at) else { continue };
            (api.calls, api.operation_count) = (api.calls + tally.calls, api.operation_count + 1);
            if api.operations.len() < OPERATIONS_MAX {
                api.operations.push(OperationTold {
                    operation: format!("{} {}", tally.operation.method, tally.operation.template),
                    class: tally.operation.class.as_str(),
                    calls: tally.calls,
                    callers: tally.callers,
                    not_allowed: tally.not_allowed,
                });
            }
        }
        apis.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name)));
        apis
    }
}

impl CallerTally {
    fn told(&self, name: String, known: Known) -> IdentityTold {
        let none = More::default();
        let more = self.more.as_deref().unwrap_or(&none);
        let mut signals = more.signals.clone();
        signals.sort_by_key(|(signal, calls, weight)| (Reverse(*weight), Reverse(*calls), *signal));
        let weighed = |(signal, calls, weight_max): (Signal, u64, u8)| Weighed { name: signal.as_str(), calls, weight_max };
        IdentityTold {
            name,
            known_by: known.as_str(),
            calls: self.calls,
            rulings: self.rulings,
            risk_max: self.risk_max,
            first: self.first,
            last: self.last,
            operations: self.operations,
            sources: self.sources,
            signals: signals.into_iter().map(weighed).collect(),
            reasons: counted(more.reasons.iter().copied()),
            worst: more.worst.clone(),
        }
    }
}

impl More {
    fn take(&mut self, facts: &Facts, ruling: &Ruling) {
        for part in &ruling.signals {
            match self.signals.iter_mut().find(|(signal, ..)| *signal == part.signal) {
                Some((_, calls, weight)) => (*calls, *weight) = (*calls + 1, (*weight).max(part.weight)),
                None => self.signals.push((part.signal, 1, part.weight)),
            }
        }
        if ruling.response != Response::Allow {
            match self.reasons.iter_mut().find(|(reason, _)| *reason == ruling.reason()) {
                Some((_, calls)) => *calls += 1,
                None => self.reasons.push((ruling.reason(), 1)),
            }
        }
        let worse = |risk: u8| ruling.risk > risk;
        if self.worst.len() >= WORST_MAX && !self.worst.last().is_some_and(|last| worse(last.risk)) {
            return;
        }
        let at = self.worst.partition_point(|known| !worse(known.risk));
        self.worst.insert(at, told(facts, ruling));
        self.worst.truncate(WORST_MAX);
    }
}

fn told(facts: &Facts, ruling: &Ruling) -> CallTold {
    let what = match &facts.operation {
        Some(operation) => operation.id.as_str().to_owned(),
        None => {
            let path: String = facts.request.path.chars().take(SHOWN_MAX).collect();
            format!("{} {}{path}", facts.request.method, facts.request.host)
        }
    };
    let part = |part: &wardgate_model::risk::Contribution| Part {
        name: part.signal.as_str(),
        value: part.value,
        unit: part.signal.unit(),
        weight: part.weight,
    };
    CallTold {
        time: facts.time,
        what,
        response: ruling.response.as_str(),
        code: ruling.reason().code(),
        risk: ruling.risk,
        signals: ruling.signals.iter().map(part).collect(),
    }
}

fn count(rulings: &mut Rulings, response: Response) {
    match response {
        Response::Allow => rulings.allow += 1,
        Response::Slow { .. } => rulings.slow += 1,
        Response::Challenge { .. } => rulings.challenge += 1,
        Response::Block => rulings.block += 1,
    }
}

fn counted(all: impl Iterator<Item = (Reason, u64)>) -> Vec<Counted> {
    let mut counted: Vec<Counted> = all.map(|(reason, calls)| Counted { code: reason.code(), calls }).collect();
    counted.sort_by(|a, b| b.calls.cmp(&a.calls).then(a.code.cmp(b.code)));
    counted
}
