//! Honest callers: each habit of each identity has a worker, which makes one call after the other.

mod bout;
mod setbacks;

use super::{
    calendar::{Rhythm, next_hour},
    call::{Call, Fate, Label, Why},
    chance::{Chance, micros, mixed},
    habit::{Habit, What, When},
    population::Member,
    world::{Equipment, Intent, Moment, World},
};
use bout::Bout;
use setbacks::{Setback, Setbacks};
use std::time::Duration;
use wardgate_model::time::Time;

/// After a pause of this length a token is fetched anew, by whatever container does the work then.
const FETCHES_AFTER: Duration = Duration::from_mins(5);

/// A worker of an identity.
#[derive(Debug)]
pub(super) struct Worker {
    /// Its number among all actors.
    pub(super) actor: u32,
    member: usize,
    habit: Habit,
    chance: Chance,
    bout: Bout,
    /// Its software and place in this bout of calls.
    equipment: Option<Equipment>,
    /// How many calls it still makes to catch up after it was away.
    storm: u32,
    setbacks: Setbacks,
    /// What it does again, where it does.
    again: Option<(Intent, Why, bool)>,
    last: Option<Intent>,
}

impl Worker {
    pub(super) fn new(actor: u32, at: usize, member: &Member, habit: Habit, seed: u64) -> Self {
        let chance = Chance::new(seed, mixed(u64::from(actor), member.salt));
        Self {
            actor,
            member: at,
            habit,
            chance,
            bout: Bout::default(),
            equipment: None,
            storm: 0,
            setbacks: Setbacks::new(member.temper),
            again: None,
            last: None,
        }
    }

    /// When it begins its next bout of calls.
    pub(super) fn begins(&mut self, world: &World, member: &Member, now: Time) -> Time {
        let volume = world.volume(member, now);
        let (offset, calendar) = (member.offset_hours, world.calendar);
        let next = match self.habit.when {
            When::Busy(rhythm, daily) => rhythm.next(now, daily.saturating_mul(volume) / 1_000_000, offset, calendar, &mut self.chance),
            When::Every(span) if volume >= 1_000_000 => now + self.chance.around(span),
            When::Every(span) => {
                let longer = micros(span).saturating_mul(1_000_000) / volume.max(1);
                now + self.chance.around(Duration::from_micros(longer))
            }
            When::At(hour, days) => {
                let minutes = mixed(member.salt, u64::from(self.actor)) % 50;
                next_hour(now, hour, offset, days) + Duration::from_mins(minutes) + Duration::from_secs(self.chance.below(40))
            }
        };
        self.when_back(world, next)
    }

    /// Nobody calls who cannot. What was left undone meanwhile is done at once afterwards.
    fn when_back(&mut self, world: &World, next: Time) -> Time {
        let Some(until) = world.happenings.away_until(self.member, next) else { return next };
        let calls = Rhythm::Shop.intensity(until, 0, world.calendar) / 5;
        self.storm = u32::try_from(20 + calls * world.scale.calls_per_mille / 1_000).unwrap_or(20);
        until + Duration::from_millis(self.chance.below(20_000))
    }

    /// Its next call.
    pub(super) fn call(&mut self, world: &World, now: Time) -> Option<Call> {
        let member = world.members.get(self.member)?;
        let (intent, why, answers) = match self.again.take() {
            Some(again) => again,
            None => (self.intent(world, member, now)?, if self.storm > 0 { Why::Storm } else { Why::Usual }, false),
        };
        let why = if world.is_outdated(intent.operation, member.salt, now) && why == Why::Usual { Why::Outdated } else { why };
        if self.equipment.is_none() {
            let bout = self.chance.next();
            self.equipment = Some(world.equipment(self.member, member, u64::from(self.actor), bout, now));
        }
        let mut equipment = self.equipment.clone()?;
        equipment.shown.answers = answers;
        self.last = Some(intent);
        let moment =
            Moment { time: now, actor: self.actor, member: self.member, label: Label::Honest(why), attempt: self.setbacks.tries() };
        Some(world.call(moment, intent, &equipment, &mut self.chance))
    }

    fn intent(&mut self, world: &World, member: &Member, now: Time) -> Option<Intent> {
        if !self.bout.goes_on() {
            let size = match self.habit.when {
                When::At(..) => super::calendar::batch_size(now, member.offset_hours) * world.scale.calls_per_mille / 1_000,
                When::Busy(..) | When::Every(_) => 1_000,
            };
            self.bout = Bout::new(self.habit.what, size, &mut self.chance);
            self.equipment = None;
        }
        self.bout.next(self.habit.what, &mut self.chance)
    }

    /// What it does after a call has come to its end: when it calls next.
    pub(super) fn after(&mut self, world: &World, call: &Call, fate: Fate) -> Option<Time> {
        let member = world.members.get(self.member)?;
        let slowed = if let Fate::Slowed(delay) = fate { delay } else { Duration::ZERO };
        let now = call.time + slowed + if fate.reached() { call.answer.latency } else { Duration::from_millis(4) };
        match self.setbacks.after(call, fate, &mut self.chance) {
            Setback::None => {
                self.bout.answered(self.habit.what, call, &mut self.chance);
                Some(self.goes_on(world, member, now))
            }
            Setback::Again(pause, why) => {
                self.again = self.last.map(|intent| (intent, why, false));
                if pause > FETCHES_AFTER {
                    self.equipment = None;
                }
                Some(self.when_back(world, now + pause))
            }
            Setback::Answers => {
                self.again = self.last.map(|intent| (intent, Why::Again, true));
                Some(now + Duration::from_millis(self.chance.between(60, 200)))
            }
            Setback::GivesUp(pause) => {
                self.bout = Bout::default();
                Some(self.begins(world, member, now + pause))
            }
        }
    }

    fn goes_on(&mut self, world: &World, member: &Member, now: Time) -> Time {
        if self.storm > 0 {
            self.storm -= 1;
            if !self.bout.goes_on() {
                self.bout = Bout::new(What::One(super::habit::PARTNERS), 1_000, &mut self.chance);
                if !matches!(self.habit.what, What::One(_)) {
                    self.bout = Bout::new(self.habit.what, 1_000, &mut self.chance);
                }
            }
            return now + Duration::from_millis(self.chance.between(5, 120));
        }
        if self.bout.goes_on() {
            let gap = self.bout.gap(self.habit.what, &mut self.chance);
            return now + self.chance.around(gap);
        }
        self.begins(world, member, now)
    }
}
