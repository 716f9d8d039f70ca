//! `wardgate explain`: why a request was, or would be, answered as it is.

use super::{by, listing::text};
use crate::{
    cli::{ExplainArgs, Output},
    client::segment,
    output::{BAD, BOLD, DIM, Exit, GOOD, NAME, STOPPED, json, note, plain, print, styled},
};
use http::Method;
use serde_json::{Map, Value};
use wardgate_model::{api::Api, risk::Signal, time::Time};

/// Asks the running gate, and prints what it says.
pub(super) async fn run(args: ExplainArgs) -> anyhow::Result<Exit> {
    let described = match &args.request_id {
        Some(_) => None,
        None => match describe(&args) {
            Ok(described) => Some(described),
            Err(wrong) => {
                note(&wrong);
                return Ok(Exit::Invalid);
            }
        },
    };
    let client = by(args.management_url, args.way).await?;
    let explained = match (&args.request_id, &described) {
        (Some(id), _) => client.get(&format!("/api/v1/explain/{}", segment(id))).await?,
        (None, described) => client.call(Method::POST, "/api/v1/explain", described.as_ref()).await?.body,
    };
    match args.output.output {
        Output::Json => json(&explained)?,
        Output::Table => print(&readable(&explained))?,
    }
    Ok(if refused(&explained) { Exit::No } else { Exit::Done })
}

/// The described request as the management API reads it. A path alone is on any host: `localhost` stands for it.
fn describe(args: &ExplainArgs) -> Result<Value, String> {
    let mut described = Map::new();
    let url =
        args.target.as_ref().map(|target| if target.starts_with('/') { format!("https://localhost{target}") } else { target.clone() });
    for (member, value) in [("identity", &args.identity), ("method", &args.method), ("url", &url), ("proof", &args.proof)] {
        if let Some(value) = value {
            described.insert(member.to_owned(), value.clone().into());
        }
    }
    if let Some(field) = args.header.iter().find(|field| !field.contains(':')) {
        return Err(format!("`{}` is no header field: write `NAME: VALUE`", plain(field)));
    }
    described.insert("headers".to_owned(), args.header.clone().into());
    Ok(described.into())
}

/// Whether the answer is "no". Our own token service and API of tasks refuse what they are asked for behind the ruling.
fn refused(explained: &Value) -> bool {
    if turned_down(explained) {
        return true;
    }
    let enforced = explained.pointer("/ruling/enforced").and_then(Value::as_bool).unwrap_or(true);
    let response = explained.pointer("/ruling/response").and_then(Value::as_str).unwrap_or_default();
    enforced && !matches!(response, "allow" | "slow")
}

/// Whether a request was let in and got a no from what answers in the gate itself: from the token service, say, for its scope.
fn turned_down(explained: &Value) -> bool {
    let status = explained.get("client_status").and_then(Value::as_u64).unwrap_or_default();
    let own = explained.pointer("/api/name").and_then(Value::as_str).is_some_and(|name| [Api::ISSUER, Api::TASKS].contains(&name));
    own && status >= 400
}

/// Ruling, caller, reasons, grant, policies with what they lack, remedy.
fn readable(explained: &Value) -> String {
    let mut page = String::new();
    let mut say = |title: &str, what: &str| page.push_str(&format!("{}  {what}\n", styled(BOLD, &format!("{title:<9}"))));
    let ruling = explained.get("ruling").cloned().unwrap_or_default();
    let response = text(&ruling, "response");
    let style = if refused(explained) { BAD } else { GOOD };
    let observed = if ruling.get("enforced") == Some(&Value::Bool(false)) { " (observed: forwarded all the same)" } else { "" };
    let behind = if turned_down(explained) { "  (let in; what it asked for was refused: see effect)" } else { "" };
    say("ruling", &format!("{}{observed}  {}{behind}", styled(style, &response), text(&ruling, "code")));
    if let Some(answered) = recorded(explained) {
        say("recorded", &answered);
    }
    if let Some(known) = known(explained) {
        say("source", &known);
    }
    if let Some(identity) = explained.get("identity").filter(|identity| !identity.is_null()) {
        let of = ["owner", "environment"].iter().map(|member| format!("{member} {}", text(identity, member)));
        let name = if identity.get("name").is_some() { "name" } else { "id" };
        say("caller", &format!("{}  {}", styled(NAME, &text(identity, name)), of.collect::<Vec<_>>().join(", ")));
    }
    if let Some(acting) = acting(explained) {
        say("acting", &format!("{}  {}", styled(NAME, &acting), styled(DIM, "for the caller, outermost first")));
    }
    if let Some(lane) = explained.get("lane").and_then(Value::as_str).filter(|lane| *lane != "machine") {
        say("lane", &plain(lane));
    }
    if let Some(operation) = explained.get("operation").and_then(Value::as_str) {
        say("operation", &plain(operation));
    }
    if let Some(task) = explained.get("task").filter(|task| task.is_object()) {
        let since = task.get("since").and_then(Value::as_str).map(|since| format!(" {}", plain(since))).unwrap_or_default();
        say("task", &format!("{}  {}{since}", styled(NAME, &text(task, "id")), text(task, "state")));
    }
    if let Some(outside) = explained.pointer("/task/outside").and_then(Value::as_str) {
        say("outside", &plain(outside));
    }
    if let Some(effect) = explained.get("effect").and_then(Value::as_str) {
        say("effect", &plain(effect));
    }
    for reason in list(&ruling, "reasons") {
        say("reason", &word(reason));
    }
    if let Some(place) = place(explained, &ruling) {
        say("where", &place);
    }
    match explained.get("grant").and_then(Value::as_str) {
        Some(grant) => say("grant", &plain(grant)),
        // Grants are looked at when it is known who calls, and that the caller may call at all.
        None if text(&ruling, "code").starts_with("standing.") => say("grant", &styled(DIM, "none that covers it")),
        None => {}
    }
    for policy in list(&ruling, "policies") {
        say("decided", &word(policy));
    }
    if let Some(risk) = ruling.get("risk").and_then(Value::as_u64) {
        say("risk", &risk.to_string());
    }
    for signal in ruling.get("signals").and_then(Value::as_array).into_iter().flatten() {
        let number = |member: &str| signal.get(member).and_then(Value::as_f64).unwrap_or_default();
        let known = Signal::parse(&text(signal, "name"));
        let says = known.map(Signal::says).unwrap_or_default();
        // A value of nothing says nothing: what it contributes does.
        let at = match (number("value"), known) {
            (0.0, _) => String::new(),
            (value, Some(known)) => format!(", at {value} {}", known.unit()),
            (value, None) => format!(", at {value}"),
        };
        say("signal", &format!("{}  {} of 100{at}  {}", styled(NAME, &text(signal, "name")), number("weight"), styled(DIM, says)));
    }
    if let Some(would) = ruling.get("would").and_then(Value::as_str) {
        let why = "for its risk, if the plan did not only watch (`risk.mode: observe`) or keep the operation (`risk.keep`)";
        say("would", &format!("{}  {}", plain(would), styled(DIM, why)));
    }
    for policy in list(explained, "policies") {
        candidate(&mut page, policy);
    }
    if let Some(remedy) = explained.get("remedy").and_then(Value::as_str).filter(|remedy| !remedy.is_empty()) {
        page.push_str(&format!("{}  {}\n", styled(BOLD, "remedy   "), plain(remedy)));
    }
    page
}

