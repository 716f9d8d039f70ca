//! What the judge costs: instructions for every room, and milliseconds for what is seldom done. `cargo bench -p wardgate-gate`.
//!
//! Instructions hardly vary from run to run, so they are held against the written budget (`budget.txt` beside this file): a room
//! that needs a tenth more than it may ends the run with exit code 1. What stands behind the figures: `docs/budget.md`.
//!
//! The process runs itself again under `valgrind --tool=callgrind`, one case at a time; counted is one function, which judges
//! some thousand requests after others have warmed the caches.

mod budget;
mod callgrind;
mod clock;
mod grown;
mod rooms;
mod world;

use budget::Budget;
use rooms::{Case, Stage};
use std::{io::Write, process::ExitCode};
use world::Shape;

/// How much dearer a request may be among 100,000 policies than among 10.
const CROWD_RATIO_MAX: f64 = 1.1;
/// How much dearer a request with a token that is bound to a key, and of a task with a budget or not, may be than with a plain one that was
/// seen before, beside the signature of its proof.
const BOUND_RATIO_MAX: f64 = 1.2;
/// How much dearer a request with a token that was seen before may be than one with an API key.
const TOKEN_RATIO_MAX: f64 = 1.03;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["case", case] => report(Case::parse(case).ok_or_else(|| format!("there is no case `{case}`")).and_then(Case::run).map(|()| true)),
        // `cargo test` builds benches and may start them: only `cargo bench` says so.
        words if !words.contains(&"--bench") => Some(true),
        words if words.contains(&"clock") => report(clock::all()),
        _ => match (report(instructions()), report(clock::all())) {
            (Some(rooms), Some(clock)) => Some(rooms && clock),
            (rooms, clock) => rooms.and(clock),
        },
    };
    match outcome {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => ExitCode::from(2),
    }
}

fn report(outcome: Result<bool, String>) -> Option<bool> {
    outcome.map_err(|error| line(&format!("error: {error}"))).ok()
}

/// Prints a line.
pub(crate) fn line(text: &str) {
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// Measures every case and prints the table. `false`: something is over its budget.
fn instructions() -> Result<bool, String> {
    let budget = Budget::parse(include_str!("budget.txt"))?;
    let mut good = true;
    let mut told = Vec::new();
    line(&format!("{:<28} {:>12} {:>8} {:>6}", "room", "instructions", "budget", "spent"));
    let mut row = |name: &str, cost: u64| {
        let over = show(&budget, name, cost);
        good &= !over;
        told.push((name.to_owned(), cost));
    };
    let signature = Case { shape: Shape::Bound, stage: Stage::Nothing }.cost()?;
    let idle = Case { shape: Shape::Allowed, stage: Stage::Nothing }.cost()?;
    for (whole, stages) in [("establish", Stage::ESTABLISH), ("decide", Stage::DECIDE)] {
        let mut before = idle;
        for stage in stages {
            let up_to_here = Case { shape: Shape::Allowed, stage: *stage }.cost()?;
            row(&format!("{whole}.{}", stage.name()), up_to_here.saturating_sub(before));
            before = up_to_here;
        }
        row(whole, before.saturating_sub(idle));
    }
    for shape in Shape::VARIANTS {
        for stage in [Stage::Identity, Stage::Commit] {
            let cost = Case { shape: *shape, stage }.cost()?;
            // Its proof is signed for it alone.
            let apart = if matches!((shape, stage), (Shape::Bound | Shape::Budgeted, Stage::Identity)) { signature } else { idle };
            row(&format!("{}.{}", shape.name(), stage.whole()), cost.saturating_sub(apart));
        }
    }
    for (name, shape, from, to) in [
        ("learn", Shape::Allowed, Stage::Commit, Stage::Learn),
        ("grown.risk", Shape::Grown, Stage::Inspect, Stage::Risk),
        ("grown.learn", Shape::Grown, Stage::Commit, Stage::Learn),
    ] {
        row(name, Case { shape, stage: to }.cost()?.saturating_sub(Case { shape, stage: from }.cost()?));
    }
    let of = |name: &str| told.iter().find(|(known, _)| known == name).map_or(0, |(_, cost)| *cost);
    let beside = |world: &str| ratio(of(&format!("{world}.establish")) + of(&format!("{world}.decide")), of("establish") + of("decide"));
    let beside_plain =
        |world: &str| ratio(of(&format!("{world}.establish")) + of(&format!("{world}.decide")), of("token.establish") + of("token.decide"));
    let (bound, budgeted) = (beside_plain("bound"), beside_plain("budgeted"));
    let (crowd, token) = (beside("crowd"), beside("token"));
    line(&format!("\namong 100,000 policies a request costs {crowd:.3} times what it costs among 10 (at most {CROWD_RATIO_MAX})"));
    line(&format!("with a token that was seen before it costs {token:.3} times what it costs with an API key (at most {TOKEN_RATIO_MAX})"));
    line(&format!(
        "bound to a key it costs {bound:.3} times what it costs unbound (at most {BOUND_RATIO_MAX}), beside {signature} for the signature of the proof"
    ));
    line(&format!("and of a task with a budget {budgeted:.3} times (at most {BOUND_RATIO_MAX})"));
    Ok(good && crowd <= CROWD_RATIO_MAX && token <= TOKEN_RATIO_MAX && bound.max(budgeted) <= BOUND_RATIO_MAX)
}

/// Prints a row. Whether it is over its budget.
fn show(budget: &Budget, name: &str, cost: u64) -> bool {
    let (most, over) = (budget.of(name), budget.is_over(name, cost));
    let most = most.map_or_else(|| "-".to_owned(), |most| most.to_string());
    let spent = budget.of(name).map_or_else(String::new, |most| format!("{:.0} %", ratio(cost, most) * 100.0));
    line(&format!("{name:<28} {cost:>12} {most:>8} {spent:>6}{}", if over { "  over its budget" } else { "" }));
    over
}

#[expect(clippy::cast_precision_loss, reason = "counts of instructions lie far below 2^52")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b.max(1) as f64
}
