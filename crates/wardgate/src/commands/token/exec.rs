//! A command that runs with a token in a file: replaced before it ends, told to nobody else, and gone when the command has ended.

use super::{asking::Token, fresh::Fresh, issuer::NoAnswer, signals::Heard};
use crate::output::{Exit, note, plain};
use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::OsStr,
    fs::Permissions,
    io::{IsTerminal as _, Write as _},
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::Arc,
};
use tempfile::{NamedTempFile, TempDir};

/// The variable that says where the token is.
const FILE: &str = "WARDGATE_TOKEN_FILE";
/// The variable that says which task the token is of.
const TASK: &str = "WARDGATE_TASK";
/// Variables by which this client proves itself: nothing for whoever it runs.
const OURS: [&str; 1] = ["WARDGATE_API_KEY"];
/// The status of a command that cannot be run, as shells have it (POSIX.1-2024, 2.8.2).
const NOT_RUN: u8 = 127;
/// What is added to the number of the signal that ended a command, as shells have it.
const SIGNALLED: i32 = 128;

/// Where a token is kept for a command.
pub(super) struct Place {
    file: PathBuf,
    /// Gone with it, where it is our own.
    _directory: Option<TempDir>,
}

impl Place {
    /// The file that is named, or one in a new directory that nobody else can read.
    ///
    /// # Errors
    /// No directory can be made.
    pub(super) fn new(file: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(file) = file {
            return Ok(Self { file: file.to_owned(), _directory: None });
        }
        let directory = tempfile::Builder::new().prefix("wardgate-").permissions(Permissions::from_mode(0o700)).tempdir();
        let directory = directory.context("cannot make a directory for the token")?;
        Ok(Self { file: directory.path().join("token"), _directory: Some(directory) })
    }

    /// The token takes the place of the one before: who opens the file has the one or the other, whole.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn put(&self, token: &Token) -> anyhow::Result<()> {
        let cannot = || format!("cannot write the token into `{}`", self.file.display());
        let beside = self.file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let private = Permissions::from_mode(0o600);
        let mut fresh = tempfile::Builder::new().permissions(private).tempfile_in(beside).with_context(cannot)?;
        write(&mut fresh, token).with_context(cannot)?;
        fresh.persist(&self.file).with_context(cannot)?;
        Ok(())
    }
}

fn write(file: &mut NamedTempFile, token: &Token) -> std::io::Result<()> {
    file.write_all(token.text.danger_expose().as_bytes())?;
    file.as_file().sync_all()
}

/// Takes the file away that the command read its token from.
impl Drop for Place {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.file);
    }
}

/// How a command ended.
pub(super) struct Ended {
    /// Its status.
    pub(super) status: ExitStatus,
    /// The token that it had last.
    pub(super) token: Option<Arc<Token>>,
}

/// Runs a command with a token in a file, and where asked for in this variable, from when there is a first one; with the id of the task that
/// the token is of. Gives how it ended; it has the signals that are heard.
///
/// # Errors
/// There is no token at all, or it cannot be put into the file.
pub(super) async fn run(
    begun: impl Future<Output = Result<Fresh, NoAnswer>>,
    place: &Place,
    command: &[String],
    (variable, task): (Option<&str>, Option<&str>),
    heard: &mut Heard,
) -> anyhow::Result<Ended> {
    let Some((program, arguments)) = command.split_first() else { bail!("say what to run, behind `--`") };
    let by_terminal = std::io::stdin().is_terminal();
    let begun = async {
        let fresh = begun.await?;
        let first = fresh.token().await?;
        anyhow::Ok((fresh, first))
    };
    let (fresh, first) = tokio::select! {
        begun = begun => begun?,
        signal = heard.next() => return Ok(Ended { status: ExitStatus::from_raw(signal.as_raw()), token: None }),
    };
    place.put(&first)?;
    let mut wanted = Command::new(program);
    wanted.args(arguments).env(FILE, &place.file);
    for ours in OURS {
        wanted.env_remove(ours);
    }
    if let Some(task) = task {
        wanted.env(TASK, task);
    }
    if let Some(variable) = variable {
        wanted.env(variable, OsStr::new(first.text.danger_expose()));
    }
    let child = match wanted.spawn() {
        Ok(child) => child,
        Err(error) => {
            note(&format!("error: cannot run `{}`: {error}", plain(program)));
            return Ok(Ended { status: ExitStatus::from_raw(i32::from(NOT_RUN) << 8), token: Some(first) });
        }
    };
    let pid = pid(&child).context("the command has no process id")?;
    let waited = tokio::task::spawn_blocking(move || {
        let mut child = child;
        child.wait()
    });
    tokio::pin!(waited);
    // The newest that there is, and the one that the command has: where the file could not be written these are two.
    let (mut seen, mut held) = (Arc::clone(&first), first);
    loop {
        tokio::select! {
            ended = &mut waited => return Ok(Ended { status: ended??, token: Some(held) }),
            signal = heard.next() => {
                // The terminal sends these to the command too: it is not to have them twice.
                if !(by_terminal && matches!(signal, Signal::INT | Signal::QUIT)) {
                    // It may have ended just now.
                    let _ended = kill_process(pid, signal);
                }
            }
            Some(next) = fresh.after(&seen) => {
                held = renewed(place, held, &next);
                seen = next;
            }
        }
    }
}

/// Gives the token that the command has from now on: the one before, where the next cannot be put into its place.
fn renewed(place: &Place, held: Arc<Token>, next: &Arc<Token>) -> Arc<Token> {
    match place.put(next) {
        Ok(()) => Arc::clone(next),
        Err(error) => {
            note(&format!("warning: {error:#}: the command has the token before"));
            held
        }
    }
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// How this process ends when the command ended so.
pub(super) fn exit(status: ExitStatus) -> Exit {
    let code = status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal)).unwrap_or(1);
    Exit::Of(u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests;
