//! base64url without padding (RFC 7515 §2), one text for one sequence of bytes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Reads it. `None`: padding, white space, a character of another alphabet, an impossible length, or bits left over at the
/// end that are not zero; else two texts would be one token, and what remembers tokens by their text could be fooled.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Whether a text is that of 32 bytes, such as a SHA-256: what [`decode`] reads as so many, looked at without reading it.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    let plain = |byte: u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        letter | (byte.wrapping_sub(b'0') < 10) | (byte == b'-') | (byte == b'_')
    };
    // Two bits of the last character are left over: they are zero.
    let ends = text.as_bytes().last().is_some_and(|last| b"AEIMQUYcgkosw048".contains(last));
    text.len() == 43 && ends && text.bytes().fold(true, |good, byte| good & plain(byte))
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
    use super::{decode, encode, is_hash};

    #[test]
    fn there_is_one_text_for_one_sequence_of_bytes() {
        assert_eq!(decode("-_8").as_deref(), Some([0xfb, 0xff].as_slice()));
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        // RFC 7515 §A.2 of appendix C: padding; the other alphabet; white space; a length of 4n+1; bits left over.
        for text in ["-_8=", "-_8==", "+/8", "-_ 8", "-_8\n", " -_8", "A", "-_9", "-_8\u{200b}", "é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_hash_is_told_without_being_read() {
        let whole = encode(&[0xfb; 32]);
        assert!(is_hash(&whole) && is_hash(&"A".repeat(43)));
        for at in [0, 20, 42] {
            for byte in 0..=127_u8 {
                let mut text = whole.clone().into_bytes();
                text[at] = byte;
                let text = String::from_utf8(text).unwrap();
                assert_eq!(is_hash(&text), decode(&text).is_some_and(|bytes| bytes.len() == 32), "{text:?}");
            }
        }
        for text in ["", "A", &"A".repeat(42), &"A".repeat(44), &format!("{}é", "A".repeat(41)), &encode(&[7; 31]), &encode(&[7; 33])] {
            assert!(!is_hash(text), "{text:?}");
        }
    }
}
