//! Every scene of the tour is a test: the demo says the truth about itself, so it is asked.

use crate::process::{Serving, wardgate};
use std::path::Path;

fn holds(scene: &str) {
    let ended = wardgate(Path::new("."), &["demo", "--once", "--scene", scene, "--output", "json"]);
    assert_eq!(ended.status, 0, "{ended:?}");
    let tour = ended.json();
    let scenes = tour["scenes"].as_array().unwrap();
    assert_eq!((scenes.len(), &tour["held"]), (1, &true.into()), "{tour:#}");
    let told = &scenes[0];
    assert_eq!((&told["name"], &told["held"]), (&scene.into(), &true.into()), "{tour:#}");
    let (sent, reached) = (told["sent"].as_u64().unwrap(), told["reached_upstream"].as_u64().unwrap());
    assert!(sent > reached && reached > 0, "something passes and something does not: {tour:#}");
    assert!(told["promise"].as_str().is_some_and(|promise| promise.len() > 20), "{tour:#}");
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("honest requests served")), "{tour:#}");
    assert_eq!(told.as_object().unwrap().len(), 6, "{tour:#}");
}

#[test]
fn analytics_no_export() {
    holds("analytics-no-export");
}

#[test]
fn staging_on_production() {
    holds("staging-on-production");
}

#[test]
fn legacy_key() {
    holds("legacy-key");
}

#[test]
fn spoofed_headers() {
    holds("spoofed-headers");
}

#[test]
fn smuggling_attempt() {
    holds("smuggling-attempt");
}

#[test]
fn bypass_found_and_closed() {
    holds("bypass-found-and-closed");
}

#[test]
fn incident_reconstructed() {
    holds("incident-reconstructed");
}

#[test]
fn unmodified_batch_job() {
    holds("unmodified-batch-job");
}

#[test]
fn tampering_found() {
    holds("tampering-found");
}

#[test]
fn webhook_sender() {
    holds("webhook-sender");
}

#[test]
fn burst() {
    holds("burst");
}

#[test]
fn leaked_key() {
    holds("leaked-key");
}

#[test]
fn owner_departs() {
    holds("owner-departs");
}

#[test]
fn rotation_without_a_failed_request() {
    holds("rotation-without-a-failed-request");
}

#[test]
fn contained_under_load() {
    holds("contained-under-load");
}

#[test]
fn discovered_caller_claimed() {
    holds("discovered-caller-claimed");
}

#[test]
fn ci_promotes_by_claims() {
    holds("ci-promotes-by-claims");
}

#[test]
fn ci_without_a_secret() {
    holds("ci-without-a-secret");
}

#[test]
fn three_hops_each_narrower() {
    holds("three-hops-each-narrower");
}

#[test]
fn mesh_workload_by_spiffe() {
    holds("mesh-workload-by-spiffe");
}

#[test]
fn stolen_certificate() {
    holds("stolen-certificate");
}

#[test]
fn the_tour_is_good_to_read() {
    let ended = wardgate(Path::new("."), &["demo", "--once", "--scene", "staging-on-production"]).with(0);
    assert!(!ended.out.contains('\u{1b}'), "no colour but on a terminal: {}", ended.out);
    for expected in
        ["1/1 staging-on-production", "honest  checkout-ci", "abuse   checkout-ci", "stopped at the gate", "1 of 1 promises held"]
    {
        assert!(ended.out.contains(expected), "`{expected}` in {}", ended.out);
    }
}

#[test]
fn after_the_tour_it_serves_on_and_its_curl_line_works() {
    let (serving, heard) = Serving::tour(&["demo", "--scene", "leaked-key"], "wardgate audit tail");
    let line = heard.lines().map(str::trim).find(|line| line.starts_with("curl ")).unwrap_or_else(|| panic!("a curl line: {heard}"));
    let output = std::process::Command::new("sh").args(["-c", &format!("{line} -sS -m 60")]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("o-1001"), "{output:?}");
    let export = heard.lines().map(str::trim).find(|line| line.starts_with("export ")).unwrap_or_else(|| panic!("an export line: {heard}"));
    let tail = format!("{export}; {} audit tail --identity orders-sync", env!("CARGO_BIN_EXE_wardgate"));
    let output = std::process::Command::new("sh").args(["-c", &tail]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("orders-sync"), "{output:?}");
    assert_eq!(serving.end(), Some(0));
}

#[test]
fn task_token() {
    holds("task-token");
}

#[test]
fn budget_runs_out() {
    holds("budget-runs-out");
}

#[test]
fn stolen_token_challenged() {
    holds("stolen-token-challenged");
}

#[test]
fn stuffing_over_300_sources() {
    holds("stuffing-over-300-sources");
}

#[test]
fn slow_scraping_found() {
    holds("slow-scraping-found");
}

#[test]
fn retry_storm_is_no_attack() {
    holds("retry-storm-is-no-attack");
}

#[test]
fn holds_without_purchase() {
    holds("holds-without-purchase");
}
