//! Users as SCIM 2.0 has them (RFC 7643 §4.1). People are no identities here: what counts is who is away.

use super::{Departed, Reading, name};
use crate::person;
use serde_json::Value;
use std::collections::BTreeMap;
use wardgate_model::inventory::Owner;

pub(super) fn read(text: &str, reading: &mut Reading<'_>) {
    let parsed: Value = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            return reading.error(line, "scim.syntax", format!("this is no JSON: {error}"), "export the users as a SCIM list response");
        }
    };
    let Some(users) = parsed.get("Resources").or(Some(&parsed)).and_then(Value::as_array) else {
        return reading.error(0, "scim.shape", "there is no list of users", "export the users as a SCIM list response, with `Resources`");
    };
    // Whether somebody is there, by each address. One entry that is active suffices.
    let mut there: BTreeMap<String, bool> = BTreeMap::new();
    for (at, user) in users.iter().enumerate() {
        let addresses = addresses(user);
        if addresses.is_empty() {
            reading.warning(0, "scim.user", format!("`Resources[{at}]` has neither `userName` nor `emails`"), "it is left out");
        }
        let active = is_active(user);
        for address in addresses {
            *there.entry(address).or_insert(false) |= active;
        }
    }
    let away = |address: &str| there.get(&address.trim().to_lowercase()) == Some(&false);
    let departures: Vec<Departed> = reading.beside.owners.iter().flat_map(|owner| departed(owner, &away)).collect();
    reading.imported.departures.extend(departures);
    for owner in reading.beside.owners {
        for person in person::people(owner).filter(|person| !there.contains_key(&person.trim().to_lowercase())) {
            let what = format!("`{}`, who answers for the owner `{}`, is not among the users", name::short(person), owner.name);
            reading.warning(0, "scim.not_listed", what, "if the list is complete, the person is away");
        }
    }
}

fn departed<'o>(owner: &'o Owner, away: &'o dyn Fn(&str) -> bool) -> impl Iterator<Item = Departed> + 'o {
    let parts = [("accountable", Some(&owner.accountable)), ("deputy", owner.deputy.as_ref())];
    let other = |part: &str| if part == "accountable" { owner.deputy.as_ref() } else { Some(&owner.accountable) };
    let gone = parts.into_iter().filter_map(move |(part, person)| Some((part, person.filter(|person| away(person))?)));
    gone.map(move |(part, person)| Departed {
        owner: owner.name.clone(),
        person: person.clone(),
        part,
        successor: other(part).filter(|other| !away(other)).cloned(),
    })
}

/// A user's name and addresses, in lower case.
fn addresses(user: &Value) -> Vec<String> {
    let emails = user.get("emails").and_then(Value::as_array).into_iter().flatten();
    let values = emails.filter_map(|email| email.as_str().or_else(|| email.get("value")?.as_str()));
    let all = user.get("userName").and_then(Value::as_str).into_iter().chain(values);
    all.map(|address| address.trim().to_lowercase()).filter(|address| !address.is_empty()).collect()
}

/// RFC 7643 §4.1.1 `active`; what says nothing is. Some write the boolean as text.
fn is_active(user: &Value) -> bool {
    match user.get("active") {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(text)) => !text.eq_ignore_ascii_case("false"),
        _ => true,
    }
}
