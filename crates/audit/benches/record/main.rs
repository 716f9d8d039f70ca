//! What the record of a request costs, whoever pays it: `cargo bench -p wardgate-audit`.
//!
//! Instructions hardly vary from run to run, so they are held against a budget: what needs a tenth more than it may ends the
//! run with exit code 1. The process runs itself again under `valgrind --tool=callgrind`, a case at a time, all its threads counted;
//! the difference between many events and few is what they cost. Beside them, and deciding nothing, is the time that each thread was
//! on a core, as the kernel counts it; `-- clock` shows it alone, without valgrind.

#[path = "../../src/encode/tests/made.rs"]
#[expect(clippy::expect_used, reason = "what is made here is fixed")]
mod made;

use made::{NOON, honest};
use std::{
    error::Error,
    fs,
    io::Write as _,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};
use wardgate_audit::{
    note::Signer,
    seal::Seal,
    sink::{Log, Options},
};
use wardgate_model::{
    event::{Event, EventSink, Place, Share},
    id::RequestId,
};

type Failed = Box<dyn Error + Send + Sync>;

/// What may be over a budget before it counts, in percent.
const TOLERANCE: u64 = 10;
/// Events of a segment here, and of the two runs whose difference counts.
const SEGMENT: u64 = 8_192;
const FEW: u64 = SEGMENT;
const MANY: u64 = 3 * SEGMENT;
/// Events of a run on the clock, those of a segment in it, and how many runs: the median counts.
const TIMED: u64 = 131_072;
const TIMED_SEGMENT: u64 = 65_536;
const ROUNDS: usize = 5;
/// What CPU an event may cost until it is on disk, in nanoseconds.
const GOAL_NS: f64 = 2_000.0;

/// How far an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// It is made, as a door does.
    Made,
    /// It is written as well.
    Written,
    /// It is sealed as well: in a segment, and that in the log.
    Sealed,
}

impl Case {
    const ALL: [Self; 3] = [Self::Made, Self::Written, Self::Sealed];

