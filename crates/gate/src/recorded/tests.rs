use super::{Ground, Recorded, caller, meters, nothing, relate};
use crate::{Step, decide};
use http::Method;
use std::{net::IpAddr, sync::Arc, time::Duration};
use wardgate_model::{id::RequestId, proof::ProofFacts, reason::Reason, time::Time};
use wardgate_testkit::world::{DAWN, ShippedLimits, TestWorld, world};

const YAML: &str = "
kind: Environment
name: production
spec: { production: true }
---
kind: Owner
name: shop-team
spec: { accountable: shop@example.com }
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /shop }
  upstream: { urls: [\"http://127.0.0.1:9000\"], identity: assertion }
  operations:
    - { match: \"GET /things/{id}\", class: read, resource: path.id }
    - { match: \"POST /things\", class: write }
---
kind: Identity
name: reader
spec: { type: bot, owner: shop-team, environment: production, purpose: reads, credentials: [{ name: main, type: api_key, expires_in: 30d }] }
---
kind: Grant
name: reader-shop
spec: { to: { identity: reader }, api: shop, operations: [read] }
";

/// `METHOD PATH` of `reader`, against a world that has no secret of the upstream.
fn ruled(world: &TestWorld, lines: &[&str]) -> Vec<String> {
    let estate = world.snapshot.estate();
    let ground = Ground {
        apis: world.snapshot.apis().to_vec(),
        grants: Vec::new(),
        zones: Vec::new(),
        policies: Arc::clone(estate.policies()),
        limits: None,
    };
    let (snapshot, meters) = (ground.into_snapshot().unwrap(), meters());
    let identity = world.snapshot.identity(&world.identity("reader").unwrap()).unwrap();
    let caller = caller(Arc::clone(identity), ProofFacts::NONE);
    let mut facts = nothing();
    let mut told = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let (method, path) = line.split_once(' ').unwrap();
        let time = DAWN + Duration::from_secs(at as u64);
        let recorded = Recorded {
            id: RequestId::new(time, at as u128),
            time,
            method: &Method::from_bytes(method.as_bytes()).unwrap(),
            host: "",
            path,
            query: None,
            source: IpAddr::from([192, 0, 2, 7]),
            user_agent: Some("test/1"),
            caller: &caller,
        };
        relate(&mut facts, &recorded, &snapshot, &meters);
        let Step::Done(verdict) = decide(&facts, &snapshot, &meters, time) else { panic!("it waits") };
        let resource = facts.resource.as_deref().unwrap_or("-");
        told.push(format!("{line}: {} {resource}", verdict.ruling.reason().code()));
    }
    told
}

#[test]
fn what_was_recorded_goes_through_the_rooms_and_no_fact_is_left_over_from_the_call_before() {
    let world = world(YAML, "", ShippedLimits::Off).unwrap();
    let told = ruled(
        &world,
        &[
            "GET /shop/things/7",
            "GET /shop/things/8",
            "POST /shop/things",
            "GET /nowhere",
            "GET /shop/things",
            "GET /shop/../things/9",
            "TRACE /shop/things/7",
            "GET /shop/%74hings/9",
        ],
    );
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_source_over_its_limit_is_refused_as_at_the_door() {
    let world = world(YAML, "", ShippedLimits::Off).unwrap();
    let ground = Ground {
        apis: world.snapshot.apis().to_vec(),
        grants: Vec::new(),
        zones: Vec::new(),
        policies: Arc::clone(world.snapshot.estate().policies()),
        limits: None,
    };
    let (snapshot, meters) = (ground.into_snapshot().unwrap(), meters());
    let identity = world.snapshot.identity(&world.identity("reader").unwrap()).unwrap();
    let caller = caller(Arc::clone(identity), ProofFacts::NONE);
    let mut facts = nothing();
    let time = Time::from_seconds(1_800_000_000);
    let recorded = Recorded {
        id: RequestId::new(time, 0),
        time,
        method: &Method::GET,
        host: "shop.example",
        path: "/shop/things/7",
        query: Some("a=b"),
        source: IpAddr::from([192, 0, 2, 7]),
        user_agent: None,
        caller: &caller,
    };
    let stopped = (0..5_000).find(|_| {
        relate(&mut facts, &recorded, &snapshot, &meters);
        facts.stopped.is_some_and(|stopped| stopped.reason == Reason::SourceLimited)
    });
    assert_eq!(stopped, Some(4_000));
}
