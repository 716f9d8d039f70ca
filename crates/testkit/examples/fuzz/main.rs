//! Fuzzes a target for as long as one likes: `fuzz TARGET [--minutes N] [--seed N] [--keep]`.
//!
//! With `--keep`, inputs that end in something new are written into the corpus; read them before they are committed. An input
//! for which a property does not hold is always written there: it is the test that is missing.

use anyhow::{Context, bail};
use std::{
    io::Write,
    time::{Duration, Instant},
};
use wardgate_testkit::fuzz::{Run, TARGETS, Target};

mod engine;
mod llhttp;
mod records;
mod wire;

const USAGE: &str = "usage: fuzz TARGET [--minutes N] [--seed N] [--keep]";
/// New inputs that one run writes, at most.
const WRITTEN_MAX: usize = 64;
const PROGRESS: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let name = words.next().with_context(|| format!("{USAGE}\ntargets: {}", names()))?;
    let target = targets().find(|target| target.name == name).with_context(|| format!("there is no target `{name}`, but: {}", names()))?;
    let (mut minutes, mut seed, mut keep) = (1_u64, 1_u64, false);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|word| word.parse().ok()).with_context(|| format!("`{word}` needs a number\n{USAGE}"));
        match word.as_str() {
            "--minutes" => minutes = number()?,
            "--seed" => seed = number()?,
            "--keep" => keep = true,
            other => bail!("`{other}` is not known\n{USAGE}"),
        }
    }
    run(target, Duration::from_secs(minutes.saturating_mul(60)), seed, keep)
}

fn targets() -> impl Iterator<Item = Target> {
    TARGETS.into_iter().chain([wire::TARGET, engine::TARGET, llhttp::TARGET, records::TARGET])
}

fn names() -> String {
    targets().map(|target| target.name).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::disallowed_methods, reason = "how long to go on is asked of the clock; nothing is decided by it")]
fn now() -> Instant {
    Instant::now()
}

fn run(target: Target, time: Duration, seed: u64, keep: bool) -> anyhow::Result<()> {
    let mut run = Run::new(target, target.corpus()?, seed)?;
    let (begin, mut told, mut written) = (now(), now(), 0_usize);
    let mut out = std::io::stdout().lock();
    loop {
        match run.step() {
            Ok(Some(new)) if keep && written < WRITTEN_MAX => {
                target.keep(new, "found")?;
                written += 1;
            }
            Ok(_) => {}
            Err(failure) => {
                let path = target.keep(&failure.input, "broken")?;
                bail!("{failure}\n  kept as {}", path.display());
            }
        }
        let over = begin.elapsed() >= time;
        if over || told.elapsed() >= PROGRESS {
            told = now();
            let seconds = begin.elapsed().as_secs();
            writeln!(out, "{}: {} inputs in {seconds} s, {} different outcomes, {written} kept", target.name, run.tried(), run.outcomes())?;
        }
        if over {
            return Ok(());
        }
    }
}
