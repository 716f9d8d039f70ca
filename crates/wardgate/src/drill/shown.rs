//! A report for people: on a terminal, and as one page of HTML that needs nothing else and runs nothing.

use super::report::{First, Latency, Report};
use crate::output::{BAD, GOOD, Page, styled, table};

fn first(first: Option<First>) -> String {
    first.map_or_else(|| "-".to_owned(), |first| format!("request {}, after {} s", first.request, first.after_s))
}

fn latency(of: Latency) -> String {
    if of.requests == 0 {
        return "-".to_owned();
    }
    format!("half within {} ms, 95 % within {} ms, the longest {} ms ({} requests)", of.p50_ms, of.p95_ms, of.max_ms, of.requests)
}

/// What was counted, as a table.
struct Counted {
    title: &'static str,
    header: [&'static str; 4],
    rows: Vec<Vec<String>>,
}

impl Report {
    /// What it says in a word.
    fn verdict(&self) -> &'static str {
        match (self.contained, self.honest.harmed) {
            (true, 0) => "contained, and nobody honest was harmed",
            (true, _) => "contained, and honest callers were harmed",
            (false, 0) => "not contained",
            (false, _) => "not contained, and honest callers were harmed",
        }
    }

    /// What there is to say, line by line.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let attack = &self.attack;
        let contained = match (attack.contained_after, attack.contained_after_s) {
            (Some(requests), Some(seconds)) => {
                let by = attack.contained_by.as_deref().unwrap_or("no answer");
                format!("after {requests} requests and {seconds} s, by `{by}`")
            }
            _ => "-".to_owned(),
        };
        let challenged = |of: super::Challenged| format!("{} asked, {} came through", of.met, of.passed);
        vec![
            ("attack", self.says.to_owned()),
            ("on", format!("{}, {} (seed {})", self.api, self.strength, self.seed)),
            ("attempted", attack.attempted.to_string()),
            ("reached", format!("{} came to the upstream", attack.reached)),
            ("leaked", format!("{} {}", attack.leaked.count, attack.leaked.what)),
            ("contained", contained),
            ("told", first(self.responses.told)),
            ("slowed", first(self.responses.slowed)),
            ("challenged", first(self.responses.challenged)),
            ("blocked", first(self.responses.blocked)),
            ("would have", first(self.responses.would)),
            ("owners asked", challenged(self.challenges.owner)),
            ("thief asked", challenged(self.challenges.thief)),
            ("honest", format!("{}, {} harmed", self.honest.requests, self.honest.harmed)),
            ("before", latency(self.honest.before)),
            ("beside it", latency(self.honest.during)),
            ("took", format!("{} s", self.seconds)),
        ]
    }

    fn tables(&self) -> Vec<Counted> {
        let rows = |all: &std::collections::BTreeMap<String, usize>| {
            all.iter().map(|(reason, count)| vec![reason.clone(), count.to_string(), String::new(), String::new()]).collect()
        };
        let signals = self
            .signals
            .iter()
            .map(|one| vec![one.name.clone(), one.requests.to_string(), one.weight_max.to_string(), one.honest.to_string()]);
        let all = [
            Counted { title: "What told of it", header: ["SIGNAL", "ATTACK", "WEIGHT AT MOST", "HONEST"], rows: signals.collect() },
            Counted {
                title: "Attack requests that were refused",
                header: ["REASON", "REQUESTS", "", ""],
                rows: rows(&self.attack.refused),
            },
            Counted { title: "Honest requests that were harmed", header: ["REASON", "REQUESTS", "", ""], rows: rows(&self.honest.why) },
        ];
        all.into_iter().filter(|one| !one.rows.is_empty()).collect()
    }

    /// For a terminal.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut page = Page::about("drill", self.scenario);
        page.say_styled("it was", &styled(if self.is_good() { GOOD } else { BAD }, self.verdict()));
        for (title, said) in self.lines() {
            page.say(title, &said);
        }
        let mut text = page.text();
        for Counted { title, header, rows } in self.tables() {
            text.push_str(&format!("\n{title}\n{}", table(&header, &rows)));
        }
        for note in &self.notes {
            text.push_str(&format!("\nnote: {note}"));
        }
        for left in &self.left {
            text.push_str(&format!("\nleft: {left} (it ends by itself)"));
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    /// The same as a page; `policy` and `escaped` are those of every page of ours.
    #[must_use]
    pub fn page(&self, policy: fn(&str) -> String, escaped: fn(&str) -> String) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
             <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>Drill {1}</title><style>{STYLE}</style></head><body>\n<h1>Drill {1}: {2}</h1>\n<dl>\n",
            policy(STYLE),
            escaped(self.scenario),
            escaped(self.verdict())
        );
        for (title, said) in self.lines() {
            page.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escaped(title), escaped(&said)));
        }
        for note in self.notes.iter().chain(&self.left) {
            page.push_str(&format!("<dt>note</dt><dd>{}</dd>\n", escaped(note)));
        }
        page.push_str("</dl>\n");
        for Counted { title, header, rows } in self.tables() {
            let cells = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
                let cells: String = cells.map(|cell| format!("<{name}>{}</{name}>", escaped(cell))).collect();
                format!("<tr>{cells}</tr>\n")
            };
            page.push_str(&format!("<h2>{}</h2>\n<table>\n{}", escaped(title), cells("th", &mut header.into_iter())));
            for row in &rows {
                page.push_str(&cells("td", &mut row.iter().map(String::as_str)));
            }
            page.push_str("</table>\n");
        }
        page.push_str("</body></html>\n");
        page
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:14px/1.4 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}\
h1{font-size:1.3em}h2{font-size:1.1em;margin:1.8em 0 .4em}\
dl{display:grid;grid-template-columns:max-content auto;gap:.1em 1em}dt{color:#777}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse}td,th{padding:.15em 1.2em .15em 0;text-align:left;vertical-align:top}th{font-weight:600;color:#777}";
