//! One record of the journal, as bytes.
//!
//! `length: u32` of the payload, `crc: u32` (CRC-32, IEEE) over the payload, then the payload: `counted: u8`, `window: u8`, `per: u8`,
//! `subject: u8` (what kind of name), `window_start: i64` in µs, `used: u64`, `limit: u16` (length) + bytes, `name: u16` (length) +
//! bytes. Little-endian throughout. A person's name is the identity's, a zero byte, and the person's own.

use super::MeterRecord;
use crate::key::{Counted, MeterKey, SourceNet, Subject, SubjectName};
use wardgate_model::{
    id::LimitName,
    limit::{Per, Window},
    time::Time,
};

/// Longest payload.
pub(super) const PAYLOAD_BYTES_MAX: usize = 128 * 1024;

/// Appends a record. `false`, and nothing appended: a name is too long.
#[must_use]
pub(super) fn write(out: &mut Vec<u8>, key: &MeterKey, window_start: Time, used: u64) -> bool {
    let (counted, window) = match key.counted() {
        Counted::Flow => return false,
        Counted::Quota(window) => (1, window),
        Counted::Bytes(window) => (2, window),
    };
    let subject = key.subject();
    let person: Vec<u8>;
    let (kind, name): (u8, &[u8]) = match &subject.name {
        SubjectName::Text(text) => (1, text.as_bytes()),
        SubjectName::Person { client, person: one } => {
            person = [client.as_bytes(), one.as_bytes()].join(&0);
            (5, &person)
        }
        SubjectName::Session(session) => (6, session.as_bytes()),
        SubjectName::Net(SourceNet::V4(octets)) => (2, octets),
        SubjectName::Net(SourceNet::V6(octets)) => (3, octets),
        SubjectName::Overflow => (4, &[]),
    };
    let limit = key.limit().as_str().as_bytes();
    let (Ok(limit_length), Ok(name_length)) = (u16::try_from(limit.len()), u16::try_from(name.len())) else { return false };
    let begin = out.len();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&[counted, window as u8, subject.per as u8, kind]);
    out.extend_from_slice(&window_start.as_micros().to_le_bytes());
    out.extend_from_slice(&used.to_le_bytes());
    out.extend_from_slice(&limit_length.to_le_bytes());
    out.extend_from_slice(limit);
    out.extend_from_slice(&name_length.to_le_bytes());
    out.extend_from_slice(name);
    let Some((head, payload)) = out.get_mut(begin..).and_then(|record| record.split_first_chunk_mut::<8>()) else { return false };
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let crc = crc32fast::hash(payload).to_le_bytes();
    for (slot, byte) in head.iter_mut().zip(length.into_iter().chain(crc)) {
        *slot = byte;
    }
    true
}

/// Reads the record that `bytes` begin with, and how long it is. `None`: torn or damaged.
pub(super) fn read(bytes: &[u8]) -> Option<(MeterRecord, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > PAYLOAD_BYTES_MAX {
        return None;
    }
    let payload = rest.get(..length)?;
    if crc32fast::hash(payload) != u32::from_le_bytes(*crc) {
        return None;
    }
    Some((parse(payload)?, 8 + length))
}

fn parse(payload: &[u8]) -> Option<MeterRecord> {
    let ([counted, window, per, kind], rest) = payload.split_first_chunk::<4>()?;
    let (start, rest) = rest.split_first_chunk::<8>()?;
    let (used, rest) = rest.split_first_chunk::<8>()?;
    let (limit, rest) = sized(rest)?;
    let (name, rest) = sized(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let window = *Window::ALL.get(usize::from(*window))?;
    let counted = match counted {
        1 => Counted::Quota(window),
        2 => Counted::Bytes(window),
        _ => return None,
    };
    let name = match kind {
        1 => SubjectName::Text(std::str::from_utf8(name).ok()?.into()),
        5 => {
            let (client, person) = std::str::from_utf8(name).ok()?.split_once('\0')?;
            SubjectName::Person { client: client.into(), person: person.into() }
        }
        6 => SubjectName::Session(std::str::from_utf8(name).ok()?.into()),
        2 => SubjectName::Net(SourceNet::V4(name.try_into().ok()?)),
        3 => SubjectName::Net(SourceNet::V6(name.try_into().ok()?)),
        4 if name.is_empty() => SubjectName::Overflow,
        _ => return None,
    };
    let limit = LimitName::parse(std::str::from_utf8(limit).ok()?).ok()?;
    let subject = Subject { per: *Per::ALL.get(usize::from(*per))?, name };
    Some(MeterRecord {
        key: MeterKey::new(limit, counted, subject),
        window_start: Time::from_micros(i64::from_le_bytes(*start)),
        used: u64::from_le_bytes(*used),
    })
}

fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))
}
