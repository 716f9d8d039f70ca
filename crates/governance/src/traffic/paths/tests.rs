use super::{Paths, is_id};
use http::Method;
use insta::assert_snapshot;
use proptest::prelude::*;

fn learned(paths: &Paths) -> String {
    let lines = paths.learned().into_iter().map(|learned| {
        let members = if learned.has_members { " +" } else { "" };
        format!("{} {}{members} {}", learned.method, learned.template, learned.calls)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn check(lines: &str) -> String {
    let mut paths = Paths::default();
    for line in lines.split_whitespace() {
        paths.take(&Method::GET, line, 1);
    }
    learned(&paths)
}

#[test]
fn ids_are_told_from_words() {
    let ids = "7 2024-07-30 192.0.2.7 0a1b2c3d 5f3e7b2a-9c1d-4e8f-a0b1-c2d3e4f5a6b7 ada@shop.example ord_123456 INV-2024-0017 AKIAIOSFODNN7EX01MPLE";
    let words =
        "v1 orders kibana-search.png index.html jquery-1.8.3.min.js oauth2 cafe face DescribeInstances stuff2 2015.html html5 a %20";
    for id in ids.split(' ') {
        assert!(is_id(id), "{id}");
    }
    for word in words.split(' ') {
        assert!(!is_id(word), "{word}");
    }
}

#[test]
fn templates_are_learned() {
    assert_snapshot!(check("/ /orders /orders/7 /orders/8 /orders/8/items/1 /orders/8/items /orders/ /login"), @"
    GET / 1
    GET /login 1
    GET /orders + 1
    GET /orders/ 1
    GET /orders/{id} 2
    GET /orders/{id}/items + 1
    GET /orders/{id}/items/{id2} 1
    ");
}

#[test]
fn a_place_with_too_many_words_is_one_for_names() {
    let tags: Vec<String> = (0..200).map(|at| format!("/tags/{}{}/feed", char::from(b'a' + at % 26), char::from(b'a' + at / 26))).collect();
    assert_snapshot!(check(&tags.join(" ")), @"GET /tags/{id}/feed 200");
    let mut paths = Paths::default();
    for at in 0..400_000_u32 {
        // Letters alone, so that nothing looks like an id.
        let word: String = format!("{at:06}").bytes().map(|digit| char::from(digit - b'0' + b'g')).collect();
        let (a, b) = word.split_at(3);
        paths.take(&Method::GET, &format!("/{a}/{b}/x"), 1);
    }
    assert!(paths.places < 50_000, "{}", paths.places);
    assert_eq!(paths.learned().iter().map(|learned| learned.calls).sum::<u64>(), 400_000);
}

#[test]
fn what_is_too_deep_is_counted() {
    let mut paths = Paths::default();
    paths.take(&Method::GET, &"/a".repeat(17), 3);
    assert_eq!((paths.too_deep, paths.learned().len()), (3, 0));
}

proptest! {
    #[test]
    fn every_call_is_counted_once_and_every_template_is_one(all in proptest::collection::vec("(/[a-c0-9]{0,2}){1,4}", 1..200)) {
        let mut paths = Paths::default();
        for path in &all {
            paths.take(&Method::GET, path, 1);
        }
        let learned = paths.learned();
        prop_assert_eq!(learned.iter().map(|learned| learned.calls).sum::<u64>(), all.len() as u64);
        for one in &learned {
            prop_assert!(wardgate_model::api::PathTemplate::parse(&one.template).is_ok(), "{}", one.template);
        }
    }
}
