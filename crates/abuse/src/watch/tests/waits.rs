//! Stories of those who are told to wait: clients that do, workers of one identity that do not hear each other, and who hammers on.

use super::{DAY, MINUTES, OWNER, Story, said};
use crate::testing::facts;
use std::time::Duration;
use wardgate_model::{facts::Facts, risk::Signal};

impl Story {
    /// A call that is refused, with a word on when to come back; what is told of it before.
    fn refused_for(&mut self, words: &str, seconds: u64) -> u8 {
        let facts = Facts { time: self.now, ..facts(words) };
        let assessment = self.watch.assess(&facts, &super::Payload::default(), self.now);
        self.refuse(&facts, wardgate_model::reason::Reason::ReserveRate);
        self.watch.told_to_wait(&facts, seconds, self.now);
        assessment.parts.iter().find(|part| part.signal == Signal::Deaf).map_or(0, |part| part.weight)
    }
}

#[test]
fn who_hammers_on_is_told_a_little_and_never_refused_for_it() {
    let mut story = Story::new();
    story.calls(OWNER, 2 * DAY, MINUTES);
    let mut weights = Vec::new();
    for _ in 0..40_000 {
        let weight = story.refused_for(OWNER, 30);
        if weights.last() != Some(&weight) {
            weights.push(weight);
        }
        story.now = story.now + Duration::from_millis(300);
    }
    assert_eq!(weights, [0, 10, 20, 30]);
    story.now = story.now + Duration::from_mins(1);
    assert_eq!(said(&story.call(OWNER)), "", "who comes back in time is as ever");
}

#[test]
fn who_waits_is_not_told() {
    let mut story = Story::new();
    story.calls(OWNER, 2 * DAY, MINUTES);
    for round in 0..500_u64 {
        let seconds = 1 + round % 60;
        // Others were under way when it was told.
        for _ in 0..20 {
            assert_eq!(story.refused_for(OWNER, seconds), 0);
        }
        story.now = story.now + Duration::from_secs(seconds + 1);
    }
}

#[test]
fn to_wait_with_one_operation_is_not_to_wait_with_others() {
    let mut story = Story::new();
    story.calls(OWNER, 2 * DAY, MINUTES);
    let other = format!("{OWNER} op=GET:/other");
    story.calls(&other, 2 * DAY, MINUTES);
    for _ in 0..200 {
        story.refused_for(OWNER, 3_600);
        story.now = story.now + Duration::from_secs(5);
        assert!(!said(&story.call(&other)).contains("deaf"));
    }
}

#[test]
fn nobody_is_held_to_it_for_days() {
    let mut story = Story::new();
    story.calls(OWNER, 2 * DAY, MINUTES);
    for _ in 0..100 {
        assert_eq!(story.refused_for(OWNER, u64::MAX), 0);
        story.now = story.now + Duration::from_secs(3_601);
    }
}
