use super::{LAYERS, check, short};
use crate::workspace::{Dependency, Package, Use, Workspace};
use std::path::{Path, PathBuf};

/// Reads `gate -> model, proof; test: testkit` lines and says every breach. `folder:`, `feature:` set those.
fn breaches(text: &str) -> String {
    let packages = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(package).collect();
    let workspace = Workspace { root: PathBuf::new(), packages };
    let lines: Vec<String> = check(&workspace).iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn package(line: &str) -> Package {
    let (name, rest) = line.split_once("->").unwrap_or((line, ""));
    let name = name.trim();
    let full = |name: &str| {
        if LAYERS.iter().any(|l| l.name == name) && !["wardgate", "xtask"].contains(&name) {
            format!("wardgate-{name}")
        } else {
            name.to_owned()
        }
    };
    let mut package = Package {
        name: full(name),
        folder: if name == "xtask" { "xtask".to_owned() } else { format!("crates/{}", short(&full(name)).unwrap_or(name)) },
        features: Vec::new(),
        dependencies: Vec::new(),
    };
    for part in rest.split(';') {
        let (key, values) = part.split_once(':').unwrap_or(("import", part));
        for value in values.split(',').map(str::trim).filter(|value| !value.is_empty()) {
            match key.trim() {
                "import" => package.dependencies.push(Dependency { name: full(value), rename: None, use_in: Use::Shipped }),
                "test" => package.dependencies.push(Dependency { name: full(value), rename: None, use_in: Use::Tests }),
                "feature" => package.features.push(value.to_owned()),
                "folder" => package.folder = value.to_owned(),
                other => panic!("`{other}` is no key of this fixture"),
            }
        }
    }
    package
}

#[test]
fn this_workspace_keeps_its_layers() {
    let workspace = Workspace::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert!(workspace.packages.len() > 1, "cargo named {} packages", workspace.packages.len());
    let lines: Vec<String> = check(&workspace).iter().map(ToString::to_string).collect();
    assert_eq!(lines.join("\n"), "");
}

#[test]
fn the_house_as_drawn_is_sound() {
    let house = "
        model -> serde
        proof -> model
        policy -> model, cedar-policy
        abuse -> model; test: testkit
        gate -> model, proof, policy, abuse; test: testkit, tokio
        store -> model, sqlx, tokio
        edge -> model, gate, tokio, hyper; test: policy, testkit
        testkit -> model, gate
        wardgate -> edge, store, gate, tokio, hyper
        xtask -> serde_json";
    assert_eq!(breaches(house), "");
}

#[test]
fn edges_outside_the_table_are_named() {
    for (line, breach) in [
        ("edge -> store", "crates/edge/Cargo.toml: `edge` must not import `store`"),
        ("edge -> testkit", "crates/edge/Cargo.toml: `edge` must not import `testkit`"),
        ("edge -> ; test: store", "crates/edge/Cargo.toml: `edge` must not import `store`"),
        ("edge -> policy", "crates/edge/Cargo.toml: `edge` must not import `policy`"),
        ("wardgate -> testkit", "crates/wardgate/Cargo.toml: `wardgate` must not import `testkit`"),
        ("gate -> tokio", "crates/gate/Cargo.toml: `gate` must never know `tokio`"),
        ("edge -> cedar-policy", "crates/edge/Cargo.toml: only `policy` speaks to `cedar-policy`"),
        (
            "gate -> ; feature: fast",
            "crates/gate/Cargo.toml: the Cargo feature `fast`: behaviour is chosen by configuration, not at build time",
        ),
        ("gate -> ; folder: crates/heart", "crates/heart/Cargo.toml: the package `wardgate-gate` belongs in `crates/gate`"),
        ("wardgate-attic ->", "crates/attic/Cargo.toml: `attic` has no line in the table of layers (xtask/src/layers.rs)"),
        ("stranger ->", "crates/stranger/Cargo.toml: the package `stranger` is not called `wardgate-…`"),
    ] {
        assert_eq!(breaches(line), breach, "{line}");
    }
}

#[test]
fn a_cycle_is_found_even_through_three() {
    let text = breaches("model -> policy\n policy -> gate\n gate -> model\n proof -> model");
    let cycle = "Cargo.toml: a cycle of imports among wardgate-gate, wardgate-model, wardgate-policy, wardgate-proof";
    assert!(text.contains(cycle), "{text}");
}

#[test]
fn the_table_itself_has_no_cycle() {
    let table: Vec<String> = LAYERS.iter().map(|layer| format!("{} -> {}", layer.name, layer.may_import.join(", "))).collect();
    assert_eq!(breaches(&table.join("\n")), "");
}
