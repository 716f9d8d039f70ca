//! A timeline as one page of HTML: it needs nothing else, runs nothing and fetches nothing. Filters are check boxes that its
//! style reads.
//!
//! INVARIANT (escaped): everything out of the log goes through [`escaped`]; a policy in the page forbids what would come of a
//! mistake.

use super::{
    pairs,
    told::{Sums, Told, Tone, flowed},
};
use crate::output::plain;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt::Write as _;
use wardgate_console::{TimelineEntry, TimelineView};

/// Bars in the picture, at most.
const BARS: usize = 60;
/// Its size, in units of its own.
const WIDTH: usize = 900;
const HEIGHT: usize = 120;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:14px/1.4 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em}\
h1{font-size:1.3em;overflow-wrap:anywhere}h2{font-size:1em;margin:1.5em 0 .3em}\
dl{display:grid;grid-template-columns:max-content auto;gap:.1em 1em}dt{color:#777}dd{margin:0;overflow-wrap:anywhere}\
svg{width:100%;height:auto;border-bottom:1px solid #999}\
table{border-collapse:collapse;width:100%}td{padding:.15em .6em .15em 0;vertical-align:top;overflow-wrap:anywhere}\
td.t{white-space:nowrap;font-family:ui-monospace,monospace}tr.child td.w{padding-left:2em}\
td.r{font-weight:600}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}summary{cursor:pointer}\
.allow .r{color:#1a7f37}.slow .r,.challenge .r{color:#9a6700}.block .r,.finding .r{color:#cf222e}.change .r{color:#0969da}\
.observed .r{font-style:italic;font-weight:400}\
rect.allow{fill:#2da44e}rect.slow{fill:#d4a72c}rect.challenge{fill:#bf8700}rect.block{fill:#cf222e}\
rect.change{fill:#218bff}rect.finding{fill:#8250df}rect.other{fill:#8c959f}\
body:has(#f-allow:not(:checked)) tr.allow,body:has(#f-slow:not(:checked)) tr.slow,\
body:has(#f-challenge:not(:checked)) tr.challenge,body:has(#f-block:not(:checked)) tr.block,\
body:has(#f-change:not(:checked)) tr.change,body:has(#f-finding:not(:checked)) tr.finding,\
body:has(#f-other:not(:checked)) tr.other{display:none}\
@media print{fieldset{display:none}body{margin:0;max-width:none;font-size:9pt}tr{break-inside:avoid}}";

/// The page.
pub(super) fn page(found: &TimelineView) -> String {
    let (told, entries): (Vec<Told>, Vec<&TimelineEntry>) = pairs::told(&found.entries).into_iter().unzip();
    let sums = Sums::of(&told);
    let subject = escaped(&found.subject);
    let policy = policy(STYLE);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Timeline of {subject}</title><style>{STYLE}</style></head><body>\n<h1>Timeline of {subject}</h1>\n<dl>"
    );
    for (name, sum) in sums.lines() {
        let _ = write!(page, "<dt>{name}</dt><dd>{}</dd>", escaped(&sum));
    }
    for (name, note) in notes(found) {
        let _ = write!(page, "<dt>{name}</dt><dd>{}</dd>", escaped(&note));
    }
    page.push_str("</dl>\n");
    page.push_str(&picture(&told));
    page.push_str("<fieldset><legend>Show</legend>");
    for (tone, count) in &sums.tones {
        let word = tone.word();
        let _ = write!(page, "<label><input type=\"checkbox\" id=\"f-{word}\" checked> {word} ({count})</label> ");
    }
    page.push_str("</fieldset>\n");
    let mut day = String::new();
    for (told, entry) in told.iter().zip(entries) {
        if told.day() != day {
            page.push_str(if day.is_empty() { "" } else { "</table>\n" });
            day = told.day();
            let _ = writeln!(page, "<h2>{}</h2>\n<table>", escaped(&day));
        }
        page.push_str(&row(told, entry));
    }
    page.push_str(if day.is_empty() { "<p>The log holds nothing about it.</p>\n" } else { "</table>\n" });
    page.push_str("</body></html>\n");
    page
}

/// What such a page allows itself: this style, and nothing else.
pub(in crate::commands) fn policy(style: &str) -> String {
    let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// What a reader must know besides.
fn notes(found: &TimelineView) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    if found.truncated {
        notes.push(("note", "there is more about it than is shown here".to_owned()));
    }
    if found.unreadable > 0 {
        notes.push(("note", format!("{} records or files could not be read and are left out", found.unreadable)));
    }
    notes.extend(found.left_out.iter().map(|gap| ("note", gap.to_string())));
    for back in &found.clock_back {
        let seconds = back.by_us / 1_000_000;
        notes.push(("note", format!("the clock of {} went back by {seconds} s before its event {}", back.edge, back.seq)));
    }
    notes
}

fn row(told: &Told, entry: &TimelineEntry) -> String {
    let classes = format!("{}{}{}", told.tone.word(), if told.child { " child" } else { "" }, if told.enforced { "" } else { " observed" });
    let more: Vec<String> = told.words().into_iter().chain(flowed(told.bytes_in, told.bytes_out, told.records)).collect();
    let whole = serde_json::to_string_pretty(&entry.event).unwrap_or_default();
    format!(
        "<tr class=\"{classes}\"><td class=\"t\">{}</td><td class=\"w\">{}</td><td><details><summary>{}</summary><pre>{}</pre></details></td>\
         <td class=\"r\">{}</td><td>{}</td><td>{}</td></tr>\n",
        escaped(&told.clock()),
        escaped(&told.who),
        escaped(&told.what),
        escaped(&whole),
        escaped(&told.ruling),
        escaped(&told.status),
        escaped(&more.join(" · ")),
    )
}

/// How many of each sort over time, as bars.
fn picture(told: &[Told]) -> String {
    let own: Vec<&Told> = told.iter().filter(|told| !told.child).collect();
    let times = || own.iter().map(|told| told.time_us);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return String::new() };
    let bars = i128::try_from(BARS).unwrap_or(1);
    let span = (i128::from(last) - i128::from(first)).max(1);
    let mut counts = vec![[0_usize; Tone::ALL.len()]; BARS];
    for told in &own {
        let at = usize::try_from((i128::from(told.time_us) - i128::from(first)) * (bars - 1) / span).unwrap_or(0);
        let place = Tone::ALL.iter().position(|tone| *tone == told.tone).unwrap_or(0);
        if let Some(count) = counts.get_mut(at).and_then(|bar| bar.get_mut(place)) {
            *count += 1;
        }
    }
    let most = counts.iter().map(|bar| bar.iter().sum::<usize>()).max().unwrap_or(1).max(1);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"events over time\">");
    let width = WIDTH / BARS;
    for (at, bar) in counts.iter().enumerate() {
        let mut below = 0;
        for (tone, count) in Tone::ALL.iter().zip(bar).filter(|(_, count)| **count > 0) {
            // Each end is rounded by itself, so that a bar is as high as its parts.
            let (from, to) = (below * HEIGHT / most, (below + count) * HEIGHT / most);
            below += count;
            let (x, y, height) = (at * width, HEIGHT - to, (to - from).max(1));
            let wide = width - 2;
            let word = tone.word();
            let _ = write!(
                svg,
                "<rect class=\"{word}\" x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{height}\"><title>{count} {word}</title></rect>"
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Text that means nothing in HTML, neither between tags nor in an attribute.
pub(in crate::commands) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            safe.push('\n');
        }
        for c in plain(line).chars() {
            match c {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#39;"),
                c => safe.push(c),
            }
        }
    }
    safe
}
