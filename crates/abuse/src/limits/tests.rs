use super::{Asked, Limits};
use crate::{
    key::KeyRef,
    testing::{facts, limits},
};
use std::{ops::ControlFlow, sync::Arc};
use wardgate_model::{api::Api, id::ApiName, limit::Per};

/// The limits that count a request, each with whose meter it is.
fn counted_by(limits: &Limits, request: &str) -> String {
    let facts = facts(request);
    let asked = Asked::of(&facts);
    let mut all = Vec::new();
    let _all = limits.each_matching(&asked, |_, rule| {
        let key = KeyRef { limit: &rule.name, hash: rule.hash, counted: crate::key::Counted::Flow, subject: asked.subject(rule.per) };
        all.push(key.to_owned().to_string().replace(" flow ", ": "));
        ControlFlow::<()>::Continue(())
    });
    all.sort();
    all.join(", ")
}

fn check(lines: &str, request: &str, expected: &str) {
    assert_eq!(counted_by(&limits(lines), request), expected, "{request}");
}

#[test]
fn every_member_of_a_selection_must_fit() {
    let lines = "
        name=all per=api rate=1/1000ms
        name=kind per=api kind=partner rate=1/1000ms
        name=identity per=api identity=a rate=1/1000ms
        name=owner per=api owner=payments rate=1/1000ms
        name=environment per=api environment=staging rate=1/1000ms
        name=api per=api api=ledger rate=1/1000ms
        name=class per=api class=bulk rate=1/1000ms
        name=operation per=api operation=GET:/export rate=1/1000ms
        name=anonymous per=api anonymous=true rate=1/1000ms
        name=known per=api anonymous=false rate=1/1000ms
        name=several per=api identity=a class=bulk api=ledger kind=partner rate=1/1000ms";
    let l = "api ledger";
    check(lines, "identity=z owner=o api=orders", "all: api orders, known: api orders");
    check(lines, "identity=a owner=o", &format!("all: {l}, api: {l}, identity: {l}, known: {l}"));
    check(lines, "identity=z owner=payments environment=staging api=o", "all: api o, environment: api o, known: api o, owner: api o");
    check(
        lines,
        "identity=a owner=o kind=partner class=bulk op=GET:/export",
        &format!("all: {l}, api: {l}, class: {l}, identity: {l}, kind: {l}, known: {l}, operation: {l}, several: {l}"),
    );
    check(lines, "identity=z owner=o op=POST:/export api=o", "all: api o, known: api o");
    check(lines, "api=o", "all: api o, anonymous: api o");
}

#[test]
fn a_meter_belongs_to_whom_the_limit_says() {
    let lines = Per::ALL.iter().map(|per| format!("name={per} per={per} rate=1/1000ms\n")).collect::<String>();
    check(
        &lines,
        "identity=a owner=payments credential=AAAAAAAAAAAA op=GET:/entries/{id} source=192.0.2.7",
        "api: api ledger, credential: credential AAAAAAAAAAAA, identity: identity a, operation: operation ledger GET /entries/{id}, \
         owner: owner payments, source: source 192.0.2.7",
    );
    check(
        &lines,
        "identity=a owner=payments person=p1 source=192.0.2.7",
        "api: api ledger, credential: credential a, identity: identity a, operation: operation ledger GET /entries, \
         owner: owner payments, person: person p1 of a, source: source 192.0.2.7",
    );
    check(
        &lines,
        "identity=people person=p1 source=192.0.2.7",
        "api: api ledger, credential: credential 192.0.2.7, identity: identity 192.0.2.7, operation: operation ledger GET /entries, \
         owner: owner 192.0.2.7, person: person session p1, source: source 192.0.2.7",
    );
    check(
        &lines,
        "source=2001:db8:0:1:ffff::7",
        "api: api ledger, credential: credential 2001:db8:0:1::/64, identity: identity 2001:db8:0:1::/64, \
         operation: operation ledger GET /entries, owner: owner 2001:db8:0:1::/64, source: source 2001:db8:0:1::/64",
    );
}

#[test]
fn a_failed_proof_never_spends_what_belongs_to_the_claimed_identity() {
    let lines = "name=i per=identity rate=1/1000ms\nname=theirs per=identity identity=a quota=5/day";
    check(lines, "identity=a", "i: identity a, theirs: identity a");
    check(lines, "identity=a stopped", "i: identity 192.0.2.1");
}

#[test]
fn the_anonymous_identity_may_be_selected_by_name() {
    check("name=l per=identity identity=anonymous rate=1/1000ms", "source=192.0.2.1", "l: identity 192.0.2.1");
    check("name=l per=identity identity=anonymous rate=1/1000ms", "identity=a", "");
}

