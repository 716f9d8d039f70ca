//! Reads DER (X.690 §10): a tag, a length in its one shortest form, a value.
//!
//! Only what certificates and revocation lists are made of, and only beside `webpki`, which has read the same bytes before: it
//! does not tell what key usage, dates and alternative names it saw. Nothing is allocated; nothing recurs.

use wardgate_model::time::Time;

/// BOOLEAN.
pub(super) const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OID: u8 = 0x06;
/// UTCTime.
const UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
const GENERALIZED_TIME: u8 = 0x18;
/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;

/// The context-specific tag `[number]` of something that has parts.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// The context-specific tag `[number]` of something that has none.
pub(super) const fn primitive(number: u8) -> u8 {
    0x80 | number
}

/// The bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadDer;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads what is in the one value of this tag that the bytes are: nothing may follow it.
    pub(super) fn whole(bytes: &'a [u8], tag: u8) -> Result<Self, BadDer> {
        let mut outer = Self(bytes);
        let inner = outer.value(tag)?;
        outer.end()?;
        Ok(Self(inner))
    }

    /// Whether nothing is left.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub(super) const fn end(self) -> Result<(), BadDer> {
        if self.is_empty() { Ok(()) } else { Err(BadDer) }
    }

    /// The next value, with its tag. Tags above 30 are used nowhere here.
    pub(super) fn any(&mut self) -> Result<(u8, &'a [u8]), BadDer> {
        let [tag, first, rest @ ..] = self.0 else { return Err(BadDer) };
        if tag & 0x1f == 0x1f {
            return Err(BadDer);
        }
        let (length, rest) = match usize::from(*first) {
            short @ 0..0x80 => (short, rest),
            long => long_length(long & 0x7f, rest)?,
        };
        let (value, left) = rest.split_at_checked(length).ok_or(BadDer)?;
        self.0 = left;
        Ok((*tag, value))
    }

    /// The next value, which has this tag.
    pub(super) fn value(&mut self, tag: u8) -> Result<&'a [u8], BadDer> {
        match self.any()? {
            (found, value) if found == tag => Ok(value),
            _ => Err(BadDer),
        }
    }

    /// The next value if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, BadDer> {
        if self.0.first() == Some(&tag) { self.value(tag).map(Some) } else { Ok(None) }
    }

    /// A BOOLEAN that is `false` unless it is there; DER does not write what is the default (X.690 §11.5), yet certificates that do
    /// are common.
    pub(super) fn flag(&mut self) -> Result<bool, BadDer> {
        match self.optional(BOOLEAN)? {
            None | Some([0x00]) => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(BadDer),
        }
    }

    /// A moment: UTCTime or GeneralizedTime, in Greenwich and to the second (RFC 5280 §4.1.2.5).
    pub(super) fn time(&mut self) -> Result<Time, BadDer> {
        let (year, rest) = match self.any()? {
            (UTC_TIME, text) => {
                let (digits, rest) = text.split_first_chunk::<2>().ok_or(BadDer)?;
                let year = number(digits)?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            (GENERALIZED_TIME, text) => {
                let (digits, rest) = text.split_first_chunk::<4>().ok_or(BadDer)?;
                (number(digits)?, rest)
            }
            _ => return Err(BadDer),
        };
        moment(year, rest)
    }
}

/// A length of more than one byte: `count` bytes, of which the first is not zero and which say at least 128.
fn long_length(count: usize, rest: &[u8]) -> Result<(usize, &[u8]), BadDer> {
    if !(1..=4).contains(&count) {
        return Err(BadDer);
    }
    let (bytes, rest) = rest.split_at_checked(count).ok_or(BadDer)?;
    let length = bytes.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    if bytes.first() == Some(&0) || length < 0x80 { Err(BadDer) } else { Ok((length, rest)) }
}

/// Decimal digits.
fn number(digits: &[u8]) -> Result<i64, BadDer> {
    digits.iter().try_fold(0, |number, digit| if digit.is_ascii_digit() { Ok(number * 10 + i64::from(digit - b'0')) } else { Err(BadDer) })
}

/// `MMDDhhmmssZ` of a year.
fn moment(year: i64, rest: &[u8]) -> Result<Time, BadDer> {
    let [m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = *rest else { return Err(BadDer) };
    let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return Err(BadDer),
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(BadDer);
    }
    // Days since 1970 by eras of 400 years, counted from March, so that a leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Ok(Time::from_seconds(days * 86_400 + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests;
