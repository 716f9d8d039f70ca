use crate::{
    second::{Act, needs},
    testing::{documents, proposed, record},
};

/// `NAME more of the spec`: an API; its upstream unless said, and what it guards.
fn api(text: &str) -> String {
    let (name, more) = text.split_once(' ').unwrap_or((text, ""));
    let upstream = if more.contains("upstream:") { String::new() } else { ", upstream: { urls: [\"https://ledger.example\"] }".to_owned() };
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!("kind: Api\nname: {name}\nspec: {{ policy_owner: payments, environment: production{upstream}{more} }}")
}

fn world(texts: &[&str]) -> String {
    texts.iter().map(|text| api(text)).collect::<Vec<_>>().join("\n---\n")
}

/// What it needs to make `after` of what is on record and of what was removed.
fn check(before: &[&str], removed: &[&str], after: &str) -> String {
    let after = if after.starts_with("kind:") { after.to_owned() } else { api(after) };
    let (before, removed) = (documents(&world(before)), documents(&world(removed)));
    let record = record(&before).with_formers(removed.iter().map(|document| (document.name.as_str(), &document.spec)));
    match needs(&Act::Apply { changes: proposed(&after) }, &record) {
        None => "nothing".to_owned(),
        Some(needs) => format!("{}: {}", needs.needed, needs.why.join("; ")),
    }
}

const LEDGER: &str = "ledger operations: [{ match: \"GET /entries\", class: list }, { match: \"GET /export\", class: bulk }]";
const GONE: &str = "kind: Api\nname: ledger\nspec: { gone: true }";

#[test]
fn a_new_api_opens_no_more_than_what_ships() {
    let fresh = |more: &str| check(&[], &[], &format!("new {more}"));
    assert_eq!(fresh(""), "nothing");
    assert_eq!(fresh("mode: enforce, operations: [{ match: \"GET /x\", class: read }]"), "nothing");
    assert_eq!(fresh("mode: observe"), "second: rulings on the API `new` bind no more");
    assert_eq!(
        fresh("operations: [{ match: \"GET /x\", anonymous: true }]"),
        "second: `GET /x` of the API `new` can be called without a credential"
    );
    let people = "consumers: mixed, people: { cookie: sid, classes: [read] }, operations: [{ match: \"POST /x\", people: true }]";
    assert_eq!(
        fresh(people),
        "second: `POST /x` of the API `new` is open to people's sessions, which anybody can make up; every `read` of the API `new` is open \
         to people's sessions, which anybody can make up"
    );
    assert_eq!(fresh("consumers: mixed, people: { cookie: sid }, operations: [{ match: \"GET /x\" }]"), "nothing");
    assert_eq!(
        fresh("upstream: { urls: [\"https://x.example\"], identity: keep }"),
        "second: the upstream of the API `new` sees the credentials of its callers"
    );
}

#[test]
fn made_again_it_keeps_closed_what_it_kept_closed() {
    let again = |more: &str| check(&[], &[LEDGER], &format!("ledger {more}"));
    assert_eq!(check(&[], &[LEDGER], LEDGER), "nothing", "as it was");
    assert_eq!(
        again("operations: [{ match: \"GET /entries\", class: list }, { match: \"GET /export\", class: read }]"),
        "second: `GET /export` of the API `ledger` is not of the guarded class `bulk` any more"
    );
    assert_eq!(again(""), "second: `GET /export` of the API `ledger` is not of the guarded class `bulk` any more");
    let strict = |more: &str| format!("ledger require: {{ money: {{ bound: true }} }}{more}");
    let less = "second: what the API `ledger` requires of `money` changes";
    assert_eq!(check(&[&strict("")], &[], "ledger"), less);
    assert_eq!(check(&[], &[&strict("")], "ledger"), less);
    assert_eq!(check(&[&strict("")], &[], "ledger require: { money: { bound: false } }"), less);
    assert_eq!(check(&["ledger"], &[], &strict("")), "nothing", "more is no less");
    let kinds = "second: the API `ledger` accepts proofs of the kind `api_key`, too";
    assert_eq!(check(&["ledger accept: [x509]"], &[], "ledger accept: [x509, api_key]"), kinds);
    assert_eq!(check(&["ledger accept: [x509]"], &[], "ledger"), kinds, "unless said, it does");
    assert_eq!(check(&["ledger accept: [x509, api_key]"], &[], "ledger accept: [x509]"), "nothing");
    assert_eq!(
        check(&["ledger openapi: a.yaml"], &[], "ledger openapi: b.yaml"),
        "second: another document says what the operations of the API `ledger` do"
    );
    assert_eq!(check(&["ledger stale: { after: 1m }"], &[], "ledger"), "second: what the API `ledger` does without the store changes");
}

