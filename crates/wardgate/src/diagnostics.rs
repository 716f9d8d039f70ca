//! How diagnostics are shown: where, the line itself, what is wrong, a way out.

use crate::output::{BAD, BOLD, DIM, STOPPED, note, plain, styled};
use serde_json::{Value, json};
use std::{collections::HashMap, path::Path, sync::Arc};
use wardgate_model::diagnostic::{Diagnostic, Level};

/// Shows diagnostics to a person, on standard error, each with the line it is about.
pub fn show(found: &[Diagnostic]) {
    let mut files: HashMap<Arc<Path>, Vec<String>> = HashMap::new();
    for diagnostic in found {
        let lines = files.entry(Arc::clone(&diagnostic.place.file)).or_insert_with(|| lines(&diagnostic.place.file));
        note(&text(diagnostic, lines));
    }
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()).unwrap_or_default()
}

fn text(diagnostic: &Diagnostic, lines: &[String]) -> String {
    let style = match diagnostic.level {
        Level::Error => BAD,
        Level::Warning => STOPPED,
    };
    let place = &diagnostic.place;
    let head = styled(style, &format!("{}[{}]", diagnostic.level, diagnostic.code));
    let mut text = format!("{head} {}\n  {} {}\n", plain(&diagnostic.what), styled(DIM, "at"), styled(BOLD, &place.to_string()));
    let line = usize::try_from(place.line).ok().and_then(|line| lines.get(line.checked_sub(1)?));
    if let Some(line) = line {
        let number = place.line.to_string();
        let column = usize::try_from(place.column).unwrap_or(0).saturating_sub(1);
        let shown: String = plain(line).chars().take(160).collect();
        text.push_str(&format!("  {} {shown}\n", styled(DIM, &format!("{number} |"))));
        if place.column > 0 && column < shown.chars().count() {
            text.push_str(&format!("  {} {}{}\n", " ".repeat(number.len() + 2), " ".repeat(column), styled(style, "^")));
        }
    }
    if let Some(mend) = &diagnostic.mend {
        text.push_str(&format!("  {} {}\n", styled(DIM, "mend:"), plain(mend)));
    }
    text
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
