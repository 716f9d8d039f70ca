//! Prints `docs/signals.md`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().lock().write_all(wardgate_testkit::reference::signals().as_bytes())
}
