//! Names of others as names of ours.

use wardgate_model::id::NAME_BYTES_MAX;

/// The name in our grammar: lower case, `-` for what may not stand there. `None` when nothing is left.
pub(super) fn slug(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        if name.len() >= NAME_BYTES_MAX {
            break;
        }
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            // No two marks in a row, and none at the beginning.
            _ if !name.ends_with(|last: char| last.is_ascii_alphanumeric()) => {}
            '.' | '_' | ':' | '-' => name.push(c),
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches(['.', '_', ':', '-']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// A text as messages quote it.
pub(super) fn short(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut short: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}
