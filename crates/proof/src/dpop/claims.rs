//! What a proof says (RFC 9449 §4.2).

use super::Fault;
use crate::{
    jose::{
        json,
        refusal::{Part, Refusal},
    },
    scan::{any, find_soon},
};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// What claims that nobody reads may hold.
const BOUNDS: json::Bounds = json::Bounds { depth: 4, values: 64 };

/// The claims that count. Their texts are held against bytes, so they stay bytes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Claims<'p> {
    pub(super) jti: Option<Cow<'p, [u8]>>,
    pub(super) htm: Option<Cow<'p, [u8]>>,
    pub(super) htu: Option<Cow<'p, [u8]>>,
    pub(super) iat: Option<Number>,
    pub(super) ath: Option<Cow<'p, [u8]>>,
    pub(super) nonce: Option<Cow<'p, [u8]>>,
}

impl<'p> Claims<'p> {
    /// Reads them.
    ///
    /// # Errors
    /// When they cannot be read in one way, or one of these has not its type.
    pub(super) fn read(payload: &'p [u8]) -> Result<Self, Fault> {
        plain(payload).map_or_else(|| Self::whole(payload), Ok)
    }

    /// In whatever way they are written. What else is there is read by nobody, but it has to be readable in one way.
    fn whole(payload: &[u8]) -> Result<Self, Fault> {
        let members = json::object(payload, BOUNDS).map_err(|fault| Refusal::Json(Part::Claims, fault))?;
        Self::of(&members)
    }

    fn of(members: &Map<String, Value>) -> Result<Self, Fault> {
        let text = |name: &'static str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(Cow::Owned(text.clone().into_bytes()))),
            Some(_) => Err(Fault::Claim(name)),
        };
        let iat = match members.get("iat") {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => Some(number.clone()),
            Some(_) => return Err(Fault::Claim("iat")),
        };
        Ok(Self { jti: text("jti")?, htm: text("htm")?, htu: text("htu")?, iat, ath: text("ath")?, nonce: text("nonce")? })
    }
}

/// Reads claims as nearly every client writes them: no white space, nothing but these, nothing twice, texts of visible ASCII without
/// escapes, `iat` in whole seconds. `None`: they are written otherwise, well or not, and are read the long way.
///
/// INVARIANT (one meaning): what this reads, [`Claims::whole`] reads as the same; a property test holds the two together.
fn plain(payload: &[u8]) -> Option<Claims<'_>> {
    if any(payload, |byte| (byte.wrapping_sub(b' ') > b'~' - b' ') | (byte == b'\\')) {
        return None;
    }
    let mut claims = Claims::default();
    let mut rest = payload.strip_prefix(b"{")?;
    loop {
        rest = match member(&mut claims, rest)? {
            [b',', more @ ..] => more,
            b"}" => return Some(claims),
            _ => return None,
        };
    }
}

/// Reads one, and gives what follows it.
fn member<'p>(claims: &mut Claims<'p>, text: &'p [u8]) -> Option<&'p [u8]> {
    let (name, after) = text.split_first_chunk::<6>()?;
    let (slot, after) = match name {
        b"\"jti\":" => (&mut claims.jti, after),
        b"\"htm\":" => (&mut claims.htm, after),
        b"\"htu\":" => (&mut claims.htu, after),
        b"\"ath\":" => (&mut claims.ath, after),
        b"\"nonce" => (&mut claims.nonce, after.strip_prefix(b"\":")?),
        b"\"iat\":" => {
            let (number, after) = whole_number(after)?;
            return claims.iat.replace(number).is_none().then_some(after);
        }
        _ => return None,
    };
    let (value, after) = quoted(after)?;
    slot.replace(Cow::Borrowed(value)).is_none().then_some(after)
}

/// A text in quotes, and what follows it.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let (inner, rest) = text.split_at_checked(find_soon(text, b'"')?)?;
    Some((inner, rest.get(1..)?))
}

