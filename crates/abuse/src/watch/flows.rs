//! What is begun, and how much of it comes to its end: of each identity, of each network that people come from, and of all together.
//!
//! It is counted, not paired: what is begun has its number in the answer, which nobody reads here. A course is the last twice of a flow's
//! time in eight slots; what was begun in the last two of them is too young to be missed. What is usual is learned by days.

use super::{
    Heard,
    hash::{HashKey, Of, short},
    shards::{PIECES, Shards},
    sight::Sight,
    weights as w,
};
use ahash::AHashMap;
use wardgate_model::{
    facts::Facts,
    flow::{Flow, Part, Step},
};

/// Slots that are remembered: two times that of a flow.
const SLOTS: usize = 8;
/// The same, as slots are counted.
const LONGEST: u32 = 8;
/// Slots within the time of a flow.
const SLOTS_WITHIN: u64 = 4;
/// Slots in which what was begun is too young to have come to its end.
const YOUNG: usize = 2;
/// Networks that are remembered in a piece, 16,384 in all; the oldest leave.
const NETWORKS_MAX: usize = 16_384 / PIECES;
/// Flows of which all that is begun is remembered, people's apart: so many in a piece, however they fall to the pieces.
const ALL_MAX: usize = 2_048;
/// All, in thousandths.
const ALL: u64 = 1_000;

/// An operation's place in a flow, in numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stepped<'f> {
    flow: &'f Flow,
    part: Part,
    /// The number of the flow.
    of: u32,
    slot: u32,
    day: u32,
    /// The thing that the request names, where it names one; 0: it does not.
    thing: u32,
}

impl<'f> Stepped<'f> {
    /// The steps of a request.
    pub(super) fn of(facts: &'f Facts, sight: &Sight, key: HashKey) -> impl Iterator<Item = Self> {
        let steps: &[Step] = facts.operation.as_deref().map_or(&[], |operation| &operation.flows);
        let (second, day) = (sight.second, sight.hour / 24);
        steps.iter().map(move |step| {
            let flow = &*step.flow;
            let width = (flow.within.as_secs() / SLOTS_WITHIN).max(1);
            Self {
                flow,
                part: step.part,
                of: short(key.within(key.of(Of::Flow, flow.api.as_str().as_bytes()), flow.name.as_str().as_bytes())),
                slot: u32::try_from(u64::from(second) / width).unwrap_or(u32::MAX),
                day,
                thing: facts.resource.as_deref().map_or(0, |resource| key.short(Of::Resource, resource.as_bytes())),
            }
        })
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// It was done.
    Done,
    /// It failed through no fault of the caller's.
    Failed,
    /// Nothing.
    Nothing,
}

/// How one flow goes for somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Course {
    /// Which flow; 0: none.
    of: u32,
    /// The slot that it is in, counted since the epoch.
    slot: u32,
    /// What was begun and finished in the last slots, this one first.
    begun: [u16; SLOTS],
    finished: [u16; SLOTS],
    day: u32,
    /// Begun and finished today, as far as it was not risky, and on the days before: each counts for seven eighths of the one after.
    today: (u32, u32),
    usual: (u32, u32),
    /// The thing that was begun last, and the one that was finished last.
    things: (u32, u32),
}

/// What is said of a course.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// What was begun, that should have come to its end.
    pub(super) begun: u32,
    pub(super) weight: u32,
}

/// What came to its end beside what was to be expected.
#[derive(Debug, Clone, Copy)]
struct Ended {
    begun: u64,
    finished: u64,
    /// How much usually does, in thousandths.
    usual: u64,
}

impl Ended {
    /// Whether there is as much of it, and as much is left unfinished, as the flow wants to be told of.
    fn is_told(&self, flow: &Flow, least: u64) -> bool {
        let left = self.begun.saturating_sub(self.finished) * 100;
        self.begun >= least && left >= self.begun * u64::from(flow.share)
    }

    /// The rest, without what is of another one.
    fn without(self, own: &Self) -> Self {
        Self { begun: self.begun.saturating_sub(own.begun), finished: self.finished.saturating_sub(own.finished), ..self }
    }

    /// Whether less than `part` per cent of what was to be expected came to its end, and that by as many times the spread of chance.
    fn is_below(&self, part: u64, spreads: u64) -> bool {
        let (expected, finished) = (self.begun * self.usual, self.finished * ALL);
        let short = expected.saturating_sub(finished);
        // The spread of so many that end or do not, each by itself; never less than if one of twenty were left unfinished.
        let variance = expected * (ALL - self.usual).max(ALL / 20);
        finished * 100 < expected * part && short.saturating_mul(short) >= spreads * spreads * variance
    }
}

