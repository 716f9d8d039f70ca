mod fuzz;

use super::{Column, Format, NETWORKS_MAX, Taken, Unlisted, read};
use std::sync::Arc;
use wardgate_model::{
    atlas::{Atlas, List, Listed},
    time::Time,
};

const DROP: &str = include_str!("testdata/drop.txt");
const NOW: &str = "2026-11-01";

fn taken(text: &str, format: &Format) -> Result<Taken, Unlisted> {
    read(text.as_bytes(), format, Time::parse(NOW).unwrap())
}

/// What came of a file: how many entries named something, were something else, were wrong, and which were wrong.
fn said(text: &str, format: &Format) -> String {
    match taken(text, format) {
        Err(unlisted) => unlisted.to_string(),
        Ok(Taken { networks, entries, others, bad, wrong }) => {
            let wrong: String = wrong.iter().map(|wrong| format!("; {}: {}", wrong.at, wrong.what)).collect();
            format!("{entries} entries, {others} others, {bad} bad, {} ranges{wrong}", networks.len())
        }
    }
}

/// Which of these addresses are on the list.
fn on(text: &str, format: &Format, addresses: &str) -> String {
    let networks = Arc::new(taken(text, format).unwrap().networks);
    let listed = Arc::new(Listed::of(&[List { name: "l".into(), weight: 1, networks }]));
    let atlas = Atlas { listed, ..Atlas::default() };
    let on = addresses.split(' ').filter(|address| atlas.listing(address.parse().unwrap()).is_some());
    on.collect::<Vec<_>>().join(" ")
}

fn csv(column: &str) -> Format {
    Format::Csv(column.parse().map_or_else(|_| Column::Name(column.into()), Column::Number))
}

fn jsonl() -> Format {
    Format::Jsonl("cidr".into())
}

#[test]
fn networks_a_line() {
    assert_eq!(said(DROP, &Format::Netset), "6 entries, 0 others, 0 bad, 6 ranges");
    let asked =
        "192.0.2.0 192.0.2.63 192.0.2.64 198.51.100.7 198.51.100.8 203.0.113.9 203.0.113.12 203.0.113.13 2001:db8:1::5 2001:db8:2::";
    assert_eq!(on(DROP, &Format::Netset, asked), "192.0.2.0 192.0.2.63 198.51.100.7 203.0.113.9 203.0.113.12 2001:db8:1::5");
    assert_eq!(on(DROP, &Format::Netset, "192.0.2.199 192.0.2.200 ::ffff:192.0.2.200"), "192.0.2.200 ::ffff:192.0.2.200");
    // Lines of another system, and a mark before the first.
    assert_eq!(said("\u{feff}192.0.2.1\r\n\r\n# none\r\n192.0.2.3\r\n", &Format::Netset), "2 entries, 0 others, 0 bad, 2 ranges");
}

#[test]
fn an_object_a_line() {
    let text = r#"{"cidr":"192.0.2.0/24","sblid":"SBL0","rir":"none"}
{"cidr":"2001:db8::/32","sblid":"SBL1","rir":"none","more":{"cidr":"10.0.0.0/8"}}
{"type":"metadata","timestamp":1700000000,"size":99,"records":2}
"#;
    assert_eq!(said(text, &jsonl()), "2 entries, 1 others, 0 bad, 2 ranges");
    assert_eq!(on(text, &jsonl(), "192.0.2.9 10.0.0.1 2001:db8::1"), "192.0.2.9 2001:db8::1");
    assert_eq!(said(text, &Format::Jsonl("ip".into())), "none of its 3 entries names an address");
}

#[test]
fn a_column() {
    let named = "# made now\n\"first_seen\",\"dst_ip\",\"dst_port\"\n\"2026, early\",\"192.0.2.7\",\"443\"\n\"a \"\"b\"\"\",192.0.2.9,80\n";
    assert_eq!(said(named, &csv("dst_ip")), "2 entries, 0 others, 0 bad, 2 ranges");
    assert_eq!(said(named, &csv("2")), "2 entries, 0 others, 0 bad, 2 ranges", "a header is no entry");
    assert_eq!(on(named, &csv("DST_IP"), "192.0.2.7 192.0.2.8 192.0.2.9"), "192.0.2.7 192.0.2.9");
    assert_eq!(said(named, &csv("src_ip")), "it has no column `src_ip`");
    // The header in a comment, and a port with the address.
    let commented = "################\n# \"when\", \"ioc_value\", \"type\"\n\"now\", \"192.0.2.7:443\", \"ip:port\"\n\"now\", \"[2001:db8::1]:80\", \"ip:port\"\n";
    assert_eq!(said(commented, &csv("ioc_value")), "2 entries, 0 others, 0 bad, 2 ranges");
    assert_eq!(said("192.0.2.1\n192.0.2.3,x\n", &csv("1")), "2 entries, 0 others, 0 bad, 2 ranges");
    // Quotes without an end take nothing of the lines behind them.
    let open = format!("{}\"192.0.2.99\n{}", "192.0.2.1\n".repeat(20), "192.0.2.3\n".repeat(20));
    assert_eq!(said(&open, &csv("1")), "40 entries, 0 others, 1 bad, 2 ranges; 21: it has no column 1");
}

