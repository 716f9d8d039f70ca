//! How the trust sources are whose keys are fetched: lines of `/readyz`, and metrics.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};
use wardgate_feeds::feed::FeedState;
use wardgate_model::time::Time;

/// Most trust sources that `/readyz` names; of the others it says how many there are.
const NAMED_MAX: usize = 10;

/// A line for each trust source that has nothing to verify by, so that what it vouches for is refused. The gate goes on with
/// all others: that is ready, and said. Empty when all is well.
pub(super) fn lines(states: &[FeedState], now: Time) -> String {
    let mut text = String::new();
    let away: Vec<&FeedState> = states.iter().filter(|state| !state.is_ready(now)).collect();
    for state in away.iter().take(NAMED_MAX) {
        let feed = &state.feed;
        let since = match (state.success, &state.failure) {
            (None, None) => "were not fetched yet".to_owned(),
            (None, Some(_)) => "were never fetched".to_owned(),
            (Some(success), _) => format!("are too old, last fetched {success}"),
        };
        let why = state.failure.as_ref().map_or_else(String::new, |failure| format!(": {}", failure.why));
        let _infallible = writeln!(text, "trust source `{}`: the {} from `{}` {since}{why}", feed.trust, feed.topic, feed.origin);
    }
    let more = away.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        let _infallible = writeln!(text, "trust sources that cannot verify, besides: {more}");
    }
    text
}

/// What is counted of one trust source.
#[derive(Debug, Default)]
struct Counted {
    keys: usize,
    age: Option<Duration>,
    failing: bool,
    fetches: u64,
}

/// The metrics of all of them, in the text format of Prometheus; empty when nothing is fetched. Names of trust sources are
/// labels: they are few, and the operator's.
pub(super) fn metrics(states: &[FeedState], now: Time) -> String {
    let mut sources: BTreeMap<&str, Counted> = BTreeMap::new();
    for state in states {
        let counted = sources.entry(state.feed.trust.as_str()).or_default();
        counted.keys += if state.is_ready(now) { state.count } else { 0 };
        counted.age = counted.age.max(state.age(now));
        counted.failing |= state.failure.is_some();
        counted.fetches = counted.fetches.saturating_add(state.fetches);
    }
    let mut text = String::new();
    if sources.is_empty() {
        return text;
    }
    let mut family = |name: &str, kind: &str, help: &str, value: fn(&Counted) -> Option<u64>| {
        let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (trust, counted) in &sources {
            if let Some(value) = value(counted) {
                let _infallible = writeln!(text, "{name}{{trust=\"{trust}\"}} {value}");
            }
        }
    };
    let seconds = |counted: &Counted| counted.age.map(|age| age.as_secs());
    family("wardgate_trust_keys", "gauge", "Fetched keys of a trust source that count.", |counted| Some(counted.keys as u64));
    family(
        "wardgate_trust_age_seconds",
        "gauge",
        "Seconds since the keys of a trust source were last fetched; none before the first time.",
        seconds,
    );
    family("wardgate_trust_failing", "gauge", "1 while the last fetch from a trust source failed.", |counted| {
        Some(u64::from(counted.failing))
    });
    family("wardgate_trust_fetches_total", "counter", "Fetches from a trust source that were begun.", |counted| Some(counted.fetches));
    text
}

#[cfg(test)]
mod tests;
