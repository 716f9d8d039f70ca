use super::run;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tempfile::TempDir;
use wardgate_console::Question;

/// A program that stands in for the engine.
struct Played {
    directory: TempDir,
    program: PathBuf,
}

impl Played {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("engine");
        let text = format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n");
        // Written beside and given its name: a program that is still open for writing somewhere cannot be run.
        fs::write(directory.path().join("new"), text).unwrap();
        fs::set_permissions(directory.path().join("new"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::rename(directory.path().join("new"), &program).unwrap();
        Self { directory, program }
    }

    fn ask(&self, gone: &AtomicBool) -> String {
        let question = Question { sql: "SELECT 1".to_owned(), rows: Some(7) };
        match run(&self.program, self.directory.path(), &[], &question, gone) {
            Ok(found) => format!("{} rows, truncated {}", found.rows.len(), found.truncated),
            Err(problem) => format!("{}: {}", problem.code.as_str(), problem.detail),
        }
    }
}

fn asked(script: &str) -> String {
    Played::new(script).ask(&AtomicBool::new(false))
}

#[test]
fn the_engine_gets_the_question_and_its_bounds_and_nothing_else() {
    let played = Played::new(
        "cat > \"$2/sql\"; echo \"$*\" > \"$2/words\"; env > \"$2/variables\"; echo '{\"columns\":[],\"rows\":[{}],\"truncated\":true,\"left_out\":[]}'",
    );
    assert_eq!(played.ask(&AtomicBool::new(false)), "1 rows, truncated true");
    let wrote = |name: &str| fs::read_to_string(played.directory.path().join(name)).unwrap();
    assert_eq!(wrote("sql"), "SELECT 1");
    let words = format!("--directory {} --output document --seconds 30 --memory-mib 512 --rows 7 -\n", played.directory.path().display());
    assert_eq!(wrote("words"), words);
    assert!(!wrote("variables").contains("CARGO"), "{}", wrote("variables"));
}

#[test]
fn how_it_ends_is_what_callers_are_told() {
    for (script, said) in [
        ("echo 'error: no column `a`' >&2; exit 2", "console.unfit: no column `a`"),
        (
            "echo 'note: x' >&2; echo 'error: it takes longer than the 30 s that it may' >&2; exit 1",
            "console.bounds: it takes longer than the 30 s that it may",
        ),
        ("echo 'error: the answer is larger than 64 MiB' >&2; exit 1", "console.bounds: the answer is larger than 64 MiB"),
        (
            "echo 'error: it takes more than the 5 MiB of memory that it may: ask for less at a time, or allow more' >&2; exit 1",
            "console.bounds: it takes more than the 5 MiB of memory that it may: ask for less at a time",
        ),
        ("echo 'error: divide by zero' >&2; exit 1", "console.unfit: divide by zero"),
        (
            "echo 'error: what was read of the log cannot be decoded (bad page)' >&2; exit 1",
            "console.fault: something that this needs does not work at present",
        ),
        ("echo 'error: `/var/audit` cannot be read' >&2; exit 1", "console.fault: something that this needs does not work at present"),
        ("kill -9 $$", "console.bounds: the query engine broke down over this question"),
        ("echo '[]'", "console.fault: something that this needs does not work at present"),
    ] {
        assert_eq!(asked(script), said, "{script}");
    }
}

#[test]
fn nobody_waits_any_more_so_it_is_ended() {
    let played = Arc::new(Played::new("echo $$ > \"$2/pid\"; exec cat /dev/zero > /dev/null"));
    let gone = Arc::new(AtomicBool::new(false));
    let (asking, left) = (Arc::clone(&played), Arc::clone(&gone));
    let asked = thread::spawn(move || asking.ask(&left));
    let pid = loop {
        match fs::read_to_string(played.directory.path().join("pid")) {
            Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
            _ => thread::yield_now(),
        }
    };
    gone.store(true, Ordering::Release);
    assert!(asked.join().unwrap().starts_with("console.bounds"));
    assert!(!PathBuf::from(format!("/proc/{pid}")).exists(), "it goes on");
}
