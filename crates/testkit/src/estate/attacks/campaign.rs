//! A campaign: one attack, from its first call until it has what it wants, gives up, or time is over.

use super::{Attack, Measure, Pace, Place, Scenario, Shot, Strength, Take, hand::Hand};
use crate::estate::{
    calendar::BEGINS,
    call::{Call, Fate, Label, Proof, Source},
    catalogue::HOLD,
    chance::{Chance, mixed},
    population::Member,
    scale::Scale,
    world::{Equipment, Moment, World, software},
};
use std::time::Duration;
use wardgate_model::time::Time;

/// Software of those who attack from elsewhere.
const TOOLS: &[&str] = &["python-requests", "curl", "axios", "go-http-client"];
/// Days of the estate for which families say how long they go on.
const FULL_DAYS: u32 = Scale::FULL.days;
/// How long an attacker waits before it listens again.
const LISTENS: Duration = Duration::from_mins(10);

/// An attack on its way.
#[derive(Debug)]
pub(in crate::estate) struct Campaign {
    /// Its number among all actors.
    pub(in crate::estate) actor: u32,
    /// Its number among the attacks.
    pub(in crate::estate) number: u16,
    scenario: &'static Scenario,
    strength: Strength,
    victims: Vec<usize>,
    /// The last call overheard of each victim.
    heard: Vec<Option<Call>>,
    /// How many calls were overheard until it began.
    overheard: u32,
    chance: Chance,
    pace: Pace,
    begins: Time,
    ends: Time,
    made: u64,
    /// How often it went over to other sources.
    rotated: u64,
    /// Refusals in a row, and in all.
    refused: (u32, u32),
    /// What it does again, with an answer to a challenge.
    answers: Option<Shot>,
    last: Option<Shot>,
}

impl Campaign {
    pub(in crate::estate) fn new(
        numbers: (u32, u16),
        scenario: &'static Scenario,
        strength: Strength,
        victims: Vec<usize>,
        world: &World,
    ) -> Self {
        let mut chance = Chance::new(world.seed, mixed(u64::from(numbers.1), 0xA77A));
        let pace = (scenario.pace)(strength);
        let begins = world.calendar.at(chance.between(350, 700)) + Duration::from_secs(chance.below(3_600));
        let heard = victims.iter().map(|_| None).collect();
        Self {
            actor: numbers.0,
            number: numbers.1,
            scenario,
            strength,
            victims,
            heard,
            overheard: 0,
            chance,
            pace,
            begins,
            // In a shorter estate attacks are shorter, too.
            ends: (begins + pace.lasting * world.scale.days / FULL_DAYS).min(world.calendar.ends()),
            made: 0,
            rotated: 0,
            refused: (0, 0),
            answers: None,
            last: None,
        }
    }

    pub(in crate::estate) const fn begins(&self) -> Time {
        self.begins
    }

    /// As it is shown to whoever drives the estate.
    pub(in crate::estate) fn attack(&self) -> Attack {
        let scenario = self.scenario;
        Attack {
            family: scenario.family,
            strength: self.strength,
            set: scenario.set,
            place: scenario.place,
            measure: scenario.measure,
            victims: self.victims.iter().filter_map(|victim| u16::try_from(*victim).ok()).collect(),
            begins: self.begins,
            ends: self.ends,
            take: Take::default(),
        }
    }

    /// Hears of an honest call of one of its victims.
    pub(in crate::estate) fn hears(&mut self, call: &Call) {
        let place = self.victims.iter().position(|victim| u16::try_from(*victim).ok() == call.member);
        if call.time < self.begins {
            self.overheard += 1;
        }
        if let Some(heard) = place.and_then(|place| self.heard.get_mut(place)) {
            *heard = Some(call.clone());
        }
    }

    /// Its next call; `None`: it has to wait.
    pub(in crate::estate) fn call(&mut self, world: &World, now: Time) -> Option<Call> {
        let turn = usize::try_from(self.made).unwrap_or(0) % self.victims.len().max(1);
        let at = *self.victims.get(turn)?;
        let member = world.members.get(at)?;
        let heard = self.heard.get(turn).and_then(Option::as_ref);
        if self.scenario.overhears && heard.is_none() {
            return None;
        }
        let lasting = self.ends.since(self.begins).as_secs().max(1);
        let mut hand = Hand {
            victim: member,
            chance: &mut self.chance,
            made: self.made,
            over: now.since(self.begins).as_secs() * 1_000 / lasting,
            heard,
        };
        let (shot, answers) = match self.answers.take() {
            Some(shot) => (shot, true),
            None => ((self.scenario.shot)(&mut hand)?, false),
        };
        let heard = heard.cloned();
        let mut equipment = self.equipment(world, member, at, heard.as_ref(), now);
        equipment.shown.answers = answers;
        if shot.replays {
            equipment.shown.once = heard.as_ref().and_then(|heard| heard.shown.once);
        }
        self.last = Some(shot);
        let label = Label::Attack { attack: self.number, family: self.scenario.family, strength: self.strength };
        let attempt = u8::from(answers);
        let call =
            world.call(Moment { time: now, actor: self.actor, member: at, label, attempt }, shot.intent, &equipment, &mut self.chance);
        self.made += 1;
        Some(call)
    }

