//! `wardgate history` and `wardgate rollback`.

use super::{
    change,
    describe::{happened, row_of_change},
    listing::{items, pages, text},
    management,
};
use crate::{
    cli::{HistoryArgs, Output, RollbackArgs},
    client::{Asking, Told},
    diagnostics,
    output::{BOLD, DIM, Exit, GOOD, NAME, json, line, note, plain, print, styled, table},
};
use serde_json::{Value, json};
use wardgate_model::{diagnostic::Level, resource::Kind};

/// Who changed what, when and why; of an identity or owner also what happened to it.
pub(super) async fn history(args: HistoryArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let mut found = Vec::new();
    let status = Kind::parse(&args.kind).and_then(happened);
    for kind in [Some(args.kind.as_str()), status].into_iter().flatten() {
        found.extend(pages(&client, "/api/v1/changes", &[("kind", Some(kind)), ("name", Some(&args.name))]).await?);
    }
    found.sort_by_key(|change| change.get("seq").and_then(Value::as_u64));
    match args.output.output {
        Output::Json => json(&json!({ "items": found }))?,
        Output::Table if found.is_empty() => note("nothing is known of it"),
        Output::Table if args.full => found.iter().try_for_each(full)?,
        Output::Table => {
            let rows: Vec<Vec<String>> = found.iter().map(|change| row_of_change(change).to_vec()).collect();
            print(&table(&["SEQ", "TIME", "BY", "WHAT", "WHY"], &rows))?;
        }
    }
    Ok(Exit::Done)
}

/// One change with what was and what became.
fn full(change: &Value) -> anyhow::Result<()> {
    let [seq, time, actor, what, why] = row_of_change(change);
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
    let client = management(args.management).await?;
    let mut wanted = change::body([("reason", args.reason)]);
    if let Some(members) = wanted.as_object_mut() {
        members.extend([("to".to_owned(), args.to.into()), ("plan".to_owned(), args.plan.into())]);
    }
    let asking = Asking::once("/api/v1/rollback").body(&wanted).patiently();
    let answer = client.ask(&asking).await?;
    let planned = &answer.body;
    let told = Told::all(planned);
    diagnostics::show_told(&told, |_| None);
    if args.output.output == Output::Table {
        change::plan(planned)?;
        for stays in items(planned, "notes") {
            let said = format!("{} {}: {}", text(stays, "subject"), text(stays, "name"), text(stays, "why"));
            line(&format!("  {} {said}", styled(DIM, "stays:")))?;
        }
    }
    if args.plan && args.output.output == Output::Table {
        change::approval_note(planned);
        line(&format!("{} {}", styled(BOLD, "plan:"), change::counted(planned, change::WOULD)))?;
        return Ok(if told.iter().any(|told| told.level == Level::Error) { Exit::Invalid } else { Exit::Done });
    }
    change::done(&answer, args.output.output, |rolled| {
        let said = rolled.get("applied").map_or_else(String::new, change::applied);
        format!("{} {said}: as after change {}", styled(GOOD, "rolled back:"), args.to)
    })
}
