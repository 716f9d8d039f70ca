//! The last guard before the log: whatever looks like a key of ours or a JWT is cut out of every text that came from
//! outside. A client that puts its key into a path or user agent must not thereby put it into the log.

use memchr::memchr2_iter;
use std::borrow::Cow;

/// What stands where a secret was.
const GONE: &str = "…";
/// A JWT begins with `eyJ` (base64url of `{"`) and is never shorter than this.
const JWT_BYTES_MIN: usize = 20;

/// The text without secrets: of our keys (STANDARDS §1.14) the public parts stay, of a JWT nothing but its beginning.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(at) = next_suspect(rest) {
        let (before, suspect) = rest.split_at(at);
        clean.push_str(before);
        if let Some((shown, end)) = key(suspect.as_bytes()).or_else(|| jwt(suspect.as_bytes())) {
            clean.push_str(suspect.get(..shown).unwrap_or_default());
            clean.push_str(GONE);
            rest = suspect.get(end..).unwrap_or_default();
            found = true;
        } else {
            // A suspect begins with an ASCII letter, so the next byte begins a character.
            let (first, after) = suspect.split_at(1);
            clean.push_str(first);
            rest = after;
        }
    }
    if !found {
        return Cow::Borrowed(text);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// Where the next `wg` or `eyJ` begins. Looked for is the rarer end of each: most texts have neither.
fn next_suspect(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr2_iter(b'g', b'J', bytes).find_map(|at| {
        let (before, end) = bytes.split_at_checked(at)?;
        match (before, end) {
            ([.., b'w'], [b'g', ..]) => Some(at - 1),
            ([.., b'e', b'y'], [b'J', ..]) => Some(at - 2),
            _ => None,
        }
    })
}

/// `wg[sab]?_env_id_` and then a secret of any length, cut ones too; `_` may be percent-encoded. Gives where the public
/// part and where the secret ends.
fn key(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = if matches!(bytes.get(2), Some(b's' | b'a' | b'b')) { 3 } else { 2 };
    let at = underscore(bytes, at)?;
    let at = run(bytes, at, 32, |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let at = underscore(bytes, at)?;
    let at = run(bytes, at, 12, |b| b.is_ascii_alphanumeric());
    let shown = underscore(bytes, at)?;
    let end = run(bytes, shown, usize::MAX, |b| b.is_ascii_alphanumeric());
    (end > shown).then_some((shown, end))
}

fn jwt(bytes: &[u8]) -> Option<(usize, usize)> {
    if !bytes.starts_with(b"eyJ") {
        return None;
    }
    let end = run(bytes, 0, usize::MAX, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    (end >= JWT_BYTES_MIN).then_some((3, end))
}

fn underscore(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..)? {
        [b'_', ..] => Some(at + 1),
        [b'%', b'5', b'F' | b'f', ..] => Some(at + 3),
        _ => None,
    }
}

fn run(bytes: &[u8], from: usize, most: usize, of: impl Fn(u8) -> bool) -> usize {
    from + bytes.get(from..).unwrap_or_default().iter().take(most).take_while(|byte| of(**byte)).count()
}

#[cfg(test)]
mod tests;
