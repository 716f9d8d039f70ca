//! What worries is on record from when it began until it was over.

use crate::{
    gate::{Place, until},
    process::wardgate,
    upstream::Upstream,
};
use serde_json::Value;

/// `CODE NAME SEVERITY` of each finding that is on record.
fn findings(place: &Place) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = place.events().into_iter().filter(|event| event["kind"] == "finding").map(|event| event["finding"].clone());
    let told = events.map(|finding| format!("{} {} {}", text(&finding["code"]), text(&finding["name"]), text(&finding["severity"])));
    told.filter(|told| told.contains("shop-team")).collect()
}

#[test]
fn a_finding_is_on_record_from_when_it_began_until_it_was_over() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let (begun, over) = ("owner.no_deputy shop-team low", "owner.no_deputy shop-team over");
    place.change("resources/ground.yaml", ", deputy: bo@example.com", "");
    let gate = place.serve();
    until("its begin", || (findings(&place) == [begun]).then_some(()));
    // A gate that ends well has written down what it told; one that is killed in that moment tells it once more.
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    place.change("resources/ground.yaml", "accountable: ada@example.com", "accountable: ada@example.com, deputy: bo@example.com");
    until("its end", || (findings(&place) == [begun, over]).then_some(()));
    let told = wardgate(place.path(), &["audit", "timeline", "owner:shop-team", "--all"]).with(0).out;
    let lines: Vec<_> = told.lines().filter(|line| line.contains("owner.no_deputy")).collect();
    assert!(lines.len() == 2 && lines[1].contains("it is so no more"), "{told}");
    drop(gate);
}
