//! Stories: days of calls on a clock of their own, and what is said of the next one.

mod exports;
mod flows;
mod told;
mod waits;

use super::{Announced, Effect, Payload, Sight, Watch};
use crate::testing::{at, facts};
use std::time::Duration;
use wardgate_model::{
    facts::Facts,
    id::{ApiName, IdentityId},
    reason::Reason,
    risk::Assessment,
    ruling::{Response, Ruling},
    time::Time,
};

const DAY: Duration = Duration::from_hours(24);

/// A watch, and its clock.
struct Story {
    watch: Watch,
    now: Time,
}

impl Story {
    fn new() -> Self {
        Self { watch: Watch::default(), now: at("2026-06-01T00:00:00Z") }
    }

    /// A call that is allowed and goes well, unless the words say otherwise (`status`, `records`).
    fn call(&mut self, words: &str) -> Assessment {
        let of = |key: &str| words.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse::<u64>().ok());
        let facts = Facts { time: self.now, ..facts(words) };
        let assessment = self.watch.assess(&facts, &Payload { subject: of("subject"), ..Payload::default() }, self.now);
        let status = of("status").and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
        let effect = Effect { status: Some(status), records: Some(of("records").unwrap_or(1)), bytes: 400, subject: of("subject") };
        self.watch.learn(&facts, &allowed(assessment.risk), &effect, self.now);
        assessment
    }

    /// The same call again and again.
    fn calls(&mut self, words: &str, lasting: Duration, every: Duration) {
        let until = self.now + lasting;
        while self.now < until {
            self.call(words);
            self.now = self.now + every;
        }
    }

    /// What is said of a call, which is then refused.
    fn says(&mut self, words: &str) -> String {
        let facts = facts(words);
        let assessment = self.watch.assess(&facts, &Payload::default(), self.now);
        self.refuse(&facts, Reason::RiskBlocked);
        said(&assessment)
    }

    fn refuse(&self, facts: &Facts, reason: Reason) {
        self.watch.learn(facts, &Ruling::refused(reason), &Effect::default(), self.now);
    }
}

fn allowed(risk: u8) -> Ruling {
    Ruling { response: Response::Allow, reasons: [Reason::RuleAllowed].into_iter().collect(), risk, ..Ruling::refused(Reason::RuleAllowed) }
}

fn said(assessment: &Assessment) -> String {
    let parts: Vec<&str> = assessment.parts.iter().map(|part| part.signal.as_str()).collect();
    parts.join(" ")
}

const OWNER: &str = "identity=a source=198.18.4.20 tls=shop";
const MINUTES: Duration = Duration::from_mins(7);

#[test]
fn nothing_is_unusual_while_somebody_is_only_learned() {
    let mut story = Story::new();
    story.calls(OWNER, Duration::from_hours(20), MINUTES);
    assert_eq!(story.says("identity=a source=192.0.2.9 tls=curl"), "");
}

#[test]
fn a_thief_elsewhere_with_other_software_is_told_and_the_owner_is_not() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    assert_eq!(story.says("identity=a source=192.0.2.9 tls=curl"), "new_place new_software");
    assert_eq!(said(&story.call(OWNER)), "");
    let theft = story.watch.assess(&facts("identity=a source=192.0.2.9 tls=curl"), &Payload::default(), story.now);
    assert!(theft.theft() >= 80, "{theft:?}");
}

#[test]
fn a_place_is_known_from_the_first_good_call_from_there_and_by_no_refused_one() {
    let mut story = Story::new();
    assert_eq!(story.watch.assess(&facts("source=192.0.2.9 tls=curl"), &Payload::default(), story.now).place_known, None, "nobody");
    assert_ne!(story.call(OWNER).place_known, Some(true), "the first call of all");
    assert_eq!(story.call(OWNER).place_known, Some(true));
    let elsewhere = "identity=a source=192.0.2.9 tls=curl";
    for _ in 0..3 {
        let facts = facts(elsewhere);
        assert_eq!(story.watch.assess(&facts, &Payload::default(), story.now).place_known, Some(false), "tried, and refused");
        story.refuse(&facts, Reason::RiskBlocked);
    }
}

