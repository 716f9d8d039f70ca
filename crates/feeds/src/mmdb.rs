//! MMDB files that say of addresses in which country they are, or in whose network: bytes → [`ByAddress`].
//!
//! All of a file is read once, into ranges of our own, and then let go: what it says wrong is found when it is read and never in a
//! request, and a request looks things up without decoding anything. Bounded against files that are made to be large: at most
//! [`STEPS_MAX`] networks of the tree, [`RECORDS_MAX`] different records, [`NETWORKS_MAX`] networks that say something.

use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};
use std::{collections::HashMap, net::IpAddr};
use wardgate_model::atlas::{AsNumber, ByAddress, Country};

/// The longest file, in bytes.
pub const BYTES_MAX: usize = 128 * 1024 * 1024;
/// Networks that the tree has, those of which nothing is said among them.
pub const STEPS_MAX: usize = 8_000_000;
/// Different records.
pub const RECORDS_MAX: usize = 500_000;
/// Networks that say something; of neighbours that say the same, one counts.
pub const NETWORKS_MAX: usize = 2_000_000;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is no MMDB, or a damaged one.
    #[error("it is no MMDB file that can be read: {0}")]
    Damaged(#[from] MaxMindDbError),
    /// It is larger than any that is published.
    #[error("it has more {what} than {most}")]
    Many {
        /// What it has too many of.
        what: &'static str,
        /// How many may be.
        most: usize,
    },
    /// It is about something else.
    #[error("none of its records says {wanted}: it is `{kind}`")]
    Other {
        /// What was looked for.
        wanted: &'static str,
        /// The type that it says it is.
        kind: Box<str>,
    },
}

/// The countries, as [`Country::letters`].
///
/// # Errors
/// When the file cannot be used.
pub fn countries(bytes: &[u8]) -> Result<ByAddress<[u8; 2]>, Unusable> {
    read(bytes, "a country", |record| {
        let code = record.text(&[&["country", "iso_code"], &["country_code"], &["country"], &["registered_country", "iso_code"]])?;
        Ok(code.and_then(|code| Country::parse(&code)).map(Country::letters))
    })
}

/// The numbers of autonomous systems.
///
/// # Errors
/// When the file cannot be used.
pub fn networks(bytes: &[u8]) -> Result<ByAddress<u32>, Unusable> {
    read(bytes, "the number of an autonomous system", |record| {
        if let Some(number) = record.number(&["autonomous_system_number"])? {
            return Ok(Some(number));
        }
        let text = record.text(&[&["asn"], &["autonomous_system_number"]])?;
        Ok(text.and_then(|text| AsNumber::parse(&text)).map(|number| number.0))
    })
}

/// What is looked for in a record: the first of these places that says it.
struct Record<'r>(&'r maxminddb::LookupResult<'r, &'r [u8]>);

impl Record<'_> {
    fn text(&self, places: &[&[&str]]) -> Result<Option<String>, MaxMindDbError> {
        let mut wrong = None;
        for place in places {
            let place: Vec<PathElement<'_>> = place.iter().map(|name| PathElement::Key(name)).collect();
            match self.0.decode_path::<String>(&place) {
                Ok(Some(text)) => return Ok(Some(text)),
                Ok(None) => {}
                // Something else stands there in other makes of such files.
                Err(error) => wrong = Some(error),
            }
        }
        match wrong {
            Some(error @ MaxMindDbError::InvalidDatabase { .. }) => Err(error),
            Some(_) | None => Ok(None),
        }
    }

    fn number(&self, place: &[&str]) -> Result<Option<u32>, MaxMindDbError> {
        let place: Vec<PathElement<'_>> = place.iter().map(|name| PathElement::Key(name)).collect();
        match self.0.decode_path::<u32>(&place) {
            Err(error @ MaxMindDbError::InvalidDatabase { .. }) => Err(error),
            Ok(said) => Ok(said),
            // Some write it narrower.
            Err(_) => Ok(self.0.decode_path::<u16>(&place).ok().flatten().map(u32::from)),
        }
    }
}

/// Networks in the order of the tree, neighbours that say the same as one.
struct Runs<N, T>(Vec<(N, N, T)>);

impl<N: Copy + Eq, T: Copy + Eq> Runs<N, T> {
    /// `before`: the address before the first, where there is one.
    fn put(&mut self, before: Option<N>, first: N, last: N, value: T) {
        match self.0.last_mut() {
            Some((_, end, known)) if *known == value && before == Some(*end) => *end = last,
            _ => self.0.push((first, last, value)),
        }
    }
}

fn read<T: Copy + Eq + Default>(
    bytes: &[u8],
    wanted: &'static str,
    value_of: impl Fn(&Record<'_>) -> Result<Option<T>, MaxMindDbError>,
) -> Result<ByAddress<T>, Unusable> {
    let reader = Reader::from_source(bytes)?;
    let (mut v4, mut v6) = (Runs(Vec::new()), Runs(Vec::new()));
    let mut records: HashMap<usize, Option<T>> = HashMap::new();
    // All are asked for, and those of no interest left out here: the reader would pass over them without an end.
    let all = WithinOptions::default().include_aliased_networks().include_networks_without_data();
    for (step, found) in reader.networks(all)?.enumerate() {
        if step >= STEPS_MAX {
            return Err(Unusable::Many { what: "networks in its tree", most: STEPS_MAX });
        }
        let found = found?;
        let Some(offset) = found.offset() else { continue };
        let network = found.network()?;
        let (address, prefix) = (network.ip(), network.prefix());
        if is_alias(address) {
            continue;
        }
        let value = match records.get(&offset) {
            Some(known) => *known,
            None if records.len() >= RECORDS_MAX => return Err(Unusable::Many { what: "different records", most: RECORDS_MAX }),
            None => {
                let value = value_of(&Record(&found))?;
                records.insert(offset, value);
                value
            }
        };
        let Some(value) = value else { continue };
        match address {
            IpAddr::V4(address) => {
                let (first, span) = (u32::from(address), u32::MAX.checked_shr(prefix.into()).unwrap_or(0));
                v4.put(first.checked_sub(1), first & !span, first | span, value);
            }
            IpAddr::V6(address) => {
                let (first, span) = (u128::from(address), u128::MAX.checked_shr(prefix.into()).unwrap_or(0));
                v6.put(first.checked_sub(1), first & !span, first | span, value);
            }
        }
        if v4.0.len() + v6.0.len() > NETWORKS_MAX {
            return Err(Unusable::Many { what: "networks", most: NETWORKS_MAX });
        }
    }
    if v4.0.is_empty() && v6.0.is_empty() {
        let kind = reader.metadata().database_type.chars().take(64).collect::<String>();
        return Err(Unusable::Other { wanted, kind: kind.escape_debug().to_string().into() });
    }
    Ok(ByAddress::of(v4.0, v6.0))
}

/// Where addresses of version 4 are said once more: as mapped ones (RFC 4291 §2.5.5.2), of Teredo (RFC 4380), of 6to4 (RFC 3056).
fn is_alias(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_some() || matches!(v6.segments(), [0x2001, 0, ..] | [0x2002, ..]),
    }
}

#[cfg(test)]
mod tests;
