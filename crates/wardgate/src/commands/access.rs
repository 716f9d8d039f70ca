//! `wardgate access`, `findings` and `usage`: what is so.

use super::{
    describe::USED,
    listing::{Columns, pages, rows, show, text},
    management,
    plan::before,
};
use crate::{
    cli::{AccessArgs, FindingsArgs, Output, UsageArgs},
    clock,
    output::{BAD, BOLD, Exit, GOOD, NAME, STOPPED, json, line, note, plain, print, styled},
};
use serde_json::{Value, json};

/// The moment that needs no telling.
const NOW: &str = "now";
const PATHS: Columns<'static> = &[
    ("IDENTITY", "/identity"),
    ("API", "/api"),
    ("OPERATION", "/operation"),
    ("CLASS", "/class"),
    ("ANSWER", "/answer"),
    ("BY", "/by"),
    ("UNTIL", "/until"),
];
const CHANGED: Columns<'static> =
    &[("IDENTITY", "/identity"), ("API", "/api"), ("OPERATION", "/operation"), ("WAS", "/before"), ("IS", "/answer"), ("BY", "/by")];

/// Who can call what.
pub(super) async fn access(args: AccessArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let (from, to) = match args.diff.as_deref() {
        Some([from, to]) => (Some(from.as_str()), Some(to.as_str()).filter(|to| *to != NOW)),
        _ => (None, None),
    };
    let filter = [
        ("identity", args.identity.as_deref()),
        ("operation", args.operation.as_deref()),
        ("denied", args.denied.then_some("true")),
        ("at", args.at.as_deref().filter(|at| *at != NOW)),
        ("from", from),
        ("to", to),
    ];
    let found = pages(&client, "/api/v1/access", &filter).await?;
    if from.is_none() || args.output.output == Output::Json {
        show(&found, PATHS, args.output.output, "nobody can")?;
        return Ok(Exit::Done);
    }
    for (change, style, columns) in [("gained", GOOD, PATHS), ("lost", BAD, PATHS), ("changed", STOPPED, CHANGED)] {
        let some: Vec<Value> = found.iter().filter(|path| text(path, "change") == change).cloned().collect();
        if !some.is_empty() {
            line(&styled(style, change))?;
            print(&rows(&some, columns))?;
        }
    }
    if found.is_empty() {
        note("nobody gained or lost anything");
    }
    Ok(Exit::Done)
}

/// What is not as it should be.
pub(super) async fn findings(args: FindingsArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let filter = [("owner", args.owner.as_deref()), ("code", args.code.as_deref()), ("exempt", (!args.exemptions).then_some("false"))];
    let mut found = pages(&client, "/api/v1/findings", &filter).await?;
    let exempt = |finding: &Value| finding.get("exempt") == Some(&Value::Bool(true));
    found.retain(|finding| {
        args.severity.as_ref().is_none_or(|severity| text(finding, "severity") == *severity)
            && args.subject.as_ref().is_none_or(|subject| text(finding, "name").contains(subject.as_str()))
    });
    // The worst first, whatever page it came on.
    found.sort_by_key(|finding| ["critical", "high", "medium", "low"].iter().position(|severity| *severity == text(finding, "severity")));
    if args.output.output == Output::Json {
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

/// What it was used for.
pub(super) async fn usage(args: UsageArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let since = args.since.map(|since| before(clock::now(), since));
    let filter = [("identity", args.identity.as_deref()), ("credential", args.credential.as_deref()), ("since", since.as_deref())];
    let found = pages(&client, "/api/v1/usage", &filter).await?;
    show(&found, USED, args.output.output, "no use was seen")?;
    Ok(Exit::Done)
}
