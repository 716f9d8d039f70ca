//! Finding events again: the newest of them, those after a place, or the one of a request.
//!
//! Records that cannot be read (damage, a frame still being written) are passed over and counted, never an error.

mod cursor;
mod filter;
mod opened;

pub use cursor::Cursor;
pub use filter::Filter;
use filter::{stands_for_others, text};
pub(crate) use opened::{open, passed_over};
use opened::{sealed_meanwhile, segment_of};

use crate::{
    columns::{self, Row, Unfit, Value},
    directory::{LOCK_NAME, SEGMENTS},
    event_v1::EventV1,
    hot::{self, Frame, Tail, TailName, frame_at},
    plain,
    segment::{
        self, SegmentName,
        find::{Order, Predicate, Wanted},
    },
};
use std::{
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};
use wardgate_model::id::RequestId;

/// Bytes of the tail that one call of [`tail`] reads at most, from a cursor on.
const PAGE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Events of one segment that one call of [`tail`] takes at most, whether they are wanted or not.
const PAGE_EVENTS_MAX: usize = 65_536;

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the audit log `{}` cannot be read: {source}", .path.display())]
pub struct ReadError {
    path: PathBuf,
    source: io::Error,
}

fn seq(row: &Row<'_>) -> Option<u64> {
    match row.first()? {
        Some(Value::Int(seq)) => u64::try_from(*seq).ok(),
        _ => None,
    }
}

/// The event of a record in a tail: nothing is erased there.
pub(crate) fn event_of(row: Row<'_>) -> Result<EventV1<'static>, Unfit> {
    columns::event(row.map(|value| value.map(Value::into_owned)))
}

/// From where [`tail`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The first event there is.
    Oldest,
    /// As many of the newest as asked for.
    Newest,
    /// After this place: what an earlier page gave.
    After(Cursor),
}

/// Some events, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The events, oldest first.
    pub events: Vec<EventV1<'static>>,
    /// Where the next page begins; `None` while there is no event at all. A page without events but with another cursor
    /// than before means that there is more to look through.
    pub cursor: Option<Cursor>,
    /// Records that could not be read.
    pub unreadable: u64,
}

/// Reads at most `limit` events that pass the filter. To follow the log, ask again [`Since::After`] the page's cursor.
///
/// # Errors
/// When a file cannot be read.
pub fn tail(directory: &Path, filter: &Filter, since: &Since, limit: usize) -> Result<Page, ReadError> {
    let begin = match since {
        Since::Newest => return newest(directory, filter, limit),
        Since::Oldest => Cursor::default(),
        Since::After(cursor) => *cursor,
    };
    let mut page = Page { events: Vec::new(), cursor: None, unreadable: 0 };
    let parts = parts(directory)?;
    if parts.is_empty() || limit == 0 {
        page.cursor = (begin != Cursor::default()).then_some(begin);
        return Ok(page);
    }
    page.cursor = Some(begin);
    let mut budget = PAGE_BYTES_MAX;
    for part in parts.iter().filter(|part| part.until > begin.seq.saturating_add(1)) {
        if !part.forward(directory, &mut page, filter, limit, &mut budget)? {
            break;
        }
    }
    Ok(page)
}

/// Whether a directory holds an event log, empty or not.
#[must_use]
pub fn is_log(directory: &Path) -> bool {
    directory.join(LOCK_NAME).exists()
        || hot::names(directory).is_ok_and(|names| !names.is_empty())
        || segment::names(&directory.join(SEGMENTS)).is_ok_and(|names| !names.is_empty())
}

