use super::*;
use smallvec::smallvec;

fn part(signal: Signal, weight: u8) -> Contribution {
    Contribution { signal, value: 1, weight }
}

fn made_of(parts: &[(Signal, u8)]) -> Assessment {
    Assessment::of(parts.iter().map(|(signal, weight)| part(*signal, *weight)).collect())
}

const HIGH: Plan = Plan::of(Sensitivity::High);

#[test]
fn each_takes_its_share_of_what_is_left() {
    assert_eq!(made_of(&[]).risk, 0);
    assert_eq!(made_of(&[(Signal::Rate, 40)]).risk, 40);
    assert_eq!(made_of(&[(Signal::Rate, 40), (Signal::Drip, 50)]).risk, 70);
    assert_eq!(made_of(&[(Signal::Rate, 100), (Signal::Drip, 50)]).risk, 100);
    assert_eq!(Assessment::of(smallvec![part(Signal::Rate, 0)]).parts.len(), 0, "what contributes nothing is not told");
    let heaviest = made_of(&[(Signal::Rate, 10), (Signal::Drip, 50)]);
    assert_eq!(heaviest.parts.first().map(|part| part.signal), Some(Signal::Drip));
}

#[test]
fn a_passed_challenge_clears_theft_and_nothing_else() {
    let both = made_of(&[(Signal::Shared, 70), (Signal::Volume, 50)]);
    assert_eq!(both.theft(), 70);
    assert_eq!(both.cleared().risk, 50);
}

#[test]
fn what_follows_is_stricter_the_higher_it_is() {
    let of = |risk| HIGH.response(&made_of(&[(Signal::Volume, risk)]), Ladder::Nothing);
    assert_eq!(of(44), Response::Allow);
    assert!(matches!(of(45), Response::Slow { .. }));
    assert!(matches!(of(79), Response::Slow { delay } if delay <= SLOW_MAX));
    assert_eq!(of(80), Response::Block);
    assert!((0..100).all(|risk| of(risk) <= of(risk + 1)), "never milder for a higher risk");
}

#[test]
fn theft_is_asked_about_where_the_owner_can_answer() {
    let stolen = made_of(&[(Signal::NewPlace, 40), (Signal::Shared, 60)]);
    assert_eq!(HIGH.response(&stolen, Ladder::Possession), Response::Challenge { kind: Challenge::Possession });
    assert_eq!(HIGH.response(&stolen, Ladder::StepUp), Response::Challenge { kind: Challenge::StepUp });
    assert_eq!(HIGH.response(&stolen, Ladder::Nothing), Response::Block, "a key that is stolen cannot buy its way up");
    let hopeless = made_of(&[(Signal::Shared, 60), (Signal::Volume, 90)]);
    assert_eq!(HIGH.response(&hopeless, Ladder::Possession), Response::Block, "an answer would not help");
    assert_eq!(HIGH.response(&hopeless, Ladder::StepUp), Response::Block);
}

#[test]
fn names_are_read_back() {
    for signal in Signal::ALL {
        assert_eq!(Signal::parse(signal.as_str()), Some(*signal));
    }
}
