//! Which changes of resources widen power.

use super::{Found, Proposed, Record};
use crate::person;
use ipnet::IpNet;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wardgate_model::{api::Api, resource::Kind, time::Time};
use wardgate_policy::{Outlined, outline};

/// What the names of shipped limits, rules and policies begin with.
const SHIPPED: &str = "shipped:";
/// What the ids of guardrails begin with.
const GUARDRAIL: &str = "guardrail:";
/// The classes of operations that `guardrail:power` is about.
const GUARDED: [&str; 3] = ["admin", "bulk", "money"];

/// Notes everything that widens power, of all changes together.
pub(super) fn find(changes: &[Proposed], before: &Record<'_>, found: &mut Found) {
    policies(changes, before, found);
    for change in changes {
        let (old, new) = (before.spec(change.kind, &change.name), change.spec.as_ref());
        if old == new {
            continue;
        }
        let name = &*change.name;
        match change.kind {
            Kind::Identity => identity(name, old, new, before, found),
            Kind::Owner => owner(name, old, new, found),
            Kind::Environment => environment(name, old, new, found),
            Kind::TrustSource if new.is_some() => found.person(format!("it changes whose proofs count: TrustSource `{name}`")),
            Kind::Waiver => waiver(name, old, new, found),
            Kind::Limit | Kind::Rotation if name.starts_with(SHIPPED) => {
                found.second(format!("it changes what ships: {} `{name}`", change.kind));
            }
            Kind::Rotation if !tightens(old, new) => found.second(format!("it may let keys grow older: Rotation `{name}`")),
            Kind::Grant => grant(name, old, new, found),
            Kind::Api => api(name, old, new, found),
            Kind::Zone => zone(name, old, new, before, found),
            Kind::Policy
            | Kind::TrustSource
            | Kind::Limit
            | Kind::Rotation
            | Kind::Contract
            | Kind::Flow
            | Kind::Webhook
            | Kind::Purpose => {}
        }
    }
}

fn text<'v>(spec: Option<&'v Value>, key: &str) -> Option<&'v str> {
    spec?.get(key)?.as_str()
}

fn flag(spec: Option<&Value>, key: &str) -> bool {
    spec.and_then(|spec| spec.get(key)).and_then(Value::as_bool).unwrap_or(false)
}

/// The texts of a list.
fn words<'v>(spec: Option<&'v Value>, key: &str) -> BTreeSet<&'v str> {
    spec.and_then(|spec| spec.get(key)).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Policies: what a text says counts, not in which document it stands.
fn policies(changes: &[Proposed], before: &Record<'_>, found: &mut Found) {
    let (mut old, mut new, mut unread) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for change in changes.iter().filter(|change| change.kind == Kind::Policy) {
        for (spec, all) in [(before.spec(Kind::Policy, &change.name), &mut old), (change.spec.as_ref(), &mut new)] {
            let Some(spec) = spec else { continue };
            match text(Some(spec), "cedar").and_then(outline) {
                Some(statements) => all.extend(statements),
                None => unread.push(&*change.name),
            }
        }
    }
    for name in unread {
        found.person(format!("it cannot be told what the Policy `{name}` does"));
    }
    let title = |one: &Outlined| one.id.clone().unwrap_or_else(|| "without an id".to_owned());
    for one in old.symmetric_difference(&new) {
        let id = one.id.as_deref().unwrap_or_default();
        let added = new.contains(one);
        if id.starts_with(GUARDRAIL) {
            found.person(format!("it changes the guardrail `{id}`"));
        } else if id.starts_with(SHIPPED) {
            found.second(format!("it changes the shipped policy `{id}`"));
        } else if one.permits && added {
            found.second(format!("it adds a permit: `{}`", title(one)));
        } else if !one.permits && !added {
            found.second(format!("it takes away a forbid: `{}`", title(one)));
        }
    }
}

