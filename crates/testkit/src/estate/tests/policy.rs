//! The estate's own documents, read by the gate: honest calls are allowed by policy.

use super::small;
use crate::{
    estate::{Call, Documents, Label, Proof},
    world::{Asked, DAWN, ShippedLimits, TestWorld, Texts},
};
use std::time::Duration;
use wardgate_gate::{Step, decide, establish};
use wardgate_model::{proof::ProofFacts, ruling::Response};
use wardgate_resources::Sources;

fn world(documents: &Documents) -> TestWorld {
    Texts { yaml: &documents.yaml, cedar: &[], files: documents.files, grants: &[], shipped: ShippedLimits::Off }.world().unwrap()
}

/// What the judge says of a call. Keys are real; whoever proves itself otherwise is established by a key that the world made for it, and
/// judged as proven in its own way.
fn ruled(world: &TestWorld, name: Option<&str>, call: &Call) -> String {
    let query = call.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let asked = Asked::parse(&format!("{} https://gate.example{}{query}", call.operation.method, call.path)).unwrap();
    let asked = asked.from(call.source.address);
    let asked = name.map_or_else(
        || Asked::parse(&format!("{} https://gate.example{}", call.operation.method, call.path)).unwrap(),
        |name| asked.bearer(world.key(name)),
    );
    let by_key = matches!(call.shown.proof, Proof::ApiKey | Proof::None);
    let then = if by_key { call.time } else { DAWN + Duration::from_secs(1) };
    let Step::Done(mut facts) = establish(&asked.arrival(then), &world.snapshot, &world.meters, then) else { return "waits".to_owned() };
    if let (false, Some(caller)) = (by_key, facts.caller.as_mut()) {
        let since = call.shown.token.map_or(call.time, |token| token.issued);
        caller.proof = ProofFacts { kind: call.shown.proof.kind(), bound: call.shown.proof.bound(), fresh: false, since, ends: None };
    }
    let Step::Done(verdict) = decide(&facts, &world.snapshot, &world.meters, then) else { return "waits".to_owned() };
    let zone = facts.source.zone.as_ref().map(wardgate_model::facts::SourceZone::as_str);
    assert!(name.is_none() || zone == call.source.zone, "{zone:?} instead of {:?} for {}", call.source.zone, call.source.address);
    match verdict.ruling.response {
        Response::Allow => "allow".to_owned(),
        _ => format!("{:?}", verdict.ruling),
    }
}

#[test]
fn the_documents_load_without_a_diagnostic() {
    let documents = small(7).documents();
    let sources = Sources { documents: vec![("estate.yaml".into(), documents.yaml.as_str().into())], policies: vec![] };
    let read = |_: &std::path::Path, path: &str| {
        let found = documents.files.iter().find(|(name, _)| *name == path);
        found.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| std::io::Error::other(path.to_owned()))
    };
    let loaded = wardgate_resources::load(&sources, &read);
    let found: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_honest_call_is_allowed_by_policy() {
    let mut estate = small(7);
    let world = world(&estate.documents());
    let mut judged = std::collections::BTreeMap::new();
    while let Some(call) = estate.next() {
        if !matches!(call.label, Label::Honest(_)) || call.time.as_micros() % 5 != 0 {
            continue;
        }
        let name = estate.member(&call).map(|member| member.name.as_str());
        assert_eq!(ruled(&world, name, &call), "allow", "{name:?} {call:?}");
        *judged.entry(call.shown.proof).or_insert(0_u32) += 1;
    }
    assert!(judged.values().sum::<u32>() > 5_000, "{judged:?}");
    assert_eq!(judged.len(), Proof::ALL.len(), "{judged:?}");
}

#[test]
fn what_nobody_granted_is_refused() {
    let mut estate = small(7);
    let world = world(&estate.documents());
    let (mut refused, mut allowed) = (0, 0);
    while let Some(call) = estate.next() {
        if matches!(call.label, Label::Attack { family: crate::estate::Family::LateralMovement, .. }) {
            let name = estate.member(&call).map(|member| member.name.as_str());
            if ruled(&world, name, &call) == "allow" { allowed += 1 } else { refused += 1 }
        }
    }
    assert!(refused > 50 && allowed > 50, "what all of its owner's may see is allowed ({allowed}), the rest is not ({refused})");
}
