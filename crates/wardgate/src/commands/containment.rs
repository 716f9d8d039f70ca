//! `wardgate contain`, `announce`, `release` and `approval …`.

use super::{
    change::{self, body},
    listing::{at, cells, items, pages, show, text},
    reach,
};
use crate::{
    cli::{AnnounceArgs, ApprovalCommand, ApprovalListArgs, ApprovalShowArgs, ContainArgs, DecideArgs, Output, ReleaseArgs},
    client::{Asking, query, segment},
    output::{BAD, Exit, GOOD, Page, STOPPED, json, plain, print, styled},
};
use anyhow::Context as _;
use http::Method;
use serde_json::Value;

const CONTAINMENTS: &str = "/api/v1/containments";
const ANNOUNCEMENTS: &str = "/api/v1/announcements";
const APPROVALS: &str = "/api/v1/approvals";

/// Stops something, says who would break, or lists what is stopped.
pub(super) async fn contain(args: ContainArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    if args.list {
        let items = pages(&client, CONTAINMENTS, &[]).await?;
        let columns = [("KIND", "/kind"), ("NAME", "/name"), ("SINCE", "/since"), ("BY", "/actor"), ("WHY", "/reason")];
        show(&items, &columns, output, "nothing is contained")?;
        return Ok(Exit::Done);
    }
    let (kind, name) = args.kind.zip(args.name).context("KIND and NAME are missing")?;
    let mut wanted = body([("kind", Some(kind.clone())), ("name", Some(name.clone())), ("reason", args.change.reason.clone())]);
    if let (true, Some(members)) = (args.preview, wanted.as_object_mut()) {
        members.insert("preview".to_owned(), true.into());
    }
    let answer = client.ask(&Asking::once(CONTAINMENTS).body(&wanted)).await?;
    if args.preview {
        match output {
            Output::Json => json(&answer.body)?,
            Output::Table => print(&preview(&kind, &name, &answer.body))?,
        }
        return Ok(Exit::Done);
    }
    change::done(&answer, output, |answered| {
        let found = answered.get("containment").unwrap_or(&Value::Null);
        // The first containment stands, with its reason: another one was told here.
        let stood =
            args.change.reason.as_deref().is_some_and(|told| found.get("reason").and_then(Value::as_str).is_some_and(|kept| kept != told));
        let how = match stood {
            true => {
                format!("already, since {} by {}, with the reason \"{}\"", at(found, "/since"), text(found, "actor"), text(found, "reason"))
            }
            false => "refused from now on".to_owned(),
        };
        format!("{} {} {}: {how}\n  = wardgate release {1} {2}     ends it", styled(BAD, "contained:"), kind, plain(&name))
    })
}

/// Who uses it, on what, how often; who would break, and whom to tell.
fn preview(kind: &str, name: &str, found: &Value) -> String {
    let seen = found.get("preview").unwrap_or(&Value::Null);
    let mut page = Page::about(kind, name);
    let breaks = seen.get("breaks").is_some_and(|breaks| breaks == true);
    let said = if breaks { styled(BAD, "callers break") } else { styled(GOOD, "nobody would notice") };
    page.say_styled("stopping it", &said);
    page.say("contained", &at(found, "/containment/since"));
    match text(seen, "from").as_str() {
        "-" => page.say("seen", "nothing was counted yet"),
        from => page.say("seen", &format!("{from} to {}", text(seen, "to"))),
    }
    for member in ["calls", "refused"] {
        page.say(member, &text(seen, member));
    }
    page.say("open", &open(seen));
    page.say("identities", &text(seen, "count"));
    let columns = [
        ("IDENTITY", "/identity"),
        ("OWNER", "/owner"),
        ("CRITICALITY", "/criticality"),
        ("CALLS", "/calls"),
        ("OPEN", "/open"),
        ("OPEN SINCE", "/open_since"),
        ("LAST", "/last"),
        ("FROM", "/sources"),
    ];
    let hit = items(seen, "identities");
    page.rows("Who breaks", &columns.map(|(title, _)| title), &cells(hit, &columns));
    let members = ["operation", "calls", "open", "open_since", "last"];
    let called: Vec<Vec<String>> = hit
        .iter()
        .flat_map(|one| items(one, "operations").iter().map(move |called| (one, called)))
        .map(|(one, called)| [text(one, "identity")].into_iter().chain(members.map(|member| text(called, member))).collect())
        .collect();
    page.rows("On what", &["IDENTITY", "OPERATION", "CALLS", "OPEN", "OPEN SINCE", "LAST"], &called);
    let columns = [("OWNER", "/owner"), ("IDENTITIES", "/identities"), ("CALLS", "/calls")];
    page.rows("Whom to tell", &columns.map(|(title, _)| title), &cells(items(seen, "owners"), &columns));
    page.remark("nothing was changed");
    page.text()
}

/// How many requests are open, and how sure that is.
fn open(seen: &Value) -> String {
    let (count, since) = (text(seen, "open"), text(seen, "open_since"));
    let at_least = if seen.get("open_whole").is_some_and(|whole| whole == false) { "at least " } else { "" };
    if since == "-" { format!("{at_least}{count}") } else { format!("{at_least}{count}, the oldest since {since}") }
}

