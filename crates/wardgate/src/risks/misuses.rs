//! Credentials that were shown after their end, and proofs that were shown twice: counted, no clock, no store.

use super::KEPT;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use wardgate_governance::findings::{Misuse, Misused};
use wardgate_model::{event::Event, id::CredentialId, reason::Reason, time::Time};

/// Networks of one credential that are told apart.
const NETWORKS_MAX: usize = 8;

/// What was seen of one credential in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    credential: CredentialId,
    misuse: Misuse,
    first: Time,
    last: Time,
    count: u64,
    networks: Vec<IpAddr>,
    from: IpAddr,
}

impl Shown {
    /// As a value for `governance::findings`.
    #[must_use]
    pub fn misused(&self) -> Misused<'_> {
        Misused {
            credential: &self.credential,
            misuse: self.misuse,
            first: self.first,
            last: self.last,
            count: self.count,
            networks: self.networks.len(),
            from: self.from,
        }
    }
}

/// What was counted.
#[derive(Debug)]
pub(super) struct Misuses {
    // INVARIANT (bounded): at most `most` rows, each with at most `NETWORKS_MAX` networks.
    rows: HashMap<(CredentialId, Misuse), Shown>,
    most: usize,
}

impl Misuses {
    pub(super) fn new(most: usize) -> Self {
        Self { rows: HashMap::new(), most }
    }

    /// Counts a refusal; what was refused was genuine, so nobody counts against a credential that he does not hold or has not seen.
    pub(super) fn count(&mut self, credential: &CredentialId, misuse: Misuse, from: IpAddr, at: Time) {
        let key = (*credential, misuse);
        if self.rows.len() >= self.most && !self.rows.contains_key(&key) {
            // All are looked at: it is rare, and not on a request's way.
            let oldest = self.rows.iter().min_by_key(|(_, row)| row.last).map(|(key, _)| *key);
            oldest.and_then(|oldest| self.rows.remove(&oldest));
        }
        let row = self.rows.entry(key).or_insert_with(|| Shown {
            credential: *credential,
            misuse,
            first: at,
            last: at,
            count: 0,
            networks: Vec::new(),
            from,
        });
        row.first = row.first.min(at);
        row.last = row.last.max(at);
        row.count = row.count.saturating_add(1);
        row.from = from;
        let network = network(from);
        if row.networks.len() < NETWORKS_MAX && !row.networks.contains(&network) {
            row.networks.push(network);
        }
    }

    /// All of them, without those that were not shown for long.
    pub(super) fn of(&mut self, now: Time) -> Vec<Shown> {
        self.rows.retain(|_, row| now.since(row.last) <= KEPT);
        let mut rows: Vec<Shown> = self.rows.values().cloned().collect();
        rows.sort_by(|a, b| (&a.credential, a.first).cmp(&(&b.credential, b.first)));
        rows
    }
}

/// Whose credential was misused by a request, and how.
pub(super) fn misuse(event: &Event) -> Option<(&CredentialId, Misuse)> {
    let misuse = match event.ruling.reason() {
        Reason::ProofRevoked => Misuse::Revoked,
        Reason::ProofExpired => Misuse::Expired,
        Reason::ProofReplayed | Reason::ProofRepeated => Misuse::Replayed,
        _ => return None,
    };
    Some((&event.facts.caller.as_ref()?.credential.as_ref()?.id, misuse))
}

/// The network of an address: 24 bits of version 4, 48 of version 6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() >> 8 << 8).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Misuses, NETWORKS_MAX};
    use std::time::Duration;
    use wardgate_governance::findings::Misuse;
    use wardgate_model::{id::CredentialId, time::Time};

    const DAWN: Time = Time::from_seconds(1_780_272_000);

    fn later(seconds: u64) -> Time {
        DAWN + Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_shown_is_summed_up_by_credential_and_way() {
        let (mut misuses, id) = (Misuses::new(4), CredentialId::parse("AAAAAAAAAAA1").unwrap());
        for (at, from) in ["198.51.100.1", "198.51.100.2", "203.0.113.9"].into_iter().enumerate() {
            misuses.count(&id, Misuse::Revoked, from.parse().unwrap(), later(u64::try_from(at).unwrap()));
        }
        misuses.count(&id, Misuse::Replayed, "2001:db8::1".parse().unwrap(), later(9));
        let rows = misuses.of(later(9));
        let told: Vec<_> = rows.iter().map(|row| (row.misused().misuse, row.count, row.networks.len(), row.from.to_string())).collect();
        assert_eq!(told, [(Misuse::Revoked, 3, 2, "203.0.113.9".to_owned()), (Misuse::Replayed, 1, 1, "2001:db8::1".to_owned())]);
        assert_eq!((rows[0].first, rows[0].last), (DAWN, later(2)));
        for last in 0..=255_u8 {
            misuses.count(&id, Misuse::Revoked, [10, last, 0, 1].into(), DAWN);
        }
        assert_eq!(misuses.of(DAWN)[0].networks.len(), NETWORKS_MAX);
    }

    #[test]
    fn of_too_many_the_oldest_is_forgotten_and_nothing_is_told_of_for_ever() {
        let mut misuses = Misuses::new(2);
        for (at, id) in [(3, "AAAAAAAAAAA1"), (1, "AAAAAAAAAAA2"), (2, "AAAAAAAAAAA3")] {
            misuses.count(&CredentialId::parse(id).unwrap(), Misuse::Expired, [192, 0, 2, 1].into(), later(at));
        }
        let ids = |misuses: &mut Misuses, now| misuses.of(now).iter().map(|row| row.credential.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&mut misuses, DAWN), ["AAAAAAAAAAA1", "AAAAAAAAAAA3"]);
        assert_eq!(ids(&mut misuses, later(3) + super::KEPT), ["AAAAAAAAAAA1"]);
    }
}
