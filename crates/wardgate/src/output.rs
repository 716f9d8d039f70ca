//! What is printed. Colour only on a terminal and never under `NO_COLOR`; a reader that goes away ends us quietly.

mod page;
mod table;

pub use page::Page;
pub use table::table;

use anstyle::{AnsiColor, Style};
use std::{
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    pin::pin,
    time::Duration,
};

/// What takes longer than this is told to a person who waits, in seconds.
const QUIET_SECONDS: u64 = 2;

/// How a command ended (CONTRACT "Commands").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// It failed.
    Failed,
    /// Wrong usage or invalid input.
    Invalid,
    /// The answer is "no".
    No,
    /// As the command ended that was run.
    Of(u8),
}

impl Exit {
    /// The process's exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Invalid => 2,
            Self::No => 3,
            Self::Of(code) => code,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Bold.
pub const BOLD: Style = Style::new().bold();
/// Of lesser weight.
pub const DIM: Style = Style::new().dimmed();
/// Good.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Stopped, refused.
pub const STOPPED: Style = AnsiColor::Yellow.on_default();
/// Bad.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// A name.
pub const NAME: Style = AnsiColor::Cyan.on_default();

/// `text` in a style.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes text to standard output as it is.
///
/// # Errors
/// When the reader is gone or the disk is full.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a line to standard output.
///
/// # Errors
/// As [`print()`].
pub fn line(text: &str) -> io::Result<()> {
    print(&format!("{text}\n"))
}

/// Writes a line to standard error; nobody is told if that fails.
pub fn note(text: &str) {
    let mut out = anstream::stderr().lock();
    drop(writeln!(out, "{text}"));
}

/// Says on standard error what went wrong; nobody is told if that fails.
pub fn error(text: &str) {
    note(&format!("{}: {text}", styled(BAD, "error")));
}

/// So many of something that is written with an `s` for several: `1 event`, `2 events`.
#[must_use]
pub fn number(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Waits for something; on a terminal it says so while that takes long.
pub async fn waiting<T>(doing: impl Future<Output = T>) -> T {
    let mut doing = pin!(doing);
    if !io::stderr().is_terminal() {
        return doing.await;
    }
    let mut seconds = 0_u64;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            biased;
            done = &mut doing => {
                if seconds > QUIET_SECONDS {
                    drop(anstream::stderr().lock().write_all(b"\r\x1b[K"));
                }
                return done;
            }
            _ = tick.tick() => {
                if seconds >= QUIET_SECONDS {
                    drop(write!(anstream::stderr().lock(), "\r{}", styled(DIM, &format!("… {seconds} s"))));
                }
                seconds += 1;
            }
        }
    }
}

/// Writes one JSON document over several lines.
///
/// # Errors
/// As [`print()`].
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Writes one JSON object on one line.
///
/// # Errors
/// As [`print()`].
pub fn json_line<T: serde::Serialize + ?Sized>(value: &T) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// What others wrote, made harmless for a terminal: control characters, escape sequences among them, are spelt out.
#[must_use]
pub fn plain(text: &str) -> String {
    let hostile = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}');
    if !text.contains(hostile) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        if hostile(c) {
            plain.extend(c.escape_default())
        } else {
            plain.push(c)
        }
        plain
    })
}

#[cfg(test)]
mod tests;
