//! A program of the operator's, which takes the secret on its standard input.
//!
//! It gets no argument and no variable but what is configured: the master key may stand in our own environment. What it
//! prints is not read: it could print the secret.

use super::{CommandSettings, DeliverFault};
use std::{
    io::{ErrorKind, Write as _},
    process::{self, Child, ExitStatus, Stdio},
    thread,
    time::Duration,
};
use wardgate_model::{id::SecretName, secret::Secret};

/// Where programs that the command calls are searched.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A command that is about to run.
#[derive(Debug)]
pub(super) struct Command {
    settings: CommandSettings,
    secret: SecretName,
}

impl Command {
    pub(super) fn new(settings: &CommandSettings, secret: &SecretName) -> Self {
        Self { settings: settings.clone(), secret: secret.clone() }
    }

    /// Runs it to its end, no longer than `timeout`; then it is killed. Blocks.
    ///
    /// # Errors
    /// When it cannot be started, takes too long, or says by its status that it failed.
    pub(super) fn run(&self, secret: &Secret<String>, timeout: Duration) -> Result<(), DeliverFault> {
        let shown = self.settings.program.display();
        let failed = |what: String| DeliverFault::Failed(format!("`{shown}` {what}"));
        let mut child = process::Command::new(&self.settings.program)
            .args(&self.settings.arguments)
            .env_clear()
            .env("PATH", PATH)
            .env("WARDGATE_SECRET_NAME", self.secret.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        let fed = feed(&mut child, secret);
        let ended = wait(&mut child, timeout);
        // It has ended or was killed: who feeds it sees a broken pipe at the latest now.
        let fed = fed.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread that wrote to it broke down")));
        match (ended, fed) {
            (Ok(Some(status)), Ok(())) if status.success() => Ok(()),
            (Ok(Some(status)), Err(error)) if status.success() => Err(failed(format!("did not read the secret: {error}"))),
            (Ok(Some(status)), _) => Err(failed(format!("failed: {status}"))),
            (Ok(None), _) => Err(failed(format!("took longer than {} s and was ended", timeout.as_secs_f32()))),
            (Err(error), _) => Err(failed(format!("was lost: {error}"))),
        }
    }
}

/// Writes the secret, in a thread of its own: a program that reads nothing must not hold us.
fn feed(child: &mut Child, secret: &Secret<String>) -> thread::JoinHandle<std::io::Result<()>> {
    let (input, secret) = (child.stdin.take(), secret.clone());
    thread::spawn(move || match input {
        Some(mut input) => input.write_all(secret.danger_expose().as_bytes()),
        None => Err(ErrorKind::BrokenPipe.into()),
    })
}

/// Waits for the end; `None`: it did not come in time, and the program was killed.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut left = timeout;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if left.is_zero() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        let step = left.min(LOOK);
        thread::park_timeout(step);
        left -= step;
    }
}

#[cfg(test)]
mod tests;
