//! The small languages inside values: durations, rates, quotas, bytes, dates, prose.
//!
//! Each is parsed once, here, into the typed value the rest of Wardgate works with; each error says which part of the
//! operator's text is wrong and, where there is one, how to write it.

use std::{fmt, num::NonZeroU64, time::Duration};
use wardgate_model::{
    limit::{Quota, Window},
    time::Time,
};

/// What is wrong with a text, and a way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: Option<String>,
}

impl Wrong {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), mend: None }
    }

    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

impl fmt::Display for Wrong {
    /// The way out stands in a second line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.mend {
            Some(mend) => write!(f, "\n{mend}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Wrong {}

/// Longest duration: ten years of 366 days.
pub const DURATION_MAX: Duration = Duration::from_secs(3660 * 86_400);
/// Longest prose, in bytes.
pub const PROSE_BYTES_MAX: usize = 4096;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `30d`, `12h`, `5m`, `10s`, `250ms` or several from large to small, as in `1h30m`.
///
/// # Errors
/// No number, no unit, an unknown unit, units out of order, zero, or more than [`DURATION_MAX`].
pub fn duration(text: &str) -> Result<Duration, Wrong> {
    const MEND: &str = "write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`";
    let mut rest = text;
    let mut millis = 0_u64;
    let mut allowed = UNITS.as_slice();
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        if digits.is_empty() {
            return Err(Wrong::new(format!("`{text}` has no number before `{tail}`")).mend(MEND));
        }
        let (unit, after) = tail.split_at(tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len()));
        if unit.is_empty() {
            return Err(Wrong::new(format!("`{text}` has no unit after `{digits}`")).mend(MEND));
        }
        let Some(at) = allowed.iter().position(|(name, _)| *name == unit) else {
            let known = UNITS.iter().any(|(name, _)| *name == unit);
            let what =
                if known { format!("the units of `{text}` do not go from large to small") } else { format!("`{unit}` is no unit of time") };
            return Err(Wrong::new(what).mend(MEND));
        };
        let each = allowed.get(at).map_or(0, |(_, each)| *each);
        allowed = allowed.get(at + 1..).unwrap_or_default();
        millis = number(digits)
            .and_then(|count| count.checked_mul(each))
            .and_then(|part| millis.checked_add(part))
            .filter(|millis| u128::from(*millis) <= DURATION_MAX.as_millis())
            .ok_or_else(|| Wrong::new(format!("`{text}` is longer than 3660 days")))?;
        rest = after;
    }
    match (text.is_empty(), millis) {
        (true, _) => Err(Wrong::new("a duration must not be empty").mend(MEND)),
        (false, 0) => Err(Wrong::new("a duration must be more than zero").mend(MEND)),
        (false, millis) => Ok(Duration::from_millis(millis)),
    }
}

/// A duration as it is written: `1h30m`. What is less than a millisecond is left out.
#[must_use]
pub fn shown(span: Duration) -> String {
    let mut rest = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, each) in UNITS {
        let count = rest / each;
        rest %= each;
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn count(digits: &str, text: &str) -> Result<NonZeroU64, Wrong> {
    if digits.is_empty() {
        return Err(Wrong::new(format!("`{text}` does not begin with a number")));
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::new(format!("`{digits}` in `{text}` is no whole number")));
    }
    let count = number(digits).ok_or_else(|| Wrong::new(format!("`{digits}` in `{text}` is too large")))?;
    NonZeroU64::new(count).ok_or_else(|| Wrong::new(format!("the count in `{text}` must be more than zero")))
}

/// So many in a time: `100/s`, `10/m`, `5/10s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many.
    pub count: NonZeroU64,
    /// In which time.
    pub period: Duration,
}

/// Reads a rate: a count, `/`, and `s`, `m`, `h`, `d` (or `second`, `minute`, `hour`, `day`) or a duration up to a day.
///
/// # Errors
/// No `/`, no count, zero, or a time that is none.
pub fn pace(text: &str) -> Result<Pace, Wrong> {
    const MEND: &str = "write a rate as in `100/s`, `10/m` or `5/10s`";
    let (digits, unit) = text.split_once('/').ok_or_else(|| Wrong::new(format!("`{text}` has no `/`")).mend(MEND))?;
    let count = count(digits, text).map_err(|wrong| wrong.mend(MEND))?;
    let period = match unit {
        "s" | "second" => Duration::from_secs(1),
        "m" | "minute" => Duration::from_secs(60),
        "h" | "hour" => Duration::from_secs(3600),
        "d" | "day" => Duration::from_secs(86_400),
        "" => return Err(Wrong::new(format!("`{text}` has no time")).mend(MEND)),
        other => duration(other).map_err(|wrong| wrong.mend(MEND))?,
    };
    if period > Duration::from_secs(86_400) {
        return Err(
            Wrong::new(format!("the time of `{text}` is longer than a day")).mend("use `quota` for longer times, as in `1000000/month`")
        );
    }
    Ok(Pace { count, period })
}

