//! The replay: calls that others recorded, one after the other through `decide`, and what the watch learns of each.
//!
//! Files are gone through twice. The first look finds who calls, when each file begins and ends and, where no installation is given, which
//! operations there are. The second judges. There is one clock, that of the calls: it never goes back.

use super::{
    callers::{Callers, OnRecord},
    ground::{Installation, Unready, learned},
    held::{HOSTS_MAX, Held, Hosts, Window},
    paths::Paths,
    reader::{Reader, Reading, Told},
    report::{FileTold, NotUnderstood, Order, Report, WrongLine},
    tally::Tally,
};
use std::{
    io::{self, Read},
    mem,
};
use wardgate_gate::{Answer, Effect, Meters, Snapshot, Step, canon, decide, recorded, resume};
use wardgate_model::{facts::Facts, id::RequestId, ruling::Ruling, time::Time};

/// The version of the report.
pub(super) const VERSION: u32 = 1;
/// Calls of all files that wait until it is sure that none before them comes.
const WINDOW_MAX: usize = 65_536;
/// The same of one file, at most and at least.
const WINDOW_OF_FILE: (usize, usize) = (256, 8_192);
/// Files that are read at a time.
const OPEN_MAX: usize = 256;
/// Lines that could not be understood and are shown.
const WRONG_MAX: usize = 20;
/// Calls between two times at which idle meters are forgotten.
const SWEEP_CALLS: u64 = 1 << 16;

/// The files of a replay. Each is opened twice.
pub struct Files<'f> {
    /// Their names, for people.
    pub names: Vec<String>,
    /// Opens the file of this number.
    pub open: &'f dyn Fn(usize) -> io::Result<Box<dyn Read>>,
}

impl std::fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("names", &self.names).finish_non_exhaustive()
    }
}

