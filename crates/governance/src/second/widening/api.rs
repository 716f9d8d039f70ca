//! What an API opens that was closed. A new one is held against what ships, and against every API that it could stand in
//! for: those that share its upstream or its requests, and those that were removed.

use super::{Found, World, flag, risk, text, words};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wardgate_model::{resource::Kind, time::Time};

/// The classes of operations that `guardrail:power` is about.
const GUARDED: [&str; 3] = ["admin", "bulk", "money"];

pub(super) fn find<'a>(name: &str, old: Option<&'a Value>, new: Option<&'a Value>, world: &World<'_, 'a>, found: &mut Found) {
    let Some(new) = new else { return left_to_others(name, old, world, found) };
    shown(name, old, new, found);
    if observes(new) && !old.is_some_and(observes) {
        found.second(format!("rulings on the API `{name}` bind no more"));
    }
    let had = old.map(anonymous).unwrap_or_default();
    for operation in anonymous(new).difference(&had) {
        found.second(format!("`{operation}` of the API `{name}` can be called without a credential"));
    }
    let had = old.map(to_people).unwrap_or_default();
    for opened in to_people(new).difference(&had) {
        found.second(format!("{opened} of the API `{name}` is open to people's sessions, which anybody can make up"));
    }
    // One that was removed is remembered: made again it opens nothing that it kept closed.
    let known = old.or_else(|| world.before.former(name));
    risk::api(name, known, new, found);
    if let Some(old) = known {
        loosened(name, old, new, world, found);
    }
    let mut lost = BTreeMap::new();
    for (other, spec) in world.before.of(Kind::Api).chain(world.before.formers()).filter(|(other, _)| *other != name) {
        if stands_in(new, spec) && unguarded(new, spec) && !old.is_some_and(|old| stands_in(old, spec) && unguarded(old, spec)) {
            lost.insert(other, ());
        }
    }
    for other in lost.into_keys() {
        found.second(format!("the API `{name}` leads where the API `{other}` leads, and guards less"));
    }
    if old.is_some_and(|old| old.get("match") != new.get("match")) {
        left_to_others(name, old, world, found);
    }
}

/// What upstreams see. An installation's secret is worth what it opens elsewhere: whoever says where it is sent can read it.
fn shown(name: &str, old: Option<&Value>, new: &Value, found: &mut Found) {
    let upstream = |spec: Option<&Value>, key: &str| spec.and_then(|spec| spec.get("upstream")?.get(key)).cloned();
    let places = |spec| upstream(spec, "urls");
    let shown = |spec| upstream(spec, "identity");
    let new = Some(new);
    let moved = places(old) != places(new);
    if let Some(secret) = text(shown(new).as_ref(), "secret").filter(|_| moved || shown(old) != shown(new)) {
        found.second(format!("it says where the secret `{secret}` is sent: the upstream of the API `{name}`"));
    }
    let keeps = |spec| shown(spec).as_ref().and_then(Value::as_str) == Some("keep");
    if keeps(new) && !keeps(old) {
        found.second(format!("the upstream of the API `{name}` sees the credentials of its callers"));
    } else if keeps(new) && moved {
        found.second(format!("another upstream of the API `{name}` sees the credentials of its callers"));
    }
}

/// What an API asked for and does not any more.
fn loosened(name: &str, old: &Value, new: &Value, world: &World<'_, '_>, found: &mut Found) {
    let (was, is) = (Some(old), Some(new));
    if text(was, "environment") != text(is, "environment") {
        found.second(format!("it moves the API `{name}` to another environment"));
    }
    let now = guarded(new);
    for (operation, class) in guarded(old) {
        if now.get(operation).is_none_or(|now| *now != class) {
            found.second(format!("`{operation}` of the API `{name}` is not of the guarded class `{class}` any more"));
        }
    }
    if old.get("openapi").is_some() && old.get("openapi") != new.get("openapi") {
        found.second(format!("another document says what the operations of the API `{name}` do"));
    }
    let asked = |spec: &Value| spec.get("require").and_then(Value::as_object).cloned().unwrap_or_default();
    for (class, what) in asked(old) {
        if asked(new).get(&class) != Some(&what) {
            found.second(format!("what the API `{name}` requires of `{class}` changes"));
        }
    }
    if old.get("stale").is_some() && old.get("stale") != new.get("stale") {
        found.second(format!("what the API `{name}` does without the store changes"));
    }
    let inspects = |spec: &Value| {
        let inspect = spec.get("inspect");
        (text(inspect, "requests") == Some("enforce"), flag(inspect, "json"))
    };
    let ((enforced, limited), (enforces, limits)) = (inspects(old), inspects(new));
    if (enforced && !enforces) || (limited && !limits) {
        found.second(format!("requests to the API `{name}` are inspected less"));
    }
    let is_over = |spec: &Value| text(Some(spec), "after_sunset") == Some("deny");
    let then = sunsets(new);
    if is_over(old)
        && (!is_over(new) || sunsets(old).iter().any(|(operation, sunset)| then.get(operation).is_none_or(|then| then > sunset)))
    {
        found.second(format!("what the API `{name}` refuses from its sunset on is served longer"));
    }
    for kind in accepted(new).difference(&accepted(old)) {
        found.second(format!("the API `{name}` accepts proofs of the kind `{kind}`, too"));
    }
    for (key, attribute) in [("sensitivity", "sensitivity"), ("exposure", "exposure"), ("policy_owner", "owner")] {
        if text(was, key) != text(is, key) && world.reads_attribute(attribute) {
            found.second(format!("policies read the `{attribute}` of what is called, and the `{key}` of the API `{name}` changes"));
        }
    }
}

