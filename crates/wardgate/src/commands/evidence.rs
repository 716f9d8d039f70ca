//! `wardgate audit verify|prove|export|key`: the event log read where it lies, and held against what was signed.

use crate::{
    cli::{LogArgs, Output, ProveArgs, VerifyArgs},
    config::{Config, SealConfig},
    diagnostics, evidence,
    output::{BAD, DIM, Exit, GOOD, error, json, json_line, line, note, number, styled},
};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::{
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};
use wardgate_audit::{
    anchor::{self, Anchor, compare},
    hot,
    note::{Checkpoint, Trusted, Verifier},
    reading::{self, Cursor, Filter, Since},
    seal::{self, Seal},
    tiles,
    verify::{Asked, Depth, Disclosure, Finding, NotProven, Report, prove, verify, verify_sealed},
};
use wardgate_model::{id::RequestId, time::Time};

/// Where a log is, and whom to believe what it says.
struct Log {
    directory: PathBuf,
    trusted: Trusted,
    /// When its gate seals, where that is known.
    sealing: Option<SealConfig>,
}

/// What is not named on the command line stands in the configuration. `None`: that is wrong, and what is has been shown.
fn log(args: &LogArgs) -> anyhow::Result<Option<Log>> {
    let named = args.key.as_deref().map(verifier_named).transpose()?;
    if let (Some(directory), Some(key)) = (&args.directory, &named) {
        evidence::reach_where_named(std::slice::from_ref(directory), &args.config.config)?;
        let log = Log { directory: directory.clone(), trusted: Trusted::of(key.clone()), sealing: None };
        if let Some(edge) = log.other_edge() {
            // Whoever wrote that may have written it in place of the truth: it is looked over all the same.
            note(&format!("note: it says that it is the event log of the edge `{edge}`, and the key is `{}`", log.trusted.origin));
        }
        return Ok(Some(log));
    }
    let config = match Config::read(&args.config.config) {
        Ok(config) => config,
        Err(found) => {
            diagnostics::show(&found);
            return Ok(None);
        }
    };
    evidence::reach(&config)?;
    let is_named = named.is_some();
    let key = named.map_or_else(|| evidence::verifier(&config), Ok)?;
    let directory = args.directory.clone().unwrap_or_else(|| config.audit.clone());
    let log = Log { directory, trusted: Trusted::of(key), sealing: Some(config.audit_seal) };
    if let Some(edge) = log.other_edge().filter(|_| !is_named)
        && seal::is_signed_by(&log.directory, &Trusted::of(evidence::verifier_of(&config, &edge)?))
    {
        anyhow::bail!(
            "`{}` is the event log of the edge `{edge}`, and `{}` calls this one `{}`: name the right directory, or set `edge.name`",
            log.directory.display(),
            config.file.display(),
            config.edge.name
        );
    }
    Ok(Some(log))
}

/// A public key as `--key` names it: itself, or a file that holds it.
fn verifier_named(text: &str) -> anyhow::Result<Verifier> {
    match (Verifier::parse(text), fs::read_to_string(text)) {
        (Err(_), Ok(key)) => Verifier::parse(key.trim()).with_context(|| format!("--key: `{text}`")),
        (parsed, _) => parsed.context("--key"),
    }
}

impl Log {
    /// The edge whose log this says it is, where that is not the one whose key is believed.
    fn other_edge(&self) -> Option<String> {
        seal::edge_of(&self.directory).filter(|edge| Seal::origin(edge) != self.trusted.origin)
    }

    /// Whether there is a log of this edge, signed by nobody whom we believe.
    fn is_of_another_key(&self) -> bool {
        seal::edge_of(&self.directory).is_some_and(|edge| Seal::origin(&edge) == self.trusted.origin)
            && !seal::is_signed_by(&self.directory, &self.trusted)
    }
}

