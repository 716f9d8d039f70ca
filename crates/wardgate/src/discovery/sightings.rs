//! What was seen of unknown callers lately: bounded maps, no clock, no store.

use crate::usage::network;
use ipnet::IpNet;
use std::{collections::HashMap, time::Duration};
use wardgate_model::{
    api::Api,
    credential::{CredentialKind, KeyedHash},
    event::Event,
    facts,
    id::{ApiName, CredentialId, EnvironmentName, IdentityId},
    reason::Reason,
    time::Time,
};
use wardgate_proof::api_key;
use wardgate_store::{DiscoveredBy, SeenSubject, SeenUnknown};

/// Refused, a key or source is a discovery once it was seen so often.
pub const SEEN_MIN: u64 = 3;
/// Unknown callers that are looked at, in all.
const CALLERS_MAX: usize = 4_096;
/// Unknown callers of one API that are looked at.
const CALLERS_OF_API_MAX: usize = 1_024;
/// Keys of foreign make, and subjects that stand for nobody, from one network that are looked at: a flood of made-up ones comes
/// from somewhere.
const KEYS_OF_NETWORK_MAX: usize = 64;
/// APIs, and networks, that are told of one unknown caller.
const TOLD_MAX: usize = 8;
/// When there is no room, what was seen too rarely makes some after this time.
const RARE: Duration = Duration::from_secs(60);
/// How often room is looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// What was not seen for so long is forgotten.
const FORGET: Duration = Duration::from_hours(7 * 24);

/// By what an unknown caller is told from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Unknown {
    Key(CredentialId),
    Subject(SeenSubject, DiscoveredBy),
    Source(IpNet),
}

impl Unknown {
    fn what(&self) -> DiscoveredBy {
        match self {
            Self::Key(_) => DiscoveredBy::Key,
            Self::Subject(_, what) => *what,
            Self::Source(_) => DiscoveredBy::Source,
        }
    }

    /// Whether a stranger can make as many of them as he likes from one network.
    fn is_shown(&self) -> bool {
        !matches!(self, Self::Source(_))
    }

    fn name(&self) -> Option<IdentityId> {
        match self {
            Self::Key(id) => name_of_key(id),
            // No identity is called so: of a name there is no `:`.
            Self::Subject(shown, what) => name_of_key(&api_key::declared_id(what.as_str(), shown.trust.as_str(), &shown.subject)),
            Self::Source(network) => IdentityId::parse(&format!("discovered-{}-{}", network.network(), network.prefix_len())).ok(),
        }
    }
}

/// What the caller with this key of foreign make is called until somebody claims it.
#[must_use]
pub fn name_of_key(id: &CredentialId) -> Option<IdentityId> {
    // Names have no capitals: the same number in digits of 36.
    let number = id.as_str().bytes().fold(0_u128, |number, byte| (number << 8) | u128::from(byte));
    let mut mixed = number % 4_738_381_338_321_616_896;
    let mut digits = [0_u8; 12];
    for slot in digits.iter_mut().rev() {
        let digit = u8::try_from(mixed % 36).unwrap_or_default();
        *slot = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        mixed /= 36;
    }
    IdentityId::parse(&format!("discovered-{}", std::str::from_utf8(&digits).ok()?)).ok()
}

/// Whether the upstream took the request. One that itself asks who is there has taken nothing.
fn taken(event: &Event) -> bool {
    let status = event.outcome.upstream.as_ref().and_then(|upstream| upstream.status);
    status.is_some_and(|status| status < 500 && !matches!(status, 401 | 403 | 407 | 429))
}

#[derive(Debug)]
struct Sighting {
    hash: Option<KeyedHash>,
    environment: EnvironmentName,
    api: ApiName,
    network: IpNet,
    apis: Vec<ApiName>,
    networks: Vec<IpNet>,
    first: Time,
    last: Time,
    /// Since it was last handed over.
    count: u64,
    /// Whether it is worth noting.
    worth: bool,
}

impl Sighting {
    fn new(api: &Api, network: IpNet, hash: Option<KeyedHash>, now: Time) -> Self {
        let (environment, api) = (api.environment.name.clone(), api.name.clone());
        Self { hash, environment, api, network, apis: Vec::new(), networks: Vec::new(), first: now, last: now, count: 0, worth: false }
    }

    fn again(&mut self, api: &ApiName, network: IpNet, taken: bool, now: Time) {
        self.count = self.count.saturating_add(1);
        (self.first, self.last) = (self.first.min(now), self.last.max(now));
        self.worth |= taken || self.count >= SEEN_MIN;
        add(&mut self.apis, api);
        add(&mut self.networks, &network);
    }
}

