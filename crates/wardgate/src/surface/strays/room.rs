//! Who has room among what was seen, and who makes way: whoever is loud takes none from others.

use super::{APIS_MAX, Key, NETWORKS_MAX, OF_NETWORK_MAX, Row, Strays};
use ipnet::IpNet;
use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};
use wardgate_governance::surface::{self, SHADOW_MAX, renamed};
use wardgate_model::{api::Api, id::ApiName, time::Time};
use wardgate_store::{STRAYS_MAX, StrayKind, StraySum};

/// When there is no room, what was refused too rarely makes some after this time.
const RARE: Duration = Duration::from_secs(60);
/// How often room is looked for.
const SWEEP: Duration = Duration::from_secs(1);

fn is_shadow(key: &Key) -> bool {
    key.0 == StrayKind::Shadow
}

/// Rows of one API that a row may have to make way for: shadow operations are apart from all else.
fn alike<'r>(rows: &'r HashMap<Key, Row>, key: &Key) -> impl Iterator<Item = (&'r Key, &'r Row)> {
    let shadow = is_shadow(key);
    rows.iter().filter(move |(other, _)| is_shadow(other) == shadow)
}

impl Strays {
    /// Whether a request of this key is counted; a new one has the room that it needs then.
    pub(super) fn has_room(&mut self, api: &Api, key: &Key, network: IpNet, served: bool, now: Time) -> bool {
        if !self.apis.contains_key(&api.name) {
            return self.apis.len() < APIS_MAX;
        }
        let full = |seen: &Self| {
            let Some(rows) = seen.apis.get(&api.name).filter(|rows| !rows.contains_key(key)) else { return false };
            let max = if is_shadow(key) { SHADOW_MAX } else { STRAYS_MAX - SHADOW_MAX };
            alike(rows, key).count() >= max || is_enough(rows, key, network, served)
        };
        if full(self) && now.since(self.swept) >= SWEEP {
            self.sweep(&api.name, now);
        }
        if !full(self) {
            return true;
        }
        let Some(rows) = self.apis.get_mut(&api.name) else { return false };
        if is_enough(rows, key, network, served) {
            return false;
        }
        let Some(gone) = who_makes_way(rows, key, network, served) else { return false };
        // What would have been handed over is told of nowhere.
        let lost = rows.remove(&gone).filter(|row| row.worth).map_or(0, |row| row.sum.seen);
        self.dropped = self.dropped.saturating_add(lost);
        true
    }

    /// Makes room: what was refused too rarely goes, and words that are too many become names.
    fn sweep(&mut self, api: &ApiName, now: Time) {
        self.swept = now;
        let Some(rows) = self.apis.get_mut(api) else { return };
        rows.retain(|_, row| row.worth || now.since(row.last) < RARE);
        let worth: Vec<(Key, Row)> = rows.extract_if(|key, row| is_shadow(key) && row.worth).collect();
        // Of all that is known, and not only of what is still to be handed over.
        let known: Vec<StraySum> = worth.iter().map(|(_, row)| row.known()).collect();
        let told: Vec<(&str, &StraySum)> = worth.iter().zip(&known).map(|((key, _), known)| (&*key.1, known)).collect();
        let names = renamed(&told);
        for ((key, row), name) in worth.into_iter().zip(names) {
            match rows.entry((key.0, name, key.2)) {
                Entry::Occupied(mut there) => there.get_mut().join(row),
                Entry::Vacant(free) => {
                    free.insert(row);
                }
            }
        }
    }
}

/// Whether one network made us look at as much as it may. What an upstream serves is no invention of whoever asked.
fn is_enough(rows: &HashMap<Key, Row>, key: &Key, network: IpNet, served: bool) -> bool {
    let invented = || alike(rows, key).filter(|(_, row)| !row.served && row.networks.first() == Some(&network)).count();
    is_shadow(key) && !served && invented() >= OF_NETWORK_MAX
}

/// Which row goes for a new one: of the network that has most, the one that was seen the longest ago. What was only asked for makes way for
/// what is served, and never the other way round; among their like nobody makes way for a network that has as much.
fn who_makes_way(rows: &HashMap<Key, Row>, key: &Key, network: IpNet, served: bool) -> Option<Key> {
    let asked = alike(rows, key).any(|(_, row)| !row.served);
    if !served && !asked {
        return None;
    }
    let among = || alike(rows, key).filter(move |(_, row)| !row.served || !asked);
    let mut of: HashMap<&IpNet, usize> = HashMap::new();
    for network in among().filter_map(|(_, row)| row.networks.first()) {
        *of.entry(network).or_default() += 1;
    }
    let own = of.get(&network).copied().unwrap_or(0);
    let (loudest, most) = of.into_iter().max_by_key(|(_, count)| *count)?;
    let whose = if own + 1 < most || (served && asked) {
        loudest
    } else if served && own > 0 {
        // Whoever is as loud as anybody has what it was served last.
        &network
    } else {
        return None;
    };
    among().filter(|(_, row)| row.networks.first() == Some(whose)).min_by_key(|(_, row)| row.last).map(|(key, _)| key.clone())
}

impl Row {
    /// What it is by all that is known of it.
    fn known(&self) -> StraySum {
        let sources = self.networks.iter().map(|network| network.to_string().into()).collect();
        StraySum { answered: self.served.into(), sources, ..StraySum::default() }
    }

    /// The same thing, seen otherwise.
    fn join(&mut self, other: Self) {
        surface::join(&mut self.sum, other.sum);
        self.last = self.last.max(other.last);
        self.refused = self.refused.saturating_add(other.refused);
        self.served |= other.served;
        self.worth |= other.worth;
        for network in other.networks {
            if self.networks.len() < NETWORKS_MAX && !self.networks.contains(&network) {
                self.networks.push(network);
            }
        }
    }
}
