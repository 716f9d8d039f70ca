//! What doors cost over real sockets, in CPU time of a process of their own: `cargo bench -p wardgate-edge`.
//!
//! `handshakes`: TLS handshakes in which the client shows a certificate, at a door and at rustls alone: the same certificates, one
//! thread each, in turn. `junk`: known callers beside a source that shows nothing but bad tokens, as fast as it can, and without it;
//! further words choose kinds of junk.
//!
//! Time is what the kernel says the door's process was on a core, so that whatever else the machine does hits both sides of a ratio
//! alike. Nothing here is held against a budget; what was seen stands in `docs/budget.md`.

mod alone;
mod certificates;
mod child;
mod door;
mod handshakes;
mod junk;

use std::{io::Write as _, process::ExitCode};

/// Why a measurement is worthless.
type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["door", directory, upstream] => door::serve(directory.as_ref(), upstream),
        ["alone", directory] => alone::serve(directory.as_ref()),
        // `cargo test` builds benches and may start them: only `cargo bench` says so.
        words if !words.contains(&"--bench") => Ok(()),
        words if words.contains(&"handshakes") => handshakes::measure(),
        words if words.contains(&"junk") => junk::measure(words),
        words => handshakes::measure().and_then(|()| junk::measure(words)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            line(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints a line, at once.
fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts here lie far below 2^52")]
const fn float(count: u64) -> f64 {
    count as f64
}
