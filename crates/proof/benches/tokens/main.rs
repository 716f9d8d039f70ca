//! What a token costs: `cargo bench -p wardgate-proof`.
//!
//! An unseen ES256 token may cost a quarter more than the bare verification of its signature. Counted in instructions,
//! which hardly vary: the process runs itself again under `valgrind --tool=callgrind`, one case at a time. Times are shown
//! beside them and decide nothing. A breach ends the run with exit code 1.

mod cases;

use cases::Case;
use std::{
    io::Write as _,
    process::{Command, ExitCode, Stdio},
};
use wardgate_proof::binding::Subjects;

/// How much dearer a token may be than its bare verification.
const TOKEN_RATIO_MAX: f64 = 1.25;
/// How much dearer it may be to find an identity among 100,000 than among 40.
const CROWD_RATIO_MAX: f64 = 1.25;
/// So many identities are put in place at once.
const MILLION: usize = 1_000_000;
/// So often one of them is changed, twice.
const CHANGES: u32 = 200;
/// Rounds that are timed.
const ROUNDS: u32 = 20_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["case", name] => Case::parse(name).and_then(Case::world).map(|world| world.run(cases::COUNTED)),
        // `cargo test` builds benches and may start them: only `cargo bench` says so.
        words if !words.contains(&"--bench") => Ok(true),
        words if words.contains(&"clock") => table(|_| Ok(0)),
        _ => table(instructions),
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

/// Measures every case and prints the table. `false`: something is too dear.
fn table(count: impl Fn(Case) -> Result<u64, String>) -> Result<bool, String> {
    line(&format!("{:<12} {:>12} {:>10}", "case", "instructions", "µs"));
    let idle = count(Case::Idle)?;
    let mut told = Vec::new();
    for case in Case::MEASURED {
        let (cost, time) = (count(case)?.saturating_sub(idle) / u64::from(cases::COUNTED), microseconds(case)?);
        line(&format!("{:<12} {cost:>12} {time:>10.1}", case.name()));
        told.push((case, cost, time));
    }
    let ratio = |dear: Case, cheap: Case| {
        let of = |case: Case| told.iter().find(|(known, ..)| *known == case).map_or((0.0, 0.0), |(_, cost, time)| (float(*cost), *time));
        let ((cost, time), (cost_of, time_of)) = (of(dear), of(cheap));
        (cost / cost_of.max(1.0), time / time_of)
    };
    let (token, token_time) = ratio(Case::Token, Case::Bare);
    let (crowd, crowd_time) = ratio(Case::Crowd, Case::Few);
    line(&format!(
        "\nan unseen ES256 token costs {token:.3} times its bare verification (at most {TOKEN_RATIO_MAX}); in time {token_time:.3}"
    ));
    line(&format!("an identity among 100,000 costs {crowd:.3} times one among 40 (at most {CROWD_RATIO_MAX}); in time {crowd_time:.3}"));
    million()?;
    Ok(token <= TOKEN_RATIO_MAX && crowd <= CROWD_RATIO_MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts of instructions lie far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Of one run, on a core: other work on the machine counts little.
fn microseconds(case: Case) -> Result<f64, String> {
    let world = case.world()?;
    let begun = on_core();
    if world.run(ROUNDS) {
        Ok((on_core() - begun) / 1e3 / f64::from(ROUNDS))
    } else {
        Err(format!("`{}` did not end as it should", case.name()))
    }
}

/// What a million identities cost to put in place, to look through for pairs, and to change one of. Shown, and no more.
fn million() -> Result<(), String> {
    let bound = (0..MILLION).map(cases::bound_whole).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let one = bound.first().cloned().ok_or("nobody")?;
    let begun = on_core();
    let mut subjects = Subjects::build(bound);
    let built = on_core();
    let pairs = subjects.overlaps(100).pairs.len();
    let looked = on_core();
    for _ in 0..CHANGES {
        // What is read meanwhile is a copy of before.
        let before = subjects.clone();
        subjects.remove(&one.0, &one.1.credential);
        subjects.put(&one.0, one.1.clone());
        drop(before);
    }
    let changed = on_core();
    let seconds = |from: f64, to: f64| (to - from) / 1e9;
    line(&format!(
        "{MILLION} identities: in place in {:.2} s, looked through for pairs in {:.2} s ({pairs} found), one changed in {:.0} µs",
        seconds(begun, built),
        seconds(built, looked),
        seconds(looked, changed) * 1e6 / f64::from(2 * CHANGES),
    ));
    Ok(())
}

/// Nanoseconds of this thread on a core: the first figure of `schedstat` (proc(5)).
fn on_core() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|figure| figure.parse().ok()).unwrap_or_default()
}

/// How many instructions [`cases::measured`] executes for a case, in a process of its own.
fn instructions(case: Case) -> Result<u64, String> {
    let own = std::env::current_exe().map_err(|error| format!("this program does not know where it is: {error}"))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*cases::measured*"]).arg(own);
    let output = command.args(["case", case.name()]).stdin(Stdio::null()).output().map_err(|error| {
        let mend = "install it (Debian: apt-get install valgrind), or measure time alone: cargo bench -p wardgate-proof -- clock";
        format!("`valgrind` cannot be started: {error}\n  = {mend}")
    })?;
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected :").and_then(|(_, count)| count.trim().parse().ok()));
    match collected {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => Err(format!("`{}` failed under valgrind:\n{told}", case.name())),
    }
}