/// Announces a change, or lists what is announced.
pub(super) async fn announce(args: AnnounceArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    if args.list {
        let items = pages(&client, ANNOUNCEMENTS, &[]).await?;
        let columns =
            [("KIND", "/kind"), ("NAME", "/name"), ("SINCE", "/since"), ("UNTIL", "/until"), ("BY", "/actor"), ("WHY", "/reason")];
        show(&items, &columns, output, "nothing is announced")?;
        return Ok(Exit::Done);
    }
    let (kind, name) = args.kind.zip(args.name).context("KIND and NAME are missing")?;
    let wanted = body([("kind", Some(kind.clone())), ("name", Some(name.clone())), ("for", args.lasting), ("reason", args.change.reason)]);
    let answer = client.ask(&Asking::once(ANNOUNCEMENTS).body(&wanted)).await?;
    change::done(&answer, output, |answered| {
        format!(
            "{} {kind} {}: what is new by it is not unusual until {}",
            styled(GOOD, "announced:"),
            plain(&name),
            text(answered, "until")
        )
    })
}

/// Lets go what was contained; mostly that waits for a second person.
pub(super) async fn release(args: ReleaseArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let path =
        format!("{CONTAINMENTS}/{}/{}{}", segment(&args.kind), segment(&args.name), query(&[("reason", args.change.reason.as_deref())]));
    let answer = client.call(Method::DELETE, &path, None).await?;
    change::done(&answer, output, |_| format!("{} {} {}", styled(GOOD, "released:"), args.kind, plain(&args.name)))
}

/// Chooses.
pub(super) async fn approval(command: ApprovalCommand) -> anyhow::Result<Exit> {
    match command {
        ApprovalCommand::List(args) => approvals(args).await,
        ApprovalCommand::Show(args) => one(args).await,
        ApprovalCommand::Approve(args) => decide(args, "approve").await,
        ApprovalCommand::Deny(args) => decide(args, "deny").await,
    }
}

/// The state of what nobody has decided yet.
const WAITING: &str = "waiting";

async fn approvals(args: ApprovalListArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let state = Some(args.state.as_str()).filter(|state| *state != "all");
    let items = pages(&client, APPROVALS, &[("state", state)]).await?;
    let (none, last): (_, &[_]) = if state == Some(WAITING) {
        ("nothing waits", &[("NEEDS", "/needs"), ("LAPSES", "/expires")])
    } else {
        ("nothing is on record", &[("DECIDED BY", "/decider"), ("DECIDED", "/decided"), ("OUTCOME", "/outcome")])
    };
    let first = [("ID", "/id"), ("STATE", "/state"), ("ASKED BY", "/requester"), ("OF", "/owner"), ("FOR", "/summary")];
    show(&items, &[first.as_slice(), last].concat(), output, none)?;
    Ok(Exit::Done)
}

async fn one(args: ApprovalShowArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let found = client.get(&format!("{APPROVALS}/{}", segment(&args.id))).await?;
    if output == Output::Json {
        json(&found)?;
        return Ok(Exit::Done);
    }
    let mut page = Page::about("approval", &args.id);
    page.say("for", &change::summary(&found));
    page.say("needs", &change::needs(&found));
    page.say("since it", &super::listing::word(found.get("why").unwrap_or(&Value::Null)));
    for (title, member) in [
        ("state", "state"),
        ("asked by", "requester"),
        ("of", "owner"),
        ("why", "reason"),
        ("asked at", "asked"),
        ("lapses", "expires"),
        ("decided by", "decider"),
        ("decided at", "decided"),
        ("because", "decision_reason"),
        ("outcome", "outcome"),
        ("more", "outcome_detail"),
    ] {
        page.say(title, &text(&found, member));
    }
    print(&page.text())?;
    let act = found.get("act").unwrap_or(&Value::Null);
    for changed in items(act, "changes") {
        print(&format!(
            "  {} {}\n{}\n",
            text(changed, "kind"),
            text(changed, "name"),
            indented(changed.get("spec").unwrap_or(&Value::Null))
        ))?;
    }
    Ok(Exit::Done)
}

fn indented(spec: &Value) -> String {
    if spec.is_null() {
        return "    removed".to_owned();
    }
    let text = serde_json::to_string_pretty(spec).unwrap_or_default();
    text.lines().map(|line| format!("    {}", plain(line))).collect::<Vec<_>>().join("\n")
}

async fn decide(args: DecideArgs, decision: &str) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.change.read).await?;
    let path = format!("{APPROVALS}/{}/{decision}", segment(&args.id));
    let answer = client.ask(&Asking::once(path).body(&body([("reason", args.change.reason)])).patiently()).await?;
    change::done(&answer, output, |decided| {
        let (style, said) = if decision == "approve" { (GOOD, "approved and done:") } else { (STOPPED, "denied:") };
        let approval = decided.get("approval").filter(|approval| approval.is_object()).unwrap_or(decided);
        format!("{} {}", styled(style, said), change::summary(approval))
    })
}
