//! What an identity is taken to have done before: habits, made the calls of past days, which the watch is told as if they had come.
//!
//! So its profile is what such calls would have made, and whatever differs from them is told at once. It is for drills and demonstrations, which
//! cannot wait for weeks; nothing that serves somebody's traffic teaches. Nobody is taught who has called (a thief's habits would be usual), and
//! nothing is taught that the identity may not do, since such calls would not have come through.

use crate::{canon, identity::described, judge::Gate, recorded, route, snapshot::Snapshot, standing};
use std::{net::IpAddr, sync::Arc, time::Duration};
use wardgate_abuse::watch::{Effect, Teaching, Unteachable};
use wardgate_model::{
    api::{Api, Operation, Segment},
    facts::{Facts, Lane},
    id::{IdentityId, RequestId},
    proof::ProofKind,
    reason::Reason,
    ruling::{Response, Ruling},
    time::Time,
};

/// Habits of one identity at the most.
pub const HABITS_MAX: usize = 32;
/// Days that are taught at the most: what is longer ago leaves nothing in a profile.
pub const DAYS_MAX: u8 = 28;
/// Calls of one identity at the most.
pub const CALLS_MAX: u32 = 100_000;

/// What an identity is taken to have done before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taught {
    /// Whose habits they are.
    pub identity: IdentityId,
    /// For how many days, the last of which has just passed: 1 to [`DAYS_MAX`]. In the first nothing is unusual, so two are the least that tell.
    pub days: u8,
    /// What it did, every day.
    pub habits: Vec<Habit>,
}

/// Calls of one operation that an identity makes every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habit {
    /// The operation, by its id: `API METHOD TEMPLATE`.
    pub operation: Box<str>,
    /// How often in each of these hours.
    pub per_hour: u32,
    /// In which hours of the day, UTC: 0 to 23.
    pub hours: Vec<u8>,
    /// From where.
    pub from: IpAddr,
    /// By what.
    pub software: Software,
    /// Records in each answer.
    pub records: u64,
}

/// Calls of one operation that an identity has made just now: the beginning of something that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spell {
    /// The operation, by its id: `API METHOD TEMPLATE`.
    pub operation: Box<str>,
    /// How many.
    pub calls: u32,
    /// Over so many minutes, the last of which has just passed: 1 to 60.
    pub minutes: u8,
    /// From where.
    pub from: IpAddr,
    /// By what.
    pub software: Software,
    /// Records in each answer.
    pub records: u64,
}

/// What a caller calls with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Software {
    /// Its TLS fingerprint, as events have it.
    Tls(Arc<str>),
    /// Its user agent, over a connection without TLS.
    Agent(Box<str>),
    /// It says nothing of itself.
    Untold,
}

/// Why somebody's habits cannot be taught. Nothing was, then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untaught {
    /// There is no such identity, or it has no profile.
    #[error("`{0}` is no identity of a machine on record")]
    NoIdentity(IdentityId),
    /// It has one.
    #[error("`{0}` is known by what it did: it has called, or was taught already")]
    Known(IdentityId),
    /// As many are watched as there may be.
    #[error("no more identities can be watched")]
    Full,
    /// Too many days, or none.
    #[error("{0} days cannot be taught: 1 to {DAYS_MAX} can")]
    Days(u8),
    /// Too many habits, or none.
    #[error("{0} habits cannot be taught: 1 to {HABITS_MAX} can")]
    Habits(usize),
    /// Too many calls, or none.
    #[error("{0} calls cannot be taught: 1 to {CALLS_MAX} can")]
    Calls(u64),
    /// An hour that no day has.
    #[error("no day has an hour `{0}`: they are 0 to 23")]
    Hour(u8),
    /// Too many minutes, or none.
    #[error("a spell of {0} minutes cannot be taught: 1 to 60 can")]
    Minutes(u8),
    /// No such operation.
    #[error("`{0}` is no operation (`API METHOD TEMPLATE`)")]
    NoOperation(Box<str>),
    /// It may not do that.
    #[error("`{identity}` may not do `{operation}`: {}", .reason.code())]
    Refused {
        /// Whose habit it would be.
        identity: IdentityId,
        /// What it may not do.
        operation: Box<str>,
        /// Why.
        reason: Reason,
    },
}

