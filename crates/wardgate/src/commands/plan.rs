//! `wardgate plan` and `wardgate apply`.

use super::{
    change,
    documents::{Declared, refuse},
    listing::{at, items, pages, text},
    reach,
};
use crate::{
    cli::{ApplyArgs, Output, PlanArgs},
    client::{Asking, Client, ClientFault, Told},
    clock, diagnostics,
    output::{BAD, BOLD, Exit, GOOD, json, line, note, styled},
};
use http::StatusCode;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use wardgate_model::{diagnostic::Level, time::Time};

/// Where plans are made.
const PLAN: &str = "/api/v1/plan";
/// Where documents are applied.
pub(super) const APPLY: &str = "/api/v1/apply";

/// Says what applying would change, and whom it would break.
pub(super) async fn plan(args: PlanArgs) -> anyhow::Result<Exit> {
    let Some(declared) = declared(&args.declared.directories) else { return Ok(Exit::Invalid) };
    let (client, output) = reach(args.read).await?;
    let wanted = json!({ "documents": declared.to_json(), "prune": args.declared.prune });
    let Some(mut planned) = checked(&declared, planned(&client, &wanted).await)? else { return Ok(Exit::Invalid) };
    let breaks = broken(&client, &planned, args.since).await?;
    let broken = !breaks.is_empty();
    match output {
        Output::Json => {
            if let Some(document) = planned.as_object_mut() {
                document.insert("breaks".to_owned(), breaks.into());
            }
            json(&planned)?;
        }
        Output::Table => {
            change::plan(&planned)?;
            show_broken(&breaks)?;
            change::approval_note(&planned);
            match change::changes(&planned) {
                true => line(&format!("{} {}", styled(BOLD, "plan:"), change::counted(&planned, change::WOULD)))?,
                false => line(&format!("{} no change", styled(GOOD, "plan:")))?,
            }
        }
    }
    Ok(if broken { Exit::No } else { Exit::Done })
}

/// Does it, all of it or nothing.
pub(super) async fn apply(args: ApplyArgs) -> anyhow::Result<Exit> {
    let Some(declared) = declared(&args.declared.directories) else { return Ok(Exit::Invalid) };
    let (client, output) = reach(args.change.read).await?;
    let wanted = json!({ "documents": declared.to_json(), "prune": args.declared.prune });
    let Some(planned) = checked(&declared, planned(&client, &wanted).await)? else { return Ok(Exit::Invalid) };
    let mut wanted = wanted;
    if let (Some(reason), Some(wanted)) = (args.change.reason, wanted.as_object_mut()) {
        wanted.insert("reason".to_owned(), reason.into());
    }
    let answer = client.ask(&Asking::once(APPLY).body(&wanted).patiently()).await;
    let answer = match answer {
        Err(ClientFault::Refused(refusal)) if !refusal.diagnostics.is_empty() => {
            told(&declared, &refusal.diagnostics);
            return Ok(Exit::Invalid);
        }
        other => other?,
    };
    if output == Output::Table {
        change::plan(&planned)?;
    }
    let exit = change::done(&answer, output, |applied| {
        let said = change::applied(applied);
        match change::changes(&planned) {
            true => format!("{} {said} (change {})", styled(GOOD, "applied:"), text(applied, "seq")),
            false => format!("{} no change", styled(GOOD, "applied:")),
        }
    })?;
    Ok(exit)
}

/// Reads the files; says what is wrong with them where something is.
fn declared(paths: &[PathBuf]) -> Option<Declared> {
    match Declared::read(paths) {
        Ok(declared) => {
            diagnostics::show(&declared.warnings);
            Some(declared)
        }
        Err(found) => {
            refuse(&found);
            None
        }
    }
}

/// Asks for a plan.
pub(super) async fn planned(client: &Client, wanted: &Value) -> Result<Value, ClientFault> {
    client.ask(&Asking::new(http::Method::POST, PLAN).body(wanted).patiently()).await.map(|answer| answer.body)
}

/// What the gate found wrong is shown at its place in the files; nothing comes of a plan with an error.
fn checked(declared: &Declared, planned: Result<Value, ClientFault>) -> anyhow::Result<Option<Value>> {
    let found = match &planned {
        Ok(document) => Told::all(document),
        Err(ClientFault::Refused(refusal)) if refusal.status == StatusCode::UNPROCESSABLE_ENTITY => refusal.diagnostics.clone(),
        Err(_) => Vec::new(),
    };
    if found.iter().any(|told| told.level == Level::Error) {
        told(declared, &found);
        return Ok(None);
    }
    diagnostics::show_told(&found, |told| declared.place(told));
    Ok(Some(planned?))
}

fn told(declared: &Declared, found: &[Told]) {
    diagnostics::show_told(found, |told| declared.place(told));
    let errors = found.iter().filter(|told| told.level == Level::Error).count();
    note(&format!("nothing is changed: {errors} error{}", if errors == 1 { "" } else { "s" }));
}

/// Callers that lose what they used lately: for each identity, what is taken from it and how much it was used.
async fn broken(client: &Client, planned: &Value, since: Duration) -> anyhow::Result<Vec<Value>> {
    let removed: Vec<&Value> = items(planned, "changes").iter().filter(|change| text(change, "change") == "remove").collect();
    let mut losses: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for change in removed {
        let identity = match text(change, "kind").as_str() {
            "Identity" => Some(text(change, "name")),
            "Grant" => spec(change).pointer("/to/identity").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        if let Some(identity) = identity {
            losses.entry(identity).or_default().push(change);
        }
    }
    let from = before(clock::now(), since);
    let mut breaks = Vec::new();
    for (identity, losses) in losses {
        let used = pages(client, "/api/v1/usage", &[("identity", Some(&identity)), ("since", Some(&from))]).await?;
        for loss in losses {
            breaks.extend(lost(&identity, loss, &used));
        }
    }
    Ok(breaks)
}

/// A moment so long before another (RFC 3339).
pub(super) fn before(now: Time, span: Duration) -> String {
    let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Time::from_micros(now.as_micros().saturating_sub(micros).max(0)).to_rfc3339()
}

/// What an identity loses by one change, if it used it.
fn lost(identity: &str, change: &Value, used: &[Value]) -> Option<Value> {
    let api = spec(change).get("api").and_then(Value::as_str);
    let hit: Vec<&Value> = used.iter().filter(|row| api.is_none_or(|api| text(row, "api") == api)).collect();
    let calls: u64 = hit.iter().filter_map(|row| row.get("allowed").and_then(Value::as_u64)).sum();
    let last = hit.iter().filter_map(|row| row.get("last").and_then(Value::as_str)).max()?;
    let operations: std::collections::BTreeSet<String> = hit.iter().map(|row| text(row, "operation")).collect();
    (calls > 0).then(|| {
        json!({ "identity": identity, "loses": { "kind": change.get("kind"), "name": change.get("name") }, "operations": operations, "calls": calls, "last": last })
    })
}

/// The spec that a change takes away: said bare, or within the document.
fn spec(change: &Value) -> &Value {
    let before = change.get("before").unwrap_or(&Value::Null);
    before.get("spec").unwrap_or(before)
}

fn show_broken(breaks: &[Value]) -> anyhow::Result<()> {
    for one in breaks {
        line(&format!(
            "{} {} uses what goes with {} {}: {} calls, the last at {}",
            styled(BAD, "breaks:"),
            text(one, "identity"),
            at(one, "/loses/kind"),
            at(one, "/loses/name"),
            text(one, "calls"),
            text(one, "last")
        ))?;
        line(&format!("    {}", at(one, "/operations")))?;
    }
    Ok(())
}
