//! The steps of a check: which there are, in which order, and how they are run and told.

use crate::{breach::Breach, command, deps, layers, tidy, workspace::Workspace};
use anyhow::Context;
use std::{
    fmt::Write,
    path::Path,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Sources are formatted.
    Fmt,
    /// Crates import only what they may.
    Layers,
    /// Files are tidy.
    Tidy,
    /// What we build on is sound.
    Deps,
    /// No lint has anything to say.
    Clippy,
    /// The documentation builds without a warning.
    Docs,
    /// Tests and the examples of the documentation pass.
    Test,
    /// The query engine: what it stands on is built longer than all the rest.
    Engine,
    /// The page of figures on efficacy: millions of calls are judged.
    Efficacy,
}

/// How a step ended.
enum Outcome {
    /// Well.
    Passed,
    /// Badly, with what there is to read about it.
    Failed(String),
}

impl Step {
    /// All, in the order of a check: quick ones first, and the tests last, so that their closing line is near the end.
    pub(crate) const ALL: &'static [Self] = &[Self::Fmt, Self::Layers, Self::Tidy, Self::Deps, Self::Clippy, Self::Docs, Self::Test];

    /// Those that are no part of a check.
    pub(crate) const APART: &'static [Self] = &[Self::Engine, Self::Efficacy];

    /// The step of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().chain(Self::APART).copied().find(|step| step.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Layers => "layers",
            Self::Tidy => "tidy",
            Self::Deps => "deps",
            Self::Clippy => "clippy",
            Self::Docs => "docs",
            Self::Test => "test",
            Self::Engine => "engine",
            Self::Efficacy => "efficacy",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Fmt => "sources are formatted",
            Self::Layers => "crates import only what the table of layers allows",
            Self::Tidy => "files are short, finished and at home on any machine",
            Self::Deps => "no banned crate, no foreign licence, one registry, nothing unused",
            Self::Clippy => "no lint has anything to say",
            Self::Docs => "the documentation builds without a warning",
            Self::Test => "tests and the examples of the documentation pass",
            Self::Engine => "lints, documentation and tests of the query engine",
            Self::Efficacy => "docs/efficacy-table.md says what is measured; half an hour",
        }
    }

    fn run(self, root: &Path) -> anyhow::Result<Outcome> {
        match self {
            Self::Fmt => quiet(command::cargo(root, &["fmt", "--all", "--check", "--", "--color", "never"])),
            Self::Layers => Ok(told(&layers::check(&Workspace::load(root)?))),
            Self::Tidy => Ok(told(&tidy::check(root)?)),
            Self::Deps => Ok(told(&deps::check(&Workspace::load(root)?)?)),
            Self::Clippy => clippy(root, REST),
            Self::Docs => docs(root, REST),
            Self::Test => test(root),
            Self::Engine => engine(root),
            Self::Efficacy => efficacy(root),
        }
    }
}

/// The query engine, a program of its own: what it stands on is half of all code that is built.
const ENGINE: &[&str] = &["--package", "wardgate-query"];
/// All else. In a build of its own: Cargo would otherwise build much of it twice, for features that only the engine turns on.
const REST: &[&str] = &["--workspace", "--exclude", "wardgate-query"];

fn clippy(root: &Path, what: &[&str]) -> anyhow::Result<Outcome> {
    quiet(command::cargo(root, &[&["clippy"], what, &["--all-targets", "--locked", "--", "--deny", "warnings"]].concat()))
}

fn docs(root: &Path, what: &[&str]) -> anyhow::Result<Outcome> {
    let mut docs = command::cargo(root, &[&["doc"], what, &["--no-deps", "--locked"]].concat());
    docs.env("RUSTDOCFLAGS", "--deny warnings");
    quiet(docs)
}

/// Everything about the query engine, which is no part of a check: what it stands on is built longer than all the rest
/// (docs/adr/014-query-engine.md).
fn engine(root: &Path) -> anyhow::Result<Outcome> {
    for outcome in [clippy(root, ENGINE)?, docs(root, ENGINE)?] {
        if let Outcome::Failed(why) = outcome {
            return Ok(Outcome::Failed(why));
        }
    }
    all(root, vec![tests(root, ENGINE)])
}

/// The page of figures on efficacy, made anew: it is what the gate does to whole estates, and no part of a check.
fn efficacy(root: &Path) -> anyhow::Result<Outcome> {
    const PAGE: &str = "docs/efficacy-table.md";
    let words = ["run", "--release", "--quiet", "--locked", "-p", "wardgate-testkit", "--example", "efficacy", "--", "--document"];
    let page = command::output(root, &words)?;
    let kept = std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("{PAGE} cannot be read"))?;
    Ok(if page == kept { Outcome::Passed } else { Outcome::Failed(format!("{PAGE} is another now: look at the difference\n{page}")) })
}

