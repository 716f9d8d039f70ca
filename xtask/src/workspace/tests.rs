use super::{Dependency, Package, Use, Workspace};

const METADATA: &str = r#"{
  "workspace_root": "/here",
  "packages": [{
    "name": "wardgate-gate", "manifest_path": "/here/crates/gate/Cargo.toml", "features": {"fast": []},
    "dependencies": [{"name": "wardgate-model", "kind": null}, {"name": "cc", "kind": "build", "rename": "compiler"}, {"name": "insta", "kind": "dev"}]
  }]
}"#;

#[test]
fn metadata_becomes_packages() {
    let workspace = Workspace::parse(METADATA).unwrap();
    let uses = |name: &str, use_in| Dependency { name: name.to_owned(), rename: (name == "cc").then(|| "compiler".to_owned()), use_in };
    assert_eq!(
        workspace.packages,
        [Package {
            name: "wardgate-gate".to_owned(),
            folder: "crates/gate".to_owned(),
            features: vec!["fast".to_owned()],
            dependencies: vec![uses("wardgate-model", Use::Shipped), uses("cc", Use::Shipped), uses("insta", Use::Tests)],
        }]
    );
}

#[test]
fn what_is_missing_is_named() {
    for (text, named) in [
        ("[", "not JSON"),
        ("{}", "`workspace_root`"),
        (r#"{"workspace_root": "/here"}"#, "`packages`"),
        (&METADATA.replace("/here/crates", "/there/crates"), "outside the workspace"),
        (&METADATA.replace("\"features\"", "\"other\""), "`features`"),
    ] {
        let error = format!("{:#}", Workspace::parse(text).unwrap_err());
        assert!(error.contains(named), "{error}");
    }
}