/// A file of the log, and which events of it count.
pub(crate) struct Part {
    pub(crate) file: PartFile,
    /// The number of the first event of the next file.
    pub(crate) until: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartFile {
    Tail(TailName),
    Segment(SegmentName),
}

impl PartFile {
    pub(crate) const fn first_seq(self) -> u64 {
        match self {
            Self::Tail(name) => name.first_seq,
            Self::Segment(name) => name.first_seq,
        }
    }
}

/// The files of the log, oldest first. Of a tail that is sealed already, the segment.
pub(crate) fn parts(directory: &Path) -> Result<Vec<Part>, ReadError> {
    let failed = |source| ReadError { path: directory.to_owned(), source };
    // The tails first: what is sealed between the two looks is then found twice, and not missed.
    let tails = hot::names(directory).map_err(failed)?;
    let mut files: Vec<PartFile> = segment::names(&directory.join(SEGMENTS)).map_err(failed)?.into_iter().map(PartFile::Segment).collect();
    files.extend(tails.into_iter().map(PartFile::Tail));
    files.sort_by_key(|file| file.first_seq());
    files.dedup_by_key(|file| file.first_seq());
    let next = files.iter().skip(1).map(|file| file.first_seq()).chain([u64::MAX]).collect::<Vec<_>>();
    Ok(files.into_iter().zip(next).map(|(file, until)| Part { file, until }).collect())
}

impl Part {
    /// Takes the events after the page's cursor in. `false`: the page is full.
    fn forward(&self, directory: &Path, page: &mut Page, filter: &Filter, limit: usize, budget: &mut u64) -> Result<bool, ReadError> {
        match self.file {
            PartFile::Tail(name) => {
                let path = directory.join(name.to_string());
                let before = page.cursor;
                let goes_on = self.forward_in_tail(name, &path, page, filter, limit, budget)?;
                if page.cursor == before && sealed_meanwhile(&path) {
                    return page.take_segment(&segment_of(directory, name), filter, limit, self.until);
                }
                Ok(goes_on)
            }
            PartFile::Segment(name) => page.take_segment(&directory.join(SEGMENTS).join(name.to_string()), filter, limit, self.until),
        }
    }

    fn forward_in_tail(
        &self,
        name: TailName,
        path: &Path,
        page: &mut Page,
        filter: &Filter,
        limit: usize,
        budget: &mut u64,
    ) -> Result<bool, ReadError> {
        let after = page.cursor.unwrap_or_default();
        let hinted = after.next.filter(|(hinted, _)| *hinted == name).map(|(_, offset)| offset);
        let read = |offset| read_from(path, offset, *budget).map_err(|source| ReadError { path: path.to_owned(), source });
        let (base, bytes) = match hinted {
            Some(offset) => (offset, read(offset)?),
            None => (0, read(0)?),
        };
        if hinted.is_some() && !bytes.is_empty() && !frame_at(&bytes, 0).is_some_and(|frame| follows(&frame, after.seq)) {
            page.cursor = Some(Cursor::after(after.seq));
            return self.forward_in_tail(name, path, page, filter, limit, budget);
        }
        let mut goes_on = true;
        let mut read = 0_u64;
        let mut take = |frame: &Frame<'_>, page: &mut Page| {
            let end = base.saturating_add(u64::try_from(frame.end).unwrap_or(u64::MAX));
            read = end.saturating_sub(base);
            goes_on = page.consider(frame, filter, limit, self.until, (name, end)) && read < *budget;
            goes_on
        };
        if hinted.is_some() {
            let mut at = 0;
            while let Some(frame) = frame_at(&bytes, at) {
                at = frame.end;
                if !take(&frame, page) {
                    break;
                }
            }
            // What was not read of this tail comes before what the next one holds.
            goes_on &= u64::try_from(bytes.len()).unwrap_or(u64::MAX) < *budget;
        } else if let Ok(tail) = Tail::read(&bytes) {
            if tail.frames().all(|frame| take(&frame, page)) && tail.damaged {
                page.unreadable += 1;
                let _all = tail.behind_damage().iter().all(|frame| take(frame, page));
            }
        } else {
            page.unreadable += 1;
        }
        *budget = budget.saturating_sub(read);
        Ok(goes_on)
    }
}

fn follows(frame: &Frame<'_>, seq_before: u64) -> bool {
    frame.record.row().ok().and_then(|row| seq(&row)).is_some_and(|seq| seq == seq_before.saturating_add(1))
}

fn read_from(path: &Path, offset: u64, budget: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match plain::open_through(path) {
        // Sealed and gone since the directory was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(mut file) if offset > 0 => {
            file.seek(SeekFrom::Start(offset))?;
            file.take(budget).read_to_end(&mut bytes)?;
        }
        // A tail is bounded, and has to be followed from its begin.
        Ok(mut file) => {
            file.read_to_end(&mut bytes)?;
        }
    }
    Ok(bytes)
}

