//! `wardgate import`: another inventory becomes documents; what to do with them is for the operator to say.

use super::{
    change,
    documents::{of_json, yaml},
    listing::{items, text},
    owner,
    plan::APPLY,
    reach,
};
use crate::{
    cli::{Format, ImportArgs, Output},
    client::{Asking, Client, Told},
    diagnostics,
    output::{BOLD, Exit, GOOD, STOPPED, json, line, note, plain, styled},
};
use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};
use std::{fs::File, io::Read, path::Path};
use wardgate_model::diagnostic::{Level, Place};

/// Largest file that is sent, in bytes.
const BYTES_MAX: u64 = 32 << 20;

/// Shows what the file would change, and does it where that is wanted.
pub(super) async fn run(args: ImportArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read.clone()).await?;
    let text = read(&args.file)?;
    let wanted = change::body([
        ("format", Some(args.format.as_str().to_owned())),
        ("text", Some(text.clone())),
        ("owner", args.owner.clone()),
        ("environment", args.environment.clone()),
    ]);
    let found = client.ask(&Asking::new(Method::POST, "/api/v1/import").body(&wanted).patiently()).await?.body;
    let told: Vec<Told> = Told::all(&found).into_iter().map(by_option).collect();
    diagnostics::show_told(&told, |told| place(told, &args).or_else(|| line_of(told, &args, &text)));
    let wrong = told.iter().any(|told| told.level == Level::Error);
    if let Some(to) = &args.write {
        return if wrong { Ok(Exit::Invalid) } else { write(&found, to) };
    }
    if !args.apply || wrong {
        shown(&found, output, &told)?;
        return Ok(if wrong { Exit::Invalid } else { Exit::Done });
    }
    apply(&client, &found, &args).await
}

/// What the gate wants said for all that lack it is said here by an option.
fn by_option(told: Told) -> Told {
    let option = match told.code.as_str() {
        "import.no_owner" => "--owner",
        "import.no_environment" => "--environment",
        _ => return told,
    };
    Told { mend: Some(format!("say it for all that come without one: `{option} NAME`")), ..told }
}

/// Where in the file something is that the gate calls `FORM:LINE`. Standard input has no name.
fn place(told: &Told, args: &ImportArgs) -> Option<Place> {
    let place = told.place.as_deref()?;
    let (form, at) = place.split_once(':').unwrap_or((place, ""));
    if form != args.format.as_str() || args.file == Path::new("-") {
        return None;
    }
    let mut numbers = at.split(':').map(|number| number.parse::<u32>().ok());
    let mut number = || numbers.next().flatten().unwrap_or(0);
    Some(Place::file(&args.file).at(number(), number()))
}

/// The one line of a table that says the name of the document that something is wrong with. Of several it would be a guess.
fn line_of(told: &Told, args: &ImportArgs, text: &str) -> Option<Place> {
    let (_, name) = told.subject.as_ref()?;
    if args.format != Format::Csv || args.file == Path::new("-") {
        return None;
    }
    let says = |line: &str| line.split([',', ';', '\t']).any(|cell| cell.trim().trim_matches('"') == name);
    let mut lines = (1_u32..).zip(text.lines()).filter(|(_, line)| says(line));
    let (line, _) = lines.next()?;
    lines.next().is_none().then(|| Place::file(&args.file).at(line, 0))
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let cannot = || format!("cannot read `{}` as text", file.display());
    let length = if file == Path::new("-") {
        std::io::stdin().lock().take(BYTES_MAX + 1).read_to_string(&mut text).with_context(cannot)?
    } else {
        File::open(file).with_context(cannot)?.take(BYTES_MAX + 1).read_to_string(&mut text).with_context(cannot)?
    };
    anyhow::ensure!(
        u64::try_from(length).is_ok_and(|length| length <= BYTES_MAX),
        "`{}` has more than {BYTES_MAX} bytes: send it in parts",
        file.display()
    );
    Ok(text)
}

fn shown(found: &Value, output: Output, told: &[Told]) -> anyhow::Result<()> {
    if output == Output::Json {
        return Ok(json(found)?);
    }
    change::plan(found)?;
    for away in items(found, "departures") {
        line(&format!("{} {}", styled(STOPPED, "away:"), said(away)))?;
    }
    change::approval_note(found);
    let todo = !items(found, "changes").is_empty() || !items(found, "departures").is_empty();
    let how = match (told.iter().any(|told| told.level == Level::Error), todo) {
        (true, _) => "; mend what is wrong first",
        (false, true) => "; do it with --apply",
        (false, false) => "",
    };
    line(&format!("{} {}{how}", styled(BOLD, "import:"), change::counted(found, change::WOULD)))?;
    Ok(())
}

/// Somebody who is away, what it means for the owner, and who could take over.
fn said(away: &Value) -> String {
    let successor = away.get("successor").and_then(Value::as_str).map(|who| format!("; {} is still there", plain(who))).unwrap_or_default();
    format!("{}, {} of {}{successor}", text(away, "person"), text(away, "part"), text(away, "owner"))
}

/// Whether an owner has nobody accountable any more. Without a deputy it is still answered for.
fn departs(away: &Value) -> bool {
    text(away, "part") == "accountable"
}

fn write(found: &Value, to: &Path) -> anyhow::Result<Exit> {
    let documents: Option<Vec<_>> = items(found, "documents").iter().map(of_json).collect();
    let documents = documents.context("the answer holds what is no document")?;
    let mut file = File::create_new(to).with_context(|| format!("cannot write `{}`", to.display()))?;
    std::io::Write::write_all(&mut file, yaml(&documents).as_bytes())?;
    line(&format!("{} {} documents into `{}`", styled(GOOD, "written:"), documents.len(), to.display()))?;
    for away in items(found, "departures") {
        let then = if departs(away) { format!(": `wardgate owner depart {}`", text(away, "owner")) } else { String::new() };
        note(&format!("away: {}{then}", said(away)));
    }
    Ok(Exit::Done)
}

/// The documents first, all or nothing; then who has left, one after the other.
async fn apply(client: &Client, found: &Value, args: &ImportArgs) -> anyhow::Result<Exit> {
    let reason = args.reason.clone().unwrap_or_else(|| format!("imported from {}", args.format.as_str()));
    let output = args.read.output.output;
    let (mut answers, mut exit) = (Vec::new(), Exit::Done);
    let documents = items(found, "documents");
    if !documents.is_empty() {
        let wanted = json!({ "documents": documents, "reason": reason });
        let answer = client.ask(&Asking::once(APPLY).body(&wanted).patiently()).await?;
        if output == Output::Table {
            change::plan(found)?;
            change::done(&answer, Output::Table, |applied| format!("{} {}", styled(GOOD, "applied:"), change::applied(applied)))?;
        }
        if change::waits_for_somebody(&answer) {
            exit = Exit::No;
        }
        answers.push(answer.body);
    }
    for away in items(found, "departures").iter().filter(|away| departs(away)) {
        let name = text(away, "owner");
        let reason = format!("{} is away: {reason}", text(away, "person"));
        let answer = client.ask(&Asking::once(owner::path(&name, "depart")).body(&json!({ "reason": reason }))).await?;
        if output == Output::Table {
            change::done(&answer, Output::Table, |_| format!("{} {}", styled(STOPPED, "departed:"), plain(&name)))?;
        }
        if change::waits_for_somebody(&answer) {
            exit = Exit::No;
        }
        answers.push(answer.body);
    }
    if output == Output::Json {
        json(&json!({ "items": answers }))?;
    }
    Ok(exit)
}