#[test]
fn one_credential_in_two_places_at_a_time_is_shared() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    for _ in 0..4 {
        story.says("identity=a source=192.0.2.9 tls=shop");
        story.now = story.now + Duration::from_secs(30);
        assert_eq!(said(&story.call(OWNER)), "", "its owner is not meant");
        story.now = story.now + Duration::from_secs(30);
    }
    assert_eq!(story.says("identity=a source=192.0.2.9 tls=shop"), "shared new_place");
}

#[test]
fn who_moves_is_told_at_first_and_known_after_some_days() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    let moved = "identity=a source=198.19.4.20 tls=shop";
    let first = story.call(moved);
    assert_eq!(said(&first), "new_place");
    assert!(first.risk < 45, "it is told, and not refused: {first:?}");
    story.calls(moved, 2 * DAY, MINUTES);
    assert_eq!(said(&story.call(moved)), "new_place", "a thief with patience waits for a day too");
    story.calls(moved, 2 * DAY, MINUTES);
    assert_eq!(said(&story.call(moved)), "");
}

#[test]
fn who_never_left_home_is_told_at_once() {
    let mut story = Story::new();
    let home = "identity=a zone=home tls=shop source=10.16.0.1";
    story.calls(home, 5 * DAY, MINUTES);
    assert_eq!(said(&story.call("identity=a zone=home tls=shop source=10.31.9.77")), "", "another container of the same zone");
    let abroad = story.watch.assess(&facts("identity=a source=192.0.2.9 tls=shop"), &Payload::default(), story.now);
    assert!(abroad.theft() >= 80, "{abroad:?}");
    let foothold = facts("identity=a zone=runners tls=shop source=10.40.0.9");
    let foothold = story.watch.assess(&foothold, &Payload::default(), story.now);
    assert!(foothold.theft() >= 80, "a zone of staging is no home of production: {foothold:?}");
}

#[test]
fn who_is_everywhere_is_nowhere_new() {
    let mut story = Story::new();
    for number in 0..2_000_u32 {
        story.call(&format!("identity=app source=100.{}.{}.7 tls=phone", 64 + number / 250 % 32, number % 250));
        story.now = story.now + MINUTES;
    }
    assert_eq!(story.says("identity=app source=100.90.251.3 tls=phone"), "");
}

#[test]
fn thing_after_thing_is_told_and_things_by_chance_are_not() {
    let mut story = Story::new();
    for number in 0..1_200_u64 {
        let id = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
        assert!(!said(&story.call(&format!("{OWNER} id={id}"))).contains("enumeration"), "{number}");
        story.now = story.now + MINUTES;
    }
    let mut told = None;
    for id in 5_000..5_020 {
        // Its own calls go on between.
        let own = said(&story.call(&format!("{OWNER} id={}", (id * 7_919) % 900_000)));
        assert!(!own.contains("enumeration"), "{own}");
        if story.says(&format!("{OWNER} id={id}")).contains("enumeration") && told.is_none() {
            told = Some(id - 5_000 + 1);
        }
    }
    assert_eq!(told, Some(8));
}

#[test]
fn who_works_through_things_in_order_every_night_does_so() {
    let mut story = Story::new();
    for _ in 0..5 {
        for page in 0..40 {
            story.call(&format!("{OWNER} class=list page={page}"));
            story.now = story.now + Duration::from_secs(2);
        }
        story.now = story.now + DAY;
    }
    for page in 0..50 {
        assert_eq!(said(&story.call(&format!("{OWNER} class=list page={page}"))), "", "{page}");
    }
}

#[test]
fn a_run_that_is_let_pass_does_not_make_itself_usual() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    let told = (0..40).find(|id| said(&story.call(&format!("{OWNER} id={}", 5_000 + id))).contains("enumeration"));
    assert_eq!(told, Some(7));
}

#[test]
fn things_of_different_people_are_no_run() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    for id in 0..40 {
        assert_eq!(said(&story.call(&format!("{OWNER} id={id} person=p{id}"))), "");
    }
}

