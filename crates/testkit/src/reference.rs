//! Reference pages that are made from tables in the code. A test holds each against its file in `docs/`.

mod signals;

pub use signals::signals;

use std::fmt::Write;
use wardgate_model::reason::Reason;

const REASONS_HEAD: &str = "\
# Reasons

Every decision of Wardgate has a reason: `code` in the answer, `ruling.code` in the event, `code` in the metric
`wardgate_rulings_total`. This page is made from the one table of them (`crates/model/src/reason.rs`); after a change there:
`cargo run -p wardgate-testkit --example reasons > docs/reasons.md`.

*Told as*: where a client sees another code than the record, because the difference would help an attacker. *Observe*: whether it
refuses also under `mode: observe`.
";

/// `docs/reasons.md`.
#[must_use]
pub fn reasons() -> String {
    let mut page = REASONS_HEAD.to_owned();
    let mut room = "";
    for reason in Reason::ALL {
        if reason.room() != room {
            room = reason.room();
            line(&mut page, &format!("\n## {room}\n"));
            line(&mut page, "| code | HTTP | gRPC | severity | what the client reads | what could help | told as | observe |");
            line(&mut page, "|---|---|---|---|---|---|---|---|");
        }
        line(&mut page, &reason_row(*reason));
    }
    page
}

fn reason_row(reason: Reason) -> String {
    let (row, outside) = (reason.row(), reason.outside());
    let told_as = if outside == reason { "" } else { outside.code() };
    let binds = if row.http == 200 || !reason.binds_in_observe() { "" } else { "refuses" };
    format!(
        "| <a id=\"{}\"></a>`{}` | {} | {} | {} | {} | {} | {} | {binds} |",
        anchor(reason),
        row.code,
        row.http,
        grpc_name(row.grpc),
        row.severity.as_str(),
        outside.row().public,
        row.remedy,
        if told_as.is_empty() { String::new() } else { format!("`{told_as}`") },
    )
}

/// The part of [`Reason::anchor`] behind `#`.
fn anchor(reason: Reason) -> String {
    reason.anchor().split_once('#').map(|(_, anchor)| anchor.to_owned()).unwrap_or_default()
}

/// The name of a gRPC status code (google.rpc.Code).
const fn grpc_name(code: u8) -> &'static str {
    match code {
        0 => "OK",
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        16 => "UNAUTHENTICATED",
        _ => "UNKNOWN",
    }
}

fn line(page: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}

#[cfg(test)]
mod tests;
