//! What the operator's files say of addresses: weighed, read by policies, recorded, replayed, exchanged while the gate serves.

use crate::{
    gate::{Gate, Place, until},
    http::{self, Line, bearer},
    process::wardgate,
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::fs;
use wardgate_testkit::mmdb::{Addresses, mmdb};

const SOURCES: &str = "
sources:
  reputation:
    - { name: drop, file: lists/drop.txt, weight: 30 }
    - { name: feed, file: lists/feed.json, format: stix, weight: 10 }
  mmdb: { country: geo/country.mmdb, asn: geo/asn.mmdb }
";

const EMBARGO: &str = r#"@id("embargo") forbid (principal, action, resource in Api::"shop") when { context.source.country == "XX" };"#;

fn country(network: &str, code: &str) -> Vec<u8> {
    mmdb(
        Addresses::Aliased,
        &[(network, json!({ "country": { "iso_code": code } })), ("2001:db8::/32", json!({ "country": { "iso_code": "DE" } }))],
    )
}

/// Another file in the place of the one that is there, as who publishes such files does it.
fn put(place: &Place, name: &str, bytes: &[u8]) {
    let path = place.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(place.path().join("new"), bytes).unwrap();
    fs::rename(place.path().join("new"), path).unwrap();
}

/// A shop whose callers come through a proxy, from wherever that says.
fn place(upstream: &Upstream) -> Place {
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "public_url: 'https://gate.test' }", "public_url: 'https://gate.test', trusted_proxies: [127.0.0.1] }");
    let config = fs::read_to_string(place.path().join("wardgate.yaml")).unwrap();
    place.write("wardgate.yaml", &(config + SOURCES));
    place.write("resources/embargo.cedar", EMBARGO);
    put(&place, "lists/drop.txt", b"192.0.2.0/28 ; SBL1\n");
    put(&place, "lists/feed.json", br#"{"objects":[{"type":"indicator","pattern":"[ipv6-addr:value ISSUBSET '2001:db8:7::/48']"}]}"#);
    put(&place, "geo/country.mmdb", &country("203.0.113.0/24", "XX"));
    put(&place, "geo/asn.mmdb", &mmdb(Addresses::V4, &[("192.0.2.0/24", json!({ "autonomous_system_number": 64_500 }))]));
    place
}

struct Asking {
    line: Line,
    key: String,
}

impl Asking {
    /// A call from there: what came of it, and its id.
    fn from(&mut self, address: &str) -> (String, String) {
        let answer = self.line.ask("GET /shop/things", &[("Authorization", &self.key), ("X-Forwarded-For", address)], "");
        (answer.said(), answer.id())
    }
}

fn event(place: &Place, id: &str) -> Value {
    until("the event", || place.events().into_iter().find(|event| event["request_id"] == json!(id) && event["kind"] == json!("request")))
}

fn probe(gate: &Gate, path: &str) -> String {
    http::ask(gate.admin, &format!("GET {path}"), &[], "").body
}

#[test]
fn what_files_say_of_an_address_is_weighed_ruled_on_recorded_and_replayed() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    let mut caller = Asking { line: Line::open(gate.public), key };

    let told = |caller: &mut Asking, address: &str| {
        let (said, id) = caller.from(address);
        let event = event(&place, &id);
        let signals =
            event["ruling"]["signals"].as_array().unwrap().iter().map(|signal| signal["name"].as_str().unwrap()).collect::<Vec<_>>();
        let of = |name: &str| event["source"][name].as_str().unwrap_or("-").to_owned();
        format!("{said} {} {} {} risk {} {}", of("country"), of("network"), of("reputation"), event["ruling"]["risk"], signals.join(","))
    };
    assert_eq!(told(&mut caller, "192.0.2.1"), "200 - AS64500 drop risk 30 reputation");
    assert_eq!(told(&mut caller, "192.0.2.99"), "200 - AS64500 - risk 0 ");
    assert_eq!(told(&mut caller, "2001:db8:7::1"), "200 DE - feed risk 10 reputation");
    assert_eq!(told(&mut caller, "203.0.113.9"), "403 rule.forbidden XX - - risk 0 ");

    // Exchanged while a connection is open: obeyed on it.
    put(&place, "geo/country.mmdb", &country("198.51.100.0/24", "XX"));
    until("the other country", || (caller.from("203.0.113.9").0 == "200").then_some(()));
    assert_eq!(told(&mut caller, "198.51.100.1"), "403 rule.forbidden XX - - risk 0 ");
    put(&place, "lists/drop.txt", b"198.51.100.0/24\n2001:db8:7::/64\n");
    until("the other list", || told(&mut caller, "192.0.2.1").ends_with("risk 0 ").then_some(()));
    // Two lists: the second takes its share of what the first leaves.
    assert_eq!(told(&mut caller, "2001:db8:7::1"), "200 DE - drop,feed risk 37 reputation");

    // What is no list, and no file of countries, changes nothing, and is said.
    assert_eq!(probe(&gate, "/readyz"), "ready\n");
    put(&place, "lists/drop.txt", b"<html>404</html>\n");
    put(&place, "geo/country.mmdb", b"nothing of use");
    let said = until("the trouble", || Some(probe(&gate, "/readyz")).filter(|said| said.lines().count() == 3));
    assert!(
        said.contains("source list `drop`: `") && said.contains("1 of 1 entries are wrong; line 1: `<html>404</html>` is no network"),
        "{said}"
    );
    assert!(said.contains("source file `country`: ") && said.contains("it is no MMDB file that can be read"), "{said}");
    let metrics = probe(&gate, "/metrics");
    for line in [
        "wardgate_source_failing{file=\"drop\"} 1",
        "wardgate_source_failing{file=\"feed\"} 0",
        "wardgate_source_networks{file=\"drop\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(told(&mut caller, "2001:db8:7::1"), "200 DE - drop,feed risk 37 reputation");
    assert_eq!(told(&mut caller, "198.51.100.1"), "403 rule.forbidden XX - drop risk 30 reputation");
    assert_eq!(gate.end().0, Some(0));

    // By the files that are there now nothing could be ruled again: it is by what the events have.
    fs::remove_dir_all(place.path().join("geo")).unwrap();
    fs::remove_dir_all(place.path().join("lists")).unwrap();
    let report = wardgate(place.path(), &["replay", "--format", "wardgate", "--output", "json"]).with(0).json();
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!([number("different"), number("uncertain"), number("not_replayed")], [0; 3], "{report:#}");
    assert!(number("same") > 8, "{report:#}");
}

#[test]
fn a_missing_list_keeps_nobody_from_serving_and_missing_countries_do() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    fs::remove_file(place.path().join("lists/drop.txt")).unwrap();
    let said = wardgate(place.path(), &["check"]).with(2).err;
    assert!(said.contains("`sources.reputation[0].file`") && said.contains("lists/drop.txt` cannot be read"), "{said}");
    let gate = place.serve();
    let said = probe(&gate, "/readyz");
    assert!(said.starts_with("ready\nsource list `drop`: ") && said.ends_with("; nothing is known by it\n"), "{said}");
    assert_eq!(gate.end().0, Some(0));

    put(
        &place,
        "lists/drop.txt",
        b"192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4\n192.0.2.5\n192.0.2.6\n192.0.2.7\n192.0.2.8\n192.0.2.9\nhere\n",
    );
    let said = wardgate(place.path(), &["check"]).with(0).err;
    for part in ["lists/drop.txt:10", "warning[sources.entry] `here` is no network; entries that are passed over: 1"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    fs::remove_file(place.path().join("geo/country.mmdb")).unwrap();
    let said = wardgate(place.path(), &["serve"]).with(1).err;
    assert!(said.contains("geo/country.mmdb` cannot be read"), "{said}");
}