impl Course {
    fn turn(&mut self, step: &Stepped<'_>) {
        // Another time of the flow has other slots.
        let ahead = step.slot.saturating_sub(self.slot);
        let turned = usize::try_from(ahead).unwrap_or(SLOTS).min(SLOTS);
        let foreign = self.slot.saturating_sub(step.slot) > LONGEST;
        for slots in [&mut self.begun, &mut self.finished] {
            slots.rotate_right(turned % SLOTS);
            let cleared = if foreign { SLOTS } else { turned };
            slots.iter_mut().take(cleared).for_each(|slot| *slot = 0);
        }
        self.slot = if foreign { step.slot } else { self.slot.max(step.slot) };
        if step.day > self.day {
            if self.today.0 > 0 {
                let seven_eighths = |sum: u32| sum - sum / 8;
                self.usual.0 = seven_eighths(self.usual.0).saturating_add(self.today.0);
                self.usual.1 = seven_eighths(self.usual.1).saturating_add(self.today.1);
            }
            (self.day, self.today) = (step.day, (0, 0));
        }
    }

    /// What is begun and not brought to its end, within what is remembered.
    fn open(&self) -> u32 {
        sum(&self.begun).saturating_sub(sum(&self.finished))
    }

    /// Something was begun or brought to its end; `usual`: it may be learned. The same thing twice in a row is once.
    fn count(&mut self, step: &Stepped<'_>, usual: bool) {
        self.turn(step);
        let (slots, last, learned) = match step.part {
            Part::Begins => (&mut self.begun, &mut self.things.0, &mut self.today.0),
            // Nobody finishes ahead of time.
            Part::Finishes if sum(&self.begun) > sum(&self.finished) => (&mut self.finished, &mut self.things.1, &mut self.today.1),
            Part::Finishes => return,
        };
        if step.thing != 0 && *last == step.thing {
            return;
        }
        *last = step.thing;
        if let Some(slot) = slots.first_mut() {
            *slot = slot.saturating_add(1);
        }
        *learned = learned.saturating_add(u32::from(usual));
    }

    /// What comes to its end usually, in thousandths; `None`: too little is known.
    fn usual(&self) -> Option<u64> {
        let (begun, finished) = (u64::from(self.usual.0), u64::from(self.usual.1));
        let share = (finished * ALL).checked_div(begun)?.clamp(w::FINISHED_LEAST, ALL);
        (begun >= w::FLOW_LEARNED).then_some(share)
    }

    /// What has had its time lately, and what came to its end. What is finished sooner is among it: so nothing is missed that is not.
    fn lately(&self, usual: u64) -> Ended {
        let ripe = self.begun.iter().skip(YOUNG).map(|slot| u64::from(*slot)).sum();
        Ended { begun: ripe, finished: sum(&self.finished).into(), usual }
    }

    /// The same of today.
    fn today(&self, usual: u64) -> Ended {
        let young: u32 = self.begun.iter().take(YOUNG).map(|slot| u32::from(*slot)).sum();
        Ended { begun: self.today.0.saturating_sub(young).into(), finished: self.today.1.into(), usual }
    }

    /// What is to be said of somebody who begins once more. `usual`: what is, where nothing is known of this one; `all`: how it goes for all
    /// together.
    fn say(&self, flow: &Flow, usual: Option<u64>, all: Option<&Self>) -> Said {
        let said = |ended: Ended, weight: u32| Said { begun: u32::try_from(ended.begun).unwrap_or(u32::MAX), weight };
        let least = u64::from(flow.at_least);
        let Some(usual) = self.usual().or(usual) else {
            let lately = self.lately(ALL - ALL * u64::from(flow.share) / 100);
            return said(lately, if lately.is_told(flow, least) { w::UNFINISHED_SOME } else { 0 });
        };
        // How it goes for the others, by what is usual for all.
        let others = |ended: fn(&Self, u64) -> Ended| Some(ended(all?, all?.usual()?).without(&ended(self, usual)));
        let seen = [(self.lately(usual), least, 4, others(Self::lately)), (self.today(usual), least * 2, 6, others(Self::today))];
        let told = seen.into_iter().filter(|(ended, least, ..)| ended.is_told(flow, *least)).map(|(ended, _, spreads, others)| {
            // Where it ends for nobody, it is not the callers that leave it.
            let for_all = |part| others.is_some_and(|others| others.begun >= w::FLOW_LEARNED && others.is_below(part, spreads));
            let weight = if ended.is_below(20, 6) && !for_all(20) {
                w::UNFINISHED_FAR
            } else if ended.is_below(40, spreads) && !for_all(40) {
                w::UNFINISHED
            } else if ended.is_below(60, 6) {
                w::UNFINISHED_SOME
            } else {
                0
            };
            said(ended, weight)
        });
        told.max_by_key(|said| said.weight).unwrap_or_default()
    }
}

