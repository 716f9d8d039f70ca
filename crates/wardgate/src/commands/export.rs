//! `wardgate export`: everything declared, as files.
//!
//! INVARIANT (whole or not at all): files are written beside and put in place when the last one is there.

use super::{
    documents::{of_json, yaml},
    listing::items,
    reach,
};
use crate::{
    cli::{ExportArgs, Output},
    client::{Asking, query},
    output::{Exit, GOOD, json, line, note, styled},
};
use anyhow::{Context as _, bail};
use http::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use wardgate_model::resource::Kind;
use wardgate_resources::Document;

/// What an export wrote is listed here, so that the next one can write over it. Readers of resources pass it by.
const LIST: &str = ".wardgate-export";
/// Documents in one file.
const DOCUMENTS: usize = 5_000;

/// Reads everything and puts it in place.
pub(super) async fn run(args: ExportArgs) -> anyhow::Result<Exit> {
    let before = match there(&args.directory)? {
        Some(before) if before.is_empty() || args.replace => before,
        Some(_) => {
            note(&format!("`{}` holds an export already: write over it with --replace", args.directory.display()));
            return Ok(Exit::Invalid);
        }
        None => {
            note(&format!("`{}` holds files that no export wrote: name another directory", args.directory.display()));
            return Ok(Exit::Invalid);
        }
    };
    let (client, output) = reach(args.read).await?;
    fs::create_dir_all(&args.directory).with_context(|| format!("cannot make `{}`", args.directory.display()))?;
    let beside = tempfile::Builder::new().prefix(".export-").tempdir_in(&args.directory).context("cannot write there")?;
    let mut files = Files { directory: beside.path().to_owned(), open: BTreeMap::new(), written: Vec::new(), documents: 0 };
    let mut cursor: Option<String> = None;
    loop {
        let path = format!("/api/v1/export{}", query(&[("limit", Some("500")), ("cursor", cursor.as_deref())]));
        let page = client.ask(&Asking::new(Method::GET, path).patiently()).await?.body;
        let documents = if page.get("documents").is_some() { items(&page, "documents") } else { items(&page, "items") };
        for document in documents {
            files.take(of_json(document).context("the answer holds what is no document")?)?;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) if Some(next) != cursor.as_deref() => cursor = Some(next.to_owned()),
            _ => break,
        }
    }
    let (written, documents) = files.end()?;
    place(&args.directory, beside.path(), &before, &written)?;
    match output {
        Output::Json => json(&json!({ "documents": documents, "files": written }))?,
        Output::Table => {
            line(&format!(
                "{} {documents} documents in {} files of `{}`",
                styled(GOOD, "exported:"),
                written.len(),
                args.directory.display()
            ))?;
        }
    }
    Ok(Exit::Done)
}

/// The files that an earlier export wrote; `None` where there are others.
fn there(directory: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        other => other.with_context(|| format!("cannot read `{}`", directory.display()))?,
    };
    let listed = directory.join(LIST);
    if listed.exists() {
        let text = fs::read_to_string(&listed).with_context(|| format!("cannot read `{}`", listed.display()))?;
        return Ok(Some(text.lines().filter(|name| is_plain(name)).map(str::to_owned).collect()));
    }
    Ok(if entries.count() == 0 { Some(Vec::new()) } else { None })
}

/// Whether a name in the list is one that an export writes: a file, or a file in `policies/`.
fn is_plain(name: &str) -> bool {
    let file = name.strip_prefix("policies/").unwrap_or(name);
    !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\', '\0'])
}

/// Files that are being written.
struct Files {
    directory: PathBuf,
    /// Documents of each kind that are not in a file yet.
    open: BTreeMap<&'static str, (usize, Vec<Document>)>,
    written: Vec<String>,
    documents: usize,
}

impl Files {
    fn take(&mut self, document: Document) -> anyhow::Result<()> {
        self.documents += 1;
        let cedar = document.spec.as_object().filter(|spec| spec.len() == 1).and_then(|spec| spec.get("cedar")).and_then(Value::as_str);
        let policy = format!("policies/{}.cedar", document.name);
        if let (Kind::Policy, Some(cedar), true) = (document.kind, cedar, is_plain(&policy)) {
            return self.write(policy, cedar);
        }
        let kind = document.kind.as_str();
        let (_, waiting) = self.open.entry(kind).or_default();
        waiting.push(document);
        if waiting.len() >= DOCUMENTS { self.flush(kind) } else { Ok(()) }
    }

    fn flush(&mut self, kind: &'static str) -> anyhow::Result<()> {
        let Some((number, waiting)) = self.open.get_mut(kind) else { return Ok(()) };
        if waiting.is_empty() {
            return Ok(());
        }
        *number += 1;
        let name = file_name(kind, *number);
        let documents = std::mem::take(waiting);
        self.write(name, &yaml(&documents))
    }

    fn write(&mut self, name: String, text: &str) -> anyhow::Result<()> {
        let path = self.directory.join(&name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write `{name}`"))?;
        self.written.push(name);
        Ok(())
    }

    fn end(mut self) -> anyhow::Result<(Vec<String>, usize)> {
        let kinds: Vec<&'static str> = self.open.keys().copied().collect();
        for kind in kinds {
            self.flush(kind)?;
        }
        self.written.sort();
        if self.written.is_empty() {
            bail!("nothing is declared");
        }
        Ok((self.written, self.documents))
    }
}

/// `identities.yaml`, `identities-2.yaml`…
fn file_name(kind: &str, number: usize) -> String {
    let word = kind.to_ascii_lowercase();
    let several = word.strip_suffix('y').map_or_else(|| format!("{word}s"), |stem| format!("{stem}ies"));
    if number == 1 { format!("{several}.yaml") } else { format!("{several}-{number}.yaml") }
}

/// Puts what was written beside in the place of what was there.
fn place(directory: &Path, beside: &Path, before: &[String], written: &[String]) -> anyhow::Result<()> {
    let cannot = |name: &str| format!("cannot write `{}`", directory.join(name).display());
    for name in written {
        let to = directory.join(name);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).with_context(|| cannot(name))?;
        }
        fs::rename(beside.join(name), &to).with_context(|| cannot(name))?;
    }
    for name in before.iter().filter(|name| !written.contains(name)) {
        match fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).with_context(|| cannot(name)),
            Ok(()) | Err(_) => {}
        }
    }
    let list: String = written.iter().map(|name| format!("{name}\n")).collect();
    fs::write(directory.join(LIST), list).with_context(|| cannot(LIST))
}

#[cfg(test)]
mod tests;
