use super::{Ground, Standing, folded, lines, shadow};
use crate::testing::{DAY, NOW, inventory};
use http::Method;
use insta::assert_snapshot;
use proptest::prelude::*;
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};
use wardgate_model::{api::PathTemplate, id::ApiName, time::Time};
use wardgate_store::{OperationUse, STRAYS_MAX, Stray, StrayKind, StraySum};

const ESTATE: &str = r#"
kind: Owner
name: shop-team
spec: { accountable: lead@shop.example }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Api
name: shop
spec:
  { policy_owner: shop-team, environment: production, match: { path_prefix: /shop }, upstream: { urls: ["http://127.0.0.1:9000"] },
    operations: [{ match: "GET /things", class: list }, { match: "GET /things/{id}", class: read }, { match: "POST /things", class: write },
      { match: "GET /old", class: read, deprecated: 2026-01-01, sunset: 2026-06-30 }, { match: "GET /soon", class: read, deprecated: 2026-01-01 }] }
"#;

fn ago(days: u32) -> Time {
    Time::from_seconds(NOW.as_seconds() - i64::from(days) * 86_400)
}

/// `GET /shop/x seen answered refused days-ago`, and where a request was otherwise.
fn stray(kind: StrayKind, text: &str, place: &str) -> Stray {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |at: usize| words[at].parse().unwrap();
    let at = ago(u32::try_from(number(5)).unwrap());
    let sum = StraySum {
        first: at,
        last: at,
        seen: number(2),
        answered: number(3),
        refused: number(4),
        callers: Vec::new(),
        sources: vec!["192.0.2.0/24".into()],
    };
    Stray { kind, operation: format!("{} {}", words[0], words[1]).into(), place: place.into(), sum }
}

fn used(operation: &str, days: u32) -> OperationUse {
    OperationUse {
        api: ApiName::literal("shop"),
        operation: operation.into(),
        first: ago(days + 50),
        last: ago(days),
        allowed: 9,
        refused: 1,
        identities: 2,
    }
}

fn check(used: &[OperationUse], strays: Vec<Stray>, had: &[&str]) -> String {
    let inventory = inventory(ESTATE);
    let had = |_: &ApiName| {
        let parse = |text: &&str| {
            let (method, template) = text.split_once(' ').unwrap();
            (method.parse::<Method>().unwrap(), PathTemplate::parse(template).unwrap())
        };
        had.iter().map(parse).collect()
    };
    let strays = BTreeMap::from([(ApiName::literal("shop"), strays)]);
    let ground = Ground { apis: &inventory.apis, used, strays: &strays, had: &had, since: &|_, _| Some(ago(200)), unused_for: DAY * 90 };
    let mut text = String::new();
    for line in lines(&ground, NOW) {
        let (sum, gone) = (&line.sum, if line.gone { " (gone)" } else { "" });
        writeln!(text, "{} {}{gone}: {}; {}/{}/{}", line.standing, line.operation, line.detail, sum.seen, sum.answered, sum.refused)
            .unwrap();
    }
    text
}

/// All that the document has and that is not to be unused.
fn busy() -> Vec<OperationUse> {
    ["GET /shop/things", "GET /shop/things/{id}", "POST /shop/things"].iter().map(|name| used(&format!("shop {name}"), 1)).collect()
}

