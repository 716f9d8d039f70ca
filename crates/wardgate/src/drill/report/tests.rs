use super::{Report, Setting};
use crate::drill::{
    caller::Answered,
    course::{Ran, Sent},
    evidence::{Ruled, Told},
    scenario::{Scenario, Strength},
    script::Side,
};
use http::StatusCode;
use std::{collections::HashMap, time::Duration};

/// `SIDE STATUS REASON RESPONSE RISK`, a request a line, ten milliseconds apart.
fn report(text: &str) -> Report {
    let (mut sent, mut recorded) = (Vec::new(), HashMap::new());
    for (number, line) in text.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let [side, status, reason, response, risk] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let side = match side {
            "attack" => Side::Attack,
            "owner" => Side::Owner,
            _ => Side::Bystander,
        };
        let id = number.to_string();
        let reason = (reason != "-").then(|| reason.to_owned());
        let answered = Answered {
            status: status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()),
            reason: reason.clone(),
            requests: vec![id.clone()],
            records: 3,
            ..Answered::default()
        };
        let signals = if risk == "0" { Vec::new() } else { vec![Told { name: "enumeration".to_owned(), weight: 90.0 }] };
        let ruled =
            Ruled { response: response.to_owned(), risk: risk.parse().unwrap(), signals, reached: reason.is_none(), ..Ruled::default() };
        recorded.insert(id, ruled);
        let at = Duration::from_millis(10 * number as u64);
        sent.push(Sent { side, at, took: Duration::from_millis(2), during: side == Side::Attack, answered });
    }
    let ran = Ran { sent, attack: Duration::ZERO, took: Duration::from_secs(1), bounded: false };
    let setting =
        Setting { scenario: Scenario::Scraping, strength: Strength::Normal, seed: 1, api: "shop".into(), canaries: vec![], notes: vec![] };
    Report::of(setting, &ran, &recorded)
}

const REFUSED: &str = "attack 403 risk.blocked block 90\n";

#[test]
fn an_attack_is_contained_when_nothing_more_comes_through() {
    let told = report(&format!("attack 200 - allow 0\nattack 200 - slow 50\nhonest 200 - allow 0\n{}", REFUSED.repeat(5)));
    assert!(told.contained && told.is_good());
    assert_eq!((told.attack.attempted, told.attack.reached, told.attack.leaked.count), (7, 2, 6));
    assert_eq!((told.attack.contained_after, told.attack.contained_by.as_deref()), (Some(2), Some("risk.blocked")));
    assert_eq!(told.responses.slowed.map(|first| first.request), Some(2));
    assert_eq!(told.responses.told.map(|first| first.request), Some(2));
    assert_eq!(told.responses.blocked.map(|first| (first.request, first.after_s)), Some((3, 0.03)));
    assert_eq!((told.signals[0].requests, told.signals[0].honest), (6, 0));
    let page = told.page(|_| "none".to_owned(), |text| text.to_owned());
    assert!(page.contains("contained, and nobody honest was harmed") && told.shown().contains("after 2 requests"), "{page}");
}

#[test]
fn too_few_refusals_say_nothing() {
    assert!(!report(&format!("attack 200 - allow 0\n{}", REFUSED.repeat(4))).contained);
    assert!(report(&REFUSED.repeat(2)).contained, "it never came through");
    let came_again = format!("{}attack 200 - allow 0\n", REFUSED.repeat(9));
    assert!(!report(&came_again).contained);
    assert!(!report("honest 200 - allow 0\n").contained, "nothing was attacked");
    assert!(!report(&"attack none - - 0\n".repeat(9)).contained, "who gets no answer was not refused");
}

#[test]
fn who_is_refused_slowed_or_not_answered_is_harmed() {
    let told = report(&format!(
        "{}honest 403 risk.blocked block 90\nowner 200 - slow 50\nhonest none - - 0\nhonest 502 forward.connect allow 0\nhonest 404 - allow 0",
        REFUSED.repeat(5)
    ));
    let why: Vec<String> = told.honest.why.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    assert_eq!(why, ["no answer 1", "risk.blocked 1", "risk.slowed 1"]);
    assert_eq!((told.honest.requests, told.honest.harmed, told.is_good()), (5, 3, false));
}
