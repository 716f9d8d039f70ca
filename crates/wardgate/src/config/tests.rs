mod fuzz;
mod outside;
mod sources;

use super::{Config, KeySource, Raw};
use insta::assert_snapshot;
use std::path::Path;
use wardgate_model::diagnostic::Diagnostic;

fn read(yaml: &str) -> Result<Config, Vec<Diagnostic>> {
    let file = Path::new("gate/wardgate.yaml");
    wardgate_resources::yaml::read::<Raw>(file, yaml.as_bytes())?.resolve(file, yaml.as_bytes())
}

fn wrong(yaml: &str) -> String {
    read(yaml).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const SMALL: &str = "listeners: [{ name: public, address: 127.0.0.1:8443 }]\n";

#[test]
fn a_listener_is_enough_and_paths_count_from_the_file() {
    let config = read(SMALL).unwrap();
    assert_eq!(config.store, "sqlite:gate/wardgate.db");
    assert_eq!(config.shown_store(), "sqlite:gate/wardgate.db");
    let elsewhere = Config { store: "postgres://gate:s3cret@db.example:5432/gate?password=s3cret".into(), ..config.clone() };
    assert_eq!(elsewhere.shown_store(), "postgres://db.example:5432/gate");
    assert_eq!(config.audit, Path::new("gate/audit/"));
    assert_eq!(config.key, KeySource::File("gate/wardgate.key".into()));
    assert_eq!(config.admin.to_string(), "127.0.0.1:9080");
    assert!(config.metrics_open && config.edge.threads > 0 && config.resources.is_empty());
}

#[test]
fn the_log_has_a_cap_and_keeps_what_nobody_takes_away() {
    let config = read(SMALL).unwrap();
    assert_eq!((config.audit_bytes_max, config.audit_retain), (64 << 30, None));
    let config = read(&format!("{SMALL}audit: {{ bytes_max: 10GiB, retain: 90d }}\n")).unwrap();
    assert_eq!((config.audit_bytes_max, config.audit_retain), (10 << 30, Some(std::time::Duration::from_secs(90 * 86_400))));
    let said = wrong(&format!("{SMALL}audit: {{ bytes_max: much, retain: long }}\n"));
    assert!(said.contains("`much` is no size") && said.contains("`long` is no duration"), "{said}");
    let said = wrong(&format!("{SMALL}audit: {{ bytes_max: 1KiB, seal: {{ after: 1ms }} }}\n"));
    assert!(said.contains("`1KiB` for `audit.bytes_max`") && said.contains("`1ms` for `audit.seal.after`"), "{said}");
    assert!(wrong(&format!("{SMALL}audit: {{ seal: {{ after: 2d }} }}\n")).contains("`2d` for `audit.seal.after`"));
}

#[test]
fn a_gate_has_a_name_in_its_events() {
    assert_eq!(&*read(SMALL).unwrap().edge.name, "edge-1");
    let named = |name: &str| read(&format!("{SMALL}edge: {{ name: '{name}' }}\n"));
    assert_eq!(&*named("west-2").unwrap().edge.name, "west-2");
    for bad in ["", "West", "a b", "a/b", "a\u{e4}", &"x".repeat(33)] {
        let said = wrong(&format!("{SMALL}edge: {{ name: '{bad}' }}\n"));
        assert!(said.contains("is no name for `edge.name`"), "{bad}: {said}");
    }
}

#[test]
fn ways_round_the_gate_are_looked_for_unless_told_otherwise() {
    let config = read(SMALL).unwrap();
    assert_eq!(config.bypass.every, Some(crate::bypass::EVERY));
    let config = read(&format!("{SMALL}bypass: {{ every: off, except: [ledger], also: [\"shop POST /shop/search\"] }}\n")).unwrap();
    assert_eq!((config.bypass.every, config.bypass.except.len()), (None, 1));
    assert!(config.bypass.also.contains("shop POST /shop/search"));
    let said = wrong(&format!("{SMALL}bypass: {{ every: 10ms, except: [No Api], also: [POST /shop] }}\n"));
    for part in ["`bypass.every` is less than a second", "`No Api` is no name of an API", "`POST /shop` is no operation"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn proxies_are_named_and_a_balancer_is_one_of_them() {
    let config =
        read("listeners: [{ name: public, address: 127.0.0.1:1, trusted_proxies: [10.1.0.0/16, 192.0.2.1], proxy_protocol: true }]\n")
            .unwrap();
    let listener = &config.listeners[0];
    assert!(listener.proxy_protocol && listener.trusted_proxies.len() == 2);
    assert_eq!(config.edge.rate_min, 240);
    let said = wrong("listeners: [{ name: public, address: 127.0.0.1:1, trusted_proxies: [10.1.0.1/16, balancer] }]\n");
    assert!(said.contains("`trusted_proxies`") && said.contains("`balancer`"), "{said}");
    let said = wrong("listeners: [{ name: public, address: 127.0.0.1:1, proxy_protocol: true }]\nedge: { rate_min: fast }\n");
    assert!(said.contains("nobody is trusted to speak it") && said.contains("`fast` is no size"), "{said}");
}

#[test]
fn the_effective_configuration_reads_back_as_itself() {
    let raw: Raw = wardgate_resources::yaml::read(Path::new("a"), SMALL.as_bytes()).unwrap();
    let shown = serde_saphyr::to_string(&raw.filled()).unwrap();
    let again: Raw = wardgate_resources::yaml::read(Path::new("a"), shown.as_bytes()).unwrap();
    assert_eq!(serde_saphyr::to_string(&again.filled()).unwrap(), shown);
}

#[test]
fn everything_wrong_is_said_at_once() {
    assert_snapshot!(wrong(
        "listeners: [{ name: public, address: nowhere, tls: { certificate: a.pem, key: file:b, client_certificates: maybe } }]\nadmin: { metrics: maybe }\nstore: { url: mysql://x }\nedge: { drain: soon, body_bytes_max: huge }\n"
    ));
}

#[test]
fn an_unknown_key_is_named_with_its_place() {
    assert_snapshot!(wrong("listeners: [{ name: public, address: 127.0.0.1:1 }]\nadmn: { address: 127.0.0.1:2 }\n"));
}

const SIGN_IN: &str =
    "issuer: 'https://id.example', client_id: wardgate, roles: { admins: [admin] }, owner: platform, environment: production";

#[test]
fn people_sign_in_where_it_says_so() {
    assert_eq!(read(SMALL).unwrap().sign_in, None);
    let sign_in = read(&format!("{SMALL}admin: {{ sign_in: {{ {SIGN_IN} }} }}\n")).unwrap().sign_in.unwrap();
    assert_eq!((sign_in.url, sign_in.session.as_secs(), &*sign_in.groups_claim), (None, 3_600, "groups"));
    let url = |url: &str| read(&format!("{SMALL}admin: {{ sign_in: {{ {SIGN_IN}, url: '{url}' }} }}\n"));
    assert_eq!(url("https://gate.example/").unwrap().sign_in.unwrap().url.as_deref(), Some("https://gate.example"));
    assert!(url("http://localhost:9080").is_ok() && url("http://[::1]:9080").is_ok());
    for bad in ["http://gate.example", "https://gate.example/console", "https://a@gate.example", "ftp://gate.example", "gate.example"] {
        assert!(url(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_is_wrong_about_people_is_said_at_once() {
    let said = wrong(&format!(
        "{SMALL}admin: {{ sign_in: {{ issuer: 'ftp://id.example', client_id: '', client_secret: hush, roles: {{ a: [king] }}, \
         environment: Production, session: 13h, networks: [home], roots: x }} }}\n"
    ));
    for part in [
        "`ftp://id.example` is no issuer",
        "`admin.sign_in.client_id` is empty",
        "`hush` is no file",
        "`king` is no role",
        "`Production` is no name of an Environment",
        "longer than 12h",
        "`home` is no network",
        "`x` is no file",
        "says of nobody for which owner",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = wrong(&format!(
        "{SMALL}admin: {{ sign_in: {{ issuer: 'https://id.example', client_id: w, roles: {{}}, environment: e, owner: O }} }}\n"
    ));
    assert!(said.contains("names no group") && said.contains("`O` is no name of an Owner"), "{said}");
}