/// Whose requests an API leaves to others, when it is gone or takes fewer.
fn left_to_others(name: &str, old: Option<&Value>, world: &World<'_, '_>, found: &mut Found) {
    let Some(old) = old else { return };
    let others = world.before.of(Kind::Api).filter(|(other, spec)| *other != name && meet(old, spec));
    for (other, _) in others.filter(|(_, spec)| opens_more(spec, old)) {
        found.second(format!("requests for the API `{name}` go to the API `{other}`, which asks for less"));
    }
}

fn opens_more(one: &Value, than: &Value) -> bool {
    (observes(one) && !observes(than))
        || !anonymous(one).is_empty()
        || !to_people(one).is_empty()
        || (shares_upstream(one, than) && unguarded(one, than))
}

/// Whether a request that was meant for `other` could be made through `one`.
fn stands_in(one: &Value, other: &Value) -> bool {
    shares_upstream(one, other) || meet(one, other)
}

/// Whether `one` lets through what `other` guards: it takes the same paths in the same way and guards all of it, or not.
fn unguarded(one: &Value, other: &Value) -> bool {
    let (mine, its) = (guarded(one), guarded(other));
    if its.is_empty() {
        return false;
    }
    let under = |spec: &Value| (prefix(spec).to_owned(), spec.get("upstream").and_then(|upstream| upstream.get("path")).cloned());
    under(one) != under(other) || its.iter().any(|(operation, class)| mine.get(operation) != Some(class))
}

fn observes(spec: &Value) -> bool {
    text(Some(spec), "mode") == Some("observe")
}

fn accepted(spec: &Value) -> BTreeSet<&str> {
    let said = words(Some(spec), "accept");
    if spec.get("accept").is_none() { ["api_key"].into() } else { said }
}

/// Operations of the classes that `guardrail:power` is about, as the API itself says.
fn guarded(spec: &Value) -> BTreeMap<&str, &str> {
    let operations = spec.get("operations").and_then(Value::as_array).into_iter().flatten();
    let classed = operations.filter_map(|operation| Some((text(Some(operation), "match")?, text(Some(operation), "class")?)));
    classed.filter(|(_, class)| GUARDED.contains(class)).collect()
}

/// When operations are gone, as the API itself says.
fn sunsets(spec: &Value) -> BTreeMap<&str, Time> {
    let operations = spec.get("operations").and_then(Value::as_array).into_iter().flatten();
    let ends = operations.filter_map(|one| Some((text(Some(one), "match")?, Time::parse(text(Some(one), "sunset")?)?)));
    ends.collect()
}

fn anonymous(spec: &Value) -> BTreeSet<&str> {
    let operations = spec.get("operations").and_then(Value::as_array).into_iter().flatten();
    operations.filter(|operation| flag(Some(operation), "anonymous")).filter_map(|operation| text(Some(operation), "match")).collect()
}

/// What an API opens to people's sessions: operations that say so, classes, and a document that may say so.
fn to_people(spec: &Value) -> BTreeSet<String> {
    if text(Some(spec), "consumers") != Some("mixed") {
        return BTreeSet::new();
    }
    let operations = spec.get("operations").and_then(Value::as_array).into_iter().flatten();
    let single = operations.filter(|operation| flag(Some(operation), "people")).filter_map(|operation| text(Some(operation), "match"));
    let classes = words(spec.get("people"), "classes");
    let document = spec.get("openapi").map(|_| "what the document says".to_owned());
    single.map(|operation| format!("`{operation}`")).chain(classes.iter().map(|class| format!("every `{class}`"))).chain(document).collect()
}

/// The addresses of an upstream, each in one form.
fn addresses(spec: &Value) -> BTreeSet<String> {
    let urls = words(spec.get("upstream"), "urls");
    let one = |url: &str| {
        let url = url.trim().trim_end_matches('/').to_lowercase();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
        let port = if scheme == "https" { ":443" } else { ":80" };
        rest.strip_suffix(port).unwrap_or(rest).to_owned()
    };
    urls.into_iter().map(one).collect()
}

fn shares_upstream(one: &Value, other: &Value) -> bool {
    !addresses(one).is_disjoint(&addresses(other))
}

fn prefix(spec: &Value) -> &str {
    text(spec.get("match"), "path_prefix").unwrap_or_default().trim_end_matches('/')
}

/// Whether a request could be for either: a host in common, one prefix within the other.
fn meet(one: &Value, other: &Value) -> bool {
    let hosts = |spec: &Value| words(spec.get("match"), "hosts").into_iter().map(str::to_lowercase).collect::<BTreeSet<_>>();
    let (mine, its) = (hosts(one), hosts(other));
    let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let any_host = mine.is_empty() || its.is_empty() || !mine.is_disjoint(&its);
    any_host && (within(prefix(one), prefix(other)) || within(prefix(other), prefix(one)))
}

#[cfg(test)]
mod tests;
