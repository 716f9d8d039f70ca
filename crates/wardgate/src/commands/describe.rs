//! `wardgate describe`: all about one resource on a page.

mod plan;

use super::{
    access, change,
    listing::{at, cells, pages, text, word},
    operations, reach,
    resource::path,
};
use crate::{
    cli::{DescribeArgs, Output},
    client::{Client, ClientFault, segment},
    output::{BAD, Exit, GOOD, Page, STOPPED, json, plain, print, styled},
};
use serde_json::{Map, Value, json};
use std::iter;
use wardgate_model::{api::Api, resource::Kind};

/// Changes that are shown.
const HISTORY: usize = 5;
/// Members that say which entry of a list it is.
const NAMING: [&str; 3] = ["name", "match", "type"];

/// What else there is about a resource: each part by its own name, or why it could not be had.
struct Parts {
    found: Map<String, Value>,
    /// Parts that the caller may not read, or that failed.
    missing: Vec<String>,
}

impl Parts {
    /// Adds a list; one that is refused is said to be missing, and the rest of the page is shown all the same.
    async fn list(&mut self, name: &str, client: &Client, path: &str, filter: &[(&str, Option<&str>)]) -> anyhow::Result<()> {
        match pages(client, path, filter).await {
            Ok(items) => {
                self.found.insert(name.to_owned(), items.into());
            }
            Err(error) => match error.downcast::<ClientFault>()? {
                ClientFault::Refused(refusal) => self.missing.push(format!("{name}: {}", refusal.detail)),
                other => return Err(other.into()),
            },
        }
        Ok(())
    }

    fn items(&self, name: &str) -> &[Value] {
        self.found.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn keep(&mut self, name: &str, keep: impl Fn(&Value) -> bool) {
        if let Some(Value::Array(items)) = self.found.get_mut(name) {
            items.retain(|item| keep(item));
        }
    }
}

/// Reads all of it and shows it.
pub(super) async fn run(args: DescribeArgs) -> anyhow::Result<Exit> {
    let (client, output) = reach(args.read).await?;
    let resource = client.get(&path(args.resource.kind, Some(&args.resource.name))).await?;
    let mut parts = Parts { found: Map::new(), missing: Vec::new() };
    match args.resource.kind {
        Kind::Identity => {
            about_identity(&mut parts, &client, &args.resource.name).await?;
            plan::about_identity(&mut parts, &client, &resource).await?;
        }
        Kind::Owner => {
            parts.list("identities", &client, &path(Kind::Identity, None), &[("owner", Some(&args.resource.name))]).await?;
            contained(&mut parts, &client, "owner", &args.resource.name).await?;
        }
        Kind::Api => {
            about_api(&mut parts, &client, &args.resource.name).await?;
            plan::about_api(&mut parts, &args.resource.name, &resource);
        }
        _ => {}
    }
    changes(&mut parts, &client, args.resource.kind, &args.resource.name).await?;
    match output {
        Output::Json => {
            let mut document = parts.found;
            document.insert("resource".to_owned(), resource);
            document.insert("missing".to_owned(), json!(parts.missing));
            json(&document)?;
        }
        Output::Table => print(&page(args.resource.kind, &resource, &parts))?,
    }
    Ok(Exit::Done)
}

/// What was declared of it, and what happened to it.
async fn changes(parts: &mut Parts, client: &Client, kind: Kind, name: &str) -> anyhow::Result<()> {
    let path = "/api/v1/changes";
    parts.list("history", client, path, &[("kind", Some(kind.as_str())), ("name", Some(name))]).await?;
    let Some(status) = happened(kind) else { return Ok(()) };
    parts.list("happened", client, path, &[("kind", Some(status)), ("name", Some(name))]).await?;
    if let (Some(Value::Array(more)), Some(Value::Array(history))) = (parts.found.remove("happened"), parts.found.get_mut("history")) {
        history.extend(more);
        history.sort_by_key(|change| change.get("seq").and_then(Value::as_u64));
    }
    Ok(())
}

/// Under which word the feed has what happens to a kind.
pub(super) const fn happened(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Identity => Some("status"),
        Kind::Owner => Some("owner_status"),
        _ => None,
    }
}

async fn about_identity(parts: &mut Parts, client: &Client, name: &str) -> anyhow::Result<()> {
    let of = [("identity", Some(name))];
    parts.list("access", client, "/api/v1/access", &of).await?;
    parts.list("credentials", client, "/api/v1/credentials", &of).await?;
    parts.list("findings", client, "/api/v1/findings", &[]).await?;
    parts.list("usage", client, "/api/v1/usage", &of).await?;
    let credentials: Vec<String> = parts.items("credentials").iter().map(|credential| text(credential, "id")).collect();
    parts.keep("findings", |finding| match text(finding, "kind").as_str() {
        "Identity" => text(finding, "name") == name,
        "credential" => credentials.contains(&text(finding, "name")),
        _ => false,
    });
    contained(parts, client, "identity", name).await
}

