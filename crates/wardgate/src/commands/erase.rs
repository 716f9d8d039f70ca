//! `wardgate audit erase`: what may tell of a person goes from the events of a subject, by the gate that serves or, where none does,
//! by this command.

use crate::{
    builtin,
    cli::EraseArgs,
    client::{Asking, Client, segment},
    clock,
    config::Config,
    diagnostics, evidence,
    output::{Exit, error, line, note, number},
    session::{self, Wanted as Session},
};
use anyhow::Context as _;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::{io::IsTerminal as _, path::Path, sync::mpsc::sync_channel, time::Duration};
use wardgate_audit::{
    seal::outside::outstanding,
    segment::{
        erase::{ERASURE, Erasable},
        find::Wanted,
    },
    sink::{ChangeRecord, Log, StartError},
    timeline::Subject,
};
use wardgate_console::{ErasureState, ErasureView};

/// How soon a gate is asked again how far it is; then after twice as long each time, since each question is an event as well.
const SOON: Duration = Duration::from_millis(200);
/// The longest time between two questions.
const LATE: Duration = Duration::from_secs(5);

/// What came of it.
struct Erased {
    events: u64,
    /// Events that were left because they are traces of whoever asked.
    own: u64,
    /// Objects in the store that still hold it, where that is known.
    outstanding: Option<u64>,
    /// Why not all of it was erased.
    wrong: Option<String>,
}

/// Erases, and says from how many events.
pub(super) async fn run(args: EraseArgs) -> anyhow::Result<Exit> {
    if !args.subject.contains(':') {
        error(&format!("`{}` alone may mean many things: write what it is, as in `person:{}`", args.subject, args.subject));
        return Ok(Exit::Invalid);
    }
    let subject: Subject = match args.subject.parse() {
        Ok(subject) => subject,
        Err(wrong) => {
            error(&wrong.to_string());
            return Ok(Exit::Invalid);
        }
    };
    let erased = if args.url.is_some() || args.token.is_some() {
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
            Err(fault) => {
                return Err(fault).with_context(|| format!("cannot write to the event log `{}`", config.audit.display()));
            }
            Ok((log, writer)) => {
                let (events, own) = here(&log, &subject, &args.reason)?;
                drop(writer);
                Erased { events, own, outstanding: u64::try_from(outstanding(&config.audit)?).ok(), wrong: None }
            }
        }
    };
    tell(&args, &erased)
}

fn tell(args: &EraseArgs, erased: &Erased) -> anyhow::Result<Exit> {
    if let Some(left @ 1..) = erased.outstanding {
        let (objects, hold, go) = if left == 1 { ("object", "holds", "goes") } else { ("objects", "hold", "go") };
        note(&format!(
            "note: {left} {objects} in the store still {hold} what was erased: it {go} as soon as a gate that serves reaches the store"
        ));
    }
    if erased.own > 0 {
        note(&format!(
            "note: {} left as they were, as traces of whoever asked: somebody else has to ask for those, at a gate that serves",
            number(erased.own, "event")
        ));
    }
    if erased.events == 0 && erased.own == 0 && erased.wrong.is_none() {
        note(&format!("nothing matched `{}`: no event of the log belongs to it, or what told of it is erased already", args.subject));
    }
    line(&format!("what may tell of a person is gone from {}", number(erased.events, "event")))?;
    if let Some(wrong) = &erased.wrong {
        error(wrong);
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

async fn by_the_gate(args: &EraseArgs) -> anyhow::Result<Erased> {
    let client = session::open(Session { url: args.url.clone(), token: args.token.clone() }, Path::new(".")).await?;
    let body = json!({ "subject": args.subject, "reason": args.reason });
    let mut view = ask(&client, &Asking::new(Method::POST, "/api/v1/audit/erasures").body(&body)).await?;
    let path = format!("/api/v1/audit/erasures/{}", segment(&view.id));
    let (bar, mut pause) = (bar(), SOON);
    loop {
        // Also where it is over already: what is outstanding is said there.
        view = ask(&client, &Asking::new(Method::GET, &*path))
            .await
            .with_context(|| format!("the erasure `{}` goes on at the gate, if that does", view.id))?;
        bar.set_length(view.segments);
        bar.set_position(view.looked_at);
        if view.state != ErasureState::Running {
            break;
        }
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(LATE);
    }
    bar.finish_and_clear();
    let ErasureView { events, own, outstanding, code, detail, .. } = view;
    let wrong = (view.state == ErasureState::Failed).then(|| {
        let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
        format!("not all was erased: {}{code}", detail.as_deref().unwrap_or("the gate does not say why"))
    });
    Ok(Erased { events, own, outstanding, wrong })
}

async fn ask(client: &Client, asking: &Asking<'_>) -> anyhow::Result<ErasureView> {
    serde_json::from_value(client.ask(asking).await?.body).context("the gate answered with something else")
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} segments {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn here(log: &Log, subject: &Subject, reason: &str) -> anyhow::Result<(u64, u64)> {
    log.tell_time(clock::now(), clock::instant().span());
    let (sender, receiver) = sync_channel(1);
    let record = |what: &str, kind: &str, name: &str| ChangeRecord {
        time: clock::now(),
        actor: builtin::OPERATOR.into(),
        what: what.into(),
        kind: kind.into(),
        name: name.into(),
        reason: Some(reason.into()),
        of: Vec::new(),
    };
    let id = format!("{:032x}", clock::entropy());
    log.record_change(record("ask", ERASURE, &id))?;
    let wanted = Wanted { either: subject.predicates(), ..Wanted::default() };
    let erasable = Erasable::from(wanted).without_traces_of([builtin::OPERATOR]);
    // Nobody listens any more only where this command has ended.
    let done = Box::new(move |erased| drop(sender.send(erased)));
    log.erase(erasable, reason, done)?;
    let erased = receiver.recv().context("the log ended before it had erased anything")??;
    log.record_change(record("erase", "event", &format!("{}, erasure {id}", number(erased, "event"))))?;
    Ok((erased, log.erased().own))
}
