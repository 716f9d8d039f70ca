//! What texts read as: whole numbers, numbers, truths, or any text.

use serde_json::{Value, json};

/// Digits of a number that every reader of JSON keeps exactly (RFC 8259 §6).
const DIGITS_MAX: usize = 15;

/// Which kinds of text were seen, a bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    const WHOLE: u8 = 1;
    const NUMBER: u8 = 2;
    const TRUTH: u8 = 4;
    const TEXT: u8 = 8;

    /// Of one text.
    pub(super) fn of(text: &str) -> Self {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, rest) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What begins with a nought and goes on is a name, not a number; `-0` is written by nobody.
        let plain = number(whole) && (whole == "0" || !whole.starts_with('0')) && digits.len() <= DIGITS_MAX && text != "-0";
        Self(match (text, rest) {
            ("true" | "false", _) => Self::TRUTH,
            (_, None) if plain => Self::WHOLE,
            (_, Some(rest)) if plain && number(rest) => Self::NUMBER,
            _ => Self::TEXT,
        })
    }

    /// These and others.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The schema of all of them.
    pub(super) fn schema(self) -> Value {
        match self.0 {
            0 => json!({}),
            Self::WHOLE => json!({ "type": "integer" }),
            kinds if kinds & !(Self::WHOLE | Self::NUMBER) == 0 => json!({ "type": "number" }),
            Self::TRUTH => json!({ "type": "boolean" }),
            _ => json!({ "type": "string" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kinds;

    #[test]
    fn texts_read_as_the_narrowest_kind_that_all_of_them_are() {
        let schema = |texts: &str| {
            let kinds = texts.split(' ').map(Kinds::of).fold(Kinds::default(), Kinds::or);
            kinds.schema()["type"].as_str().unwrap().to_owned()
        };
        for (texts, kind) in [
            ("7 -12 0", "integer"),
            ("7 1.5", "number"),
            ("true false", "boolean"),
            ("true 7", "string"),
            ("007", "string"),
            ("1234567890123456", "string"),
            ("-", "string"),
            ("-0", "string"),
            (".5", "string"),
            ("1.", "string"),
            ("1e5", "string"),
            ("+7", "string"),
        ] {
            assert_eq!(schema(texts), kind, "{texts}");
        }
        assert_eq!(Kinds::default().schema(), serde_json::json!({}));
    }
}
