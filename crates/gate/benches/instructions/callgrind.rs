//! Counts the instructions of a process of ours.

use std::process::{Child, Command, Stdio};

/// How many instructions this program executes for a case, for each of two numbers of rounds, set-up included. Both run at once.
pub(crate) fn count(case: &str, rounds: (u64, u64)) -> Result<(u64, u64), String> {
    let (few, many) = (start(case, rounds.0)?, start(case, rounds.1)?);
    Ok((finish(case, few)?, finish(case, many)?))
}

fn start(case: &str, rounds: u64) -> Result<Child, String> {
    let own = std::env::current_exe().map_err(|error| format!("this program does not know where it is: {error}"))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(own).args(["case", case, &rounds.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| {
        format!("`valgrind` cannot be started: {error}\n  = install it (Debian: apt-get install valgrind), or measure time alone: cargo bench -p wardgate-gate -- clock")
    })
}

fn finish(case: &str, child: Child) -> Result<u64, String> {
    let output = child.wait_with_output().map_err(|error| format!("`{case}` was lost: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected :").and_then(|(_, count)| count.trim().parse().ok()));
    match collected {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("`{case}` failed under valgrind:\n{told}{}", String::from_utf8_lossy(&output.stdout))),
    }
}
