//! Moments as logs write them.

use wardgate_model::time::Time;

const MONTHS: [&[u8; 3]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAY_S: i64 = 86_400;

/// Days from the epoch to a date of the Gregorian calendar; `None`: there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(0..=9_999).contains(&year) {
        return None;
    }
    // Years that begin in March: the day that leap years have besides is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Digits and nothing else.
fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))).filter(|_| !text.is_empty())
}

fn month(name: &[u8]) -> Option<i64> {
    let at = MONTHS.iter().position(|month| month.as_slice() == name)?;
    i64::try_from(at + 1).ok()
}

/// `hh:mm:ss`; a leap second is the one before it.
fn clock(text: &[u8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = text else { return None };
    let (hour, minute, second) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?, digits(&[*s1, *s2])?);
    (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3_600 + minute * 60 + second.min(59))
}

/// `+hhmm` or `+hh:mm`, in seconds.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, h, m) = match text {
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (*sign, digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        _ => return None,
    };
    let seconds = (h < 24 && m < 60).then_some(h * 3_600 + m * 60)?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// `17/May/2015:10:05:03 +0000`, as Apache and others write it.
pub(super) fn common(text: &[u8]) -> Option<Time> {
    let (date, rest) = text.split_at_checked(11)?;
    let [d1, d2, b'/', m1, m2, m3, b'/', year @ ..] = date else { return None };
    let [b':', rest @ ..] = rest else { return None };
    let (time, rest) = rest.split_at_checked(8)?;
    let [b' ', zone @ ..] = rest else { return None };
    let days = days(digits(year)?, month(&[*m1, *m2, *m3])?, digits(&[*d1, *d2])?)?;
    Some(Time::from_seconds(days * DAY_S + clock(time)? - offset(zone)?))
}

/// `2024-07-30T21:53:13.5+02:00` (RFC 3339), and what [`Time::parse`] reads besides.
pub(super) fn rfc3339(text: &str) -> Option<Time> {
    quick(text.as_bytes()).or_else(|| Time::parse(text))
}

fn quick(text: &[u8]) -> Option<Time> {
    let (date, rest) = text.split_at_checked(10)?;
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let [b'T' | b't' | b' ', rest @ ..] = rest else { return None };
    let (time, mut rest) = rest.split_at_checked(8)?;
    let mut micros = 0;
    if let [b'.', after @ ..] = rest {
        let end = after.iter().position(|byte| !byte.is_ascii_digit())?;
        let (fraction, after) = after.split_at_checked(end)?;
        let six = fraction.iter().chain(std::iter::repeat(&b'0')).take(6);
        micros = six.fold(0_i64, |sum, byte| sum * 10 + i64::from(byte - b'0'));
        rest = after;
    }
    let zone = if matches!(rest, [b'Z' | b'z']) { 0 } else { offset(rest)? };
    let days = days(digits(year)?, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?)?;
    Some(Time::from_micros((days * DAY_S + clock(time)? - zone) * 1_000_000 + micros))
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch: which of them, its size says.
pub(super) fn epoch(number: f64) -> Option<Time> {
    let unit = match number.abs() {
        size if size < 1e11 => 1e6,
        size if size < 1e14 => 1e3,
        size if size < 1e17 => 1.0,
        size if size < 9e18 => 1e-3,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "INVARIANT (size): below 1e17 whatever the unit, and no more than microseconds are wanted"
    )]
    let micros = (number * unit).round() as i64;
    Some(Time::from_micros(micros))
}

/// `Mar 27 13:06:56` of a year that somebody else knows, in UTC. Gives the month besides.
pub(super) fn syslog(text: &[u8], year: i64) -> Option<(Time, i64)> {
    let [m1, m2, m3, b' ', d1, d2, b' ', time @ ..] = text else { return None };
    let day = if *d1 == b' ' { digits(&[*d2])? } else { digits(&[*d1, *d2])? };
    let month = month(&[*m1, *m2, *m3])?;
    Some((Time::from_seconds(days(year, month, day)? * DAY_S + clock(time)?), month))
}

#[cfg(test)]
mod tests;
