//! The scenes of the tour: one file each, the honest path and its abuse. Later scenes are added at the end.

mod analytics_no_export;
mod batch_job;
mod budget_runs_out;
mod burst;
mod bypass;
mod ci_by_claims;
mod ci_without_a_secret;
mod contained;
mod discovered;
mod holds;
mod incident;
mod leaked_key;
mod legacy_key;
mod mesh_workload;
mod owner_departs;
mod retry_storm;
mod rotation;
mod slow_scraping;
mod smuggling;
mod spoofed_headers;
mod staging_on_production;
mod stolen_certificate;
mod stolen_token;
mod stuffing;
mod tampering;
mod task_token;
mod three_hops;
mod webhook;

use super::{play::Play, stage::Stage};
use serde_json::{Value, json};
use std::pin::Pin;

/// A scene under way.
type Playing<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// A scene.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    /// Its name, a slug.
    pub(super) name: &'static str,
    /// What Wardgate promises, in a sentence.
    pub(super) promise: &'static str,
    /// How it goes.
    pub(super) play: for<'a> fn(&'a Stage, &'a mut Play) -> Playing<'a>,
}

/// Every scene, in the order of the tour.
pub(super) const ALL: [Scene; 28] = [
    analytics_no_export::SCENE,
    staging_on_production::SCENE,
    legacy_key::SCENE,
    spoofed_headers::SCENE,
    burst::SCENE,
    leaked_key::SCENE,
    owner_departs::SCENE,
    rotation::SCENE,
    contained::SCENE,
    discovered::SCENE,
    ci_by_claims::SCENE,
    mesh_workload::SCENE,
    stolen_certificate::SCENE,
    smuggling::SCENE,
    bypass::SCENE,
    webhook::SCENE,
    incident::SCENE,
    tampering::SCENE,
    batch_job::SCENE,
    ci_without_a_secret::SCENE,
    three_hops::SCENE,
    task_token::SCENE,
    budget_runs_out::SCENE,
    stolen_token::SCENE,
    stuffing::SCENE,
    slow_scraping::SCENE,
    retry_storm::SCENE,
    holds::SCENE,
];

/// The names of all scenes, in the order of the tour.
#[must_use]
pub fn scene_names() -> Vec<&'static str> {
    ALL.iter().map(|scene| scene.name).collect()
}

/// An API with one list, before this upstream, and the grant of who may read it.
fn one_list(name: &str, url: &str, reader: &str) -> Value {
    let api = json!({
        "policy_owner": "commerce",
        "business_owner": "commerce",
        "environment": "production",
        "sensitivity": "high",
        "match": { "path_prefix": format!("/{name}") },
        "upstream": { "urls": [url], "identity": "assertion" },
        "operations": [{ "match": "GET /open", "class": "list" }],
    });
    let grant = json!({ "to": { "identity": reader }, "api": name, "operations": ["list"] });
    json!([{ "kind": "Api", "name": name, "spec": api }, { "kind": "Grant", "name": format!("{reader}-{name}"), "spec": grant }])
}
