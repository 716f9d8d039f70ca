//! All actors in one queue: who calls next, and what follows from what became of it.

use super::{
    attacks::{self, Attack, Strength, campaign::Campaign},
    calendar::BEGINS,
    call::{Call, Fate},
    chance::{Chance, mixed},
    documents::Documents,
    happening::Happening,
    honest::Worker,
    population::Member,
    scale::Scale,
    world::World,
};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};
use wardgate_model::time::Time;

/// The estate, at some moment of its weeks.
///
/// It holds one state for each actor and one place in the queue for each: what it holds does not grow while it runs.
#[derive(Debug)]
pub struct Estate {
    world: World,
    workers: Vec<Worker>,
    campaigns: Vec<Campaign>,
    attacks: Vec<Attack>,
    /// Who calls when; of two at the same time the one of the lower number first.
    queue: BinaryHeap<Reverse<(Time, u32)>>,
    /// Which campaigns listen to which members.
    listeners: Vec<Vec<usize>>,
    /// The call that was given last, while nobody has said what became of it.
    pending: Option<Call>,
}

impl Estate {
    /// The estate of a seed.
    #[must_use]
    pub fn new(seed: u64, scale: Scale) -> Self {
        let world = World::new(seed, scale);
        let mut estate = Self {
            listeners: world.members.iter().map(|_| Vec::new()).collect(),
            world,
            workers: Vec::new(),
            campaigns: Vec::new(),
            attacks: Vec::new(),
            queue: BinaryHeap::new(),
            pending: None,
        };
        estate.hire(seed);
        estate.plot(seed);
        estate
    }

    /// A worker for each habit of each member.
    fn hire(&mut self, seed: u64) {
        for (at, member) in self.world.members.iter().enumerate() {
            for habit in &member.habits {
                let actor = u32::try_from(self.workers.len()).unwrap_or(u32::MAX);
                let mut worker = Worker::new(actor, at, member, *habit, seed);
                self.queue.push(Reverse((worker.begins(&self.world, member, BEGINS), actor)));
                self.workers.push(worker);
            }
        }
    }

    /// Campaigns of each family, one of each strength; as far as there are enough victims, none has the victim of another.
    fn plot(&mut self, seed: u64) {
        let mut taken = BTreeSet::new();
        let rounds = 0..self.world.scale.attacks;
        let rows =
            rounds.flat_map(|_| attacks::scenarios().flat_map(|scenario| Strength::ALL.iter().map(move |strength| (scenario, *strength))));
        for (scenario, strength) in rows {
            let number = self.campaigns.len();
            let mut chance = Chance::new(seed, mixed(0xF00D, number as u64));
            let mut victims = Vec::new();
            for _ in 0..scenario.victims {
                let fit = self.world.members.iter().enumerate().filter(|(at, member)| (scenario.victim)(member) && !victims.contains(at));
                let fit: Vec<usize> = fit.map(|(at, _)| at).collect();
                let free: Vec<usize> = fit.iter().copied().filter(|at| !taken.contains(at)).collect();
                let from = if free.is_empty() { &fit } else { &free };
                victims.extend(chance.pick(from));
            }
            taken.extend(victims.iter().copied());
            for victim in &victims {
                if let Some(listeners) = self.listeners.get_mut(*victim) {
                    listeners.push(number);
                }
            }
            let actor = u32::try_from(self.workers.len() + number).unwrap_or(u32::MAX);
            let numbers = (actor, u16::try_from(number).unwrap_or(u16::MAX));
            let campaign = Campaign::new(numbers, scenario, strength, victims, &self.world);
            self.queue.push(Reverse((campaign.begins(), actor)));
            self.attacks.push(campaign.attack());
            self.campaigns.push(campaign);
        }
    }

    /// Everybody who calls; the last shows nothing and is no identity.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.world.members
    }

    /// The member of a call; `None`: it shows nothing.
    #[must_use]
    pub fn member(&self, call: &Call) -> Option<&Member> {
        self.world.members.get(usize::from(call.member?))
    }

    /// All that happens besides calls, in order. A driver tells the gate those that are told.
    #[must_use]
    pub fn happenings(&self) -> &[Happening] {
        &self.world.happenings.all
    }

    /// Every attack, with what came of it so far.
    #[must_use]
    pub fn attacks(&self) -> &[Attack] {
        &self.attacks
    }

    /// The moment at which it ends.
    #[must_use]
    pub fn ends(&self) -> Time {
        self.world.calendar.ends()
    }

    /// The estate as an operator writes it.
    #[must_use]
    pub fn documents(&self) -> Documents {
        Documents::of(&self.world.members)
    }

    /// How many actors there are; each makes one call at a time.
    #[must_use]
    pub fn actors(&self) -> usize {
        self.workers.len() + self.campaigns.len()
    }

    /// How many places of its queue are taken: never more than there are actors.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Says what became of the call that was given last. Of a call that nothing is said of, it is taken that it was allowed.
    pub fn settle(&mut self, fate: Fate) {
        let Some(call) = self.pending.take() else { return };
        let place = usize::try_from(call.actor).unwrap_or(usize::MAX);
        let next = match self.workers.get_mut(place) {
            Some(worker) => {
                let next = worker.after(&self.world, &call, fate);
                let listeners = self.world.members.get(usize::from(call.member.unwrap_or(u16::MAX))).and(call.member);
                for campaign in listeners.and_then(|at| self.listeners.get(usize::from(at))).into_iter().flatten() {
                    if let Some(campaign) = self.campaigns.get_mut(*campaign) {
                        campaign.hears(&call);
                    }
                }
                next
            }
            None => {
                let number = place - self.workers.len();
                let attack = self.campaigns.get_mut(number).zip(self.attacks.get_mut(number));
                attack.and_then(|(campaign, attack)| campaign.after(&call, fate, &mut attack.take))
            }
        };
        if let Some(next) = next {
            self.queue.push(Reverse((next.max(call.time), call.actor)));
        }
    }

    /// The next call of an actor, or when it has to be asked again.
    fn ask(&mut self, actor: u32, now: Time) -> Result<Call, Option<Time>> {
        let place = usize::try_from(actor).unwrap_or(usize::MAX);
        if let Some(worker) = self.workers.get_mut(place) {
            return worker.call(&self.world, now).ok_or(None);
        }
        let Some(campaign) = self.campaigns.get_mut(place - self.workers.len()) else { return Err(None) };
        campaign.call(&self.world, now).ok_or_else(|| campaign.waits(now))
    }
}

impl Iterator for Estate {
    type Item = Call;

    fn next(&mut self) -> Option<Call> {
        self.settle(Fate::Allowed);
        loop {
            let Reverse((now, actor)) = self.queue.pop()?;
            if now >= self.ends() {
                continue;
            }
            match self.ask(actor, now) {
                Ok(call) => {
                    self.pending = Some(call.clone());
                    return Some(call);
                }
                Err(Some(later)) => self.queue.push(Reverse((later, actor))),
                Err(None) => {}
            }
        }
    }
}