    const fn name(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Written => "written",
            Self::Sealed => "sealed",
        }
    }

    /// Instructions that it may cost beside what the case before it costs. Most of them are SHA-256 in software: valgrind has no
    /// others.
    const fn budget(self) -> u64 {
        match self {
            Self::Made => 2_700,
            Self::Written => 60_000,
            Self::Sealed => 173_000,
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["case", name, events] => case(name, events).map(|()| true),
        // `cargo test` builds benches and may start them: only `cargo bench` says so.
        words if !words.contains(&"--bench") => Ok(true),
        words if words.contains(&"clock") => clock().map(|()| true),
        _ => instructions().and_then(|good| clock().map(|()| good)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            line(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

fn line(text: &str) {
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// A key that everybody knows: what is signed here proves nothing.
struct Key;

impl Signer for Key {
    fn name(&self) -> &'static str {
        "wardgate/edge-1"
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        let mut signed = [0; 64];
        if let Ok(pair) = pair() {
            signed.copy_from_slice(pair.sign(text).as_ref());
        }
        signed
    }

    fn public(&self) -> [u8; 32] {
        let mut public = [0; 32];
        if let Ok(pair) = pair() {
            public.copy_from_slice(aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref());
        }
        public
    }
}

fn pair() -> Result<aws_lc_rs::signature::Ed25519KeyPair, aws_lc_rs::error::KeyRejected> {
    aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32])
}

/// One request of many like it: another moment, another id, another thing that was asked for.
fn event(like: &Event, number: u64) -> Event {
    let mut event = like.clone();
    let time = NOON + Duration::from_micros(number * 100);
    event.facts.time = time;
    event.facts.id = RequestId::new(time, u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c2b));
    event.facts.resource = Some((number % 50_000).to_string().into());
    event.outcome.end = time + Duration::from_micros(200 + number % 700);
    event.judge_order = number;
    event
}

fn like() -> Event {
    honest("/ledger/entries/7?page=2", NOON)
}

fn log(directory: &std::path::Path, segment: Option<u64>) -> Result<(Arc<Log>, wardgate_audit::sink::Writer), Failed> {
    let seal = segment.map(|_| Seal(Arc::new(Key)));
    let seal_events = segment.unwrap_or(u64::MAX);
    let options = Options { queue_events: usize::try_from(TIMED_SEGMENT)?, seal, seal_events, ..Options::new("edge-1") };
    Ok(Log::start(directory, &options)?)
}

/// Runs a case as far as it goes. All segments but the last are sealed by the time the log is closed.
fn case(name: &str, events: &str) -> Result<(), Failed> {
    let case = Case::ALL.into_iter().find(|case| case.name() == name).ok_or("there is no such case")?;
    let events: u64 = events.parse()?;
    let like = like();
    if case == Case::Made {
        (0..events).for_each(|number| drop(std::hint::black_box(event(&like, number))));
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let segment = (case == Case::Sealed).then_some(SEGMENT);
    let (log, writer) = log(directory.path(), segment)?;
    for begin in (0..events).step_by(usize::try_from(SEGMENT)?) {
        record(&log, &like, begin..begin + SEGMENT)?;
    }
    // The next event would begin another tail: only then what came before is sealed.
    let sealed = segment.map_or(0, |segment| events / segment - 1);
    wait(|| log.counters().sealed == sealed);
    let written = writer.close(Duration::from_secs(300)).written;
    if written == events { Ok(()) } else { Err(format!("{written} of {events} events were written").into()) }
}

/// Records events, and waits until they are written: what is full ends with the last of them.
fn record(log: &Arc<Log>, like: &Event, numbers: std::ops::Range<u64>) -> Result<(), Failed> {
    let sink: Arc<dyn EventSink> = Arc::clone(log) as Arc<dyn EventSink>;
    let written = log.counters().written + (numbers.end - numbers.start);
    for number in numbers {
        Place::reserve(&sink, Share::Whole)?.record(event(like, number));
    }
    wait(|| log.counters().written == written);
    Ok(())
}

fn wait(until: impl Fn() -> bool) {
    while !until() {
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Measures every case and prints the table. `false`: something is over its budget.
fn instructions() -> Result<bool, Failed> {
    let mut good = true;
    let mut before = 0;
    line(&format!("{:<10} {:>22} {:>8} {:>6}", "an event", "instructions", "budget", "spent"));
    for case in Case::ALL {
        let cost = counted(case, MANY)?.saturating_sub(counted(case, FEW)?) / (MANY - FEW);
        let (spent, most) = (cost.saturating_sub(before), case.budget());
        let over = spent * 100 > most * (100 + TOLERANCE);
        line(&format!(
            "{:<10} {spent:>22} {most:>8} {:>4} %{}",
            case.name(),
            spent * 100 / most,
            if over { "  over its budget" } else { "" }
        ));
        good &= !over;
        before = cost;
    }
    Ok(good)
}

/// How many instructions a case executes, with all its threads.
fn counted(case: Case, events: u64) -> Result<u64, Failed> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe()?);
    command.args(["case", case.name(), &events.to_string()]).stdin(Stdio::null());
    let output = command.output().map_err(|error| {
        let mend = "install it (Debian: apt-get install valgrind), or measure time alone: cargo bench -p wardgate-audit -- clock";
        format!("`valgrind` cannot be started: {error}\n  = {mend}")
    })?;
    let told = String::from_utf8_lossy(&output.stderr);
    let count = told.lines().find_map(|line| line.split_once("Collected :").and_then(|(_, count)| count.trim().parse().ok()));
    match count {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("`{}` failed under valgrind:\n{told}{}", case.name(), String::from_utf8_lossy(&output.stdout)).into()),
    }
}

/// Nanoseconds on a core that an event costs: the thread of the door, that which writes, that which seals.
struct Spent {
    door: f64,
    writing: f64,
    sealing: f64,
}

/// Prints what an event costs on a core.
fn clock() -> Result<(), Failed> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round()?);
    }
    let median = |figure: fn(&Spent) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(ROUNDS / 2).copied().unwrap_or_default()
    };
    let (door, writing, sealing) = (median(|spent| spent.door), median(|spent| spent.writing), median(|spent| spent.sealing));
    line(&format!("\nan event, on a core (median of {ROUNDS} runs of {TIMED}):"));
    line(&format!("  {door:>6.0} ns the door: a place, the queue"));
    line(&format!("  {writing:>6.0} ns the thread that writes: record, hash, file"));
    line(&format!("  {:>6.0} ns together (goal: {GOAL_NS:.0})", door + writing));
    line(&format!("  {sealing:>6.0} ns later, once: Parquet, tree, log"));
    Ok(())
}

/// One more event than fills the segments is recorded, so that they are sealed. What it takes to make an event is taken off.
fn round() -> Result<Spent, Failed> {
    let like = like();
    let directory = tempfile::tempdir()?;
    let (log, writer) = log(directory.path(), Some(TIMED_SEGMENT))?;
    let begun = on_core("thread-self");
    (0..TIMED).for_each(|number| drop(std::hint::black_box(event(&like, number))));
    let making = on_core("thread-self") - begun;
    let begun = on_core("thread-self");
    for begin in (0..TIMED).step_by(usize::try_from(TIMED_SEGMENT)?) {
        record(&log, &like, begin..begin + TIMED_SEGMENT)?;
    }
    let door = (on_core("thread-self") - begun).saturating_sub(making);
    let writing = on_core(&of_thread("wardgate-audit")?);
    record(&log, &like, TIMED..TIMED + 1)?;
    wait(|| log.counters().sealed == TIMED / TIMED_SEGMENT);
    let sealing = on_core(&of_thread("wardgate-seal")?);
    let _counters = writer.close(Duration::from_secs(300));
    let each = |nanoseconds: u64| nanoseconds as f64 / TIMED as f64;
    Ok(Spent { door: each(door), writing: each(writing), sealing: each(sealing) })
}

/// The thread of this process that has this name, below `/proc`.
fn of_thread(name: &str) -> Result<String, Failed> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == name {
            return Ok(format!("self/task/{}", task.file_name().unwrap_or_default().to_string_lossy()));
        }
    }
    Err(format!("there is no thread `{name}`").into())
}

/// The first figure of `schedstat` (proc(5)): nanoseconds on a core.
fn on_core(thread: &str) -> u64 {
    let told = fs::read_to_string(format!("/proc/{thread}/schedstat")).unwrap_or_default();
    told.split(' ').next().and_then(|figure| figure.parse().ok()).unwrap_or_default()
}
