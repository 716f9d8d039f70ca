//! Moments, as microseconds since the Unix epoch. The clock is read in one place, in the binary; every rule takes
//! `now` as a parameter.

use std::{fmt, ops::Add, time::Duration};

/// How far the clocks of two gates, or of a gate and whoever checks what it signed, may be apart (STANDARDS §0, skew `S`).
pub const SKEW: Duration = Duration::from_secs(30);

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Time(i64);

impl Time {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch; saturates.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC, to the second: how dates are shown to people.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.as_seconds()).map_or_else(|_| format!("{} s", self.as_seconds()), |t| t.to_string())
    }

    /// The date of HTTP (IMF-fixdate, RFC 9110 §5.6.7), to the second; `None` outside of years 0 to 9999.
    #[must_use]
    pub fn to_http_date(self) -> Option<String> {
        let moment = jiff::Timestamp::from_second(self.as_seconds()).ok()?;
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).ok()
    }

    /// Reads the date of HTTP (IMF-fixdate, RFC 9110 §5.6.7).
    #[must_use]
    pub fn parse_http_date(text: &str) -> Option<Self> {
        // What RFC 5322 allows beside, as other zones, nobody sends in HTTP.
        let moment = jiff::fmt::rfc2822::parse(text).ok().filter(|_| text.ends_with(" GMT"))?;
        Some(Self(moment.timestamp().as_microsecond()))
    }

    /// Reads RFC 3339 (`2027-06-30T12:00:00Z`) or a calendar date (`2027-06-30`), which means its first moment in UTC. A time
    /// without a zone (`2027-06-30T12:00:00`) is neither: nobody can say which moment it is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Some(Self(moment.as_microsecond()));
        }
        // As a date, the library reads a time without a zone too, and drops the time.
        let date = text.parse::<jiff::civil::Date>().ok().filter(|_| !text.contains(|sign: char| !sign.is_ascii_digit() && sign != '-'))?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_microsecond()))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::Time;
    use std::time::Duration;

    #[test]
    fn dates_and_moments_are_read() {
        assert_eq!(Time::parse("1970-01-02"), Some(Time::from_seconds(86_400)));
        assert_eq!(Time::parse("1970-01-01T00:00:01Z"), Some(Time::from_seconds(1)));
        for none in ["yesterday", "2027-06-30T12:00:00", "2027-06-30 12:00", "2027-06-30t12", "2027-06-30[Europe/Paris]"] {
            assert_eq!(Time::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_date_of_http_is_in_gmt() {
        assert_eq!(Time::from_seconds(784_111_777).to_http_date().as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(Time::from_micros(i64::MIN).to_http_date(), None);
        assert_eq!(Time::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Time::from_seconds(784_111_777)));
        for none in ["", "soon", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +0100", "1994-11-06T08:49:37Z"] {
            assert_eq!(Time::parse_http_date(none), None, "{none}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Time::from_micros(i64::MAX) + Duration::from_secs(1), Time::from_micros(i64::MAX));
        assert_eq!(Time::from_seconds(1).since(Time::from_seconds(5)), Duration::ZERO);
    }
}
