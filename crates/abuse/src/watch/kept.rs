//! What is usual, over restarts: all profiles in one file, in a form of its own.
//!
//! `wgwatch`, the number of the form, the hash key, then each profile under its identity and each group of peers under its number, a length
//! before each; at the end CRC-32 (IEEE) of all before it. Numbers are of seven bits a byte, the low ones first (LEB128). What is damaged, of
//! another form or too large is nothing that could be read: the watch begins anew, and says so.
//!
//! Logins are forgotten within minutes and APIs that were announced are told again by whoever remembers them: neither is kept.

use super::{HashKey, PROFILES_MAX, Watch, flows::Flowed, lock, peers::Peers, profile::Profile};
use std::{
    io::{self, Read, Write},
    sync::{Arc, Mutex, atomic::Ordering},
};
use wardgate_model::id::IdentityId;

/// What a file begins with: what it is, and the number of its form. The form is another one with each change of a profile.
const MAGIC: &[u8; 8] = b"wgwatch2";
/// Largest file that is read or written, in bytes. All profiles that there can be take less than half of it.
pub const FILE_BYTES_MAX: u64 = 1 << 30;
/// Longest record.
const RECORD_BYTES_MAX: usize = 16 * 1024;
/// Groups of peers at the most.
const PEERS_MAX: usize = PROFILES_MAX;

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unkept {
    /// It cannot be read or written.
    #[error("it cannot be read or written")]
    Io(#[from] io::Error),
    /// It is of another version of this program, or something else.
    #[error("it is not of this form: of another version, or something else")]
    Foreign,
    /// It is damaged.
    #[error("it is damaged")]
    Damaged,
    /// It is larger than what is read or written.
    #[error("it is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
}

impl Watch {
    /// A watch that knows nothing, by a key of its own.
    #[must_use]
    pub fn new(key: HashKey) -> Self {
        Self { key, ..Self::default() }
    }

    /// Writes all profiles, and the key by which they are. Each is held only while it is written.
    ///
    /// # Errors
    /// When it cannot be written, or would be too large.
    pub fn keep(&self, to: impl Write) -> Result<(), Unkept> {
        let mut to = Summed { to, sum: crc32fast::Hasher::new(), bytes: 0 };
        to.write_all(MAGIC)?;
        let mut record = Vec::with_capacity(4_096);
        self.key.0.iter().for_each(|half| half.put(&mut record));
        to.record(&record)?;
        for (identity, profile) in &self.profiles.pin() {
            record.clear();
            record.push(PROFILE);
            u64::try_from(identity.as_str().len()).unwrap_or(u64::MAX).put(&mut record);
            record.extend_from_slice(identity.as_str().as_bytes());
            lock(profile).put(&mut record);
            to.record(&record)?;
        }
        for (key, peers) in &self.peers.pin() {
            record.clear();
            record.push(PEERS);
            key.put(&mut record);
            lock(peers).put(&mut record);
            to.record(&record)?;
        }
        for flowed in self.flows.kept() {
            record.clear();
            record.push(FLOWED);
            flowed.put(&mut record);
            to.record(&record)?;
        }
        to.record(&[END])?;
        let sum = to.sum.clone().finalize();
        to.to.write_all(&sum.to_le_bytes())?;
        to.to.flush()?;
        Ok(())
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    /// When it is nothing that [`Watch::keep`] wrote, whole.
    pub fn read(from: impl Read) -> Result<Self, Unkept> {
        let mut bytes = Vec::new();
        from.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
            return Err(Unkept::TooLarge);
        }
        if !bytes.starts_with(MAGIC) {
            return Err(Unkept::Foreign);
        }
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(Unkept::Damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(Unkept::Damaged);
        }
        Self::parse(body.get(MAGIC.len()..).unwrap_or_default()).ok_or(Unkept::Damaged)
    }

    fn parse(mut rest: &[u8]) -> Option<Self> {
        let mut head = next(&mut rest)?;
        let watch = Self::new(HashKey([u64::take(&mut head)?, u64::take(&mut head)?]));
        let (profiles, peers) = (watch.profiles.pin(), watch.peers.pin());
        loop {
            let mut record = next(&mut rest)?;
            match u8::take(&mut record)? {
                PROFILE => {
                    let length = usize::try_from(u64::take(&mut record)?).ok()?;
                    let (name, after) = record.split_at_checked(length)?;
                    record = after;
                    let identity = IdentityId::parse(std::str::from_utf8(name).ok()?).ok()?;
                    let profile = Profile::take(&mut record)?;
                    if watch.count.fetch_add(1, Ordering::Relaxed) >= PROFILES_MAX {
                        return None;
                    }
                    profiles.insert(identity, Arc::new(Mutex::new(profile)));
                }
                PEERS if peers.len() < PEERS_MAX => {
                    let key = u64::take(&mut record)?;
                    peers.insert(key, Arc::new(Mutex::new(Peers::take(&mut record)?)));
                }
                FLOWED => {
                    if !watch.flows.put_back(Flowed::take(&mut record)?) {
                        return None;
                    }
                }
                END => break,
                _ => return None,
            }
            if !record.is_empty() {
                return None;
            }
        }
        // One identity twice would be counted twice.
        let whole = rest.is_empty() && profiles.len() == watch.count();
        drop((profiles, peers));
        whole.then_some(watch)
    }
}

/// What a record is of.
const END: u8 = 0;
const PROFILE: u8 = 1;
const PEERS: u8 = 2;
const FLOWED: u8 = 3;

/// The next record.
fn next<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= RECORD_BYTES_MAX)?;
    let (record, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(record)
}

