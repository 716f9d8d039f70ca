//! The program: arguments, a watch, an answer, an exit status.

use crate::{
    bounds::{Bounds, SQL_BYTES_MAX, STACK_BYTES, WORKER_STACK_BYTES},
    engine::ask,
    fault::Fault,
    shown::{Form, WriteFault, write},
    watch::Watch,
};
use clap::Parser;
use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use wardgate_audit::store::{Lent, allow_lent};
use wardgate_model::time::Time;

const AFTER: &str = "\
Examples:
  wardgate-query --directory audit \"SELECT code, count(*) FROM events GROUP BY code ORDER BY 2 DESC\"
  wardgate-query --directory audit --output csv - < question.sql

`wardgate audit query` runs it. Exit status: 0 done · 1 failed · 2 no question that may be asked";

/// Answers a question in SQL about event logs: one table, `events`, over sealed segments and the hot tail. It only reads.
#[derive(Debug, Parser)]
#[command(name = "wardgate-query", version, after_help = AFTER)]
struct Arguments {
    /// The question; `-` reads it from standard input
    #[arg(value_name = "SQL")]
    sql: String,
    /// The directory of a log; again for each
    #[arg(long, value_name = "DIR", required = true)]
    directory: Vec<PathBuf>,
    /// Form of what is printed
    #[arg(long, short = 'o', value_enum, default_value_t, value_name = "FORM")]
    output: Form,
    /// How long it may take, in seconds
    #[arg(long, default_value_t = 30, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How much memory it may take for sorting, grouping and joining, in MiB
    #[arg(long, default_value_t = 512, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    memory_mib: u32,
    /// How many rows it may give
    #[arg(long, default_value_t = 10_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rows: u32,
    /// Threads that compute; else as many as there are processors
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

/// Does what the arguments say.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let fault = match answer(arguments) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(fault) => fault,
    };
    // Who read the answer has what it wanted.
    if matches!(&fault, Fault::Write(error) if error.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    drop(writeln!(io::stderr(), "error: {fault}"));
    ExitCode::from(if fault.is_invalid() { 2 } else { 1 })
}

/// By what segments are read that lie in a store: who starts this program says so in its environment, where no list of processes shows it.
fn reach() -> Result<(), Fault> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where this program reads the environment")]
    let variable = |name: &str| std::env::var(name).ok();
    let lent = Lent::from_environment(variable, now).map_err(|error| Fault::Question(error.to_string()))?;
    if let Some(lent) = lent {
        allow_lent(lent);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a request to a store is signed with the time: this is the one place where it is read")]
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn answer(arguments: Arguments) -> Result<(), Fault> {
    reach()?;
    let threads = arguments.threads.and_then(|threads| NonZeroUsize::new(threads.into()));
    let bounds = Bounds {
        time: Duration::from_secs(arguments.seconds),
        memory_mib: usize::try_from(arguments.memory_mib).unwrap_or(usize::MAX),
        rows: usize::try_from(arguments.rows).unwrap_or(usize::MAX),
        threads: threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN),
    };
    let watch = Watch::begin(bounds)?;
    // A thread of its own, for its stack.
    let planning = thread::Builder::new()
        .name("question".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || answer_here(&arguments, &bounds, &watch))?;
    planning.join().unwrap_or_else(|_| Err(Fault::Engine("the engine broke down over this question".to_owned())))
}

fn answer_here(arguments: &Arguments, bounds: &Bounds, watch: &Watch) -> Result<(), Fault> {
    let sql = if arguments.sql == "-" { read_question()? } else { arguments.sql.clone() };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(bounds.threads.get())
        .thread_stack_size(WORKER_STACK_BYTES)
        .enable_all()
        .build()?;
    let answer = runtime.block_on(ask(&sql, &arguments.directory, bounds))?;
    watch.answered();
    for text in &answer.left_out {
        drop(writeln!(io::stderr(), "note: {text}"));
    }
    if answer.truncated {
        drop(writeln!(io::stderr(), "note: there are more than {} rows; these are the first that were found", bounds.rows));
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&answer, arguments.output, bounds.answer_bytes(), &mut out).map_err(|error| match error {
        WriteFault::TooLong => Fault::Answer { mib: bounds.answer_bytes() >> 20 },
        WriteFault::Io(error) => Fault::Write(error),
        WriteFault::Form(error) => Fault::Engine(error.to_string()),
    })
}

fn read_question() -> Result<String, Fault> {
    let mut sql = String::new();
    let most = u64::try_from(SQL_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    io::stdin()
        .lock()
        .take(most)
        .read_to_string(&mut sql)
        .map_err(|error| Fault::Question(format!("the question cannot be read: {error}")))?;
    Ok(sql)
}
