//! The layers: which crate may import which. The one table of it (ARCHITECTURE.md shows it as a picture).
//!
//! Refused: an edge outside the table, a cycle, a Cargo feature (behaviour is chosen by configuration), a folder
//! that is not named like its package, and outside crates in places that must not know what they do.

use crate::{
    breach::Breach,
    workspace::{Dependency, Package, Use, Workspace},
};
use std::collections::{BTreeMap, BTreeSet};

/// One line of the table.
struct Layer {
    /// The crate's folder under `crates/`, or `xtask`.
    name: &'static str,
    /// The crates of ours that it may import.
    may_import: &'static [&'static str],
    /// What it never knows, as outside crates that it must not import.
    never: &'static [&'static str],
}

/// No sockets, no runtime, no database.
const PURE: &[&str] = &["tokio", "tokio-util", "hyper", "hyper-util", "rustls", "tokio-rustls", "sqlx", "axum", "reqwest"];
/// No HTTP serving, no SQL.
const NO_HTTP_NO_SQL: &[&str] = &["hyper", "hyper-util", "axum", "tonic", "sqlx"];
const NO_HTTP: &[&str] = &["hyper", "hyper-util", "axum", "tonic"];
const NO_SQL: &[&str] = &["sqlx"];
const ANYTHING: &[&str] = &[];

/// The table. A crate that is not there has no place in the house yet.
const LAYERS: &[Layer] = &[
    Layer { name: "model", may_import: &[], never: PURE },
    Layer { name: "proof", may_import: &["model"], never: PURE },
    Layer { name: "resources", may_import: &["model"], never: PURE },
    Layer { name: "policy", may_import: &["model"], never: PURE },
    Layer { name: "abuse", may_import: &["model"], never: PURE },
    Layer { name: "gate", may_import: &["model", "proof", "policy", "abuse"], never: PURE },
    Layer { name: "feeds", may_import: &["model", "proof"], never: NO_SQL },
    Layer { name: "store", may_import: &["model"], never: NO_HTTP },
    Layer { name: "audit", may_import: &["model"], never: NO_HTTP_NO_SQL },
    Layer { name: "query", may_import: &["model", "audit"], never: NO_HTTP_NO_SQL },
    Layer { name: "edge", may_import: &["model", "gate"], never: NO_SQL },
    Layer { name: "issuer", may_import: &["model", "proof", "gate", "store"], never: NO_SQL },
    Layer { name: "governance", may_import: &["model", "resources", "policy", "gate", "store", "audit"], never: NO_HTTP },
    Layer { name: "console", may_import: &["model", "resources", "governance", "store", "audit"], never: NO_SQL },
    Layer {
        name: "wardgate",
        may_import: &[
            "model",
            "proof",
            "resources",
            "policy",
            "abuse",
            "gate",
            "feeds",
            "store",
            "audit",
            "edge",
            "issuer",
            "governance",
            "console",
        ],
        never: NO_SQL,
    },
    Layer {
        name: TESTKIT,
        may_import: &["model", "proof", "resources", "policy", "abuse", "gate", "feeds", "store", "audit", "edge", "issuer", "governance"],
        never: ANYTHING,
    },
    Layer { name: "xtask", may_import: &[], never: PURE },
];

/// Tests of every crate may import it, and whatever lies below their crate; nothing shipped may import it.
const TESTKIT: &str = "testkit";

/// Outside crates that one crate of ours speaks to for all others.
const SOLE_USERS: &[(&str, &str)] = &[
    ("cedar-policy", "policy"),
    ("sqlx", "store"),
    ("ureq", "audit"),
    ("datafusion", "query"),
    ("datafusion-datasource-parquet", "query"),
];

/// Every breach of the layers in a workspace.
pub(crate) fn check(workspace: &Workspace) -> Vec<Breach> {
    let mut breaches: Vec<Breach> = workspace.packages.iter().flat_map(check_package).collect();
    breaches.extend(cycle(&workspace.packages));
    breaches
}

fn check_package(package: &Package) -> Vec<Breach> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let mut breaches = Vec::new();
    let Some(name) = short(&package.name) else {
        breaches.push(Breach::at(manifest, format!("the package `{}` is not called `wardgate-…`", package.name)));
        return breaches;
    };
    let folder = if name == "xtask" { name.to_owned() } else { format!("crates/{name}") };
    if package.folder != folder {
        breaches.push(Breach::at(&manifest, format!("the package `{}` belongs in `{folder}`", package.name)));
    }
    for feature in &package.features {
        breaches
            .push(Breach::at(&manifest, format!("the Cargo feature `{feature}`: behaviour is chosen by configuration, not at build time")));
    }
    match LAYERS.iter().find(|layer| layer.name == name) {
        Some(layer) => breaches.extend(package.dependencies.iter().filter_map(|edge| check_edge(layer, edge, &manifest))),
        None => breaches.push(Breach::at(manifest, format!("`{name}` has no line in the table of layers (xtask/src/layers.rs)"))),
    }
    breaches
}

fn check_edge(layer: &Layer, edge: &Dependency, manifest: &str) -> Option<Breach> {
    let refuse = |why: String| Some(Breach::at(manifest, why));
    match short(&edge.name) {
        Some(ours) if edge.use_in == Use::Tests && (ours == TESTKIT || below(layer.name).contains(ours)) => None,
        Some(ours) if layer.may_import.contains(&ours) => None,
        Some(ours) => refuse(format!("`{}` must not import `{ours}`", layer.name)),
        None if edge.use_in == Use::Tests => None,
        None if layer.never.contains(&edge.name.as_str()) => refuse(format!("`{}` must never know `{}`", layer.name, edge.name)),
        None => match SOLE_USERS.iter().find(|(name, _)| *name == edge.name) {
            Some((_, sole)) if *sole != layer.name => refuse(format!("only `{sole}` speaks to `{}`", edge.name)),
            Some(_) | None => None,
        },
    }
}

/// Every layer that a layer stands on, directly or through others.
fn below(name: &'static str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut next = vec![name];
    while let Some(name) = next.pop() {
        let imports = LAYERS.iter().find(|layer| layer.name == name).map_or(&[][..], |layer| layer.may_import);
        next.extend(imports.iter().copied().filter(|import| found.insert(*import)));
    }
    found
}

/// The name in the table of a package of ours.
fn short(package: &str) -> Option<&str> {
    match package {
        "wardgate" | "xtask" => Some(package),
        other => other.strip_prefix("wardgate-"),
    }
}

/// What is left when packages without imports are taken away again and again stands on or above a cycle.
fn cycle(packages: &[Package]) -> Option<Breach> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let shipped = |package: &'_ Package| -> BTreeSet<String> {
        let edges = package.dependencies.iter().filter(|edge| edge.use_in == Use::Shipped && ours.contains(edge.name.as_str()));
        edges.map(|edge| edge.name.clone()).collect()
    };
    let mut left: BTreeMap<&str, BTreeSet<String>> = packages.iter().map(|package| (package.name.as_str(), shipped(package))).collect();
    loop {
        let before = left.len();
        let names: BTreeSet<String> = left.keys().map(|name| (*name).to_owned()).collect();
        left.retain(|_, imports| imports.iter().any(|import| names.contains(import)));
        if left.len() == before {
            break;
        }
    }
    let names: Vec<&str> = left.into_keys().collect();
    (!names.is_empty()).then(|| Breach::at("Cargo.toml", format!("a cycle of imports among {}", names.join(", "))))
}

#[cfg(test)]
mod tests;
