use super::Pace;
use std::time::Duration;
use wardgate_model::time::Time;

/// Each step as `wait`, `rest` or a number of bytes, a second apart → at which second it is too slow, at 100 bytes a second after 5 s.
fn check(steps: &[&str]) -> Option<i64> {
    let pace = Pace::default();
    (0_i64..).zip(steps).find_map(|(second, step)| {
        let now = Time::from_seconds(second);
        match *step {
            "wait" => pace.wait(now),
            "rest" => pace.rest(now),
            bytes => {
                pace.rest(now);
                pace.moved(bytes.parse().unwrap());
                pace.wait(now);
            }
        }
        pace.is_slow(now, 100, Duration::from_secs(5)).then_some(second)
    })
}

#[test]
fn only_the_time_of_its_turn_counts() {
    assert_eq!(check(&["wait"; 20]), Some(6));
    assert_eq!(check(&["1"; 20]), Some(6));
    assert_eq!(check(&["100"; 60]), None);
    assert_eq!(check(&["90"; 200]), Some(60));
    // Who is not waited for is not slow.
    assert_eq!(check(&["rest"; 60]), None);
    assert_eq!(check(&["wait", "rest"].repeat(5)), None);
    assert_eq!(check(&["wait", "rest"].repeat(20)), Some(11));
}