fn sum(slots: &[u16; SLOTS]) -> u32 {
    slots.iter().map(|slot| u32::from(*slot)).sum()
}

/// The courses of one identity.
pub(super) type Courses = [Course; 4];

/// The course of a flow; the one with the least that is new leaves for it.
fn course<'c>(courses: &'c mut Courses, step: &Stepped<'_>) -> Option<&'c mut Course> {
    let at = courses.iter().position(|course| course.of == step.of);
    let at = at.or_else(|| courses.iter().enumerate().min_by_key(|(_, course)| (course.of != 0, course.day)).map(|(at, _)| at))?;
    let course = courses.get_mut(at)?;
    if course.of != step.of {
        *course = Course { of: step.of, slot: step.slot, day: step.day, ..Course::default() };
    }
    Some(course)
}

/// The courses of people, by flow and the network that they come from.
#[derive(Debug, Default)]
struct Networks {
    courses: AHashMap<(u32, u32), Course>,
    /// When room was last made, in minutes since the epoch.
    swept: u32,
}

/// How the flows of an installation go, but for what is in the profiles.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// In pieces by the network.
    networks: Shards<Networks>,
    /// Of all machines, and of all people: a flow, and whether it is people's. In pieces by the flow.
    all: Shards<AHashMap<(u32, bool), Course>>,
}

impl Flows {
    /// What is to be said of a request that begins something: the heaviest of its flows. `own`: the courses of its identity; people have none.
    pub(super) fn assess<'f>(&self, steps: impl Iterator<Item = Stepped<'f>>, sight: &Sight, mut own: Option<&mut Courses>) -> Said {
        let mut said = Said::default();
        let people = own.is_none();
        for step in steps.filter(|step| step.part == Part::Begins) {
            let mut networks = people.then(|| self.networks.of(sight.network));
            let own = match own.as_deref_mut() {
                Some(own) => own.iter_mut().find(|course| course.of == step.of),
                None => networks.as_mut().and_then(|networks| networks.courses.get_mut(&(step.of, sight.network))),
            };
            let Some(own) = own else { continue };
            own.turn(&step);
            let mut all = self.all.of(step.of);
            let all = all.get_mut(&(step.of, people)).map(|all| {
                all.turn(&step);
                &*all
            });
            // A network of people that is new has no days of its own.
            let usual = all.filter(|_| people).and_then(Course::usual);
            let mut one = own.say(step.flow, usual, all);
            // Neighbours share a network: one of them makes the others wait at the most.
            if people {
                one.weight = one.weight.min(w::UNFINISHED);
            }
            if one.weight > said.weight {
                said = one;
            }
        }
        said
    }

    /// What came of a request. `usual`: it may be learned.
    pub(super) fn learn<'f>(
        &self,
        steps: impl Iterator<Item = Stepped<'f>>,
        sight: &Sight,
        status: u16,
        usual: bool,
        mut own: Option<&mut Courses>,
        heard: Heard,
    ) {
        let came = match status {
            500.. | 429 => Came::Failed,
            400.. => Came::Nothing,
            _ => Came::Done,
        };
        // Who comes to the end and finds the upstream failing has left nothing behind.
        let counts = |part: Part| came == Came::Done || (part == Part::Finishes && came == Came::Failed);
        let people = own.is_none();
        for step in steps.filter(|step| counts(step.part)) {
            if let Some(course) = own.as_deref_mut().and_then(|own| course(own, &step)) {
                course.count(&step, usual);
            }
            if heard == Heard::Said {
                continue;
            }
            if people {
                self.networks.of(sight.network).count(&step, sight, usual);
            }
            let (mut all, place) = (self.all.of(step.of), (step.of, people));
            if all.len() < ALL_MAX || all.contains_key(&place) {
                all.entry(place).or_default().count(&step, usual);
            }
        }
    }
}

impl Networks {
    fn count(&mut self, step: &Stepped<'_>, sight: &Sight, usual: bool) {
        self.make_room(sight.minute);
        let place = (step.of, sight.network);
        if self.courses.len() < NETWORKS_MAX || self.courses.contains_key(&place) {
            self.courses.entry(place).or_default().count(step, usual);
        }
    }

    /// Makes room, at most once a minute: networks that have begun nothing lately go first, then those that have begun least.
    fn make_room(&mut self, minute: u32) {
        if self.courses.len() < NETWORKS_MAX || self.swept == minute {
            return;
        }
        self.swept = minute;
        self.courses.retain(|_, course| course.day + 1 >= minute / (24 * 60));
        for least in [2, 4, 8, 16] {
            if self.courses.len() < NETWORKS_MAX / 2 {
                return;
            }
            self.courses.retain(|_, course| course.open() >= least);
        }
    }
}

mod kept;
pub(super) use kept::Flowed;
