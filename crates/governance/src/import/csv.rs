//! A table (RFC 4180): a header, then an identity a line.

use super::{Reading, name};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wardgate_model::{
    inventory::{Criticality, IdentityKind},
    resource::Kind,
    time::Time,
};

/// Columns that are read, each under the name of its key.
const COLUMNS: &[&str] = &[
    "name",
    "type",
    "owner",
    "team",
    "environment",
    "purpose",
    "business_function",
    "criticality",
    "until",
    "tags",
    "owner_accountable",
    "owner_deputy",
];

pub(super) fn read(text: &str, reading: &mut Reading<'_>) {
    let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|column| column.to_lowercase().replace(' ', "_")).collect(),
        Err(error) => {
            return reading.error(
                1,
                "csv.header",
                format!("the header cannot be read: {error}"),
                "write a header such as `name,type,owner,environment,purpose`",
            );
        }
    };
    if !header.iter().any(|column| column == "name") {
        let mend = "write a header such as `name,type,owner,environment,purpose`";
        return reading.error(1, "csv.header", "the header has no column `name`", mend);
    }
    for unknown in header.iter().filter(|column| !COLUMNS.contains(&column.as_str())) {
        let what = format!("the column `{}` is not read", name::short(unknown));
        reading.warning(1, "csv.column", what, "columns that are read: name, type, owner, team, environment, purpose, business_function, criticality, until, tags, owner_accountable, owner_deputy");
    }
    let mut owners = Owners::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, |at| u32::try_from(at.line()).unwrap_or(u32::MAX));
                let cells = header.iter().map(String::as_str).zip(record.iter()).filter(|(_, cell)| !cell.is_empty()).collect();
                if !row(&cells, line, &mut owners, reading) {
                    return;
                }
            }
            Err(error) => {
                let line = error.position().map_or(0, |at| u32::try_from(at.line()).unwrap_or(u32::MAX));
                reading.error(line, "csv.row", format!("the line cannot be read: {error}"), "quote cells that hold commas or quotes");
            }
        }
    }
    for (name, owner) in owners {
        let Some(accountable) = owner.accountable else { continue };
        if reading.owner(&name).is_some() {
            continue;
        }
        let mut spec = Map::from_iter([("accountable".to_owned(), Value::from(accountable))]);
        spec.extend(owner.deputy.map(|deputy| ("deputy".to_owned(), Value::from(deputy))));
        if !owner.teams.is_empty() {
            spec.insert("teams".to_owned(), owner.teams.into_iter().collect());
        }
        if !reading.add(Kind::Owner, &name, Value::Object(spec), owner.line) {
            return;
        }
    }
}

/// What the lines say of an owner.
#[derive(Default)]
struct Told {
    accountable: Option<String>,
    deputy: Option<String>,
    teams: BTreeSet<String>,
    line: u32,
}

type Owners = BTreeMap<String, Told>;

/// One line. `false` when there is no more room.
fn row(cells: &BTreeMap<&str, &str>, line: u32, owners: &mut Owners, reading: &mut Reading<'_>) -> bool {
    let Some(written) = cells.get("name") else {
        if !cells.is_empty() {
            reading.error(line, "csv.name", "this line has no name", "give it one, or take the line out");
        }
        return true;
    };
    let Some(name) = name::slug(written) else {
        reading.error(line, "csv.name", format!("`{}` makes no name", name::short(written)), "use letters and digits");
        return true;
    };
    let owner = match cells.get("owner").and_then(|owner| name::slug(owner)) {
        Some(owner) => Some(owner),
        None => reading.owner_or(&name, line),
    };
    let environment = match cells.get("environment").and_then(|environment| name::slug(environment)) {
        Some(environment) => Some(environment),
        None => reading.environment_or(&name, line),
    };
    let kind = word(cells.get("type").copied().unwrap_or("service_account"), line, reading, "type", |word| {
        IdentityKind::parse(word).map(IdentityKind::as_str)
    });
    let criticality = cells
        .get("criticality")
        .map(|text| word(text, line, reading, "criticality", |word| Criticality::parse(word).map(Criticality::as_str)));
    let until = cells.get("until").map(|text| {
        let end = Time::parse(text).map(|_| (*text).to_owned());
        if end.is_none() {
            reading.error(line, "csv.until", format!("`{}` is no date", name::short(text)), "write `2027-06-30`");
        }
        end
    });
    let Some(purpose) = cells.get("purpose") else {
        reading.error(line, "csv.purpose", format!("it is not said what `{name}` is for"), "fill the column `purpose`");
        return true;
    };
    let (Some(owner), Some(environment), Some(kind)) = (owner, environment, kind) else { return true };
    if matches!(criticality, Some(None)) || matches!(until, Some(None)) {
        return true;
    }
    let team = cells.get("team").and_then(|team| name::slug(team)).filter(|team| has_team(&owner, team, line, reading));
    tell(&owner, team.as_deref(), cells, line, owners);
    let mut spec = json!({ "type": kind, "owner": owner, "environment": environment, "purpose": purpose });
    if let Some(spec) = spec.as_object_mut() {
        spec.extend(team.map(|team| ("team".to_owned(), team.into())));
        spec.extend(cells.get("business_function").map(|text| ("business_function".to_owned(), (*text).into())));
        spec.extend(criticality.flatten().map(|word| ("criticality".to_owned(), word.into())));
        spec.extend(until.flatten().map(|end| ("until".to_owned(), end.into())));
        spec.extend(cells.get("tags").map(|text| ("tags".to_owned(), tags(text))));
    }
    reading.add(Kind::Identity, &name, spec, line)
}

/// Notes what a line says of its identity's owner; the first word counts.
fn tell(owner: &str, team: Option<&str>, cells: &BTreeMap<&str, &str>, line: u32, owners: &mut Owners) {
    let cell = |column: &str| cells.get(column).map(|cell| (*cell).to_owned());
    let told = owners.entry(owner.to_owned()).or_insert_with(|| Told { line, ..Told::default() });
    told.accountable = told.accountable.take().or_else(|| cell("owner_accountable"));
    told.deputy = told.deputy.take().or_else(|| cell("owner_deputy"));
    told.teams.extend(team.map(str::to_owned));
}

/// Whether an owner can have the team: one on record keeps the teams that it has.
fn has_team(owner: &str, team: &str, line: u32, reading: &mut Reading<'_>) -> bool {
    let Some(known) = reading.owner(owner) else { return true };
    let has = known.teams.iter().any(|known| known.as_str() == team);
    if !has {
        let what = format!("the owner `{owner}` has no team `{team}`: it is left out");
        reading.warning(line, "csv.team", what, "add it to the `teams` of the owner, then import again");
    }
    has
}

/// A word of a closed list, `-` for `_` and in any case; an error where it is none.
fn word(
    text: &str,
    line: u32,
    reading: &mut Reading<'_>,
    column: &str,
    known: impl Fn(&str) -> Option<&'static str>,
) -> Option<&'static str> {
    let found = known(&text.to_lowercase().replace(['-', ' '], "_"));
    if found.is_none() {
        reading.error(
            line,
            "csv.value",
            format!("`{}` is no `{column}`", name::short(text)),
            "use a word of the resource documents, as in `wardgate schema Identity`",
        );
    }
    found
}

/// `tier=gold;region=eu`.
fn tags(text: &str) -> Value {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    Value::Object(pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().into())).collect())
}
