use super::{Chart, Charts, ListFile, Settings};
use crate::reputation::Format;
use serde_json::json;
use std::{fs, path::Path};
use wardgate_model::{atlas::Atlas, time::Time};
use wardgate_testkit::mmdb::{Addresses, mmdb};

fn settings(folder: &Path) -> Settings {
    let list = |name: &str, weight| ListFile { name: name.into(), path: folder.join(name), format: Format::Netset, weight };
    Settings { lists: vec![list("drop", 30), list("scan", 10)], country: Some(folder.join("country")), network: Some(folder.join("asn")) }
}

/// What is known of an address.
fn known(atlas: &Atlas, address: &str) -> String {
    let address = address.parse().unwrap();
    let (listing, country, network) = (atlas.listing(address), atlas.country(address), atlas.network(address));
    format!(
        "{} {country:?} {}",
        listing.map_or("-", |listing| listing.names()),
        network.map_or_else(String::new, |network| network.to_string())
    )
}

/// How each file is: name, networks, bad ones, failures, and why the last one does not hold.
fn states(charts: &Charts) -> Vec<String> {
    let said = |state: super::FileState| {
        let held = if state.read.is_some() { state.networks.to_string() } else { "nothing".to_owned() };
        format!("{} {held} {} {} {}", state.name, state.bad, state.failures, state.failure.is_some())
    };
    charts.states().into_iter().map(said).collect()
}

#[tokio::test]
async fn files_are_read_when_they_become_others_and_what_was_good_holds_on() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        // As who publishes does it: another file in its place.
        fs::write(folder.path().join("new"), bytes).unwrap();
        fs::rename(folder.path().join("new"), folder.path().join(name)).unwrap();
    };
    let now = Time::from_seconds(1_000);
    let mut charts = Charts::new(settings(folder.path()));
    put("drop", b"192.0.2.0/24\n");
    put("country", &mmdb(Addresses::V4, &[("192.0.2.0/24", json!({ "country": { "iso_code": "DE" } }))]));
    let atlas = charts.look(now).await.expect("something is known");
    assert_eq!(known(&atlas, "192.0.2.1"), "drop Some(DE) ");
    assert_eq!(states(&charts), ["drop 1 0 0 false", "scan nothing 0 1 true", "country 2 0 0 false", "asn nothing 0 1 true"]);
    assert!(charts.look(now).await.is_none(), "nothing became another");

    put("scan", b"192.0.2.1\nnobody\n192.0.2.3\n192.0.2.5\n192.0.2.7\n192.0.2.9\n192.0.2.11\n192.0.2.13\n192.0.2.15\n192.0.2.17\n");
    put("asn", &mmdb(Addresses::V4, &[("192.0.2.0/24", json!({ "autonomous_system_number": 64_500 }))]));
    let atlas = charts.look(now).await.expect("more is known");
    assert_eq!(known(&atlas, "192.0.2.1"), "drop,scan Some(DE) AS64500");
    assert_eq!(known(&atlas, "192.0.2.2"), "drop Some(DE) AS64500");
    assert_eq!(states(&charts), ["drop 1 0 0 false", "scan 9 1 1 false", "country 2 0 0 false", "asn 2 0 1 false"]);

    // Garbage, nothing, another thing, and no file at all.
    put("drop", b"<html>\n");
    put("scan", b"");
    put("country", b"no file of countries");
    fs::remove_file(folder.path().join("asn")).unwrap();
    assert!(charts.look(now).await.is_none(), "what was good holds on");
    assert_eq!(states(&charts), ["drop 1 0 1 true", "scan 9 1 2 true", "country 2 0 1 true", "asn 2 0 2 true"]);
    assert!(charts.look(now).await.is_none());
    assert_eq!(states(&charts)[0], "drop 1 0 1 true", "what is no other is not read again");

    put("drop", b"198.51.100.1\n");
    let atlas = charts.look(now).await.expect("the list is another");
    assert_eq!(known(&atlas, "192.0.2.1"), "scan Some(DE) AS64500");
    assert_eq!(known(&atlas, "198.51.100.1"), "drop None ");
    assert_eq!(charts.states()[0].chart, Chart::List);
}

#[tokio::test]
async fn a_folder_or_a_pipe_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("drop")).unwrap();
    let mut charts = Charts::new(Settings { country: None, network: None, ..settings(folder.path()) });
    assert!(charts.look(Time::from_seconds(0)).await.is_none());
    let why = charts.states()[0].failure.clone().unwrap();
    assert!(why.ends_with("/drop` is no file"), "{why}");
}

#[tokio::test]
async fn all_lists_together_have_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let mut charts = Charts { networks_max: 3, ..Charts::new(Settings { country: None, network: None, ..settings(folder.path()) }) };
    put("drop", "192.0.2.1\n192.0.2.3\n");
    put("scan", "192.0.2.1\n192.0.2.5\n");
    let atlas = charts.look(Time::from_seconds(0)).await.expect("the first one is taken");
    assert_eq!([known(&atlas, "192.0.2.1"), known(&atlas, "192.0.2.5")], ["drop None ", "- None "]);
    let why = charts.states()[1].failure.clone().unwrap();
    assert!(why.ends_with("/scan`: all lists together have more than 3 networks"), "{why}");
    put("scan", "192.0.2.5\n");
    let atlas = charts.look(Time::from_seconds(1)).await.expect("the second one fits");
    assert_eq!(known(&atlas, "192.0.2.5"), "scan None ");
}
