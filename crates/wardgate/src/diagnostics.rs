//! How diagnostics are shown: where, the line itself, what is wrong, a way out.

use crate::{
    client::Told,
    output::{BAD, BOLD, DIM, STOPPED, note, plain, styled},
};
use serde_json::{Value, json};
use std::{collections::HashMap, path::Path, sync::Arc};
use wardgate_model::diagnostic::{Diagnostic, Level, Place};

/// One thing that is wrong, as it is shown.
struct Shown<'a> {
    level: Level,
    code: &'a str,
    what: &'a str,
    mend: Option<&'a str>,
    place: Option<&'a Place>,
    /// Where, in words, when there is no place in a file.
    elsewhere: Option<&'a str>,
}

/// Shows diagnostics to a person, on standard error, each with the line it is about.
pub fn show(found: &[Diagnostic]) {
    let mut files = HashMap::new();
    for diagnostic in found {
        let shown = Shown {
            level: diagnostic.level,
            code: diagnostic.code,
            what: &diagnostic.what,
            mend: diagnostic.mend.as_deref(),
            place: Some(&diagnostic.place),
            elsewhere: None,
        };
        note(&text(&shown, &mut files));
    }
}

/// Shows what the gate says of documents that were sent to it, each at its place in the files here.
pub fn show_told(told: &[Told], place: impl Fn(&Told) -> Option<Place>) {
    let mut files = HashMap::new();
    for told in told {
        let place = place(told);
        let shown = Shown {
            level: told.level,
            code: &told.code,
            what: &told.what,
            mend: told.mend.as_deref(),
            place: place.as_ref(),
            elsewhere: told.place.as_deref(),
        };
        note(&text(&shown, &mut files));
    }
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()).unwrap_or_default()
}

fn text(shown: &Shown<'_>, files: &mut HashMap<Arc<Path>, Vec<String>>) -> String {
    let style = match shown.level {
        Level::Error => BAD,
        Level::Warning => STOPPED,
    };
    let head = styled(style, &format!("{}[{}]", shown.level, plain(shown.code)));
    let mut text = format!("{head} {}\n", plain(shown.what));
    if let Some(place) = shown.place {
        text.push_str(&format!("  {} {}\n", styled(DIM, "at"), styled(BOLD, &plain(&place.to_string()))));
        let lines = files.entry(Arc::clone(&place.file)).or_insert_with(|| lines(&place.file));
        quote(&mut text, place, lines, style);
    } else if let Some(place) = shown.elsewhere {
        text.push_str(&format!("  {} {}\n", styled(DIM, "at"), styled(BOLD, &plain(place))));
    }
    if let Some(mend) = shown.mend {
        text.push_str(&format!("  {} {}\n", styled(DIM, "mend:"), plain(mend)));
    }
    text
}

/// The line itself, and a mark below its column.
fn quote(text: &mut String, place: &Place, lines: &[String], style: anstyle::Style) {
    let line = usize::try_from(place.line).ok().and_then(|line| lines.get(line.checked_sub(1)?));
    let Some(line) = line else { return };
    let number = place.line.to_string();
    let column = usize::try_from(place.column).unwrap_or(0).saturating_sub(1);
    let shown: String = plain(line).chars().take(160).collect();
    text.push_str(&format!("  {} {shown}\n", styled(DIM, &format!("{number} |"))));
    if place.column > 0 && column < shown.chars().count() {
        text.push_str(&format!("  {} {}{}\n", " ".repeat(number.len() + 2), " ".repeat(column), styled(style, "^")));
    }
}

/// Diagnostics for machines.
#[must_use]
pub fn to_json(found: &[Diagnostic]) -> Value {
    found
        .iter()
        .map(|diagnostic| {
            json!({
                "level": diagnostic.level,
                "code": diagnostic.code,
                "file": diagnostic.place.file.display().to_string(),
                "line": diagnostic.place.line,
                "column": diagnostic.place.column,
                "what": diagnostic.what,
                "mend": diagnostic.mend,
            })
        })
        .collect()
}

/// `2 errors, 1 warning`.
#[must_use]
pub fn summary(found: &[Diagnostic]) -> String {
    let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = found.len() - errors;
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))
}