fn identity(name: &str, old: Option<&Value>, new: Option<&Value>, before: &Record<'_>, found: &mut Found) {
    let Some(new) = new else { return };
    let new = Some(new);
    let tag = |spec: Option<&Value>| text(spec?.get("tags"), person::TAG).map(str::to_owned);
    if let Some(address) = tag(new).filter(|address| tag(old).as_ref() != Some(address)) {
        found.person(format!("it makes `{name}` stand for the person `{address}`"));
    }
    let had = words(old, "roles");
    for role in words(new, "roles").difference(&had) {
        found.second(format!("it gives `{name}` the role `{role}`"));
    }
    // One that is new has to be approved by a second identity anyway.
    if old.is_none() {
        if before.returns(name) {
            found.second(format!("it brings `{name}` back, in the state that it was in"));
        }
        return;
    }
    if text(old, "environment") != text(new, "environment") {
        found.second(format!("it moves `{name}` to another environment"));
    }
    read_by_policies(name, old, new, before, found);
    let (owner, team) = (text(new, "owner").unwrap_or_default(), text(new, "team"));
    let moved = text(old, "owner") != Some(owner);
    // As a release of the owner would: nothing else may undo a containment.
    if let Some(held) = text(old, "owner").filter(|held| moved && before.is_contained(held)) {
        found.person(format!("it lets `{name}` in again: its owner `{held}` is contained"));
    }
    if moved && !words(new, "roles").is_empty() {
        found.second(format!("it gives `{name}`, which has roles in Wardgate, to the owner `{owner}`"));
    }
    if moved && speaks_of_owner(before, owner) {
        found.second(format!("`{name}` gains what the owner `{owner}` is granted"));
    }
    if let Some(team) = team.filter(|team| text(old, "team") != Some(team) && policies_name(before, "Team", team)) {
        found.second(format!("`{name}` gains what policies permit to the team `{team}`"));
    }
}

/// What else policies read of an identity: whoever changes it may come under another permit, or out of a forbid.
fn read_by_policies(name: &str, old: Option<&Value>, new: Option<&Value>, before: &Record<'_>, found: &mut Found) {
    for (key, attribute) in [("type", "principal.type"), ("criticality", "principal.criticality")] {
        if text(old, key) != text(new, key) && any_policy(before, |policy| policy.contains(attribute)) {
            found.second(format!("policies read the `{key}` of `{name}`"));
        }
    }
    let tags = |spec: Option<&Value>| spec.and_then(|spec| spec.get("tags")).and_then(Value::as_object).cloned().unwrap_or_default();
    let (was, is) = (tags(old), tags(new));
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).filter(|key| was.get(*key) != is.get(*key)).collect();
    for key in keys {
        let quoted = Value::from(key.as_str()).to_string();
        if any_policy(before, |policy| policy.contains("Tag(") && policy.contains(&quoted)) {
            found.second(format!("policies read the tag `{key}` of `{name}`"));
        }
    }
}

/// Whether anything is granted or permitted to every identity of an owner.
fn speaks_of_owner(before: &Record<'_>, owner: &str) -> bool {
    let granted = before.of(Kind::Grant).any(|(_, spec)| text(spec.get("to"), "owner") == Some(owner));
    granted || policies_name(before, "Owner", owner)
}

fn policies_name(before: &Record<'_>, entity: &str, name: &str) -> bool {
    let wanted = format!("{entity}::\"{name}\"");
    any_policy(before, |policy| policy.contains(&wanted))
}

/// Whether the text of any policy on record does so. Texts are looked at and not parsed: too much waits rather than too little.
fn any_policy(before: &Record<'_>, does: impl Fn(&str) -> bool) -> bool {
    before.of(Kind::Policy).any(|(_, spec)| text(Some(spec), "cedar").is_some_and(&does))
}

/// A zone that policies name, with networks that it did not have.
fn zone(name: &str, old: Option<&Value>, new: Option<&Value>, before: &Record<'_>, found: &mut Found) {
    let networks = |spec| words(spec, "networks").into_iter().map(|text| (text, text.parse::<IpNet>().ok())).collect::<Vec<_>>();
    let (had, has) = (networks(old), networks(new));
    // What cannot be read is taken for new unless it was there.
    let within = |(text, network): &(&str, Option<IpNet>)| {
        had.iter().any(|(known, wide)| known == text || wide.zip(*network).is_some_and(|(wide, network)| wide.contains(&network)))
    };
    let quoted = format!("\"{name}\"");
    let named = any_policy(before, |policy| policy.contains("zone") && policy.contains(&quoted));
    if named && !has.iter().all(within) {
        found.second(format!("policies trust the zone `{name}`, and it grows"));
    }
}

fn owner(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Found) {
    let Some(old) = old else { return };
    if new.is_none() {
        found.person(format!("it removes the owner `{name}`"));
    } else if ["accountable", "deputy"].iter().any(|key| text(Some(old), key) != text(new, key)) {
        found.person(format!("it changes who answers for the owner `{name}`"));
    }
}

