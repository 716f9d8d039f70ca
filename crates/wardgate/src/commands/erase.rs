//! `wardgate audit erase`: what may tell of a person goes from the events of a subject, by the gate that serves or, where none does,
//! by this command.

use crate::{
    builtin,
    cli::EraseArgs,
    client::Asking,
    clock,
    config::Config,
    diagnostics, evidence,
    output::{Exit, line, note},
    session::{self, Wanted as Session},
};
use anyhow::Context as _;
use http::Method;
use serde_json::json;
use std::{path::Path, sync::mpsc::sync_channel};
use wardgate_audit::{
    seal::outside::outstanding,
    segment::find::Wanted,
    sink::{ChangeRecord, Log, StartError},
    timeline::Subject,
};
use wardgate_console::Erased;

/// Erases, and says from how many events.
pub(super) async fn run(args: EraseArgs) -> anyhow::Result<Exit> {
    if !args.subject.contains(':') {
        note(&format!("`{}` alone may mean many things: write what it is, as in `person:{}`", args.subject, args.subject));
        return Ok(Exit::Invalid);
    }
    let subject: Subject = match args.subject.parse() {
        Ok(subject) => subject,
        Err(error) => {
            note(&format!("{error}"));
            return Ok(Exit::Invalid);
        }
    };
    let events = if args.url.is_some() || args.token.is_some() {
        by_the_gate(&args).await?
    } else {
        let config = match Config::read(&args.config.config) {
            Ok(config) => config,
            Err(found) => {
                diagnostics::show(&found);
                return Ok(Exit::Invalid);
            }
        };
        match Log::start(&config.audit, &evidence::options(&config)?) {
            // Whoever serves from there does it.
            Err(StartError::Locked(_)) => by_the_gate(&args).await?,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot write to the event log `{}`", config.audit.display()));
            }
            Ok((log, writer)) => {
                let events = here(&log, &subject, &args.reason)?;
                drop(writer);
                let left = outstanding(&config.audit)?;
                if left > 0 {
                    note(&format!(
                        "note: {left} objects in the store still hold it: they go as soon as a gate that serves reaches the store"
                    ));
                }
                events
            }
        }
    };
    line(&format!("what may tell of a person is gone from {events} events"))?;
    Ok(Exit::Done)
}

async fn by_the_gate(args: &EraseArgs) -> anyhow::Result<u64> {
    let client = session::open(Session { url: args.url.clone(), token: args.token.clone() }, Path::new(".")).await?;
    let body = json!({ "subject": args.subject, "reason": args.reason });
    let asking = Asking::new(Method::POST, "/api/v1/audit/erasures").body(&body).patiently();
    let erased: Erased = serde_json::from_value(client.ask(&asking).await?.body).context("the gate answered with something else")?;
    Ok(erased.events)
}

fn here(log: &Log, subject: &Subject, reason: &str) -> anyhow::Result<u64> {
    log.tell_time(clock::now());
    let (sender, receiver) = sync_channel(1);
    let wanted = Wanted { either: subject.predicates(), ..Wanted::default() };
    // Nobody listens any more only where this command has ended.
    let done = Box::new(move |erased| drop(sender.send(erased)));
    log.erase(wanted, reason, done)?;
    let erased = receiver.recv().context("the log ended before it had erased anything")??;
    log.record_change(ChangeRecord {
        time: clock::now(),
        actor: builtin::OPERATOR.into(),
        what: "erase".into(),
        kind: "event".into(),
        name: format!("{erased} events").into(),
        reason: Some(reason.into()),
        of: Vec::new(),
    })?;
    Ok(erased)
}
