//! Looking into a bloom filter at the one place that says whether a text is in it: a filter has some thousand bytes, and that place 32.

use crate::segment::Input;
use parquet::{bloom_filter::Sbbf, file::metadata::ColumnChunkMetaData};

/// Bytes of a block: a text sets bits in one.
const BLOCK_BYTES: usize = 32;
/// Blocks of the largest filter that is looked into so: four times what a row group's can have.
const BLOCKS_MAX: usize = 4096;
/// What stands before the bits of a filter is at most so long.
const HEADER_BYTES_MAX: u64 = 31;

/// Where a filter has a text (Parquet, BloomFilter.md: split block).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits {
    /// Which block of a filter of [`BLOCKS_MAX`] it is. Of one that is half as large it is the block with half the number, and so on.
    block: usize,
    /// The bits that are set there.
    mask: [u8; BLOCK_BYTES],
}

impl Bits {
    /// `None`: it could not be found out.
    pub(super) fn of(text: &str) -> Option<Self> {
        // An empty filter that takes the text has no other bits.
        let mut filter = Sbbf::new_with_num_of_bytes(BLOCKS_MAX * BLOCK_BYTES);
        filter.insert(text);
        let mut bytes = Vec::with_capacity(BLOCKS_MAX * BLOCK_BYTES);
        filter.write_bitset(&mut bytes).ok()?;
        let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
        let is_set = |block: &[u8; BLOCK_BYTES]| block.iter().any(|byte| *byte != 0);
        let block = blocks.iter().position(is_set).filter(|_| blocks.len() == BLOCKS_MAX)?;
        blocks.get(block).map(|mask| Self { block, mask: *mask })
    }

    /// Whether the filter of a column may have it; `None`: it has another form, or cannot be read.
    pub(super) fn may_be_in(&self, chunk: &ColumnChunkMetaData, input: &Input) -> Option<bool> {
        let length = u64::try_from(chunk.bloom_filter_length()?).ok()?;
        // As many bytes of bits as a power of two, behind a header that is shorter than a block.
        let bits = length.checked_ilog2().map(|log| 1_u64 << log)?;
        let blocks = usize::try_from(bits).ok()? / BLOCK_BYTES;
        if !(1..=BLOCKS_MAX).contains(&blocks) || length - bits > HEADER_BYTES_MAX || length == bits {
            return None;
        }
        let block = self.block / (BLOCKS_MAX / blocks);
        let begin = u64::try_from(chunk.bloom_filter_offset()?).ok()?.checked_add(length - bits)?;
        let begin = begin.checked_add(u64::try_from(block * BLOCK_BYTES).ok()?)?;
        let found = input.read(&(begin..begin.checked_add(u64::try_from(BLOCK_BYTES).ok()?)?)).ok()?;
        Some(self.mask.iter().zip(&found[..]).all(|(wanted, found)| wanted & found == *wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, Bits};
    use parquet::bloom_filter::Sbbf;

    /// Whether these bits are set in a filter of any size just where the library looks.
    #[test]
    fn the_place_of_a_text_is_that_of_the_library() {
        let texts: Vec<(String, Bits)> =
            (0..120).map(|number| format!("identity-{number}")).map(|text| (text.clone(), Bits::of(&text).expect("bits"))).collect();
        for log in 5..=17 {
            let mut filter = Sbbf::new_with_num_of_bytes(1 << log);
            texts.iter().step_by(3).for_each(|(text, _)| filter.insert(&**text));
            let mut bytes = Vec::new();
            filter.write_bitset(&mut bytes).expect("written");
            let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
            for (text, bits) in &texts {
                let block = &blocks[bits.block / (super::BLOCKS_MAX / blocks.len())];
                let held = bits.mask.iter().zip(block).all(|(wanted, found)| wanted & found == *wanted);
                assert_eq!(held, filter.check(&**text), "{text} in {} bytes", 1 << log);
            }
        }
    }
}
