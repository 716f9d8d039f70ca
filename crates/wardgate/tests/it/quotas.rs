//! Quotas outlive the process: exactly after a graceful end, less at most one block after kill -9, and never more.

use crate::{
    gate::{Gate, Place},
    http::{Answer, Line, bearer},
    upstream::Upstream,
};

/// A place whose caller has a quota a month: a day ends too often while tests run.
fn with_quota(upstream: &Upstream, quota: &str) -> Place {
    let place = Place::shop(&upstream.url());
    let limit = format!("kind: Limit\nname: monthly\nspec: {{ select: {{ identity: caller }}, per: identity, quota: {quota}/month }}\n");
    place.write("resources/limits.yaml", &limit);
    place
}

fn read(gate: &Gate, key: &str, times: usize) -> Vec<Answer> {
    let (mut line, key) = (Line::open(gate.public), bearer(key));
    (0..times).map(|_| line.ask("GET /shop/things", &[("Authorization", &key)], "")).collect()
}

/// Requests answered until the quota is used up.
fn left(gate: &Gate, key: &str, most: usize) -> usize {
    let answers = read(gate, key, most + 1);
    let passed = answers.iter().take_while(|answer| answer.status == 200).count();
    let refused: Vec<String> = answers[passed..].iter().map(Answer::said).collect();
    assert!(refused.iter().all(|said| said == "429 reserve.quota_exceeded") && !refused.is_empty(), "{refused:?}");
    passed
}

/// What `RateLimit` says is left.
fn told(answer: &Answer) -> usize {
    let field = answer.field("ratelimit").unwrap_or_else(|| panic!("{answer:?}"));
    let of = field.split(", ").find(|of| of.starts_with("\"monthly")).unwrap_or_else(|| panic!("{field}"));
    of.split(';').find_map(|part| part.strip_prefix("r=")).unwrap().parse().unwrap()
}

#[test]
fn a_graceful_restart_keeps_a_quota_exactly() {
    let upstream = Upstream::plain();
    let place = with_quota(&upstream, "50");
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    let answers = read(&gate, &key, 20);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(told(&answers[19]), 30);
    assert_eq!(gate.end().0, Some(0));

    let gate = place.serve();
    assert_eq!(left(&gate, &key, 30), 30);
    // What is used up stays used up.
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    assert_eq!(left(&gate, &key, 1), 0);
    assert_eq!(upstream.received().len(), 50);
}

#[test]
fn kill_9_costs_at_most_a_block_and_gives_nothing() {
    let upstream = Upstream::plain();
    let place = with_quota(&upstream, "50");
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    read(&gate, &key, 20);
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    let answers = read(&gate, &key, 20);
    assert_eq!((told(&answers[0]), told(&answers[19])), (29, 10));
    gate.kill();

    // A block is a thousandth of the quota, at least one request (`wardgate_abuse::ledger`): here one.
    let gate = place.serve();
    let left = left(&gate, &key, 10);
    assert!((9..=10).contains(&left), "{left} were left");
    assert_eq!(upstream.received().len(), 40 + left);
}

#[test]
fn the_block_that_kill_9_may_cost_is_a_thousandth_of_the_quota() {
    let upstream = Upstream::plain();
    let place = with_quota(&upstream, "20000");
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    let before = told(read(&gate, &key, 33).last().unwrap());
    assert_eq!(before, 20_000 - 33);
    gate.kill();
    let gate = place.serve();
    let after = told(&read(&gate, &key, 1)[0]) + 1;
    assert!((before - 20..=before).contains(&after), "{after} of {before}");
    assert!(after < before, "33 requests end within a block of 20: its rest is lost, or this test tests nothing");
}
