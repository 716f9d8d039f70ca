//! How the trust sources are whose keys are fetched and who are asked: lines of `/readyz`, and metrics.

use crate::control::AskedState;
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};
use wardgate_feeds::{document::Topic, feed::FeedState};
use wardgate_model::{id::TrustName, time::Time};

/// Most trust sources that `/readyz` names; of the others it says how many there are.
const NAMED_MAX: usize = 10;

/// A line for each trust source that has nothing to verify by, so that what it vouches for is refused. The gate goes on with
/// all others: that is ready, and said. Empty when all is well.
pub(super) fn lines(states: &[FeedState], asked: &[(TrustName, AskedState)], now: Time) -> String {
    let mut text = String::new();
    let mute: Vec<_> = asked.iter().filter_map(|(trust, state)| Some((trust, state.failing.as_deref()?))).collect();
    for (trust, why) in mute.iter().take(NAMED_MAX) {
        let _infallible = writeln!(text, "trust source `{trust}`: its tokens cannot be asked about: {why}");
    }
    let away: Vec<&FeedState> = states.iter().filter(|state| !state.is_ready(now)).collect();
    for state in away.iter().take(NAMED_MAX) {
        let feed = &state.feed;
        let (were, are) = if feed.topic == Topic::Bundle { ("was", "is") } else { ("were", "are") };
        let since = match (state.success, &state.failure) {
            (None, None) => format!("{were} not fetched yet"),
            (None, Some(_)) => format!("{were} never fetched"),
            (Some(success), _) => format!("{are} too old, last fetched {success}"),
        };
        let why = state.failure.as_ref().map_or_else(String::new, |failure| format!(": {}", failure.why));
        let _infallible = writeln!(text, "trust source `{}`: the {} from `{}` {since}{why}", feed.trust, feed.topic, feed.origin);
    }
    let back: Vec<_> = states.iter().filter(|state| state.is_ready(now)).filter_map(|state| taking_back(state)).collect();
    for (state, success, why) in back.iter().take(NAMED_MAX) {
        let feed = &state.feed;
        let (trust, topic, origin) = (&feed.trust, feed.topic, &feed.origin);
        let count = if topic == Topic::Bundle { "counts" } else { "count" };
        let _infallible = writeln!(text, "trust source `{trust}`: the {topic} from `{origin}`, fetched {success}, {count} on: {why}");
    }
    let more = away.len().saturating_sub(NAMED_MAX) + mute.len().saturating_sub(NAMED_MAX);
    let unnamed = back.len().saturating_sub(NAMED_MAX);
    if unnamed > 0 {
        let _infallible = writeln!(text, "trust sources that would take back what they said, besides: {unnamed}");
    }
    if more > 0 {
        let _infallible = writeln!(text, "trust sources that cannot verify, besides: {more}");
    }
    text
}

/// Where the last document would take back what was said before it, when the one that counts came, and why the last does not count.
fn taking_back(state: &FeedState) -> Option<(&FeedState, Time, &str)> {
    let failure = state.failure.as_ref().filter(|failure| failure.takes_back)?;
    Some((state, state.success?, &failure.why))
}

/// What is counted of one trust source.
#[derive(Debug, Default)]
struct Counted {
    keys: Option<usize>,
    lists: Option<usize>,
    age: Option<Duration>,
    failing: bool,
    fetches: Option<u64>,
    questions: Option<u64>,
}

/// The metrics of all of them, in the text format of Prometheus; empty when nothing is fetched. Names of trust sources are
/// labels: they are few, and the operator's.
pub(super) fn metrics(states: &[FeedState], asked: &[(TrustName, AskedState)], now: Time) -> String {
    let mut sources: BTreeMap<&str, Counted> = BTreeMap::new();
    for state in states {
        let counted = sources.entry(state.feed.trust.as_str()).or_default();
        let count = if state.feed.topic == Topic::Revocations { &mut counted.lists } else { &mut counted.keys };
        *count.get_or_insert_default() += if state.is_ready(now) { state.count } else { 0 };
        counted.age = counted.age.max(state.age(now));
        counted.failing |= state.failure.is_some();
        *counted.fetches.get_or_insert_default() += state.fetches;
    }
    for (trust, state) in asked {
        let counted = sources.entry(trust.as_str()).or_default();
        counted.questions = Some(state.questions);
        counted.failing |= state.failing.is_some();
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
    family("wardgate_trust_keys", "gauge", "Fetched keys and anchors of a trust source that count.", |counted| {
        counted.keys.map(|keys| keys as u64)
    });
    family(
        "wardgate_trust_age_seconds",
        "gauge",
        "Seconds since the keys of a trust source were last fetched; none before the first time.",
        seconds,
    );
    family(
        "wardgate_trust_failing",
        "gauge",
        "1 while the last fetch from a trust source, or the last question to it, failed.",
        |counted| Some(u64::from(counted.failing)),
    );
    family("wardgate_trust_fetches_total", "counter", "Fetches from a trust source that were begun.", |counted| counted.fetches);
    let help = "Questions that a trust source was asked about its opaque tokens.";
    family("wardgate_trust_questions_total", "counter", help, |counted| counted.questions);
    let help = "Fetched revocation lists of a trust source that count.";
    family("wardgate_trust_revocation_lists", "gauge", help, |counted| counted.lists.map(|lists| lists as u64));
    text
}

#[cfg(test)]
mod tests;
