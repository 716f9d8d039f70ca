//! What is known of addresses.

use super::{SMALL, read, wrong};
use crate::config::Raw;
use std::path::Path;
use wardgate_feeds::{
    charts::Settings,
    reputation::{Column, Format},
};

const ALL: &str = r#"sources:
  reputation:
    - { name: drop, file: lists/drop.txt }
    - { name: drop-v6, file: lists/drop_v6.json, format: jsonl, weight: 30 }
    - { name: c2, file: /var/lists/c2.csv, format: csv, column: dst_ip }
    - { name: second, file: second.csv, format: csv, column: "2" }
    - { name: cti, file: bundle.json, format: stix, weight: 39 }
    - { name: ours, file: events.json, format: misp, weight: 1 }
  mmdb: { country: geo/country.mmdb, asn: geo/asn.mmdb }
"#;

#[test]
fn lists_and_files_are_named() {
    assert_eq!(read(SMALL).unwrap().sources, Settings::default());
    let sources = read(&format!("{SMALL}{ALL}")).unwrap().sources;
    assert_eq!(sources.country.as_deref(), Some(Path::new("gate/geo/country.mmdb")));
    assert_eq!(sources.network.as_deref(), Some(Path::new("gate/geo/asn.mmdb")));
    let lists: Vec<_> = sources.lists.iter().map(|list| (&*list.name, list.path.to_str().unwrap(), &list.format, list.weight)).collect();
    let (named, second) = (Format::Csv(Column::Name("dst_ip".into())), Format::Csv(Column::Number(2)));
    assert_eq!(
        lists,
        [
            ("drop", "gate/lists/drop.txt", &Format::Netset, 25),
            ("drop-v6", "gate/lists/drop_v6.json", &Format::Jsonl("cidr".into()), 30),
            ("c2", "/var/lists/c2.csv", &named, 25),
            ("second", "gate/second.csv", &second, 25),
            ("cti", "gate/bundle.json", &Format::Stix, 39),
            ("ours", "gate/events.json", &Format::Misp, 1),
        ]
    );
}

#[test]
fn what_is_in_force_is_written_out() {
    let yaml = format!("{SMALL}{}", ALL.lines().take(4).collect::<Vec<_>>().join("\n"));
    let raw = wardgate_resources::yaml::read::<Raw>(Path::new("gate/wardgate.yaml"), yaml.as_bytes()).unwrap().filled();
    assert_eq!(
        serde_json::to_value(&raw.sources).unwrap(),
        serde_json::json!({ "reputation": [
            { "name": "drop", "file": "lists/drop.txt", "format": "netset", "weight": 25 },
            { "name": "drop-v6", "file": "lists/drop_v6.json", "format": "jsonl", "column": "cidr", "weight": 30 },
        ] })
    );
}

#[test]
fn everything_wrong_with_them_is_said() {
    let yaml = format!(
        "{SMALL}sources:
  reputation:
    - {{ name: Drop, file: a }}
    - {{ name: b, file: b, weight: 40 }}
    - {{ name: c, file: c, format: xml }}
    - {{ name: d, file: d, format: csv }}
    - {{ name: e, file: e, format: csv, column: '0' }}
    - {{ name: f, file: f, column: x }}
    - {{ name: g, file: g }}
    - {{ name: g, file: h }}
"
    );
    let said = wrong(&yaml);
    for part in [
        "4:15: error[config.value]: `Drop` is no name for `sources.reputation[0].name`",
        "5:35: error[config.value]: `40` is no weight for `sources.reputation[1].weight`",
        "6:35: error[config.value]: `xml` is no value of `sources.reputation[2].format`",
        "7:35: error[config.value]: `sources.reputation[3].column` is missing",
        "8:48: error[config.value]: there is no column 0 for `sources.reputation[4].column`",
        "9:35: error[config.value]: `sources.reputation[5].column` has no meaning here",
        "two lists are called `g`",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let many: String = (0..17).map(|at| format!("    - {{ name: l{at}, file: x }}\n")).collect();
    assert!(wrong(&format!("{SMALL}sources:\n  reputation:\n{many}")).contains("there are 17 lists"));
    let said = wrong(&format!("{SMALL}sources: {{ mmdb: {{ city: x }} }}\n"));
    assert!(said.contains("city"), "{said}");
}
