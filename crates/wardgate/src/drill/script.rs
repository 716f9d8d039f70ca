//! Who does what in a rehearsal: canaries with a past, and lanes, each of them one caller from one place. What is the same in all of them is
//! here, each attack in a file by what it does.

mod elsewhere;
mod logins;
mod reaching;
mod taking;

use super::{
    Unfit,
    caller::Call,
    canary::{Holds, Plan},
    gateway::Software,
    places::{Chance, Places},
    scenario::{Scenario, Strength},
    target::{Operation, Target},
};
use std::{net::IpAddr, time::Duration};
use wardgate_console::{Habit, Habits};

/// How many days a canary is taken to have called before.
const DAYS: u8 = 8;
/// How often in each hour, in all. Honest lanes stay below it.
const USUAL: u32 = 240;
/// Honest calls of one lane at the most, and the least time between two.
const HONEST_MAX: u32 = 300;
const HONEST_EVERY: Duration = Duration::from_millis(40);
/// Things that honest callers ask for.
const THINGS: usize = 200;

/// On which side somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Attack,
    /// Nobody attacks it.
    Bystander,
    /// It is what the attack holds: its credential, its identity.
    Owner,
}

/// What a lane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    Nothing,
    /// What this canary holds.
    Of(usize),
    /// A token of this canary, without its key: a key of the thief's own.
    Stolen(usize),
}

/// What a lane calls.
#[derive(Debug, Clone)]
pub(super) enum Calls {
    /// These, in this order.
    Once(Vec<Call>),
    /// These, from the beginning again for as long as the attack lasts.
    Round(Vec<Call>),
}

/// One caller.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) side: Side,
    pub(super) shows: Shows,
    pub(super) from: Option<IpAddr>,
    pub(super) software: Software,
    pub(super) calls: Calls,
    /// How long after the attack has begun.
    pub(super) after: Duration,
    /// From one call to the next, at the least.
    pub(super) every: Duration,
}

/// A rehearsal.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    pub(super) canaries: Vec<Plan>,
    pub(super) lanes: Vec<Lane>,
    /// What whoever reads the report should know.
    pub(super) notes: Vec<String>,
}

/// What whoever rehearses says of bodies.
#[derive(Debug, Clone, Default)]
pub(super) struct Bodies {
    /// Of attack requests that take one: `{account}`, `{password}` and `{n}` are put in.
    pub(super) attack: Option<String>,
    /// Of a login that succeeds.
    pub(super) honest_login: Option<String>,
}

/// How software is known.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// By its user agent.
    Agent,
    /// By its TLS fingerprint: of the usual one.
    Fingerprint(String),
}

/// What scripts are made of.
pub(super) struct Making<'a> {
    pub(super) target: &'a Target,
    /// Other APIs that a caller may go on to.
    pub(super) others: &'a [Target],
    pub(super) places: &'a Places,
    pub(super) strength: Strength,
    pub(super) lasting: Duration,
    pub(super) bodies: &'a Bodies,
    pub(super) known: Known,
    /// Whether canaries may hold an API key, and whether they may get tokens.
    pub(super) keys: bool,
    pub(super) tokens: bool,
    pub(super) chance: Chance,
}

/// The script of a scenario.
///
/// # Errors
/// The API has not what it needs.
pub(super) fn script(scenario: Scenario, making: &mut Making<'_>) -> Result<Script, Unfit> {
    let mut script = match scenario {
        Scenario::Stuffing => logins::from_one_place(making)?,
        Scenario::DistributedStuffing => logins::from_everywhere(making)?,
        Scenario::Scraping => taking::in_order(making)?,
        Scenario::SlowScraping => taking::slowly(making)?,
        Scenario::ContainerTakeover => taking::within_the_container(making)?,
        Scenario::BulkExport => taking::whole(making)?,
        Scenario::InventoryHolding => taking::holds(making)?,
        Scenario::TokenTheft => elsewhere::theft(making)?,
        Scenario::TokenSharing => elsewhere::sharing(making)?,
        Scenario::Probing => reaching::probing(making)?,
        Scenario::LateralMovement => reaching::sideways(making)?,
        Scenario::PrivilegeClimbing => reaching::upwards(making)?,
        Scenario::ScopeCreep => reaching::ever_more(making)?,
    };
    if making.places.count() < 2 {
        script.notes.push("everything was sent from one address: what tells one place from another told nothing (`--from`)".to_owned());
    }
    Ok(script)
}

