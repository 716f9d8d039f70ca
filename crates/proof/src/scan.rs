//! Where a byte stands in a text, many bytes in one step. For texts of some hundred bytes, where what the standard library has costs more.

/// Each byte of a word is one.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// So many bytes are looked at in a few steps; what is left over at the end is looked at together with some bytes before it, once more.
const WIDE: usize = 32;

/// Whether something holds of any byte: without a branch, to the end whatever is found.
#[inline]
fn any_of(text: &[u8], holds: impl Fn(u8) -> bool) -> bool {
    text.iter().fold(0_u8, |found, byte| found | u8::from(holds(*byte))) != 0
}

/// Whether something holds of any byte. All are looked at, whatever is found.
#[inline]
pub(crate) fn any(text: &[u8], holds: impl Fn(u8) -> bool) -> bool {
    match text.last_chunk::<WIDE>() {
        Some(last) => any_of(text.as_chunks::<WIDE>().0.as_flattened(), &holds) | any_of(last, &holds),
        None => any_of(text, holds),
    }
}

/// Whether one byte stands before another anywhere. All are looked at, whatever is found.
pub(crate) fn holds_pair(text: &[u8], first: u8, second: u8) -> bool {
    let pairs = |firsts: &[u8], seconds: &[u8]| {
        let pairs = firsts.iter().zip(seconds);
        pairs.fold(0_u8, |found, (one, other)| found | (u8::from(*one == first) & u8::from(*other == second))) != 0
    };
    let Some((before, _)) = text.split_last_chunk::<1>() else { return false };
    let behind = text.get(1..).unwrap_or_default();
    match (before.last_chunk::<WIDE>(), behind.last_chunk::<WIDE>()) {
        (Some(one), Some(other)) => {
            let whole = |text| <[u8]>::as_chunks::<WIDE>(text).0.as_flattened();
            pairs(whole(before), whole(behind)) | pairs(one, other)
        }
        _ => pairs(before, behind),
    }
}

/// Where the first of these bytes is: in a text that is long before it comes.
pub(crate) fn find(text: &[u8], wanted: u8) -> Option<usize> {
    let (chunks, rest) = text.as_chunks::<WIDE>();
    for (at, chunk) in chunks.iter().enumerate() {
        if any_of(chunk, |byte| byte == wanted) {
            return Some(at * WIDE + find_soon(chunk, wanted)?);
        }
    }
    Some(chunks.len() * WIDE + find_soon(rest, wanted)?)
}

/// The same in a text where it comes soon.
pub(crate) fn find_soon(text: &[u8], wanted: u8) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        // A byte is zero where one stands. Subtracting borrows into its highest bit, and below the first of them nothing is borrowed.
        let zero = u64::from_le_bytes(*word) ^ (ONES * u64::from(wanted));
        let found = zero.wrapping_sub(ONES) & !zero & (ONES << 7);
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    Some(words.len() * 8 + rest.iter().position(|byte| *byte == wanted)?)
}

#[cfg(test)]
mod tests {
    use super::{any, find, find_soon, holds_pair};
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

    proptest! {
        /// Bytes around the one that is looked for, and those that differ from it by one bit.
        #[test]
        fn a_byte_is_found_where_it_is_first(text in prop::collection::vec(prop::sample::select(b"\"!#\xa2.-/\xae\0\xff\x01\x80ab".to_vec()), 0..100)) {
            for wanted in *b"\".a" {
                let expected = text.iter().position(|byte| *byte == wanted);
                prop_assert_eq!(find(&text, wanted), expected);
                prop_assert_eq!(find_soon(&text, wanted), expected);
            }
        }

        /// One of them alone, and one at the end of each step, counts as little as in the middle.
        #[test]
        fn what_holds_of_any_is_found_wherever_it_stands(text in prop::collection::vec(prop::sample::select(b"wg_-".to_vec()), 0..70)) {
            prop_assert_eq!(any(&text, |byte| byte == b'_'), text.contains(&b'_'));
            prop_assert_eq!(holds_pair(&text, b'w', b'g'), text.windows(2).any(|pair| pair == b"wg"));
        }

        #[test]
        fn one_alone_is_found_too(length in 0..70_usize, at in 0..70_usize) {
            let mut text = vec![b'-'; length];
            text.splice(at.min(length)..(at + 2).min(length), *b"wg");
            prop_assert!(holds_pair(&text, b'w', b'g') && any(&text, |byte| byte == b'g') && !any(&text, |byte| byte == b'_'));
            prop_assert!(!holds_pair(&text, b'g', b'w'));
        }

        #[test]
        fn also_far_behind(before in 0..300_usize, behind in 0..40_usize) {
            let text = [vec![b'-'; before], vec![b'.'; 2], vec![b'-'; behind]].concat();
            prop_assert_eq!((find(&text, b'.'), find_soon(&text, b'.')), (Some(before), Some(before)));
            prop_assert_eq!(find(&text[before + 2..], b'.'), None);
        }
    }
}