/// Who acts for the caller, outermost first; `None`: nobody.
pub(super) fn acting(told: &Value) -> Option<String> {
    let actors: Vec<String> = list(told, "actors").map(word).collect();
    (!actors.is_empty()).then(|| actors.join(", for "))
}

/// Where a request is not as it should be; of a recorded one only its sender was told.
fn place(explained: &Value, ruling: &Value) -> Option<String> {
    match explained.get("detail").and_then(Value::as_str) {
        Some(detail) => Some(plain(detail)),
        None if text(ruling, "code").starts_with("inspect.") => Some(styled(
            DIM,
            "not recorded, for it can name what was sent: `detail` of the answer had it, and `explain --method … --url …` says it of a path and query",
        )),
        None => None,
    }
}

/// When a recorded request came, from where, what for and what it was answered; nothing for one that is only described.
fn recorded(explained: &Value) -> Option<String> {
    let status = explained.get("client_status").and_then(Value::as_u64)?;
    let moment = explained.get("time_us").and_then(Value::as_i64).map(Time::from_micros)?;
    let at = |path: &str| explained.pointer(path).and_then(Value::as_str).map(plain).unwrap_or_default();
    Some(format!("{}  from {}  {} {}  answered {status}", moment.to_rfc3339(), at("/source/address"), at("/method"), at("/path")))
}

/// What the operator's zones and files say of where it came from.
fn known(explained: &Value) -> Option<String> {
    let source = explained.get("source")?;
    let of = |member: &str, says: &str| source.get(member).and_then(Value::as_str).map(|text| format!("{says} {}", plain(text)));
    let zone = of("zone", "zone").map(|zone| match (of("environment", "of"), explained.pointer("/identity/environment")) {
        // Where the two are not one, a place is no home.
        (Some(lives), Some(own)) if source.get("environment") != Some(own) => format!("{zone} {lives}, and the caller is of {}", word(own)),
        (Some(lives), _) => format!("{zone} {lives}"),
        (None, _) => zone,
    });
    let lists = of("reputation", "on the lists").map(|lists| lists.replace(',', ", "));
    let parts = [zone, of("country", "country"), of("network", "network"), lists];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// One policy that could have a say: what it said, and what was missing.
fn candidate(page: &mut String, policy: &Value) {
    let verdict = text(policy, "verdict").replace('_', " ");
    let effect = text(policy, "effect");
    let style = match (&*effect, &*verdict) {
        (_, "not satisfied") => DIM,
        ("forbid", _) => STOPPED,
        _ => GOOD,
    };
    let said = styled(style, &format!("{effect} {verdict}"));
    let place = policy.get("place").and_then(Value::as_str).map(|place| format!("  {}", styled(DIM, &plain(place)))).unwrap_or_default();
    page.push_str(&format!("{}  {}  {said}{place}\n", styled(BOLD, "policy   "), text(policy, "policy")));
    if let Some(error) = policy.get("error").and_then(Value::as_str) {
        page.push_str(&format!("             {} {}\n", styled(BAD, "error"), plain(error)));
    }
    for condition in list(policy, "missing") {
        page.push_str(&format!("             {} {}\n", styled(DIM, "needs"), word(condition)));
    }
}

fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| plain(&value.to_string()), plain)
}

#[cfg(test)]
mod tests;