/// Digits, and what follows them. JSON has no number that begins with a zero, but for that alone (RFC 8259 §6).
fn whole_number(text: &[u8]) -> Option<(Number, &[u8])> {
    // What is longer is no moment: it is read the long way.
    const DIGITS_MAX: usize = 18;
    let (mut number, mut rest) = (0_u64, text);
    // INVARIANT (small): so many digits are below 2^63.
    while let [byte, more @ ..] = rest
        && byte.is_ascii_digit()
        && text.len() - rest.len() < DIGITS_MAX
    {
        number = number.wrapping_mul(10).wrapping_add(u64::from(byte.wrapping_sub(b'0')));
        rest = more;
    }
    let ends = !matches!(text, [b'0', ..]) && rest.len() < text.len() && !matches!(rest, [b'0'..=b'9', ..]);
    ends.then(|| (number.into(), rest))
}

#[cfg(test)]
mod tests {
    use super::{Claims, plain};
    use proptest::prelude::{Strategy, prop, prop_assert_eq, proptest};

    const WHOLE: &str = r#"{"jti":"a","htm":"GET","htu":"https://gate.example/x","iat":1767225600,"ath":"b","nonce":"c"}"#;

    #[test]
    fn what_nearly_every_client_writes_is_read_the_short_way_and_as_the_long_way_has_it() {
        for text in [WHOLE, r#"{"iat":1}"#, r#"{"jti":""}"#, r#"{"nonce":" {},:"}"#] {
            let claims = plain(text.as_bytes()).expect(text);
            assert_eq!(Ok(claims), Claims::whole(text.as_bytes()), "{text}");
        }
    }

    /// What is written otherwise means what it meant, or nothing: the long way decides.
    #[test]
    fn whatever_is_written_otherwise_is_read_the_long_way() {
        for text in [
            "",
            "{}",
            "{\"iat\":1",
            r#"{"iat":1}}"#,
            r#"{"iat":1},{"iat":1}"#,
            r#"{"iat":01}"#,
            r#"{"iat":0}"#,
            r#"{"iat":-1}"#,
            r#"{"iat":1.5}"#,
            r#"{"iat":1e3}"#,
            r#"{"iat":"1"}"#,
            r#"{"iat":18446744073709551616}"#,
            r#"{"jti":1}"#,
            r#"{"jti":"a","jti":"b"}"#,
            r#"{"iat":1,"iat":1}"#,
            r#"{"jti":"a",}"#,
            r#"{,"jti":"a"}"#,
            r#"{"jti":"a" ,"iat":1}"#,
            r#"{"jti": "a"}"#,
            r#"{"nonce:"a"}"#,
            r#"{"nonc":"a"}"#,
            r#"{"nonce" :"a"}"#,
            r#"{"iat":}"#,
            r#"{"jti":"\u0061"}"#,
            r#"{"jti":"a\"b"}"#,
            r#"{"jti":"ä"}"#,
            "{\"jti\":\"a\nb\"}",
            "{\"jti\":\"a\u{7f}\"}",
            r#"{"jti":"a","aud":"x"}"#,
            r#"[{"jti":"a"}]"#,
        ] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
    }

    /// Pieces of such texts, put together in any order.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "\"",
            ":",
            ",",
            " ",
            "\\",
            "0",
            "1",
            "-",
            ".",
            "e",
            "\"jti\":\"a\"",
            "\"iat\":12",
            "\"htm\":",
            "\"x\":null",
            "é",
            "\u{1}",
            "\"nonce\"",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_short_way_never_reads_what_the_long_way_does_not(inner in pieces(), wrapped in prop::bool::ANY) {
            let text = if wrapped { format!("{{{inner}}}") } else { inner };
            if let Some(claims) = plain(text.as_bytes()) {
                prop_assert_eq!(Ok(claims), Claims::whole(text.as_bytes()));
            }
        }

        #[test]
        fn nor_of_what_is_nearly_right(at in 0..WHOLE.len(), byte in 0..=255_u8, cut in 0..3_usize) {
            let mut text = WHOLE.as_bytes().to_vec();
            text.splice(at..(at + cut).min(WHOLE.len()), [byte]);
            if let Some(claims) = plain(&text) {
                prop_assert_eq!(Ok(claims), Claims::whole(&text));
            }
        }
    }
}