    /// How long it waits where it cannot call yet; `None`: it is over.
    pub(in crate::estate) fn waits(&self, now: Time) -> Option<Time> {
        let later = now + LISTENS;
        (later < self.ends).then_some(later)
    }

    fn equipment(&self, world: &World, member: &Member, at: usize, heard: Option<&Call>, now: Time) -> Equipment {
        let mut own = world.equipment(at, member, u64::from(self.actor), mixed(u64::from(self.number), self.rotated), now);
        // Whoever has stolen something has what was stolen: the token, the key of that time, in a container the whole identity.
        if let Some(heard) = heard {
            own.shown = heard.shown;
            own.shown.once = None;
            if self.scenario.place == Place::Own {
                own.source = heard.source;
                own.user_agent = heard.user_agent.clone();
                own.fingerprint = heard.fingerprint;
            }
        }
        if self.scenario.place == Place::Elsewhere {
            own.source = self.source();
            // With patience goes disguise: the victim's user agent. Its handshake is harder to imitate.
            let tool = TOOLS.get(usize::from(self.number) % TOOLS.len()).copied().unwrap_or("curl");
            if self.strength == Strength::Loud {
                own.user_agent = format!("{tool}/2.{}", self.number % 7).into();
            }
            own.fingerprint = software(tool, 0);
        }
        own
    }

    fn source(&self) -> Source {
        let (lair, sources) = self.pace.lair;
        let number = self.rotated * sources + self.made % sources.max(1);
        lair.source(u64::from(self.number), number)
    }

    /// When it calls next, after what became of its call; `None`: it is over, or it gives up.
    pub(in crate::estate) fn after(&mut self, call: &Call, fate: Fate, take: &mut Take) -> Option<Time> {
        self.count(call, fate, take);
        let delay = if let Fate::Slowed(delay) = fate { delay } else { Duration::ZERO };
        if let Some(per_mille) = self.pace.above_per_mille.take() {
            self.pace.gap = self.begins.since(BEGINS) / self.overheard.max(1) * 1_000 / per_mille.max(1);
        }
        let mut next = call.time + delay + call.answer.latency.min(Duration::from_secs(2)) + self.chance.pause(self.pace.gap);
        match fate {
            Fate::Allowed => self.refused.0 = 0,
            // Only whoever calls from within the victim's own container holds its key. A call that was overheard holds nothing.
            Fate::Challenged if self.holds_the_key(call) && !call.shown.answers => {
                self.answers = self.last;
                next = call.time + Duration::from_millis(120);
            }
            Fate::Slowed(_) | Fate::Challenged | Fate::Blocked(_) => {
                self.refused = (self.refused.0 + 1, self.refused.1 + u32::from(!fate.reached()));
                next = next + self.shies();
                if self.gives_up() {
                    take.gave_up = Some(call.time);
                    return None;
                }
            }
        }
        (next < self.ends).then_some(next)
    }

    fn holds_the_key(&self, call: &Call) -> bool {
        self.scenario.place == Place::Own && call.shown.proof.bound()
    }

    /// How an attacker takes it that it is met: it goes over to other sources, and the more patient slow down.
    fn shies(&mut self) -> Duration {
        let every = match self.strength {
            Strength::Loud => 20,
            Strength::Normal => 5,
            Strength::Low => 1,
        };
        if self.refused.0.is_multiple_of(every) {
            self.rotated += 1;
        }
        match self.strength {
            Strength::Loud => Duration::ZERO,
            Strength::Normal => {
                self.pace.gap = (self.pace.gap * 5 / 4).min(Duration::from_hours(1));
                Duration::from_secs(30)
            }
            Strength::Low => {
                self.pace.gap = (self.pace.gap * 3 / 2).min(Duration::from_hours(6));
                Duration::from_mins(90)
            }
        }
    }

    const fn gives_up(&self) -> bool {
        let most = match self.strength {
            Strength::Loud => 400,
            Strength::Normal => 40,
            Strength::Low => 8,
        };
        self.refused.1 >= most
    }

    fn count(&self, call: &Call, fate: Fate, take: &mut Take) {
        let good = call.answer.status < 400;
        let units = match self.scenario.measure {
            Measure::Records => u64::from(call.answer.records),
            Measure::Logins => 1,
            Measure::Holds => u64::from(good && std::ptr::eq(call.operation, &HOLD)),
            Measure::Acts => u64::from(good),
        };
        take.calls += 1;
        take.attempted += units;
        take.first.get_or_insert(call.time);
        if fate != Fate::Allowed {
            take.met.get_or_insert(call.time);
        }
        take.challenged += u64::from(fate == Fate::Challenged);
        take.answered += u64::from(call.shown.answers && call.shown.proof != Proof::None);
        if fate.reached() {
            take.reached += 1;
            take.leaked += units;
            take.opened += u64::from(call.subject.is_some() && good);
            if units > 0 {
                take.took = Some((take.took.map_or(call.time, |(first, _)| first), call.time));
            }
        }
    }
}
