//! `wardgate-query`: the query engine of the event log.

use std::process::ExitCode;

fn main() -> ExitCode {
    wardgate_query::command::run()
}