#[test]
fn a_whole_collection_has_its_hour() {
    let mut story = Story::new();
    let export = "identity=a source=10.0.0.1 tls=job op=GET:/export class=bulk";
    for _ in 0..6 {
        story.now = story.now + Duration::from_hours(2);
        story.call(export);
        story.calls("identity=a source=10.0.0.1 tls=job", Duration::from_hours(22), Duration::from_mins(20));
    }
    story.now = story.now + Duration::from_hours(2);
    assert_eq!(said(&story.call(export)), "", "every night");
    assert_eq!(story.says(export), "bulk", "and once more");
    story.now = story.now + Duration::from_hours(10);
    assert_eq!(story.says(export), "off_schedule bulk");
}

#[test]
fn logins_that_fail_are_told_by_software_from_however_many_places() {
    let mut story = Story::new();
    let login = "op=POST:/sessions class=login";
    for number in 0..400_u32 {
        let status = if number % 16 == 0 { 401 } else { 200 };
        let quiet = said(&story.call(&format!("{login} source=100.64.{}.7 tls=browser subject={number} status={status}", number % 250)));
        assert_eq!(quiet, "", "people mistype");
        story.now = story.now + Duration::from_mins(1);
    }
    for number in 0..12_u32 {
        story.call(&format!("{login} source=100.99.{number}.7 tls=tool subject={} status=401", 9_000 + number));
    }
    assert!(story.says(&format!("{login} source=100.99.200.7 tls=tool subject=1")).contains("stuffing"));
    assert_eq!(story.says(&format!("{login} source=100.64.3.7 tls=browser subject=1")), "");
}

#[test]
fn nobody_makes_an_attack_usual_or_has_others_refused() {
    let mut story = Story::new();
    let login = "op=POST:/sessions class=login";
    // From everywhere, a few each, with the software of everybody.
    for number in 0..3_000_u32 {
        story.call(&format!("{login} source=100.{}.{}.7 tls=browser subject={number} status=401", 64 + number / 250, number % 250));
        story.now = story.now + Duration::from_secs(20);
        if number % 3 == 0 {
            story.call(&format!("{login} source=100.90.{}.7 tls=browser subject={number} status=200", number % 250));
        }
    }
    assert!(!story.says(&format!("{login} source=100.90.3.7 tls=browser subject=1")).contains("crowd"));
    let person = story.watch.assess(&facts(&format!("{login} source=100.90.3.7 tls=browser")), &Payload::default(), story.now);
    assert!(person.risk < 75, "people who sign in from where they did before are not refused: {person:?}");
    for number in 0..20_u32 {
        story.call(&format!("{login} source=192.0.2.9 tls=tool subject={number} status=401"));
    }
    assert!(story.says(&format!("{login} source=192.0.2.9 tls=tool")).contains("stuffing"), "and an attack is one all the same");
}

#[test]
fn what_is_let_pass_only_since_nothing_binds_is_not_learned() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    let thief = facts("identity=a source=192.0.2.9 tls=curl");
    for _ in 0..200 {
        let observed = Ruling { enforced: false, ..Ruling::refused(Reason::ProofSource) };
        let effect = Effect { status: Some(200), records: Some(1), ..Effect::default() };
        story.watch.learn(&thief, &observed, &effect, story.now);
        story.now = story.now + Duration::from_hours(1);
    }
    assert!(story.says("identity=a source=192.0.2.9 tls=curl").contains("new_place"));
}

#[test]
fn what_all_peers_do_is_no_drip_and_what_one_does_is() {
    let mut story = Story::new();
    let weeks = |story: &mut Story, days: u32, records: &dyn Fn(u32) -> u32| {
        for _ in 0..days * 24 {
            for peer in 0..5 {
                story.call(&format!("identity=peer-{peer} source=198.18.{peer}.1 kind=partner class=list records={}", records(peer)));
            }
            story.now = story.now + Duration::from_hours(1);
        }
    };
    weeks(&mut story, 14, &|_| 100);
    weeks(&mut story, 4, &|_| 130);
    let of = |story: &mut Story, peer: u32| story.says(&format!("identity=peer-{peer} source=198.18.{peer}.1 kind=partner class=list"));
    assert_eq!(of(&mut story, 2), "", "a busy month end is everybody's");
    weeks(&mut story, 14, &|_| 100);
    weeks(&mut story, 4, &|peer| if peer == 2 { 140 } else { 100 });
    assert_eq!(of(&mut story, 2), "drip");
    assert_eq!(of(&mut story, 3), "");
}

