//! How quickly a long log answers: makes sealed segments, then measures the timeline of a rare subject and of a busy one, and how
//! quickly the whole is verified.
//!
//! `cargo run --release -p wardgate-audit --example many_events -- DIRECTORY --events 50000000`. A directory that holds a log
//! already is only measured. It takes about 80 bytes of disk an event. `--hands N` verifies with so many threads, `--subjects` does not verify,
//! `--verify` does nothing else, `--subject NAME` asks for the timeline of that alone.

#![expect(clippy::print_stdout, reason = "a measurement tells what it found")]

mod generated;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use generated::{EDGE, Numbers, SEGMENT, records};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Instant,
};
use wardgate_audit::{
    canonical::{Personal, Record},
    columns::{Value, number},
    note::{Signer, Trusted, Verifier},
    segment::{self, Segment, SegmentName, entry::Entry, find::Order, write::Sealed},
    tiles,
    timeline::{Children, Question, Subject, timeline},
    verify::{Asked, Depth, verify_by},
};

type Failed = Box<dyn Error + Send + Sync>;

/// A key that everybody knows: what is made here proves nothing.
struct Known(Ed25519KeyPair);

impl Signer for Known {
    fn name(&self) -> &'static str {
        "wardgate/edge-1"
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.0.sign(text).as_ref());
        bytes
    }

    fn public(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        bytes
    }
}

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = PathBuf::from(arguments.first().ok_or("name a directory")?);
    let after = |name: &str| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
    let events: u64 = after("--events").map_or(Ok(5_000_000), |text| text.parse())?;
    let key = Arc::new(Known(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| "no key")?));
    let trusted = Trusted::of(Verifier::of(&*key)?);
    let segments = directory.join("segments");
    if segments.is_dir() {
        println!("`{}` holds a log already: it is measured as it is", directory.display());
    } else {
        fs::create_dir_all(&segments)?;
        timed("sealed", events, 0, || make(&directory, &segments, events, trusted.clone(), key))?;
    }
    let bytes = fs::read_dir(&segments)?.map(|file| Ok(file?.metadata()?.len())).sum::<Result<u64, std::io::Error>>()?;
    println!("{:.1} bytes/event of {events} at rest; memory {} MiB at most so far", bytes as f64 / events as f64, memory());
    let is_said = |name: &str| arguments.iter().any(|argument| argument == name);
    let hands = after("--hands").map_or_else(thread::available_parallelism, |text| text.parse().map_err(std::io::Error::other))?;
    if let Some(subject) = after("--subject") {
        return of_subject(&directory, subject, Order::Newest, 500, events);
    }
    if !is_said("--verify") {
        of_subjects(&directory, &segments, events)?;
    }
    if is_said("--subjects") {
        return Ok(());
    }
    for depth in [Depth::Files, Depth::Records] {
        let asked = Asked { trusted: &trusted, remembered: None, depth };
        let what = format!("verified by {hands}, {depth:?}");
        let report = timed(&what, events, bytes, || Ok(verify_by(hands, &directory, &asked, &mut |_| {})?))?;
        println!(
            "  {} segments, {} events, findings {:?}; memory {} MiB at most so far",
            report.segments,
            report.sealed,
            report.findings,
            memory()
        );
    }
    Ok(())
}

/// Timelines of what is rare and of what is busy.
fn of_subjects(directory: &Path, segments: &Path, events: u64) -> Result<(), Failed> {
    let middle = one_of(segments)?;
    let rare = ["resource:2359862", "identity:service-198"].map(str::to_owned);
    let busy = ["identity:service-000", "service-000"].map(str::to_owned);
    for subject in middle.into_iter().chain(rare).chain(busy) {
        for (order, limit) in [(Order::Newest, 500), (Order::Oldest, 500), (Order::Newest, 100_000)] {
            of_subject(directory, &subject, order, limit, events)?;
        }
    }
    Ok(())
}

