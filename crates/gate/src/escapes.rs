//! Percent-escapes in bytes that others read after us (a query, a cookie): resolved as they will do it.

use std::borrow::Cow;

/// What a `+` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    /// Itself.
    Plus,
    /// A blank, as in the fields of a form (WHATWG URL, `application/x-www-form-urlencoded`).
    Blank,
}

/// The bytes with their escapes resolved once; what is no escape stands for itself.
pub(crate) fn resolved(text: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    let blank = plus == Plus::Blank;
    if !text.iter().any(|byte| *byte == b'%' || (blank && *byte == b'+')) {
        return Cow::Borrowed(text);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = match after {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        plain.push(match (escape, first) {
            (Some((high, low)), _) => high * 16 + low,
            (None, b'+') if blank => b' ',
            (None, byte) => *byte,
        });
        rest = if escape.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::{Plus, resolved};

    #[test]
    fn escapes_are_resolved_once() {
        for (text, plain, of_a_form) in [
            ("", "", ""),
            ("plain", "plain", "plain"),
            ("a+b", "a+b", "a b"),
            ("%77%67_x", "wg_x", "wg_x"),
            ("%2B+", "++", "+ "),
            // Once: what comes of it is no escape again.
            ("%2541", "%41", "%41"),
            // No escapes: they stand for themselves.
            ("%", "%", "%"),
            ("%4", "%4", "%4"),
            ("%4g%zz%%41", "%4g%zz%A", "%4g%zz%A"),
        ] {
            assert_eq!(&*resolved(text.as_bytes(), Plus::Plus), plain.as_bytes(), "{text}");
            assert_eq!(&*resolved(text.as_bytes(), Plus::Blank), of_a_form.as_bytes(), "{text}");
        }
    }
}
