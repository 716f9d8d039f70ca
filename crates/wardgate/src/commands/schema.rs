//! `wardgate schema KIND`: what files may hold, for editors and other tools.

use crate::{
    cli::SchemaArgs,
    config::{FILE, Raw},
    output::{Exit, json, note, print},
};
use wardgate_model::resource::Kind;

/// What this command knows beside the kinds of resources.
const OTHERS: [&str; 3] = ["config", "event", "cedar"];

pub(super) fn run(args: &SchemaArgs) -> anyhow::Result<Exit> {
    let kind = Kind::ALL.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(&args.kind));
    match (kind, args.kind.as_str()) {
        (Some(kind), _) => json(&wardgate_resources::schema(kind))?,
        (None, "config") => json(&config())?,
        (None, "event") => json(&wardgate_audit::event_v1::schema())?,
        (None, "cedar") => print(&wardgate_policy::schema_text())?,
        (None, other) => {
            let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).chain(OTHERS).collect();
            note(&format!("there is no schema of `{other}`; there is one of {}", known.join(", ")));
            return Ok(Exit::Invalid);
        }
    }
    Ok(Exit::Done)
}

/// The schema of `wardgate.yaml`, told to those who write one.
fn config() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Raw);
    schema.insert("title".to_owned(), FILE.into());
    schema.insert("description".to_owned(), "What one process is told; `wardgate config show` prints the defaults.".into());
    schema
}

#[cfg(test)]
mod tests;
