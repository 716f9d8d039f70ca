//! base64url without padding (RFC 7515 §2), one text for one sequence of bytes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Reads it. `None`: padding, white space, a character of another alphabet, an impossible length, or bits left over at the
/// end that are not zero; else two texts would be one token, and what remembers tokens by their text could be fooled.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Writes it.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Writes it at the end of a text.
pub fn append(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn there_is_one_text_for_one_sequence_of_bytes() {
        assert_eq!(decode("-_8").as_deref(), Some([0xfb, 0xff].as_slice()));
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        // RFC 7515 §A.2 of appendix C: padding; the other alphabet; white space; a length of 4n+1; bits left over.
        for text in ["-_8=", "-_8==", "+/8", "-_ 8", "-_8\n", " -_8", "A", "-_9", "-_8\u{200b}", "é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
