//! The counts themselves: a bounded map, no clock, no store.

use ipnet::IpNet;
use std::{collections::HashMap, net::IpAddr};
use wardgate_model::{
    api::OperationId,
    credential::CredentialKind,
    event::{Event, EventKind},
    facts::Lane,
    id::{ApiName, CredentialId, IdentityId},
    time::Time,
};
use wardgate_store::UsageRow;

/// What stands for an operation or network that is not told apart.
const OTHER: &str = "other";
/// Bits of a network of IPv4, and of IPv6.
const PREFIX_BITS: (u8, u8) = (24, 56);

/// The network that an address is counted under: /24, or /56 of IPv6.
#[must_use]
pub fn network(address: IpAddr) -> IpNet {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { PREFIX_BITS.0 } else { PREFIX_BITS.1 };
    IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |network| network.trunc())
}

/// Whether what answers in this process turned down what it was asked for: a token, or something about a task. It was let in, and has nothing.
fn turned_down(event: &Event) -> bool {
    let own = event.facts.api.as_ref().is_some_and(|api| api.is_issuer() || api.is_tasks());
    own && event.outcome.client_status.is_some_and(|status| status >= 400)
}

/// What is counted apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    credential: Option<CredentialId>,
    identity: IdentityId,
    api: ApiName,
    operation: Operation,
    network: Option<IpNet>,
}

/// An operation as the document has it, or as it comes back from a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Operation {
    Known(OperationId),
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    first: Time,
    last: Time,
    allowed: u64,
    refused: u64,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.allowed = self.allowed.saturating_add(other.allowed);
        self.refused = self.refused.saturating_add(other.refused);
    }
}

/// What was counted and not yet taken.
#[derive(Debug)]
pub(super) struct Rollup {
    // INVARIANT (bounded): at most `2 * rows_max` rows; those past the first `rows_max` tell neither operation nor network.
    rows: HashMap<Key, Count>,
    rows_max: usize,
    coarse: u64,
    lost: u64,
}

impl Rollup {
    pub(super) fn new(rows_max: usize) -> Self {
        Self { rows: HashMap::new(), rows_max, coarse: 0, lost: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Requests whose operation and network were not kept, since the start.
    pub(super) const fn coarse(&self) -> u64 {
        self.coarse
    }

    /// Requests that were not counted, since the start.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Counts a request of a proven caller. A caller stands in the facts only where its secret was right, so nobody can
    /// make an identity look used by naming it.
    pub(super) fn count(&mut self, event: &Event) {
        let facts = &event.facts;
        // A long stream is counted once, at its end.
        let (EventKind::Request | EventKind::Closed, Some(caller), Some(api)) = (event.kind, &facts.caller, &facts.api) else { return };
        let (allowed, refused) = if event.ruling.forwards() && !turned_down(event) { (1, 0) } else { (0, 1) };
        // A session is gone after hours, and its credential with it: what it did is its identity's.
        let lasting = caller
            .credential
            .as_ref()
            .filter(|credential| !matches!(credential.kind, CredentialKind::Session | CredentialKind::SignIn | CredentialKind::BreakGlass));
        let key = Key {
            credential: lasting.map(|credential| credential.id),
            identity: caller.identity.id.clone(),
            api: api.name.clone(),
            operation: facts.operation.as_ref().map_or(Operation::Other, |operation| Operation::Known(operation.id.clone())),
            // People come from everywhere: their networks would crowd out those of machines.
            network: (caller.lane() != Lane::People).then(|| network(facts.source.address)),
        };
        self.add(key, Count { first: facts.time, last: facts.time, allowed, refused });
    }

    fn add(&mut self, key: Key, count: Count) {
        if let Some(sum) = self.rows.get_mut(&key) {
            return sum.add(&count);
        }
        if self.rows.len() < self.rows_max {
            self.rows.insert(key, count);
            return;
        }
        let requests = count.allowed.saturating_add(count.refused);
        let coarse = Key { operation: Operation::Other, network: None, ..key };
        if let Some(sum) = self.rows.get_mut(&coarse) {
            sum.add(&count);
        } else if self.rows.len() < self.rows_max.saturating_mul(2) {
            self.rows.insert(coarse, count);
        } else {
            self.lost = self.lost.saturating_add(requests);
            return;
        }
        self.coarse = self.coarse.saturating_add(requests);
    }

    /// Hands over what was counted, and begins anew.
    pub(super) fn take(&mut self) -> Vec<Taken> {
        std::mem::take(&mut self.rows).into_iter().map(|(key, count)| Taken { key, count }).collect()
    }

    /// Takes back what could not be kept.
    pub(super) fn give_back(&mut self, taken: Taken) {
        self.add(taken.key, taken.count);
    }
}

/// A row that was handed over.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    key: Key,
    count: Count,
}

impl Taken {
    /// As the store keeps it.
    pub(super) fn row(&self) -> UsageRow {
        let Self { key, count } = self;
        let operation = match &key.operation {
            Operation::Known(id) => id.as_str().into(),
            Operation::Other => OTHER.into(),
        };
        UsageRow {
            credential: key.credential,
            identity: key.identity.clone(),
            api: key.api.clone(),
            operation,
            source: key.network.map_or_else(|| OTHER.into(), |network| network.to_string().into()),
            first: count.first,
            last: count.last,
            allowed: count.allowed,
            refused: count.refused,
        }
    }
}

#[cfg(test)]
mod tests;
