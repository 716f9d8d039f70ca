//! The bytes of a record, defined as a function of its columns: what is hashed, and what the tail of the log holds.
//!
//! For each column that is not null, by number: `u16` number, `u8` type, value. Numbers are big-endian; a text is its length as
//! `u32` and UTF-8; several texts are their count as `u32` and each of them. Columns that may tell of a person stand apart, and
//! only a salted commitment to them goes into the hash: so they can be erased, and the proof still holds.

use crate::{
    columns::{self, COLUMNS, COUNT, Row, Type, Value},
    event_v1::EventV1,
    tree::{self, Hash},
};
use std::borrow::Cow;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;
/// Random bytes that hide what was committed to.
pub type Salt = [u8; SALT_BYTES];

/// What the commitment's hash begins with.
const DOMAIN: &[u8] = b"wardgate-personal/1\0";
/// Stands in the place of a column's number and type before a commitment.
const COMMITMENT: [u8; 3] = [0xff, 0xff, 5];
/// What stands for the type of a column's value.
const INT: u8 = 1;
const BOOL: u8 = 2;
const TEXT: u8 = 3;
const TEXTS: u8 = 4;
/// What is personal of a record is at most this many bytes, and so is what is not.
const PART_BYTES_MAX: usize = 1 << 24;

/// Bytes that are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end in the middle.
    #[error("the record ends in the middle of a value")]
    Short,
    /// A column of a later version, or damage.
    #[error("column number {0} is none that this version knows: damaged, or written by a newer version")]
    UnknownColumn(u16),
    /// Columns twice, or not in their order.
    #[error("the columns are not in their order")]
    Order,
    /// A column that holds what it cannot hold.
    #[error("column `{0}` does not hold what such a column holds")]
    Type(&'static str),
    /// A personal column among the others, or the reverse.
    #[error("column `{0}` stands in the wrong part of the record")]
    Part(&'static str),
}

/// What is personal of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal<'b> {
    /// There was nothing.
    Nothing,
    /// It is there.
    Clear {
        /// What hides it in the commitment.
        salt: Salt,
        /// The columns' bytes.
        bytes: &'b [u8],
    },
    /// It was erased; the commitment to it remains.
    Erased(Hash),
}

/// One record, as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'b> {
    /// The columns that tell of no person.
    pub public: &'b [u8],
    /// The columns that may.
    pub personal: Personal<'b>,
}

impl<'b> Record<'b> {
    /// The hash that stands for this record in the tree.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        match self.commitment() {
            None => tree::leaf_parts(&[self.public]),
            Some(commitment) => tree::leaf_parts(&[self.public, &COMMITMENT, &commitment.0]),
        }
    }

    /// What stands for the personal part in the hash.
    #[must_use]
    pub fn commitment(&self) -> Option<Hash> {
        match self.personal {
            Personal::Nothing => None,
            Personal::Erased(commitment) => Some(commitment),
            Personal::Clear { salt, bytes } => Some(tree::hash_parts(&[DOMAIN, &salt, bytes])),
        }
    }

    /// The columns.
    ///
    /// # Errors
    /// When the bytes are none that [`encode`] makes.
    pub fn row(&self) -> Result<Row<'b>, Malformed> {
        let mut row = [const { None }; COUNT];
        read_part(self.public, false, &mut row)?;
        if let Personal::Clear { bytes, .. } = self.personal {
            read_part(bytes, true, &mut row)?;
        }
        Ok(row)
    }
}

/// What has columns. The same columns make the same bytes.
pub(crate) trait Columned {
    /// Appends the columns that are personal, or those that are not.
    fn encode(&self, personal: bool, out: &mut Vec<u8>);
}

impl Columned for Row<'_> {
    fn encode(&self, personal: bool, out: &mut Vec<u8>) {
        encode(self, personal, out);
    }
}

impl Columned for EventV1<'_> {
    fn encode(&self, personal: bool, out: &mut Vec<u8>) {
        if personal {
            columns::each::<true>(self, |number, value| write(number, value, out));
        } else {
            columns::each::<false>(self, |number, value| write(number, value, out));
        }
    }
}

/// Appends the columns that are personal, or those that are not.
pub fn encode(row: &Row<'_>, personal: bool, out: &mut Vec<u8>) {
    for ((number, column), value) in (0_u16..).zip(COLUMNS).zip(row) {
        if let Some(value) = value
            && column.personal == personal
        {
            write(number, value, out);
        }
    }
}