/// Looks the whole log over.
pub(super) fn verify_log(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let Some(log) = log(&args.log)? else { return Ok(Exit::Invalid) };
    let remembered = args.remember.as_deref().map(|file| remembered(file, &log.trusted)).transpose()?.flatten();
    // Before the log is looked at: it may go on meanwhile.
    let anchors = args.anchor.iter().map(|place| evidence::anchor_named(place, &args.log.config.config));
    let anchored = anchors.map(|anchor| anchored(&anchor?, &log.trusted)).collect::<anyhow::Result<Vec<_>>>()?.concat();
    let depth = if args.quick { Depth::Files } else { Depth::Records };
    let progress = bar(&log.directory);
    let asked = Asked { trusted: &log.trusted, remembered: remembered.as_ref(), depth };
    let look = if args.sealed { verify_sealed } else { verify };
    let looked = look(&log.directory, &asked, &mut |bytes| progress.inc(bytes));
    let mut report = looked.with_context(|| format!("cannot read the event log `{}`", log.directory.display()))?;
    progress.finish_and_clear();
    if !anchored.is_empty() {
        match compare(&log.directory.join("log"), &log.trusted, &anchored) {
            Ok(found) => drop(report.findings.splice(0..0, found.into_iter().map(Finding::Log))),
            Err(error) if report.findings.is_empty() => return Err(error.into()),
            // Why it cannot be read is among the findings.
            Err(_) => {}
        }
    }
    match args.output.output {
        Output::Json => json(&told(&report))?,
        Output::Table => shown(&log, &report)?,
    }
    if report.checkpoint.is_none() && log.is_of_another_key() {
        note(
            "note: nothing in it is signed by the key that it is held against. Where its gate served with another master key, that one is \
             needed, or the public key of then (--key); what is found here then says nothing of damage",
        );
    }
    if args.sealed {
        note("what was not sealed is not looked at: a copy has no tail");
    }
    if !report.findings.is_empty() {
        return Ok(Exit::No);
    }
    if let (Some(file), Some(verified)) = (&args.remember, &report.checkpoint) {
        remember(file, &log, verified)?;
    }
    Ok(Exit::Done)
}

fn bar(directory: &Path) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let sizes = |folder: &Path| -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.metadata().ok().filter(fs::Metadata::is_file).map(|found| found.len())).sum()
    };
    let bar = ProgressBar::new(sizes(directory).saturating_add(sizes(&directory.join("segments"))));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// The checkpoint that an earlier look left.
fn remembered(file: &Path, trusted: &Trusted) -> anyhow::Result<Option<Checkpoint>> {
    match fs::read(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => {
            let note = read.with_context(|| format!("cannot read `{}`", file.display()))?;
            Ok(Some(trusted.open(&note).with_context(|| format!("`{}` is no checkpoint of this log", file.display()))?))
        }
    }
}

/// The checkpoints that an anchor has kept of this log.
fn anchored(anchor: &Anchor, trusted: &Trusted) -> anyhow::Result<Vec<Checkpoint>> {
    let bytes = anchor.kept().with_context(|| format!("cannot read the anchor {anchor}"))?;
    let kept = anchor::read(&bytes, trusted);
    if kept.unread > 0 {
        note(&format!("note: {} pieces of {anchor} are no checkpoint: half written, or changed", kept.unread));
    }
    // Without one there would be nothing to hold the log against, and it would pass for whole.
    anyhow::ensure!(!kept.checkpoints.is_empty(), "{anchor} holds no checkpoint of `{}`", trusted.origin);
    Ok(kept.checkpoints)
}

/// Keeps the checkpoint that was verified, all of it or none. A log that went on meanwhile is left for the next look.
fn remember(file: &Path, log: &Log, verified: &Checkpoint) -> anyhow::Result<()> {
    let opened = tiles::Log::open(&log.directory.join("log"), &log.trusted)?;
    if opened.checkpoint() != verified {
        note("the log went on while it was looked at: the checkpoint kept is still that of the look before");
        return Ok(());
    }
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let written = fs::write(&new, opened.note()).and_then(|()| fs::rename(&new, file));
    written.with_context(|| format!("cannot write `{}`", file.display()))
}

