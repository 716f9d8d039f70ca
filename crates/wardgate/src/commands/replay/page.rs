//! A report as one page of HTML: it needs nothing else, runs nothing and fetches nothing.
//!
//! INVARIANT (escaped): everything out of the log goes through [`escaped`]; a policy in the page forbids what would come of a mistake.

use super::SNAPSHOTS;
use crate::{
    commands::timeline::{escaped, policy},
    replay,
};
use std::fmt::Write as _;
use wardgate_governance::traffic::{
    Report,
    report::{ApiTold, IdentityTold, Part, Rulings, SignalTold, Step},
};
use wardgate_model::time::Time;

/// Sizes of the pictures, in units of their own.
const WIDTH: usize = 960;
const HEIGHT: usize = 160;
const SMALL: usize = 40;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:14px/1.4 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em}\
h1{font-size:1.3em}h2{font-size:1.1em;margin:1.8em 0 .4em}\
dl{display:grid;grid-template-columns:max-content auto;gap:.1em 1em}dt{color:#777}dd{margin:0;overflow-wrap:anywhere}\
svg{width:100%;height:auto;border-bottom:1px solid #999}svg.small{max-width:30em}\
table{border-collapse:collapse;width:100%}td,th{padding:.15em .6em .15em 0;vertical-align:top;text-align:left;overflow-wrap:anywhere}\
th{font-weight:600;color:#777}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
td.t{white-space:nowrap;font-family:ui-monospace,monospace}summary{cursor:pointer}\
.axis{fill:#777;font-size:11px}\
.allow{color:#1a7f37}.slow,.challenge{color:#9a6700}.block{color:#cf222e}\
rect.allow{fill:#2da44e}rect.slow{fill:#d4a72c}rect.challenge{fill:#bf8700}rect.block{fill:#cf222e}rect.signal{fill:#8250df}\
polyline{fill:none;stroke:#8250df;stroke-width:1.5}\
@media print{body{margin:0;max-width:none;font-size:9pt}tr{break-inside:avoid}}";

/// What judges calls of a log that others wrote.
pub(super) const fn judged_by(report: &Report) -> &'static str {
    if report.learned { "what the log itself taught" } else { "the resources that were named" }
}

/// The page.
pub(crate) fn page(report: &Report) -> String {
    whole(report, judged_by(report), "")
}

/// The page of our own log: what came out as it was recorded comes first.
pub(super) fn page_again(report: &Report, again: &replay::Report) -> String {
    let count = |what: &str, count: u64| vec![text(what), number(count)];
    let counts = [
        ("as it was recorded", again.same),
        ("otherwise", again.different),
        ("otherwise, where that is not certain", again.uncertain),
        ("could not be made again", again.not_replayed),
        ("never judged", again.never_judged),
        ("without a ruling", again.without_ruling),
        ("records that cannot be read", again.unreadable),
        ("rulings that no event has", again.missing_rulings),
    ];
    let mut html = "<h2>Made again</h2>\n".to_owned();
    html.push_str(&table(&[("ruling", false), ("events", true)], counts.into_iter().map(|(what, events)| count(what, events))));
    let others = again.differences.iter().chain(&again.uncertainties);
    let mut rows = others.map(|one| vec![text(&one.event), text(&one.recorded.shown()), text(&one.now.shown()), text(&one.why)]).peekable();
    if rows.peek().is_some() {
        let header = [("event", false), ("recorded", false), ("now", false), ("why", false)];
        html.push_str(&table(&header, rows));
    }
    let why = again.not_replayed_because.iter();
    let mut rows = why.map(|(why, of)| vec![text(why), number(of.events), text(&of.first)]).peekable();
    if rows.peek().is_some() {
        html.push_str(&table(&[("not made again, because", false), ("events", true), ("the first", false)], rows));
    }
    whole(report, SNAPSHOTS, &html)
}

/// The page, with something after the sums.
fn whole(report: &Report, by: &str, after_sums: &str) -> String {
    let policy = policy(STYLE);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Replay of {0}</title><style>{STYLE}</style></head><body>\n<h1>Replay of {0}</h1>\n",
        escaped(report.format)
    );
    page.push_str(&sums(report, by));
    page.push_str(after_sums);
    page.push_str("<h2>Rulings over time</h2>\n");
    page.push_str(&picture(&report.over_time.steps, report.over_time.step_s));
    page.push_str("<h2>Why</h2>\n");
    let reasons = report.reasons.iter().map(|reason| vec![number(reason.calls), text(reason.code)]);
    page.push_str(&table(&[("calls", true), ("reason", false)], reasons));
    page.push_str("<h2>Signals</h2>\n");
    page.push_str(&signals(&report.signals));
    page.push_str("<h2>Callers, the worst first</h2>\n");
    page.push_str(&identities(&report.identities));
    page.push_str(if report.learned { "<h2>What was learned</h2>\n" } else { "<h2>What was called</h2>\n" });
    for api in &report.apis {
        page.push_str(&operations(api));
    }
    page.push_str(&rest(report));
    page.push_str("</body></html>\n");
    page
}

fn sums(report: &Report, by: &str) -> String {
    let moment = |time: Option<Time>| time.map_or_else(|| "-".to_owned(), Time::to_rfc3339);
    let Rulings { allow, slow, challenge, block } = report.rulings;
    let callers = &report.callers;
    let lines = [
        ("calls", report.calls.to_string()),
        ("from", moment(report.from)),
        ("to", moment(report.to)),
        ("ruled", format!("{allow} allow · {slow} slow · {challenge} challenge · {block} block")),
        (
            "callers",
            format!(
                "{}: {} on record, {} named, {} by key, {} by source",
                callers.count, callers.on_record, callers.users, callers.keys, callers.sources
            ),
        ),
        ("judged by", by.to_owned()),
        ("not understood", report.not_understood.count.to_string()),
        ("order", format!("{} put in order, {} too late for it", report.order.sorted, report.order.late)),
    ];
    let mut list = "<dl>".to_owned();
    for (name, what) in lines {
        let _ = write!(list, "<dt>{name}</dt><dd>{}</dd>", escaped(&what));
    }
    list.push_str("</dl>\n");
    list
}

/// Bars of what was ruled, and a line of the highest risk.
fn picture(steps: &[Step], step_s: u64) -> String {
    if steps.is_empty() {
        return "<p>There was no call.</p>\n".to_owned();
    }
    let most = steps.iter().map(|step| step.rulings.sum()).max().unwrap_or(1).max(1);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"rulings over time\">", HEIGHT + 18);
    let (mut line, mut risky) = (String::new(), false);
    for (at, step) in steps.iter().enumerate() {
        let (x, wide) = span(at, steps.len());
        let Rulings { allow, slow, challenge, block } = step.rulings;
        let mut below = 0;
        for (word, count) in [("allow", allow), ("slow", slow), ("challenge", challenge), ("block", block)] {
            if count == 0 {
                continue;
            }
            // Each end is rounded by itself, so that a bar is as high as its parts.
            let (from, to) = (scaled(below, most, HEIGHT), scaled(below + count, most, HEIGHT));
            below += count;
            let height = (to - from).max(1);
            let _ = write!(
                svg,
                "<rect class=\"{word}\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{height}\"><title>{}: {count} {word}</title></rect>",
                HEIGHT - to.max(from + 1),
                escaped(&step.from.to_rfc3339())
            );
        }
        risky |= step.risk_max > 0;
        let _ = write!(line, "{},{} ", x + wide / 2, HEIGHT - scaled(u64::from(step.risk_max), 100, HEIGHT));
    }
    if risky {
        let _ = write!(svg, "<polyline points=\"{}\"><title>highest risk, 0 to 100</title></polyline>", line.trim_end());
    }
    let ends = [(0, "start", steps.first()), (WIDTH, "end", steps.last())];
    for (x, anchor, step) in ends {
        let moment = step.map(|step| step.from.to_rfc3339()).unwrap_or_default();
        let _ = write!(svg, "<text class=\"axis\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>", HEIGHT + 14, escaped(&moment));
    }
    let _ = writeln!(svg, "</svg>\n<p>A bar is {step_s} s; the highest has {most} calls. The line is the highest risk, 0 to 100.</p>");
    svg
}

fn signals(signals: &[SignalTold]) -> String {
    if signals.is_empty() {
        return "<p>None was seen.</p>\n".to_owned();
    }
    let rows = signals.iter().map(|signal| {
        vec![
            text(signal.name),
            text(signal.says),
            number(signal.calls),
            number(signal.callers),
            number(u64::from(signal.weight_max)),
            Cell { class: "", html: small(&signal.over_time) },
        ]
    });
    table(&[("signal", false), ("says", false), ("calls", true), ("callers", true), ("weight", true), ("over time", false)], rows)
}

/// Bars of how often, without an axis.
fn small(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let mut svg = format!("<svg class=\"small\" viewBox=\"0 0 {WIDTH} {SMALL}\" role=\"img\" aria-label=\"over time\">");
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (x, wide) = span(at, counts.len());
        let height = scaled(*count, most, SMALL).max(1);
        let _ = write!(
            svg,
            "<rect class=\"signal\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{height}\"><title>{count}</title></rect>",
            SMALL - height
        );
    }
    svg.push_str("</svg>");
    svg
}

fn identities(identities: &[IdentityTold]) -> String {
    let rows = identities.iter().map(|told| {
        let signals: Vec<String> = told.signals.iter().map(|signal| format!("{} ({})", signal.name, signal.calls)).collect();
        let reasons: Vec<String> = told.reasons.iter().map(|reason| format!("{} {}", reason.calls, reason.code)).collect();
        vec![
            Cell { class: "", html: worst(told) },
            text(told.known_by),
            number(told.calls),
            number(told.rulings.not_allowed()),
            number(u64::from(told.risk_max)),
            number(told.operations),
            number(told.sources),
            text(&[signals.join(", "), reasons.join(", ")].join(" · ")),
        ]
    });
    let header = [
        ("caller", false),
        ("known by", false),
        ("calls", true),
        ("not allowed", true),
        ("risk", true),
        ("operations", true),
        ("sources", true),
        ("signals and reasons", false),
    ];
    table(&header, rows)
}

/// A caller's name, and behind it the calls that stood out.
fn worst(told: &IdentityTold) -> String {
    if told.worst.is_empty() {
        return escaped(&told.name);
    }
    let rows = told.worst.iter().map(|call| {
        let parts: Vec<String> = call.signals.iter().map(measured).collect();
        vec![
            Cell { class: "t", html: escaped(&call.time.to_rfc3339()) },
            Cell { class: call.response, html: escaped(call.response) },
            text(call.code),
            number(u64::from(call.risk)),
            text(&call.what),
            text(&parts.join(", ")),
        ]
    });
    let header = [("time", false), ("ruled", false), ("reason", false), ("risk", true), ("what", false), ("signals", false)];
    format!("<details><summary>{}</summary>{}</details>", escaped(&told.name), table(&header, rows))
}

/// A signal of a call. A value of nothing says nothing: what it contributes does.
fn measured(part: &Part) -> String {
    match part.value {
        0 => format!("{} (+{})", part.name, part.weight),
        value => format!("{} {value} {} (+{})", part.name, part.unit, part.weight),
    }
}

fn operations(api: &ApiTold) -> String {
    let rows = api
        .operations
        .iter()
        .map(|told| vec![text(&told.operation), text(told.class), number(told.calls), number(told.callers), number(told.not_allowed)]);
    let header = [("operation", false), ("class", false), ("calls", true), ("callers", true), ("not allowed", true)];
    let title = format!("{}: {} calls, {} operations", api.name, api.calls, api.operation_count);
    format!("<details><summary>{}</summary>{}</details>\n", escaped(&title), table(&header, rows))
}

/// What a reader must know besides.
fn rest(report: &Report) -> String {
    let mut html = "<h2>What such a log does not tell</h2>\n<ul>".to_owned();
    for what in &report.not_told {
        let _ = write!(html, "<li>{}</li>", escaped(what));
    }
    html.push_str("</ul>\n<h2>Files</h2>\n");
    let moment = |time: Option<Time>| time.map_or_else(String::new, Time::to_rfc3339);
    let rows = report.files.iter().map(|file| {
        vec![text(&file.name), number(file.calls), number(file.not_understood), text(&moment(file.from)), text(&moment(file.to))]
    });
    html.push_str(&table(&[("file", false), ("calls", true), ("not understood", true), ("from", false), ("to", false)], rows));
    if !report.not_understood.first.is_empty() {
        html.push_str("<h2>Not understood, the first</h2>\n");
        let rows = report.not_understood.first.iter().map(|wrong| vec![text(&format!("{}:{}", wrong.file, wrong.line)), text(&wrong.what)]);
        html.push_str(&table(&[("where", false), ("what", false)], rows));
    }
    html
}

/// A cell of a table.
struct Cell {
    class: &'static str,
    /// Escaped already.
    html: String,
}

fn text(text: &str) -> Cell {
    Cell { class: "", html: escaped(text) }
}

fn number(number: u64) -> Cell {
    Cell { class: "n", html: number.to_string() }
}

fn table(header: &[(&str, bool)], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let mut html = "<table><tr>".to_owned();
    for (title, is_number) in header {
        let _ = write!(html, "<th{}>{title}</th>", if *is_number { " class=\"n\"" } else { "" });
    }
    html.push_str("</tr>\n");
    for row in rows {
        html.push_str("<tr>");
        for Cell { class, html: cell } in row {
            let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
            let _ = write!(html, "<td{class}>{cell}</td>");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
    html
}

/// Where the so-manieth of some bars begins, and how wide it is.
fn span(at: usize, of: usize) -> (usize, usize) {
    let of = of.max(1);
    let (from, to) = (at * WIDTH / of, (at + 1) * WIDTH / of);
    (from, (to - from).saturating_sub(1).max(1))
}

/// `count` of `most` as a part of `whole`.
fn scaled(count: u64, most: u64, whole: usize) -> usize {
    let part = u128::from(count) * u128::try_from(whole).unwrap_or(0) / u128::from(most.max(1));
    usize::try_from(part).unwrap_or(whole)
}

#[cfg(test)]
mod tests;
