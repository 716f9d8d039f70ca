use super::{AccessPage, AccessPath, AccessQuery, Answer, PAGE_MAX, Scene, diff, in_order, paths};
use proptest::prelude::*;
use std::{fmt::Write as _, sync::Arc};
use wardgate_gate::{Step, decide, describe};
use wardgate_model::{
    id::IdentityId,
    inventory::{Identity, IdentityState},
    proof::ProofKind,
    ruling::Response,
    time::Time,
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

const ESTATE: &str = r#"
kind: Owner
name: payments
spec: { accountable: lead@example.com, teams: [settlement] }
---
kind: Owner
name: data
spec: { accountable: lead@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Environment
name: staging
spec: {}
---
kind: Purpose
name: audit
spec: {}
---
kind: Zone
name: lan
spec: { networks: [10.0.0.0/8] }
---
kind: Api
name: ledger
spec:
  { policy_owner: payments, business_owner: data, environment: production, sensitivity: high, exposure: internal, consumers: machine,
    match: { hosts: [ledger.example], path_prefix: /ledger }, upstream: { urls: ["http://127.0.0.1:9000"], identity: assertion },
    accept: [api_key], operations: [
      { match: "GET /entries", class: list }, { match: "GET /entries/{id}", class: read }, { match: "POST /entries", class: write },
      { match: "GET /export", class: bulk }, { match: "GET /status", class: read, anonymous: true } ] }
---
kind: Api
name: trial
spec:
  { policy_owner: data, business_owner: data, environment: staging, sensitivity: low, exposure: internal, consumers: machine, mode: observe,
    match: { hosts: [trial.example], path_prefix: /trial }, upstream: { urls: ["http://127.0.0.1:9000"], identity: assertion },
    accept: [api_key], operations: [ { match: "GET /things", class: list }, { match: "DELETE /things/{id}", class: delete } ] }
"#;

const CEDAR: &str = r#"
@id("lan") permit (principal in Team::"settlement", action in [Action::"read", Action::"list"], resource in Api::"ledger")
when { context.source.zone == "lan" };
@id("nobody-deletes") forbid (principal in Owner::"data", action == Action::"delete", resource);
@id("not-by-key") forbid (principal, action == Action::"write", resource) when { context.proof.kind == "api_key" };
"#;

const IDENTITIES: [(&str, &str, &str); 4] =
    [("a", "payments", "production"), ("b", "payments", "staging"), ("c", "data", "production"), ("d", "data", "staging")];

/// An estate with these grants: `to=a ops=read,list until=2026-06-02 purpose=audit api=ledger`, a line each.
fn estate(grants: &str) -> TestWorld {
    let mut yaml = ESTATE.to_owned();
    for (name, owner, environment) in IDENTITIES {
        let team = if name == "a" { ", team: settlement" } else { "" };
        write!(yaml, "---\nkind: Identity\nname: {name}\nspec: {{ type: workload, owner: {owner}, environment: {environment}, purpose: x{team}, credentials: [{{ name: main, type: api_key, expires_in: 30d }}] }}\n").unwrap();
    }
    for (at, line) in grants.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let get = |key: &str| line.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let to = match get("owner") {
            Some(owner) => format!("owner: {owner}"),
            None => format!("identity: {}", get("to").unwrap()),
        };
        write!(
            yaml,
            "---\nkind: Grant\nname: g{at}\nspec: {{ to: {{ {to} }}, api: {}, operations: [{}]",
            get("api").unwrap_or("ledger"),
            get("ops").unwrap()
        )
        .unwrap();
        get("until").map_or(Ok(()), |until| write!(yaml, ", until: {until}")).unwrap();
        get("purpose").map_or(Ok(()), |purpose| write!(yaml, ", purpose: {purpose}")).unwrap();
        yaml.push_str(" }\n");
    }
    world(&yaml, CEDAR, ShippedLimits::Off).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn known(world: &TestWorld) -> Vec<Arc<Identity>> {
    let names = IDENTITIES.iter().map(|(name, ..)| *name).chain([Identity::ANONYMOUS]);
    let mut all: Vec<_> = names.map(|name| Arc::clone(world.snapshot.identity(&IdentityId::parse(name).unwrap()).unwrap())).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

fn all(world: &TestWorld, query: &AccessQuery) -> AccessPage {
    let identities = known(world);
    paths(&Scene::of(&world.snapshot), identities.iter().map(|identity| &**identity), query, DAWN)
}

fn line(path: &AccessPath) -> String {
    let mut text = format!("{} {} ({}) {} by {}", path.identity, path.operation, path.class, path.answer, path.by.join(", "));
    path.until.iter().for_each(|until| write!(text, " until {until}").unwrap());
    if !path.enforced {
        text.push_str(" (observed)");
    }
    for one in &path.conditions {
        write!(text, "\n    {} {}: {}", if one.forbids { "not if" } else { "if" }, one.policy, one.when).unwrap();
    }
    text
}

const GRANTS: &str = "
    to=a ops=write
    owner=data ops=list until=2026-07-01
    to=c ops=bulk purpose=audit
    to=d api=trial ops=list,delete
    to=c ops=read until=2026-01-01";

#[test]
fn every_path_with_its_permits_and_conditions() {
    let world = estate(GRANTS);
    let page = all(&world, &AccessQuery { api: None, limit: PAGE_MAX, ..AccessQuery::default() });
    let of_others = |path: &&AccessPath| path.api.as_str() != "wardgate-admin";
    insta::assert_snapshot!(page.paths.iter().filter(of_others).map(line).collect::<Vec<_>>().join("\n"), @r#"
    a ledger GET /ledger/entries (list) conditional by lan
        if lan: context.source.zone == "lan"
    a ledger GET /ledger/entries/{id} (read) conditional by lan
        if lan: context.source.zone == "lan"
    a ledger GET /ledger/status (read) conditional by lan
        if lan: context.source.zone == "lan"
    a ledger POST /ledger/entries (write) conditional by grant:g0
        not if not-by-key: context.proof.kind == "api_key"
    anonymous ledger GET /ledger/status (read) allowed by shipped:anonymous
    c ledger GET /ledger/entries (list) allowed by grant:g1 until 2026-07-01T00:00:00Z
    c ledger GET /ledger/export (bulk) conditional by grant:g2
        not if guardrail:power: !((context.proof.kind != "api_key") && (context.proof.kind != "hmac") && (context.risk < 40))
        if grant:g2: the purpose is `audit`, or none is declared
    d trial GET /trial/things (list) allowed by grant:g3 (observed)
    "#);
}

#[test]
fn a_question_may_be_narrow_and_a_denial_says_who_forbids() {
    let world = estate(GRANTS);
    let identity = Some(IdentityId::literal("d"));
    let query =
        AccessQuery { identity, operation: Some("DELETE /trial/things/{id}".into()), denied: true, limit: 5, ..AccessQuery::default() };
    let page = all(&world, &query);
    insta::assert_snapshot!(page.paths.iter().map(line).collect::<Vec<_>>().join("\n"), @"d trial DELETE /trial/things/{id} (delete) denied by nobody-deletes (observed)");
    let by_id = AccessQuery { operation: Some("trial DELETE /trial/things/{id}".into()), ..query.clone() };
    assert_eq!(all(&world, &by_id), page);
    let none = AccessQuery { operation: Some("DELETE /other".into()), ..query };
    assert_eq!(all(&world, &none).paths, []);
}

#[test]
fn pages_add_up() {
    let world = estate(GRANTS);
    let whole = all(&world, &AccessQuery { limit: PAGE_MAX, denied: true, ..AccessQuery::default() });
    assert_eq!(whole.next, None);
    for limit in [1, 2, 3, 7] {
        let mut query = AccessQuery { limit, denied: true, ..AccessQuery::default() };
        let mut found = Vec::new();
        loop {
            let page = all(&world, &query);
            assert!(page.paths.len() <= limit as usize);
            found.extend(page.paths);
            let Some(next) = page.next else { break };
            query.after = Some(next);
        }
        assert_eq!(found, whole.paths);
    }
}

#[test]
fn what_is_stopped_reaches_nothing() {
    let world = estate(GRANTS);
    let (scene, identities) = (Scene::of(&world.snapshot), known(&world));
    let open = |identity: &Identity| paths(&scene, [identity], &AccessQuery { limit: 100, ..AccessQuery::default() }, DAWN).paths.len();
    let a = identities.iter().find(|identity| identity.id.as_str() == "a").unwrap();
    assert!(open(a) > 0);
    for state in IdentityState::ALL.iter().filter(|state| **state != IdentityState::Active) {
        assert_eq!(open(&Identity { state: *state, revision: 7, ..Identity::clone(a) }), 0, "{state}");
    }
    world.denied.stop(wardgate_gate::denied::Subject::Owner(a.owner.clone()), DAWN);
    assert_eq!(open(a), 0);
}

#[test]
fn what_became_different() {
    let query = AccessQuery { limit: PAGE_MAX, ..AccessQuery::default() };
    let before = all(&estate("to=a ops=write\nto=c ops=list\nto=c ops=read"), &query);
    let after = all(&estate("to=a ops=write,bulk\nto=c ops=list until=2026-07-01"), &query);
    let found = diff(&before.paths, &after.paths);
    let lines = |paths: &[AccessPath]| paths.iter().map(line).collect::<Vec<_>>().join("\n");
    let changed: Vec<_> = found.changed.iter().map(|one| format!("{}\n  now {}", line(&one.before), line(&one.after))).collect();
    let said = format!("gained\n{}\nlost\n{}\nchanged\n{}", lines(&found.gained), lines(&found.lost), changed.join("\n"));
    insta::assert_snapshot!(said, @r#"
    gained
    a ledger GET /ledger/export (bulk) conditional by grant:g0
        not if guardrail:power: !((context.proof.kind != "api_key") && (context.proof.kind != "hmac") && (context.risk < 40))
    lost
    c ledger GET /ledger/entries/{id} (read) allowed by grant:g2
    c ledger GET /ledger/status (read) allowed by grant:g2
    changed
    c ledger GET /ledger/entries (list) allowed by grant:g1
      now c ledger GET /ledger/entries (list) allowed by grant:g1 until 2026-07-01T00:00:00Z
    "#);
    assert_eq!(diff(&before.paths, &before.paths), super::AccessDiff::default());
}

#[test]
fn a_population_comes_in_order() {
    let identities: Vec<Arc<Identity>> = ["c", "a", "d", "b"]
        .iter()
        .map(|name| Arc::new(Identity { id: IdentityId::parse(name).unwrap(), ..Identity::anonymous() }))
        .collect();
    let names = |query: &AccessQuery| in_order(&identities, query).iter().map(|identity| identity.id.to_string()).collect::<String>();
    assert_eq!(names(&AccessQuery::default()), "abcd");
    assert_eq!(names(&AccessQuery { after: Some("c x".into()), ..AccessQuery::default() }), "cd");
    assert_eq!(names(&AccessQuery { identity: Some(IdentityId::literal("b")), ..AccessQuery::default() }), "b");
}

/// What described requests on a path are told, one for each way to come: yes or no, and by whom.
fn judged(world: &TestWorld, path: &AccessPath) -> Vec<(bool, Vec<String>)> {
    let api = world.snapshot.apis().iter().find(|api| api.name == path.api).unwrap();
    let operation = api.operations.iter().find(|operation| *operation.id.as_str() == *path.operation).unwrap();
    let host = if path.api.as_str() == "trial" { "trial.example" } else { "ledger.example" };
    let target = operation.template.as_str().replace("{id}", "7");
    let mut told = Vec::new();
    for purpose in ["", "Wardgate-Purpose: audit\n", "Wardgate-Purpose: other\n"] {
        for peer in ["127.0.0.1", "10.1.2.3"] {
            for kind in [ProofKind::ApiKey, ProofKind::Session, ProofKind::Jwt, ProofKind::X509] {
                let text = format!("{} http://{host}{target}\nHost: {host}\n{purpose}", operation.method);
                let asked = Asked::parse(&text).unwrap().from(peer.parse().unwrap());
                let facts = describe(&asked.arrival(DAWN), &path.identity, kind, &world.snapshot).unwrap();
                let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, DAWN) else { panic!("nothing to wait for") };
                let by = verdict.ruling.policies.iter().map(ToString::to_string).collect();
                told.push((verdict.ruling.response == Response::Allow, by));
            }
        }
    }
    told
}

fn grants() -> impl Strategy<Value = String> {
    let to = prop_oneof![Just("to=a"), Just("to=b"), Just("to=c"), Just("to=d"), Just("owner=data"), Just("owner=payments")];
    let ops = prop_oneof![Just("ops=read"), Just("ops=list,read"), Just("ops=write"), Just("ops=bulk"), Just("ops=list")];
    let until = prop_oneof![3 => Just(""), 1 => Just(" until=2026-05-01"), 1 => Just(" until=2026-09-01")];
    let purpose = prop_oneof![3 => Just(""), 1 => Just(" purpose=audit")];
    let on_trial =
        prop_oneof![Just("to=b api=trial ops=list"), Just("to=d api=trial ops=list,delete"), Just("owner=payments api=trial ops=delete")];
    let one = prop_oneof![4 => (to, ops, until, purpose).prop_map(|(to, ops, until, purpose)| format!("{to} {ops}{until}{purpose}")), 1 => on_trial.prop_map(str::to_owned)];
    proptest::collection::vec(one, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The estate is told what requests are told.
    #[test]
    fn paths_are_what_the_judge_says(grants in grants()) {
        let world = estate(&grants);
        let page = all(&world, &AccessQuery { limit: PAGE_MAX, denied: true, ..AccessQuery::default() });
        let mut looked = 0;
        for path in page.paths.iter().filter(|path| path.api.as_str() != "wardgate-admin") {
            let told = judged(&world, path);
            let yes = told.iter().filter(|(yes, _)| *yes).count();
            match path.answer {
                Answer::Allowed => prop_assert_eq!(yes, told.len(), "{}\n{}", grants, line(path)),
                Answer::Denied => prop_assert_eq!(yes, 0, "{}\n{}", grants, line(path)),
                // Some way to come is always let through here, or another stopped: conditions are no decoration.
                Answer::Conditional => prop_assert!(!path.conditions.is_empty(), "{}\n{}", grants, line(path)),
            }
            for (_, by) in told.iter().filter(|(yes, _)| *yes) {
                prop_assert!(by.iter().all(|policy| path.by.iter().any(|known| **known == **policy)), "{:?} in {}", by, line(path));
            }
            looked += told.len();
        }
        prop_assert!(looked > 500);
        let past: Vec<Time> = page.paths.iter().filter_map(|path| path.until).filter(|until| *until <= DAWN).collect();
        prop_assert!(past.is_empty());
    }
}
