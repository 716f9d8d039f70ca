//! `wardgate audit tail`: a line an event.

use super::{evidence, explain, listing::text, query::directory, reach};
use crate::{
    cli::{Output, TailArgs},
    client::{Client, ClientFault, query},
    output::{BOLD, DIM, Exit, GOOD, NAME, STOPPED, error, json_line, line, note, plain, styled},
};
use serde_json::Value;
use std::{path::PathBuf, time::Duration};
use wardgate_audit::reading::{self, Cursor, Filter, Since};
use wardgate_model::{api::Api, reason::Reason, time::Time};

/// Events in a page at most, when the log is followed.
const PAGE: usize = 500;
/// How often a followed log is asked for more.
const EVERY: Duration = Duration::from_millis(500);

/// Whose log is read.
enum Read {
    /// That of a gate, which answers.
    Gate(Client),
    /// The one in a directory: nothing is written there for it.
    Directory(PathBuf),
}

/// Some events, and where to go on.
struct Page {
    events: Vec<Value>,
    next: Option<String>,
    /// Records and segments that could not be read.
    unreadable: u64,
}

impl Read {
    async fn page(&self, filter: &Filter, limit: usize, cursor: Option<&str>) -> anyhow::Result<Page> {
        match self {
            Self::Gate(client) => {
                let limit = limit.to_string();
                let path = query(&[
                    ("identity", filter.identity.as_deref()),
                    ("api", filter.api.as_deref()),
                    ("code", filter.code.as_deref()),
                    ("response", filter.response.as_deref()),
                    ("would", filter.would.as_deref()),
                    ("without_reads_of", filter.without_reads_of.as_deref()),
                    ("limit", Some(&limit)),
                    ("cursor", cursor),
                ]);
                let page = client.get(&format!("/api/v1/events{path}")).await?;
                let events = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
                let unreadable = page.get("unreadable").and_then(Value::as_u64).unwrap_or_default();
                Ok(Page { events, next: page.get("next").and_then(Value::as_str).map(str::to_owned), unreadable })
            }
            Self::Directory(directory) => {
                let since = cursor.and_then(Cursor::parse).map_or(Since::Newest, Since::After);
                let page = reading::tail(directory, filter, &since, limit)?;
                let events = page.events.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
                Ok(Page { events, next: page.cursor.map(|cursor| cursor.to_string()), unreadable: page.unreadable })
            }
        }
    }
}

/// Prints the last events, and goes on where that is wanted.
pub(super) async fn tail(args: TailArgs) -> anyhow::Result<Exit> {
    let output = args.read.output.output;
    let read = if args.read.management.way.offline {
        let Some(directory) = directory(&args.read.management.way.config)? else { return Ok(Exit::Invalid) };
        if !reading::is_log(&directory) {
            error(&format!("`{}` is no directory of an event log", directory.display()));
            return Ok(Exit::Invalid);
        }
        Read::Directory(directory)
    } else {
        Read::Gate(
            reach(args.read)
                .await
                .map_err(|fault| if fault.is::<ClientFault>() && !is_unreachable(&fault) { fault } else { or_offline(&fault) })?
                .0,
        )
    };
    // Who looks at the log is in it too: shown only to those who ask.
    let asked = args.all || args.api.is_some() || args.identity.is_some();
    let text = |text: Option<String>| text.map(String::into_boxed_str);
    let filter = Filter {
        identity: text(args.identity),
        api: text(args.api),
        code: text(args.code),
        response: text(args.response),
        would: text(args.would),
        without_reads_of: (!asked).then(|| Api::ADMIN.into()),
    };
    let newest = usize::try_from(args.lines.clamp(1, 500)).unwrap_or(PAGE);
    let mut cursor: Option<String> = None;
    let mut told = 0;
    loop {
        let first = cursor.is_none();
        let Page { events, next, unreadable } = read
            .page(&filter, if first { newest } else { PAGE }, cursor.as_deref())
            .await
            .map_err(|fault| if is_unreachable(&fault) { or_offline(&fault) } else { fault })?;
        for event in events.iter().filter(|_| !first || args.lines > 0) {
            match output {
                Output::Json => json_line(event)?,
                Output::Table => line(&readable(event))?,
            }
        }
        // Who follows is told once of what stays as it is.
        if unreadable != std::mem::replace(&mut told, unreadable) && unreadable > 0 {
            evidence::note_unreadable(unreadable);
        }
        if !args.follow {
            if events.is_empty() && output == Output::Table {
                note(&none(&filter));
            }
            return Ok(Exit::Done);
        }
        cursor = next.or(cursor);
        // A full page has more behind it. A cursor that moved says nothing: our own question moves it.
        if first || events.len() < PAGE {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
            }
        }
    }
}

