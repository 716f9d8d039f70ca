//! The way through a log: events come as they ended, and are judged in the order in which they were judged.

use super::{
    ReplayFault, Report,
    documents::KeptDocuments,
    drive::{Drive, Span, is_by_meters},
    facts::{Missing, facts},
    history::{History, Lost},
    kept::{self, KeptRun, Mark, RUN, read_meters, read_run},
    report::{Compared, Difference},
};
use crate::run::PROCESS;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use wardgate_audit::event_v1::{ChangeV1, EventV1, Kind};
use wardgate_gate::Snapshot;
use wardgate_governance::traffic::Judged;
use wardgate_model::{facts::Facts, reason::Reason, ruling::Ruling, time::Time};
use wardgate_store::Store;

/// Events that are kept back at the most until those that were judged before them have come.
const WAITING_MAX: usize = 50_000;
/// Snapshots that are kept at the most: threads may judge by an older one for a moment.
const SNAPSHOTS_MAX: usize = 16;

/// A snapshot that was made again, and how sure that is.
#[derive(Clone)]
struct Then {
    snapshot: Arc<Snapshot>,
    mark: Mark,
}

/// A run of the process.
struct Running {
    name: String,
    kept: KeptRun,
    snapshots: BTreeMap<u64, Result<Then, Lost>>,
    /// The number of the last snapshot that was made again.
    made: Option<Mark>,
}

/// The way through one log.
pub(super) struct Walk<'s> {
    directory: PathBuf,
    history: History<'s>,
    report: Report,
    run: Result<Running, String>,
    /// Whether any event has been seen.
    begun: bool,
    drive: Drive,
    /// By the number of the ruling, then of the event.
    waiting: BTreeMap<(u64, u64), EventV1<'static>>,
    /// The number of the ruling that comes next, where that is known.
    expected: Option<u64>,
    /// Where rulings are counted.
    judged: Option<&'s mut Judged>,
}

impl<'s> Walk<'s> {
    pub(super) fn new(log: &Path, store: &'s Store) -> Self {
        let directory = log.join(kept::DIRECTORY);
        let documents = KeptDocuments::new(directory.join(kept::DOCUMENTS));
        Self {
            directory,
            history: History::new(store, documents),
            report: Report::default(),
            run: Err("no event tells of the run it belongs to".to_owned()),
            begun: false,
            drive: Drive::new(),
            waiting: BTreeMap::new(),
            expected: None,
            judged: None,
        }
    }

    /// Counts what is ruled, too.
    pub(super) fn counting(self, judged: &'s mut Judged) -> Self {
        Self { judged: Some(judged), ..self }
    }

    /// Records that could not be read.
    pub(super) fn unreadable(&mut self, records: u64) {
        self.report.unreadable += records;
    }

    /// Takes the next event of the log.
    pub(super) async fn take(&mut self, event: EventV1<'static>) -> Result<(), ReplayFault> {
        self.report.events += 1;
        if !std::mem::replace(&mut self.begun, true) {
            self.run_of_old(event.time_us);
        }
        match event.kind {
            Kind::Change if event.change.as_ref().is_some_and(names_run) => {
                self.drain(0).await?;
                let name = event.change.as_ref().map(|change| change.name.to_string()).unwrap_or_default();
                self.begin(&name);
                self.report.without_ruling += 1;
            }
            Kind::Change | Kind::Finding | Kind::Containment => self.report.without_ruling += 1,
            Kind::Request | Kind::Opened | Kind::Closed | Kind::Connection => match event.judge_order {
                Some(order) => {
                    self.waiting.insert((order, event.seq), event);
                    self.drain(WAITING_MAX).await?;
                }
                None => self.report.not_replayed(&event.id, "the event has no number of its ruling".to_owned()),
            },
        }
        Ok(())
    }

    /// The log is over.
    pub(super) async fn end(mut self) -> Result<Report, ReplayFault> {
        self.drain(0).await?;
        Ok(self.report)
    }

