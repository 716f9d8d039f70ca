use super::{lines, metrics};
use crate::control::AskedState;
use std::time::Duration;
use wardgate_feeds::{
    document::Topic,
    feed::{Failure, FeedId, FeedState},
};
use wardgate_model::{id::TrustName, time::Time};

fn now() -> Time {
    Time::from_micros(1_700_000_000_000_000)
}

fn state(name: &str) -> FeedState {
    FeedState {
        feed: FeedId { trust: TrustName::parse(name).unwrap(), topic: Topic::Keys, origin: format!("https://{name}.example").into() },
        success: None,
        failure: None,
        failures: 0,
        fetches: 1,
        good_until: None,
        count: 0,
        skipped: 0,
        waited: 0,
        turned_away: 0,
    }
}

fn good(name: &str) -> FeedState {
    let success = now().since(Time::from_micros(0)).saturating_sub(Duration::from_secs(90));
    let good_until = Some(now() + Duration::from_secs(60));
    FeedState { success: Some(Time::from_micros(0) + success), good_until, count: 2, fetches: 7, ..state(name) }
}

fn failed(state: FeedState, why: &str) -> FeedState {
    FeedState { failure: Some(Failure { at: now(), why: why.into(), takes_back: false }), failures: 3, ..state }
}

#[test]
fn who_cannot_verify_is_named_with_the_reason() {
    let old = FeedState { good_until: None, count: 0, ..good("old") };
    let states = [
        good("ci"),
        failed(good("cloud"), "it answered 500"),
        failed(old, "it answered 404"),
        failed(state("lab"), "no such host"),
        state("new"),
    ];
    insta::assert_snapshot!(lines(&states, &[], now()), @"
    trust source `old`: the keys from `https://old.example` are too old, last fetched 2023-11-14T22:11:50Z: it answered 404
    trust source `lab`: the keys from `https://lab.example` were never fetched: no such host
    trust source `new`: the keys from `https://new.example` were not fetched yet
    ");
    assert_eq!(lines(&states[..2], &[], now()), "", "last good keys count, however often fetching fails");
}

#[test]
fn who_would_take_back_what_it_said_is_named_though_the_last_good_counts() {
    let back = |state: FeedState| FeedState { failure: state.failure.map(|failure| Failure { takes_back: true, ..failure }), ..state };
    let of = |state: FeedState, topic| FeedState { feed: FeedId { topic, ..state.feed.clone() }, ..state };
    let states = [
        of(back(failed(good("mesh"), "it has no list of `acme` any more")), Topic::Revocations),
        of(back(failed(good("far"), "it is older")), Topic::Bundle),
    ];
    insta::assert_snapshot!(lines(&states, &[], now()), @"
    trust source `mesh`: the revocations from `https://mesh.example`, fetched 2023-11-14T22:11:50Z, count on: it has no list of `acme` any more
    trust source `far`: the bundle from `https://far.example`, fetched 2023-11-14T22:11:50Z, counts on: it is older
    ");
}

#[test]
fn bundles_and_revocation_lists_are_told_apart() {
    let of = |state: FeedState, topic| FeedState { feed: FeedId { topic, ..state.feed.clone() }, ..state };
    let states = [of(state("mesh"), Topic::Bundle), of(failed(state("mesh"), "it answered 404"), Topic::Revocations)];
    insta::assert_snapshot!(lines(&states, &[], now()), @"
    trust source `mesh`: the bundle from `https://mesh.example` was not fetched yet
    trust source `mesh`: the revocations from `https://mesh.example` were never fetched: it answered 404
    ");
    let text = metrics(&[of(good("mesh"), Topic::Bundle), of(good("mesh"), Topic::Revocations)], &[], now());
    let of_mesh: Vec<&str> = text.lines().filter(|line| line.contains("{trust=\"mesh\"} 2")).collect();
    assert_eq!(of_mesh, ["wardgate_trust_keys{trust=\"mesh\"} 2", "wardgate_trust_revocation_lists{trust=\"mesh\"} 2"]);
}

#[test]
fn many_are_counted_and_not_named() {
    let states: Vec<FeedState> = (0..25).map(|at| state(&format!("issuer-{at}"))).collect();
    let text = lines(&states, &[], now());
    assert_eq!((text.lines().count(), text.lines().last()), (11, Some("trust sources that cannot verify, besides: 15")));
}

/// Two that are asked about their tokens.
fn asked() -> Vec<(TrustName, AskedState)> {
    let state = |name: &str, state| (TrustName::parse(name).unwrap(), state);
    vec![state("idp", AskedState { questions: 3, failing: Some("no answer".into()) }), state("saas", AskedState::default())]
}

#[test]
fn who_cannot_be_asked_is_named() {
    assert_eq!(lines(&[], &asked(), now()), "trust source `idp`: its tokens cannot be asked about: no answer\n");
}

#[test]
fn every_source_is_counted_once() {
    let keys = good("ci");
    let other = FeedState { feed: FeedId { origin: "https://elsewhere.example".into(), ..keys.feed.clone() }, ..state("ci") };
    insta::assert_snapshot!(metrics(&[keys, failed(other, "slow"), state("new")], &asked(), now()), @r#"
    # HELP wardgate_trust_keys Fetched keys and anchors of a trust source that count.
    # TYPE wardgate_trust_keys gauge
    wardgate_trust_keys{trust="ci"} 2
    wardgate_trust_keys{trust="new"} 0
    # HELP wardgate_trust_age_seconds Seconds since the keys of a trust source were last fetched; none before the first time.
    # TYPE wardgate_trust_age_seconds gauge
    wardgate_trust_age_seconds{trust="ci"} 90
    # HELP wardgate_trust_failing 1 while the last fetch from a trust source, or the last question to it, failed.
    # TYPE wardgate_trust_failing gauge
    wardgate_trust_failing{trust="ci"} 1
    wardgate_trust_failing{trust="idp"} 1
    wardgate_trust_failing{trust="new"} 0
    wardgate_trust_failing{trust="saas"} 0
    # HELP wardgate_trust_fetches_total Fetches from a trust source that were begun.
    # TYPE wardgate_trust_fetches_total counter
    wardgate_trust_fetches_total{trust="ci"} 8
    wardgate_trust_fetches_total{trust="new"} 1
    # HELP wardgate_trust_questions_total Questions that a trust source was asked about its opaque tokens.
    # TYPE wardgate_trust_questions_total counter
    wardgate_trust_questions_total{trust="idp"} 3
    wardgate_trust_questions_total{trust="saas"} 0
    # HELP wardgate_trust_revocation_lists Fetched revocation lists of a trust source that count.
    # TYPE wardgate_trust_revocation_lists gauge
    "#);
    assert_eq!(metrics(&[], &[], now()), "");
}
