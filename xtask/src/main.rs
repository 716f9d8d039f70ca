//! The project's own checks. `cargo xtask check` runs them all; each has a name of its own.
//!
//! It knows nothing of what Wardgate does: it reads manifests, sources and the output of cargo.
//!
//! Reading order: [`steps`] lists the checks and runs them; [`layers`], [`tidy`] and [`deps`] are the ones that
//! are ours, [`workspace`] and [`command`] what they stand on, [`breach`] what they report.

mod breach;
mod command;
mod deps;
mod layers;
mod steps;
mod tidy;
mod workspace;

use std::process::ExitCode;
use steps::Step;

fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args().skip(1);
    let (word, rest) = (words.next(), words.next());
    match (word.as_deref(), rest) {
        (Some("check"), None) => steps::run(Step::ALL),
        (None | Some("help" | "--help" | "-h"), None) => {
            command::say(&steps::help())?;
            Ok(ExitCode::SUCCESS)
        }
        (Some(name), None) => match Step::named(name) {
            Some(step) => steps::run(&[step]),
            None => wrong(&format!("there is no check `{name}`")),
        },
        (_, Some(extra)) => wrong(&format!("`{extra}` is one word too many")),
    }
}

/// Wrong usage: exit code 2, as everywhere in the project.
fn wrong(what: &str) -> anyhow::Result<ExitCode> {
    command::say(&format!("{what}\n\n{}", steps::help()))?;
    Ok(ExitCode::from(2))
}
