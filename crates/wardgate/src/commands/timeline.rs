//! `wardgate audit timeline`: all that the log holds about one subject, in one order.

mod page;
mod pairs;
mod shown;
mod told;

pub(super) use page::{escaped, policy};

use super::{by, query::directory};
use crate::{
    api::timeline::{question, view},
    cli::{TimelineArgs, TimelineForm},
    client::{Asking, query},
    evidence,
    output::{Exit, error, note, plain, print},
};
use anyhow::Context as _;
use http::Method;
use std::{fs::OpenOptions, io::Write as _, path::Path};
use wardgate_audit::timeline::Subject;
use wardgate_console::{TIMELINE_EVENTS_MAX, TimelineQuery, TimelineView};
use wardgate_model::time::Time;

/// Looks, and prints what was found.
pub(super) async fn run(args: TimelineArgs) -> anyhow::Result<Exit> {
    let subject: Subject = match args.subject.parse() {
        Ok(subject) => subject,
        Err(wrong) => {
            error(&wrong.to_string());
            return Ok(Exit::Invalid);
        }
    };
    let moment = |text: &Option<String>| text.as_deref().and_then(Time::parse);
    if let (Some(from), Some(to)) = (moment(&args.from), moment(&args.to))
        && from >= to
    {
        error(&format!("nothing is between --from and --to: `{from}` is not before `{to}`"));
        return Ok(Exit::Invalid);
    }
    let Some(found) = found(&args, &subject).await? else { return Ok(Exit::Invalid) };
    let is_incomplete = found.unreadable > 0 || !found.left_out.is_empty();
    if found.entries.is_empty() && is_incomplete {
        error(&format!("nothing about `{subject}` is in what can be read of the log, and not all of it can"));
    } else if found.entries.is_empty() {
        note(&format!("the log holds nothing about `{subject}`"));
    }
    if found.truncated {
        let end = if args.oldest { "first" } else { "last" };
        note(&format!("note: there is more about it than these {} events: they are the {end} ones", found.entries.len()));
    }
    if found.unreadable > 0 {
        note(&format!("note: {} records or files could not be read and are left out: see `wardgate audit verify`", found.unreadable));
    }
    for gap in &found.left_out {
        note(&format!("note: {}; `wardgate audit verify` says more", plain(&gap.to_string())));
    }
    for back in &found.clock_back {
        let seconds = back.by_us / 1_000_000;
        note(&format!(
            "note: the clock of `{}` went back by {seconds} s before its event {}: by its numbers it was later",
            back.edge, back.seq
        ));
    }
    let text = match args.output {
        TimelineForm::Json => format!("{}\n", serde_json::to_string_pretty(&found)?),
        TimelineForm::Html => page::page(&found),
        TimelineForm::Table if found.entries.is_empty() => String::new(),
        TimelineForm::Table => shown::lines(&found, if args.all { shown::Runs::Apart } else { shown::Runs::Folded }),
    };
    match &args.file {
        None => print(&text)?,
        Some(file) => write(file, &text)?,
    }
    // Nobody can say what would be there besides.
    Ok(if is_incomplete { Exit::Failed } else { Exit::Done })
}

/// What the logs hold; `None`: the configuration is wrong, and what is has been shown.
async fn found(args: &TimelineArgs, subject: &Subject) -> anyhow::Result<Option<TimelineView>> {
    let (management, config) = (&args.management, &args.management.way.config);
    let nobody_named = management.url.is_none() && management.way.token.is_none();
    let directories = if !args.directory.is_empty() {
        evidence::reach_where_named(&args.directory, config)?;
        args.directory.clone()
    } else if management.way.offline || (nobody_named && config.exists()) {
        let Some(directory) = directory(config)? else { return Ok(None) };
        vec![directory]
    } else {
        return at_the_gate(args).await.map(Some);
    };
    if let Some(log) = directories.iter().find(|log| !wardgate_audit::reading::is_log(log)) {
        error(&format!("`{}` is no directory of an event log", log.display()));
        return Ok(None);
    }
    let asked = TimelineQuery {
        subject: args.subject.clone(),
        from: args.from.as_deref().and_then(Time::parse),
        to: args.to.as_deref().and_then(Time::parse),
        limit: args.lines,
        oldest: args.oldest,
        children: args.trace_children,
    };
    Ok(Some(view(&wardgate_audit::timeline::timeline(&directories, &question(subject, &asked))?)?))
}

/// By the gate.
async fn at_the_gate(args: &TimelineArgs) -> anyhow::Result<TimelineView> {
    let client = by(args.management.url.clone(), args.management.way.clone()).await?;
    let events = args.lines.min(TIMELINE_EVENTS_MAX).to_string();
    let path = query(&[
        ("subject", Some(&args.subject)),
        ("from", args.from.as_deref()),
        ("to", args.to.as_deref()),
        ("events", Some(&events)),
        ("order", args.oldest.then_some("oldest")),
        ("trace_children", args.trace_children.then_some("true")),
    ]);
    let asking = Asking::new(Method::GET, format!("/api/v1/timeline{path}")).patiently();
    serde_json::from_value(client.ask(&asking).await?.body).context("the gate answered with something else")
}

/// Into a new file, for its owner alone: it tells of persons.
pub(super) fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let cannot = || format!("cannot write `{}`", file.display());
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(cannot)?;
    out.write_all(anstream::adapter::strip_str(text).to_string().as_bytes()).with_context(cannot)?;
    note(&format!("written: `{}`", file.display()));
    Ok(())
}

#[cfg(test)]
mod tests;