#[test]
fn what_was_refused_is_not_learned() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    for _ in 0..3_000 {
        assert!(story.says("identity=a source=192.0.2.9 tls=curl").contains("new_place"));
        story.now = story.now + Duration::from_mins(1);
    }
}

#[test]
fn what_was_seen_before_is_learned_as_what_is_looked_at_again() {
    let kept = |learn: fn(&Watch, Sight, &Facts, &Ruling, &Effect, Time)| {
        let mut story = Story::new();
        for number in 0..3_000 {
            let facts = Facts { time: story.now, ..facts(&format!("{OWNER} op=GET:/o{} id={} begins=holds", number % 5, number * 37)) };
            let sight = story.watch.see(&facts, story.now).expect("it is known what it calls");
            let assessment = story.watch.assess_seen(&sight, &facts, &Payload::default());
            story.now = story.now + MINUTES;
            let effect = Effect { status: Some(200), records: Some(3), ..Effect::default() };
            learn(&story.watch, sight, &facts, &allowed(assessment.risk), &effect, story.now);
        }
        let mut kept = Vec::new();
        story.watch.keep(&mut kept).expect("it can be kept");
        kept
    };
    let seen = kept(|watch, sight, facts, ruling, effect, now| watch.learn_seen(&sight.at(now), facts, ruling, effect));
    let again = kept(|watch, _, facts, ruling, effect, now| watch.learn(facts, ruling, effect, now));
    assert!(seen == again);
    let late = kept(|watch, sight, facts, ruling, effect, _| watch.learn_seen(&sight, facts, ruling, effect));
    assert!(seen != late, "it is learned when it ends");
}

#[test]
fn a_failing_upstream_and_those_who_try_again_are_no_attack() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    for _ in 0..5_000 {
        assert_eq!(said(&story.call(&format!("{OWNER} status=503"))), "");
        story.now = story.now + Duration::from_millis(200);
    }
}

#[test]
fn what_is_announced_is_less_unusual() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    let new = "identity=a source=192.0.2.9 tls=new";
    let risk = |story: &Story, words| story.watch.assess(&facts(words), &Payload::default(), story.now).risk;
    let before = risk(&story, new);
    let identity = IdentityId::parse("a").expect("a name");
    story.watch.announce(&Announced::Identity(identity), story.now + DAY);
    assert!(risk(&story, new) <= before / 2, "{} of {before}", risk(&story, new));
    let operation = format!("{OWNER} api=other op=POST:/new class=write");
    assert!(risk(&story, &operation) > 0);
    story.watch.announce(&Announced::Api(ApiName::parse("other").expect("a name")), story.now + DAY);
    assert_eq!(risk(&story, &operation), 0);
}

#[test]
fn a_caller_that_tries_what_it_may_not_is_told_where_it_goes_on() {
    let mut story = Story::new();
    story.calls(OWNER, 5 * DAY, MINUTES);
    for number in 0..12 {
        let facts = facts(&format!("{OWNER} api=admin op=POST:/roles{number} class=admin"));
        let _ = story.watch.assess(&facts, &Payload::default(), story.now);
        story.refuse(&facts, Reason::StandingDenied);
    }
    let says = story.says(&format!("{OWNER} op=DELETE:/entries class=delete"));
    assert!(says.contains("refused") && says.contains("climbing"), "{says}");
    assert_eq!(said(&story.call(OWNER)), "", "what it always does, it does");
}

#[test]
fn no_clock_breaks_it() {
    let mut story = Story::new();
    for moment in [i64::MIN, -1, 0, 1, i64::MAX, 5, i64::MAX - 1] {
        story.now = Time::from_micros(moment);
        for id in [0, 1, 999_999_999] {
            let _ = story.call(&format!("{OWNER} id={id} class=bulk"));
        }
    }
}
