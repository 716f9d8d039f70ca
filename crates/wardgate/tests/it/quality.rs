//! A policy that reads the grade of its caller refuses when the grade falls, over a restart too, and lets in when it is mended.

use crate::{
    gate::{Gate, Place, until},
    http::{Line, bearer},
    process::wardgate,
    upstream::Upstream,
};

const CARE: &str = r#"@id("writes-want-care")
forbid (principal, action == Action::"write", resource in Api::"shop") when { principal.quality < 60 };
"#;

const OTHERS: &str = "\
kind: Owner
name: other-team
spec: { accountable: cy@example.com, deputy: di@example.com, contact: others@example.com }
";

fn asked(gate: &Gate, key: &str, what: &str) -> String {
    Line::open(gate.public).ask(what, &[("Authorization", &bearer(key))], "").said()
}

/// The line of the page that says how the caller is graded.
fn described(place: &Place, gate: &Gate) -> String {
    let page = place.run(gate, &["describe", "identity", "caller"], "").with(0).out;
    let line = page.lines().find(|line| line.trim_start().starts_with("quality")).unwrap_or(&page);
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_grade_that_falls_refuses_and_one_that_is_mended_lets_in() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "threads: 2", "threads: 1");
    place.write("resources/care.cedar", CARE);
    place.write("resources/others.yaml", OTHERS);
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    // A key that it sends takes something off; that is enough for the policy.
    assert_eq!(asked(&gate, &key, "POST /shop/things"), "200");
    until("the grade of who has a key", || (described(&place, &gate) == "quality 85 (B): proof.secret -15").then_some(()));
    assert_eq!(asked(&gate, &key, "POST /shop/things"), "200");

    place.run(&gate, &["owner", "depart", "shop-team", "--reason", "she left"], "").with(0);
    until("the refusal", || (asked(&gate, &key, "POST /shop/things") == "403 standing.denied").then_some(()));
    assert_eq!(asked(&gate, &key, "GET /shop/things"), "200", "what the policy does not name goes on");
    assert_eq!(described(&place, &gate), "quality 55 (D): owner.departed -30, proof.secret -15");
    let shown = place.run(&gate, &["get", "identity", "caller", "--output", "json"], "").with(0).json();
    let quality = &shown["quality"];
    assert_eq!((&quality["score"], &quality["letter"], &quality["parts"][0]["cause"]), (&55.into(), &"D".into(), &"owner.departed".into()));

    // The doors of the next run open on the same grade.
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    assert_eq!(asked(&gate, &key, "POST /shop/things"), "403 standing.denied");

    place.change("resources/shop.yaml", "type: service_account\n  owner: shop-team", "type: service_account\n  owner: other-team");
    until("its being let in", || (asked(&gate, &key, "POST /shop/things") == "200").then_some(()));
    assert_eq!(described(&place, &gate), "quality 85 (B): proof.secret -15");
    assert_eq!(gate.end().0, Some(0));

    // Each event says by which grade it was ruled, and is ruled so again.
    let said = |response: &str| {
        let events = place.events().into_iter().filter(|event| event["method"] == "POST" && event["path"] == "/shop/things");
        let mut grades: Vec<u64> = events
            .filter(|event| event["ruling"]["response"] == response)
            .map(|event| event["identity"]["quality"].as_u64().unwrap())
            .collect();
        grades.dedup();
        grades
    };
    assert_eq!(said("block"), [55]);
    assert!(said("allow").iter().all(|grade| [100, 85].contains(grade)) && said("allow").contains(&85));
    let replayed = wardgate(place.path(), &["replay", "--format", "wardgate", "--output", "json"]).with(0).json();
    let otherwise = ["different", "uncertain", "not_replayed"].map(|member| replayed[member].as_u64());
    assert_eq!(otherwise, [Some(0); 3], "{replayed:#}");
}
