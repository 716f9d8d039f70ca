//! What the footer of a segment says of it, beside what every Parquet footer says.

use super::{Foreign, GROUP_ROWS, Newer, VERSION};
use crate::tree::{HASH_BYTES, Hash};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use parquet::file::metadata::KeyValue;

const WARDGATE_VERSION: &str = "wardgate.version";
const EDGE: &str = "wardgate.edge";
const FIRST_SEQ: &str = "wardgate.first_seq";
const COUNT: &str = "wardgate.count";
const ROOTS: &str = "wardgate.row_group_roots";

/// What the footer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) edge: String,
    pub(super) first_seq: u64,
    pub(super) count: u64,
    pub(super) roots: Vec<Hash>,
}

/// Why it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsaid {
    Foreign(Foreign),
    Newer(Newer),
}

impl From<Foreign> for Unsaid {
    fn from(foreign: Foreign) -> Self {
        Self::Foreign(foreign)
    }
}

pub(crate) fn say(version: u32, edge: &str, first_seq: u64, count: u64, roots: &[Hash]) -> [KeyValue; 5] {
    let roots: Vec<u8> = roots.iter().flat_map(|root| root.0).collect();
    [
        KeyValue::new(WARDGATE_VERSION.to_owned(), version.to_string()),
        KeyValue::new(EDGE.to_owned(), edge.to_owned()),
        KeyValue::new(FIRST_SEQ.to_owned(), first_seq.to_string()),
        KeyValue::new(COUNT.to_owned(), count.to_string()),
        KeyValue::new(ROOTS.to_owned(), STANDARD.encode(roots)),
    ]
}

pub(super) fn read(said: Option<&Vec<KeyValue>>) -> Result<Said, Unsaid> {
    let text = |key: &'static str| {
        let mut values = said.into_iter().flatten().filter(|said| said.key == key).map(|said| said.value.as_deref());
        values.next().flatten().filter(|_| values.next().is_none()).ok_or(Foreign::Footer(key))
    };
    let version: u32 = whole(WARDGATE_VERSION, text(WARDGATE_VERSION)?)?;
    if version > VERSION {
        return Err(Unsaid::Newer(Newer::Version(version)));
    }
    if version != VERSION {
        return Err(Foreign::Footer(WARDGATE_VERSION).into());
    }
    let count: u64 = whole(COUNT, text(COUNT)?)?;
    let roots = STANDARD.decode(text(ROOTS)?).map_err(|_| Foreign::Footer(ROOTS))?;
    let (hashes, rest) = roots.as_chunks::<HASH_BYTES>();
    if !rest.is_empty() || hashes.len() != groups(count) || count == 0 {
        return Err(Foreign::Footer(ROOTS).into());
    }
    Ok(Said {
        edge: text(EDGE)?.to_owned(),
        first_seq: whole(FIRST_SEQ, text(FIRST_SEQ)?)?,
        count,
        roots: hashes.iter().copied().map(Hash).collect(),
    })
}

/// Row groups of so many events.
pub(super) fn groups(count: u64) -> usize {
    usize::try_from(count).map_or(usize::MAX, |count| count.div_ceil(GROUP_ROWS))
}

/// A number as this version writes it, and in no other way.
fn whole<N: std::str::FromStr + ToString>(key: &'static str, text: &str) -> Result<N, Unsaid> {
    text.parse::<N>().ok().filter(|number| number.to_string() == text).ok_or_else(|| Foreign::Footer(key).into())
}
