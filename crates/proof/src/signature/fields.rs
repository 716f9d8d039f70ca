//! Fields that are Dictionaries (RFC 9651 §3.2), each member as it was received.

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{Dictionary, FieldType as _, ListEntry, Parser};

/// Longest field, all of its lines together, in bytes.
pub const FIELD_BYTES_MAX: usize = 16 * 1024;

/// A field cannot be read in one way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`FIELD_BYTES_MAX`].
    #[error("`{0}` is longer than {FIELD_BYTES_MAX} bytes")]
    TooLong(HeaderName),
    /// No Dictionary.
    #[error("`{0}` is no Dictionary (RFC 9651 §3.2)")]
    Syntax(HeaderName),
    /// A key stands there twice.
    #[error("`{0}` has a key twice")]
    Twice(HeaderName),
    /// A member is not in its strict form.
    #[error("a member of `{0}` is not in its one strict form (RFC 9651 §4.1)")]
    Loose(HeaderName),
}

/// A member of a Dictionary.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its key.
    pub(crate) key: Box<str>,
    /// Its value.
    pub(crate) entry: ListEntry,
    /// Its value as it was received, which is its strict form.
    pub(crate) text: Box<str>,
}

/// The members of a field; `None`: it is not there.
pub(crate) fn dictionary(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Vec<Member>>, Unreadable> {
    let Some(text) = combined(headers, name)? else { return Ok(None) };
    let whole: Dictionary = Parser::new(&text).parse().map_err(|_| Unreadable::Syntax(name.clone()))?;
    let parts = parts(&text);
    // RFC 9651 §4.2.2: of two the last would count. Which one a signer meant is nobody's to choose.
    if parts.len() != whole.len() {
        return Err(Unreadable::Twice(name.clone()));
    }
    let member = |(part, (key, entry)): (&str, (sfv::Key, ListEntry))| {
        let received = part.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('='));
        match received.filter(|received| strict(&entry).as_deref() == Some(*received)) {
            Some(text) => Ok(Member { key: key.as_str().into(), text: text.into(), entry }),
            None => Err(Unreadable::Loose(name.clone())),
        }
    };
    parts.into_iter().zip(whole).map(member).collect::<Result<_, _>>().map(Some)
}

/// A text as a Dictionary, where no key stands there twice.
pub(crate) fn once(text: &str) -> Option<Dictionary> {
    let whole: Dictionary = Parser::new(text).parse().ok()?;
    (parts(text).len() == whole.len()).then_some(whole)
}

/// The lines of a field as one (RFC 9110 §5.3); `None`: there is none.
pub(crate) fn combined(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Unreadable> {
    let mut text: Option<String> = None;
    for line in headers.get_all(name) {
        let line = line.to_str().map_err(|_| Unreadable::Syntax(name.clone()))?;
        match &mut text {
            None => text = Some(trimmed(line).to_owned()),
            Some(text) => {
                text.push_str(", ");
                text.push_str(trimmed(line));
            }
        }
        if text.as_ref().is_some_and(|text| text.len() > FIELD_BYTES_MAX) {
            return Err(Unreadable::TooLong(name.clone()));
        }
    }
    Ok(text)
}

/// Without the white space around it (RFC 9110 §5.5).
pub(crate) fn trimmed(line: &str) -> &str {
    line.trim_matches([' ', '\t'])
}

/// Bytes of a line without the white space around them.
pub(crate) fn trimmed_bytes(line: &HeaderValue) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let bytes = line.as_bytes();
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// The strict form of a member's value, without its key (RFC 9651 §4.1.2).
pub(crate) fn strict(entry: &ListEntry) -> Option<String> {
    vec![entry.clone()].serialize()
}

/// The members of a text that is a Dictionary, as they stand there: between commas that stand neither in a string nor in a list.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(trimmed(text.get(start..at).unwrap_or_default()));
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = trimmed(text.get(start..).unwrap_or_default());
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, dictionary};
    use http::{HeaderMap, HeaderName, HeaderValue};

    const NAME: HeaderName = HeaderName::from_static("signature");

    fn read(lines: &[&str]) -> Result<Vec<String>, Unreadable> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(NAME, HeaderValue::from_str(line).expect("a line"));
        }
        let members = dictionary(&headers, &NAME)?.unwrap_or_default();
        Ok(members.iter().map(|member| format!("{}|{}", member.key, member.text)).collect())
    }

    #[test]
    fn members_stand_as_they_were_received() {
        assert_eq!(read(&[]).expect("none"), [""; 0]);
        assert_eq!(read(&["a=:AQ==:"]).expect("one"), ["a|:AQ==:"]);
        let listed = r#"a=("x" "y,\"),(";key="b");created=1;nonce="q,=(",b=1 ,  c=:AQ==:"#;
        let said = [r#"a|("x" "y,\"),(";key="b");created=1;nonce="q,=(""#, "b|1", "c|:AQ==:"];
        assert_eq!(read(&[listed]).expect("three"), said);
        assert_eq!(read(&["a=1", " b=2\t"]).expect("two lines"), ["a|1", "b|2"]);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in ["a=(", "a=\"é\"", "a=1,", ",a=1", "a==1", "A=1", "a=:*:", "1", "a=1 b=2"] {
            assert_eq!(read(&[text]), Err(Unreadable::Syntax(NAME)), "{text}");
        }
        for lines in [&["a=1, a=2"] as &[&str], &["a=1", "a=1"], &["a=1, b=2, a=1"]] {
            assert_eq!(read(lines), Err(Unreadable::Twice(NAME)), "{lines:?}");
        }
        for text in ["a=( \"x\")", "a=(\"x\"  \"y\")", "a=1; b=2", "a=:AQ:", "a", "a;b", "a=01", "a=1.10", "a=1;b=1;b=2", "a=1;b=?1"] {
            assert_eq!(read(&[text]), Err(Unreadable::Loose(NAME)), "{text}");
        }
        let long = format!("a=\"{}\"", "x".repeat(super::FIELD_BYTES_MAX));
        assert_eq!(read(&[&long]), Err(Unreadable::TooLong(NAME)));
    }
}
