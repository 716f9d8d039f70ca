//! Prints `docs/reasons.md`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().lock().write_all(wardgate_testkit::reference::reasons().as_bytes())
}
