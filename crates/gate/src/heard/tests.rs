use super::LastHeard;
use std::time::Duration;
use wardgate_model::time::Time;

#[test]
fn a_word_grows_old_and_a_new_one_is_new() {
    let (start, second) = (Time::from_seconds(1_800_000_000), Duration::from_secs(1));
    let heard = LastHeard::at(start);
    assert!(!heard.is_stale(second, start + second) && heard.is_stale(second, start + second * 2));
    heard.note(start + second * 2);
    assert!(!heard.is_stale(second, start + second * 2));
    assert!(!heard.is_stale(second, start), "a clock that was put back makes nothing old");
    assert!(!LastHeard::default().is_stale(Duration::ZERO, start + second * 1_000_000));
}