fn told(report: &Report) -> serde_json::Value {
    json!({
        "whole": report.findings.is_empty(),
        "segments": report.segments,
        "events": { "sealed": report.sealed, "erased": report.erased, "in_tail": report.in_tails, "unsigned": report.unsigned },
        "bytes": report.bytes,
        "torn": report.torn,
        "checkpoint": report.checkpoint.as_ref().map(|at| json!({ "origin": at.origin, "size": at.size, "root": at.root.to_string() })),
        "findings": report.findings.iter().filter(|finding| finding.is_damage()).map(ToString::to_string).collect::<Vec<_>>(),
        "elsewhere": report.findings.iter().filter(|finding| !finding.is_damage()).map(ToString::to_string).collect::<Vec<_>>(),
        "follows": report.follows.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn shown(log: &Log, report: &Report) -> anyhow::Result<()> {
    for finding in &report.findings {
        line(&format!("{}  {finding}", styled(BAD, if finding.is_damage() { "damaged" } else { "elsewhere" })))?;
    }
    for follows in &report.follows {
        line(&format!("{}  {follows}", styled(DIM, "follows")))?;
    }
    let (sealed, tail) = (report.sealed, report.in_tails);
    let count = |count: u64, what| number(count, what);
    let segments = count(report.segments, "segment");
    let looked =
        format!("{segments} with {} and {} in the tail, {}", count(sealed, "event"), count(tail, "event"), count(report.bytes, "byte"));
    if report.findings.is_empty() {
        line(&format!("{}  {looked}: nothing was changed, removed or put in", styled(GOOD, "whole")))?;
    } else {
        line(&format!("{looked}: {}", number(report.findings.len().try_into().unwrap_or(u64::MAX), "finding")))?;
    }
    if let Some(at) = &report.checkpoint {
        line(&format!("checkpoint {} size {} root {}", at.origin, at.size, at.root))?;
    }
    if report.erased > 0 {
        let from = number(report.erased, "event");
        note(&format!(
            "what tells of persons was erased from {from}, as the log of segments says: SQL and JSON tell who asked (`erasure`)"
        ));
    }
    if report.unsigned > 0 {
        let (newest, are) = if report.unsigned == 1 { ("event", "is") } else { ("events", "are") };
        note(&format!("{} of the newest {newest} {are} not signed yet", report.unsigned));
    }
    if report.torn {
        note(&format!("the tail in `{}` ends within a record: it is being written, or the machine stopped", log.directory.display()));
    }
    Ok(())
}

/// Prints the proof of one event.
pub(super) fn prove_event(args: &ProveArgs) -> anyhow::Result<Exit> {
    let Some(log) = log(&args.log)? else { return Ok(Exit::Invalid) };
    let seq = match (args.event.parse::<u64>(), RequestId::parse(&args.event)) {
        (Ok(seq), _) => seq,
        (_, Some(request)) => match reading::find(&log.directory, request)? {
            Some(event) => event.seq,
            None => {
                error(&format!("no event of request `{}` is in the log", args.event));
                return Ok(Exit::No);
            }
        },
        (Err(_), None) => {
            error(&format!("`{}` is neither the number of an event nor the id of a request", args.event));
            return Ok(Exit::Invalid);
        }
    };
    let disclosure = if args.without_personal { Disclosure::Commitment } else { Disclosure::Personal };
    match prove(&log.directory, &log.trusted, seq, disclosure) {
        Ok(proof) => json(&serde_json::to_value(proof)?)?,
        Err(NotProven::NotSealed(seq)) => {
            let when = log.sealed_when().unwrap_or_else(|| "when `audit.seal` says".to_owned());
            error(&format!("event {seq} is not sealed yet, and has no proof before: it is sealed {when}, while a gate serves"));
            return Ok(Exit::Failed);
        }
        Err(other) => return Err(other.into()),
    }
    Ok(Exit::Done)
}

impl Log {
    /// When what its newest tail holds is sealed, in words, as far as that can be known.
    fn sealed_when(&self) -> Option<String> {
        let SealConfig { events, after } = self.sealing?;
        let first = hot::names(&self.directory).ok()?.last()?.first_seq;
        let since = Cursor::parse(&first.saturating_sub(1).to_string()).map_or(Since::Oldest, Since::After);
        let page = reading::tail(&self.directory, &Filter::default(), &since, usize::MAX).ok()?;
        let (oldest, newest) = (page.events.first()?, page.events.last()?);
        let left = events.saturating_sub(newest.seq.saturating_sub(first).saturating_add(1));
        let at = (Time::from_micros(oldest.time_us) + after).to_rfc3339();
        Some(format!("at {at} at the latest, or {} later, whichever comes first", number(left, "event")))
    }
}

/// Gaps in the numbers of events that an export tells of one by one.
const GAPS_TOLD_MAX: u64 = 20;

/// Prints every event, a line of JSON each.
pub(super) fn export(args: &LogArgs) -> anyhow::Result<Exit> {
    let directory = match &args.directory {
        Some(directory) => {
            evidence::reach_where_named(std::slice::from_ref(directory), &args.config.config)?;
            directory.clone()
        }
        None => match Config::read(&args.config.config) {
            Ok(config) => {
                evidence::reach(&config)?;
                config.audit
            }
            Err(found) => {
                diagnostics::show(&found);
                return Ok(Exit::Invalid);
            }
        },
    };
    if !reading::is_log(&directory) {
        error(&format!("`{}` is no directory of an event log", directory.display()));
        return Ok(Exit::Invalid);
    }
    let (mut since, mut unreadable) = (Since::Oldest, 0);
    let (mut before, mut gaps) = (None::<u64>, 0_u64);
    loop {
        let page = reading::tail(&directory, &Filter::default(), &since, usize::MAX)?;
        for event in &page.events {
            // In front of the first older ones may be retired: that is no gap, and is told.
            if before.is_none() && event.seq > 1 {
                note(&format!(
                    "note: the first event is {}: those before are retired (`audit.retain`) or gone, `wardgate audit verify` says which",
                    event.seq
                ));
            }
            if let Some(before) = before.filter(|before| before.saturating_add(1) < event.seq) {
                gaps = gaps.saturating_add(1);
                if gaps <= GAPS_TOLD_MAX {
                    note(&format!(
                        "left out: events {}\u{2013}{}: no file of the log holds them, or they cannot be read",
                        before + 1,
                        event.seq - 1
                    ));
                }
            }
            before = before.max(Some(event.seq));
            json_line(event)?;
        }
        match page.cursor.map(Since::After) {
            Some(next) if next != since => (since, unreadable) = (next, unreadable + page.unreadable),
            _ => {
                unreadable += page.unreadable;
                break;
            }
        }
    }
    if gaps > GAPS_TOLD_MAX {
        note(&format!("and {}", number(gaps - GAPS_TOLD_MAX, "more gap")));
    }
    if unreadable > 0 {
        note_unreadable(unreadable);
    }
    if unreadable > 0 || gaps > 0 {
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// Says of how many records nothing could be told.
pub(super) fn note_unreadable(unreadable: u64) {
    let (what, are) = if unreadable == 1 { ("record or segment", "it is") } else { ("records or segments", "they are") };
    note(&format!("{unreadable} {what} could not be read: `wardgate audit verify` says which {are}"));
}

/// Prints the public key under which the log is signed.
pub(super) fn key(args: &LogArgs) -> anyhow::Result<Exit> {
    let Some(log) = log(args)? else { return Ok(Exit::Invalid) };
    for key in &log.trusted.keys {
        line(&key.to_string())?;
    }
    Ok(Exit::Done)
}
