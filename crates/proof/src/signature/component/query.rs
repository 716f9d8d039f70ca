//! Single parameters of a query (RFC 9421 §2.2.8), read as forms are (WHATWG URL, "application/x-www-form-urlencoded").

use std::fmt::Write as _;

/// A name as `;name` has it, which must be the one form that it has once encoded.
pub(super) fn name(said: &str) -> Option<Box<str>> {
    let plain = decoded(said);
    (encoded(&plain) == said).then(|| said.into())
}

/// The value of the one parameter of this encoded name; `None`: there is none, or there are several.
pub(super) fn value(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| encoded(&decoded(key)) == name).map(|(_, value)| value);
    let value = values.next()?;
    if values.next().is_some() { None } else { Some(encoded(&decoded(value))) }
}

/// Escapes and `+` resolved; what is no UTF-8 becomes U+FFFD, as parsers of forms have it.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match digit(*high).zip(digit(*low)) {
                Some((high, low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                None => bytes.push(b'%'),
            },
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Percent-encoded but letters, digits and `*-._`; a blank is `%20`.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{name, value};

    /// RFC 9421 §2.2.8, its examples and what it says of others.
    #[test]
    fn single_parameters_have_one_form() {
        let query = Some("var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something");
        for (name, expected) in [
            ("var", Some("this%20is%20a%20big%0Amultiline%20value")),
            ("bar", Some("with%20plus%20whitespace")),
            ("fa%C3%A7ade%22%3A%20", Some("something")),
            ("ba", None),
        ] {
            assert_eq!(value(query, name).as_deref(), expected, "{name}");
        }
        let query = Some("param=value&foo=bar&baz=batman&qux=&twice=1&tw%69ce=2&&bare&p=%zz%4&q=%ff~");
        for (name, expected) in [
            ("baz", Some("batman")),
            ("qux", Some("")),
            ("bare", Some("")),
            ("twice", None),
            ("", None),
            ("p", Some("%25zz%254")),
            ("q", Some("%EF%BF%BD%7E")),
        ] {
            assert_eq!(value(query, name).as_deref(), expected, "{name}");
        }
        assert_eq!(value(None, "a"), None);
        assert_eq!(name("fa%C3%A7ade%22%3A%20").as_deref(), Some("fa%C3%A7ade%22%3A%20"));
        for other in ["fa%c3%a7ade", "a b", "a+b", "%61", "%"] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