impl Making<'_> {
    pub(super) fn holds(&self) -> Holds {
        if self.keys { Holds::Key } else { Holds::Private }
    }

    /// What may most: an API key alone may not export, pay or administrate (`guardrail:power`).
    pub(super) fn holds_most(&self) -> Holds {
        if self.tokens { Holds::Private } else { self.holds() }
    }

    /// Home of honest callers.
    pub(super) fn home(&self) -> Option<IpAddr> {
        self.places.at(0)
    }

    /// A place that nobody has called from.
    pub(super) fn away(&self) -> Option<IpAddr> {
        self.places.at(1)
    }

    /// What it is usual to call: some operations that read.
    ///
    /// # Errors
    /// There are none.
    pub(super) fn usual(&self, scenario: Scenario) -> Result<Vec<&Operation>, Unfit> {
        let mut reading = self.target.reading();
        reading.truncate(2);
        if reading.is_empty() {
            return Err(scenario.lacks(&self.target.name, "none that reads, which honest callers could use"));
        }
        Ok(reading)
    }

    /// A past of calls of these operations.
    pub(super) fn past(&self, operations: &[&Operation]) -> Habits {
        let share = USUAL / u32::try_from(operations.len().max(1)).unwrap_or(1);
        Habits { days: DAYS, habits: operations.iter().map(|one| self.habit(one, share, None)).collect() }
    }

    pub(super) fn habit(&self, operation: &Operation, per_hour: u32, hours: Option<Vec<u8>>) -> Habit {
        let (tls, user_agent) = match &self.known {
            Known::Agent => (None, Some(Software::Usual.agent().to_owned())),
            Known::Fingerprint(fingerprint) => (Some(fingerprint.clone()), None),
        };
        let from = self.home().unwrap_or(IpAddr::from([127, 0, 0, 1]));
        Habit { operation: operation.id.clone(), per_hour, hours, from, tls, user_agent, records: 1 }
    }

    /// A canary that reads, with such a past.
    pub(super) fn reader(&self, role: &'static str, usual: &[&Operation]) -> Plan {
        Plan {
            role,
            holds: self.holds(),
            grants: vec![(self.target.name.clone(), usual.iter().map(|one| one.selector.clone()).collect())],
            past: Some(self.past(usual)),
        }
    }

    /// Calls of operations for things by chance, in turn.
    pub(super) fn by_chance(&mut self, operations: &[&Operation], count: usize) -> Vec<Call> {
        operations
            .iter()
            .cycle()
            .take(if operations.is_empty() { 0 } else { count })
            .map(|one| Call::new(&one.method, one.path(&self.thing())))
            .collect()
    }

    /// A number that is far from others.
    fn thing(&mut self) -> String {
        (10_000 + self.chance.below(9_000_000)).to_string()
    }

    /// Somebody honest, who does what it has always done.
    pub(super) fn honest(&mut self, side: Side, canary: usize, operations: &[&Operation]) -> Lane {
        let calls = Calls::Round(self.by_chance(operations, THINGS));
        let every = (self.lasting / HONEST_MAX).max(HONEST_EVERY);
        Lane { side, shows: Shows::Of(canary), from: self.home(), software: Software::Usual, calls, after: Duration::ZERO, every }
    }

    /// Somebody hostile, at home and by the usual software.
    pub(super) fn attack(&self, canary: usize, calls: Vec<Call>) -> Lane {
        let every = self.strength.of(Duration::from_millis(2), Duration::from_millis(10), Duration::from_millis(40));
        Lane {
            side: Side::Attack,
            shows: Shows::Of(canary),
            from: self.home(),
            software: Software::Usual,
            calls: Calls::Once(calls),
            after: Duration::ZERO,
            every,
        }
    }

    /// A call that takes a body, as whoever rehearses has it.
    pub(super) fn with_body(&self, operation: &Operation, number: usize, otherwise: impl FnOnce() -> String) -> Call {
        let call = Call::new(&operation.method, operation.path(&format!("drill-{number}")));
        if matches!(operation.method, http::Method::GET | http::Method::HEAD | http::Method::DELETE) {
            return call;
        }
        let body = match &self.bodies.attack {
            Some(text) => text.replace("{n}", &number.to_string()),
            None => otherwise(),
        };
        call.json(body)
    }
}

/// With a bystander: an identity of its own, which nobody attacks.
fn with_bystander(making: &mut Making<'_>, usual: &[&Operation], mut script: Script) -> Script {
    let canary = script.canaries.len();
    script.canaries.push(making.reader("bystander", usual));
    let lane = making.honest(Side::Bystander, canary, usual);
    script.lanes.push(lane);
    script
}

#[cfg(test)]
mod tests;
