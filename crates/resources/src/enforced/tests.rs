use super::NOT_ENFORCED;
use std::fmt::Write;

/// The golden only shrinks: a line that goes is a feature that came.
#[test]
fn the_list_is_the_golden() {
    let mut text = String::new();
    for row in NOT_ENFORCED {
        writeln!(text, "{row}").unwrap();
    }
    assert_eq!(text, include_str!("../../testdata/not_enforced.txt"));
}

/// `testdata/later.yaml` shows each row once at least (`resolve::tests` has what is said about it).
#[test]
fn every_row_is_refused_where_it_stands() {
    let bytes = include_bytes!("../../testdata/later.yaml").to_vec();
    let sources = crate::Sources { documents: vec![("later.yaml".into(), bytes)], policies: Vec::new() };
    let loaded = crate::load(&sources, &|_: &std::path::Path, _: &str| Err(std::io::ErrorKind::NotFound.into()));
    assert!(loaded.inventory.is_none());
    let said: Vec<_> = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.code == super::CODE).map(ToString::to_string).collect();
    for row in NOT_ENFORCED {
        let words = row.to_string();
        let words = words.split_once(' ').map_or(words.as_str(), |(_, key)| key);
        assert!(said.iter().any(|said| said.contains(&format!("`{words}`"))), "{row} is not refused");
    }
    assert_eq!(loaded.diagnostics.iter().filter(|diagnostic| diagnostic.code != super::CODE).count(), 0);
}
