//! Dependencies that a manifest names and no source of the package mentions.

use crate::{
    breach::Breach,
    workspace::{Dependency, Package, Use, Workspace},
};
use anyhow::Context;
use std::path::Path;

/// Folders and files whose sources are shipped.
const SHIPPED: &[&str] = &["src", "build.rs"];
/// Folders whose sources are not.
const TESTS: &[&str] = &["tests", "benches", "examples"];

/// Every dependency that is not used.
///
/// # Errors
/// When a source cannot be read.
pub(super) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for package in &workspace.packages {
        breaches.extend(check_package(&workspace.root, package)?);
    }
    Ok(breaches)
}

fn check_package(root: &Path, package: &Package) -> anyhow::Result<Vec<Breach>> {
    let read =
        |places: &[&str], into: &mut String| places.iter().try_for_each(|place| sources(&root.join(&package.folder).join(place), into));
    let mut shipped = String::new();
    read(SHIPPED, &mut shipped)?;
    let mut all = shipped.clone();
    read(TESTS, &mut all)?;
    let unused = |edge: &&Dependency| {
        let text = if edge.use_in == Use::Tests { &all } else { &shipped };
        !mentions(text, &edge.rename.as_ref().unwrap_or(&edge.name).replace('-', "_"))
    };
    let manifest = format!("{}/Cargo.toml", package.folder);
    let told = |edge: &Dependency| Breach::at(&manifest, format!("`{}` is not used: take it out", edge.name));
    Ok(package.dependencies.iter().filter(unused).map(told).collect())
}

/// Appends the text of every Rust file at or below `place`, which need not be there.
fn sources(place: &Path, into: &mut String) -> anyhow::Result<()> {
    if place.is_dir() {
        for entry in std::fs::read_dir(place).with_context(|| format!("`{}` cannot be read", place.display()))? {
            sources(&entry?.path(), into)?;
        }
    } else if place.extension().is_some_and(|end| end == "rs") && place.is_file() {
        into.push_str(&std::fs::read_to_string(place).with_context(|| format!("`{}` cannot be read", place.display()))?);
    }
    Ok(())
}

/// Whether a name stands in a text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|part| part.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|part| part.chars().next());
        !word(before) && !word(after)
    })
}

#[cfg(test)]
mod tests;
