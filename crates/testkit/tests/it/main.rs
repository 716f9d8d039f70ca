//! The fuzz targets of the doors, which only tests and the example may reach from here.

#[cfg(test)]
mod conformance;
#[path = "../../examples/fuzz/engine.rs"]
mod engine;
#[path = "../../examples/fuzz/llhttp.rs"]
mod llhttp;
#[path = "../../examples/fuzz/records.rs"]
mod records;
#[path = "../../examples/fuzz/wire.rs"]
mod wire;

use wardgate_testkit::fuzz::Run;

#[test]
fn the_wire_guard_says_the_same_however_bytes_come() {
    let mut run = Run::new(wire::TARGET, wire::TARGET.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(20_000).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= 25, "only {} different outcomes", run.outcomes());
}

#[test]
fn the_engine_reads_what_the_guard_passes_as_the_same_requests() {
    let mut run = Run::new(engine::TARGET, engine::TARGET.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(20_000).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= 6, "only {} different outcomes", run.outcomes());
}

#[test]
fn llhttp_reads_what_the_guard_passes_as_the_same_requests() {
    let mut run = Run::new(llhttp::TARGET, llhttp::TARGET.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(10_000).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= 12, "only {} different outcomes", run.outcomes());
}

#[test]
fn records_are_what_a_parser_finds_however_an_answer_comes() {
    let mut run = Run::new(records::TARGET, records::TARGET.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(40_000).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= 8, "only {} different outcomes", run.outcomes());
}