/// What there is once: a request from the middle of the log, and the trace it was part of.
fn one_of(segments: &Path) -> Result<Vec<String>, Failed> {
    let mut names = segment::names(segments)?;
    names.sort_by_key(|name| name.first_seq);
    let name = names.get(names.len() / 2).ok_or("the log has no segment")?;
    let rows = Segment::open(&segments.join(name.to_string()))?.rows(0)?;
    let row = &rows.first().ok_or("the segment has no event")?.row;
    let text = |column: &str| match number(column).and_then(|at| row.get(at)) {
        Some(Some(Value::Text(text))) => Some(text.to_string()),
        _ => None,
    };
    let named =
        [("request", "request_id"), ("trace", "trace_id")].map(|(what, column)| text(column).map(|value| format!("{what}:{value}")));
    Ok(named.into_iter().flatten().collect())
}

fn of_subject(directory: &Path, subject: &str, order: Order, limit: usize, events: u64) -> Result<(), Failed> {
    let subject: Subject = subject.parse()?;
    let question = Question { subject: &subject, time_us: i64::MIN..=i64::MAX, limit, order, children: Children::Left };
    let found = timed(&format!("timeline of {subject}, {order:?} {limit}"), events, 0, || Ok(timeline(&[directory], &question)?))?;
    println!("  {} events, more {}, memory {} MiB at most so far", found.entries.len(), found.truncated, memory());
    Ok(())
}

/// Makes the segments, as many at a time as there are processors, and their log.
fn make(directory: &Path, segments: &Path, events: u64, trusted: Trusted, key: Arc<Known>) -> Result<(), Failed> {
    let firsts: Vec<u64> = (0..events.div_ceil(SEGMENT)).map(|number| number * SEGMENT + 1).collect();
    let hands = thread::available_parallelism()?.get();
    let make_every = |hand: usize| -> Result<Vec<Sealed>, Failed> {
        firsts.iter().skip(hand).step_by(hands).map(|first| seal(segments, *first, SEGMENT.min(events + 1 - first))).collect()
    };
    let mut sealed = thread::scope(|scope| {
        let working: Vec<_> = (0..hands).map(|hand| scope.spawn(move || make_every(hand))).collect();
        let done = working.into_iter().map(|hand| hand.join().unwrap_or_else(|_| Err("a thread broke down".into())));
        done.collect::<Result<Vec<_>, Failed>>()
    })?
    .concat();
    sealed.sort_by_key(|sealed| sealed.first_seq);
    let (mut log, _) = tiles::Writer::open(&directory.join("log"), trusted, key)?;
    let entry = |sealed: &Sealed| Entry::Segment {
        edge: EDGE.to_owned(),
        first_seq: sealed.first_seq,
        events: sealed.events,
        from_us: sealed.from_us,
        to_us: sealed.to_us,
        root: sealed.root,
        file: sealed.file,
    };
    let entries: Vec<String> = sealed.iter().map(|sealed| entry(sealed).to_string()).collect();
    log.append(&entries.iter().map(String::as_bytes).collect::<Vec<_>>())?;
    Ok(())
}

fn seal(segments: &Path, first_seq: u64, count: u64) -> Result<Sealed, Failed> {
    // A thousandth of a second an event, as `generated` has it on the average.
    let mut now_us = 1_790_000_000_000_000 + i64::try_from(first_seq)? * 1000;
    let records = records(&mut Numbers(first_seq), first_seq, count, &mut now_us);
    let records =
        records.iter().map(|(public, personal, salt)| Record { public, personal: Personal::Clear { salt: *salt, bytes: personal } });
    Ok(segment::write(&segments.join(SegmentName { first_seq }.to_string()), EDGE, first_seq, records)?)
}

#[expect(clippy::disallowed_methods, reason = "a measurement: it is about time")]
fn timed<T>(what: &str, rows: u64, bytes: u64, run: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    let begin = Instant::now();
    let made = run()?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{what}: {seconds:.3} s, {:.0} events/s, {:.3} GB/s", rows as f64 / seconds, bytes as f64 / seconds / 1e9);
    Ok(made)
}

/// The most memory that this process has had, in MiB; 0 where the system does not say.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}
