use super::Command;
use crate::deliver::CommandSettings;
use std::{fs, path::Path, time::Duration};
use wardgate_model::{id::SecretName, secret::Secret};

const PATIENCE: Duration = Duration::from_secs(30);

fn run(script: &str, directory: &Path, secret: &str, timeout: Duration) -> Result<(), String> {
    let arguments = vec!["-c".to_owned(), script.to_owned(), "sh".to_owned(), directory.display().to_string()];
    let settings = CommandSettings { program: "/bin/sh".into(), arguments };
    let command = Command::new(&settings, &SecretName::literal("shop-key"));
    command.run(&Secret::new(secret.to_owned()), timeout).map_err(|fault| fault.to_string())
}

#[test]
fn the_secret_comes_on_standard_input_and_nothing_of_ours_with_it() {
    let directory = tempfile::tempdir().unwrap();
    run("cat > \"$1/got\"; env > \"$1/env\"", directory.path(), "s3cret", PATIENCE).unwrap();
    assert_eq!(fs::read_to_string(directory.path().join("got")).unwrap(), "s3cret");
    let environment = fs::read_to_string(directory.path().join("env")).unwrap();
    let names: Vec<&str> = environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // A shell adds some of its own; nothing of ours but these two is there.
    let unknown = names.iter().filter(|name| !["PATH", "WARDGATE_SECRET_NAME", "PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    assert_eq!(unknown.count(), 0, "{names:?}");
    assert!(environment.contains("WARDGATE_SECRET_NAME=shop-key") && !environment.contains("s3cret"));
}

#[test]
fn a_command_that_fails_says_how_and_tells_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let failed = run("cat; cat >&2; exit 7", directory.path(), "s3cret", PATIENCE).unwrap_err();
    assert_eq!(failed, "the secret was not delivered: `/bin/sh` failed: exit status: 7");
}

#[test]
fn a_command_that_does_not_end_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let late = run("exec sleep 600", directory.path(), "s3cret", Duration::from_millis(100)).unwrap_err();
    assert_eq!(late, "the secret was not delivered: `/bin/sh` took longer than 0.1 s and was ended");
}

#[test]
fn a_command_that_prints_without_end_fills_nothing() {
    let directory = tempfile::tempdir().unwrap();
    run("cat > /dev/null; head -c 20000000 /dev/zero", directory.path(), "s3cret", PATIENCE).unwrap();
}

#[test]
fn a_command_that_reads_nothing_has_not_taken_the_secret() {
    let directory = tempfile::tempdir().unwrap();
    let unread = run("exec <&-; exit 0", directory.path(), &"s".repeat(1 << 20), PATIENCE).unwrap_err();
    assert!(unread.contains("did not read the secret"), "{unread}");
}

#[test]
fn a_program_that_is_not_there_is_said() {
    let settings = CommandSettings { program: "/not/there".into(), arguments: Vec::new() };
    let command = Command::new(&settings, &SecretName::literal("shop-key"));
    let missing = command.run(&Secret::new("s3cret".to_owned()), PATIENCE).unwrap_err().to_string();
    assert!(missing.starts_with("the secret was not delivered: `/not/there` cannot be started: "), "{missing}");
}
