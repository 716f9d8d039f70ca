//! `wardgate drill attack`: rehearses an attack on a gate that serves.

use super::{reach, timeline};
use crate::{
    cli::{AttackArgs, DrillCommand, Output},
    drill::{Scenario, Unfit, Wanted, rehearse},
    output::{Exit, error, json, note, print, table},
};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs::File,
    io::{self, IsTerminal as _, Write as _},
};

/// Chooses.
pub(super) async fn run(command: DrillCommand) -> anyhow::Result<Exit> {
    match command {
        DrillCommand::Attack(args) => Box::pin(attack(*args)).await,
    }
}

async fn attack(args: AttackArgs) -> anyhow::Result<Exit> {
    if args.list {
        return list(args.read.output.output);
    }
    if args.read.management.way.offline {
        error("a rehearsal needs a gate that serves: --offline makes no sense with it");
        return Ok(Exit::Invalid);
    }
    let (scenario, (api, gate)) = args.scenario.zip(args.api.zip(args.gate)).context("SCENARIO, --api and --gate are missing")?;
    let wanted = Wanted {
        scenario,
        api,
        also: args.also,
        gate,
        connect: args.connect,
        ca: args.ca,
        from: args.from,
        strength: args.strength,
        seed: args.seed,
        lasting: args.lasting,
        requests: args.requests,
        owner: args.owner,
        environment: args.environment,
        operations: args.operations,
        writes: args.writes,
        production: args.production,
        body: args.body,
        honest_login: args.honest_login,
    };
    // What cannot be written is known before anything is sent.
    let page = args
        .report
        .map(|path| File::create_new(&path).with_context(|| format!("cannot make `{}`", path.display())).map(|file| (path, file)));
    let page = page.transpose()?;
    let (client, output) = reach(args.read).await?;
    let rehearsed = rehearse(&client, &wanted, bar(wanted.requests), stopped()).await;
    let report = match rehearsed {
        Ok(report) => report,
        Err(failed) => {
            if let Some((path, _)) = page {
                drop(std::fs::remove_file(path));
            }
            return match failed.downcast::<Unfit>() {
                Ok(unfit) => {
                    error(&unfit.to_string());
                    Ok(Exit::Invalid)
                }
                Err(failed) => Err(failed),
            };
        }
    };
    if let Some((path, mut file)) = page {
        let text = report.page(timeline::policy, timeline::escaped);
        file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))?;
        note(&format!("report: {}", path.display()));
    }
    match output {
        Output::Json => json(&report)?,
        Output::Table => print(&report.shown())?,
    }
    Ok(if report.is_good() { Exit::Done } else { Exit::No })
}

fn list(output: Output) -> anyhow::Result<Exit> {
    match output {
        Output::Json => {
            let all = Scenario::ALL.iter().map(|one| serde_json::json!({ "scenario": one.as_str(), "says": one.says(), "needs": one.needs(), "counts": one.prey().as_str() }));
            json(&serde_json::json!({ "items": all.collect::<Vec<_>>() }))?;
        }
        Output::Table => {
            let rows: Vec<Vec<String>> =
                Scenario::ALL.iter().map(|one| [one.as_str(), one.says(), one.needs()].map(str::to_owned).to_vec()).collect();
            print(&table(&["SCENARIO", "WHAT IT DOES", "WHAT IT NEEDS"], &rows))?;
        }
    }
    Ok(Exit::Done)
}

/// Ctrl-C, or whoever ends processes.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    note("interrupted: what was made is taken away");
}

fn bar(requests: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(requests);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} requests  {elapsed}") {
        bar.set_style(style);
    }
    bar
}
