//! Stories of those who take whole collections once a week.

use super::{DAY, Story, said};
use std::time::Duration;

const JOB: &str = "identity=a source=10.0.0.1 tls=job";
const EXPORT: &str = "identity=a source=10.0.0.1 tls=job op=GET:/export class=bulk";

/// An export that is allowed, and whether it is told to come at an hour that is not its own.
fn is_off_schedule(story: &mut Story) -> bool {
    said(&story.call(EXPORT)).contains("off_schedule")
}

/// A job that exports each Monday at two, and does small things all day; it is Monday again, a minute to two.
fn weeks(count: u32) -> Story {
    let mut story = Story::new();
    story.calls(JOB, Duration::from_hours(2), Duration::from_mins(20));
    for _ in 0..count {
        assert!(!is_off_schedule(&mut story));
        story.calls(JOB, 7 * DAY, Duration::from_mins(20));
    }
    story
}

#[test]
fn a_weekly_export_is_known_after_two_weeks() {
    let mut story = weeks(2);
    assert!(!is_off_schedule(&mut story), "its day and its hour");
    let mut story = weeks(2);
    story.calls(JOB, Duration::from_hours(20), Duration::from_mins(20));
    assert!(!is_off_schedule(&mut story), "its owner makes good for it in the evening, a week after the last");
}

#[test]
fn another_one_days_after_it_and_at_another_hour_is_told() {
    let mut story = weeks(1);
    story.call(EXPORT);
    story.calls(JOB, 2 * DAY + Duration::from_hours(11), Duration::from_mins(20));
    assert!(story.says(EXPORT).contains("off_schedule"), "seven days apart, and now two");
    story.calls(JOB, Duration::from_hours(13), Duration::from_mins(20));
    assert!(!is_off_schedule(&mut story), "at its hour it may be that its days have changed");
}

#[test]
fn who_exports_on_two_days_has_no_schedule_yet() {
    let mut story = weeks(0);
    for _ in 0..2 {
        story.call(EXPORT);
        story.calls(JOB, DAY, Duration::from_mins(20));
    }
    story.calls(JOB, Duration::from_hours(9), Duration::from_mins(20));
    assert!(!is_off_schedule(&mut story));
}

/// What is said of an export on the sixth night of a job that comes at ten past three.
fn on_a_sixth_night(hour: u64, minute: u64) -> bool {
    let mut story = Story::new();
    for _ in 0..5 {
        let night = story.now;
        story.calls(JOB, Duration::from_mins(190), Duration::from_mins(10));
        story.now = night + Duration::from_mins(190);
        assert!(!is_off_schedule(&mut story));
        story.calls(JOB, Duration::from_mins(24 * 60 - 190), Duration::from_mins(10));
        story.now = night + DAY;
    }
    story.now = story.now + Duration::from_mins(hour * 60 + minute);
    is_off_schedule(&mut story)
}

#[test]
fn what_has_a_schedule_comes_late_and_not_early() {
    for (hour, minute) in [(3, 10), (3, 6), (3, 55), (4, 20)] {
        assert!(!on_a_sixth_night(hour, minute), "{hour}:{minute}");
    }
    for (hour, minute) in [(2, 30), (2, 50), (3, 1), (1, 10), (5, 10)] {
        assert!(on_a_sixth_night(hour, minute), "{hour}:{minute}");
    }
    assert!(!on_a_sixth_night(2, 12), "clocks were put on");
}