async fn about_api(parts: &mut Parts, client: &Client, name: &str) -> anyhow::Result<()> {
    parts.list("findings", client, "/api/v1/findings", &[]).await?;
    parts.keep("findings", |finding| text(finding, "kind") == Kind::Api.as_str() && text(finding, "name") == name);
    parts.list("operations", client, operations::PATH, &[("api", Some(name))]).await?;
    parts.list("probes", client, "/api/v1/probes", &[("api", Some(name))]).await
}

async fn contained(parts: &mut Parts, client: &Client, kind: &str, name: &str) -> anyhow::Result<()> {
    parts.list("containments", client, "/api/v1/containments", &[]).await?;
    parts.keep("containments", |one| text(one, "kind") == kind && text(one, "name") == name);
    Ok(())
}

/// The page: what it is, what happened to it, and tables of the rest.
fn page(kind: Kind, resource: &Value, parts: &Parts) -> String {
    let mut page = Page::about(kind.as_str(), &text(resource, "name"));
    if let Some(status) = resource.get("status").filter(|status| status.is_object()) {
        said_of(&mut page, status);
    }
    if let Some(presence) = resource.get("presence").filter(|presence| presence.is_object()) {
        said_of(&mut page, presence);
    }
    if let Some(quality) = resource.get("quality").filter(|quality| quality.is_object()) {
        page.say("quality", &graded(quality));
    }
    for contained in parts.items("containments") {
        let said =
            format!("since {} by {} {}", text(contained, "since"), text(contained, "actor"), in_brackets(&text(contained, "reason")));
        page.say_styled("contained", &styled(BAD, said.trim_end()));
    }
    for (member, value) in resource.get("spec").and_then(Value::as_object).into_iter().flatten() {
        declared(&mut page, &member.replace('_', " "), value);
    }
    if let [probed] = parts.items("probes") {
        let why = probed.get("why").and_then(Value::as_str).map(|why| format!(": {why}")).unwrap_or_default();
        page.say("past the gate", &format!("{}{why}", text(probed, "state").replace('_', " ")));
    }
    page.say("origin", &text(resource, "origin"));
    page.say("revision", &text(resource, "revision"));
    let last = parts.items("usage").iter().filter_map(|row| row.get("last").and_then(Value::as_str)).max();
    if kind == Kind::Identity {
        page.say("last use", last.unwrap_or("never seen"));
    }
    tables(&mut page, parts);
    page.text()
}

/// `55 (D): owner.departed -30, proof.secret -15`, and what policies see until the gate has looked.
fn graded(quality: &Value) -> String {
    let parts = quality.get("parts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let parts: Vec<_> = parts.iter().map(|part| format!("{} -{}", text(part, "cause"), text(part, "minus"))).collect();
    let mut said = format!("{} ({})", text(quality, "now"), text(quality, "letter_now"));
    if !parts.is_empty() {
        said.push_str(": ");
        said.push_str(&parts.join(", "));
    }
    if quality.get("score") != quality.get("now") {
        said.push_str("; policies see ");
        said.push_str(&text(quality, "score"));
        said.push_str(" until the gate looks next");
    }
    said
}

fn said_of(page: &mut Page, status: &Value) {
    for (member, value) in status.as_object().into_iter().flatten() {
        match member.as_str() {
            "state" => {
                let state = text(status, "state");
                let style = if state == "active" { GOOD } else { STOPPED };
                let why = in_brackets(&text(status, "reason"));
                let said = format!("{}  since {} {}", styled(style, &state), text(status, "since"), plain(&why));
                page.say_styled("state", said.trim_end());
            }
            "reason" if status.get("state").is_some() => {}
            "since" | "revision" => {}
            "claim_overdue" if value != true => {}
            other => page.say(&other.replace('_', " "), &word(value)),
        }
    }
}

/// What was declared: a list of entries takes a line for each, what it is called first.
fn declared(page: &mut Page, title: &str, value: &Value) {
    match value {
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            for (entry, title) in entries.iter().zip(iter::once(title).chain(iter::repeat(""))) {
                page.say(title, &members(entry));
            }
        }
        entry => page.say(title, &members(entry)),
    }
}

/// Members side by side, those that name the entry first.
fn members(entry: &Value) -> String {
    let Some(members) = entry.as_object() else { return word(entry) };
    let rank = |name: &str| NAMING.iter().position(|naming| *naming == name).unwrap_or(NAMING.len());
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by_key(|(name, _)| rank(name));
    members.into_iter().map(|(name, value)| format!("{} {}", plain(name), word(value))).collect::<Vec<_>>().join("  ")
}

fn in_brackets(reason: &str) -> String {
    if matches!(reason, "" | "-") { String::new() } else { format!("({reason})") }
}

/// What it may call; the management API is summed up, every operation of it would stand here.
fn may_call(page: &mut Page, paths: &[Value]) {
    let (of_admin, others): (Vec<&Value>, Vec<&Value>) = paths.iter().partition(|path| text(path, "api") == Api::ADMIN);
    let rows: Vec<Value> = others.into_iter().map(access::row).collect();
    let columns: Vec<_> = access::fitting(&rows, access::PATHS).into_iter().filter(|(_, pointer)| *pointer != "/identity").collect();
    let header: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    page.rows("May call", &header, &cells(&rows, &columns));
    if !of_admin.is_empty() {
        page.remark(&format!("and {} on the management API: `wardgate access --api {}`", of_admin.len(), Api::ADMIN));
    }
}

