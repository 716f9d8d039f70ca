//! Counts the instructions of a process of ours.

use std::process::{Command, Stdio};

/// How many instructions this program executes for a case and a number of rounds, set-up included.
pub(crate) fn count(case: &str, rounds: u64) -> Result<u64, String> {
    let own = std::env::current_exe().map_err(|error| format!("this program does not know where it is: {error}"))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(own).args(["case", case, &rounds.to_string()]);
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        format!("`valgrind` cannot be started: {error}\n  = install it (Debian: apt-get install valgrind), or measure time alone: cargo bench -p wardgate-gate -- clock")
    })?;
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected :").and_then(|(_, count)| count.trim().parse().ok()));
    match collected {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("`{case}` failed under valgrind:\n{told}{}", String::from_utf8_lossy(&output.stdout))),
    }
}
