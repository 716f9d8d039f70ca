//! What was seen beside documents lately: bounded maps, no clock, no store.

mod room;

use crate::usage::network;
use ipnet::IpNet;
use std::{collections::HashMap, time::Duration};
use wardgate_governance::surface::{self, SEEN_MIN};
use wardgate_model::{
    api::{Api, Operation, Target},
    event::{Event, EventKind},
    id::ApiName,
    reason::Reason,
    time::Time,
};
use wardgate_store::{Stray, StrayKind, StraySum};

/// APIs that are looked at; there are only those that are declared.
pub const APIS_MAX: usize = 2_000;
/// Unknown operations of one API that one network makes us look at and the upstream has not served.
pub const OF_NETWORK_MAX: usize = 48;
/// Places of one operation at which requests are otherwise.
const PLACES_MAX: usize = 12;
/// Of these, places that one network alone came up with: one client that is odd leaves room for others.
const PLACES_OF_NETWORK_MAX: usize = 8;
/// Networks that are remembered of one row: so many are enough to tell that it is not the doing of one.
const NETWORKS_MAX: usize = 3;
/// What all places beyond stand under.
const ELSEWHERE: &str = "at other places";
/// What was handed over and not seen for so long is looked at anew.
const FORGET: Duration = Duration::from_hours(1);

/// In which way a request is beside its document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen<'e> {
    /// No document has its operation.
    Shadow { api: &'e Api },
    /// It is otherwise than the document has it, at this place.
    Drift { api: &'e Api, operation: &'e Operation, place: &'e str },
    /// It is as it should be, and nobody on record made it.
    Unknown { api: &'e Api, operation: &'e Operation },
}

/// What a request is, where it is beside its document.
pub(super) fn seen(event: &Event) -> Option<Seen<'_>> {
    let facts = &event.facts;
    let api = facts.api.as_deref().filter(|api| matches!(api.upstream.target, Target::Http(_)))?;
    // What is under way is told of again at its end.
    if !matches!(event.kind, EventKind::Request | EventKind::Closed) {
        return None;
    }
    let stopped = facts.stopped.map(|stopped| stopped.reason);
    let Some(operation) = facts.operation.as_deref() else {
        let unknown = matches!(stopped, Some(Reason::RouteNoOperation | Reason::RouteNoMethod));
        return unknown.then_some(Seen::Shadow { api });
    };
    let ruling = &event.ruling;
    let refused = matches!(ruling.reason(), Reason::InspectRequest | Reason::InspectMedia).then_some(ruling.told.as_deref()).flatten();
    if let Some(place) = ruling.deviation.as_deref().or(refused) {
        return Some(Seen::Drift { api, operation, place });
    }
    (facts.caller.is_none() && event.outcome.upstream.is_some()).then_some(Seen::Unknown { api, operation })
}

/// Whether the upstream has what was asked for. One that knows no such thing, or asks who is there, has not said so.
fn served(event: &Event) -> bool {
    let status = event.outcome.upstream.as_ref().and_then(|upstream| upstream.status);
    status.is_some_and(|status| status < 500 && !matches!(status, 401 | 403 | 404 | 405 | 407 | 410 | 429))
}

#[derive(Debug)]
struct Row {
    /// Since it was last handed over.
    sum: StraySum,
    /// When it was last seen.
    last: Time,
    /// Who made us look at it, and the first few others.
    networks: Vec<IpNet>,
    /// Of all calls.
    refused: u64,
    /// Whether the upstream has served it.
    served: bool,
    /// Whether it is worth handing over.
    worth: bool,
}

impl Row {
    /// Whether it is the doing of one network: nobody else came with it.
    fn is_of(&self, network: IpNet) -> bool {
        *self.networks == [network]
    }
}

type Key = (StrayKind, Box<str>, Box<str>);

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Strays {
    // INVARIANT (bounded): at most APIS_MAX, each with at most STRAYS_MAX rows.
    apis: HashMap<ApiName, HashMap<Key, Row>>,
    swept: Time,
    dropped: u64,
}