fn tables(page: &mut Page, parts: &Parts) {
    if parts.found.contains_key("access") {
        may_call(page, parts.items("access"));
    }
    plan::show(page, parts);
    let mut table = |name: &str, heading: &str, columns: &[(&str, &str)]| {
        if parts.found.contains_key(name) {
            let header: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
            page.rows(heading, &header, &cells(parts.items(name), columns));
        }
    };
    table("identities", "Identities", &[("NAME", "/name"), ("TYPE", "/spec/type"), ("STATE", "/status/state")]);
    let credentials =
        [("ID", "/id"), ("NAME", "/name"), ("KIND", "/kind"), ("STATE", "/state"), ("CREATED", "/created"), ("EXPIRES", "/expires")];
    table("credentials", "Credentials", &credentials);
    let findings = [
        ("SEVERITY", "/severity"),
        ("CODE", "/code"),
        ("ON", "/name"),
        ("SINCE", "/since"),
        ("EVIDENCE", "/evidence"),
        ("REMEDY", "/remedy"),
    ];
    table("findings", "Findings", &findings);
    table("operations", "Beside its document", operations::COLUMNS);
    if let [probed] = parts.items("probes") {
        past_the_gate(page, probed);
    }
    if parts.found.contains_key("usage") {
        let used: Vec<Value> = parts.items("usage").iter().map(access::row).collect();
        page.rows("Used", &USED.map(|(title, _)| title), &cells(&used, &USED));
    }
    vouched(page, parts.items("credentials"));
    let history = parts.items("history");
    let newest: Vec<Vec<String>> = history.iter().rev().take(HISTORY).map(|change| row_of_change(change).to_vec()).collect();
    page.rows("Last changes", &CHANGE, &newest);
    for missing in &parts.missing {
        page.remark(&format!("not shown: {missing}"));
    }
}

/// What an upstream answers past the gate.
fn past_the_gate(page: &mut Page, probed: &Value) {
    let columns = [
        ("OPERATION", "/operation"),
        ("ADDRESS", "/address"),
        ("OUTCOME", "/outcome"),
        ("STATUS", "/status"),
        ("RETIRED", "/retired"),
        ("LAST", "/at"),
        ("ANSWERS SINCE", "/open_since"),
    ];
    let calls = probed.get("calls").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    page.rows("Called past the gate", &columns.map(|(title, _)| title), &cells(calls, &columns));
}

/// Credentials that others vouch for: by whom, for whom, and when they were used.
fn vouched(page: &mut Page, credentials: &[Value]) {
    let columns = [
        ("ID", "/id"),
        ("TRUST", "/vouched/trust"),
        ("SUBJECT", "/vouched/subject"),
        ("CLAIMS", "/vouched/claims"),
        ("FIRST USED", "/vouched/first_used"),
        ("LAST USED", "/vouched/last_used"),
    ];
    let by_others: Vec<Value> = credentials.iter().filter(|one| one.get("vouched").is_some()).cloned().collect();
    if !by_others.is_empty() {
        page.rows("Vouched for by others", &columns.map(|(title, _)| title), &cells(&by_others, &columns));
    }
}

/// Columns of a use.
pub(super) const USED: [(&str, &str); 8] = [
    ("API", "/api"),
    ("OPERATION", "/operation"),
    ("CREDENTIAL", "/credential"),
    ("FROM", "/source"),
    ("ALLOWED", "/allowed"),
    ("REFUSED", "/refused"),
    ("FIRST", "/first"),
    ("LAST", "/last"),
];

/// Columns of a change.
pub(super) const CHANGE: [&str; 6] = ["SEQ", "TIME", "BY", "WHAT", "FROM → TO", "WHY"];

/// A change as cells.
pub(super) fn row_of_change(change: &Value) -> [String; 6] {
    [
        text(change, "seq"),
        text(change, "time"),
        text(change, "actor"),
        format!("{} {}", text(change, "act"), text(change, "kind")),
        moved(change),
        at(change, "/reason"),
    ]
}

/// Where it was and where it is; of a resource that was changed, which members of it.
fn moved(change: &Value) -> String {
    if change.get("from").is_some_and(Value::is_string) || change.get("to").is_some_and(Value::is_string) {
        return format!("{} → {}", text(change, "from"), text(change, "to"));
    }
    let member = |name: &str| change.get(name).filter(|value| !value.is_null());
    let (Some(before), Some(after)) = (member("before"), member("after")) else { return "-".to_owned() };
    let changed = wardgate_resources::diff(Some(before), Some(after));
    let paths: Vec<&str> = changed.iter().map(|field| field.path.strip_prefix("spec.").unwrap_or(&field.path)).collect();
    if paths.is_empty() { "-".to_owned() } else { plain(&change::shortened(&paths.join(", "))) }
}

/// Where one identity is led.
pub(super) fn identity(name: &str, step: &str) -> String {
    format!("/api/v1/identities/{}/{step}", segment(name))
}
