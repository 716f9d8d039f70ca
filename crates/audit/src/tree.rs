//! The Merkle tree of RFC 6962 (RFC 9162 §2.1): hashes, roots, proofs, and verifying them. Values only, no files.
//!
//! Leaf = `SHA-256(0x00 || entry)`, node = `SHA-256(0x01 || left || right)`, no leaf at all = `SHA-256("")`; a tree of `n`
//! leaves is split at the largest power of two below `n`. A proof is a list of hashes, from the leaf upwards.
//!
//! Trees of trees: where leaves stand in groups of `2^k` (only the last may be smaller), the root over the *roots of the
//! groups* is the root over all leaves, because every split falls between two groups. So [`root`] and [`Frontier`] take roots
//! of groups as they take leaves, and [`inclusion_grouped`] needs the leaves of one group only.

use aws_lc_rs::digest::{Context, SHA256, digest};
use std::{convert::Infallible, fmt};

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;
/// A path in a tree of at most `2^64 - 1` leaves has no more hashes than this.
pub const PATH_HASHES_MAX: usize = 64;
/// Leaves that are hashed in one go, with no allocation. Longer ones go piece by piece.
const SHORT_BYTES: usize = 1024;

/// A SHA-256 hash: of a leaf, of a node, or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; HASH_BYTES]);

impl Hash {
    /// The root of a tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1).
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// The hash that these bytes are, when they are as many as a hash has.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Default for Hash {
    /// The root of a tree without leaves.
    fn default() -> Self {
        Self::EMPTY
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    /// In hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a proof cannot be made, or does not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such leaf.
    #[error("there is no leaf {index} in a tree of {size}")]
    NoLeaf {
        /// The leaf asked for, counted from 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of {newer} leaves is no later state of one of {older}")]
    Shrunk {
        /// Leaves of the older tree.
        older: u64,
        /// Leaves of the newer tree.
        newer: u64,
    },
    /// The path has more or fewer hashes than the tree has levels there.
    #[error("the proof has {given} hashes where it must have {needed}")]
    Length {
        /// Hashes given.
        given: usize,
        /// Hashes needed.
        needed: usize,
    },
    /// The path leads to another root.
    #[error("the proof leads to another root")]
    Root,
    /// The leaves of a group are not those that its root was made of, or too many, or too few.
    #[error("the leaves of group {group} do not give its root")]
    Group {
        /// The group, counted from 0.
        group: u64,
    },
}

/// The hash of a leaf (RFC 9162 §2.1.1).
#[must_use]
pub fn leaf(entry: &[u8]) -> Hash {
    leaf_parts(&[entry])
}

/// The hash of a leaf whose bytes stand in several places: that of the parts one after the other.
#[must_use]
pub fn leaf_parts(parts: &[&[u8]]) -> Hash {
    hash_of(&[0], parts)
}

/// SHA-256 of parts, one after the other.
pub(crate) fn hash_parts(parts: &[&[u8]]) -> Hash {
    hash_of(&[], parts)
}

fn hash_of(begin: &[u8], parts: &[&[u8]]) -> Hash {
    let mut short = [0; SHORT_BYTES];
    if let Some(length) = gathered(begin, parts, &mut short) {
        return Hash(sized(digest(&SHA256, short.get(..length).unwrap_or_default()).as_ref()));
    }
    let mut context = Context::new(&SHA256);
    context.update(begin);
    parts.iter().for_each(|part| context.update(part));
    Hash(sized(context.finish().as_ref()))
}

/// Writes the begin and the parts, when they find room; says how many bytes that is.
fn gathered(begin: &[u8], parts: &[&[u8]], into: &mut [u8]) -> Option<usize> {
    let mut end = 0_usize;
    for part in std::iter::once(&begin).chain(parts) {
        let from = end;
        end = from.checked_add(part.len())?;
        into.get_mut(from..end)?.copy_from_slice(part);
    }
    Some(end)
}

/// The hash of a node (RFC 9162 §2.1.1).
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 1 + 2 * HASH_BYTES];
    for (place, byte) in bytes.iter_mut().skip(1).zip(left.0.iter().chain(&right.0)) {
        *place = *byte;
    }
    Hash(sized(digest(&SHA256, &bytes).as_ref()))
}

/// SHA-256 gives as many bytes as a hash has.
fn sized(bytes: &[u8]) -> [u8; HASH_BYTES] {
    bytes.try_into().unwrap_or([0; HASH_BYTES])
}

