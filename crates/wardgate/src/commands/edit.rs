//! `wardgate edit`: one resource in an editor, until it is right or given up.

use super::{
    change::{self, body},
    documents::{Declared, of_json, yaml},
    reach,
    resource::path,
};
use crate::{
    cli::EditArgs,
    client::{Answer, Asking, Client, ClientFault},
    output::{BOLD, Exit, note, plain, styled},
};
use anyhow::{Context as _, bail};
use http::{Method, StatusCode};
use serde_json::Value;
use std::{fs, io::IsTerminal as _, path::Path, process::Command};
use wardgate_model::diagnostic::Diagnostic;

/// What the editor's text came to.
enum Read {
    /// It says what is on record already.
    Same,
    /// It is wrong: what is written above it when the editor opens again.
    Wrong(Vec<String>),
    /// A new spec.
    Spec(Value),
}

/// Opens the editor, sends what was written, and again while it is wrong.
pub(super) async fn run(args: EditArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read.clone()).await?;
    let resource_path = path(args.resource.kind, Some(&args.resource.name));
    let found = client.call(Method::GET, &resource_path, None).await?;
    let etag = found.etag.clone().or_else(|| found.body.get("revision").map(|revision| format!("\"{revision}\"")));
    let etag = etag.context("the answer says no revision")?;
    if let Some(file) = found.body.get("origin").and_then(Value::as_str).and_then(|origin| origin.strip_prefix("file:")) {
        note(&format!("{} `{}` comes from `{}`: change it there", args.resource.kind, plain(&args.resource.name), plain(file)));
        return Ok(Exit::Invalid);
    }
    let document = of_json(&found.body).context("the answer is no resource")?;
    let directory = tempfile::Builder::new().prefix("wardgate-edit-").tempdir().context("cannot make a place for the text")?;
    let file = directory.path().join(format!("{}.yaml", args.resource.kind.as_str().to_ascii_lowercase()));
    let head = [
        format!("{} {}", args.resource.kind, args.resource.name),
        "Lines that begin with # are left out. Leave the text as it is to change nothing.".to_owned(),
    ];
    let mut text = commented(&head, &yaml(&[document]));
    // Who is at a terminal can give up at any time; a script could go on for ever, so it has two goes.
    let mut goes = if std::io::stdin().is_terminal() { usize::MAX } else { 2 };
    loop {
        fs::write(&file, &text)?;
        open(&args.editor, &file)?;
        let written = fs::read_to_string(&file).context("cannot read what was written")?;
        if written == text {
            note("nothing is changed");
            return Ok(Exit::Done);
        }
        let wrong = match read(&file, &written, &found.body)? {
            Read::Same => {
                note("nothing is changed");
                return Ok(Exit::Done);
            }
            Read::Wrong(wrong) => wrong,
            Read::Spec(spec) => match send(&client, &args, &resource_path, &etag, spec).await {
                Ok(answer) => {
                    return change::done(&answer, output, |_| format!("changed: {} {}", args.resource.kind, plain(&args.resource.name)));
                }
                Err(fault) => match mendable(&fault) {
                    Some(wrong) => wrong,
                    None => {
                        keep(directory, &file);
                        return Err(anyhow::Error::from(fault));
                    }
                },
            },
        };
        note(&format!("{} {}", styled(BOLD, "not taken:"), wrong.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n  ")));
        goes = goes.saturating_sub(1);
        if goes == 0 {
            keep(directory, &file);
            return Ok(Exit::Invalid);
        }
        text = commented(&wrong, uncommented(&written));
    }
}

/// Leaves the text where it is and says where.
fn keep(directory: tempfile::TempDir, file: &Path) {
    let kept = directory.keep().join(file.file_name().unwrap_or_default());
    note(&format!("nothing is changed; your text is kept in `{}`", kept.display()));
}

async fn send(client: &Client, args: &EditArgs, path: &str, etag: &str, spec: Value) -> Result<Answer, ClientFault> {
    let mut wanted = body([("reason", args.change.reason.clone())]);
    if let Some(members) = wanted.as_object_mut() {
        members.insert("spec".to_owned(), spec);
    }
    client.ask(&Asking::new(Method::PUT, path).body(&wanted).if_match(etag)).await
}

/// What can be mended in the text; nothing where the fault is another.
fn mendable(fault: &ClientFault) -> Option<Vec<String>> {
    let ClientFault::Refused(refusal) = fault else { return None };
    if !matches!(refusal.status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST) {
        return None;
    }
    let mut wrong: Vec<String> = refusal.diagnostics.iter().map(|told| told_line(&told.code, &told.what, told.mend.as_deref())).collect();
    if wrong.is_empty() {
        wrong.push(refusal.detail.clone());
    }
    Some(wrong)
}

fn told_line(code: &str, what: &str, mend: Option<&str>) -> String {
    let mend = mend.map(|mend| format!(" ({mend})")).unwrap_or_default();
    format!("[{code}] {what}{mend}")
}

/// What was written, against what is on record.
fn read(file: &Path, written: &str, on_record: &Value) -> anyhow::Result<Read> {
    if uncommented(written).trim().is_empty() {
        return Ok(Read::Same);
    }
    let wrong = |found: &[Diagnostic]| {
        found.iter().map(|one| told_line(one.code, &format!("line {}: {}", one.place.line, one.what), one.mend.as_deref())).collect()
    };
    let declared = match Declared::of_text(file, written) {
        Ok(declared) => declared,
        Err(found) => return Ok(Read::Wrong(wrong(&found))),
    };
    let [document] = declared.documents.as_slice() else {
        return Ok(Read::Wrong(vec!["there must be one document".to_owned()]));
    };
    let before = of_json(on_record).context("the answer is no resource")?;
    if document.kind != before.kind || document.name != before.name {
        return Ok(Read::Wrong(vec![format!("kind and name stay: {} `{}`", before.kind, before.name)]));
    }
    Ok(if *document == before { Read::Same } else { Read::Spec(document.spec.clone()) })
}

fn commented(head: &[String], text: &str) -> String {
    let head: String = head.iter().flat_map(|line| line.lines()).map(|line| format!("# {line}\n")).collect();
    format!("{head}{text}")
}

/// The text without the comment lines that it begins with.
fn uncommented(text: &str) -> &str {
    let mut rest = text;
    while rest.starts_with('#') {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest
}

fn open(editor: &str, file: &Path) -> anyhow::Result<()> {
    let mut words = editor.split_whitespace();
    let Some(program) = words.next() else { bail!("`--editor` names no command") };
    let status = Command::new(program)
        .args(words)
        .arg(file)
        .status()
        .with_context(|| format!("cannot run the editor `{editor}`; name another with EDITOR"))?;
    if !status.success() {
        bail!("the editor `{editor}` ended with {status}: nothing is changed");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
