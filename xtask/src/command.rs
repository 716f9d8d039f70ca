//! Running cargo, and speaking to the terminal.

use anyhow::{Context, bail};
use std::{
    io::{ErrorKind, Write},
    path::Path,
    process::{Command, Stdio},
};

/// A cargo command in `root`. What cargo set for this process alone is taken out of its environment, so that build
/// scripts see the same as in a call from the shell and nothing is built twice.
pub(crate) fn cargo(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(words).current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_this_process) {
            command.env_remove(&name);
        }
    }
    command
}

/// Whether `cargo run` sets this variable for the program it runs.
fn is_of_this_process(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"].iter().any(|prefix| name.starts_with(prefix))
        || name == "LD_LIBRARY_PATH"
}

/// The standard output of a cargo command that must succeed.
///
/// # Errors
/// When it cannot be started, fails (with what it said) or says something that is not UTF-8.
pub(crate) fn output(root: &Path, words: &[&str]) -> anyhow::Result<String> {
    let named = format!("cargo {}", words.join(" "));
    let output = cargo(root, words).output().with_context(|| format!("`{named}` could not be started"))?;
    if !output.status.success() {
        bail!("`{named}` failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{named}` did not answer in UTF-8"))
}

/// Writes a text and a line end to the standard output. When nobody reads it any more, the exit code still tells.
///
/// # Errors
/// When it cannot be written for another reason.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
