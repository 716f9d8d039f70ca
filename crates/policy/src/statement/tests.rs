use super::{Lines, NESTING_MAX, split};
use std::fmt::Write as _;
use wardgate_model::diagnostic::Place;

fn check(text: &str) -> String {
    let mut out = String::new();
    for one in split(text) {
        let at = Lines::of(text).place(&Place::file("f"), text, one.start);
        write!(out, "[{at} {}{}]", one.text.replace('\n', "~"), one.over.map_or("", |(_, what)| what)).unwrap();
    }
    out
}

#[test]
fn statements_end_at_semicolons_outside_strings_and_comments() {
    assert_eq!(check(""), "");
    assert_eq!(check("// only; a comment\n"), "");
    assert_eq!(check("a;\n b \";\\\";\" ; // c;\n d"), "[f:1:1 a;][f:2:2 b \";\\\";\" ;][f:3:2 d]");
    assert_eq!(check("é;\"open ; "), "[f:1:1 é;][f:1:3 \"open ; ]");
}

#[test]
fn nesting_is_bounded() {
    let deep = |n: usize| format!("{}{};", "(".repeat(n), ")".repeat(n));
    let max = usize::try_from(NESTING_MAX).unwrap();
    assert!(split(&deep(max))[0].over.is_none());
    assert!(split(&deep(max + 1))[0].over.is_some());
    assert!(split(&format!("{}true;", "true && ".repeat(500)))[0].over.is_some());
    assert!(split(&format!("a{};", ".b".repeat(40)))[0].over.is_some());
    assert!(split(&format!("{}1;", "if a then b else ".repeat(400)))[0].over.is_some());
}

#[test]
fn a_base_line_shifts_the_place() {
    let base = Place::file("r.yaml").at(10, 1);
    assert_eq!(Lines::of("a\nbc").place(&base, "a\nbc", 3).to_string(), "r.yaml:11:2");
}
