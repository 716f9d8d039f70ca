//! `wardgate access`, `findings` and `usage`: what is so.

use super::{
    describe::USED,
    listing::{self, Columns, items, pages, show, text},
    plan::before,
    reach,
};
use crate::{
    cli::{AccessArgs, FindingsArgs, Output, UsageArgs},
    client::{Asking, Client, segment},
    clock,
    output::{BAD, BOLD, Exit, GOOD, NAME, STOPPED, json, line, note, plain, print, styled},
};
use http::Method;
use serde_json::{Value, json};
use wardgate_model::api::Api;

/// Where calls past the gate are asked for.
const PROBES: &str = "/api/v1/probes";
/// The moment that needs no telling.
const NOW: &str = "now";
/// Columns of a path, what a request must bring among them.
pub(super) const PATHS: Columns<'static> = &[
    ("IDENTITY", "/identity"),
    ("API", "/api"),
    ("OPERATION", "/operation"),
    ("CLASS", "/class"),
    ("ANSWER", "/answer"),
    ("WHEN", WHEN),
    ("BY", "/by"),
    ("UNTIL", "/until"),
];
const CHANGED: Columns<'static> = &[
    ("IDENTITY", "/identity"),
    ("API", "/api"),
    ("OPERATION", "/operation"),
    ("WAS", "/before"),
    ("IS", "/answer"),
    ("WHEN", WHEN),
    ("BY", "/by"),
];
/// Where the conditions stand in a row.
const WHEN: &str = "/when";
/// Most characters of the conditions of a row; `--output json` has all of them.
const WHEN_CHARACTERS: usize = 72;

/// Who can call what.
pub(super) async fn access(args: AccessArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let (from, to) = match args.diff.as_deref() {
        Some([from, to]) => (Some(from.as_str()), Some(to.as_str()).filter(|to| *to != NOW)),
        _ => (None, None),
    };
    let filter = [
        ("identity", args.identity.as_deref()),
        ("api", args.api.as_deref()),
        ("operation", args.operation.as_deref()),
        ("denied", args.denied.then_some("true")),
        ("at", args.at.as_deref().filter(|at| *at != NOW)),
        ("from", from),
        ("to", to),
    ];
    let mut found = pages(&client, "/api/v1/access", &filter).await?;
    found.retain(|path| args.class.as_ref().is_none_or(|class| text(path, "class") == *class));
    let asked = args.all || args.api.is_some() || args.operation.is_some();
    let before = found.len();
    found.retain(|path| asked || text(path, "api") != Api::ADMIN);
    let left_out = before - found.len();
    if output == Output::Json {
        json(&json!({ "items": found }))?;
    } else {
        let rows: Vec<Value> = found.iter().map(row).collect();
        if from.is_some() { differences(&rows)? } else { show(&rows, fitting(&rows, PATHS).as_slice(), output, "nobody can")? }
    }
    if left_out > 0 {
        note(&format!("{left_out} on the management API left out: --all, or --api {}", Api::ADMIN));
    }
    Ok(Exit::Done)
}

/// What was gained, what was lost, what changed; each under its word.
fn differences(rows: &[Value]) -> anyhow::Result<()> {
    for (change, style, columns) in [("gained", GOOD, PATHS), ("lost", BAD, PATHS), ("changed", STOPPED, CHANGED)] {
        let some: Vec<Value> = rows.iter().filter(|path| text(path, "change") == change).cloned().collect();
        if !some.is_empty() {
            line(&styled(style, change))?;
            print(&listing::rows(&some, &fitting(&some, columns)))?;
        }
    }
    if rows.is_empty() {
        note("nobody gained or lost anything");
    }
    Ok(())
}

/// A path, or a use, as a row: the operation without its API, which has a column, and the conditions in a few words.
pub(super) fn row(path: &Value) -> Value {
    let mut row = path.clone();
    let (operation, api) = (text(path, "operation"), text(path, "api"));
    let conditions: Vec<String> = items(path, "conditions").iter().map(condition).collect();
    if let Some(members) = row.as_object_mut() {
        let bare = operation.strip_prefix(&api).map_or(operation.as_str(), str::trim_start).to_owned();
        members.insert("operation".to_owned(), bare.into());
        if !conditions.is_empty() {
            members.insert("when".to_owned(), cut(&conditions.join("; ")).into());
        }
    }
    row
}

/// What a request must bring, as it reads: what forbids is turned round.
fn condition(condition: &Value) -> String {
    let when = text(condition, "when").replace("context.", "");
    let when = bare(&when);
    match condition.get("forbids") {
        Some(Value::Bool(true)) => match when.strip_prefix('!').map(bare).filter(|rest| when.len() > rest.len() + 1) {
            Some(rest) => rest.to_owned(),
            None => format!("not {when}"),
        },
        _ => when.to_owned(),
    }
}