    /// The begin of the log is not there any more: its first events are of the last run that began before them.
    fn run_of_old(&mut self, first_us: i64) {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".jsonl").map(str::to_owned));
        let runs = names.filter_map(|name| Some((read_run(&self.directory, &name).ok()??.run.started_us, name)));
        let last = runs.filter(|(started, _)| *started <= first_us).max();
        if let Some((_, name)) = last {
            self.begin(&name);
            // It began with rulings that are not here, or with none at all: then its own event tells of it.
            self.drive.lose();
            self.expected = None;
            self.report.runs -= 1;
        }
    }

    fn begin(&mut self, name: &str) {
        self.report.runs += 1;
        self.history.begin();
        (self.drive, self.expected) = (Drive::new(), Some(0));
        self.run = match read_run(&self.directory, name) {
            Ok(Some(kept)) => Ok(Running { name: name.to_owned(), kept, snapshots: BTreeMap::new(), made: None }),
            Ok(None) => Err(format!("nothing was kept of the run `{name}`")),
            Err(fault) => Err(fault.to_string()),
        };
        self.go_on_at(0);
    }

    /// Goes on with the meters as they stood before a ruling, where that was written down.
    fn go_on_at(&mut self, order: u64) {
        let Ok(run) = &self.run else { return };
        let Some(at) = run.kept.meters.iter().find(|at| at.order == order && at.exact) else { return };
        match read_meters(&self.directory, &run.name, at) {
            Ok(levels) => self.drive.resume(levels, Time::from_micros(at.time_us)),
            Err(fault) => tracing::warn!(%fault, "meters cannot be gone on with"),
        }
    }

    /// Judges what waits, until at most so many do that have another before them.
    async fn drain(&mut self, most: usize) -> Result<(), ReplayFault> {
        while let Some((order, _)) = self.waiting.first_key_value().map(|(key, _)| *key) {
            let is_next = self.expected.is_none_or(|expected| order <= expected);
            if !is_next && self.waiting.len() <= most {
                return Ok(());
            }
            let Some((_, event)) = self.waiting.pop_first() else { return Ok(()) };
            if event.kind == Kind::Closed && self.drive.close(order, end(&event), bytes(&event)) {
                self.report.without_ruling += 1;
                continue;
            }
            match self.expected {
                // Later than others could wait for it, or told twice.
                Some(expected) if order < expected => self.drive.lose(),
                Some(expected) if order > expected => {
                    self.report.missing_rulings += order - expected;
                    self.drive.lose();
                }
                Some(_) | None => {}
            }
            if !self.drive.is_known() {
                self.go_on_at(order);
            }
            self.expected = Some(self.expected.unwrap_or_default().max(order + 1));
            self.judge(&event, order).await?;
        }
        Ok(())
    }

    async fn judge(&mut self, event: &EventV1<'static>, order: u64) -> Result<(), ReplayFault> {
        let Some(ruling) = event.ruling.as_ref() else {
            self.report.not_replayed(&event.id, "the event has no ruling".to_owned());
            return Ok(());
        };
        if event.kind == Kind::Connection {
            self.report.never_judged(&event.id, ruling.code.to_string());
            return Ok(());
        }
        let recorded = Compared::recorded(ruling, event.grant.as_deref());
        if recorded.code == Reason::ReserveFault.code() {
            self.report.not_replayed(&event.id, "the journal of quotas could not be written then".to_owned());
            return Ok(());
        }
        let then = match self.then(event).await? {
            Ok(then) => then,
            Err(why) => {
                self.missed(event, why);
                return Ok(());
            }
        };
        let facts = match facts(event, &then.snapshot) {
            Ok(facts) => facts,
            Err(why) => {
                self.missed(event, why);
                return Ok(());
            }
        };
        let span = Span { order, now: facts.time, end: (event.kind != Kind::Opened).then(|| end(event)), bytes: bytes(event) };
        let (known, busy) = (self.drive.is_known(), self.drive.is_busy());
        let now = self.rule(&facts, &then, &recorded, span).await?;
        if let Some(judged) = &mut self.judged {
            judged.take(&facts, &now);
        }
        self.compare(event, recorded, &now, &then, known && !busy);
        Ok(())
    }

    fn missed(&mut self, event: &EventV1<'_>, why: Missing) {
        match why {
            Missing::NeverJudged(why) => self.report.never_judged(&event.id, why.into()),
            why @ (Missing::Member(_) | Missing::Erased | Missing::Unknown(..) | Missing::Snapshot(_)) => {
                self.report.not_replayed(&event.id, why.to_string());
                // What it took is not taken here.
                self.drive.lose();
            }
        }
    }

    /// Rules again. Where somebody was stopped while the request was being judged, the feed tells of it.
    async fn rule(&mut self, facts: &Facts, then: &Then, recorded: &Compared, span: Span) -> Result<Ruling, ReplayFault> {
        let overtaken = [Reason::CommitStale.code(), Reason::ProofRevoked.code()].contains(&&*recorded.code) && facts.stopped.is_none();
        if !overtaken {
            return Ok(self.drive.judge(facts, &then.snapshot, span));
        }
        let until = span.end.unwrap_or(span.now) + Duration::from_secs(1);
        let mut stops = self.history.stops().await?;
        stops.retain(|stop| stop.seq > then.mark.feed && stop.time <= until);
        let denied = then.snapshot.denied();
        denied.stop_all(stops.iter().map(|stop| stop.what.clone()), span.now);
        let ruling = self.drive.judge(facts, &then.snapshot, span);
        stops.iter().for_each(|stop| denied.release(&stop.what));
        Ok(ruling)
    }

    fn compare(&mut self, event: &EventV1<'_>, recorded: Compared, ruling: &Ruling, then: &Then, known: bool) {
        let now = Compared::of(ruling);
        if recorded == now {
            self.report.same += 1;
            self.report.same_stopped += u64::from(event.stopped.is_some());
            return;
        }
        if ruling.forwards() && is_of_the_door(&recorded) {
            self.report.same += 1;
            self.report.same_door += 1;
            return;
        }
        if recorded.code == Reason::ReserveTask.code() && ruling.forwards() {
            let (event, why) = (event.id.to_string(), "what was left of the task's budget is not kept".to_owned());
            return self.report.is_uncertain(Difference { event, recorded, now, why });
        }
        let for_the_actor = [Reason::StandingActor, Reason::RuleActor].iter().any(|reason| reason.code() == recorded.code);
        if for_the_actor && !event.actors.is_empty() && ruling.forwards() {
            let (event, why) = (event.id.to_string(), "how whoever acted was graded then is not recorded".to_owned());
            return self.report.is_uncertain(Difference { event, recorded, now, why });
        }
        let by_meters = |code: &str| Reason::parse(code).is_some_and(is_by_meters);
        let threads = self.run.as_ref().map_or(0, |run| run.kept.run.threads);
        let why = differs(&recorded, &now);
        let difference = Difference { event: event.id.to_string(), recorded, now, why };
        if by_meters(&difference.recorded.code) || by_meters(&difference.now.code) {
            let bytes = [&difference.recorded, &difference.now].iter().any(|one| one.code == Reason::ReserveBytes.code());
            let why = match (self.drive.is_known(), threads, bytes && !known) {
                (false, _, _) => "where the meters stood is not known".to_owned(),
                (true, 1, true) => "bytes of others were passing".to_owned(),
                (true, 1, false) => return self.report.differs(difference),
                (true, threads, _) => format!("{threads} threads judged at once, their order is known by number alone"),
            };
            return self.report.is_uncertain(Difference { why, ..difference });
        }
        if then.mark.until > then.mark.feed {
            let why = format!("snapshot {} was made while others changed something", then.mark.number);
            return self.report.not_replayed(&event.id, why);
        }
        self.report.differs(difference);
    }

    /// The snapshot that an event was judged by.
    async fn then(&mut self, event: &EventV1<'_>) -> Result<Result<Then, Missing>, ReplayFault> {
        let Some(number) = event.snapshot else { return Ok(Err(Missing::Member("snapshot"))) };
        let run = match &mut self.run {
            Ok(run) => run,
            Err(why) => return Ok(Err(Missing::Snapshot(why.as_str().into()))),
        };
        if number == 0 {
            // No snapshot has this number: the request ended before one was looked at.
            return Ok(Err(Missing::NeverJudged(event.ruling.as_ref().map_or("no ruling", |ruling| &*ruling.code).into())));
        }
        if !run.snapshots.contains_key(&number) {
            run.make(number, &mut self.history).await?;
        }
        Ok(match run.snapshots.get(&number) {
            Some(Ok(then)) => Ok(then.clone()),
            Some(Err(lost)) => Err(Missing::Snapshot(lost.to_string().into())),
            None => Err(Missing::Snapshot(format!("of snapshot {number} it was not kept what it stands for").into())),
        })
    }
}

