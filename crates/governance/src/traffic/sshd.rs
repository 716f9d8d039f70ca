//! What `sshd` writes of logins, by way of syslog: `Failed password for root from 192.0.2.7 port 22 ssh2`.
//!
//! Each is an attempt to log in, of which nobody has been proven before: so it comes from its source, and the account is what it is for.
//! The line says no year and no time zone: that of the first is given, or comes of when the file ended, and it grows where the months begin
//! anew; the zone is UTC.

use super::{
    call::{Call, Wrong, cut},
    moment,
};
use std::{borrow::Cow, sync::Arc};

/// A year with a 29th of February.
const LEAP: i64 = 2000;

/// Where nothing is known of the year.
pub const YEARS: Years = Years::All(2000);

/// Of which year the first line of a file is, where lines say none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Years {
    /// Of this one, whatever the file.
    All(u16),
    /// Each file ended in this year and this month: its first line is of the last such month before.
    Ended(Arc<[(u16, u8)]>),
}

impl Years {
    /// Of the file of this number: a year, and the last month of it that the first line can be of.
    fn of(&self, file: usize) -> (i64, i64) {
        match self {
            Self::All(year) => (i64::from(*year), 12),
            Self::Ended(ends) => ends.get(file).map_or((LEAP, 12), |(year, month)| (i64::from(*year), i64::from(*month))),
        }
    }
}

/// Repetitions that one line may stand for.
const TIMES_MAX: u32 = 10_000;

/// The method and path of a login.
const LOGIN: (&str, &str) = ("POST", "/login");

/// Reads lines, one after the other.
#[derive(Debug)]
pub(super) struct Sshd {
    year: i64,
    /// The last month of that year that the first line can be of.
    last: i64,
    /// Of the line before; `None`: this is the first.
    month: Option<i64>,
}

impl Sshd {
    /// Of the file of this number.
    pub(super) fn new(years: &Years, file: usize) -> Self {
        let (year, last) = years.of(file);
        Self { year, last, month: None }
    }

    /// Reads a line; `None`: it tells of no login.
    pub(super) fn line<'l>(&mut self, bytes: &'l [u8]) -> Result<Option<Call<'l>>, Wrong> {
        let text = std::str::from_utf8(bytes).map_err(|_| Wrong::NotText)?;
        let (time, rest) = self.time(text)?;
        let (host, rest) = rest.split_once(' ').ok_or(Wrong::Missing("the host"))?;
        let Some((program, message)) = rest.split_once(": ") else { return Ok(None) };
        if program != "sshd" && !program.starts_with("sshd[") && !program.starts_with("sshd-session[") {
            return Ok(None);
        }
        let (times, message) = repeated(message);
        let (login, accepted) = match (message.strip_prefix("Failed "), message.strip_prefix("Accepted ")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return Ok(None),
        };
        let Some((_how, login)) = login.split_once(" for ") else { return Ok(None) };
        // The account is whatever a stranger typed, ` from ` included: what `sshd` wrote itself stands last.
        let (account, from) = login.rsplit_once(" from ").ok_or_else(|| Wrong::Unreadable("the source", cut(login)))?;
        let source = from.split(' ').next().unwrap_or_default();
        let account = account.strip_prefix("invalid user").map_or(account, str::trim_start);
        let mut call = Call::new(time, LOGIN.0, LOGIN.1);
        (call.host, call.source, call.times) = (Cow::Borrowed(host), Cow::Borrowed(source), times);
        (call.status, call.subject) = (Some(if accepted { 200 } else { 401 }), Some(Cow::Borrowed(account)));
        Ok(Some(call))
    }

    /// The moment of a line: of RFC 3164, or of RFC 3339 as newer syslogs write it.
    fn time<'l>(&mut self, text: &'l str) -> Result<(wardgate_model::time::Time, &'l str), Wrong> {
        let missing = || Wrong::unreadable("the time", text);
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let (moment, rest) = text.split_once(' ').ok_or_else(missing)?;
            return Ok((moment::rfc3339(moment).ok_or_else(missing)?, rest));
        }
        let (moment, rest) = text.split_at_checked(15).ok_or_else(missing)?;
        let rest = rest.strip_prefix(' ').ok_or_else(missing)?;
        let read = |year| moment::syslog(moment.as_bytes(), year);
        let (_, month) = read(self.year).or_else(|| read(LEAP)).ok_or_else(missing)?;
        let year = match self.month {
            // Lines may be a little out of order: this one is of the year before.
            Some(1) if month == 12 => self.year - 1,
            Some(before) => {
                // Only a long way back is the begin of another year.
                self.year += i64::from(before - month >= 6);
                self.month = Some(month);
                self.year
            }
            None => {
                self.year -= i64::from(month > self.last);
                self.month = Some(month);
                self.year
            }
        };
        Ok((read(year).ok_or_else(missing)?.0, rest))
    }
}

/// `message repeated 3 times: [ Failed password for … ]`.
fn repeated(message: &str) -> (u32, &str) {
    let read = || {
        let (count, rest) = message.strip_prefix("message repeated ")?.split_once(" times: [")?;
        Some((count.parse::<u32>().ok()?.clamp(1, TIMES_MAX), rest.strip_suffix(']').unwrap_or(rest).trim()))
    };
    read().unwrap_or((1, message))
}

#[cfg(test)]
mod tests;
