use super::BEATS;
use std::time::Duration;
use wardgate_store::BEAT;

/// What the documents promise. Over sockets it would be a race with whatever else the machine does.
#[test]
fn a_store_that_does_not_answer_is_known_within_three_seconds() {
    // The pause between two questions, and the time that one of them has.
    assert!(BEATS + BEAT <= Duration::from_secs(3), "{BEATS:?} {BEAT:?}");
}
