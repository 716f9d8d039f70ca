use super::{LATEST, span};
use proptest::prelude::*;
use wardgate_model::{limit::Window, time::Time};

fn check(window: &str, now: &str, start: &str, until: &str) {
    let at = |text: &str| Time::parse(text).expect("a moment").as_micros();
    let found = span(Window::parse(window).expect("a window"), Time::from_micros(at(now)));
    assert_eq!((found.start, found.until), (at(start), at(until)), "{window} of {now}");
}

#[test]
fn windows_follow_the_calendar() {
    check("minute", "2026-11-22T03:59:59.999999Z", "2026-11-22T03:59:00Z", "2026-11-22T04:00:00Z");
    check("minute", "2026-11-22T04:00:00Z", "2026-11-22T04:00:00Z", "2026-11-22T04:01:00Z");
    check("hour", "2026-12-31T23:30:00Z", "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z");
    check("day", "2028-02-28T23:59:59Z", "2028-02-28", "2028-02-29");
    check("month", "2028-02-29T12:00:00Z", "2028-02-01", "2028-03-01");
    check("month", "2027-02-28T23:59:59.999999Z", "2027-02-01", "2027-03-01");
    check("month", "2100-02-28T23:59:59Z", "2100-02-01", "2100-03-01");
    check("month", "2000-02-29T00:00:00Z", "2000-02-01", "2000-03-01");
    check("month", "2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01");
    check("month", "2027-01-01T00:00:00Z", "2027-01-01", "2027-02-01");
}

#[test]
fn absurd_clocks_have_a_window_that_holds_them() {
    for window in Window::ALL {
        for micros in [i64::MIN, -1, i64::MAX] {
            let found = span(*window, Time::from_micros(micros));
            let held = micros.clamp(0, LATEST);
            assert!(found.start <= held && held < found.until, "{window} at {micros}: {found:?}");
        }
    }
}

proptest! {
    #[test]
    fn a_window_holds_its_moment_and_touches_the_next(micros in 0..LATEST) {
        for window in Window::ALL {
            let here = span(*window, Time::from_micros(micros));
            prop_assert!(here.start <= micros && micros < here.until);
            prop_assert_eq!(span(*window, Time::from_micros(here.start)), here);
            prop_assert_eq!(span(*window, Time::from_micros(here.until - 1)), here);
            if here.until <= LATEST {
                prop_assert_eq!(span(*window, Time::from_micros(here.until)).start, here.until);
            }
        }
    }
}
