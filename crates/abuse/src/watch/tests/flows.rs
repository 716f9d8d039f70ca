//! Stories of what is begun and not finished: shops whose customers mostly buy and mostly do not, and who holds and never buys.

use super::{DAY, Story, said};
use std::time::Duration;
use wardgate_model::risk::{Assessment, Signal};

/// Somebody who begins things.
#[derive(Clone, Copy)]
struct Shop {
    who: &'static str,
    /// How much of what is begun comes to its end, in per cent.
    finishes: u64,
    /// How often something is begun.
    every: Duration,
    /// How long it takes to the end.
    takes: Duration,
}

const PARTNER: Shop = Shop {
    who: "identity=partner source=198.18.4.20 tls=shop",
    finishes: 90,
    every: Duration::from_mins(4),
    takes: Duration::from_mins(3),
};

/// What is told of what is begun and not finished; 0: nothing.
fn told(assessment: &Assessment) -> u8 {
    assessment.parts.iter().find(|part| part.signal == Signal::Unfinished).map_or(0, |part| part.weight)
}

impl Shop {
    fn begins(self, story: &mut Story) -> u8 {
        told(&story.call(&format!("{} op=POST:/holds class=write begins=holds", self.who)))
    }

    fn ends(self, story: &mut Story, status: u16) -> u8 {
        told(&story.call(&format!("{} op=POST:/purchases class=write finishes=holds status={status}", self.who)))
    }

    /// Goes on for a while; the most that is told of it.
    fn goes_on(self, story: &mut Story, lasting: Duration) -> u8 {
        let until = story.now + lasting;
        let (mut waiting, mut number, mut most) = (std::collections::VecDeque::new(), 0_u64, 0);
        while story.now < until {
            while waiting.front().is_some_and(|due| *due <= story.now) {
                waiting.pop_front();
                most = most.max(self.ends(story, 201));
            }
            most = most.max(self.begins(story));
            number += 1;
            if number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & 0xFFFF < self.finishes * 0xFFFF / 100 {
                waiting.push_back(story.now + self.takes);
            }
            story.now = story.now + self.every;
        }
        most
    }
}

#[test]
fn who_holds_and_does_not_buy_is_told_and_may_still_buy() {
    let mut story = Story::new();
    assert_eq!(PARTNER.goes_on(&mut story, 5 * DAY), 0);
    let thief = Shop { finishes: 0, every: Duration::from_secs(12), ..PARTNER };
    let mut held = 0;
    let weight = loop {
        held += 1;
        let weight = thief.begins(&mut story);
        story.now = story.now + thief.every;
        if weight > 0 {
            break weight;
        }
        assert!(held < 100, "{held} are held and nothing is told");
    };
    assert_eq!(weight, 92);
    assert!(held > 20, "so much has to be begun before anything is told: {held}");
    let call = story.call(&format!("{} op=POST:/purchases class=write finishes=holds", PARTNER.who));
    assert_eq!(told(&call), 0, "what is begun is let come to its end");
}

#[test]
fn a_shop_whose_customers_mostly_leave_is_as_usual() {
    let mut story = Story::new();
    let shop = Shop { finishes: 30, every: Duration::from_secs(40), ..PARTNER };
    assert_eq!(shop.goes_on(&mut story, DAY), 0, "who is new is only learned");
    assert_eq!(shop.goes_on(&mut story, 6 * DAY), 0);
    let worse = Shop { finishes: 22, ..shop };
    assert_eq!(worse.goes_on(&mut story, DAY), 0, "a bad day");
    let thief = Shop { finishes: 0, ..shop };
    assert_eq!(thief.goes_on(&mut story, Duration::from_hours(2)), 92);
}

#[test]
fn a_rush_is_none_where_it_takes_as_long_as_it_may() {
    let mut story = Story::new();
    let slow = Shop { takes: Duration::from_mins(14), ..PARTNER };
    assert_eq!(slow.goes_on(&mut story, 5 * DAY), 0);
    // Ten times as many at once, and most of them come to their end within the flow's quarter of an hour.
    for takes in [2, 7] {
        let rush = Shop { every: Duration::from_secs(20), takes: Duration::from_mins(takes), ..PARTNER };
        assert_eq!(rush.goes_on(&mut story, Duration::from_hours(2)), 0, "{takes}");
    }
}