impl Page {
    /// Takes one record in; `false` once there are enough.
    fn consider(&mut self, frame: &Frame<'_>, filter: &Filter, limit: usize, until: u64, next: (TailName, u64)) -> bool {
        let after = self.cursor.unwrap_or_default();
        let Some(row) = frame.leaf().and_then(|_| frame.record.row().ok()) else {
            self.unreadable += 1;
            return true;
        };
        let Some(seq) = seq(&row).filter(|seq| *seq < until) else { return true };
        if seq <= after.seq {
            return true;
        }
        self.cursor = Some(Cursor { seq, next: Some(next) });
        if filter.admits(&row) {
            self.keep(event_of(row));
        }
        self.events.len() < limit
    }

    /// Takes events of a segment in; `false` once there are enough.
    fn take_segment(&mut self, path: &Path, filter: &Filter, limit: usize, until: u64) -> Result<bool, ReadError> {
        let after = self.cursor.unwrap_or_default().seq;
        let Some(segment) = open(path)? else { return Ok(true) };
        let segment = match segment {
            Ok(segment) => segment,
            Err(error) => {
                self.unreadable += passed_over(error)?;
                return Ok(true);
            }
        };
        let last = segment.first_seq().saturating_add(segment.events()).min(until).saturating_sub(1);
        let room = limit.saturating_sub(self.events.len()).min(PAGE_EVENTS_MAX);
        let wanted = Wanted { seq: after.saturating_add(1)..=last, limit: room, ..filter.wanted(Order::Oldest) };
        let found = match segment.find(&wanted) {
            Ok(found) => found,
            Err(error) => {
                self.unreadable += passed_over(error)?;
                self.cursor = Some(Cursor::after(last.max(after)));
                return Ok(true);
            }
        };
        let is_all = found.records.len() < room;
        let reached = if is_all { Some(last) } else { found.records.last().and_then(|record| seq(&record.row)) };
        self.cursor = Some(Cursor::after(reached.unwrap_or(after).max(after)));
        for record in found.records {
            if filter.admits(&record.row) {
                self.keep(record.event());
            }
        }
        Ok(is_all && self.events.len() < limit)
    }

    fn keep(&mut self, event: Result<EventV1<'static>, Unfit>) {
        match event {
            Ok(event) => self.events.push(event),
            Err(_) => self.unreadable += 1,
        }
    }
}

impl Filter {
    /// What a segment can be asked for of this; the rest [`Filter::admits`] looks at.
    fn wanted(&self, order: Order) -> Wanted {
        let column = |column, wanted: &Option<Box<str>>| wanted.as_deref().and_then(|text| Predicate::text(column, text));
        let code = self.code.as_ref().filter(|code| code.contains('.') && !stands_for_others(code)).cloned();
        let all: Vec<Predicate> =
            [column("identity", &self.identity), column("api", &self.api), column("response", &self.response), column("code", &code)]
                .into_iter()
                .flatten()
                .collect();
        Wanted { either: if all.is_empty() { Vec::new() } else { vec![all] }, order, ..Wanted::default() }
    }
}

/// The newest events that pass, from the end of the newest file backwards.
fn newest(directory: &Path, filter: &Filter, limit: usize) -> Result<Page, ReadError> {
    let mut page = Page { events: Vec::new(), cursor: None, unreadable: 0 };
    for part in parts(directory)?.iter().rev() {
        let more = match part.file {
            PartFile::Tail(name) => {
                let path = directory.join(name.to_string());
                let before = (page.events.len(), page.unreadable);
                let more = page.take_tail_backwards(name, &path, filter, limit, part.until)?;
                if (page.events.len(), page.unreadable) == before && sealed_meanwhile(&path) {
                    page.take_segment_backwards(&segment_of(directory, name), filter, limit, part.until)?
                } else {
                    more
                }
            }
            PartFile::Segment(name) => {
                page.take_segment_backwards(&directory.join(SEGMENTS).join(name.to_string()), filter, limit, part.until)?
            }
        };
        if !more {
            break;
        }
    }
    page.events.reverse();
    Ok(page)
}

impl Page {
    fn take_tail_backwards(&mut self, name: TailName, path: &Path, filter: &Filter, limit: usize, until: u64) -> Result<bool, ReadError> {
        let mut more = true;
        let unreadable = backwards(path, until, |row, end| {
            let newest = seq(&row).unwrap_or_default();
            self.cursor.get_or_insert(Cursor { seq: newest, next: Some((name, end)) });
            more = self.events.len() < limit;
            if more && filter.admits(&row) {
                self.keep(event_of(row));
            }
            more
        })?;
        self.unreadable += unreadable;
        Ok(more)
    }

