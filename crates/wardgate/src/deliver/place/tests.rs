use super::Place;
use crate::deliver::{CommandSettings, Settings, VaultSettings};
use wardgate_console::Delivery;
use wardgate_model::id::SecretName;

fn settings() -> Settings {
    let vault = VaultSettings {
        url: "https://vault.example:8200".to_owned(),
        mount: "secret".into(),
        namespace: None,
        token: "/run/token".into(),
        ca: None,
    };
    let reload = CommandSettings { program: "/usr/local/bin/reload".into(), arguments: Vec::new() };
    Settings { directory: Some("/run/secrets".into()), vault: Some(vault), commands: [("reload".into(), reload)].into() }
}

/// `file NAME`, `kubernetes NAME`, `vault PATH`, `command NAME`.
fn delivery(text: &str) -> Delivery {
    let (way, name) = text.split_once(' ').unwrap();
    match way {
        "file" => Delivery::File(name.into()),
        "kubernetes" => Delivery::Kubernetes(name.into()),
        "vault" => Delivery::Vault(name.into()),
        "command" => Delivery::Command(name.into()),
        _ => panic!("`{text}`"),
    }
}

fn refused(text: &str, settings: &Settings) -> String {
    Place::find(&delivery(text), &SecretName::literal("shop:key"), settings).unwrap_err().to_string()
}

#[test]
fn what_is_configured_is_found() {
    for text in [
        "file shop-key",
        "file Shop_Key.txt",
        "kubernetes shop/upstream-key",
        "kubernetes shop/upstream.key#api-key",
        "vault team/shop",
        "vault team/shop#api_key",
        "command reload",
    ] {
        assert!(Place::find(&delivery(text), &SecretName::literal("shop:key"), &settings()).is_ok(), "{text}");
    }
}

#[test]
fn what_is_not_configured_is_said_with_the_key_that_configures_it() {
    let none = Settings::default();
    assert_eq!(
        refused("file shop-key", &none),
        "a directory for delivered secrets is not configured: set `deliver.directory` in wardgate.yaml"
    );
    assert_eq!(
        refused("kubernetes shop/key", &none),
        "a directory for delivered secrets is not configured: set `deliver.directory` in wardgate.yaml"
    );
    assert_eq!(refused("vault team/shop", &none), "a Vault is not configured: set `deliver.vault` in wardgate.yaml");
    assert_eq!(
        refused("command other", &settings()),
        "the command `other` is not configured: set `deliver.commands.other` in wardgate.yaml"
    );
}

/// The API names things in a place of the operator's; it never chooses the place.
#[test]
fn nothing_outside_the_place_can_be_named() {
    let settings = settings();
    let long = "a".repeat(600);
    for name in ["", "..", ".hidden", "../etc/passwd", "a/b", "/etc/passwd", "a\0b", "a b", "a\nb", "é", &long] {
        assert!(refused(&format!("file {name}"), &settings).contains("is no name of a file"), "{name:?}");
    }
    for name in [
        "",
        "/",
        "a",
        "a/",
        "/a",
        "A/b",
        "a/b/c",
        "../b",
        "a/..",
        "a/b\nkind: Pod",
        "a\"/b",
        "-a/b",
        "a/b#",
        "a/b#..",
        "a/b#a/b",
        "a/b#\"x",
    ] {
        assert!(refused(&format!("kubernetes {name}"), &settings).contains("is no Kubernetes Secret"), "{name:?}");
    }
    for path in ["", "/a", "a/", "a//b", "../sys/seal", "a/../../sys", "a/./b", "a?b", "a%2f..", "a b", "a/b#", "a/b#x/y", &long] {
        let refused = refused(&format!("vault {path}"), &settings);
        assert!(refused.contains("is no path in the Vault") || refused.contains("is no key of an entry"), "{path:?}: {refused}");
    }
    for name in ["", "reload --force", "/bin/sh", "../reload"] {
        assert!(refused(&format!("command {name}"), &settings).contains("is not configured"), "{name:?}");
    }
}