impl Running {
    /// Makes a snapshot again, and the one before it where it was not.
    async fn make(&mut self, number: u64, history: &mut History<'_>) -> Result<(), ReplayFault> {
        let Some(at) = self.kept.marks.iter().position(|mark| mark.number == number) else { return Ok(()) };
        let wanted = self.kept.marks.get(at.saturating_sub(1)..=at).unwrap_or_default().to_vec();
        for mark in wanted {
            let passed = self.made.as_ref().is_some_and(|made| made.number >= mark.number);
            if passed {
                if mark.number == number {
                    self.snapshots.insert(number, Err(Lost::Backwards));
                }
                continue;
            }
            let others = self.made.as_ref().is_none_or(|made| made.documents != mark.documents);
            let made = history.snapshot(&self.kept.run, &mark, others).await?;
            let then = made.map(|snapshot| Then { snapshot: Arc::new(snapshot), mark: mark.clone() });
            self.snapshots.insert(mark.number, then);
            self.made = Some(mark);
            while self.snapshots.len() > SNAPSHOTS_MAX {
                self.snapshots.pop_first();
            }
        }
        Ok(())
    }
}

/// Whether a change is the event that names a run. No identity and no file is called so.
fn names_run(change: &ChangeV1<'_>) -> bool {
    change.actor == PROCESS && (&*change.kind, &*change.what) == RUN
}

fn end(event: &EventV1<'_>) -> Time {
    Time::from_micros(event.time_us) + Duration::from_micros(event.duration_us.unwrap_or_default())
}

fn bytes(event: &EventV1<'_>) -> u64 {
    event.upstream.as_ref().map_or(0, |upstream| upstream.bytes_in.saturating_add(upstream.bytes_out))
}

/// Whether the door refused what the judge had let in: the body was lost, or there was no place for the record.
fn is_of_the_door(recorded: &Compared) -> bool {
    let room = Reason::parse(&recorded.code).map(Reason::room);
    let commit = [Reason::CommitNoRecord, Reason::CommitBusy].iter().any(|reason| reason.code() == recorded.code);
    recorded.response == "block" && recorded.policies.is_empty() && (commit || matches!(room, Some("wire" | "forward")))
}

/// Which members differ.
fn differs(recorded: &Compared, now: &Compared) -> String {
    let members = [
        ("response", recorded.response != now.response),
        ("code", recorded.code != now.code),
        ("policies", recorded.policies != now.policies),
        ("grant", recorded.grant != now.grant),
        ("enforced", recorded.enforced != now.enforced),
    ];
    let named: Vec<&str> = members.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    named.join(", ")
}
