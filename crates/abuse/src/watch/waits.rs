//! Who was told to wait, and does not: `Retry-After` (RFC 9110 §10.2.3) of this process or of an upstream.

use super::weights as w;

/// Operations that are remembered.
const OPERATIONS: usize = 4;
/// Who has just been told has other calls under way, in seconds.
const UNDER_WAY: u32 = 2;
/// Longest time that anybody is held to, in seconds.
const LONGEST: u32 = 60 * 60;
/// After so many minutes without a call that came too early, it begins anew.
const FORGOTTEN: u32 = 60;

/// What somebody was told of an operation. Seconds are those since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wait {
    /// Which operation; 0: none.
    operation: u32,
    /// Since when it has been told so, again and again.
    since: u32,
    /// Until when it is to wait.
    until: u32,
}

/// What a caller was told to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Waits {
    waits: [Wait; OPERATIONS],
    /// Calls that came too early, and in which minute the last one did.
    early: u32,
    at: u32,
}

impl Waits {
    /// It is told to wait for so many seconds with an operation.
    pub(super) fn told(&mut self, operation: u32, second: u32, seconds: u32) {
        let until = second.saturating_add(seconds.min(LONGEST));
        let at = self.waits.iter().position(|wait| wait.operation == operation);
        let at = at.or_else(|| self.waits.iter().enumerate().min_by_key(|(_, wait)| wait.until).map(|(at, _)| at));
        let Some(wait) = at.and_then(|at| self.waits.get_mut(at)) else { return };
        // Who is told again while it should wait was told long ago.
        let goes_on = wait.operation == operation && second <= wait.until;
        let since = if goes_on { wait.since } else { second };
        *wait = Wait { operation, since, until: if goes_on { until.max(wait.until) } else { until } };
    }

    /// Whether a call of an operation that comes now comes too early.
    fn is_early(&self, operation: u32, second: u32) -> bool {
        let early = |wait: &Wait| wait.operation == operation && second > wait.since.saturating_add(UNDER_WAY) && second < wait.until;
        self.waits.iter().any(early)
    }

    /// A call of an operation that comes now: how many have come too early lately where this one does, and what that weighs.
    pub(super) fn early(&self, operation: u32, second: u32) -> Option<(u32, u32)> {
        if !self.is_early(operation, second) {
            return None;
        }
        let before = if (second / 60).saturating_sub(self.at) > FORGOTTEN { 0 } else { self.early };
        let early = before.saturating_add(1);
        let weight = match early {
            0..w::EARLY => 0,
            w::EARLY..w::EARLY_OFTEN => w::DEAF_SOME,
            w::EARLY_OFTEN..w::EARLY_FOR_LONG => w::DEAF,
            _ => w::DEAF_FOR_LONG,
        };
        Some((early, weight))
    }

    /// A call that came then is over, whatever became of it: it counts where it came too early.
    pub(super) fn came(&mut self, operation: u32, second: u32) {
        if let Some((early, _)) = self.early(operation, second) {
            (self.early, self.at) = (early, second / 60);
        }
    }
}

mod kept;
