//! The binary `wardgate`. What it does is in the library beside it.

use clap::Parser as _;
use std::process::ExitCode;

/// A request allocates on a door's thread, and its event is freed on the log's: docs/adr/005.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wardgate::commands::run(wardgate::cli::Cli::parse()).into()
}
