//! What is usual for a caller, and how far a request is from it.
//!
//! Every identity that calls has a profile of at most 4 KiB: places, software, operations, amounts, schedules. [`Watch::assess`] looks at a
//! request before it is ruled on, and notes the attempt; [`Watch::learn`] is told what came of it. Baselines learn of what was allowed and not
//! risky, and of nothing else. Whoever is no identity (people, nobody) has no profile: logins and contents are looked at all the same.
//!
//! Reading order: `sight` (a request in numbers), `table`, `runs`, `amount` (what is remembered), `profile` (what is unusual), `peers`,
//! `logins`, `listed`, `flows` (what is begun and not finished), `shards` (what is counted of many, with a lock each), `waits` (who does not
//! wait), `lifted` (what is told and holds nobody back), `teaching` (calls that somebody says there were), and `weights`, where every number stands.

mod amount;
mod flows;
mod hash;
mod kept;
mod lifted;
mod listed;
mod logins;
mod peers;
mod profile;
mod runs;
mod shards;
mod sight;
mod table;
mod teaching;
mod waits;
mod weights;

pub use hash::HashKey;
use hash::Of;
pub use kept::{FILE_BYTES_MAX, Unkept};
pub use sight::Sight;
pub use teaching::{Teaching, Unteachable};

use flows::{Flows, Stepped};
use logins::Logins;
use peers::Peers;
use profile::{Beside, Parts, Profile};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};
use wardgate_model::{
    api::{OperationClass, Target},
    facts::{Caller, Facts, Lane},
    id::{ApiName, IdentityId},
    inventory::Identity,
    reason::Reason,
    risk::{Assessment, Contribution, Signal},
    ruling::{Response, Ruling},
    time::Time,
};
use weights as w;

/// Identities that are watched at the most; who comes when there is no room is not.
pub const PROFILES_MAX: usize = 200_000;

/// APIs that are announced at a time; of more, those are remembered that were announced last.
const ANNOUNCED_MAX: usize = 256;

/// What query and body of a request told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payload {
    /// How much of it reads as an attack on what is behind, 0 to 100.
    pub hostile: u8,
    /// In how many places it is not as the API's document has it.
    pub deviations: u8,
    /// The account that a login is for, hashed.
    pub subject: Option<u64>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effect {
    /// The status that the upstream answered; `None`: it was not reached, or gave none.
    pub status: Option<u16>,
    /// Records in its answer, where they were counted.
    pub records: Option<u64>,
    /// Bytes of the answer.
    pub bytes: u64,
    /// The account that a login was for, hashed.
    pub subject: Option<u64>,
}

/// What is announced, so that what is new is not unusual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announced {
    /// New software, other addresses of an identity.
    Identity(IdentityId),
    /// New operations of an API.
    Api(ApiName),
}

/// What is usual for every caller.
#[derive(Debug, Default)]
pub struct Watch {
    key: HashKey,
    profiles: Profiles,
    count: AtomicUsize,
    peers: papaya::HashMap<u64, Arc<Mutex<Peers>>, ahash::RandomState>,
    logins: Logins,
    flows: Flows,
    /// Signals that are switched off, a bit each.
    muted: AtomicU32,
    /// APIs whose new operations were announced, and until when.
    announced: Mutex<VecDeque<(u32, u32)>>,
}

/// How it is known of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// It was made.
    Real,
    /// Somebody says that it was: nobody but its caller is known by it.
    Said,
}

