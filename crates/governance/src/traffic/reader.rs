//! A file of a format, call by call.

use super::{
    call::{Call, Wrong},
    clf::{self, Detail},
    cloudtrail, har,
    json::{self, Mapping},
    lines::{LINE_BYTES_MAX, Line, Lines},
    own,
    records::{RECORD_BYTES_MAX, Record, Records},
    sshd::{Sshd, Years},
};
use std::{
    borrow::Cow,
    io::{self, Read},
    sync::Arc,
};

/// How calls were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Apache's common log format.
    Clf,
    /// Apache's combined log format.
    Combined,
    /// JSON, an object a call.
    Json,
    /// AWS CloudTrail.
    CloudTrail,
    /// HTTP Archive 1.2.
    Har,
    /// What `sshd` writes of logins, by way of syslog.
    Sshd,
    /// Events of our own log.
    Wardgate,
}

impl Format {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Clf, Self::Combined, Self::Json, Self::CloudTrail, Self::Har, Self::Sshd, Self::Wardgate];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clf => "clf",
            Self::Combined => "combined",
            Self::Json => "json",
            Self::CloudTrail => "cloudtrail",
            Self::Har => "har",
            Self::Sshd => "sshd",
            Self::Wardgate => "wardgate",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == word)
    }

    /// What a line or a record of it is like, for who named another.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Clf => r#"192.0.2.7 - ada [17/May/2015:10:05:03 +0000] "GET /orders HTTP/1.1" 200 512"#,
            Self::Combined => r#"192.0.2.7 - ada [17/May/2015:10:05:03 +0000] "GET /orders HTTP/1.1" 200 512 "-" "curl/8.5.0""#,
            Self::Json => r#"{"time":"2026-03-01T09:00:00Z","method":"GET","path":"/orders","status":200}"#,
            Self::CloudTrail => {
                r#"{"Records":[{"eventTime":"2026-03-01T09:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}]}"#
            }
            Self::Har => {
                r#"{"log":{"entries":[{"startedDateTime":"2026-03-01T09:00:00Z","request":{"method":"GET","url":"https://shop.example/"}}]}}"#
            }
            Self::Sshd => "Mar 27 13:06:56 host sshd[123]: Failed password for root from 192.0.2.7 port 22 ssh2",
            Self::Wardgate => r#"{"v":1,"time_us":1772355600000000,"kind":"request","method":"GET","path":"/orders","client_status":200}"#,
        }
    }

    /// What a log of this format never tells, and what is taken for it.
    #[must_use]
    pub const fn untold(self) -> &'static [&'static str] {
        const PROOFS: &str = "proofs: who called is what the log says, nobody has verified it, and no possession of a key was shown";
        const BODIES: &str = "bodies: what a request sent is not looked at";
        const SPANS: &str = "how long calls took: each is over at once, so no limit on concurrency is reached";
        const RECORDS: &str = "how many records an answer had: only its bytes are known";
        const WAITS: &str = "for how long an answer told a caller to wait: only refusals here tell it";
        const DEAF: &str = "what callers would have done had they been refused: they come as they did, and count as `deaf` where a refusal here told them to wait";
        match self {
            Self::Clf => &[
                PROOFS,
                BODIES,
                SPANS,
                RECORDS,
                WAITS,
                DEAF,
                "user agents",
                "hosts, unless one stands in front of each line: all is one API",
            ],
            Self::Combined => {
                &[PROOFS, BODIES, SPANS, RECORDS, WAITS, DEAF, "hosts, unless one stands in front of each line: all is one API"]
            }
            Self::Json => &[PROOFS, BODIES, SPANS, DEAF, "whatever no member says"],
            Self::CloudTrail => {
                &[PROOFS, BODIES, SPANS, RECORDS, WAITS, DEAF, "statuses: an error code is taken for one", "sizes of answers"]
            }
            Self::Wardgate => &[
                "what was ruled, and by what: name the directory of the log to have each ruling made again",
                PROOFS,
                BODIES,
                SPANS,
                WAITS,
                DEAF,
            ],
            Self::Har => &[PROOFS, BODIES, SPANS, RECORDS, WAITS, DEAF, "where the client was: each file is one caller"],
            Self::Sshd => &[
                PROOFS,
                SPANS,
                RECORDS,
                DEAF,
                "the year, which `--year` or the date of the file says, and the zone of the clock: UTC is taken for it",
            ],
        }
    }
}

/// How a format is read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The format.
    pub format: Format,
    /// Which member says what; for [`Format::Json`].
    pub mapping: Arc<Mapping>,
    /// The year of the first line of a file; for [`Format::Sshd`].
    pub years: Years,
}

