use super::{Outcome, Step, help, quiet, told};
use crate::breach::Breach;
use std::process::Command;

fn words(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed(why) => why,
    }
}

#[test]
fn steps_are_found_by_name() {
    for step in Step::ALL.iter().chain(Step::APART) {
        assert_eq!(Step::named(step.name()), Some(*step));
    }
    assert_eq!(Step::named("check"), None);
    assert_eq!(Step::ALL.last(), Some(&Step::Test), "the runner's closing line must be near the end");
}

#[test]
fn help_names_every_step() {
    let expected = "\
usage: cargo xtask CHECK

  check    all of these, in this order
  fmt      sources are formatted
  layers   crates import only what the table of layers allows
  tidy     files are short, finished and at home on any machine
  deps     no banned crate, no foreign licence, one registry, nothing unused
  clippy   no lint has anything to say
  docs     the documentation builds without a warning
  test     tests and the examples of the documentation pass

not in a check:

  engine   lints, documentation and tests of the query engine
  efficacy docs/efficacy-table.md says what is measured; half an hour";
    assert_eq!(help(), expected);
}

#[test]
fn breaches_are_told_one_a_line() {
    assert_eq!(words(&told(&[])), "passed");
    assert_eq!(words(&told(&[Breach::at("a", "b"), Breach::on_line("c", 3, "d")])), "a: b\nc:3: d");
}

#[test]
fn a_command_speaks_only_when_it_fails() {
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        quiet(command)
    };
    assert_eq!(words(&shell("echo fine").unwrap()), "passed");
    assert_eq!(words(&shell("echo out; echo err >&2; exit 3").unwrap()), "out\nerr\n");
    assert!(quiet(Command::new("wardgate-there-is-no-such-program")).is_err());
}
