//! Calendar windows in UTC: which minute, hour, day or month a moment lies in.

use wardgate_model::{limit::Window, time::Time};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// 9999-01-01T00:00:00Z: moments after it count as this one, so that every window has an end.
const LATEST: i64 = 253_370_764_800 * SECOND;

/// One window: from `start` until just before `until`, in microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) until: i64,
}

/// `now` in microseconds, held between 1970 and 9999: at an absurd clock time stands still, and what stands still gives nothing.
pub(crate) fn clamp(now: Time) -> i64 {
    now.as_micros().clamp(0, LATEST)
}

/// The window that `now` lies in.
pub(crate) fn span(window: Window, now: Time) -> Span {
    let micros = clamp(now);
    let even = |length: i64| {
        let start = micros - micros.rem_euclid(length);
        Span { start, until: start + length }
    };
    match window {
        Window::Minute => even(60 * SECOND),
        Window::Hour => even(3_600 * SECOND),
        Window::Day => even(DAY),
        Window::Month => month(micros).unwrap_or_else(|| even(31 * DAY)),
    }
}

/// The calendar month; `None` cannot happen for a clamped moment (and would mean windows of 31 days).
fn month(micros: i64) -> Option<Span> {
    let utc = |date: jiff::civil::Date| date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond());
    let date = jiff::Timestamp::from_microsecond(micros).ok()?.to_zoned(jiff::tz::TimeZone::UTC).date();
    let first = date.first_of_month();
    let next = date.last_of_month().tomorrow().ok()?;
    Some(Span { start: utc(first)?, until: utc(next)? })
}

/// Length of a window in whole seconds, as clients are told; a month is told as 30 days.
pub(crate) const fn seconds(window: Window) -> u64 {
    match window {
        Window::Minute => 60,
        Window::Hour => 3_600,
        Window::Day => 86_400,
        Window::Month => 30 * 86_400,
    }
}

#[cfg(test)]
mod tests;