#[test]
fn a_lane_is_selected_by_each_of_its_names_and_two_lanes_select_nothing() {
    let lines = "
        name=m per=api lane=machine rate=1/1000ms
        name=p per=api lane=people rate=1/1000ms
        name=a per=api lane=anonymous rate=1/1000ms
        name=by-name per=api identity=people rate=1/1000ms
        name=known per=api anonymous=false rate=1/1000ms
        name=both per=api lane=people anonymous=false rate=1/1000ms
        name=agreed per=api lane=people identity=people rate=1/1000ms
        name=never per=api identity=people anonymous=true rate=1/1000ms";
    let l = "api ledger";
    check(lines, "identity=x", &format!("known: {l}, m: {l}"));
    check(lines, "identity=people person=s", &format!("agreed: {l}, by-name: {l}, p: {l}"));
    check(lines, "", &format!("a: {l}"));
    check(lines, "identity=people person=s stopped", &format!("a: {l}"));
}

#[test]
fn who_names_no_person_is_counted_by_no_limit_per_person() {
    let lines = "name=l per=person rate=1/1000ms";
    for nobody in ["identity=a", "identity=people", "", "identity=a person=p stopped"] {
        check(lines, nobody, "");
    }
    check(lines, "identity=a person=p", "l: person p of a");
    check(lines, "identity=b person=p", "l: person p of b");
}

#[test]
fn an_operation_that_cannot_be_read_fits_none() {
    check("name=l per=api operation=/entries rate=1/1000ms", "identity=a op=GET:/entries", "");
}

const SHIPPED: [&str; 7] =
    ["default:identity", "default:api", "default:source", "default:anonymous", "default:people", "default:person", "default:tasks"];

#[test]
fn a_limit_replaces_one_of_its_name() {
    let mut all: Vec<_> = Limits::shipped().into_iter().map(Arc::new).collect();
    let names = |limits: &Limits| limits.rules.iter().map(|rule| rule.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&Limits::compile(&all)), SHIPPED);
    all.push(Arc::new(crate::testing::limit("name=default:api per=api api=orders quota=7/day")));
    let limits = Limits::compile(&all);
    let last = SHIPPED.iter().filter(|name| **name != "default:api").chain(&["default:api"]);
    assert_eq!(names(&limits), last.copied().collect::<Vec<_>>());
    assert_eq!(counted_by(&limits, "identity=a api=other"), "default:identity: identity a, default:source: source 192.0.2.1");
}

#[test]
fn shipped_limits_have_good_names_and_count_everybody() {
    for limit in Limits::shipped() {
        assert_eq!(wardgate_model::id::LimitName::parse(limit.name.as_str()), Ok(limit.name.clone()));
        let lane = limit.select.lane;
        let api = (limit.name.as_str() == "default:tasks").then(|| ApiName::literal(Api::TASKS));
        assert_eq!(limit.select, wardgate_model::limit::Select { lane, api, ..Default::default() }, "whatever other API it is");
    }
    let shipped = Limits::compile(&Limits::shipped().into_iter().map(Arc::new).collect::<Vec<_>>());
    let of = |request| counted_by(&shipped, request);
    let (api, source) = ("default:api: api ledger", "default:source: source 192.0.2.1");
    assert_eq!(of("identity=a"), format!("{api}, default:identity: identity a, {source}"));
    assert_eq!(of("identity=a person=p"), format!("{api}, default:identity: identity a, default:person: person p of a, {source}"));
    let tasks =
        "default:api: api wardgate-tasks, default:identity: identity a, default:source: source 192.0.2.1, default:tasks: identity a";
    assert_eq!(of("identity=a api=wardgate-tasks"), tasks);
    let unproven = format!("{api}, default:identity: identity 192.0.2.1");
    assert_eq!(of(""), format!("default:anonymous: source 192.0.2.1, {unproven}, {source}"));
    assert_eq!(
        of("identity=people person=s"),
        format!(
            "{api}, default:identity: identity 192.0.2.1, default:people: source 192.0.2.1, default:person: person session s, {source}"
        )
    );
}

#[test]
fn a_request_touches_only_limits_that_can_count_it() {
    let lines: String = (0..10_000).map(|n| format!("name=l{n} per=identity identity=i{n} rate=1/1000ms\n")).collect();
    let limits = limits(&lines);
    assert!(limits.index.any.is_empty());
    assert_eq!(counted_by(&limits, "identity=i4711"), "l4711: identity i4711");
}
