//! `wardgate access`, `findings` and `usage`: what is so.

use super::{
    describe::USED,
    listing::{Columns, items, pages, rows, show, text},
    management,
};
use crate::{
    cli::{AccessArgs, FindingsArgs, Output, UsageArgs},
    client::{Asking, query},
    output::{BAD, BOLD, Exit, GOOD, STOPPED, json, line, note, print, styled},
};
use http::Method;
use serde_json::{Value, json};

const ACCESS: &str = "/api/v1/access";
const PATHS: Columns<'static> = &[
    ("IDENTITY", "/identity"),
    ("API", "/api"),
    ("OPERATION", "/operation"),
    ("CLASS", "/class"),
    ("ANSWER", "/answer"),
    ("BY", "/by"),
    ("UNTIL", "/until"),
];

/// Who can call what.
pub(super) async fn access(args: AccessArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let filter = [("identity", args.identity.as_deref()), ("operation", args.operation.as_deref()), ("at", args.at.as_deref())];
    let Some([from, to]) = args.diff.as_deref() else {
        let found = pages(&client, ACCESS, &filter).await?;
        show(&found, PATHS, args.output.output, "nobody can")?;
        return Ok(Exit::Done);
    };
    let to = Some(to.as_str()).filter(|to| *to != "now");
    let [identity, operation, _] = filter;
    let path = format!("{ACCESS}{}", query(&[identity, operation, ("from", Some(from)), ("to", to)]));
    let found = client.ask(&Asking::new(Method::GET, path).patiently()).await?.body;
    if args.output.output == Output::Json {
        json(&found)?;
        return Ok(Exit::Done);
    }
    let mut same = true;
    for (member, style) in [("gained", GOOD), ("lost", BAD)] {
        if !items(&found, member).is_empty() {
            same = false;
            line(&styled(style, member))?;
            print(&rows(items(&found, member), PATHS))?;
        }
    }
    if !items(&found, "changed").is_empty() {
        same = false;
        line(&styled(STOPPED, "changed"))?;
        let columns = [
            ("IDENTITY", "/after/identity"),
            ("OPERATION", "/after/operation"),
            ("WAS", "/before/answer"),
            ("BY", "/before/by"),
            ("IS", "/after/answer"),
            ("BY", "/after/by"),
        ];
        print(&rows(items(&found, "changed"), &columns))?;
    }
    if same {
        note("nobody gained or lost anything");
    }
    Ok(Exit::Done)
}

/// What is not as it should be.
pub(super) async fn findings(args: FindingsArgs) -> anyhow::Result<Exit> {
    let client = management(args.management).await?;
    let mut found = pages(&client, "/api/v1/findings", &[]).await?;
    let exempt = |finding: &Value| finding.get("exempt").is_some_and(|exempt| exempt.as_bool().unwrap_or(!exempt.is_null()));
    found.retain(|finding| {
        (args.exemptions || !exempt(finding))
            && args.code.as_ref().is_none_or(|code| text(finding, "code") == *code)
            && args.subject.as_ref().is_none_or(|subject| text(finding, "subject").contains(subject.as_str()))
    });
    if args.output.output == Output::Json {
        json(&json!({ "items": found }))?;
        return Ok(Exit::Done);
    }
    for finding in &found {
        let severity = text(finding, "severity");
        let style = if matches!(severity.as_str(), "critical" | "high") { BAD } else { STOPPED };
        let waived = if exempt(finding) { " (exempt)" } else { "" };
        line(&format!(
            "{} {}{waived}  {}  since {}",
            styled(style, &format!("{severity:<8}")),
            styled(BOLD, &text(finding, "code")),
            text(finding, "subject"),
            text(finding, "since")
        ))?;
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
    let filter = [("identity", args.identity.as_deref()), ("credential", args.credential.as_deref())];
    let found = pages(&client, "/api/v1/usage", &filter).await?;
    show(&found, USED, args.output.output, "no use was seen")?;
    Ok(Exit::Done)
}