#[test]
fn another_api_is_no_way_round() {
    let around = "second: the API `other` leads where the API `ledger` leads, and guards less";
    let guarded = LEDGER.replace("ledger ", "other ");
    for removed in [false, true] {
        let with = |after: &str| if removed { check(&[], &[LEDGER], after) } else { check(&[LEDGER], &[], after) };
        assert_eq!(with("other"), around, "the same upstream");
        assert_eq!(with("other operations: [{ match: \"GET /{what}\", class: read }]"), around);
        assert_eq!(with(&guarded), "nothing", "it guards as much");
        assert_eq!(with(&format!("{guarded}, match: {{ path_prefix: /v2 }}")), around, "paths are others");
        assert_eq!(with("other upstream: { urls: [\"HTTPS://Ledger.example:443/\"] }"), around, "however it is written");
        assert_eq!(with("other upstream: { urls: [\"https://x.example\"] }"), around, "the same requests");
        let apart = "match: { hosts: [x.example] }";
        let at = |host: &str| format!("ledger match: {{ hosts: [{host}] }}, {}", LEDGER.strip_prefix("ledger ").unwrap());
        let (ours, theirs) = (at("a.example"), at("x.example"));
        let elsewhere = format!("other upstream: {{ urls: [\"https://x.example\"] }}, {apart}");
        assert_eq!(check(&[&ours], &[], &elsewhere), "nothing", "neither its upstream nor its requests");
        assert_eq!(check(&[&theirs], &[], &elsewhere), around);
    }
    // One that stood there before is not asked for again, one that is led there is.
    let (was, is) = ("other mode: enforce", "other mode: enforce, business_function: books");
    assert_eq!(check(&[LEDGER, was], &[], is), "nothing");
    let far = "other match: { hosts: [x.example] }, upstream: { urls: [\"https://x.example\"] }";
    assert_eq!(
        check(
            &[LEDGER.replace("operations", "match: { hosts: [a.example] }, operations").as_str(), far],
            &[],
            &far.replace("https://x", "https://ledger")
        ),
        around
    );
}

#[test]
fn what_is_removed_leaves_its_requests_to_nobody_who_asks_for_less() {
    let left = "second: requests for the API `ledger` go to the API `all`, which asks for less";
    let far = "upstream: { urls: [\"https://x.example\"] }";
    assert_eq!(check(&[LEDGER], &[], GONE), "nothing");
    assert_eq!(check(&[LEDGER, &format!("all {far}")], &[], GONE), "nothing");
    assert_eq!(check(&[LEDGER, &format!("all mode: observe, {far}")], &[], GONE), left);
    assert_eq!(check(&[LEDGER, "all"], &[], GONE), left, "it leads there, and guards less");
    let narrow = format!("{LEDGER}, match: {{ path_prefix: /v1 }}");
    assert_eq!(check(&[LEDGER, &format!("all mode: observe, {far}")], &[], &narrow), left);
    assert_eq!(check(&[&narrow, &format!("all match: {{ path_prefix: /v2 }}, mode: observe, {far}")], &[], GONE), "nothing");
}