#[test]
fn who_leaves_a_little_more_every_hour_is_told_and_not_refused() {
    let mut story = Story::new();
    PARTNER.goes_on(&mut story, 5 * DAY);
    let thief = Shop { finishes: 40, ..PARTNER };
    let most = thief.goes_on(&mut story, DAY);
    assert_eq!(most, 35);
}

#[test]
fn nobody_is_blamed_where_the_end_fails() {
    let mut story = Story::new();
    let shops = [PARTNER, Shop { who: "identity=other source=198.18.9.20 tls=other", ..PARTNER }];
    for _ in 0..5 * 24 * 15 {
        for shop in shops {
            assert_eq!(shop.begins(&mut story), 0);
            shop.ends(&mut story, 201);
        }
        story.now = story.now + PARTNER.every;
    }
    // The payment fails, and everybody tries.
    for _ in 0..60 {
        for shop in shops {
            assert_eq!(shop.begins(&mut story), 0);
            shop.ends(&mut story, 503);
        }
        story.now = story.now + Duration::from_secs(30);
    }
    // Nobody gets as far as that: it is told, and nobody is refused for it.
    let mut most = 0;
    for _ in 0..200 {
        for shop in shops {
            most = most.max(shop.begins(&mut story));
        }
        story.now = story.now + Duration::from_secs(30);
    }
    assert_eq!(most, 35);
}

#[test]
fn one_who_ends_one_thing_again_and_again_ends_one() {
    let mut story = Story::new();
    PARTNER.goes_on(&mut story, 5 * DAY);
    let mut most = 0;
    for _ in 0..200 {
        most = most.max(PARTNER.begins(&mut story));
        story.call(&format!("{} op=DELETE:/holds/{{id}} class=delete finishes=holds id=h1", PARTNER.who));
        story.now = story.now + Duration::from_secs(12);
    }
    assert_eq!(most, 92);
}

#[test]
fn what_is_asked_for_at_least_is_asked_for() {
    let mut story = Story::new();
    let shop = Shop { who: "identity=partner source=198.18.4.20 tls=shop share=100", ..PARTNER };
    shop.goes_on(&mut story, 5 * DAY);
    let thief = Shop { finishes: 5, every: Duration::from_secs(12), ..shop };
    assert_eq!(thief.goes_on(&mut story, DAY), 0, "the owner wants to hear of those only that finish nothing");
}

#[test]
fn a_network_of_people_that_only_begins_is_told_and_the_others_are_not() {
    let mut story = Story::new();
    let person = |number: u64, rest: &str| format!("identity=people source=100.64.{}.7 tls=browser {rest}", number % 200);
    let (begins, ends) = ("op=POST:/holds class=write begins=holds", "op=POST:/purchases class=write finishes=holds");
    for number in 0..6_000_u64 {
        assert_eq!(told(&story.call(&person(number, begins))), 0);
        if number % 3 == 0 {
            story.call(&person(number, ends));
        }
        story.now = story.now + Duration::from_mins(1);
    }
    let mut most = 0;
    for number in 0..300_u64 {
        most = most.max(told(&story.call(&format!("identity=people source=192.0.2.9 tls=tool {begins}"))));
        assert_eq!(told(&story.call(&person(number, begins))), 0);
        if number % 3 == 0 {
            story.call(&person(number, ends));
        }
        story.now = story.now + Duration::from_secs(10);
    }
    assert_eq!(most, 70, "its neighbours may be honest: they wait");
}

#[test]
fn what_is_risky_does_not_make_itself_usual() {
    let mut story = Story::new();
    PARTNER.goes_on(&mut story, 5 * DAY);
    let thief = Shop { finishes: 0, every: Duration::from_mins(1), ..PARTNER };
    for day in 0..6 {
        assert_eq!(thief.goes_on(&mut story, DAY), 92, "day {day}");
    }
    let _ = said(&story.call(PARTNER.who));
}