/// What came next in a file. It lives for one turn of a loop.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "INVARIANT (one at a time): a box for each call would cost more than its size")]
pub enum Told<'t> {
    /// A call.
    Call(Call<'t>),
    /// Something that cannot be read.
    Wrong(Wrong),
    /// Something that tells of no call, as it should be.
    Nothing,
}

/// Reads a file.
#[derive(Debug)]
pub struct Reader<R> {
    way: Way<R>,
    /// The caller, where the format knows none: all of a file is one.
    file: Box<str>,
}

#[derive(Debug)]
enum Way<R> {
    Clf(Lines<R>, Detail),
    Json(Lines<R>, Arc<Mapping>),
    CloudTrail(Records<R>),
    Har(Records<R>),
    Sshd(Lines<R>, Sshd),
    Own(Lines<R>),
}

impl<R: Read> Reader<R> {
    /// Reads from the begin of the file of this number.
    #[must_use]
    pub fn new(from: R, reading: &Reading, file: usize) -> Self {
        let way = match reading.format {
            Format::Clf => Way::Clf(Lines::new(from), Detail::Common),
            Format::Combined => Way::Clf(Lines::new(from), Detail::Combined),
            Format::Json => Way::Json(Lines::new(from), Arc::clone(&reading.mapping)),
            Format::CloudTrail => Way::CloudTrail(Records::new(from, cloudtrail::WAY)),
            Format::Har => Way::Har(Records::new(from, har::WAY)),
            Format::Sshd => Way::Sshd(Lines::new(from), Sshd::new(&reading.years, file)),
            Format::Wardgate => Way::Own(Lines::new(from)),
        };
        Self { way, file: "".into() }
    }

    /// The same of a file of this name, which is its caller where the format knows none.
    #[must_use]
    pub fn of(self, file: &str) -> Self {
        Self { file: file.into(), ..self }
    }

    /// The line of what was given last, counted from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        match &self.way {
            Way::Clf(lines, _) | Way::Json(lines, _) | Way::Sshd(lines, _) | Way::Own(lines) => lines.number(),
            Way::CloudTrail(records) | Way::Har(records) => records.number(),
        }
    }

    /// What comes next; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub fn read_on(&mut self) -> io::Result<Option<Told<'_>>> {
        Ok(match &mut self.way {
            Way::Clf(lines, detail) => by_line(lines, |line| clf::line(line, *detail).map(Some))?,
            Way::Json(lines, mapping) => by_line(lines, |line| {
                // Calls that stand in an array, one a line, have a comma behind.
                let object = line.trim_ascii();
                let object = object.strip_suffix(b",").unwrap_or(object);
                if json::is_around(object) { Ok(None) } else { mapping.call(object).map(Some) }
            })?,
            Way::Sshd(lines, sshd) => by_line(lines, |line| sshd.line(line))?,
            Way::Own(lines) => by_line(lines, own::event)?,
            Way::CloudTrail(records) => by_record(records, cloudtrail::record)?,
            Way::Har(records) => match by_record(records, har::entry)? {
                Some(Told::Call(call)) => Some(Told::Call(Call { source: Cow::Borrowed(&*self.file), ..call })),
                other => other,
            },
        })
    }
}

fn told(read: Result<Option<Call<'_>>, Wrong>) -> Told<'_> {
    match read {
        Ok(Some(call)) => Told::Call(call),
        Ok(None) => Told::Nothing,
        Err(wrong) => Told::Wrong(wrong),
    }
}

fn by_line<'l, R: Read>(
    lines: &'l mut Lines<R>,
    read: impl FnOnce(&'l [u8]) -> Result<Option<Call<'l>>, Wrong>,
) -> io::Result<Option<Told<'l>>> {
    Ok(lines.next()?.map(|line| match line {
        Line::Bytes(bytes) => told(read(bytes)),
        Line::TooLong => Told::Wrong(Wrong::TooLong(LINE_BYTES_MAX)),
    }))
}

fn by_record<'r, R: Read>(
    records: &'r mut Records<R>,
    read: impl FnOnce(&'r [u8]) -> Result<Call<'r>, Wrong>,
) -> io::Result<Option<Told<'r>>> {
    Ok(records.next()?.map(|record| match record {
        Record::Bytes(bytes) => told(read(bytes).map(Some)),
        Record::TooLong => Told::Wrong(Wrong::TooLong(RECORD_BYTES_MAX)),
        Record::Broken => Told::Wrong(Wrong::Json("something that is no part of such a document".into())),
    }))
}
