//! Limits per person: those that clients call on behalf of, and sessions.

use super::{after, meters, tried};
use crate::{
    MeterBounds, Meters, Unrecorded,
    testing::{at, facts, limits},
};
use std::sync::Arc;

#[test]
fn a_thousand_people_of_one_client_are_a_thousand_and_one_of_them_cannot_spend_all() {
    let limits = limits(
        "name=person per=person rate=1/1000ms burst=2 quota=5/day concurrency=2\nname=client per=identity rate=5000/1000ms burst=5000 quota=9000/day",
    );
    let meters = meters();
    let person = |client: &str, person: &str| facts(&format!("identity={client} person={person}"));
    for n in 0..1000 {
        assert_eq!(tried(&meters, &limits, &person("app", &format!("p{n}")), after(0)), "+", "{n}");
    }
    let greedy = person("app", "p7");
    assert_eq!(tried(&meters, &limits, &greedy, after(0)), "+");
    assert_eq!(tried(&meters, &limits, &greedy, after(0)), "reserve.rate_exceeded person 1");
    assert_eq!(tried(&meters, &limits, &person("app", "p8"), after(0)), "+", "the others go on");
    assert_eq!(tried(&meters, &limits, &person("other", "p7"), after(0)), "+", "nobody spends another client's part of a person");
    for second in 1..4 {
        assert_eq!(tried(&meters, &limits, &greedy, after(second * 1_000_000)), "+");
    }
    assert_eq!(tried(&meters, &limits, &greedy, after(9_000_000)), "reserve.quota_exceeded person 43191");
    let held: Vec<_> = (0..2).map(|_| meters.reserve(&limits, &person("app", "p9"), after(9_000_000)).expect("a place")).collect();
    assert_eq!(tried(&meters, &limits, &person("app", "p9"), after(11_000_000)), "reserve.concurrency_exceeded person 1");
    drop(held);
    assert_eq!(tried(&meters, &limits, &facts("identity=app"), after(9_000_000)), "+", "who names nobody is not a person");
}

#[test]
fn made_up_sessions_take_room_from_their_own_source_only() {
    let limits = limits("name=person per=person rate=1/1000ms burst=2 quota=2/day");
    let bounds = MeterBounds { named_max: 10, sources_max: 10, persons_max: 4, sessions_max: 40 };
    let meters = Meters::new(Arc::new(Unrecorded), bounds);
    let session = |name: &str, source: &str| facts(&format!("identity=people person={name} source={source}"));
    let admitted = (0..1000).filter(|n| tried(&meters, &limits, &session(&format!("s{n}"), "192.0.2.1"), after(0)) == "+");
    assert_eq!(admitted.count(), 20 + 2, "twenty of their own (a rate and a quota each), the rest as one");
    assert_eq!(tried(&meters, &limits, &session("honest", "192.0.2.9"), after(0)), "+", "another source has a meter of its own");
    assert_eq!(tried(&meters, &limits, &session("s0", "192.0.2.9"), after(0)), "+", "who was there before keeps theirs");
    let person = |client: &str, name: &str| tried(&meters, &limits, &facts(&format!("identity={client} person={name}")), after(0));
    assert_eq!((person("app", "a"), person("app", "b")), ("+".into(), "+".into()), "people of a client have room of their own");
    let more: Vec<_> = ["c", "d", "e"].map(|name| person("app", name)).into();
    assert_eq!(more, ["+", "+", "reserve.rate_exceeded person 1"], "beyond it they are counted as one");
    assert_eq!(person("other", "c"), "+", "another client's newcomers are not");
    assert!(meters.len() <= 40 + 4 + 10 + 10);
    meters.sweep(at("2026-11-24T00:00:00Z"));
    assert!(meters.is_empty(), "an idle session is forgotten");
}