/// How calls are replayed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How files are read.
    pub reading: Reading,
    /// Callers that are shown.
    pub top: usize,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Unreplayed {
    /// A file cannot be opened or read on.
    #[error("cannot read `{file}`: {error}")]
    File {
        /// Which.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// Too many files tell of the same time.
    #[error("more than {OPEN_MAX} files tell of the same time: replay fewer at once, or put them together first")]
    TooMany,
    /// There is nothing to judge against.
    #[error(transparent)]
    Unready(#[from] Unready),
}

/// Replays files, against an installation or, without one, what the log itself teaches.
///
/// # Errors
/// When a file cannot be read. What cannot be understood in it is no error but in the report.
pub fn replay(files: &Files<'_>, settings: &Settings, installation: Option<&Installation>) -> Result<Report, Unreplayed> {
    let on_record = installation.map_or_else(OnRecord::default, |installation| installation.on_record.clone());
    let mut look = Look::new(on_record, installation.is_none());
    for (at, name) in files.names.iter().enumerate() {
        look.file(files, at, settings).map_err(|error| Unreplayed::File { file: name.clone(), error })?;
    }
    let snapshot = match installation {
        Some(installation) => installation.snapshot().map_err(Unready::from)?,
        None => learned(&look.hosts, &look.paths)?,
    };
    let mut run = Run::new(look, snapshot);
    run.go(files, settings)?;
    Ok(run.report(settings, installation.is_none()))
}

/// The first look.
#[derive(Debug)]
struct Look {
    callers: Callers,
    hosts: Hosts,
    /// By host; where APIs are learned.
    paths: Vec<Paths>,
    learns: bool,
    files: Vec<FileTold>,
    wrong: NotUnderstood,
}

impl Look {
    fn new(on_record: OnRecord, learns: bool) -> Self {
        Self {
            callers: Callers::new(on_record, super::callers::CALLERS_MAX),
            hosts: Hosts::new(),
            paths: Vec::new(),
            learns,
            files: Vec::new(),
            wrong: NotUnderstood::default(),
        }
    }

    fn file(&mut self, files: &Files<'_>, at: usize, settings: &Settings) -> io::Result<()> {
        let name = files.names.get(at).cloned().unwrap_or_default();
        let mut told = FileTold { name, calls: 0, not_understood: 0, passed_over: 0, from: None, to: None };
        let mut reader = Reader::new((files.open)(at)?, &settings.reading, at).of(files.names.get(at).map_or("", String::as_str));
        let mut wrong = None;
        while let Some(next) = reader.read_on()? {
            match next {
                Told::Call(call) => {
                    told.calls += u64::from(call.times);
                    told.from = Some(told.from.map_or(call.time, |from| from.min(call.time)));
                    told.to = Some(told.to.map_or(call.time, |to| to.max(call.time)));
                    self.callers.place(&call);
                    let host = self.hosts.place(&call.host);
                    if self.learns
                        && let Some(path) = canon::path(&call.path)
                    {
                        let at = usize::try_from(host).unwrap_or(0).min(HOSTS_MAX);
                        if self.paths.len() <= at {
                            self.paths.resize_with(at + 1, Paths::default);
                        }
                        if let Some(paths) = self.paths.get_mut(at) {
                            paths.take(&super::callers::method(&call.method), &path, u64::from(call.times));
                        }
                    }
                }
                Told::Wrong(what) => {
                    told.not_understood += 1;
                    wrong = Some(what.to_string());
                }
                Told::Nothing => told.passed_over += 1,
            }
            if let Some(what) = wrong.take() {
                self.wrong.count += 1;
                if self.wrong.first.len() < WRONG_MAX {
                    self.wrong.first.push(WrongLine { file: told.name.clone(), line: reader.line(), what });
                }
            }
        }
        self.files.push(told);
        Ok(())
    }
}

/// A file that is being read.
struct Lane {
    file: usize,
    reader: Reader<Box<dyn Read>>,
    window: Window,
    ended: bool,
}

/// The second run.
struct Run {
    look: Look,
    snapshot: Snapshot,
    meters: Meters,
    facts: Facts,
    tally: Tally,
    order: Order,
    clock: Time,
}

impl Run {
    fn new(look: Look, snapshot: Snapshot) -> Self {
        let from = look.files.iter().filter_map(|file| file.from).min();
        let to = look.files.iter().filter_map(|file| file.to).max();
        Self {
            look,
            snapshot,
            meters: recorded::meters(),
            facts: recorded::nothing(),
            tally: Tally::new(from.zip(to)),
            order: Order::default(),
            clock: Time::from_micros(i64::MIN),
        }
    }

    fn go(&mut self, files: &Files<'_>, settings: &Settings) -> Result<(), Unreplayed> {
        // Each file from when its first call came on: what was over before is closed by then.
        let mut coming: Vec<(Time, usize)> = self.look.files.iter().enumerate().filter_map(|(at, file)| Some((file.from?, at))).collect();
        coming.sort_unstable();
        let mut coming = coming.into_iter().peekable();
        let (least, most) = WINDOW_OF_FILE;
        let width = (WINDOW_MAX / self.look.files.len().max(1)).clamp(least, most);
        let mut lanes: Vec<Lane> = Vec::new();
        loop {
            let first = lanes.iter().enumerate().filter_map(|(at, lane)| Some((lane.window.first()?, lane.file, at))).min();
            if let Some((_, file)) = coming.next_if(|(from, _)| first.is_none_or(|(time, ..)| *from <= time)) {
                if lanes.len() >= OPEN_MAX {
                    return Err(Unreplayed::TooMany);
                }
                let fault = |error| Unreplayed::File { file: files.names.get(file).cloned().unwrap_or_default(), error };
                let reader = Reader::new((files.open)(file).map_err(fault)?, &settings.reading, file)
                    .of(files.names.get(file).map_or("", String::as_str));
                let mut lane = Lane { file, reader, window: Window::new(width), ended: false };
                self.fill(&mut lane).map_err(fault)?;
                lanes.push(lane);
                continue;
            }
            let Some((_, file, at)) = first else { return Ok(()) };
            let Some(lane) = lanes.get_mut(at) else { return Ok(()) };
            if let Some(place) = lane.window.pop() {
                if let Some(held) = lane.window.get(place) {
                    self.judge(held);
                }
                lane.window.give_back(place);
            }
            self.fill(lane).map_err(|error| Unreplayed::File { file: files.names.get(file).cloned().unwrap_or_default(), error })?;
            if lane.ended && lane.window.first().is_none() {
                self.order.sorted += lane.window.sorted;
                lanes.swap_remove(at);
            }
        }
    }

    fn fill(&mut self, lane: &mut Lane) -> io::Result<()> {
        while !lane.ended && !lane.window.is_full() {
            match lane.reader.read_on()? {
                Some(Told::Call(call)) => lane.window.push(&call, &mut self.look.callers, &mut self.look.hosts),
                Some(Told::Wrong(_) | Told::Nothing) => {}
                None => lane.ended = true,
            }
        }
        Ok(())
    }

    fn judge(&mut self, held: &Held) {
        if held.time < self.clock {
            self.order.late += 1;
        }
        self.clock = self.clock.max(held.time);
        let now = self.clock;
        let Some(who) = self.look.callers.get(held.caller) else { return };
        for _ in 0..held.times {
            let recorded = recorded::Recorded {
                id: RequestId::new(now, u128::from(self.tally.calls)),
                time: now,
                method: &held.method,
                host: self.look.hosts.name(held.host),
                path: &held.path,
                query: held.query.as_deref(),
                source: held.source.unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)),
                user_agent: held.agent.as_deref(),
                caller: &who.caller,
            };
            recorded::relate(&mut self.facts, &recorded, &self.snapshot, &self.meters);
            let ruling = ruled(&self.facts, &self.snapshot, &self.meters, now);
            // What was refused never reached the upstream, whatever that answered when it was recorded.
            let effect = if ruling.forwards() {
                Effect { status: held.status, records: held.records, bytes: held.bytes, subject: held.subject }
            } else {
                Effect { subject: held.subject, ..Effect::default() }
            };
            self.meters.watch().learn(&self.facts, &ruling, &effect, now);
            if let Some(seconds) = told_to_wait(held, &ruling) {
                self.meters.watch().told_to_wait(&self.facts, seconds, now);
            }
            self.tally.take(held.caller, &self.facts, &ruling);
            if self.tally.calls.is_multiple_of(SWEEP_CALLS) {
                self.meters.sweep(now);
            }
        }
    }

    fn report(mut self, settings: &Settings, learned: bool) -> Report {
        let files = mem::take(&mut self.look.files);
        let (tally, callers) = (&self.tally, &self.look.callers);
        Report {
            version: VERSION,
            format: settings.reading.format.as_str(),
            from: files.iter().filter_map(|file| file.from).min(),
            to: files.iter().filter_map(|file| file.to).max(),
            files,
            calls: tally.calls,
            callers: tally.callers(callers),
            not_understood: self.look.wrong,
            order: self.order,
            not_told: settings.reading.format.untold().to_vec(),
            rulings: tally.rulings(),
            reasons: tally.reasons(),
            signals: tally.signals(),
            over_time: tally.over_time(),
            identities: tally.identities(callers, settings.top),
            apis: tally.apis(),
            learned,
        }
    }
}

/// For how many seconds the caller is told to stay away: by a refusal here, as the door would; else by the recorded answer of who refused for
/// now. What it does then is what it did: it comes again when the log says so.
fn told_to_wait(held: &Held, ruling: &Ruling) -> Option<u64> {
    if ruling.forwards() {
        return held.wait.filter(|_| matches!(held.status, Some(429 | 503)));
    }
    ruling.retry_after_s.or_else(|| (ruling.reason().row().http == 503).then_some(1))
}

/// What the judge says. A delay is over at once: the log says when the next call came.
fn ruled(facts: &Facts, snapshot: &Snapshot, meters: &Meters, now: Time) -> Ruling {
    let mut step = decide(facts, snapshot, meters, now);
    loop {
        step = match step {
            Step::Done(verdict) => return verdict.ruling,
            Step::Wait(held, _) => resume(held, &Answer::Elapsed, facts, snapshot, meters, now),
        };
    }
}