impl Gate {
    /// Teaches what an identity is taken to have done until the hour that `now` is in; says how many calls that was. It takes some microseconds
    /// a call: not for a thread that serves requests.
    ///
    /// # Errors
    /// When it cannot be taught; nothing was, then.
    pub fn teach(&self, taught: &Taught, now: Time) -> Result<u32, Untaught> {
        self.teach_lately(taught, &[], now)
    }

    /// The same, with what it has done since: what has begun is told of as it goes on.
    ///
    /// # Errors
    /// As above.
    pub fn teach_lately(&self, taught: &Taught, lately: &[Spell], now: Time) -> Result<u32, Untaught> {
        let snapshot = Arc::clone(&self.snapshot());
        let calls = taught.calls(lately)?;
        let habits = taught.habits.iter().map(|habit| taught.usual(habit, &snapshot, now));
        let usual: Vec<Usual> = habits.chain(lately.iter().map(|spell| taught.lately(spell, &snapshot, now))).collect::<Result<_, _>>()?;
        let unteachable = |why| match why {
            Unteachable::Known => Untaught::Known(taught.identity.clone()),
            Unteachable::Full => Untaught::Full,
        };
        let teaching = self.meters().watch().teach(&taught.identity).map_err(unteachable)?;
        let (until, mut number) = (now.as_seconds().div_euclid(3_600), 0);
        for hour in until - i64::from(taught.days) * 24..=until {
            for (at, usual) in usual_of_hour(&usual, hour, until) {
                number += 1;
                usual.call(&teaching, Time::from_seconds(at), number);
            }
        }
        teaching.end().map_err(unteachable)?;
        Ok(calls)
    }
}

impl Taught {
    /// How many calls that makes.
    fn calls(&self, lately: &[Spell]) -> Result<u32, Untaught> {
        if !(1..=DAYS_MAX).contains(&self.days) {
            return Err(Untaught::Days(self.days));
        }
        let habits = self.habits.len().saturating_add(lately.len());
        if !(1..=HABITS_MAX).contains(&habits) {
            return Err(Untaught::Habits(habits));
        }
        if let Some(spell) = lately.iter().find(|spell| !(1..=60).contains(&spell.minutes)) {
            return Err(Untaught::Minutes(spell.minutes));
        }
        let mut day = 0_u64;
        for habit in &self.habits {
            if let Some(hour) = habit.hours.iter().find(|hour| **hour > 23) {
                return Err(Untaught::Hour(*hour));
            }
            day = day.saturating_add(u64::from(habit.per_hour) * u64::from(habit.hours_of_day().count_ones()));
        }
        let spells = lately.iter().map(|spell| u64::from(spell.calls)).sum::<u64>();
        let calls = day.saturating_mul(self.days.into()).saturating_add(spells);
        u32::try_from(calls).ok().filter(|calls| (1..=CALLS_MAX).contains(calls)).ok_or(Untaught::Calls(calls))
    }

    fn usual(&self, habit: &Habit, snapshot: &Snapshot, now: Time) -> Result<Usual, Untaught> {
        let facts = self.facts(&habit.operation, habit.from, &habit.software, snapshot, now)?;
        let when = When::EachDay { hours: habit.hours_of_day(), per_hour: habit.per_hour };
        Ok(Usual { facts, records: habit.records, when })
    }

    fn lately(&self, spell: &Spell, snapshot: &Snapshot, now: Time) -> Result<Usual, Untaught> {
        let facts = self.facts(&spell.operation, spell.from, &spell.software, snapshot, now)?;
        let lasting = i64::from(spell.minutes) * 60;
        let when = When::Once { from: now.as_seconds() - lasting, lasting, calls: spell.calls };
        Ok(Usual { facts, records: spell.records, when })
    }

