//! The query engine: a program of its own, beside this one. What it stands on takes longer to build than all the rest, so it is
//! no part of this binary (docs/adr/014-query-engine.md).

use serde_json::Value;
use std::{
    fmt,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::Semaphore;
use wardgate_console::{Code, Found, Problem, QUESTION_ROWS_MAX, Question};
use wardgate_model::secret::Secret;

/// Its name.
pub const PROGRAM: &str = "wardgate-query";
/// The variable that says where it is when it is not beside this program.
pub const VARIABLE: &str = "WARDGATE_QUERY";

/// Questions of the management API that are answered at a time.
const AT_A_TIME: usize = 2;
/// How long one of them may take, in seconds.
const SECONDS: u64 = 30;
/// Memory that one of them may take, in MiB.
const MEMORY_MIB: u64 = 512;
/// After so much more time than that the engine is ended from here: it ends itself before.
const GRACE: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Longest complaint that is read, in bytes.
const COMPLAINT_BYTES_MAX: u64 = 16 << 10;
/// How often it is looked whether it has ended, or nobody waits for it any more.
const LOOK: Duration = Duration::from_millis(10);

/// The engine is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    place: PathBuf,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the query engine `{}` is not there; {REMEDY}", self.place.display())
    }
}

impl std::error::Error for Missing {}

/// How one gets the engine.
const REMEDY: &str = "it is a program of its own, built by `cargo build --profile engine -p wardgate-query`: put it beside `wardgate`, \
    or say in WARDGATE_QUERY where it is";

/// Where the engine is: where [`VARIABLE`] says, else beside this program. Never on the PATH, where anybody may put something.
///
/// # Errors
/// When it is not there.
pub fn program() -> Result<PathBuf, Missing> {
    let place = match std::env::var_os(VARIABLE).filter(|place| !place.is_empty()) {
        Some(place) => PathBuf::from(place),
        None => std::env::current_exe().ok().and_then(|here| Some(here.parent()?.join(PROGRAM))).unwrap_or_else(|| PROGRAM.into()),
    };
    if place.is_file() { Ok(place) } else { Err(Missing { place }) }
}

/// Answers questions of the management API.
#[derive(Debug, Clone)]
pub struct Asking {
    directory: PathBuf,
    /// What the engine finds in its environment: by what it reads segments that lie in a store.
    environment: Arc<[(&'static str, Secret<String>)]>,
    places: Arc<Semaphore>,
}

impl Asking {
    /// About the log in a directory; `environment` is what the engine is given to read what lies in a store.
    #[must_use]
    pub fn about(directory: &Path, environment: Vec<(&'static str, Secret<String>)>) -> Self {
        Self { directory: directory.to_owned(), environment: environment.into(), places: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Asks. When this is dropped before it is done, the engine is ended.
    ///
    /// # Errors
    /// When there is no engine, as many as may be are asking, the question is none or takes more than it may, or the log cannot be read.
    pub async fn ask(&self, question: Question) -> Result<Found, Problem> {
        let busy = || Problem::new(Code::Busy, format!("{AT_A_TIME} questions are being answered"));
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let program = program().map_err(|missing| {
            tracing::warn!(%missing, "a question about the event log has nobody to answer it");
            Problem::new(Code::NoEngine, "the query engine is not installed beside this gate").mend(REMEDY)
        })?;
        let left = Left::default();
        let gone = Arc::clone(&left.0);
        let (directory, environment) = (self.directory.clone(), Arc::clone(&self.environment));
        let answered = tokio::task::spawn_blocking(move || {
            let _place = place;
            run(&program, &directory, &environment, &question, &gone)
        });
        let answered = answered.await.map_err(Problem::fault)?;
        drop(left);
        answered
    }
}

/// Says when it is dropped that nobody waits any more.
#[derive(Default)]
struct Left(Arc<AtomicBool>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs the engine to its end. Blocks.
fn run(
    program: &Path,
    directory: &Path,
    environment: &[(&'static str, Secret<String>)],
    question: &Question,
    gone: &AtomicBool,
) -> Result<Found, Problem> {
    let rows = question.rows.unwrap_or(QUESTION_ROWS_MAX);
    let mut child = Command::new(program)
        .arg("--directory")
        .arg(directory)
        .args(["--output", "document", "--seconds", &SECONDS.to_string(), "--memory-mib", &MEMORY_MIB.to_string()])
        .args(["--rows", &rows.to_string(), "-"])
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value.danger_expose())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Problem::fault(format!("`{}` cannot be started: {error}", program.display())))?;
    let (input, sql) = (child.stdin.take(), question.sql.clone());
    let fed = thread::spawn(move || input.map_or(Ok(()), |mut input| input.write_all(sql.as_bytes())));
    let said = reading(child.stdout.take(), ANSWER_BYTES_MAX);
    let complained = reading(child.stderr.take(), COMPLAINT_BYTES_MAX);
    let ended = wait(&mut child, gone).map_err(Problem::fault)?;
    // It has ended, so all of its ends are closed.
    drop(fed.join());
    let lost = || Problem::fault("a thread that read from the query engine broke down");
    let said = said.join().map_err(|_| lost())?.map_err(Problem::fault)?;
    let complained = complained.join().map_err(|_| lost())?.unwrap_or_default();
    let complained = String::from_utf8_lossy(&complained);
    let why = complained.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or("it said nothing");
    match ended.map(|status| (status.code(), status)) {
        None => Err(Problem::new(Code::Bounds, format!("it takes longer than the {SECONDS} s that it may"))),
        Some((Some(0), _)) => read(&said),
        Some((Some(2), _)) => Err(Problem::new(Code::Unfit, why)),
        Some((Some(1), _)) if why.starts_with("it takes ") || why.starts_with("the answer is larger") => {
            // Nobody can allow more at a gate.
            Err(Problem::new(Code::Bounds, why.trim_end_matches(", or allow more")))
        }
        Some((Some(1), _)) if !why.starts_with('`') && !why.starts_with("what was read of the log") => Err(Problem::new(Code::Unfit, why)),
        Some((Some(1), _)) => Err(Problem::fault(format!("the log cannot be asked: {why}"))),
        Some((_, status)) => Err(broke_down(status)),
    }
}

/// The engine was ended by something else than itself: memory that nobody counts, most likely.
fn broke_down(status: ExitStatus) -> Problem {
    tracing::warn!(%status, "the query engine broke down over a question");
    Problem::new(Code::Bounds, "the query engine broke down over this question")
}

fn read(said: &[u8]) -> Result<Found, Problem> {
    if u64::try_from(said.len()).is_ok_and(|length| length > ANSWER_BYTES_MAX) {
        return Err(Problem::new(Code::Bounds, format!("the answer is larger than {} MiB", ANSWER_BYTES_MAX >> 20)));
    }
    serde_json::from_slice::<Value>(said)
        .and_then(serde_json::from_value)
        .map_err(|error| Problem::fault(format!("the query engine answered with something else: {error}")))
}

/// Reads on a thread of its own: one byte more than may be, at most, then no more.
fn reading(from: Option<impl io::Read + Send + 'static>, most: u64) -> thread::JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    })
}

/// Waits for the end; `None`: it did not come in time, or nobody waits for it any more, and the engine was killed.
fn wait(child: &mut Child, gone: &AtomicBool) -> io::Result<Option<ExitStatus>> {
    let mut left = Duration::from_secs(SECONDS) + GRACE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if left.is_zero() || gone.load(Ordering::Acquire) {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        let step = left.min(LOOK);
        thread::park_timeout(step);
        left -= step;
    }
}

#[cfg(test)]
mod tests;