/// A term without parentheses around the whole of it.
fn bare(term: &str) -> &str {
    let Some(inner) = term.strip_prefix('(').and_then(|term| term.strip_suffix(')')) else { return term };
    let mut depth = 0_i32;
    let whole = inner.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    });
    if whole { bare(inner) } else { term }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WHEN_CHARACTERS { text.to_owned() } else { text.chars().take(WHEN_CHARACTERS).chain(['…']).collect() }
}

/// The columns that have something to say: a condition only where there is one.
pub(super) fn fitting<'a>(rows: &[Value], columns: Columns<'a>) -> Vec<(&'a str, &'a str)> {
    let any = rows.iter().any(|row| row.pointer(WHEN).is_some());
    columns.iter().copied().filter(|(_, pointer)| any || *pointer != WHEN).collect()
}

/// What is not as it should be.
pub(super) async fn findings(args: FindingsArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    if let Some(api) = &args.probe {
        probe(&client, api).await?;
    }
    let filter = [("owner", args.owner.as_deref()), ("code", args.code.as_deref()), ("exempt", (!args.exemptions).then_some("false"))];
    let mut found = pages(&client, "/api/v1/findings", &filter).await?;
    let exempt = |finding: &Value| finding.get("exempt") == Some(&Value::Bool(true));
    found.retain(|finding| {
        args.severity.as_ref().is_none_or(|severity| text(finding, "severity") == *severity)
            && args.subject.as_ref().is_none_or(|subject| text(finding, "name").contains(subject.as_str()))
            && args.probe.as_deref().is_none_or(|api| is_about(finding, api))
    });
    // The worst first, whatever page it came on.
    found.sort_by_key(|finding| ["critical", "high", "medium", "low"].iter().position(|severity| *severity == text(finding, "severity")));
    if output == Output::Json {
        json(&json!({ "items": found }))?;
        return Ok(Exit::Done);
    }
    for finding in &found {
        let severity = text(finding, "severity");
        let style = if matches!(severity.as_str(), "high" | "critical") { BAD } else { STOPPED };
        let waived = if exempt(finding) { " (exempt)" } else { "" };
        let owner = finding.get("owner").and_then(Value::as_str).map(|owner| format!(" of {}", plain(owner))).unwrap_or_default();
        let since = finding.get("since").and_then(Value::as_str).map(|since| format!("  since {}", plain(since))).unwrap_or_default();
        let subject = format!("{} {}{owner}", text(finding, "kind"), styled(NAME, &text(finding, "name")));
        let head = styled(style, &format!("{severity:<8}"));
        line(&format!("{head} {}{waived}  {subject}{since}", styled(BOLD, &text(finding, "code"))))?;
        for member in ["evidence", "remedy"] {
            if finding.get(member).is_some_and(|value| !value.is_null()) {
                line(&format!("    {}", text(finding, member)))?;
            }
        }
    }
    if found.is_empty() {
        note("nothing found");
    }
    Ok(Exit::Done)
}

/// Whether a finding is about an API or an operation of it; about anything, where none is named.
fn is_about(finding: &Value, api: &str) -> bool {
    let name = text(finding, "name");
    match text(finding, "kind").as_str() {
        _ if api.is_empty() => true,
        "Api" => name == api,
        "Operation" => name.strip_prefix(api).is_some_and(|rest| rest.starts_with(' ')),
        _ => false,
    }
}

/// Has upstreams called past the gate, and says of each what came of it.
async fn probe(client: &Client, api: &str) -> anyhow::Result<()> {
    let path = if api.is_empty() { PROBES.to_owned() } else { format!("{PROBES}?api={}", segment(api)) };
    let probed = client.ask(&Asking::new(Method::POST, path).patiently()).await?.body;
    for view in probed.get("items").and_then(Value::as_array).into_iter().flatten() {
        let calls = view.get("calls").and_then(Value::as_array).map_or(0, Vec::len);
        let why = view.get("why").and_then(Value::as_str).map(|why| format!(": {}", plain(why)));
        let state = text(view, "state").replace('_', " ");
        note(&format!("{}: {state}{}", text(view, "api"), why.unwrap_or_else(|| format!(", {calls} operations called"))));
    }
    if probed.get("whole") == Some(&Value::Bool(false)) {
        note("time ran out before every call was made: name one API");
    }
    Ok(())
}

/// What it was used for.
pub(super) async fn usage(args: UsageArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let since = args.since.map(|since| before(clock::now(), since));
    let filter = [("identity", args.identity.as_deref()), ("credential", args.credential.as_deref()), ("since", since.as_deref())];
    let mut found = pages(&client, "/api/v1/usage", &filter).await?;
    if output == Output::Table {
        found.iter_mut().for_each(|used| *used = row(used));
    }
    show(&found, &USED, output, "no use was seen")?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
