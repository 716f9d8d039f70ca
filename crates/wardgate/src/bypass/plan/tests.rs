use super::{Unprobed, Wanted, chosen, covers, filled, wanted};
use crate::bypass::{
    Settings,
    known::Retired,
    testing::{api, retired},
};
use http::Method;
use std::{collections::HashSet, sync::Arc};
use wardgate_model::{
    api::{PathTemplate, Target},
    id::ApiName,
};

fn shown(wanted: &Wanted) -> String {
    let mark = if wanted.retired { " (retired)" } else { "" };
    format!("{} → {} {}{mark}", wanted.operation, wanted.method, wanted.path)
}

fn lines(wanted: Result<Vec<Wanted>, Unprobed>) -> String {
    wanted.map_or_else(|unprobed| unprobed.why().to_owned(), |all| all.iter().map(shown).collect::<Vec<_>>().join("\n"))
}

const OPERATIONS: &str = "
list GET /shop/things
read GET /shop/things/{id}
read GET /shop/compare/{a}...{b}.diff
read HEAD /shop/things/{id}
write POST /shop/things
write GET /shop/things/{id}/touch
bulk GET /shop/export
money GET /shop/pay
admin GET /shop/keys
anonymous GET /shop/status
";

#[test]
fn only_what_changes_nothing_is_called() {
    let api = api("shop", OPERATIONS);
    insta::assert_snapshot!(lines(wanted(&api, &[], &Settings::default())), @"
    shop GET /shop/things → GET /shop/things
    shop GET /shop/things/{id} → GET /shop/things/0
    shop GET /shop/compare/{a}...{b}.diff → GET /shop/compare/0...0.diff
    shop HEAD /shop/things/{id} → HEAD /shop/things/0
    shop GET /shop/keys → GET /shop/keys
    ");
    let also = ["shop POST /shop/things".to_owned(), "shop GET /shop/status".to_owned()];
    let settings = Settings { also: also.into(), ..Settings::default() };
    assert!(
        lines(wanted(&api, &[], &settings)).contains("shop POST /shop/things → POST /shop/things"),
        "the configuration says that it may be"
    );
    assert!(!lines(wanted(&api, &[], &settings)).contains("status"), "what is open to everybody is no way round");
}

#[test]
fn the_upstream_is_asked_as_the_gate_would_ask_it() {
    let mut api = api("shop", "list GET /shop/things\nread GET /shop\n");
    api.upstream.path = Some("/v2/".into());
    insta::assert_snapshot!(lines(wanted(&api, &[], &Settings::default())), @"
    shop GET /shop/things → GET /v2/things
    shop GET /shop → GET /v2
    ");
    api.upstream.path = Some("/".into());
    assert!(lines(wanted(&api, &[], &Settings::default())).ends_with("→ GET /"));
}

#[test]
fn what_an_api_had_is_called_too() {
    let api = api("shop", "write POST /shop/things\n");
    let past: Vec<Retired> = ["GET /shop/old/{id}", "DELETE /shop/old/{id}", "GET /elsewhere"].map(retired).into();
    insta::assert_snapshot!(lines(wanted(&api, &past, &Settings::default())), @"
    shop GET /shop/old/{id} → GET /shop/old/0 (retired)
    shop GET /elsewhere → GET /elsewhere (retired)
    ");
    let mut moved = api;
    moved.upstream.path = Some("/v2".into());
    assert!(!lines(wanted(&moved, &past, &Settings::default())).contains("elsewhere"), "it would lead nowhere known");
}

#[test]
fn what_cannot_be_called_says_why() {
    let mut api = api("shop", "write POST /shop/things\nanonymous GET /shop/status\n");
    assert_eq!(wanted(&api, &[], &Settings::default()), Err(Unprobed::NothingSafe));
    let settings = Settings { except: [ApiName::literal("shop")].into(), ..Settings::default() };
    assert_eq!(wanted(&api, &[], &settings), Err(Unprobed::Excepted));
    api.upstream.target = Target::InProcess;
    assert_eq!(wanted(&api, &[], &settings), Err(Unprobed::InProcess));
}

#[test]
fn of_many_each_has_its_turn_and_what_answered_is_called_again() {
    let all: Vec<Wanted> = {
        let operations: String = (0..10).map(|at| format!("list GET /shop/{at}\n")).collect();
        wanted(&api("shop", &operations), &[], &Settings::default()).unwrap()
    };
    let open: HashSet<(Arc<str>, bool)> = [(Arc::from("shop GET /shop/7"), false)].into();
    let names =
        |chosen: &[Wanted]| chosen.iter().map(|wanted| wanted.path.as_str().trim_start_matches("/shop/").to_owned()).collect::<Vec<_>>();
    let (mut from, mut rounds) = (0, Vec::new());
    for _ in 0..3 {
        let (chosen, next) = chosen(all.clone(), &open, from, 4);
        rounds.push(names(&chosen).join(""));
        from = next;
    }
    assert_eq!(rounds, ["7012", "7345", "7689"]);
    let everything: HashSet<_> = all.iter().map(|wanted| (Arc::clone(&wanted.operation), false)).collect();
    assert_eq!(names(&chosen(all.clone(), &everything, 0, 4).0).len(), 2, "half of the places stay for the others");
    assert_eq!(chosen(all.clone(), &open, 9, 10), (all, 0));
}

#[test]
fn an_operation_covers_what_it_would_be_routed_to() {
    let api = api("shop", "read GET /shop/things/{id}\nread GET /\n");
    for (path, expected) in [("/shop/things/0", true), ("/shop/things", false), ("/shop/things/0/x", false), ("/", true), ("", false)] {
        assert_eq!(covers(&api, &Method::GET, path), expected, "{path}");
    }
    assert!(!covers(&api, &Method::POST, "/shop/things/0"));
    assert_eq!(filled(&PathTemplate::parse("/").unwrap()), "/");
}
