//! The authorization matrix: every identity, every operation, what is ruled. A document to read in review.

use crate::{estate, ruled};
use std::fmt::Write as _;
use wardgate_model::api::Segment;

#[test]
fn who_may_do_what() {
    let world = estate();
    let mut identities: Vec<&str> = world.keys.keys().map(String::as_str).collect();
    identities.insert(0, "");
    let mut matrix = String::new();
    for api in world.snapshot.apis() {
        for operation in &api.operations {
            writeln!(matrix, "{} ({})", operation.id, operation.class).unwrap();
            let path = operation.template.segments().iter().fold(String::new(), |path, segment| match segment {
                Segment::Literal(text) => format!("{path}/{text}"),
                Segment::Parameter(_) | Segment::Mixed { .. } | Segment::Several { .. } => format!("{path}/7"),
            });
            let host = if api.name.as_str() == "ledger" { "ledger.example" } else { "staging.ledger.example" };
            for identity in &identities {
                let answer = ruled(&world, identity, &format!("{} {path}\nhost: {host}", operation.method));
                let name = if identity.is_empty() { "(no credential)" } else { identity };
                writeln!(matrix, "  {name:<20} {answer}").unwrap();
            }
        }
    }
    insta::assert_snapshot!("authorization_matrix", matrix);
}

#[test]
fn a_purpose_of_another_kind_is_not_covered_by_a_grant_that_names_one() {
    let world = estate();
    let get =
        |purpose: &str| ruled(&world, "ledger-sync", &format!("GET /ledger/entries\nhost: ledger.example\nwardgate-purpose: {purpose}"));
    assert_eq!(get("settlement"), "200 rule.allowed");
    assert_eq!(get("curiosity"), "403 rule.not_permitted");
}