/// Sums up what is written.
struct Summed<W> {
    to: W,
    sum: crc32fast::Hasher,
    bytes: u64,
}

impl<W: Write> Summed<W> {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Unkept> {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // What comes at the end has to have its room, too.
        if self.bytes > FILE_BYTES_MAX - 16 {
            return Err(Unkept::TooLarge);
        }
        self.sum.update(bytes);
        Ok(self.to.write_all(bytes)?)
    }

    fn record(&mut self, record: &[u8]) -> Result<(), Unkept> {
        self.write_all(&u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes())?;
        self.write_all(record)
    }
}

/// A value that is kept.
pub(super) trait Kept: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it from the beginning of what is left. `None`: it is not there.
    fn take(from: &mut &[u8]) -> Option<Self>;
}

impl Kept for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut left = *self;
        while left >= 0x80 {
            out.push(u8::try_from(left & 0x7F).unwrap_or(0) | 0x80);
            left >>= 7;
        }
        out.push(u8::try_from(left).unwrap_or(0));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            let part = Self::from(byte & 0x7F);
            // Bits beyond the last are none that were put.
            if shift == 63 && part > 1 {
                return None;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

macro_rules! smaller {
    ($($number:ty),*) => {$(
        impl Kept for $number {
            fn put(&self, out: &mut Vec<u8>) {
                u64::from(*self).put(out);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Self::try_from(u64::take(from)?).ok()
            }
        }
    )*};
}

smaller!(u8, u16, u32);

impl Kept for i8 {
    fn put(&self, out: &mut Vec<u8>) {
        self.cast_unsigned().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        u8::take(from).map(u8::cast_signed)
    }
}

impl<A: Kept, B: Kept> Kept for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

impl<T: Kept> Kept for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            None => 0_u8.put(out),
            Some(value) => {
                1_u8.put(out);
                value.put(out);
            }
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(None),
            1 => T::take(from).map(Some),
            _ => None,
        }
    }
}

/// Of a list its last values are left out that are as in the beginning: much of a profile is empty.
impl<T: Kept + Copy + Default + PartialEq, const N: usize> Kept for [T; N] {
    fn put(&self, out: &mut Vec<u8>) {
        let length = self.iter().rposition(|value| *value != T::default()).map_or(0, |at| at + 1);
        u64::try_from(length).unwrap_or(u64::MAX).put(out);
        self.iter().take(length).for_each(|value| value.put(out));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(u64::take(from)?).ok().filter(|length| *length <= N)?;
        let mut all = [T::default(); N];
        for value in all.iter_mut().take(length) {
            *value = T::take(from)?;
        }
        Some(all)
    }
}

/// Has the members of a value kept, in this order; the compiler says when one is missing.
macro_rules! kept {
    ($name:ty { $($member:ident),* $(,)? }) => {
        impl $crate::watch::kept::Kept for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($member),* } = self;
                $($crate::watch::kept::Kept::put($member, out);)*
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                $(let $member = $crate::watch::kept::Kept::take(from)?;)*
                Some(Self { $($member),* })
            }
        }
    };
}
pub(super) use kept;

#[cfg(test)]
mod tests;
