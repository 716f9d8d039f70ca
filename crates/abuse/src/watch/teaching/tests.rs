use super::Unteachable;
use crate::{
    testing::{at, facts},
    watch::{Effect, Payload, Watch, lock},
};
use std::time::Duration;
use wardgate_model::{
    id::IdentityId,
    reason::Reason,
    ruling::{Response, Ruling},
    time::Time,
};

const USUAL: &str = "identity=a source=198.18.4.20 tls=shop";

fn ruling(risk: u8) -> Ruling {
    Ruling { response: Response::Allow, risk, ..Ruling::refused(Reason::RuleAllowed) }
}

/// A call every half an hour, for some days; when they are over.
fn days(days: u64, mut call: impl FnMut(Time)) -> Time {
    let begin = at("2026-06-01T00:00:00Z");
    for number in 0..days * 48 {
        call(begin + Duration::from_mins(30) * u32::try_from(number).expect("a few"));
    }
    begin + Duration::from_hours(24) * u32::try_from(days).expect("a few")
}

#[test]
fn what_is_taught_is_what_the_same_calls_would_have_made() {
    let (taught, called) = (Watch::default(), Watch::default());
    let (usual, effect) = (facts(USUAL), Effect { status: Some(200), records: Some(3), ..Effect::default() });
    let teaching = taught.teach(&IdentityId::literal("a")).expect("nobody knows it");
    days(16, |now| {
        let assessment = teaching.assess(&usual, now);
        teaching.learn(&usual, &ruling(assessment.risk), &effect, now);
        assert_eq!(taught.count(), 0, "it is nobody's yet");
    });
    teaching.end().expect("nobody knows it");
    days(16, |now| {
        let assessment = called.assess(&usual, &Payload::default(), now);
        called.learn(&usual, &ruling(assessment.risk), &effect, now);
    });
    assert_eq!((taught.count(), called.count()), (1, 1));
    let profile = |watch: &Watch| lock(watch.profiles.pin().get(&IdentityId::literal("a")).expect("it is known")).clone();
    assert_eq!(profile(&taught), profile(&called));
    // Nobody else is known by what somebody says.
    assert_eq!((taught.peers.pin().len(), called.peers.pin().len()), (0, 1));
}

#[test]
fn nobody_is_taught_who_has_called() {
    let (watch, a) = (Watch::default(), IdentityId::literal("a"));
    let teaching = watch.teach(&a).expect("nobody knows it");
    let now = days(5, |now| teaching.learn(&facts(USUAL), &ruling(0), &Effect { status: Some(200), ..Effect::default() }, now));
    // It calls while it is being taught.
    let thief = facts("identity=a source=192.0.2.9 tls=curl");
    let _ = watch.assess(&thief, &Payload::default(), now);
    assert_eq!(teaching.end(), Err(Unteachable::Known));
    assert_eq!(watch.assess(&thief, &Payload::default(), now).risk, 0, "it is only learned");
    assert_eq!(watch.teach(&a).err(), Some(Unteachable::Known));
    assert!(watch.forget_one(&a) && !watch.forget_one(&a));
    assert_eq!(watch.count(), 0);
    assert!(watch.teach(&a).is_ok());
}

#[test]
fn what_is_of_another_identity_is_not_taught() {
    let watch = Watch::default();
    let teaching = watch.teach(&IdentityId::literal("b")).expect("nobody knows it");
    let now = days(5, |now| {
        let _ = teaching.assess(&facts(USUAL), now);
        teaching.learn(&facts(USUAL), &ruling(0), &Effect { status: Some(200), ..Effect::default() }, now);
    });
    teaching.end().expect("nobody knows it");
    assert_eq!(watch.assess(&facts("identity=b source=192.0.2.9 tls=curl"), &Payload::default(), now).risk, 0);
}
