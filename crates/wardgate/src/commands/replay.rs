//! `wardgate replay`: recorded rulings, made again, and what others recorded, judged.

mod dated;
pub(crate) mod page;
mod segment;
mod shown;
pub(crate) mod traffic;

pub(super) use traffic::opened;

use super::timeline;
use crate::{
    cli::{ConfigArgs, ForeignArgs, Output, ReplayArgs},
    config::Config,
    output::{Exit, error, json, print, waiting},
    replay,
};
use anyhow::Context as _;
use serde::Serialize;
use std::path::PathBuf;
use wardgate_governance::traffic::{Format, Judged, Report};
use wardgate_store::{Store, StoreFault};

/// How our own log is called.
const OWN: &str = "wardgate";
/// What judges it.
const SNAPSHOTS: &str = "what was on record then";

/// What came of a replay of our own log: what is the same, and what all replays tell.
#[derive(Serialize)]
struct Own<'r> {
    #[serde(flatten)]
    again: &'r replay::Report,
    #[serde(flatten)]
    report: &'r Report,
}

/// Replays.
pub(super) async fn run(args: ReplayArgs) -> anyhow::Result<Exit> {
    let ReplayArgs { logs, store, config, output, format, foreign } = args;
    let file = logs.iter().find(|log| log.is_file());
    match format.as_deref().map(Format::parse) {
        // A directory of our own log has more to judge by than files have.
        Some(Some(Format::Wardgate)) if file.is_none() => {}
        Some(Some(format)) => return traffic::run(format, logs, foreign, output.output).await,
        Some(None) | None => {
            if let Some(file) = file {
                let words: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
                error(&format!("say how `{}` was recorded: --format {}", file.display(), words.join("|")));
                return Ok(Exit::Invalid);
            }
        }
    }
    own(logs, (store, &config), &foreign, output.output).await
}

/// Replays directories of our own log.
async fn own(
    logs: Vec<PathBuf>,
    (store, config): (Option<String>, &ConfigArgs),
    foreign: &ForeignArgs,
    output: Output,
) -> anyhow::Result<Exit> {
    if !foreign.resources.is_empty() || !foreign.map.is_empty() || foreign.year.is_some() {
        error("--resources, --map and --year are for files: what judges a directory of our own log is on record in its store");
        return Ok(Exit::Invalid);
    }
    if let Some(file) = foreign.html.as_ref().filter(|file| file.exists()) {
        error(&format!("`{}` is there already: name another file for the page, or remove this one", file.display()));
        return Ok(Exit::Invalid);
    }
    let (logs, store) = match (logs.is_empty(), store) {
        (false, Some(store)) => (logs, store),
        (_, store) => {
            let config = match Config::read(&config.config) {
                Ok(config) => config,
                Err(found) => {
                    crate::diagnostics::show(&found);
                    return Ok(Exit::Invalid);
                }
            };
            crate::evidence::reach(&config)?;
            (if logs.is_empty() { vec![config.audit] } else { logs }, store.unwrap_or(config.store))
        }
    };
    if let Some(log) = logs.iter().find(|log| !wardgate_audit::reading::is_log(log)) {
        error(&format!("`{}` is no directory of an event log", log.display()));
        return Ok(Exit::Invalid);
    }
    let (again, judged) = waiting(replayed(&logs, &store)).await?;
    let report = judged.report(OWN, usize::from(foreign.top));
    if let Some(file) = &foreign.html {
        timeline::write(file, &page::page_again(&report, &again))?;
    }
    match output {
        Output::Json => json(&Own { again: &again, report: &report })?,
        Output::Table => print(&format!("{}\n{}", shown::text(&report, SNAPSHOTS), again.shown()))?,
    }
    Ok(if again.is_all_same() { Exit::Done } else { Exit::No })
}

/// A store in a file is copied first: it may be in use, and is not to be changed.
async fn replayed(logs: &[PathBuf], url: &str) -> anyhow::Result<(replay::Report, Judged)> {
    let directory = tempfile::tempdir().context("cannot make a directory for a copy of the store")?;
    let copy = directory.path().join("wardgate.db");
    let url = match Store::backup(url, &copy).await {
        Ok(_) => format!("sqlite:{}", copy.display()),
        // A server, of which nothing has to be copied; whatever else is wrong with the address is said when it is opened.
        Err(StoreFault::Address { .. }) => url.to_owned(),
        Err(fault) => return Err(fault).context("cannot copy the store"),
    };
    let store = Store::open(&url).await.context("cannot open the store")?;
    let mut judged = replay::looked_at(logs)?;
    let report = replay::replay_all(logs, &store, &mut judged).await;
    store.close().await;
    Ok((report?, judged))
}