#[test]
fn indicators_of_stix() {
    let text = r#"{"type":"bundle","id":"bundle--1","objects":[
      {"type":"identity","name":"somebody","value":"192.0.2.250"},
      {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '192.0.2.1']","valid_from":"2026-01-01T00:00:00Z"},
      {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '192.0.2.2' OR ipv6-addr:value='2001:db8::1'] OR [ipv4-addr:value IN ('192.0.2.3', '192.0.2.4')]"},
      {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value ISSUBSET '198.51.100.0/24']"},
      {"type":"indicator","pattern_type":"stix","pattern":"[domain-name:value = 'bad.example']"},
      {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '192.0.2.5' AND domain-name:value = 'bad.example']"},
      {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '192.0.2.6']","revoked":true},
      {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '192.0.2.7']","valid_until":"2026-10-31T23:59:59Z"},
      {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '192.0.2.8']","valid_until":"2026-11-02T00:00:00Z"},
      {"type":"indicator","pattern_type":"snort","pattern":"[ipv4-addr:value = '192.0.2.9']"},
      {"pattern":"[ipv4-addr:value = '192.0.2.10']","type":"indicator","extensions":{"x":[{"type":"indicator","pattern":7}]}}
    ]}"#;
    assert_eq!(said(text, &Format::Stix), "8 entries, 6 others, 0 bad, 5 ranges");
    let all = (1..=10).map(|at| format!("192.0.2.{at}")).collect::<Vec<_>>().join(" ");
    assert_eq!(on(text, &Format::Stix, &all), "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.8 192.0.2.10");
    let wrong = r#"{"objects":[{"type":"indicator","pattern":"[ipv4-addr:value = 'nowhere']"}]}"#;
    assert_eq!(said(wrong, &Format::Stix), "1 of 1 entries are wrong; entry 1: `nowhere` is no network");
    assert_eq!(said("{\"objects\":[", &Format::Stix), "it is no JSON: EOF while parsing a list at line 1 column 12");
    assert!(said(&"[".repeat(100_000), &Format::Stix).starts_with("it is no JSON: recursion limit exceeded"));
}

#[test]
fn attributes_of_misp() {
    let text = r#"{"response":[{"Event":{"info":"x","Attribute":[
        {"type":"ip-src","to_ids":true,"value":"192.0.2.1"},
        {"type":"ip-dst|port","to_ids":true,"value":"192.0.2.2|443"},
        {"type":"ip-dst","to_ids":false,"value":"192.0.2.3"},
        {"type":"ip-dst","to_ids":true,"deleted":true,"value":"192.0.2.4"},
        {"type":"domain","to_ids":true,"value":"bad.example"}],
      "Object":[{"name":"ip-port","Attribute":[{"type":"ip-dst","value":"2001:db8::/32"}]}]}}]}"#;
    assert_eq!(said(text, &Format::Misp), "3 entries, 3 others, 0 bad, 2 ranges");
    assert_eq!(on(text, &Format::Misp, "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 2001:db8::1"), "192.0.2.1 192.0.2.2 2001:db8::1");
}

#[test]
fn what_is_wrong_is_counted_and_the_first_of_it_told() {
    let mostly = format!("{}nobody\n0.0.0.0/0\n", "192.0.2.1\n".repeat(18));
    assert_eq!(
        said(&mostly, &Format::Netset),
        "18 entries, 0 others, 2 bad, 1 ranges; 19: `nobody` is no network; 20: `0.0.0.0/0` is no network"
    );
    let garbage = format!("{}nobody\n192.0.2.9-192.0.2.1\n", "192.0.2.1\n".repeat(17));
    assert_eq!(said(&garbage, &Format::Netset), "2 of 19 entries are wrong; line 18: `nobody` is no network");
    assert_eq!(said("<html>\n<p>404\u{7}", &Format::Netset), "2 of 2 entries are wrong; line 1: `<html>` is no network");
    assert_eq!(said("", &Format::Netset), "nothing is in it");
    // Nobody means half of the Internet.
    for wide in ["0.0.0.0-255.255.255.255", "128.0.0.0/1", "::ffff:0:0/96", "8000::/1"] {
        let told = said(&format!("{}{wide}\n", "192.0.2.1\n".repeat(18)), &Format::Netset);
        assert_eq!(told, format!("18 entries, 0 others, 1 bad, 1 ranges; 19: `{wide}` is no network"));
    }
    // A list can be empty: nobody is hostile now.
    assert_eq!(said("# none today\n", &Format::Netset), "0 entries, 0 others, 0 bad, 0 ranges");
    let many = taken(&"nobody\n".repeat(50).replace("nobody\n", &"192.0.2.1\n".repeat(10)).replacen("192.0.2.1", "x", 9), &Format::Netset)
        .unwrap();
    assert_eq!((many.bad, many.wrong.len()), (9, super::TOLD_MAX));
    let long = format!("{}{}", "192.0.2.1\n".repeat(30), "1".repeat(20_000));
    assert_eq!(said(&long, &Format::Netset), "30 entries, 0 others, 1 bad, 1 ranges; 31: it has more than 16384 bytes");
    let shown = format!("{}{}\n", "192.0.2.1\n".repeat(30), "\u{1b}[31m".repeat(20));
    assert_eq!(
        said(&shown, &Format::Netset),
        format!("30 entries, 0 others, 1 bad, 1 ranges; 31: `{}…` is no network", "\\u{1b}[31m".repeat(8))
    );
}

#[test]
fn a_list_has_an_end() {
    let text = "192.0.2.1\n".repeat(NETWORKS_MAX + 1);
    assert_eq!(said(&text, &Format::Netset), "it has more than 2000000 networks");
    let array = format!("[{}]", vec![r#"{"type":"ip-src","value":"192.0.2.1"}"#; 100].join(","));
    assert_eq!(said(&array, &Format::Misp), "100 entries, 0 others, 0 bad, 1 ranges");
}
