use super::{At, read};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by its Debug form")]
struct Config {
    listeners: At<Vec<At<Listener>>>,
    workers: Option<At<u8>>,
    labels: Option<At<BTreeMap<String, At<String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by its Debug form")]
struct Listener {
    name: At<String>,
    trusted: Option<At<bool>>,
}

fn check(bytes: &[u8]) -> String {
    match read::<Config>(Path::new("wardgate.yaml"), bytes) {
        Ok(config) => format!("{config:?}"),
        Err(diagnostics) => diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect(),
    }
}

#[test]
fn values_know_where_they_stand() {
    assert_snapshot!(check(b"\n# c\nlisteners:\n  - { name: public }\n  - name: \"private\"\n    trusted: true\nworkers: 4\n"), @r#"Config { listeners: At { spot: Spot { line: 4, column: 3 }, value: Some([At { spot: Spot { line: 4, column: 5 }, value: Some(Listener { name: At { spot: Spot { line: 4, column: 13 }, value: Some("public") }, trusted: None }) }, At { spot: Spot { line: 5, column: 5 }, value: Some(Listener { name: At { spot: Spot { line: 5, column: 11 }, value: Some("private") }, trusted: Some(At { spot: Spot { line: 6, column: 14 }, value: Some(true) }) }) }]) }, workers: Some(At { spot: Spot { line: 7, column: 10 }, value: Some(4) }), labels: None }"#);
}

#[test]
fn everything_wrong_is_said_at_once() {
    assert_snapshot!(check(b"listeners:\n  - { nam: public, trusted: yes }\n  - private\n  - { name: [x] }\nworkers: 256\nworker: 1\nlabels: { a: 1, b: x, 3: y }\nworkers: 2\n"), @r#"
wardgate.yaml:2:5: error[key.missing]: `listeners[0].name`: this key is missing
wardgate.yaml:2:7: error[key.unknown]: `listeners[0].nam`: this key is not known
  = did you mean `name`?
wardgate.yaml:2:29: error[value.type]: `listeners[0].trusted`: expected `true` or `false`, found the text `yes`
wardgate.yaml:3:5: error[value.type]: `listeners[1]`: expected a mapping with `name`, `trusted`, found the text `private`
wardgate.yaml:4:13: error[value.type]: `listeners[2].name`: expected text, found a list
wardgate.yaml:5:10: error[value.type]: `workers`: expected a whole number from 0 to 255, found the number `256`
wardgate.yaml:6:1: error[key.unknown]: `worker`: this key is not known
  = did you mean `workers`?
wardgate.yaml:7:14: error[value.type]: `labels.a`: expected text, found the number `1`
  = put it in quotes
wardgate.yaml:7:23: error[yaml.key]: a key must be text, not the number `3`
  = write the key in quotes
wardgate.yaml:8:1: error[yaml.duplicate_key]: the key `workers` stands twice
  = keep one; the first stands in line 5
"#);
}

#[test]
fn an_empty_file_is_an_empty_mapping() {
    assert_snapshot!(check(b"# nothing\n"), @r#"wardgate.yaml:1:1: error[key.missing]: `listeners`: this key is missing"#);
}

#[test]
fn a_second_document_is_refused() {
    assert_snapshot!(check(b"listeners: []\n---\nlisteners: []\n"), @r#"
wardgate.yaml:2:1: error[yaml.documents]: a second document stands here
  = keep one document in this file
"#);
}

#[test]
fn bytes_that_are_no_yaml_are_placed() {
    assert_snapshot!(check(b"listeners:\n  - { name: \xff }\n"), @r#"
wardgate.yaml:2:13: error[file.not_utf8]: the byte 0xff is not UTF-8
  = save the file as UTF-8
"#);
    assert_snapshot!(check(b"listeners:\n\t- name: x\n"), @r#"
wardgate.yaml:2:2: error[yaml.syntax]: tabs disallowed within this context (block indentation)
  = indent with spaces: YAML knows no tabs there
"#);
    assert_snapshot!(check(b"listeners: [}\n"), @r#"wardgate.yaml:1:12: error[yaml.syntax]: mismatched bracket '[' closed by '}'"#);
    assert_snapshot!(check(b"listeners: \"x\n"), @r#"wardgate.yaml:2:1: error[yaml.syntax]: invalid indentation in multiline quoted scalar"#);
    assert_snapshot!(check(b"listeners: *x\n"), @r#"wardgate.yaml:1:12: error[yaml.syntax]: reference to unknown value"#);
    assert_snapshot!(check(b"<<: {a: 1}\n"), @r#"wardgate.yaml:1:1: error[yaml.syntax]: merge key not allowed here"#);
    assert_snapshot!(check(b"%YAML 1.2\n---\nlisteners: []\n"), @r#"wardgate.yaml:2:1: error[yaml.syntax]: did not find expected <document start>"#);
    assert_snapshot!(check(b"\xef\xbb\xbflisteners: []\nx\0: 1"), @r#"wardgate.yaml:2:2: error[yaml.syntax]: unexpected character: `\u{0}'"#);
    assert_snapshot!(check(b"[a, b]"), @r#"wardgate.yaml:1:1: error[value.type]: expected a mapping with `listeners`, `workers`, `labels`, found a list"#);
}

#[test]
fn bombs_and_giants_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = n - 1;
        bomb += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{before}"); 9].join(", "));
    }
    assert_snapshot!(check(bomb.as_bytes()), @r#"
wardgate.yaml:6:10: error[yaml.budget]: the document is larger or deeper than is read, its aliases counted
  = write it out in smaller documents, without nested aliases
"#);
    assert_snapshot!(check("[".repeat(10_000).as_bytes()), @r#"
wardgate.yaml:1:25: error[yaml.budget]: the document is larger or deeper than is read, its aliases counted
  = write it out in smaller documents, without nested aliases
"#);
    assert_snapshot!(check(&vec![b'a'; super::FILE_BYTES_MAX + 1]), @r#"
wardgate.yaml: error[file.too_large]: the file has 4194305 bytes, at most 4194304 are read
  = split it into several files
"#);
    let levels = super::DEPTH_MAX - 3;
    let nested = format!("listeners: []\nlabels: {{ a: {}x{} }}\n", "[".repeat(levels), "]".repeat(levels));
    assert!(check(nested.as_bytes()).contains("expected text, found a list"));
    let mut deep = String::new();
    for depth in 0..200 {
        deep += &format!("{}a:\n", " ".repeat(depth));
    }
    assert_snapshot!(check(deep.as_bytes()), @r#"
wardgate.yaml:25:25: error[yaml.budget]: the document is larger or deeper than is read, its aliases counted
  = write it out in smaller documents, without nested aliases
"#);
}

#[test]
fn anchors_are_read() {
    assert_snapshot!(check(b"listeners: [&l {name: a}, *l]\n"), @r#"Config { listeners: At { spot: Spot { line: 1, column: 12 }, value: Some([At { spot: Spot { line: 1, column: 16 }, value: Some(Listener { name: At { spot: Spot { line: 1, column: 23 }, value: Some("a") }, trusted: None }) }, At { spot: Spot { line: 1, column: 27 }, value: Some(Listener { name: At { spot: Spot { line: 1, column: 27 }, value: Some("a") }, trusted: None }) }]) }, workers: None, labels: None }"#);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = check(&bytes);
    }

    #[test]
    fn almost_yaml_never_panics(text in "[a-z:{}\\[\\],&*!|>'\"#%@`\\- \n\t0-9~]{0,200}") {
        let _ = check(text.as_bytes());
    }
}

#[test]
fn a_key_has_a_place_or_that_of_what_is_there_of_it() {
    let text = "\n# first\nedge: { drain: 5s }\nlisteners:\n  - name: a\n  - name: b\n    tls: { key: k }\n";
    let at = |key: &str| super::place(Path::new("w.yaml"), text.as_bytes(), key).to_string();
    let places =
        ["edge.drain", "edge.threads", "listeners[1].tls.key", "listeners[1].tls.certificate", "listeners[7]", "admin", ""].map(at);
    assert_eq!(places, ["w.yaml:3:16", "w.yaml:3:7", "w.yaml:7:17", "w.yaml:7:10", "w.yaml:5:3", "w.yaml", "w.yaml"]);
    for broken in [&b"edge: ["[..], b"\xff", b""] {
        assert_eq!(super::place(Path::new("w.yaml"), broken, "edge").to_string(), "w.yaml");
    }
}
