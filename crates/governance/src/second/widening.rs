//! Which changes of resources widen power.

mod api;
mod flow;
mod risk;
mod serves;

use super::{Found, Proposed, Record, power::granted};
use crate::person;
use serde_json::Value;
use std::{cell::OnceCell, collections::BTreeSet};
use wardgate_model::{api::Api, resource::Kind, time::Time};
use wardgate_policy::{Outlined, Reads, outline, reads};

/// What the names of shipped rules and policies begin with.
const SHIPPED: &str = "shipped:";
/// What the names of shipped limits begin with.
const DEFAULT: &str = "default:";
/// What the ids of guardrails begin with.
const GUARDRAIL: &str = "guardrail:";

/// What is on record, what is to be, and what the policies on record read: looked at once, and only when it matters.
struct World<'r, 'a> {
    before: &'r Record<'a>,
    changes: &'r [Proposed],
    read: OnceCell<Option<Reads>>,
}

impl World<'_, '_> {
    /// Whether the policies on record may read something. One that cannot be read may read anything.
    fn reads(&self, what: impl Fn(&Reads) -> bool) -> bool {
        let read = self.read.get_or_init(|| {
            let mut all = Reads::default();
            for (_, spec) in self.before.of(Kind::Policy) {
                let found = reads(text(Some(spec), "cedar")?)?;
                all.attributes.extend(found.attributes);
                all.tags.extend(found.tags);
                all.entities.extend(found.entities);
                all.any_tag |= found.any_tag;
            }
            Some(all)
        });
        read.as_ref().is_none_or(what)
    }

    fn reads_attribute(&self, name: &str) -> bool {
        self.reads(|read| read.attributes.contains(name))
    }

    fn names(&self, of: &str, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.reads(|read| read.entity(of, name)))
    }
}

