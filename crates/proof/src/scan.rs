//! Where a byte stands in a text, many bytes in one step. For texts of some hundred bytes, where what the standard library has costs more.

/// Each byte of a word is one.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// Where the first of these bytes is: in a text that is long before it comes.
pub(crate) fn find(text: &[u8], wanted: u8) -> Option<usize> {
    let (chunks, rest) = text.as_chunks::<32>();
    // To the end of each whatever is found, and without a branch.
    let holds = |chunk: &[u8; 32]| chunk.iter().fold(false, |found, byte| found | (*byte == wanted));
    match chunks.iter().position(holds) {
        Some(at) => Some(at * 32 + find_soon(chunks.get(at)?, wanted)?),
        None => Some(chunks.len() * 32 + find_soon(rest, wanted)?),
    }
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
    use super::{find, find_soon};
    use proptest::prelude::{prop, prop_assert_eq, proptest};

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

        #[test]
        fn also_far_behind(before in 0..300_usize, behind in 0..40_usize) {
            let text = [vec![b'-'; before], vec![b'.'; 2], vec![b'-'; behind]].concat();
            prop_assert_eq!((find(&text, b'.'), find_soon(&text, b'.')), (Some(before), Some(before)));
            prop_assert_eq!(find(&text[before + 2..], b'.'), None);
        }
    }
}
