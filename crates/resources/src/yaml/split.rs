//! Bytes to text, text to documents.

use super::Spot;
use wardgate_model::diagnostic::{Diagnostic, Place};

/// Checks size and encoding; takes a byte order mark off.
pub(crate) fn text<'a>(place: &Place, bytes: &'a [u8], bytes_max: usize) -> Result<&'a str, Box<Diagnostic>> {
    if bytes.len() > bytes_max {
        let what = format!("the file has {} bytes, at most {bytes_max} are read", bytes.len());
        return Err(Box::new(Diagnostic::error(place.clone(), "file.too_large", what).mend("split it into several files")));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok()).unwrap_or_default();
            let spot = Spot::end_of(good);
            let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
            let what = format!("the byte 0x{byte:02x} is not UTF-8");
            Err(Box::new(Diagnostic::error(place.at(spot.line, spot.column), "file.not_utf8", what).mend("save the file as UTF-8")))
        }
    }
}

/// One document of a stream, with the line on which it begins.
///
/// `---` in the first column ends a document whatever stands around it (YAML 1.2.2 §9.1.2, `c-forbidden`), so that
/// documents can be told apart before any of them is read: one that is broken does not hide the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    /// The text, its `---` included.
    pub(crate) text: &'a str,
    /// The line it begins on, from 1.
    pub(crate) line: u32,
    /// Whether it begins with `---`.
    pub(crate) marked: bool,
}

impl<'a> Chunk<'a> {
    /// The documents of a stream. What stands before the first `---` is one too, perhaps a blank one.
    pub(crate) fn split(text: &'a str) -> impl Iterator<Item = Self> {
        let mut rest = Some(text);
        let mut line = 1;
        std::iter::from_fn(move || {
            let text = rest?;
            let mut lines = 0;
            let mut at = 0;
            for (n, piece) in text.split_inclusive('\n').enumerate() {
                if n > 0 && is_marker(piece) {
                    break;
                }
                at += piece.len();
                lines += 1;
            }
            let (head, tail) = text.split_at_checked(at).unwrap_or((text, ""));
            rest = (!tail.is_empty()).then_some(tail);
            let chunk = Self { text: head, line, marked: is_marker(head.lines().next().unwrap_or_default()) };
            line += lines;
            Some(chunk)
        })
    }

    /// Whether it has nothing but white space and comments.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.lines().enumerate().all(|(n, line)| {
            let line = if n == 0 && self.marked { line.get(3..).unwrap_or_default() } else { line };
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "..."
        })
    }
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}
