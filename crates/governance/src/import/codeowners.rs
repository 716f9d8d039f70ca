//! Which team owns which path. Gives an owner for each team, person or address that is not on record.

use super::{Reading, name};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use wardgate_model::resource::Kind;

/// Longest line, in bytes; of longer ones nobody is the author.
const LINE_BYTES_MAX: usize = 8_192;
/// Paths that are named in a contact.
const PATHS_NAMED: usize = 3;

/// What lines said of one owner.
struct Found {
    accountable: String,
    deputy: Option<String>,
    handle: String,
    paths: Vec<String>,
    line: u32,
}

pub(super) fn read(text: &str, reading: &mut Reading<'_>) {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for (line, text) in (1_u32..).zip(text.lines()) {
        if text.len() > LINE_BYTES_MAX {
            reading.error(line, "codeowners.line", "this line is too long", "split it");
            continue;
        }
        if let Some((pattern, owners)) = entry(text) {
            take(&pattern, &owners, line, &mut found, reading);
        }
    }
    for (name, one) in found {
        if reading.owner(&name).is_some() {
            continue;
        }
        if !one.accountable.contains('@') || one.accountable.starts_with('@') {
            let what = format!("`{}` is no address: it is not known who answers for the owner `{name}`", name::short(&one.accountable));
            reading.warning(one.line, "codeowners.no_person", what, "write the person's address into `accountable`");
        }
        let mut spec = Map::from_iter([("accountable".to_owned(), Value::from(one.accountable))]);
        spec.extend(one.deputy.map(|deputy| ("deputy".to_owned(), deputy.into())));
        spec.insert("contact".to_owned(), format!("{} ({})", one.handle, one.paths.join(", ")).into());
        if !reading.add(Kind::Owner, &name, Value::Object(spec), one.line) {
            return;
        }
    }
}

/// A line's pattern and owners; `None` for comments, sections and patterns that nobody owns.
fn entry(line: &str) -> Option<(String, Vec<&str>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', '[', '^']) {
        return None;
    }
    // A pattern may hold spaces, each behind a backslash.
    let mut pattern = String::new();
    let mut end = line.len();
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            c if c.is_whitespace() && !escaped => {
                end = at;
                break;
            }
            c => {
                pattern.push(c);
                escaped = false;
            }
        }
    }
    let owners: Vec<&str> = line.get(end..)?.split_whitespace().take_while(|owner| !owner.starts_with('#')).collect();
    (!owners.is_empty()).then_some((pattern, owners))
}

/// The first of a line's owners answers, the first address among the others stands in.
fn take(pattern: &str, owners: &[&str], line: u32, found: &mut BTreeMap<String, Found>, reading: &mut Reading<'_>) {
    let Some(first) = owners.first() else { return };
    let Some(name) = named(first) else {
        let what = format!("`{}` is no team, user or address", name::short(first));
        return reading.error(line, "codeowners.owner", what, "write `@org/team`, `@user` or an address");
    };
    let is_address = |owner: &&&str| owner.contains('@') && !owner.starts_with('@');
    let people: Vec<&&str> = owners.iter().filter(is_address).collect();
    let one = found.entry(name).or_insert_with(|| Found {
        accountable: people.first().map_or(*first, |person| **person).to_owned(),
        deputy: people.get(1).map(|person| (**person).to_owned()),
        handle: (*first).to_owned(),
        paths: Vec::new(),
        line,
    });
    if one.paths.len() < PATHS_NAMED {
        one.paths.push(name::short(pattern));
    }
}

/// `@org/team` → `team`, `@user` → `user`, `payments@example.com` → `payments`.
fn named(owner: &str) -> Option<String> {
    match owner.strip_prefix('@') {
        Some(handle) => name::slug(handle.rsplit('/').next()?),
        None => name::slug(owner.split_once('@')?.0),
    }
}
