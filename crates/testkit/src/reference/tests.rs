use super::{anchor, reasons};
use std::{collections::BTreeSet, path::Path};
use wardgate_model::reason::Reason;

#[test]
fn the_page_of_reasons_is_what_the_table_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons.md");
    let page = std::fs::read_to_string(file).unwrap();
    assert!(page == reasons(), "docs/reasons.md is old: cargo run -p wardgate-testkit --example reasons > docs/reasons.md");
}

#[test]
fn every_reason_can_be_linked_to() {
    let page = reasons();
    let anchors: BTreeSet<String> = Reason::ALL.iter().map(|reason| anchor(*reason)).collect();
    assert_eq!(anchors.len(), Reason::ALL.len());
    for anchor in anchors {
        assert!(page.contains(&format!("<a id=\"{anchor}\"></a>")), "{anchor}");
    }
    assert!(!page.contains("UNKNOWN"), "a gRPC code has no name");
}

#[test]
fn a_reason_is_told_as_the_outside_sees_it() {
    let page = reasons();
    let row = page.lines().find(|line| line.contains("`proof.expired`")).unwrap();
    let invalid = Reason::ProofInvalid;
    assert!(row.contains(&format!("| {} |", invalid.row().public)), "{row}");
    assert!(row.contains("| `proof.invalid` |"), "{row}");
}
