//! `wardgate history` and `wardgate rollback`.

use super::{
    change,
    describe::{CHANGE, happened, row_of_change},
    listing::{items, pages, text},
    reach,
};
use crate::{
    cli::{CONTAINABLE, HistoryArgs, Output, RollbackArgs},
    client::{Asking, Told},
    diagnostics,
    output::{BOLD, DIM, Exit, GOOD, NAME, json, line, note, plain, print, styled, table},
};
use serde_json::{Value, json};
use wardgate_model::{diagnostic::Level, resource::Kind};

/// Under which word the feed has what is stopped; the name then begins with what it is.
const CONTAINMENT: &str = "containment";

/// Whom to ask the feed about: the thing itself first, then what happened to it.
fn asked(kind: &str, name: &str) -> Vec<(String, String)> {
    let word = kind.to_ascii_lowercase();
    let stopped = |kind: &str| (CONTAINMENT.to_owned(), format!("{kind}/{name}"));
    if word == CONTAINMENT && !name.contains('/') {
        return CONTAINABLE.iter().map(|kind| stopped(kind)).collect();
    }
    let status = Kind::parse(kind).and_then(happened).map(|status| (status.to_owned(), name.to_owned()));
    let stopped = CONTAINABLE.contains(&&*word).then(|| stopped(&word));
    [Some((kind.to_owned(), name.to_owned())), status, stopped].into_iter().flatten().collect()
}

/// Who changed what, when and why; of what can be stopped also that.
pub(super) async fn history(args: HistoryArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let mut found = Vec::new();
    for (kind, name) in asked(&args.kind, &args.name) {
        found.extend(pages(&client, "/api/v1/changes", &[("kind", Some(&kind)), ("name", Some(&name))]).await?);
    }
    found.sort_by_key(|change| change.get("seq").and_then(Value::as_u64));
    match output {
        Output::Json => json(&json!({ "items": found }))?,
        Output::Table if found.is_empty() => note("nothing has happened to it"),
        Output::Table if args.full => found.iter().try_for_each(full)?,
        Output::Table => {
            let rows: Vec<Vec<String>> = found.iter().map(|change| row_of_change(change).to_vec()).collect();
            print(&table(&CHANGE, &rows))?;
        }
    }
    Ok(Exit::Done)
}

/// One change with what was and what became.
fn full(change: &Value) -> anyhow::Result<()> {
    let [seq, time, actor, what, _, why] = row_of_change(change);
    let why = if why == "-" || why.is_empty() { String::new() } else { format!(" ({why})") };
    line(&format!("{}  {}  {}  {what}{why}", styled(BOLD, &seq), styled(DIM, &time), styled(NAME, &actor)))?;
    let member = |name: &str| change.get(name).filter(|value| !value.is_null());
    // The paths begin with `spec`, which only resources have.
    let declared = Kind::parse(&text(change, "kind")).is_some();
    for field in wardgate_resources::diff(member("before"), member("after")) {
        let path = if declared { field.path.as_str() } else { field.path.strip_prefix("spec.").unwrap_or(&field.path) };
        line(&format!("    {}  {}", plain(path), change::from_to(field.before.as_ref(), field.after.as_ref())))?;
    }
    Ok(())
}

/// Goes back to what was declared then, or says what that would be.
pub(super) async fn rollback(args: RollbackArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let mut wanted = change::body([("reason", args.change.reason)]);
    if let Some(members) = wanted.as_object_mut() {
        members.extend([("to".to_owned(), args.to.into()), ("plan".to_owned(), args.plan.into())]);
    }
    let asking = Asking::once("/api/v1/rollback").body(&wanted).patiently();
    let answer = client.ask(&asking).await?;
    let planned = &answer.body;
    let told = Told::all(planned);
    diagnostics::show_told(&told, |_| None);
    if output == Output::Table {
        change::plan(planned)?;
        for stays in items(planned, "notes") {
            let said = format!("{} {}: {}", text(stays, "subject"), text(stays, "name"), text(stays, "why"));
            line(&format!("  {} {said}", styled(DIM, "stays:")))?;
        }
    }
    if args.plan && output == Output::Table {
        change::approval_note(planned);
        line(&format!("{} {}", styled(BOLD, "plan:"), change::counted(planned, change::WOULD)))?;
        return Ok(if told.iter().any(|told| told.level == Level::Error) { Exit::Invalid } else { Exit::Done });
    }
    change::done(&answer, output, |rolled| {
        let said = rolled.get("applied").map_or_else(String::new, change::applied);
        format!("{} {said}: as after change {}", styled(GOOD, "rolled back:"), args.to)
    })
}
