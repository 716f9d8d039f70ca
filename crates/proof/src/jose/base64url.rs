//! base64url without padding (RFC 7515 §2), one text for one sequence of bytes.
//!
//! Proofs of possession are read with each request, so reading it has a loop of its own: what each character means is looked up where it
//! goes, sixteen at a time, and whether one of them was none is asked once, at the end.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Reads it. `None`: padding, white space, a character of another alphabet, an impossible length, or bits left over at the
/// end that are not zero; else two texts would be one token, and what remembers tokens by their text could be fooled.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    let mut bytes = vec![0; bytes_of(text)];
    decode_into(text, &mut bytes).then_some(bytes)
}

/// Of how many bytes a text is, if it is of any.
pub(crate) const fn bytes_of(text: &[u8]) -> usize {
    // Two characters left over are of one byte, three of two.
    text.len() / 4 * 3 + (text.len() % 4) * 3 / 4
}

/// Reads it into as many bytes as it is of ([`bytes_of`]). `false`: it is of none, and what they hold now means nothing.
#[must_use]
pub(crate) fn decode_into(text: &[u8], bytes: &mut [u8]) -> bool {
    let (chunks, text) = text.as_chunks::<16>();
    let (sizeable, bytes) = bytes.as_chunks_mut::<12>();
    let mut found = 0;
    for (chunk, bytes) in chunks.iter().zip(sizeable) {
        let [one, two, three, four] = groups(chunk);
        found |= one | two | three | four;
        let all = u128::from(one) | u128::from(two) << 24 | u128::from(three) << 48 | u128::from(four) << 72;
        if let Some(read) = all.to_le_bytes().first_chunk() {
            *bytes = *read;
        }
    }
    let (small, text) = text.as_chunks::<4>();
    let (few, bytes) = bytes.as_chunks_mut::<3>();
    for (chunk, bytes) in small.iter().zip(few) {
        let one = group(*chunk);
        found |= one;
        let [first, second, third, _] = one.to_le_bytes();
        *bytes = [first, second, third];
    }
    // What is left over of the last character is nothing: as if nothing followed.
    let left = match (text, bytes) {
        ([], []) => 0,
        ([a, b], [byte]) => {
            let one = group([*a, *b, b'A', b'A']);
            [*byte, ..] = one.to_le_bytes();
            found |= one;
            one >> 8
        }
        ([a, b, c], [first, second]) => {
            let one = group([*a, *b, *c, b'A']);
            [*first, *second, ..] = one.to_le_bytes();
            found |= one;
            one >> 16
        }
        _ => STRANGE,
    };
    (found & STRANGE) | left == 0
}

/// What each character is worth at each of the four places of a group, as it lies in the three bytes that the group is of: the first is the
/// lowest. [`STRANGE`]: it is none of the alphabet.
static WORTH: [[u32; 256]; 4] = worth();
/// No group has this bit.
const STRANGE: u32 = 1 << 31;

#[expect(
    clippy::indexing_slicing,
    reason = "INVARIANT (small): places are below 4, bytes below 256; and it is looked at when this is built"
)]
const fn worth() -> [[u32; 256]; 4] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut worth = [[STRANGE; 256]; 4];
    let mut value: u32 = 0;
    while value < 64 {
        let mut place = 0;
        while place < 4 {
            let group = value << (18 - 6 * place);
            worth[place][alphabet[value as usize] as usize] = group.swap_bytes() >> 8;
            place += 1;
        }
        value += 1;
    }
    worth
}

/// The three bytes of four characters, the first of them lowest.
fn group([a, b, c, d]: [u8; 4]) -> u32 {
    let [first, second, third, fourth] = &WORTH;
    let at = |place: &[u32; 256], byte: u8| place.get(usize::from(byte)).copied().unwrap_or(STRANGE);
    at(first, a) | at(second, b) | at(third, c) | at(fourth, d)
}

fn groups(chunk: &[u8; 16]) -> [u32; 4] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *chunk;
    [group([a, b, c, d]), group([e, f, g, h]), group([i, j, k, l]), group([m, n, o, p])]
}

/// The characters whose last two bits are zero, each a bit.
const WHOLE: u128 = {
    let mut rest: &[u8] = b"AEIMQUYcgkosw048";
    let mut whole = 0;
    while let [first, more @ ..] = rest {
        whole |= 1 << *first;
        rest = more;
    }
    whole
};

/// Whether a text is that of 32 bytes, such as a SHA-256: what [`decode`] reads as so many, looked at without reading it.
#[must_use]
pub fn is_hash(text: impl AsRef<[u8]>) -> bool {
    let text = text.as_ref();
    let plain = |byte: u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        letter | (byte.wrapping_sub(b'0') < 10) | (byte == b'-') | (byte == b'_')
    };
    let all = |some: &[u8]| some.iter().fold(true, |good, byte| good & plain(*byte));
    // Some twice, so that both are looked at in a few steps.
    let (Some(begin), Some(end), 43) = (text.first_chunk::<32>(), text.last_chunk::<16>(), text.len()) else {
        return false;
    };
    // Two bits of the last character are left over: they are zero.
    let ends = text.last().is_some_and(|last| WHOLE.checked_shr(u32::from(*last)).unwrap_or(0) & 1 == 1);
    ends && all(begin) & all(end)
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
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

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
        assert!(is_hash(&whole) && is_hash("A".repeat(43)));
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

    /// Every byte, at every place of texts of every length around one step and two: what the crate for it reads, and nothing else.
    #[test]
    fn it_reads_what_the_crate_reads_byte_for_byte() {
        for length in 0..36 {
            let whole = "BQgMEQcLDxZ0Aw8-_1".repeat(2)[..length].to_owned();
            for at in 0..length.max(1) {
                for byte in 0..=255_u8 {
                    let mut text = whole.clone().into_bytes();
                    text.splice(at..(at + 1).min(length), [byte]);
                    let Ok(text) = String::from_utf8(text) else { continue };
                    assert_eq!(decode(&text), URL_SAFE_NO_PAD.decode(&text).ok(), "{text:?}");
                }
            }
        }
    }

    /// Characters of the alphabet, and seldom another.
    fn texts() -> impl Strategy<Value = String> {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let character = prop::sample::select(alphabet.repeat(8).chars().chain("+/= .\n\u{0}é\u{200b}".chars()).collect::<Vec<char>>());
        prop::collection::vec(character, 0..80).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn it_reads_what_the_crate_reads(text in texts()) {
            prop_assert_eq!(decode(&text), URL_SAFE_NO_PAD.decode(&text).ok());
        }

        #[test]
        fn what_is_written_is_read_back(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