impl Strays {
    /// Requests that are not told of because of a bound, since the start.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a request in. Gives whether there is something to hand over.
    pub(super) fn take(&mut self, seen: Seen<'_>, event: &Event) -> bool {
        let (facts, network) = (&event.facts, network(event.facts.source.address));
        let (api, served) = (api_of(seen), served(event));
        let reached = event.outcome.upstream.is_some();
        let key = self.key(seen, event, network);
        let Some(key) = key.filter(|key| self.has_room(api, key, network, served, facts.time)) else {
            self.dropped = self.dropped.saturating_add(1);
            return false;
        };
        let caller = facts.caller.as_ref().filter(|_| key.0 == StrayKind::Drift).map(|caller| caller.identity.id.as_str().into());
        let row = self.apis.entry(api.name.clone()).or_default().entry(key).or_insert_with(|| Row {
            sum: StraySum::default(),
            last: facts.time,
            networks: Vec::new(),
            refused: 0,
            served: false,
            worth: false,
        });
        let once = StraySum {
            first: facts.time,
            last: facts.time,
            seen: 1,
            answered: served.into(),
            refused: (!reached && !event.ruling.forwards()).into(),
            callers: caller.into_iter().collect(),
            sources: vec![network.to_string().into()],
        };
        if row.networks.len() < NETWORKS_MAX && !row.networks.contains(&network) {
            row.networks.push(network);
        }
        row.refused = row.refused.saturating_add(once.refused);
        row.served |= served;
        row.worth |= served || row.refused >= SEEN_MIN || !matches!(seen, Seen::Shadow { .. });
        row.last = row.last.max(facts.time);
        surface::join(&mut row.sum, once);
        row.worth
    }

    /// Under what a request is counted; `None`: it is not told of.
    fn key(&self, seen: Seen<'_>, event: &Event, network: IpNet) -> Option<Key> {
        let request = &event.facts.request;
        let bare = |operation: &Operation| -> Box<str> { format!("{} {}", operation.method, operation.template).into() };
        Some(match seen {
            Seen::Shadow { api } => (StrayKind::Shadow, surface::shadow(&request.method, &request.path, &api.path_prefix)?, Box::default()),
            Seen::Unknown { operation, .. } => (StrayKind::Unknown, bare(operation), Box::default()),
            Seen::Drift { api, operation, place } => {
                let key = (StrayKind::Drift, bare(operation), surface::place(place));
                let rows = self.apis.get(&api.name);
                let is_known = rows.is_some_and(|rows| rows.contains_key(&key));
                let of_operation = || {
                    let rows = rows.into_iter().flatten();
                    rows.filter(|(other, _)| (other.0, &other.1) == (key.0, &key.1)).map(|(_, row)| row)
                };
                let has_room = || {
                    of_operation().count() < PLACES_MAX && of_operation().filter(|row| row.is_of(network)).count() < PLACES_OF_NETWORK_MAX
                };
                if is_known || has_room() { key } else { (key.0, key.1, ELSEWHERE.into()) }
            }
        })
    }

    /// Hands over what was seen since the last time.
    pub(super) fn ready(&mut self, now: Time) -> Vec<(ApiName, Vec<Stray>)> {
        let mut ready = Vec::new();
        for (api, rows) in &mut self.apis {
            rows.retain(|_, row| now.since(row.last) < FORGET);
            let mut strays = Vec::new();
            for ((kind, operation, place), row) in rows.iter_mut().filter(|(_, row)| row.worth && row.sum.seen > 0) {
                let (operation, place) = (operation.clone(), place.clone());
                strays.push(Stray { kind: *kind, operation, place, sum: std::mem::take(&mut row.sum) });
            }
            if !strays.is_empty() {
                ready.push((api.clone(), strays));
            }
        }
        self.apis.retain(|_, rows| !rows.is_empty());
        ready
    }
}

fn api_of<'e>(seen: Seen<'e>) -> &'e Api {
    match seen {
        Seen::Shadow { api } | Seen::Drift { api, .. } | Seen::Unknown { api, .. } => api,
    }
}

#[cfg(test)]
mod tests;
