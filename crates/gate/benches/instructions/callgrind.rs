//! Counts the instructions of a process of ours.

use std::process::{Command, Stdio};

/// How many instructions [`crate::rooms::measured`] executes for a case, in a process of its own. What is outside of it is not counted.
pub(crate) fn count(case: &str) -> Result<u64, String> {
    let own = std::env::current_exe().map_err(|error| format!("this program does not know where it is: {error}"))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*rooms::measured*"]).arg(own);
    let output = command.args(["case", case]).stdin(Stdio::null()).output().map_err(|error| {
        let mend = "install it (Debian: apt-get install valgrind), or measure time alone: cargo bench -p wardgate-gate -- clock";
        format!("`valgrind` cannot be started: {error}\n  = {mend}")
    })?;
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected :").and_then(|(_, count)| count.trim().parse().ok()));
    match collected {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => Err(format!("`{case}` failed under valgrind:\n{told}{}", String::from_utf8_lossy(&output.stdout))),
    }
}
