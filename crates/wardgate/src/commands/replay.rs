//! `wardgate replay`: recorded rulings, made again, and what others recorded, judged.

mod dated;
pub(crate) mod page;
mod shown;
pub(crate) mod traffic;

pub(super) use traffic::opened;

use crate::{
    cli::{Output, ReplayArgs},
    config::Config,
    output::{Exit, error, json, print, waiting},
    replay,
};
use anyhow::Context as _;
use std::path::PathBuf;
use wardgate_governance::traffic::Format;
use wardgate_store::{Store, StoreFault};

/// Replays.
pub(super) async fn run(args: ReplayArgs) -> anyhow::Result<Exit> {
    let ReplayArgs { logs, store, config, output, format, foreign } = args;
    let file = logs.iter().find(|log| log.is_file());
    match format.as_deref().map(Format::parse) {
        Some(Some(format)) => return traffic::run(format, logs, foreign, output.output).await,
        // `wardgate`
        Some(None) => {}
        None => {
            if let Some(file) = file {
                let words: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
                error(&format!("say how `{}` was recorded: --format {}", file.display(), words.join("|")));
                return Ok(Exit::Invalid);
            }
        }
    }
    if !foreign.resources.is_empty() || !foreign.map.is_empty() || foreign.html.is_some() {
        error("--resources, --map and --html are for the logs of others: say which with --format");
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
    let report = waiting(replayed(&logs, &store)).await?;
    match output.output {
        Output::Json => json(&report)?,
        Output::Table => print(&report.shown())?,
    }
    Ok(if report.is_all_same() { Exit::Done } else { Exit::No })
}

/// A store in a file is copied first: it may be in use, and is not to be changed.
async fn replayed(logs: &[PathBuf], url: &str) -> anyhow::Result<replay::Report> {
    let directory = tempfile::tempdir().context("cannot make a directory for a copy of the store")?;
    let copy = directory.path().join("wardgate.db");
    let url = match Store::backup(url, &copy).await {
        Ok(_) => format!("sqlite:{}", copy.display()),
        // A server, of which nothing has to be copied; whatever else is wrong with the address is said when it is opened.
        Err(StoreFault::Address { .. }) => url.to_owned(),
        Err(fault) => return Err(fault).context("cannot copy the store"),
    };
    let store = Store::open(&url).await.context("cannot open the store")?;
    let report = replay::replay_all(logs.iter().map(PathBuf::as_path), &store).await;
    store.close().await;
    Ok(report?)
}
