//! What is begun and not finished is told of less than before: a flow that goes, or has become milder.

use super::{Found, text, words};
use serde_json::Value;
use wardgate_model::flow::Flow;
use wardgate_resources::scalar;

/// A flow against what it said before. One that is new takes nothing away.
pub(super) fn find(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Found) {
    let Some(old) = old else { return };
    if new.is_none_or(|new| !is_as_strict(old, new)) {
        found.second(format!("less is told of what is begun and not finished: Flow `{name}`"));
    }
}

/// Whether at least as much counts as begun, no more as its end, and it is told of no later. What is followed for another time is followed
/// otherwise: longer finds later, shorter finds less.
fn is_as_strict(old: &Value, new: &Value) -> bool {
    let (was, is) = (Some(old), Some(new));
    let same = ["api", "within"].iter().all(|key| old.get(key) == new.get(key));
    let begins = words(was, "begin").is_subset(&words(is, "begin"));
    let finishes = words(is, "finish").is_subset(&words(was, "finish"));
    let told = |spec: &Value| {
        let unfinished = spec.get("unfinished");
        let share = text(unfinished, "share").and_then(|share| scalar::share(share).ok()).unwrap_or(Flow::SHARE);
        let at_least = unfinished.and_then(|unfinished| unfinished.get("at_least")).and_then(Value::as_u64);
        (share, at_least.unwrap_or(Flow::AT_LEAST.into()))
    };
    let ((share_before, least_before), (share, least)) = (told(old), told(new));
    same && begins && finishes && share <= share_before && least <= least_before
}

#[cfg(test)]
mod tests;
