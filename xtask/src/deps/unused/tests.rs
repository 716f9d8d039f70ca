use super::{check, mentions};
use crate::workspace::{Dependency, Package, Use, Workspace};
use std::path::PathBuf;

#[test]
fn a_name_counts_as_a_word() {
    for (text, used) in [
        ("use serde_json::Value;", true),
        ("serde_json::to_string(&x)", true),
        ("use serde::Deserialize;", false),
        ("my_serde_json::x()", false),
        ("serde_jsonc::x()", false),
    ] {
        assert_eq!(mentions(text, "serde_json"), used, "{text}");
    }
}

#[test]
fn what_no_source_mentions_is_named() {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("crates/a/src/lib.rs", "use http::Method;"),
        ("crates/a/src/deep/b.rs", "serde_json::json!({})"),
        ("crates/a/tests/it/main.rs", "use tempfile::tempdir; use bytes::Bytes;"),
        ("crates/a/README.md", "insta"),
    ] {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let edge = |name: &str, use_in| Dependency { name: name.to_owned(), rename: None, use_in };
    let renamed = |rename: &str| Dependency { rename: Some(rename.to_owned()), ..edge("rustls-http", Use::Shipped) };
    let package = Package {
        name: "wardgate-a".to_owned(),
        folder: "crates/a".to_owned(),
        features: Vec::new(),
        dependencies: vec![
            edge("http", Use::Shipped),
            edge("serde-json", Use::Shipped),
            edge("bytes", Use::Shipped),
            edge("tempfile", Use::Tests),
            edge("insta", Use::Tests),
            edge("http", Use::Tests),
            renamed("http"),
            renamed("bytes"),
        ],
    };
    let workspace = Workspace { root: PathBuf::from(root.path()), packages: vec![package] };
    let lines: Vec<String> = check(&workspace).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "crates/a/Cargo.toml: `bytes` is not used: take it out",
            "crates/a/Cargo.toml: `insta` is not used: take it out",
            "crates/a/Cargo.toml: `rustls-http` is not used: take it out"
        ]
    );
}