type Profiles = papaya::HashMap<IdentityId, Arc<Mutex<Profile>>, ahash::RandomState>;
/// The profiles, as long as none of them is given up.
type Pinned<'w> = papaya::HashMapRef<'w, IdentityId, Arc<Mutex<Profile>>, ahash::RandomState, papaya::LocalGuard<'w>>;

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// What is seen of a request; `None` where it is not known what it calls.
    #[must_use]
    pub fn see(&self, facts: &Facts, now: Time) -> Option<Sight> {
        Sight::of(facts, self.key, now)
    }

    /// How far a request is from what is usual. It counts as an attempt.
    #[must_use]
    pub fn assess(&self, facts: &Facts, payload: &Payload, now: Time) -> Assessment {
        self.see(facts, now).map_or_else(Assessment::default, |sight| self.assess_seen(&sight, facts, payload))
    }

    /// The same of a request that was seen just now.
    #[must_use]
    pub fn assess_seen(&self, sight: &Sight, facts: &Facts, payload: &Payload) -> Assessment {
        let profiles = self.profiles.pin();
        self.assess_as(machine(facts).and_then(|caller| self.profile_of(&caller.identity.id, &profiles)), sight, facts, payload)
    }

    fn assess_as(&self, profile: Option<&Mutex<Profile>>, sight: &Sight, facts: &Facts, payload: &Payload) -> Assessment {
        let steps = Stepped::of(facts, sight, self.key);
        let mut parts = Parts::new();
        let mut looked = None;
        if let (Some(profile), Some(caller)) = (profile, machine(facts)) {
            let mut profile = lock(profile);
            looked = Some(profile.assess(sight, || self.beside(&caller.identity, sight), &mut parts));
            if stands_in_flows(facts) && profile.is_mature(sight.minute) {
                let said = self.flows.assess(steps, sight, Some(profile.courses()));
                part(&mut parts, Signal::Unfinished, said.begun, said.weight);
            }
        } else if is_nobody_known(facts) {
            let said = self.flows.assess(steps, sight, None);
            part(&mut parts, Signal::Unfinished, said.begun, said.weight);
        }
        if signs_in(facts, sight) {
            for (signal, value, weight) in self.logins.assess(sight) {
                part(&mut parts, signal, value, weight);
            }
        }
        part(&mut parts, Signal::Hostile, payload.hostile.into(), u32::from(payload.hostile) * w::HOSTILE / 100);
        part(
            &mut parts,
            Signal::Deviation,
            payload.deviations.into(),
            (u32::from(payload.deviations) * w::DEVIATION).min(w::DEVIATIONS_MAX),
        );
        if let Some((lists, weight)) = listed::listed(facts) {
            part(&mut parts, Signal::Reputation, lists, weight);
        }
        let muted = self.muted.load(Ordering::Relaxed);
        if muted != 0 {
            parts.retain(|part| muted & (1 << part.signal as u32) == 0);
        }
        let told = looked.is_some_and(|looked| looked.tells);
        if parts.len() > 1 || told {
            lifted::no_further(&mut parts, told, facts.caller.as_ref().is_some_and(|caller| caller.proof.fresh));
        }
        let assessment = if parts.is_empty() { Assessment::default() } else { Assessment::of(parts) };
        Assessment { place_known: looked.map(|looked| looked.place_known), ..assessment }
    }

    /// Switches a signal off.
    pub fn mute(&self, signal: Signal) {
        self.muted.fetch_or(1 << signal as u32, Ordering::Relaxed);
    }

    /// What came of a request: baselines learn of those that were allowed and not risky, and of no others.
    pub fn learn(&self, facts: &Facts, ruling: &Ruling, effect: &Effect, now: Time) {
        if let Some(sight) = self.see(facts, now) {
            self.learn_seen(&sight, facts, ruling, effect);
        }
    }

    /// The same of a request that was seen when it was assessed ([`Sight::at`]).
    pub fn learn_seen(&self, sight: &Sight, facts: &Facts, ruling: &Ruling, effect: &Effect) {
        let profiles = self.profiles.pin();
        self.learn_as(known_profile(facts, &profiles), Heard::Real, sight, facts, ruling, effect);
    }

    fn learn_as(&self, profile: Option<&Mutex<Profile>>, heard: Heard, sight: &Sight, facts: &Facts, ruling: &Ruling, effect: &Effect) {
        // Whose proof failed may be anybody.
        let mut profile = profile.filter(|_| facts.stopped.is_none()).map(lock);
        if let Some(profile) = &mut profile {
            profile.came(sight, sight::seconds(facts.time));
        }
        // Where rulings do not bind, what would have been refused goes on, and is as little usual.
        let allowed = matches!(ruling.response, Response::Allow | Response::Slow { .. }) && facts.stopped.is_none();
        let (true, Some(status)) = (allowed, effect.status) else {
            if let Some(profile) = profile.as_mut().filter(|_| is_overreach(ruling.reason())) {
                profile.refused(sight);
            }
            return;
        };
        if status < 500 && heard == Heard::Real && signs_in(facts, sight) {
            let login = facts.operation.as_ref().and_then(|operation| operation.login.as_deref());
            let failed = login.map_or(matches!(status, 401 | 403), |login| login.failed.contains(&status));
            self.logins.learn(sight, failed, effect.subject);
        }
        let steps = Stepped::of(facts, sight, self.key);
        let (Some(profile), Some(caller)) = (&mut profile, machine(facts)) else {
            if is_nobody_known(facts) {
                self.flows.learn(steps, sight, status, ruling.risk < w::RISKY, None, heard);
            }
            return;
        };
        if stands_in_flows(facts) {
            self.flows.learn(steps, sight, status, ruling.risk < w::RISKY, Some(profile.courses()), heard);
        }
        // A failure of the upstream says nothing of the caller, nor does that it came too often.
        if status >= 500 || status == 429 {
            return;
        }
        profile.answered(sight, status >= 400);
        if ruling.risk >= w::RISKY {
            return;
        }
        let records = effect.records.unwrap_or_else(|| effect.bytes.div_ceil(512));
        let in_order = ruling.signals.iter().any(|part| part.signal == Signal::Enumeration);
        let learned = profile.learn(sight, u32::try_from(records).unwrap_or(u32::MAX), status < 400, in_order);
        let due = profile.due(sight.hour);
        let nothing = !learned.hourly && learned.over.is_none() && due.is_none();
        if nothing || heard == Heard::Said {
            return;
        }
        let peers = self.peers_of(&caller.identity);
        let mut peers = lock(&peers);
        if status < 400 {
            peers.learn(sight);
        }
        if let Some(over) = learned.over {
            peers.day(&over);
        }
        if let Some(over) = due {
            let ratio = peers.ratio(&over);
            profile.drift(&over, ratio);
        }
    }

    /// Somebody was told to wait for so many seconds before it calls again (`Retry-After`), by us or by the upstream.
    pub fn told_to_wait(&self, facts: &Facts, seconds: u64, now: Time) {
        let Some(sight) = self.see(facts, now) else { return };
        // Whose proof failed may be anybody.
        if let Some(profile) = known_profile(facts, &self.profiles.pin()).filter(|_| facts.stopped.is_none()) {
            lock(profile).told_to_wait(&sight, u32::try_from(seconds).unwrap_or(u32::MAX));
        }
    }

    /// Something new is announced: until then it is not unusual.
    pub fn announce(&self, what: &Announced, until: Time) {
        let until = u32::try_from(until.as_seconds().div_euclid(60)).unwrap_or(u32::MAX);
        match what {
            Announced::Identity(identity) => {
                if let Some(profile) = self.profiles.pin().get(identity) {
                    lock(profile).announce(until);
                }
            }
            Announced::Api(api) => {
                let mut announced = lock(&self.announced);
                let number = self.key.short(Of::Api, api.as_str().as_bytes());
                match announced.iter_mut().find(|(known, _)| *known == number) {
                    Some((_, known)) => *known = until.max(*known),
                    None => {
                        if announced.len() >= ANNOUNCED_MAX {
                            announced.pop_front();
                        }
                        announced.push_back((number, until));
                    }
                }
            }
        }
    }

    /// How many identities are watched.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Forgets identities that have not called since then.
    pub fn forget(&self, before: Time) {
        let minute = u32::try_from(before.as_seconds().div_euclid(60)).unwrap_or(0);
        let profiles = self.profiles.pin();
        for (identity, profile) in &profiles {
            if lock(profile).last() < minute && profiles.remove(identity).is_some() {
                self.count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// The profile of an identity; the first look at it makes one.
    fn profile_of<'p>(&self, identity: &IdentityId, profiles: &'p Pinned<'_>) -> Option<&'p Mutex<Profile>> {
        let known = profiles.get(identity).map(|profile| &**profile);
        if known.is_some() || self.count() >= PROFILES_MAX {
            return known;
        }
        let mut made = false;
        let profile = profiles.get_or_insert_with(identity.clone(), || {
            made = true;
            Arc::default()
        });
        if made {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        Some(profile)
    }

    fn peers_of(&self, identity: &Identity) -> Arc<Mutex<Peers>> {
        let key = self.key.within(self.key.of(Of::Owner, identity.owner.as_str().as_bytes()), identity.kind.as_str().as_bytes());
        Arc::clone(self.peers.pin().get_or_insert_with(key, Arc::default))
    }

    fn beside(&self, identity: &Identity, sight: &Sight) -> Beside {
        let (peers_use, peers_call) = lock(&self.peers_of(identity)).know(sight);
        let announced = lock(&self.announced).iter().any(|(api, until)| *api == sight.api && sight.minute < *until);
        Beside { peers_use, peers_call, announced }
    }
}

/// Who calls, where that is an identity of machines: nobody else has a profile.
fn machine(facts: &Facts) -> Option<&Caller> {
    facts.caller.as_ref().filter(|caller| caller.lane() == Lane::Machine)
}

/// The profile of whoever calls, where there is one: only what was looked at makes one.
fn known_profile<'p>(facts: &Facts, profiles: &'p Pinned<'_>) -> Option<&'p Mutex<Profile>> {
    profiles.get(&machine(facts)?.identity.id).map(|profile| &**profile)
}

/// Whether a request is nobody's that has a profile: people's, or one that shows nothing.
fn is_nobody_known(facts: &Facts) -> bool {
    facts.caller.as_ref().is_some_and(|caller| caller.lane() != Lane::Machine)
}

/// Whether its operation begins or finishes anything: most do not.
fn stands_in_flows(facts: &Facts) -> bool {
    facts.operation.as_deref().is_some_and(|operation| !operation.flows.is_empty())
}

/// Whether somebody signs in to what is behind. What this process answers itself has guards of its own, and nobody shall be locked out of it by
/// who mistypes next door.
fn signs_in(facts: &Facts, sight: &Sight) -> bool {
    let ours = facts.api.as_deref().is_some_and(|api| api.upstream.target == Target::InProcess);
    sight.class == OperationClass::Login && !ours
}

/// Whether a refusal tells of somebody who tries what it may not.
fn is_overreach(reason: Reason) -> bool {
    matches!(reason.code().split_once('.'), Some(("standing" | "rule" | "route", _)))
}

fn part(parts: &mut Parts, signal: Signal, value: u32, weight: u32) {
    if weight > 0 {
        parts.push(Contribution { signal, value, weight: u8::try_from(weight.min(100)).unwrap_or(100) });
    }
}

#[cfg(test)]
mod tests;
