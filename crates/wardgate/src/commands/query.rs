//! `wardgate audit query`: SQL over the event log, answered by the engine beside this program, or by the gate's.

use super::by;
use crate::{
    cli::{QueryArgs, QueryForm},
    client::Asking,
    config::Config,
    diagnostics, evidence,
    output::{Exit, error, json, json_line, line, note, number, print, table},
    query::program,
};
use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use http::Method;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use wardgate_audit::store::VARIABLES;
use wardgate_console::{Found, QUESTION_ROWS_MAX};
use wardgate_model::secret::Secret;

/// Asks, and prints what was found.
pub(super) async fn run(args: QueryArgs) -> anyhow::Result<Exit> {
    if let Some(wrong) = unfit(&args) {
        error(&wrong);
        return Ok(Exit::Invalid);
    }
    if !args.directory.is_empty() {
        let environment = evidence::environment_of_named(&args.directory, &args.management.way.config)?;
        return here(&args, &args.directory, environment);
    }
    let (management, config) = (&args.management, &args.management.way.config);
    let nobody_named = management.url.is_none() && management.way.token.is_none();
    if management.way.offline || (nobody_named && config.exists()) {
        let Some(config) = read(config) else { return Ok(Exit::Invalid) };
        let environment = evidence::environment(&config)?;
        return here(&args, &[config.audit], environment);
    }
    at_the_gate(args).await
}

/// A bound that the engine cannot keep: it counts in whole seconds and MiB.
fn unfit(args: &QueryArgs) -> Option<String> {
    if let Some(time) = args.timeout.filter(|time| time.is_zero() || time.subsec_nanos() != 0) {
        return Some(format!("`{time:?}` for --timeout: time is bounded in whole seconds: write `1s` or more"));
    }
    let bytes = args.memory.filter(|bytes| *bytes < 1 << 20)?;
    Some(format!("{} for --memory: memory is bounded in MiB: write `1MiB` or more", number(bytes, "byte")))
}

fn read(config: &Path) -> Option<Config> {
    Config::read(config).inspect_err(|found| diagnostics::show(found)).ok()
}

/// The directory of the log that a configuration names; what of it lies in a store is read with the key named there.
pub(super) fn directory(config: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some(config) = read(config) else { return Ok(None) };
    evidence::reach(&config)?;
    Ok(Some(config.audit))
}

/// By the engine beside this program, which prints for itself.
fn here(args: &QueryArgs, directories: &[PathBuf], environment: Vec<(&str, Secret<String>)>) -> anyhow::Result<Exit> {
    let program = program()?;
    let mut command = Command::new(&program);
    if !environment.is_empty() {
        // All or none: a key of the environment is not good with an endpoint of the configuration.
        for name in VARIABLES {
            command.env_remove(name);
        }
    }
    command.envs(environment.iter().map(|(name, value)| (name, value.danger_expose())));
    for directory in directories {
        command.arg("--directory").arg(directory);
    }
    if let Some(form) = args.output.to_possible_value() {
        command.args(["--output", form.get_name()]);
    }
    if let Some(time) = args.timeout {
        command.args(["--seconds", &time.as_secs().to_string()]);
    }
    if let Some(bytes) = args.memory {
        command.args(["--memory-mib", &(bytes >> 20).to_string()]);
    }
    command.args(["--rows", &args.rows.to_string(), "--", &args.sql]).stdin(Stdio::null());
    let status = command.status().with_context(|| format!("`{}` cannot be started", program.display()))?;
    match status.code() {
        Some(0) => Ok(Exit::Done),
        Some(2) => Ok(Exit::Invalid),
        Some(_) => Ok(Exit::Failed),
        None => bail!("the query engine broke down over this question ({status}): it may have taken more memory than there is"),
    }
}

/// By the gate.
async fn at_the_gate(args: QueryArgs) -> anyhow::Result<Exit> {
    if args.timeout.is_some() || args.memory.is_some() {
        note("--timeout and --memory bound what is asked here; the gate has bounds of its own: name the log with --directory");
        return Ok(Exit::Invalid);
    }
    let client = by(args.management.url, args.management.way).await?;
    let question = json!({ "sql": args.sql, "rows": args.rows.min(QUESTION_ROWS_MAX) });
    let asking = Asking::new(Method::POST, "/api/v1/audit/query").body(&question).patiently();
    let found: Found = serde_json::from_value(client.ask(&asking).await?.body).context("the gate answered with something else")?;
    for text in &found.left_out {
        note(&format!("note: {text}"));
    }
    if found.truncated {
        note(&format!("note: there are more than {} rows; these are the first that were found", found.rows.len()));
    }
    show(&found, args.output)?;
    Ok(Exit::Done)
}

fn show(found: &Found, form: QueryForm) -> std::io::Result<()> {
    let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
    let cells = |absent: &str| -> Vec<Vec<String>> {
        let cell = |row: &serde_json::Map<String, Value>, name: &str| match row.get(name) {
            None | Some(Value::Null) => absent.to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        found.rows.iter().map(|row| names.iter().map(|name| cell(row, name)).collect()).collect()
    };
    match form {
        QueryForm::Table => print(&table(&names, &cells("-"))),
        QueryForm::Json => json(&found.rows),
        QueryForm::Ndjson => found.rows.iter().try_for_each(json_line),
        QueryForm::Csv => {
            line(&separated(names.iter().copied()))?;
            cells("").iter().try_for_each(|row| line(&separated(row.iter().map(String::as_str))))
        }
    }
}

/// A line of comma-separated values (RFC 4180), but for its line feed.
fn separated<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cell = |text: &str| {
        if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    format!("{}\r", cells.map(cell).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests;
