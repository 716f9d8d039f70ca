//! Stories of what an owner is told and nobody is held back for: what was taken on other days, and rights that are taken one by one.

use super::{Announced, DAY, IdentityId, OWNER, Story, said};
use crate::testing::{at, facts};
use std::time::Duration;
use wardgate_model::risk::Assessment;

/// Weeks of a caller that takes more in the last days than it used to, and what is told of a call after them.
fn after_a_drip(words: &str) -> Assessment {
    let mut story = Story::new();
    for day in 0..18 {
        let records = if day < 14 { 100 } else { 140 };
        for _ in 0..24 {
            story.call(&format!("{OWNER} class=list records={records}"));
            story.now = story.now + Duration::from_hours(1);
        }
    }
    story.watch.assess(&facts(words), &super::Payload::default(), story.now)
}

#[test]
fn for_what_it_took_on_other_days_no_call_is_held_back() {
    let own = after_a_drip(OWNER);
    assert_eq!((said(&own).as_str(), own.risk), ("drip", 30));
    // A new program is slowed by nobody, and is not for the days before either.
    let deployed = after_a_drip("identity=a source=198.18.4.20 tls=shop-2");
    assert!(said(&deployed).contains("new_software") && (30..=31).contains(&deployed.risk), "{deployed:?}");
    let thief = after_a_drip("identity=a source=192.0.2.9 tls=curl");
    assert!(thief.risk >= 80 && !said(&thief).contains("drip"), "what tells by itself needs no drip: {thief:?}");
}

#[test]
fn rights_that_are_taken_one_by_one_are_told_and_held_back_only_when_they_come_together() {
    let mut story = Story::new();
    story.calls(OWNER, 8 * DAY, Duration::from_mins(7));
    let first = story.call(&format!("{OWNER} op=GET:/one"));
    assert!(first.risk < 30, "one new operation is what a new version has: {first:?}");
    story.calls(OWNER, Duration::from_hours(30), Duration::from_mins(7));
    let second = story.call(&format!("{OWNER} op=GET:/two"));
    assert!((30..40).contains(&second.risk), "it is told, and waits for nothing: {second:?}");
    story.calls(OWNER, 8 * DAY, Duration::from_mins(7));
    let later = story.call(&format!("{OWNER} op=GET:/three"));
    assert_eq!(later.risk, 30, "the third within a month, however far apart, and it waits for nothing: {later:?}");
}

/// Who takes one right that none of its peers uses is told once it does so again and again; who comes once is not.
#[test]
fn a_right_that_becomes_a_habit_is_told_and_one_that_peers_use_is_not() {
    let risks = |peers: bool, announced: bool| {
        let mut story = Story::new();
        let right = "op=PUT:/right class=read";
        for hour in 0..10 * 24_u32 {
            if hour == 9 * 24 && announced {
                story.watch.announce(&Announced::Identity(IdentityId::parse("a").unwrap()), story.now + 2 * DAY);
            }
            story.call(OWNER);
            if peers {
                story.call(&format!("identity=peer source=198.18.5.20 tls=shop {right}"));
            }
            story.now = story.now + Duration::from_hours(1);
        }
        let four = (0..4).map(|_| {
            let risk = story.call(&format!("{OWNER} {right}")).risk;
            story.now = story.now + Duration::from_hours(2);
            risk
        });
        four.collect::<Vec<_>>()
    };
    assert_eq!(risks(false, false), [18, 18, 30, 30], "the third hour makes it a habit");
    assert!(risks(true, false).iter().all(|risk| *risk < 30));
    assert!(risks(false, true).iter().all(|risk| *risk < 30), "announced");
}

/// Days of a caller that takes two new rights on the last of them. Before, it goes by each as the words say, once a day.
fn after_trying(beforehand: Option<&str>) -> Assessment {
    let mut story = Story::new();
    story.calls(OWNER, 8 * DAY, Duration::from_mins(7));
    for day in 0..5 {
        for operation in ["GET:/one", "GET:/two"] {
            match beforehand {
                Some("refused") => drop(story.says(&format!("{OWNER} op={operation}"))),
                Some(words) => drop(story.call(&format!("{OWNER} op={operation} {words}"))),
                None => {}
            }
            // What is tried is tried far enough from each other to be told of none.
            story.calls(OWNER, Duration::from_hours(if day < 4 { 12 } else { 36 }), Duration::from_mins(7));
        }
    }
    story.call(&format!("{OWNER} op=GET:/one"));
    story.calls(OWNER, Duration::from_hours(6), Duration::from_mins(7));
    story.call(&format!("{OWNER} op=GET:/two"))
}

#[test]
fn to_have_tried_rights_beforehand_makes_nothing_usual() {
    let found = after_trying(None);
    assert!((30..40).contains(&found.risk), "{found:?}");
    for beforehand in ["refused", "status=404", "status=403", "status=500"] {
        let found = after_trying(Some(beforehand));
        assert!(found.risk >= 30 && said(&found).contains("new_operation"), "{beforehand}: {found:?}");
    }
}

#[test]
fn what_is_never_served_stays_new_and_is_told_to_nobody() {
    let mut story = Story::new();
    story.calls(OWNER, 8 * DAY, Duration::from_mins(7));
    for _ in 0..10 * 24 {
        let found = story.call(&format!("{OWNER} op=POST:/ensured class=write status=409"));
        story.calls(OWNER, Duration::from_hours(1), Duration::from_mins(7));
        assert!(story.now < at("2026-06-10T00:00:00Z") || found.risk < 30, "{found:?}");
    }
}

#[test]
fn what_its_peers_do_too_is_told_where_it_is_much() {
    let mut story = Story::new();
    let mine = "identity=a kind=partner source=198.18.4.20 tls=shop";
    let operation = |number: u32| format!("op=GET:/more{number}");
    for round in 0..8 * 24 * 4_u32 {
        story.call(&format!("{mine} op=GET:/own{}", round % 4));
        story.call(&format!("identity=peer kind=partner source=198.18.5.20 tls=shop {}", operation(round % 6)));
        story.now = story.now + Duration::from_mins(15);
    }
    let risks: Vec<u8> = (0..6)
        .map(|number| {
            let risk = story.call(&format!("{mine} {}", operation(number))).risk;
            story.calls(&format!("{mine} op=GET:/own0"), Duration::from_hours(13), Duration::from_mins(15));
            risk
        })
        .collect();
    assert!(risks.iter().take(3).all(|risk| *risk < 30), "{risks:?}");
    assert!(risks.iter().skip(3).all(|risk| (30..40).contains(risk)), "{risks:?}");
}