#[test]
fn what_the_document_has_is_called_or_unused_and_what_should_be_gone_is_not_called() {
    let mut all = busy();
    all.extend([used("shop GET /shop/old", 2), used("shop GET /shop/soon", 400)]);
    assert_snapshot!(check(&all, Vec::new(), &[]), @"
    zombie GET /shop/old (gone): its sunset was at 2026-06-30T00:00:00Z; 10/9/1
    unused GET /shop/soon: last called at 2025-12-11T08:00:00Z; 10/9/1
    ");
    // Where use was not told apart lately, nobody says that an operation is unused.
    all.push(used("other", 3));
    assert!(!check(&all, Vec::new(), &[]).contains("unused"));
    // Calls by nobody on record are calls.
    let by_nobody = vec![stray(StrayKind::Unknown, "GET /shop/soon 4 4 0 1", "")];
    assert_snapshot!(check(&busy(), by_nobody, &[]), @"
    zombie GET /shop/soon: deprecated since 2026-01-01T00:00:00Z; 4/4/0
    unused GET /shop/old: never called since 2026-06-29T08:00:00Z; 0/0/0
    ");
}

#[test]
fn what_no_document_has_is_shadow_when_served_or_asked_for_again_and_again() {
    let strays = vec![
        stray(StrayKind::Shadow, "GET /shop/admin 1 1 0 1", ""),
        stray(StrayKind::Shadow, "GET /shop/wp-login.php 2 0 2 1", ""),
        stray(StrayKind::Shadow, "DELETE /shop/things/{id} 5 0 5 1", ""),
        stray(StrayKind::Shadow, "GET /shop/nowhere 50 0 0 1", ""),
        stray(StrayKind::Shadow, "GET /shop/things/{id} 9 9 0 1", ""),
        stray(StrayKind::Shadow, "GET /shop/past 9 9 0 40", ""),
        stray(StrayKind::Shadow, "GET /shop/carts/{id} 3 2 0 1", ""),
        stray(StrayKind::Shadow, "GET /shop/carts/all 1 1 0 1", ""),
    ];
    assert_snapshot!(check(&busy_and_all(), strays, &["GET /shop/carts/{cart}"]), @"
    shadow GET /shop/admin: the upstream serves it; 1/1/0
    shadow DELETE /shop/things/{id}: callers ask for it, and are refused; 5/0/5
    zombie GET /shop/carts/{cart} (gone): the document has it no longer; 4/3/0
    ");
}

fn busy_and_all() -> Vec<OperationUse> {
    let mut all = busy();
    all.extend([used("shop GET /shop/old", 40), used("shop GET /shop/soon", 40)]);
    all
}

#[test]
fn what_is_called_otherwise_is_told_by_operation_and_place() {
    let strays = vec![
        stray(StrayKind::Drift, "POST /shop/things 3 3 0 1", "the body at `/name`: it is of another type"),
        stray(StrayKind::Drift, "POST /shop/things 9 0 9 1", "parameter `limit` in the query: it is out of range"),
        stray(StrayKind::Drift, "POST /shop/gone 9 9 0 1", "the body: it is required, and missing"),
    ];
    assert_snapshot!(check(&busy_and_all(), strays, &[]), @"
    drift POST /shop/things: the body at `/name`: it is of another type; 3/3/0
    drift POST /shop/things: parameter `limit` in the query: it is out of range; 9/0/9
    ");
}

#[test]
fn an_unknown_operation_is_named_by_its_template_and_what_nobody_needs_told_is_not() {
    let named = |method: Method, path: &str| shadow(&method, path, "/v1/42").map(|name| name.to_string());
    assert_eq!(named(Method::GET, "/v1/42/orders/7/lines/0a1b2c3d"), Some("GET /v1/42/orders/{id}/lines/{id2}".to_owned()));
    assert_eq!(named(Method::OPTIONS, "/v1/42/orders"), None);
    assert_eq!(named("BREW".parse().unwrap(), "/v1/42/orders"), None);
    assert_eq!(named(Method::GET, &format!("/v1/42/{}", "a".repeat(600))), None);
    assert_eq!(named(Method::GET, &format!("/v1/42{}", "/a".repeat(20))), None);
}

#[test]
fn a_place_is_told_without_what_is_one_of_many() {
    assert_eq!(&*super::place("the body at `/items/17/name`: it is of another type"), "the body at `/items/*/name`: it is of another type");
    assert_eq!(&*super::place("the body at `/by/ada@shop.example`: x"), "the body at `/by/*`: x");
    assert_eq!(&*super::place("parameter `limit` in the query: it is out of range"), "parameter `limit` in the query: it is out of range");
    assert!(super::place(&"ä/".repeat(300)).len() <= 160);
}

/// A word of letters alone, which looks like no id.
fn word(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect()
}

/// `GET PATH`, asked for three times from a network and refused, or served.
fn from(network: &str, path: &str, served: bool) -> Stray {
    let counts = if served { "3 3 0" } else { "3 0 3" };
    let mut stray = stray(StrayKind::Shadow, &format!("GET {path} {counts} 1"), "");
    stray.sum.sources = network.split(' ').map(Into::into).collect();
    stray
}

fn told(rows: Vec<Stray>) -> Vec<String> {
    folded(rows).iter().map(|row| format!("{} {}/{}", row.operation, row.sum.seen, row.sum.answered)).collect()
}

#[test]
fn nobody_hides_what_is_served_among_words_that_are_made_up() {
    let noise =
        |networks: usize| (0..300).map(move |at| from(&format!("10.0.{}.0/24", at % networks), &format!("/shop/{}", word(at)), false));
    for networks in [1, 2, 300] {
        let rows = noise(networks).chain([from("10.0.0.0/24", "/shop/export", true), from("192.0.2.0/24", "/shop/export/all", true)]);
        assert_eq!(told(rows.collect()), ["GET /shop/export 3/3", "GET /shop/export/all 3/3", "GET /shop/{id} 900/0"], "{networks}");
    }
    // Nor what somebody else asks for: whoever is loud hides its own.
    let rows = noise(2).chain([from("192.0.2.0/24", "/shop/new", false)]);
    assert_eq!(told(rows.collect()), ["GET /shop/new 3/0", "GET /shop/{id} 900/0"]);
    // What several networks ask for stays, as long as that is few words.
    let rows = noise(300).chain([from("192.0.2.0/24 198.51.100.0/24 203.0.113.0/24", "/shop/new", false)]);
    assert_eq!(told(rows.collect()), ["GET /shop/new 3/0", "GET /shop/{id} 900/0"]);
}

#[test]
fn words_that_are_served_are_names_when_many_networks_say_so() {
    let served = |networks: usize, words: usize| {
        let rows = (0..words).map(|at| from(&format!("10.0.{}.0/24", at % networks), &format!("/shop/{}/x", word(at)), true));
        told(rows.collect())
    };
    assert_eq!(served(5, 80), ["GET /shop/{id}/x 240/240"]);
    assert_eq!((served(4, 80).len(), served(1, 80).len()), (80, 80), "few networks make no place one for names");
    assert_eq!(served(64, 64).len(), 64, "so many may be words");
    assert_eq!(served(1, 400).len(), super::SHADOW_MAX);
}

#[test]
fn whoever_is_loud_takes_no_room_from_others() {
    let honest = |path: &str| from("192.0.2.0/24", path, true);
    // Served by an upstream that serves everything, each far more often and later than what others call.
    let mut rows: Vec<Stray> = (0..500).map(|at| from("10.0.0.0/24", &format!("/shop/p{}/{}", at % 50, word(at)), true)).collect();
    for row in &mut rows {
        (row.sum.seen, row.sum.answered, row.sum.last) = (9_000, 9_000, NOW);
    }
    rows.extend((0..5).map(|at| honest(&format!("/shop/mine/{}", word(at)))));
    let kept = told(rows.clone());
    assert_eq!((kept.len(), kept.iter().filter(|row| row.starts_with("GET /shop/mine/")).count()), (super::SHADOW_MAX, 5));
    // Calling what others call takes it over for nobody.
    for row in rows.iter_mut().filter(|row| row.operation.starts_with("GET /shop/mine/")) {
        row.sum.sources.insert(0, "10.0.0.0/24".into());
    }
    assert_eq!(told(rows).iter().filter(|row| row.starts_with("GET /shop/mine/")).count(), 5);
    // Of its own, the one of another place stays beside the many of one.
    let many = (0..300).map(|at| from("10.0.0.0/24", &format!("/shop/slugs/{}", word(at)), true));
    let mut hidden = from("10.0.0.0/24", "/shop/admin/export", true);
    hidden.sum.last = ago(20);
    assert!(told(many.chain([hidden]).collect()).contains(&"GET /shop/admin/export 3/3".to_owned()));
    // What was served goes before what was not, whoever asked.
    let asked = (0..300).map(|at| from(&format!("10.0.{at}.0/24"), &format!("/shop/p{}/{}", at % 20, word(at)), false));
    let served = (0..9).map(|at| from("192.0.2.0/24", &format!("/shop/mine/{}", word(at)), true));
    let kept = told(asked.chain(served).collect());
    assert_eq!((kept.len() <= super::SHADOW_MAX, kept.iter().filter(|row| row.ends_with("/3")).count()), (true, 9));
}

#[test]
fn drift_of_others_has_room_beside_that_of_one() {
    let drift = |network: &str, operation: usize, place: usize| {
        let text = format!("GET /shop/{} 900 0 900 1", word(operation));
        let mut stray = stray(StrayKind::Drift, &text, &format!("the body at `/{}`", word(place)));
        stray.sum.sources = vec![network.into()];
        stray
    };
    let loud = (0..600).map(|at| drift("10.0.0.0/24", at / 12, at % 12));
    let rows = folded(loud.chain([drift("192.0.2.0/24", 70, 0)]).collect());
    assert!(rows.len() < STRAYS_MAX && rows.iter().any(|row| *row.operation == format!("GET /shop/{}", word(70))), "{}", rows.len());
}

proptest! {
    #[test]
    fn folding_twice_is_folding_once_and_loses_no_call_below_the_bound(
        all in proptest::collection::vec(("[GP]", "(/[a-f]?[a-f0-9{]?){1,3}", 1_u64..9, 0_u8..4, any::<bool>()), 0..200),
    ) {
        let rows: Vec<Stray> = all
            .iter()
            .map(|(method, path, seen, network, served)| {
                let method = if method == "G" { Method::GET } else { Method::POST };
                let operation = shadow(&method, path, "").unwrap();
                let sources = vec![format!("10.0.{network}.0/24").into()];
                let sum = StraySum { seen: *seen, answered: (*served).into(), last: NOW, first: NOW, sources, ..StraySum::default() };
                Stray { kind: StrayKind::Shadow, operation, place: "".into(), sum }
            })
            .collect();
        let once = folded(rows.clone());
        prop_assert!(once.len() <= STRAYS_MAX);
        prop_assert_eq!(once.iter().map(|row| row.sum.seen).sum::<u64>(), all.iter().map(|(_, _, seen, ..)| seen).sum::<u64>());
        prop_assert_eq!(once.iter().map(|row| row.sum.answered).sum::<u64>(), rows.iter().map(|row| row.sum.answered).sum::<u64>());
        prop_assert_eq!(folded(once.clone()), once);
    }
}

#[test]
fn every_way_has_a_word() {
    let words: Vec<_> = Standing::ALL.iter().map(|standing| standing.as_str()).collect();
    assert_eq!(words, ["shadow", "zombie", "unused", "drift"]);
    assert_eq!(super::KEPT, Duration::from_hours(720));
}
