//! Running the binary.

use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The one JSON document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the exit status.
    pub(crate) fn with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

fn command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env_remove("WARDGATE_URL").env_remove("WARDGATE_TOKEN").stdin(Stdio::null());
    command
}

/// Runs `wardgate` in a directory.
pub(crate) fn wardgate(directory: &Path, arguments: &[&str]) -> Ended {
    Ended::of(&command(env!("CARGO_BIN_EXE_wardgate"), directory).args(arguments).output().unwrap())
}

/// Runs `wardgate` in a directory with something on standard input.
pub(crate) fn wardgate_fed(directory: &Path, arguments: &[&str], input: &str) -> Ended {
    wardgate_with(directory, arguments, &[], input)
}

/// Runs `wardgate` in a directory with variables and something on standard input.
pub(crate) fn wardgate_with(directory: &Path, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Ended {
    let mut child = command(env!("CARGO_BIN_EXE_wardgate"), directory)
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ended::of(&child.wait_with_output().unwrap())
}

/// Runs `curl` in a directory: status and body.
pub(crate) fn curl(directory: &Path, arguments: &[&str]) -> (String, String) {
    let output = command("curl", directory).args(["-sS", "-m", "60", "-w", "\n%{http_code}"]).args(arguments).output().unwrap();
    let ended = Ended::of(&output);
    let (body, status) = ended.out.rsplit_once('\n').unwrap_or_else(|| panic!("{ended:?}"));
    (status.to_owned(), body.to_owned())
}

/// A gate that serves; taken down when dropped.
pub(crate) struct Serving(Child);

impl Serving {
    /// Starts a command that serves after it said something on standard output: it, and what was said until then.
    pub(crate) fn tour(arguments: &[&str], until: &str) -> (Self, String) {
        Self::heard(command(env!("CARGO_BIN_EXE_wardgate"), Path::new(".")).args(arguments), until)
    }

    /// The same below a shell that has done something first: `trap "" HUP`, as `nohup` does.
    pub(crate) fn tour_after(first: &str, arguments: &[&str], until: &str) -> (Self, String) {
        let script = format!("{first}; exec \"$@\"");
        let mut shell = command("sh", Path::new("."));
        Self::heard(shell.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_wardgate")]).args(arguments), until)
    }

    fn heard(command: &mut Command, until: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut heard = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.by_ref().map_while(Result::ok).any(|line| {
            heard.push_str(&line);
            heard.push('\n');
            line.contains(until)
        });
        assert!(said, "{heard}");
        // Somebody has to read what it goes on to say, or it would wait for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        (Self(child), heard)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Tells it to end (SIGTERM) and waits; its exit status.
    pub(crate) fn end(self) -> Option<i32> {
        self.ended_by("TERM")
    }

    /// The same by another signal.
    pub(crate) fn ended_by(mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.0.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