    fn take_segment_backwards(&mut self, path: &Path, filter: &Filter, limit: usize, until: u64) -> Result<bool, ReadError> {
        let Some(segment) = open(path)? else { return Ok(true) };
        let segment = match segment {
            Ok(segment) => segment,
            Err(error) => {
                self.unreadable += passed_over(error)?;
                return Ok(true);
            }
        };
        let mut last = segment.first_seq().saturating_add(segment.events()).min(until).saturating_sub(1);
        self.cursor.get_or_insert(Cursor::after(last));
        while self.events.len() < limit {
            let room = limit.saturating_sub(self.events.len()).min(PAGE_EVENTS_MAX);
            let wanted = Wanted { seq: segment.first_seq()..=last, limit: room, ..filter.wanted(Order::Newest) };
            let found = match segment.find(&wanted) {
                Ok(found) => found,
                Err(error) => {
                    self.unreadable += passed_over(error)?;
                    return Ok(true);
                }
            };
            let oldest = found.records.last().and_then(|record| seq(&record.row));
            let is_all = found.records.len() < room;
            for record in found.records {
                if filter.admits(&record.row) {
                    self.keep(record.event());
                }
            }
            match oldest.and_then(|oldest| oldest.checked_sub(1)) {
                Some(before) if !is_all && before >= segment.first_seq() => last = before,
                _ => return Ok(self.events.len() < limit),
            }
        }
        Ok(false)
    }
}

/// Gives each record of a tail to `take`, the last first, as long as it says so. Gives how many could not be read.
pub(crate) fn backwards(path: &Path, until: u64, mut take: impl FnMut(Row<'_>, u64) -> bool) -> Result<u64, ReadError> {
    let bytes = read_from(path, 0, u64::MAX).map_err(|source| ReadError { path: path.to_owned(), source })?;
    let Ok(tail) = Tail::read(&bytes) else { return Ok(1) };
    let mut unreadable = u64::from(tail.damaged);
    let frames: Vec<Frame<'_>> = tail.frames().chain(tail.behind_damage()).collect();
    for frame in frames.iter().rev() {
        let Some(row) = frame.leaf().and_then(|_| frame.record.row().ok()) else {
            unreadable += 1;
            continue;
        };
        let counts = seq(&row).is_some_and(|seq| seq < until);
        if counts && !take(row, u64::try_from(frame.end).unwrap_or(u64::MAX)) {
            break;
        }
    }
    Ok(unreadable)
}

/// The event of a request; the last one, if a stream has several.
///
/// # Errors
/// When a file cannot be read.
pub fn find(directory: &Path, request: RequestId) -> Result<Option<EventV1<'static>>, ReadError> {
    let wanted = request.to_string();
    let mut found = None;
    for part in parts(directory)?.iter().rev() {
        match part.file {
            PartFile::Tail(name) => {
                let path = directory.join(name.to_string());
                backwards(&path, part.until, |row, _| {
                    if text(&row, "request_id") == Some(&*wanted) {
                        found = event_of(row).ok();
                    }
                    found.is_none()
                })?;
                if found.is_none() && sealed_meanwhile(&path) {
                    found = find_in(&segment_of(directory, name), &wanted)?;
                }
            }
            PartFile::Segment(name) => found = find_in(&directory.join(SEGMENTS).join(name.to_string()), &wanted)?,
        }
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

fn find_in(path: &Path, request: &str) -> Result<Option<EventV1<'static>>, ReadError> {
    let predicate = Predicate::text("request_id", request);
    let wanted = Wanted { either: vec![predicate.into_iter().collect()], order: Order::Newest, limit: 1, ..Wanted::default() };
    let found = open(path)?.map(|segment| segment.and_then(|segment| segment.find(&wanted)));
    let record = match found.transpose() {
        Ok(found) => found.and_then(|found| found.records.into_iter().next()),
        Err(error) => {
            passed_over(error)?;
            None
        }
    };
    Ok(record.and_then(|record| record.event().ok()))
}

#[cfg(test)]
mod tests;
