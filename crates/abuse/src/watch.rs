//! What is usual for a caller, and how far a request is from it.
//!
//! Every identity that calls has a profile of at most 4 KiB: places, software, operations, amounts, schedules. [`Watch::assess`] looks at a
//! request before it is ruled on, and notes the attempt; [`Watch::learn`] is told what came of it. Baselines learn of what was allowed and not
//! risky, and of nothing else. Whoever is no identity (people, nobody) has no profile: logins and contents are looked at all the same.
//!
//! Reading order: `sight` (a request in numbers), `table`, `runs`, `amount` (what is remembered), `profile` (what is unusual), `peers`,
//! `logins`, `listed`, `flows` (what is begun and not finished), `waits` (who does not wait), `teaching` (calls that somebody says there were),
//! and `weights`, where every number stands.

mod amount;
mod flows;
mod hash;
mod kept;
mod listed;
mod logins;
mod peers;
mod profile;
mod runs;
mod sight;
mod table;
mod teaching;
mod waits;
mod weights;

pub use hash::HashKey;
use hash::Of;
pub use kept::{FILE_BYTES_MAX, Unkept};
pub use teaching::{Teaching, Unteachable};

use flows::{Flows, Stepped};
use logins::Logins;
use peers::Peers;
use profile::{Beside, Parts, Profile};
use sight::Sight;
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
    profiles: papaya::HashMap<IdentityId, Arc<Mutex<Profile>>, ahash::RandomState>,
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

/// Whoever calls, and its profile.
type Whose = (Arc<Identity>, Arc<Mutex<Profile>>);

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// How far a request is from what is usual. It counts as an attempt.
    #[must_use]
    pub fn assess(&self, facts: &Facts, payload: &Payload, now: Time) -> Assessment {
        self.assess_as(|| self.profile_of(facts), facts, payload, now)
    }

    fn assess_as(&self, whose: impl FnOnce() -> Option<Whose>, facts: &Facts, payload: &Payload, now: Time) -> Assessment {
        let Some(sight) = Sight::of(facts, self.key, now) else { return Assessment::default() };
        let steps = Stepped::of(facts, &sight, self.key);
        let mut parts = match whose() {
            Some((identity, profile)) => {
                let mut profile = lock(&profile);
                let mut parts = profile.assess(&sight, || self.beside(&identity, &sight));
                if profile.is_mature(sight.minute) {
                    let said = self.flows.assess(steps, &sight, Some(profile.courses()));
                    part(&mut parts, Signal::Unfinished, said.begun, said.weight);
                }
                parts
            }
            None => {
                let mut parts = Parts::new();
                if is_nobody_known(facts) {
                    let said = self.flows.assess(steps, &sight, None);
                    part(&mut parts, Signal::Unfinished, said.begun, said.weight);
                }
                parts
            }
        };
        if signs_in(facts, &sight) {
            for (signal, value, weight) in self.logins.assess(&sight) {
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
        if parts.is_empty() { Assessment::default() } else { Assessment::of(parts) }
    }

    /// Switches a signal off.
    pub fn mute(&self, signal: Signal) {
        self.muted.fetch_or(1 << signal as u32, Ordering::Relaxed);
    }

    /// What came of a request: baselines learn of those that were allowed and not risky, and of no others.
    pub fn learn(&self, facts: &Facts, ruling: &Ruling, effect: &Effect, now: Time) {
        self.learn_as(|| self.known_profile(facts), Heard::Real, facts, ruling, effect, now);
    }

    fn learn_as(&self, whose: impl FnOnce() -> Option<Whose>, heard: Heard, facts: &Facts, ruling: &Ruling, effect: &Effect, now: Time) {
        let Some(sight) = Sight::of(facts, self.key, now) else { return };
        let profile = whose();
        if let Some((_, profile)) = profile.as_ref().filter(|_| facts.stopped.is_none()) {
            lock(profile).came(&sight, sight::seconds(facts.time));
        }
        // Where rulings do not bind, what would have been refused goes on, and is as little usual.
        let allowed = matches!(ruling.response, Response::Allow | Response::Slow { .. }) && facts.stopped.is_none();
        let (true, Some(status)) = (allowed, effect.status) else {
            // Whose proof failed may be anybody.
            if let Some((_, profile)) = profile.filter(|_| facts.stopped.is_none() && is_overreach(ruling.reason())) {
                lock(&profile).refused(&sight);
            }
            return;
        };
        if status < 500 && heard == Heard::Real && signs_in(facts, &sight) {
            let login = facts.operation.as_ref().and_then(|operation| operation.login.as_deref());
            let failed = login.map_or(matches!(status, 401 | 403), |login| login.failed.contains(&status));
            self.logins.learn(&sight, failed, effect.subject);
        }
        let steps = Stepped::of(facts, &sight, self.key);
        let Some((identity, profile)) = profile else {
            if is_nobody_known(facts) {
                self.flows.learn(steps, &sight, status, ruling.risk < w::RISKY, None, heard);
            }
            return;
        };
        let records = effect.records.unwrap_or_else(|| effect.bytes.div_ceil(512));
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        let mut profile = lock(&profile);
        self.flows.learn(steps, &sight, status, ruling.risk < w::RISKY, Some(profile.courses()), heard);
        // A failure of the upstream says nothing of the caller, nor does that it came too often.
        if status >= 500 || status == 429 {
            return;
        }
        profile.answered(&sight, status >= 400);
        if ruling.risk >= w::RISKY {
            return;
        }
        let in_order = ruling.signals.iter().any(|part| part.signal == Signal::Enumeration);
        let learned = profile.learn(&sight, records, in_order);
        let due = profile.due(sight.hour);
        if !learned.hourly && learned.over.is_none() && due.is_none() {
            return;
        }
        if heard == Heard::Said {
            return;
        }
        let peers = self.peers_of(&identity);
        let mut peers = lock(&peers);
        if status < 400 {
            peers.learn(&sight);
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
        let Some(sight) = Sight::of(facts, self.key, now) else { return };
        // Whose proof failed may be anybody.
        if let Some((_, profile)) = self.known_profile(facts).filter(|_| facts.stopped.is_none()) {
            lock(&profile).told_to_wait(&sight, u32::try_from(seconds).unwrap_or(u32::MAX));
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

    /// The profile of whoever calls, where there is one: only what was looked at makes one.
    fn known_profile(&self, facts: &Facts) -> Option<Whose> {
        let caller = machine(facts)?;
        let profile = self.profiles.pin().get(&caller.identity.id).map(Arc::clone)?;
        Some((Arc::clone(&caller.identity), profile))
    }

    fn profile_of(&self, facts: &Facts) -> Option<Whose> {
        let caller = machine(facts)?;
        let profiles = self.profiles.pin();
        if let Some(profile) = profiles.get(&caller.identity.id) {
            return Some((Arc::clone(&caller.identity), Arc::clone(profile)));
        }
        if self.count() >= PROFILES_MAX {
            return None;
        }
        let mut made = false;
        let profile = profiles.get_or_insert_with(caller.identity.id.clone(), || {
            made = true;
            Arc::default()
        });
        if made {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        Some((Arc::clone(&caller.identity), Arc::clone(profile)))
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

/// Whether a request is nobody's that has a profile: people's, or one that shows nothing.
fn is_nobody_known(facts: &Facts) -> bool {
    facts.caller.as_ref().is_some_and(|caller| caller.lane() != Lane::Machine)
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
