//! What we build on: no banned crate, no licence outside the list, nothing from outside the public registry, and nothing
//! that no source uses.
//!
//! `cargo tree` says what is really built on any platform, with the features that are really on: the lock file also
//! names crates that a feature could pull in. Sources are read from the lock file.

use crate::{breach::Breach, command, workspace::Workspace};
use anyhow::Context;
use std::collections::BTreeSet;

mod spdx;
mod unused;

/// A crate that must not be built.
struct Ban {
    name: &'static str,
    /// Only versions below this one; `None` for all.
    below: Option<Version>,
    why: &'static str,
}

/// Major, minor, patch.
type Version = (u64, u64, u64);

const fn all(name: &'static str, why: &'static str) -> Ban {
    Ban { name, below: None, why }
}

const fn below(name: &'static str, version: Version, why: &'static str) -> Ban {
    Ban { name, below: Some(version), why }
}

const BANS: &[Ban] = &[
    all("ring", "the one source of cryptography is aws-lc-rs"),
    all("openssl-sys", "the one source of cryptography is aws-lc-rs"),
    all("native-tls", "TLS is rustls"),
    all("rsa", "RUSTSEC-2023-0071: timing of private keys, without a mend"),
    all("serde_yaml", "no longer kept"),
    all("serde_yml", "RUSTSEC-2025-0068: unsound"),
    all("yaml-rust", "RUSTSEC-2024-0320: no longer kept"),
    all("rusqlite", "links another SQLite than sqlx does"),
    below("http", (1, 0, 0), "one generation of HTTP types"),
    below("h2", (0, 4, 16), "RUSTSEC-2026-0258"),
    below("rustls", (0, 23, 45), "RUSTSEC-2026-0285"),
];

/// Licences that a crate may be used under.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MPL-2.0",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "0BSD",
    "Unlicense",
    "BSL-1.0",
];

/// Licences that one crate may be used under, each with the reason.
const LICENCE_EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("aws-lc-sys", "OpenSSL", "the older files of the C library, under terms that ask for a notice"),
    ("borrow-or-share", "MIT-0", "MIT without the duty to repeat its text: asks less than what is allowed"),
];

/// Exceptions to licences (`WITH …`) that only give more freedom.
const LICENCE_ADDITIONS: &[&str] = &["LLVM-exception"];

/// The only source of packages, as lock files write it.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Every breach in what the workspace builds on.
///
/// # Errors
/// When cargo fails, or the lock file or a source cannot be read.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Breach>> {
    let root = &workspace.root;
    let words = ["tree", "--workspace", "--locked", "--target", "all", "--edges", "normal,build,dev", "--prefix", "none"];
    let tree = command::output(root, &[&words[..], &["--format", "{p}\t{l}"]].concat())?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("the lock file cannot be read")?;
    let mut breaches = check_tree(&tree);
    breaches.extend(check_lock(&lock));
    breaches.extend(unused::check(workspace)?);
    Ok(breaches)
}

/// Reads lines of `name vVERSION …<tab>licence`, in which a package may stand many times.
fn check_tree(tree: &str) -> Vec<Breach> {
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)").trim_end()).filter(|line| !line.is_empty()).collect();
    lines.into_iter().flat_map(check_crate).collect()
}

fn check_crate(line: &str) -> Vec<Breach> {
    let (package, licence) = line.split_once('\t').unwrap_or((line, ""));
    let mut words = package.split(' ');
    let name = words.next().unwrap_or_default();
    let Some(version) = words.next().and_then(parse_version) else {
        return vec![Breach::at(name, format!("`{line}` names no version"))];
    };
    let (major, minor, patch) = version;
    let place = format!("{name} {major}.{minor}.{patch}");
    let mut breaches = Vec::new();
    if let Some(ban) = BANS.iter().find(|ban| ban.name == name && ban.below.is_none_or(|below| version < below)) {
        let least = ban.below.map(|(a, b, c)| format!(" below {a}.{b}.{c}")).unwrap_or_default();
        breaches.push(Breach::at(&place, format!("banned{least}: {} (see `cargo tree --invert {name}`)", ban.why)));
    }
    let may = |id: &str| LICENCES.contains(&id) || LICENCE_EXCEPTIONS.iter().any(|(of, licence, _)| *of == name && *licence == id);
    match spdx::permits(licence, &|id, addition| may(id) && addition.is_none_or(|word| LICENCE_ADDITIONS.contains(&word))) {
        Ok(true) => {}
        Ok(false) => breaches.push(Breach::at(&place, format!("the licence `{licence}` is not on the list (xtask/src/deps.rs)"))),
        Err(error) => breaches.push(Breach::at(&place, format!("the licence `{licence}` cannot be read: {error}"))),
    }
    breaches
}

/// `v1.2.3-rc.1+meta` as (1, 2, 3).
fn parse_version(text: &str) -> Option<Version> {
    let numbers = text.strip_prefix('v')?.split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(|part| part.parse::<u64>().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

fn check_lock(lock: &str) -> Vec<Breach> {
    let sources = lock.lines().enumerate().filter_map(|(at, line)| Some((at + 1, line.strip_prefix("source = \"")?.trim_end_matches('"'))));
    sources
        .filter(|(_, source)| *source != SOURCE)
        .map(|(line, source)| Breach::on_line("Cargo.lock", line, format!("`{source}` is not the public registry")))
        .collect()
}

#[cfg(test)]
mod tests;
