//! Changing inputs at random, the same under the same seed.

/// A small generator (SplitMix64). Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 for 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound.max(1)).unwrap_or(0)
    }

    /// One of some things.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// Bytes that grammars stumble over.
const AWKWARD: &[u8] = b"\0\t\n\r \"#%&'()*+,-./0:;<=>?@[\\]_`{|}~\x7F\x80\xC0\xE2\xFF";
/// Changes of one input, at most.
const CHANGES_MAX: usize = 6;

/// One of the inputs, changed.
pub(super) fn change(random: &mut Random, inputs: &[Vec<u8>], words: &[&str], bytes_max: usize) -> Vec<u8> {
    let mut input = random.pick(inputs).cloned().unwrap_or_default();
    for _ in 0..=random.below(CHANGES_MAX) {
        let other = random.pick(inputs).map(Vec::as_slice).unwrap_or_default();
        once(random, &mut input, other, words);
    }
    input.truncate(bytes_max);
    input
}

fn once(random: &mut Random, input: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    let at = random.below(input.len() + 1);
    match random.below(10) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some((byte, awkward)) = input.get_mut(at).zip(random.pick(AWKWARD)) {
                *byte = *awkward;
            }
        }
        2 => input.insert(at, random.pick(AWKWARD).copied().unwrap_or(0)),
        3 | 4 => put(input, at, random.pick(words).map(|word| word.as_bytes()).unwrap_or_default()),
        5 => drop(input.drain(range(random, at, input.len()))),
        6 => {
            let again = input.get(range(random, at, input.len())).unwrap_or_default().to_vec();
            put(input, at, &again);
        }
        7 => {
            // A whole line again: what grammars of lines must see.
            let begin = input.get(..at).and_then(|before| before.iter().rposition(|b| *b == b'\n')).map_or(0, |feed| feed + 1);
            let rest = input.get(begin..).unwrap_or_default();
            let line = rest.split_inclusive(|b| *b == b'\n').next().unwrap_or_default().to_vec();
            put(input, begin, &line);
        }
        8 => {
            let from = random.below(other.len() + 1);
            put(input, at, other.get(range(random, from, other.len())).unwrap_or_default());
        }
        _ => {
            input.truncate(at);
            let from = random.below(other.len() + 1);
            input.extend_from_slice(other.get(from..).unwrap_or_default());
        }
    }
}

/// A range from `at`, mostly short.
fn range(random: &mut Random, at: usize, end: usize) -> std::ops::Range<usize> {
    let longest = if random.below(8) == 0 { end } else { 16 };
    at..at.saturating_add(random.below(longest + 1)).min(end).max(at)
}

fn put(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let tail = input.split_off(at.min(input.len()));
    input.extend_from_slice(bytes);
    input.extend_from_slice(&tail);
}