/// What `cargo xtask help` says.
pub(crate) fn help() -> String {
    let mut text = "usage: cargo xtask CHECK\n\n  check    all of these, in this order\n".to_owned();
    // Writing to a String cannot fail.
    for step in Step::ALL {
        let _ = writeln!(text, "  {:8} {}", step.name(), step.about());
    }
    let _ = writeln!(text, "\nnot in a check:\n");
    for step in Step::APART {
        let _ = writeln!(text, "  {:8} {}", step.name(), step.about());
    }
    text.trim_end().to_owned()
}

/// Runs steps one after another, all of them also when one fails, and sums up.
///
/// # Errors
/// When nothing can be said, or there is no workspace here.
pub(crate) fn run(steps: &[Step]) -> anyhow::Result<ExitCode> {
    let root = Workspace::load(&std::env::current_dir()?)?.root;
    let mut failed = Vec::new();
    for step in steps {
        let began = now();
        let outcome = step.run(&root).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let line = |word: &str, spent: Duration| format!("{word:6} {:8} {:7.1} s", step.name(), spent.as_secs_f64());
        match outcome {
            Outcome::Passed => command::say(&line("ok", began.elapsed()))?,
            Outcome::Failed(why) => {
                command::say(&format!("{}\n{}", line("FAILED", began.elapsed()), why.trim_end()))?;
                failed.push(step.name());
            }
        }
    }
    if failed.is_empty() {
        command::say(&format!("check: {} of {} passed", steps.len(), steps.len()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let again: Vec<String> = failed.iter().map(|name| format!("  cargo xtask {name}")).collect();
    command::say(&format!("check: {} of {} FAILED; each alone again with\n{}", failed.len(), steps.len(), again.join("\n")))?;
    Ok(ExitCode::FAILURE)
}

/// The one place where this program reads a clock: to tell people how long a step took.
#[expect(clippy::disallowed_methods, reason = "nothing is decided by this time")]
fn now() -> Instant {
    Instant::now()
}

fn told(breaches: &[Breach]) -> Outcome {
    if breaches.is_empty() {
        return Outcome::Passed;
    }
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    Outcome::Failed(lines.join("\n"))
}

/// Runs a command whose output matters only when it fails.
fn quiet(mut command: Command) -> anyhow::Result<Outcome> {
    let output = command.output().with_context(|| format!("{command:?} could not be started"))?;
    if output.status.success() {
        return Ok(Outcome::Passed);
    }
    Ok(Outcome::Failed(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))))
}

/// The examples of the documentation, then the tests: what they say is shown as it comes, all on the standard output,
/// so that the runner's closing line stands where it belongs.
fn test(root: &Path) -> anyhow::Result<Outcome> {
    let examples = [&["test"], REST, &["--locked", "--quiet", "--doc"]].concat();
    all(root, vec![examples, tests(root, REST)])
}

/// How cargo is asked for tests.
fn tests<'a>(root: &Path, what: &[&'a str]) -> Vec<&'a str> {
    if has_nextest(root) {
        [&["nextest", "run"], what, &["--locked", "--no-fail-fast", "--status-level", "fail", "--final-status-level", "fail"]].concat()
    } else {
        [&["test"], what, &["--locked", "--quiet", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]].concat()
    }
}

/// Commands of cargo one after another, all of them also when one fails. Twice as many tests as processors run at a time: most of them wait
/// for a program that they have started.
fn all(root: &Path, commands: Vec<Vec<&str>>) -> anyhow::Result<Outcome> {
    let mut failed = Vec::new();
    let at_a_time = std::thread::available_parallelism().map_or(2, |processors| 2 * processors.get()).to_string();
    for words in commands {
        let mut command = command::cargo(root, &words);
        for variable in ["NEXTEST_TEST_THREADS", "RUST_TEST_THREADS"] {
            if std::env::var_os(variable).is_none() {
                command.env(variable, &at_a_time);
            }
        }
        let status = command.stderr(std::io::stdout()).status().context("cargo could not be started")?;
        if !status.success() {
            failed.push(format!("`cargo {}` failed, see above", words.join(" ")));
        }
    }
    Ok(if failed.is_empty() { Outcome::Passed } else { Outcome::Failed(failed.join("\n")) })
}

fn has_nextest(root: &Path) -> bool {
    command::cargo(root, &["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests;
