//! Peers over restarts.

use super::Peers;
use crate::watch::kept::Kept;

impl Kept for Peers {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { operations, apis, days } = self;
        operations.put(out);
        apis.put(out);
        for (day, sum, expected, count) in days {
            day.put(out);
            sum.put(out);
            expected.put(out);
            count.put(out);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let (operations, apis) = (Kept::take(from)?, Kept::take(from)?);
        let mut peers = Self { operations, apis, ..Self::default() };
        for day in &mut peers.days {
            *day = (Kept::take(from)?, Kept::take(from)?, Kept::take(from)?, Kept::take(from)?);
        }
        Some(peers)
    }
}