fn environment(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Found) {
    if new.is_none() {
        return;
    }
    if flag(new, "shared") && !flag(old, "shared") {
        found.second(format!("it makes the environment `{name}` stand beside all others"));
    }
    if old.is_some() && flag(old, "production") != flag(new, "production") {
        found.second(format!("it changes whether the environment `{name}` is production"));
    }
}

fn waiver(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Found) {
    let Some(new) = new else { return };
    let end = |spec: &Value| text(Some(spec), "until").and_then(Time::parse);
    let same_but_end = |old: &Value| ["for", "exempts"].iter().all(|key| old.get(key) == new.get(key));
    let sooner = old.is_some_and(|old| same_but_end(old) && end(new).is_some() && end(new) <= end(old));
    if !sooner {
        found.second(format!("it exempts: Waiver `{name}`"));
    }
}

/// Whether a rule of rotation only became stricter.
fn tightens(old: Option<&Value>, new: Option<&Value>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return false };
    let span = |spec: &Value, key: &str| text(Some(spec), key).and_then(|text| wardgate_resources::scalar::duration(text).ok());
    let enforced = match (span(old, "enforce"), span(new, "enforce")) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => new <= old,
    };
    let every = span(old, "every").zip(span(new, "every")).is_some_and(|(old, new)| new <= old);
    every && enforced && old.get("select") == new.get("select")
}

fn grant(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Found) {
    // Of every other API its owner answers for what is granted.
    if text(new, "api") == Some(Api::ADMIN) && old != new {
        found.second(format!("it grants power over Wardgate itself: Grant `{name}`"));
    }
}

fn api<'a>(name: &str, old: Option<&'a Value>, new: Option<&'a Value>, found: &mut Found) {
    // An installation's secret is worth what it opens elsewhere: whoever says where it is sent can read it.
    let upstream = |spec: Option<&'a Value>| spec.and_then(|spec| spec.get("upstream"));
    let places = |spec: Option<&'a Value>| upstream(spec).and_then(|upstream| upstream.get("urls"));
    let shown = |spec: Option<&'a Value>| upstream(spec).and_then(|upstream| upstream.get("identity"));
    let secret = shown(new).and_then(|identity| text(Some(identity), "secret"));
    if let Some(secret) = secret.filter(|_| places(old) != places(new) || shown(old) != shown(new)) {
        found.second(format!("it says where the secret `{secret}` is sent: the upstream of the API `{name}`"));
    }
    let kept = shown(new).and_then(Value::as_str) == Some("keep");
    if kept && shown(old) == shown(new) && places(old) != places(new) {
        found.second(format!("another upstream of the API `{name}` sees the credentials of its callers"));
    }
    // A new API opens nothing that was closed.
    let (Some(old), Some(new)) = (old, new) else { return };
    let observes = |spec: &Value| text(Some(spec), "mode") == Some("observe");
    if observes(new) && !observes(old) {
        found.second(format!("rulings on the API `{name}` bind no more"));
    }
    if text(Some(old), "environment") != text(Some(new), "environment") {
        found.second(format!("it moves the API `{name}` to another environment"));
    }
    for (operation, class) in guarded(old) {
        if guarded(new).get(operation).is_none_or(|now| *now != class) {
            found.second(format!("`{operation}` of the API `{name}` is not of the guarded class `{class}` any more"));
        }
    }
    let opened = anonymous(new);
    for operation in opened.difference(&anonymous(old)) {
        found.second(format!("`{operation}` of the API `{name}` can be called without a credential"));
    }
    let keeps = |spec: &Value| spec.get("upstream").and_then(|upstream| text(Some(upstream), "identity")) == Some("keep");
    if keeps(new) && !keeps(old) {
        found.second(format!("the upstream of the API `{name}` sees the credentials of its callers"));
    }
}

/// Operations of the classes that `guardrail:power` is about, as the API itself says.
fn guarded(spec: &Value) -> BTreeMap<&str, &str> {
    let operations = spec.get("operations").and_then(Value::as_array).into_iter().flatten();
    let classed = operations.filter_map(|operation| Some((text(Some(operation), "match")?, text(Some(operation), "class")?)));
    classed.filter(|(_, class)| GUARDED.contains(class)).collect()
}

fn anonymous(spec: &Value) -> BTreeSet<&str> {
    let operations = spec.get("operations").and_then(Value::as_array).into_iter().flatten();
    operations.filter(|operation| flag(Some(operation), "anonymous")).filter_map(|operation| text(Some(operation), "match")).collect()
}