/// That there are none, and why that may be no wonder.
fn none(filter: &Filter) -> String {
    let is_known = |code: &str| Reason::ALL.iter().any(|reason| reason.code() == code || reason.room() == code);
    match filter.code.as_deref().filter(|code| !is_known(code)) {
        Some(code) => format!("no events: no reason of this version has the code `{}`, and no room that name", plain(code)),
        None => "no events".to_owned(),
    }
}

/// Where no gate answers, or none is known, that its log can be read all the same.
fn or_offline(fault: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{fault:#}; without a gate, `--offline` reads the log that wardgate.yaml names")
}

fn is_unreachable(fault: &anyhow::Error) -> bool {
    matches!(fault.downcast_ref(), Some(ClientFault::Unreachable { .. }))
}

/// Time, identity, operation, ruling and code, status, latency, and the request's id, which `explain` takes.
pub(crate) fn readable(event: &Value) -> String {
    let at = |path: &str| event.pointer(path).and_then(Value::as_str).map(plain);
    let moment = event.get("time_us").and_then(Value::as_i64).map_or_else(|| "-".to_owned(), moment);
    let who = at("/identity/name").or_else(|| at("/identity/id")).unwrap_or_else(|| "-".to_owned());
    // On whose behalf, and by whom: the one alone would be taken for who called.
    let who = explain::acting(event).map_or(who.clone(), |acting| format!("{acting}, for {who}"));
    if let Some(change) = event.get("change") {
        let what = format!("{} {} {}", text(change, "what"), text(change, "kind"), text(change, "name"));
        let why = change.get("reason").and_then(Value::as_str).map(|why| format!(" ({})", plain(why))).unwrap_or_default();
        return format!(
            "{}  {}  {}{why}",
            styled(DIM, &moment),
            styled(NAME, &format!("{:<20}", text(change, "actor"))),
            styled(BOLD, &what)
        );
    }
    if let Some(finding) = event.get("finding") {
        let (about, what) = (format!("{} {}", text(finding, "kind"), text(finding, "name")), text(finding, "what"));
        let code = styled(STOPPED, &format!("{:<20}", text(finding, "code")));
        return format!("{}  {code}  {} ({what})", styled(DIM, &moment), styled(BOLD, &about));
    }
    let operation = at("/operation").unwrap_or_else(|| {
        let target = format!("{} {}", at("/method").unwrap_or_default(), at("/path").unwrap_or_default());
        if target.trim().is_empty() { at("/kind").unwrap_or_default() } else { target.trim().to_owned() }
    });
    let response = at("/ruling/response").unwrap_or_else(|| "-".to_owned());
    let enforced = event.pointer("/ruling/enforced").and_then(Value::as_bool).unwrap_or(true);
    let style = match (&*response, enforced) {
        ("allow", _) => GOOD,
        (_, false) => DIM,
        _ => STOPPED,
    };
    let ruling = format!("{response}{} {}", if enforced { "" } else { " (observed)" }, at("/ruling/code").unwrap_or_default());
    let status = event.get("client_status").and_then(Value::as_u64).map_or_else(|| "---".to_owned(), |status| status.to_string());
    // One that is let in and under way has an event of its own: its end is another.
    let begun = at("/kind").filter(|kind| kind == "opened");
    let took = event.get("duration_us").and_then(Value::as_u64).map(milliseconds).or(begun).unwrap_or_default();
    format!(
        "{}  {}  {operation:<44}  {}  {status}  {}{}",
        styled(DIM, &moment),
        styled(NAME, &format!("{who:<20}")),
        styled(style, &format!("{ruling:<36}")),
        styled(DIM, &format!("{took:>9}")),
        at("/request_id").map(|id| format!("  {}", styled(DIM, &id))).unwrap_or_default(),
    )
}

fn moment(micros: i64) -> String {
    let second = Time::from_micros(micros).to_rfc3339();
    let millis = micros.rem_euclid(1_000_000) / 1000;
    format!("{}.{millis:03}Z", second.trim_end_matches('Z'))
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:01} ms", micros / 1000, micros % 1000 / 100)
}

#[cfg(test)]
mod tests;
