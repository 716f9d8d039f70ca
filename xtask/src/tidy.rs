//! Tidiness: rules that no compiler knows, as a table, over every file of the repository.
//!
//! Function length, unwraps and the like are clippy's; here is what needs the file's name or its whole text.

use crate::breach::Breach;
use anyhow::Context;
use std::path::Path;

mod marks;

/// A source file has fewer lines than this (its tests apart): a file is one idea.
const FILE_LINES_MAX: usize = 500;
/// `main.rs` has fewer lines than this: it holds no logic.
const MAIN_LINES_MAX: usize = 100;
/// Bytes looked at to tell text from binary.
const SNIFFED_BYTES: usize = 8 * 1024;
/// Folders that are not walked, wherever they stand.
const FOLDERS_SKIPPED: &[&str] = &[".git", "target"];
/// Folders that are not walked at the root: where README's ten minutes put their starter.
const ROOT_FOLDERS_SKIPPED: &[&str] = &["gate"];
/// Folders whose files are data for tests: foreign bytes are welcome there.
const DATA_FOLDERS: &[&str] = &["testdata", "corpus", "snapshots", "proptest-regressions"];

/// Files that a rule does not hold for, each with the reason.
const EXEMPT: &[(&str, Rule, &str)] = &[
    ("xtask/src/tidy/marks.rs", Rule::Mark, "names what is looked for"),
    ("xtask/src/tidy/tests.rs", Rule::Mark, "shows what is found"),
    ("clippy.toml", Rule::Mark, "bans the same by the compiler"),
    ("CONTRIBUTING.md", Rule::Mark, "tells people of these rules"),
    ("LICENSE", Rule::Mark, "the text of the licence is not ours"),
];

/// What a rule is about; exemptions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Length of a file.
    Length,
    /// `lib.rs` and `main.rs`.
    Root,
    /// A text that must not stand in a file.
    Mark,
    /// Bytes that are no text.
    Binary,
}

/// Every breach in the repository at `root`.
///
/// # Errors
/// When a folder or file cannot be read.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Breach>> {
    let mut paths = Vec::new();
    walk(root, "", &mut paths)?;
    paths.sort_unstable();
    let mut breaches = Vec::new();
    for path in paths {
        let bytes = std::fs::read(root.join(&path)).with_context(|| format!("`{path}` cannot be read"))?;
        breaches.extend(check_file(&path, &bytes));
    }
    Ok(breaches)
}

/// Collects the files under `folder` (from the root, empty for the root itself). Links are not followed.
fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(root.join(folder)).with_context(|| format!("the folder `{folder}` cannot be read"))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        let skipped = FOLDERS_SKIPPED.contains(&name.as_str()) || ROOT_FOLDERS_SKIPPED.contains(&path.as_str());
        if kind.is_dir() && !skipped {
            walk(root, &path, paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

/// Every breach in one file.
fn check_file(path: &str, bytes: &[u8]) -> Vec<Breach> {
    let applies = |rule: Rule| !EXEMPT.iter().any(|(exempt, what, _)| *exempt == path && *what == rule);
    if is_data(path) {
        return Vec::new();
    }
    let Some(text) = as_text(bytes) else {
        let breach = Breach::at(path, "a binary file: data for tests stands in a folder `testdata`");
        return if applies(Rule::Binary) { vec![breach] } else { Vec::new() };
    };
    let mut breaches = Vec::new();
    if applies(Rule::Length) {
        breaches.extend(check_length(path, text));
    }
    if applies(Rule::Root) {
        breaches.extend(check_root(path, text));
    }
    if applies(Rule::Mark) {
        breaches.extend(marks::check(path, text));
    }
    breaches
}

/// Whether a file is data for tests.
fn is_data(path: &str) -> bool {
    path.split('/').any(|part| DATA_FOLDERS.contains(&part))
}

/// Whether a Rust file holds tests only.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests")
}

/// The bytes as text, if they are: UTF-8 throughout and no NUL near the beginning.
fn as_text(bytes: &[u8]) -> Option<&str> {
    if bytes.iter().take(SNIFFED_BYTES).any(|byte| *byte == 0) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

fn check_length(path: &str, text: &str) -> Option<Breach> {
    let lines = text.lines().count();
    let source = [".rs", ".sh", ".py"].iter().any(|end| path.ends_with(end));
    let long = source && !is_test(path) && lines >= FILE_LINES_MAX;
    long.then(|| Breach::at(path, format!("{lines} lines: a file has fewer than {FILE_LINES_MAX}, because it is one idea")))
}

/// `lib.rs` holds documentation, modules and re-exports; `main.rs` is short.
fn check_root(path: &str, text: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if path.ends_with("/src/main.rs") {
        let lines = text.lines().count();
        if lines >= MAIN_LINES_MAX {
            breaches.push(Breach::at(path, format!("{lines} lines: `main.rs` has fewer than {MAIN_LINES_MAX} and no logic")));
        }
    }
    if path.ends_with("/src/lib.rs") {
        if !text.starts_with("//!") {
            breaches.push(Breach::on_line(path, 1, "`lib.rs` begins with `//!`: what the crate is and what it never does"));
        }
        let first_fn = text.lines().position(is_function);
        breaches.extend(first_fn.map(|at| Breach::on_line(path, at + 1, "`lib.rs` holds no logic: give this function a module")));
    }
    breaches
}

/// Whether a line of Rust begins a function.
fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    let before_fn = line.split_once("fn ").map(|(before, _)| before);
    before_fn
        .is_some_and(|before| before.split_whitespace().all(|word| matches!(word, "pub" | "pub(crate)" | "const" | "async" | "unsafe")))
}

#[cfg(test)]
mod tests;