/// Appends a column that is not null. The columns of a part stand in their order.
fn write(number: u16, value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Int(whole) => write_int(number, *whole, out),
        Value::Bool(whether) => write_bool(number, *whether, out),
        Value::Text(text) => write_text(number, text, out),
        Value::Texts(texts) => write_texts(number, texts.iter().map(|text| &**text), out),
    }
}

// Each begins with the column's number and its type, in one piece with what has a fixed length. None is repeated for each column.

/// Appends a column of a whole number or a time.
#[inline(never)]
pub(crate) fn write_int(number: u16, whole: i64, out: &mut Vec<u8>) {
    let ([high, low], [a, b, c, d, e, f, g, h]) = (number.to_be_bytes(), whole.to_be_bytes());
    out.extend_from_slice(&[high, low, INT, a, b, c, d, e, f, g, h]);
}

/// Appends a column of yes or no.
#[inline(never)]
pub(crate) fn write_bool(number: u16, whether: bool, out: &mut Vec<u8>) {
    let [high, low] = number.to_be_bytes();
    out.extend_from_slice(&[high, low, BOOL, u8::from(whether)]);
}

/// Appends a column of text.
#[inline(never)]
pub(crate) fn write_text(number: u16, text: &str, out: &mut Vec<u8>) {
    // INVARIANT (cut): what came from outside is cut to far less before it gets here; `count` never meets more.
    let ([high, low], [a, b, c, d]) = (number.to_be_bytes(), count(text.len()).to_be_bytes());
    out.extend_from_slice(&[high, low, TEXT, a, b, c, d]);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a column of several texts.
pub(crate) fn write_texts<'t>(number: u16, texts: impl ExactSizeIterator<Item = &'t str>, out: &mut Vec<u8>) {
    let ([high, low], [a, b, c, d]) = (number.to_be_bytes(), count(texts.len()).to_be_bytes());
    out.extend_from_slice(&[high, low, TEXTS, a, b, c, d]);
    for text in texts {
        out.extend_from_slice(&count(text.len()).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn read_part<'b>(mut bytes: &'b [u8], personal: bool, row: &mut Row<'b>) -> Result<(), Malformed> {
    if bytes.len() > PART_BYTES_MAX {
        return Err(Malformed::Short);
    }
    let mut least = 0;
    while !bytes.is_empty() {
        let number = u16::from_be_bytes(take(&mut bytes)?);
        let place = usize::from(number);
        let (Some(column), Some(cell)) = (COLUMNS.get(place), row.get_mut(place)) else { return Err(Malformed::UnknownColumn(number)) };
        if place < least {
            return Err(Malformed::Order);
        }
        least = place + 1;
        if column.personal != personal {
            return Err(Malformed::Part(column.name));
        }
        let [tag] = take(&mut bytes)?;
        *cell = Some(read(column.kind, tag, &mut bytes).map_err(|error| error.unwrap_or(Malformed::Type(column.name)))?);
    }
    Ok(())
}

/// One value. `Err(None)`: not of that type.
fn read<'b>(kind: Type, tag: u8, bytes: &mut &'b [u8]) -> Result<Value<'b>, Option<Malformed>> {
    Ok(match (kind, tag) {
        (Type::Int | Type::Time, INT) => Value::Int(i64::from_be_bytes(take(bytes)?)),
        (Type::Bool, BOOL) => match take::<1>(bytes)? {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            _ => return Err(None),
        },
        (Type::Text, TEXT) => Value::Text(Cow::Borrowed(read_text(bytes)?)),
        (Type::Texts, TEXTS) => {
            let count = u32::from_be_bytes(take(bytes)?);
            // Each takes four bytes at least: no count makes us reserve more than there is.
            if count == 0 || usize::try_from(count).is_ok_and(|count| count > bytes.len() / 4) {
                return Err(None);
            }
            Value::Texts((0..count).map(|_| read_text(bytes).map(Cow::Borrowed)).collect::<Result<_, _>>()?)
        }
        _ => return Err(None),
    })
}

fn read_text<'b>(bytes: &mut &'b [u8]) -> Result<&'b str, Option<Malformed>> {
    let length = usize::try_from(u32::from_be_bytes(take(bytes)?)).unwrap_or(usize::MAX);
    let (text, rest) = bytes.split_at_checked(length).ok_or(Malformed::Short)?;
    *bytes = rest;
    std::str::from_utf8(text).map_err(|_| None)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(Malformed::Short)?;
    *bytes = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests;
