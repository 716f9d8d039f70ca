//! The packages of the workspace, as `cargo metadata` tells them.

use crate::command;
use anyhow::Context;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The workspace: where it is and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Its packages, in cargo's order.
    pub(crate) packages: Vec<Package>,
}

/// One package of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// The folder of its manifest, from the root: `crates/gate`.
    pub(crate) folder: String,
    /// Cargo features that it declares; optional dependencies are features too.
    pub(crate) features: Vec<String>,
    /// What its manifest depends on, ours and others'.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The package depended on.
    pub(crate) name: String,
    /// What the manifest calls it instead; a library may have another name than its package.
    pub(crate) rename: Option<String>,
    /// Whether only tests, examples and benches see it.
    pub(crate) use_in: Use,
}

/// Where a dependency is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// In what is shipped, or in its build script.
    Shipped,
    /// In tests, examples and benches.
    Tests,
}

impl Workspace {
    /// Asks cargo about the workspace that `folder` is in.
    ///
    /// # Errors
    /// When cargo fails or answers in a form unknown to us.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        let text = command::output(folder, &["metadata", "--format-version", "1", "--no-deps", "--locked"])?;
        Self::parse(&text)
    }

    /// Reads the JSON of `cargo metadata --no-deps`.
    ///
    /// # Errors
    /// Names the member that is missing or of another type.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_str(text).context("cargo metadata is not JSON")?;
        let root = PathBuf::from(string(&value, "workspace_root")?);
        let packages = array(&value, "packages")?.iter().map(|package| Package::read(package, &root)).collect::<Result<_, _>>()?;
        Ok(Self { root, packages })
    }
}

impl Package {
    fn read(value: &Value, root: &Path) -> anyhow::Result<Self> {
        let name = string(value, "name")?.to_owned();
        let manifest = Path::new(string(value, "manifest_path")?);
        let folder = manifest
            .parent()
            .and_then(|folder| folder.strip_prefix(root).ok())
            .with_context(|| format!("the manifest of `{name}` is outside the workspace"))?;
        let features = value.get("features").and_then(Value::as_object).context("a package without `features`")?;
        Ok(Self {
            folder: folder.to_string_lossy().into_owned(),
            features: features.keys().cloned().collect(),
            dependencies: array(value, "dependencies")?.iter().map(Dependency::read).collect::<Result<_, _>>()?,
            name,
        })
    }
}

impl Dependency {
    fn read(value: &Value) -> anyhow::Result<Self> {
        let use_in = match value.get("kind").and_then(Value::as_str) {
            Some("dev") => Use::Tests,
            Some(_) | None => Use::Shipped,
        };
        let rename = value.get("rename").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { name: string(value, "name")?.to_owned(), rename, use_in })
    }
}

fn string<'a>(value: &'a Value, member: &str) -> anyhow::Result<&'a str> {
    value.get(member).and_then(Value::as_str).with_context(|| format!("cargo metadata has no text `{member}`"))
}

fn array<'a>(value: &'a Value, member: &str) -> anyhow::Result<&'a Vec<Value>> {
    value.get(member).and_then(Value::as_array).with_context(|| format!("cargo metadata has no list `{member}`"))
}

#[cfg(test)]
mod tests;