/// Notes everything that widens power, of all changes together.
pub(super) fn find(changes: &[Proposed], before: &Record<'_>, found: &mut Found) {
    policies(changes, before, found);
    let world = World { before, changes, read: OnceCell::new() };
    for change in changes {
        let (old, new) = (before.spec(change.kind, &change.name), change.spec.as_ref());
        if old == new {
            continue;
        }
        let name = &*change.name;
        match change.kind {
            Kind::Identity => identity(name, old, new, &world, found),
            Kind::Owner => owner(name, old, new, before, found),
            Kind::Environment => environment(name, old, new, found),
            Kind::TrustSource if new.is_some() => found.person(format!("it changes whose proofs count: TrustSource `{name}`")),
            Kind::Waiver => waiver(name, old, new, found),
            Kind::Limit | Kind::Rotation if name.starts_with(SHIPPED) || name.starts_with(DEFAULT) => {
                found.second(format!("it changes what ships: {} `{name}`", change.kind));
            }
            Kind::Rotation if !tightens(old, new) => found.second(format!("it may let keys grow older: Rotation `{name}`")),
            Kind::Grant => grant(name, old, new, found),
            Kind::Api => {
                api::find(name, old, new, &world, found);
                serves::api(name, old, new, &world, found);
            }
            Kind::Flow => flow::find(name, old, new, found),
            Kind::Zone => zone(name, old, new, &world, found),
            Kind::Policy | Kind::TrustSource | Kind::Limit | Kind::Rotation | Kind::Contract | Kind::Webhook | Kind::Purpose => {}
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

fn identity(name: &str, old: Option<&Value>, new: Option<&Value>, world: &World<'_, '_>, found: &mut Found) {
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
    serves::identity(name, old, new, world, found);
    risk::identity(name, old, new, found);
    // One that is new has to be approved by a second identity anyway.
    if old.is_none() {
        if world.before.returns(name) {
            found.second(format!("it brings `{name}` back, in the state that it was in"));
        }
        return;
    }
    if let Some(entry) = world.before.stopped(name).filter(|_| proofs(old) != proofs(new)) {
        found.second(format!("it changes what proves `{name}`, of which `{entry}` is contained"));
    }
    let powers = !had.is_empty() || text(old, "owner").is_some_and(|owner| granted(world.before, name, owner).is_some());
    if powers && proofs(old) != proofs(new) && !proofs(new).is_empty() {
        found.second(format!("it changes what proves `{name}`, which has power in Wardgate"));
    }
    if text(old, "environment") != text(new, "environment") {
        found.second(format!("it moves `{name}` to another environment"));
    }
    sources(name, old, new, found);
    read_by_policies(name, old, new, world, found);
    belongs(name, old, new, world, found);
}

/// From where what an identity has may be used: more networks, or any, is more than it could. What was issued under an entry that goes
/// away is as it was issued.
fn sources(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Found) {
    fn entries(spec: Option<&Value>) -> impl Iterator<Item = &Value> {
        spec.and_then(|spec| spec.get("credentials")).and_then(Value::as_array).into_iter().flatten()
    }
    for before in entries(old) {
        let (entry, had) = (text(Some(before), "name"), words(Some(before), "sources"));
        let has = words(entries(new).find(|one| text(Some(one), "name") == entry), "sources");
        if !had.is_empty() && (has.is_empty() || !has.is_subset(&had)) {
            found.second(format!("it lets `{}` of `{name}` be used from elsewhere", entry.unwrap_or_default()));
        }
    }
}

/// The entries of an identity that somebody else than Wardgate vouches for.
fn proofs(spec: Option<&Value>) -> Vec<&Value> {
    let entries = spec.and_then(|spec| spec.get("credentials")).and_then(Value::as_array).into_iter().flatten();
    entries.filter(|entry| text(Some(entry), "type") != Some("api_key")).collect()
}

/// To whom an identity belongs.
fn belongs(name: &str, old: Option<&Value>, new: Option<&Value>, world: &World<'_, '_>, found: &mut Found) {
    let (was, owner) = (text(old, "owner"), text(new, "owner").unwrap_or_default());
    let moved = was != Some(owner);
    // As a release of the owner would: nothing else may undo a containment.
    if let Some(held) = was.filter(|held| moved && world.before.is_contained(held)) {
        found.person(format!("it lets `{name}` in again: its owner `{held}` is contained"));
    }
    if moved && !words(new, "roles").is_empty() {
        found.second(format!("it gives `{name}`, which has roles in Wardgate, to the owner `{owner}`"));
    }
    if moved && speaks_of_owner(world, owner) {
        found.second(format!("`{name}` gains what the owner `{owner}` is granted"));
    } else if moved && (world.names("Owner", was) || world.reads_attribute("owner")) {
        found.second(format!("policies read the `owner` of `{name}`"));
    }
    let (was, team) = (text(old, "team"), text(new, "team"));
    if was == team {
    } else if let Some(team) = team.filter(|team| world.names("Team", Some(team))) {
        found.second(format!("`{name}` gains what policies permit to the team `{team}`"));
    } else if world.names("Team", was) || world.reads_attribute("team") {
        found.second(format!("policies read the `team` of `{name}`"));
    }
}

/// What else policies read of an identity: whoever changes it may come under another permit, or out of a forbid.
fn read_by_policies(name: &str, old: Option<&Value>, new: Option<&Value>, world: &World<'_, '_>, found: &mut Found) {
    for key in ["type", "criticality", "business_function"] {
        if text(old, key) != text(new, key) && world.reads_attribute(key) {
            found.second(format!("policies read the `{key}` of `{name}`"));
        }
    }
    let tags = |spec: Option<&Value>| spec.and_then(|spec| spec.get("tags")).and_then(Value::as_object).cloned().unwrap_or_default();
    let (was, is) = (tags(old), tags(new));
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).filter(|key| was.get(*key) != is.get(*key)).collect();
    for key in keys {
        if world.reads(|read| read.tag(key)) {
            found.second(format!("policies read the tag `{key}` of `{name}`"));
        }
    }
}

/// Whether anything is granted or permitted to every identity of an owner.
fn speaks_of_owner(world: &World<'_, '_>, owner: &str) -> bool {
    let granted = world.before.of(Kind::Grant).any(|(_, spec)| text(spec.get("to"), "owner") == Some(owner));
    granted || world.names("Owner", Some(owner))
}

/// A zone, with other networks than it had. Every address is in one zone at most, so what one zone gains another may lose;
/// and a policy may forbid what comes from a zone, or what does not. So both ways wait where any policy reads the zone.
fn zone(name: &str, old: Option<&Value>, new: Option<&Value>, world: &World<'_, '_>, found: &mut Found) {
    if words(old, "networks") != words(new, "networks") && world.reads_attribute("zone") {
        found.second(format!("policies read from which zone a call comes, and the networks of the zone `{name}` change"));
    }
}

fn owner(name: &str, old: Option<&Value>, new: Option<&Value>, before: &Record<'_>, found: &mut Found) {
    let Some(old) = old else { return stands(name, new, before, found) };
    if new.is_none() {
        found.person(format!("it removes the owner `{name}`"));
    } else if ["accountable", "deputy"].iter().any(|key| text(Some(old), key) != text(new, key)) {
        found.person(format!("it changes who answers for the owner `{name}`"));
    }
}

/// The people of a new owner: who counts as a person is not for one alone to say.
fn stands(name: &str, new: Option<&Value>, before: &Record<'_>, found: &mut Found) {
    let people = |spec| ["accountable", "deputy"].into_iter().filter_map(move |key| text(Some(spec), key));
    for address in new.into_iter().flat_map(people) {
        let known = before.of(Kind::Owner).any(|(_, spec)| people(spec).any(|known| person::same(known, address)));
        if let Some(identity) = before.tagged(address).filter(|_| !known) {
            found.person(format!("it makes `{identity}` stand for the person `{address}`, of the owner `{name}`"));
        }
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