    /// The facts of calls of an operation.
    fn facts(&self, operation: &str, from: IpAddr, software: &Software, snapshot: &Snapshot, now: Time) -> Result<Facts, Untaught> {
        let identity = snapshot.identity(&self.identity).ok_or_else(|| Untaught::NoIdentity(self.identity.clone()))?;
        let caller = described(identity, ProofKind::ApiKey, snapshot, now);
        if caller.lane() != Lane::Machine {
            return Err(Untaught::NoIdentity(self.identity.clone()));
        }
        let (api, known) = find(operation, snapshot).ok_or_else(|| Untaught::NoOperation(operation.into()))?;
        let mut facts = recorded::nothing();
        facts.request.method = known.method.clone();
        facts.source.address = canon::address(from);
        facts.source.zone = snapshot.zone(facts.source.address).cloned();
        match software {
            Software::Tls(fingerprint) => facts.source.tls = Some(Arc::clone(fingerprint)),
            Software::Agent(agent) => facts.source.user_agent = Some(agent.clone()),
            Software::Untold => {}
        }
        (facts.caller, facts.api, facts.operation) = (Some(caller), Some(Arc::clone(api)), Some(Arc::clone(known)));
        if let Err(denial) = standing::consider(&facts, snapshot) {
            return Err(Untaught::Refused { identity: self.identity.clone(), operation: operation.into(), reason: denial.reason });
        }
        Ok(facts)
    }
}

impl Habit {
    /// The hours, a bit each.
    fn hours_of_day(&self) -> u32 {
        self.hours.iter().fold(0, |hours, hour| hours | 1_u32.checked_shl((*hour).into()).unwrap_or(0))
    }
}

fn find<'s>(operation: &str, snapshot: &'s Snapshot) -> Option<(&'s Arc<Api>, &'s Arc<Operation>)> {
    let all = snapshot.apis().iter().flat_map(|api| api.operations.iter().map(move |operation| (api, operation)));
    all.into_iter().find(|(_, known)| known.id.as_str() == operation)
}

/// When calls are made.
#[derive(Debug, Clone, Copy)]
enum When {
    /// In these hours, a bit each, spread over each of them.
    EachDay { hours: u32, per_hour: u32 },
    /// From this second on, spread over so many.
    Once { from: i64, lasting: i64, calls: u32 },
}

/// Calls, and their facts but for what is of one call alone.
#[derive(Debug)]
struct Usual {
    facts: Facts,
    records: u64,
    when: When,
}

/// The calls of an hour since the epoch, in their order: at which second, and which. Habits end with the hour before `until`.
fn usual_of_hour(usual: &[Usual], hour: i64, until: i64) -> Vec<(i64, &Usual)> {
    let is_of = |hours: u32| hours >> hour.rem_euclid(24) & 1 == 1;
    let mut calls = Vec::new();
    for usual in usual {
        let (from, lasting, count) = match usual.when {
            When::EachDay { hours, per_hour } if hour < until && is_of(hours) => (hour * 3_600, 3_600, i64::from(per_hour)),
            // It is no longer than an hour.
            When::Once { from, lasting, calls } if hour + 1 >= until => (from, lasting, i64::from(calls)),
            When::EachDay { .. } | When::Once { .. } => continue,
        };
        let times = (0..count).map(|call| from + call * lasting / count).filter(|at| at.div_euclid(3_600) == hour);
        calls.extend(times.map(|at| (at, usual)));
    }
    calls.sort_by_key(|(at, _)| *at);
    calls
}

impl Usual {
    /// One call, and what came of it: what a door would have told.
    fn call(&self, teaching: &Teaching<'_>, now: Time, number: u32) {
        let mut facts = self.facts.clone();
        (facts.id, facts.time) = (RequestId::new(now, number.into()), now);
        if let Some(operation) = &facts.operation {
            facts.request.path = path(operation, number);
            facts.resource = route::named(operation, &facts.request.path).map(Into::into);
        }
        let assessment = teaching.assess(&facts, now);
        let ruling = Ruling {
            response: Response::Allow,
            reasons: [Reason::RuleAllowed].into_iter().collect(),
            risk: assessment.risk,
            signals: assessment.parts,
            ..Ruling::refused(Reason::RuleAllowed)
        };
        let bytes = self.records.saturating_mul(512);
        let effect = Effect { status: Some(200), records: Some(self.records), bytes, subject: None };
        teaching.learn(&facts, &ruling, &effect, now + Duration::from_millis(20));
    }
}

/// A path of the template, in which things come by chance: by the number of the call, times the golden ratio.
fn path(operation: &Operation, number: u32) -> Box<str> {
    let thing = (u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44).to_string();
    let mut path = String::new();
    for segment in operation.template.segments() {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Parameter(_) => path.push_str(&thing),
            Segment::Mixed { prefix, suffix, .. } => path.extend([&**prefix, &thing, suffix]),
            Segment::Several { texts, .. } => path.push_str(&texts.join(&*thing)),
        }
    }
    if path.is_empty() { "/".into() } else { path.into() }
}
