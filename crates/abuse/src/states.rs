//! What a client may be told of the limits it was counted against (draft-ietf-httpapi-ratelimit-headers: `q`, `w`, `qu`, `r`, `t`).

use crate::{
    calendar,
    limits::{Allowed, Crowd, Paced, Part},
    meter::{Flow, Gauge},
};
use smallvec::SmallVec;
use std::sync::Arc;
use wardgate_model::{
    limit::Per,
    ruling::{LimitState, LimitUnit},
    time::Time,
};

/// States told at most.
pub(crate) const STATES_MAX: usize = 4;

/// Whether the meters of such a limit count the caller alone. What others use is nobody's business: the state of a limit that callers
/// share (per operation, API or source) is never told (draft §6: do not reveal numbers that invite abuse).
pub(crate) const fn is_own(per: Per) -> bool {
    match per {
        Per::Identity | Per::Credential | Per::Owner | Per::Person => true,
        Per::Operation | Per::Api | Per::Source => false,
    }
}

/// Microseconds as whole seconds, rounded up: never too early.
pub(crate) const fn seconds(micros: u64) -> u64 {
    micros.div_ceil(1_000_000)
}

/// Seconds from `now` until `until` (in microseconds), rounded up.
pub(crate) fn seconds_until(until: i64, now: Time) -> u64 {
    seconds(u64::try_from(until.saturating_sub(calendar::clamp(now))).unwrap_or(0))
}

/// The states of some limits, tightest first.
#[derive(Debug, Default)]
pub(crate) struct States(SmallVec<[LimitState; 2]>);

impl States {
    /// Adds what `part` of a limit says, given its gauge (`None`: nothing was counted yet).
    pub(crate) fn add(&mut self, part: &Part, gauge: Option<&Gauge>, now: Time) {
        match (part, gauge) {
            (Part::Flow { rate, concurrency }, gauge) => {
                let flow = match gauge {
                    Some(Gauge::Flow(flow)) => Some(flow),
                    Some(Gauge::Ledger(_)) | None => None,
                };
                if let Some(paced) = rate {
                    self.0.push(self::rate(paced, flow, now));
                }
                if let Some(crowd) = concurrency {
                    self.0.push(self::concurrency(crowd, flow));
                }
            }
            (Part::Quota(allowed), gauge) => self.0.push(window(allowed, LimitUnit::Requests, gauge, now)),
            (Part::Bytes(allowed), gauge) => self.0.push(window(allowed, LimitUnit::ContentBytes, gauge, now)),
        }
    }

    /// The tightest few: those with the smallest part left.
    pub(crate) fn tightest(mut self) -> SmallVec<[LimitState; 2]> {
        // What is left of one beside what is left of the other, without dividing.
        let share = |one: &LimitState, other: &LimitState| u128::from(one.remaining) * u128::from(other.quota.max(1));
        self.0.sort_by(|one, other| share(one, other).cmp(&share(other, one)).then(other.reset_s.cmp(&one.reset_s)));
        self.0.truncate(STATES_MAX);
        self.0
    }
}

/// A bucket that takes a second or more to fill is told as such: `q` requests in the `w` seconds that it takes. A smaller one is told
/// as the rate that it is.
pub(crate) fn rate(paced: &Paced, flow: Option<&Flow>, now: Time) -> LimitState {
    let pace = &paced.pace;
    let (quota, window_s) = if pace.fill_us() >= 1_000_000 {
        (pace.burst(), seconds(pace.fill_us()))
    } else {
        let period = paced.rate.period.as_nanos().max(1);
        let window_s = period.div_ceil(1_000_000_000);
        let count = u128::from(paced.rate.count.get()).saturating_mul(window_s.saturating_mul(1_000_000_000)) / period;
        (u64::try_from(count).unwrap_or(u64::MAX).max(1), u64::try_from(window_s).unwrap_or(u64::MAX))
    };
    LimitState {
        policy: Arc::clone(&paced.policy),
        quota,
        window_s: Some(window_s),
        unit: LimitUnit::Requests,
        remaining: flow.map_or(pace.burst(), |flow| flow.bucket.available(pace, now)).min(quota),
        reset_s: flow.map_or(0, |flow| seconds(flow.bucket.next_us(pace, now))),
    }
}

fn concurrency(crowd: &Crowd, flow: Option<&Flow>) -> LimitState {
    let remaining = crowd.most.saturating_sub(flow.map_or(0, Flow::running));
    LimitState {
        policy: Arc::clone(&crowd.policy),
        quota: u64::from(crowd.most),
        window_s: None,
        unit: LimitUnit::ConcurrentRequests,
        remaining: u64::from(remaining),
        reset_s: u64::from(remaining == 0),
    }
}

fn window(allowed: &Allowed, unit: LimitUnit, gauge: Option<&Gauge>, now: Time) -> LimitState {
    let allowance = &allowed.allowance;
    let (used, until) = match gauge {
        Some(Gauge::Ledger(ledger)) => {
            let standing = ledger.standing(allowance.window, now);
            (standing.used, standing.until)
        }
        Some(Gauge::Flow(_)) | None => (0, calendar::span(allowance.window, now).until),
    };
    LimitState {
        policy: Arc::clone(&allowed.policy),
        quota: allowance.count,
        window_s: Some(calendar::seconds(allowance.window)),
        unit,
        remaining: allowance.count.saturating_sub(used),
        reset_s: seconds_until(until, now),
    }
}
