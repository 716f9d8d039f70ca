//! How many tokens each client has ended of late. Each is a change that every gate hears of, so no client may make more of them than a
//! leak would ever need.

use std::{collections::HashMap, time::Duration};
use wardgate_model::{id::IdentityId, time::Time};

/// What is counted together.
pub const WINDOW: Duration = Duration::from_hours(1);
/// Most tokens that one client ends in that time, at one gate.
pub const PER_CLIENT_MAX: u32 = 1_000;
/// Clients that are counted at a time.
const CLIENTS_MAX: usize = 65_536;

/// The counts of a process.
#[derive(Debug, Default)]
pub struct Revocations {
    counts: HashMap<IdentityId, (Time, u32)>,
}

impl Revocations {
    /// Counts one more.
    ///
    /// # Errors
    /// When there were too many: the seconds after which there may be more.
    pub fn count(&mut self, client: &IdentityId, now: Time) -> Result<(), u64> {
        let over = |begun: Time| now.since(begun) >= WINDOW;
        if !self.counts.contains_key(client) && self.counts.len() >= CLIENTS_MAX {
            self.counts.retain(|_, (begun, _)| !over(*begun));
            if self.counts.len() >= CLIENTS_MAX {
                return Err(WINDOW.as_secs());
            }
        }
        let (begun, count) = self.counts.entry(client.clone()).or_insert((now, 0));
        if over(*begun) {
            (*begun, *count) = (now, 0);
        }
        if *count >= PER_CLIENT_MAX {
            return Err((*begun + WINDOW).since(now).as_secs().saturating_add(1));
        }
        *count += 1;
        Ok(())
    }

    /// Counts one less: it could not be ended after all.
    pub fn give_back(&mut self, client: &IdentityId) {
        if let Some((_, count)) = self.counts.get_mut(client) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PER_CLIENT_MAX, Revocations, WINDOW};
    use std::time::Duration;
    use wardgate_model::{id::IdentityId, time::Time};

    #[test]
    fn a_client_ends_so_many_tokens_and_no_other_is_harmed() {
        let (mut counts, begun) = (Revocations::default(), Time::from_seconds(1_800_000_000));
        let (one, other) = (IdentityId::literal("one"), IdentityId::literal("other"));
        assert!((0..PER_CLIENT_MAX).all(|_| counts.count(&one, begun) == Ok(())));
        assert_eq!(counts.count(&one, begun + Duration::from_mins(59)), Err(61));
        counts.give_back(&one);
        assert_eq!(counts.count(&one, begun), Ok(()), "what came to nothing does not count");
        assert_eq!(counts.count(&one, begun), Err(3_601));
        assert_eq!(counts.count(&other, begun), Ok(()));
        assert_eq!(counts.count(&one, begun + WINDOW), Ok(()));
    }
}
