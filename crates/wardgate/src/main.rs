//! The binary `wardgate`. What it does is in the library beside it.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    wardgate::commands::run(wardgate::cli::Cli::parse()).into()
}
