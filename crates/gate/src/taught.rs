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
    /// When it cannot be taught; nothing was, then, except that peers and logins have learned of the calls of an identity that called meanwhile.
    pub fn teach(&self, taught: &Taught, now: Time) -> Result<u32, Untaught> {
        let snapshot = Arc::clone(&self.snapshot());
        let calls = taught.calls()?;
        let usual: Vec<Usual<'_>> = taught.habits.iter().map(|habit| taught.usual(habit, &snapshot, now)).collect::<Result<_, _>>()?;
        let unteachable = |why| match why {
            Unteachable::Known => Untaught::Known(taught.identity.clone()),
            Unteachable::Full => Untaught::Full,
        };
        let teaching = self.meters().watch().teach(&taught.identity).map_err(unteachable)?;
        let (until, mut number) = (now.as_seconds().div_euclid(3_600), 0);
        for hour in until - i64::from(taught.days) * 24..until {
            for (at, usual) in usual_of_hour(&usual, hour) {
                number += 1;
                usual.call(&teaching, Time::from_seconds(hour * 3_600 + at), number);
            }
        }
        teaching.end().map_err(unteachable)?;
        Ok(calls)
    }
}

impl Taught {
    /// How many calls that makes.
    fn calls(&self) -> Result<u32, Untaught> {
        if !(1..=DAYS_MAX).contains(&self.days) {
            return Err(Untaught::Days(self.days));
        }
        if !(1..=HABITS_MAX).contains(&self.habits.len()) {
            return Err(Untaught::Habits(self.habits.len()));
        }
        let mut day = 0_u64;
        for habit in &self.habits {
            if let Some(hour) = habit.hours.iter().find(|hour| **hour > 23) {
                return Err(Untaught::Hour(*hour));
            }
            day = day.saturating_add(u64::from(habit.per_hour) * u64::from(habit.hours_of_day().count_ones()));
        }
        let calls = day.saturating_mul(self.days.into());
        u32::try_from(calls).ok().filter(|calls| (1..=CALLS_MAX).contains(calls)).ok_or(Untaught::Calls(calls))
    }

    fn usual<'t>(&self, habit: &'t Habit, snapshot: &Snapshot, now: Time) -> Result<Usual<'t>, Untaught> {
        let identity = snapshot.identity(&self.identity).ok_or_else(|| Untaught::NoIdentity(self.identity.clone()))?;
        let caller = described(identity, ProofKind::ApiKey, snapshot, now);
        if caller.lane() != Lane::Machine {
            return Err(Untaught::NoIdentity(self.identity.clone()));
        }
        let (api, operation) = find(&habit.operation, snapshot).ok_or_else(|| Untaught::NoOperation(habit.operation.clone()))?;
        let mut facts = recorded::nothing();
        facts.request.method = operation.method.clone();
        facts.source.address = canon::address(habit.from);
        facts.source.zone = snapshot.zone(facts.source.address).cloned();
        match &habit.software {
            Software::Tls(fingerprint) => facts.source.tls = Some(Arc::clone(fingerprint)),
            Software::Agent(agent) => facts.source.user_agent = Some(agent.clone()),
            Software::Untold => {}
        }
        (facts.caller, facts.api, facts.operation) = (Some(caller), Some(Arc::clone(api)), Some(Arc::clone(operation)));
        if let Err(denial) = standing::consider(&facts, snapshot) {
            let (identity, operation) = (self.identity.clone(), habit.operation.clone());
            return Err(Untaught::Refused { identity, operation, reason: denial.reason });
        }
        Ok(Usual { habit, hours: habit.hours_of_day(), facts })
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

/// A habit, and the facts of its calls but for what is of one call alone.
#[derive(Debug)]
struct Usual<'t> {
    habit: &'t Habit,
    hours: u32,
    facts: Facts,
}

/// The calls of an hour since the epoch, in their order: at which second of it, and which. Those of one habit are spread over it.
fn usual_of_hour<'u, 't>(usual: &'u [Usual<'t>], hour: i64) -> Vec<(i64, &'u Usual<'t>)> {
    let of_day = hour.rem_euclid(24);
    let mut calls: Vec<_> = usual
        .iter()
        .filter(|usual| usual.hours >> of_day & 1 == 1)
        .flat_map(|usual| {
            let count = i64::from(usual.habit.per_hour);
            (0..count).map(move |call| (call * 3_600 / count, usual))
        })
        .collect();
    calls.sort_by_key(|(at, _)| *at);
    calls
}

impl Usual<'_> {
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
        let records = self.habit.records;
        let effect = Effect { status: Some(200), records: Some(records), bytes: records.saturating_mul(512), subject: None };
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