/// A tree that grows, kept as the roots of its whole parts: at most 64 hashes, whatever its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    // INVARIANT (peaks): one for each 1 in the binary digits of `size`, that of the highest digit first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// A tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// Leaves of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of a leaf (or of a whole group, see above).
    pub fn append(&mut self, leaf: Hash) {
        let mut peak = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                peak = node(&left, &peak);
            }
        }
        self.peaks.push(peak);
        self.size = self.size.saturating_add(1);
    }

    /// The root of the tree as it is now.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.peaks.iter().rev().copied().reduce(|right, left| node(&left, &right)).unwrap_or(Hash::EMPTY)
    }

    /// The frontier as bytes: the size in 8 (big-endian), then its hashes, 32 each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        self.peaks.iter().for_each(|peak| bytes.extend(peak.0));
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` when these bytes are no frontier.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (size, hashes) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (hashes, rest) = hashes.as_chunks::<HASH_BYTES>();
        let whole = rest.is_empty() && u32::try_from(hashes.len()) == Ok(size.count_ones());
        whole.then(|| Self { size, peaks: hashes.iter().copied().map(Hash).collect() })
    }
}

/// The root of a tree over the hashes of its leaves (or over the roots of groups, see above).
#[must_use]
pub fn root(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut frontier = Frontier::new();
    leaves.into_iter().for_each(|leaf| frontier.append(leaf));
    frontier.root()
}

/// The path from leaf `index` to the root (RFC 9162 §2.1.3.1).
///
/// # Errors
/// When there is no such leaf.
pub fn inclusion(leaves: &[Hash], index: u64) -> Result<Vec<Hash>, ProofError> {
    let mut nodes = |level: u32, index: u64| Ok::<_, Infallible>(whole_node(leaves, level, index));
    match inclusion_from(length(leaves), index, &mut nodes)? {
        Ok(path) => Ok(path),
    }
}

/// The path to the root from the leaf `within` of group number `group`, in a tree whose groups have these `roots`: the path in
/// the group, then the path among the groups. `2^height` is how many leaves a group has; the last may have fewer.
///
/// # Errors
/// When there is no such leaf or group, or the leaves do not give the group's root.
pub fn inclusion_grouped(leaves: &[Hash], within: u64, roots: &[Hash], group: u64, height: u32) -> Result<Vec<Hash>, ProofError> {
    let mut above = inclusion(roots, group)?;
    let last = group.checked_add(1) == Some(length(roots));
    let full = 1_u64.checked_shl(height).unwrap_or(u64::MAX);
    let size = length(leaves);
    let fits = if last { (1..=full).contains(&size) } else { size == full };
    let given = usize::try_from(group).ok().and_then(|at| roots.get(at));
    if !fits || given != Some(&root(leaves.iter().copied())) {
        return Err(ProofError::Group { group });
    }
    let mut path = inclusion(leaves, within)?;
    path.append(&mut above);
    Ok(path)
}

/// That the tree of the first `older` leaves is the beginning of the tree of all (RFC 9162 §2.1.4.1). Empty when `older` is 0
/// or all.
///
/// # Errors
/// When `older` is more than there are.
pub fn consistency(leaves: &[Hash], older: u64) -> Result<Vec<Hash>, ProofError> {
    let mut nodes = |level: u32, index: u64| Ok::<_, Infallible>(whole_node(leaves, level, index));
    match consistency_from(older, length(leaves), &mut nodes)? {
        Ok(path) => Ok(path),
    }
}

fn length(hashes: &[Hash]) -> u64 {
    u64::try_from(hashes.len()).unwrap_or(u64::MAX)
}

/// The root of the whole subtree of height `level` that is number `index` of its level.
fn whole_node(leaves: &[Hash], level: u32, index: u64) -> Hash {
    let bound = |index: u64| index.checked_shl(level).and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
    root(leaves.get(bound(index)..bound(index.saturating_add(1))).unwrap_or_default().iter().copied())
}

/// Where nodes come from: the root of the whole subtree of height `.0` that is number `.1` of its level.
pub(crate) type Nodes<'a, E> = dyn FnMut(u32, u64) -> Result<Hash, E> + 'a;

/// [`inclusion`] for leaves that are not at hand as a list. The outer error is the question's, the inner one the nodes'.
pub(crate) fn inclusion_from<E>(size: u64, index: u64, nodes: &mut Nodes<'_, E>) -> Result<Result<Vec<Hash>, E>, ProofError> {
    if index >= size {
        return Err(ProofError::NoLeaf { index, size });
    }
    let (mut begin, mut end) = (0, size);
    let mut beside = Vec::new();
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            beside.push((middle, end));
            end = middle;
        } else {
            beside.push((begin, middle));
            begin = middle;
        }
    }
    Ok(beside.into_iter().rev().map(|(begin, end)| range(begin, end, nodes)).collect())
}

/// [`consistency`] for leaves that are not at hand as a list. The outer error is the question's, the inner one the nodes'.
pub(crate) fn consistency_from<E>(older: u64, newer: u64, nodes: &mut Nodes<'_, E>) -> Result<Result<Vec<Hash>, E>, ProofError> {
    if older > newer {
        return Err(ProofError::Shrunk { older, newer });
    }
    if older == 0 || older == newer {
        return Ok(Ok(Vec::new()));
    }
    let (mut begin, mut end) = (0, newer);
    let mut ranges = Vec::new();
    // Down to the part that ends where the older tree ends.
    while end > older {
        let middle = begin + split(end - begin);
        if older <= middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((begin, middle));
            begin = middle;
        }
    }
    // When that part is the older tree itself, whoever verifies has its root.
    if begin > 0 {
        ranges.push((begin, end));
    }
    Ok(ranges.into_iter().rev().map(|(begin, end)| range(begin, end, nodes)).collect())
}

/// The root of the first `size` leaves.
pub(crate) fn root_from<E>(size: u64, nodes: &mut Nodes<'_, E>) -> Result<Hash, E> {
    range(0, size, nodes)
}

/// The largest power of two below `size`, which is at least 2.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - size.saturating_sub(1).leading_zeros())
}

/// The root of the leaves from `begin` to before `end`, one of the parts that splitting gives: from its whole subtrees.
fn range<E>(begin: u64, end: u64, nodes: &mut Nodes<'_, E>) -> Result<Hash, E> {
    let mut peaks = Vec::new();
    let mut at = begin;
    while at < end {
        let level = (end - at).ilog2();
        peaks.push(nodes(level, at >> level)?);
        at += 1 << level;
    }
    Ok(peaks.into_iter().rev().reduce(|right, left| node(&left, &right)).unwrap_or(Hash::EMPTY))
}

/// Whether `path` shows that `leaf` is number `index` of the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
///
/// # Errors
/// Why it does not.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NoLeaf { index, size });
    }
    let needed = path_length(index, size);
    if path.len() != needed {
        return Err(ProofError::Length { given: path.len(), needed });
    }
    let (mut number, mut last) = (index, size - 1);
    let mut reached = *leaf;
    for beside in path {
        if number & 1 == 1 || number == last {
            reached = node(beside, &reached);
            let levels = number.trailing_zeros().min(u64::BITS - 1);
            (number, last) = (number >> levels, last >> levels);
        } else {
            reached = node(&reached, beside);
        }
        (number, last) = (number >> 1, last >> 1);
    }
    if last == 0 && reached == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Hashes on the path from leaf `index` of `size`, which is more.
fn path_length(index: u64, size: u64) -> usize {
    // Up to where the paths of this leaf and of the last one meet every level has a hash; above, each part to the left has one.
    let apart = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let left = index.checked_shr(apart).unwrap_or(0).count_ones();
    usize::try_from(apart + left).unwrap_or(usize::MAX)
}

/// Whether `path` shows that the tree of `newer` leaves begins with the tree of `older` leaves (RFC 9162 §2.1.4.2).
///
/// # Errors
/// Why it does not.
pub fn verify_consistency(older: u64, newer: u64, path: &[Hash], older_root: &Hash, newer_root: &Hash) -> Result<(), ProofError> {
    if older > newer {
        return Err(ProofError::Shrunk { older, newer });
    }
    if older == 0 || older == newer {
        // Nothing is to be shown: of nothing every tree is a later state, and of itself a tree is.
        let known = if older == newer { newer_root } else { &Hash::EMPTY };
        return match path.len() {
            0 if older_root == known => Ok(()),
            0 => Err(ProofError::Root),
            given => Err(ProofError::Length { given, needed: 0 }),
        };
    }
    let levels = older.trailing_zeros();
    let (mut number, mut last) = ((older - 1) >> levels, (newer - 1) >> levels);
    // Where the older tree is one whole part of the newer, its root begins the way, and the path need not say it.
    let mut hashes = path.iter();
    let first = if older.is_power_of_two() { Some(older_root) } else { hashes.next() };
    let needed = consistency_length(older, newer);
    let Some(first) = first.filter(|_| path.len() == needed) else {
        return Err(ProofError::Length { given: path.len(), needed });
    };
    let (mut before, mut after) = (*first, *first);
    for beside in hashes {
        if number & 1 == 1 || number == last {
            before = node(beside, &before);
            after = node(beside, &after);
            let levels = number.trailing_zeros().min(u64::BITS - 1);
            (number, last) = (number >> levels, last >> levels);
        } else {
            after = node(&after, beside);
        }
        (number, last) = (number >> 1, last >> 1);
    }
    if last == 0 && before == *older_root && after == *newer_root { Ok(()) } else { Err(ProofError::Root) }
}

/// Hashes that show a tree of `newer` leaves to begin with one of `older`, which is fewer and not 0.
fn consistency_length(older: u64, newer: u64) -> usize {
    let levels = older.trailing_zeros();
    let number = (older - 1) >> levels;
    // One for the last whole part of the older tree, unless that is all of it; then its path in the newer tree.
    path_length(number, ((newer - 1) >> levels) + 1) + usize::from(!older.is_power_of_two())
}

#[cfg(test)]
mod tests;