fn window(word: &str) -> Result<Window, Wrong> {
    Window::parse(word).ok_or_else(|| {
        let words = || Window::ALL.iter().map(|window| window.as_str());
        Wrong::new(format!("`{word}` is no calendar window")).mend(crate::nearest::suggest(word, words().collect::<Vec<_>>()))
    })
}

/// Reads a quota of requests: `1000000/month`, `500/day`, `60/minute`.
///
/// # Errors
/// No `/`, no count, zero, or a window that is none.
pub fn quota(text: &str) -> Result<Quota, Wrong> {
    const MEND: &str = "write a quota as in `1000000/month`";
    let (digits, word) = text.split_once('/').ok_or_else(|| Wrong::new(format!("`{text}` has no `/`")).mend(MEND))?;
    let count = count(digits, text).map_err(|wrong| wrong.mend(MEND))?;
    Ok(Quota { count, window: window(word)? })
}

const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads a size: `512B`, `64KiB`, `1GiB`, `5MB` (powers of 1024 with an `i`, of 1000 without).
///
/// # Errors
/// No number, no unit, an unknown unit, zero, or more than 64 bits.
pub fn size(text: &str) -> Result<NonZeroU64, Wrong> {
    const MEND: &str = "write a size as in `512B`, `64KiB`, `10MB` or `1GiB`";
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let count = count(digits, text).map_err(|wrong| wrong.mend(MEND))?;
    let each = SIZES.iter().find(|(name, _)| *name == unit).map(|(_, each)| *each);
    let each = each.ok_or_else(|| {
        let what = if unit.is_empty() { format!("`{text}` has no unit") } else { format!("`{unit}` is no unit of size") };
        Wrong::new(what).mend(MEND)
    })?;
    count.get().checked_mul(each).and_then(NonZeroU64::new).ok_or_else(|| Wrong::new(format!("`{text}` is too large")))
}

/// Reads a quota of bytes: `1GiB/day`.
///
/// # Errors
/// No `/`, no size, zero, or a window that is none.
pub fn bytes(text: &str) -> Result<Quota, Wrong> {
    let no_slash = || Wrong::new(format!("`{text}` has no `/`")).mend("write a quota of bytes as in `1GiB/day`");
    let (amount, word) = text.split_once('/').ok_or_else(no_slash)?;
    Ok(Quota { count: size(amount)?, window: window(word)? })
}

/// Reads a date (its first moment in UTC) or an RFC 3339 moment.
///
/// # Errors
/// When it is neither.
pub fn moment(text: &str) -> Result<Time, Wrong> {
    let no_date = || Wrong::new(format!("`{text}` is no date")).mend("write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`");
    Time::parse(text).ok_or_else(no_date)
}

/// Reads a duration, or `never`.
///
/// # Errors
/// As [`duration`].
pub fn span_or_never(text: &str) -> Result<Option<Duration>, Wrong> {
    let mend = |wrong: Wrong| wrong.mend("write a duration as in `30d`, or `never`");
    if text == "never" { Ok(None) } else { duration(text).map(Some).map_err(mend) }
}

/// Reads a share: `60%`.
///
/// # Errors
/// No `%`, no whole number, nothing, or more than all.
pub fn share(text: &str) -> Result<u8, Wrong> {
    let percent = text.strip_suffix('%').and_then(number).filter(|percent| (1..=100).contains(percent));
    let percent = percent.and_then(|percent| u8::try_from(percent).ok());
    percent.ok_or_else(|| Wrong::new(format!("`{text}` is no share")).mend("write a share as in `60%`: 1% to 100%"))
}

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3, without its brackets).
const ADDRESS_BYTES_MAX: usize = 254;

/// Checks the address of a person: something, `@`, and something with no blank in it.
///
/// # Errors
/// When it is none.
pub fn address(text: &str) -> Result<Box<str>, Wrong> {
    let sides = text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let plain = text.len() <= ADDRESS_BYTES_MAX && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if sides.is_none() || !plain {
        return Err(Wrong::new(format!("`{text}` is no address")).mend("write an address as in `lead@example.com`"));
    }
    Ok(text.into())
}

/// Checks prose: not empty, no control characters but line breaks, at most [`PROSE_BYTES_MAX`] bytes.
///
/// # Errors
/// Says which of these it is.
pub fn prose(text: &str) -> Result<Box<str>, Wrong> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Wrong::new("the text must not be empty"));
    }
    if text.len() > PROSE_BYTES_MAX {
        return Err(Wrong::new(format!("the text has {} bytes, at most {PROSE_BYTES_MAX} are read", text.len())));
    }
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        Some(c) => Err(Wrong::new(format!("the control character {} may not stand in a text", c.escape_unicode()))),
        None => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests;