fn add<T: PartialEq + Clone>(list: &mut Vec<T>, one: &T) {
    if list.len() < TOLD_MAX && !list.contains(one) {
        list.push(one.clone());
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    // INVARIANT (bounded): at most CALLERS_MAX; `of_api` and `keys_of` count these very entries.
    callers: HashMap<Unknown, Sighting>,
    of_api: HashMap<ApiName, usize>,
    keys_of: HashMap<IpNet, usize>,
    swept: Time,
    dropped: u64,
}

impl Sightings {
    /// Requests of unknown callers that were not looked at because of a bound, since the start.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Looks at a request that no identity on record answers for. Gives whether its caller is worth noting now and was not
    /// before.
    pub(super) fn see(&mut self, event: &Event) -> bool {
        let facts = &event.facts;
        let Some(api) = &facts.api else { return false };
        let network = network(facts.source.address);
        let missing = facts.stopped.is_some_and(|stopped| stopped.reason == Reason::CredentialMissing);
        let (unknown, hash) = match facts.unknown.as_deref() {
            Some(facts::Unknown::Key { id, hash }) => (Unknown::Key(*id), Some(hash)),
            Some(facts::Unknown::Subject { trust, subject, kind }) => {
                let what = if *kind == CredentialKind::X509 { DiscoveredBy::Certificate } else { DiscoveredBy::Subject };
                (Unknown::Subject(SeenSubject { trust: trust.clone(), subject: subject.clone() }, what), None)
            }
            None if missing && facts.operation.is_some() => (Unknown::Source(network), None),
            None => return false,
        };
        if !self.callers.contains_key(&unknown) {
            if !self.has_room(&unknown, &api.name, network, facts.time) {
                self.dropped = self.dropped.saturating_add(1);
                return false;
            }
            *self.of_api.entry(api.name.clone()).or_default() += 1;
            if unknown.is_shown() {
                *self.keys_of.entry(network).or_default() += 1;
            }
        }
        let sighting = self.callers.entry(unknown).or_insert_with(|| Sighting::new(api, network, hash.cloned(), facts.time));
        let before = sighting.worth;
        sighting.again(&api.name, network, taken(event), facts.time);
        sighting.worth && !before
    }

    fn has_room(&mut self, unknown: &Unknown, api: &ApiName, network: IpNet, now: Time) -> bool {
        let full = |seen: &Self| {
            let crowded = unknown.is_shown() && seen.keys_of.get(&network).is_some_and(|keys| *keys >= KEYS_OF_NETWORK_MAX);
            let of_api = seen.of_api.get(api).is_some_and(|callers| *callers >= CALLERS_OF_API_MAX);
            crowded || of_api || seen.callers.len() >= CALLERS_MAX
        };
        if full(self) && now.since(self.swept) >= SWEEP {
            self.sweep(now, RARE);
        }
        !full(self)
    }

    /// Forgets what was not seen for long; what was seen too rarely to be noted, after the shorter time.
    fn sweep(&mut self, now: Time, rare: Duration) {
        self.swept = now;
        self.callers.retain(|_, seen| now.since(seen.last) < if seen.worth { FORGET } else { rare });
        self.of_api.clear();
        self.keys_of.clear();
        for (unknown, seen) in &self.callers {
            *self.of_api.entry(seen.api.clone()).or_default() += 1;
            if unknown.is_shown() {
                *self.keys_of.entry(seen.network).or_default() += 1;
            }
        }
    }

    /// Hands over what is worth noting and was seen since the last time, the most frequent first.
    pub(super) fn ready(&mut self, now: Time) -> Vec<SeenUnknown> {
        self.sweep(now, FORGET);
        let mut ready = Vec::new();
        for (unknown, seen) in self.callers.iter_mut().filter(|(_, seen)| seen.worth && seen.count > 0) {
            let Some(id) = unknown.name() else { continue };
            ready.push(SeenUnknown {
                id,
                what: unknown.what(),
                hash: seen.hash.clone(),
                vouched: match unknown {
                    Unknown::Subject(shown, _) => Some(shown.clone()),
                    Unknown::Key(_) | Unknown::Source(_) => None,
                },
                environment: Some(seen.environment.clone()),
                apis: seen.apis.clone(),
                sources: seen.networks.iter().map(|network| network.to_string().into()).collect(),
                first: seen.first,
                last: seen.last,
                count: std::mem::take(&mut seen.count),
            });
        }
        ready.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
        ready
    }
}

#[cfg(test)]
mod tests;
