//! What belongs to a subject in one log: its files are gone through from one end, several segments at a time.
//!
//! Of segments that stand side by side it is first looked where the wanted events are, in all at once, then those are read. Where
//! anything of that fails, the same segments are gone through once more, one after the other: so damage is met, counted and
//! passed over as if nothing had been done at once.

use super::LeftOut;
use crate::{
    columns::{self, Unfit, Value},
    directory::SEGMENTS,
    event_v1::EventV1,
    hands,
    hot::TailName,
    reading::{Part, PartFile, ReadError, backwards, event_of, open, parts, passed_over},
    segment::{
        Segment, SegmentName,
        find::{Order, Places, Wanted},
    },
};
use std::{
    num::NonZeroUsize,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
};

/// Segments that are looked into at once at most, for each hand: the footer of each is held meanwhile.
const SEGMENTS_EACH: usize = 4;

/// What is found in one log.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) events: Vec<EventV1<'static>>,
    pub(super) unreadable: u64,
    /// Whose log it is, as far as it was read.
    edge: Option<String>,
    /// The first and the last number of events that are in no file.
    gaps: Vec<(u64, u64)>,
}

impl Gathered {
    /// Takes in the wanted events of a log, from the end that is asked for.
    pub(super) fn gather(&mut self, hands: NonZeroUsize, directory: &Path, wanted: &Wanted) -> Result<(), ReadError> {
        let mut files = parts(directory)?;
        if wanted.order == Order::Newest {
            files.reverse();
        }
        let mut files = files.as_slice();
        // What is busy is found in the first segment, what is rare takes all of them.
        let mut at_once = 1;
        while let Some(part) = files.first() {
            let left = wanted.limit.saturating_sub(self.events.len());
            if left == 0 {
                break;
            }
            let segments = files.iter().take(at_once).take_while(|part| matches!(part.file, PartFile::Segment(_))).count();
            let (now, next) = files.split_at_checked(segments.max(1)).unwrap_or((files, &[]));
            files = next;
            match part.file {
                PartFile::Segment(_) => {
                    self.take_segments(hands, directory, now, wanted, left)?;
                    at_once = (at_once * 2).min(hands.get() * SEGMENTS_EACH);
                }
                PartFile::Tail(name) => self.take_tail_or_segment(directory, name, wanted, left, part.until)?,
            }
        }
        Ok(())
    }

    /// Takes in what is in a tail, or in the segment that it became meanwhile.
    fn take_tail_or_segment(
        &mut self,
        directory: &Path,
        name: TailName,
        wanted: &Wanted,
        left: usize,
        until: u64,
    ) -> Result<(), ReadError> {
        let (tail, segment) = (directory.join(name.to_string()), segment_file(directory, name.first_seq));
        let before = (self.events.len(), self.unreadable, self.gaps.len());
        self.take_tail(&tail, wanted, left, until)?;
        // Sealed since the directory was looked at: the segment is there before the tail goes.
        if !tail.exists() && segment.exists() {
            self.events.truncate(before.0);
            self.unreadable = before.1;
            self.gaps.truncate(before.2);
            self.take_segment(&segment, wanted, left, name.first_seq..until)?;
        }
        Ok(())
    }

    /// Takes in what is in segments that stand side by side.
    fn take_segments(
        &mut self,
        hands: NonZeroUsize,
        directory: &Path,
        segments: &[Part],
        wanted: &Wanted,
        left: usize,
    ) -> Result<(), ReadError> {
        if let Some(found) = Found::at_once(hands, directory, segments, wanted, left) {
            for (edge, end, until) in found.looked {
                self.edge = Some(edge);
                self.note_gap(end, until);
            }
            self.unreadable += found.unfit;
            self.events.extend(found.events);
            return Ok(());
        }
        let most = self.events.len().saturating_add(left);
        for part in segments {
            let left = most.saturating_sub(self.events.len());
            if left == 0 {
                break;
            }
            self.take_segment(&segment_file(directory, part.file.first_seq()), wanted, left, part.file.first_seq()..part.until)?;
        }
        Ok(())
    }

    /// What is missing, side by side as one.
    pub(super) fn left_out(&mut self) -> Vec<LeftOut> {
        let edge = self.edge.clone().unwrap_or_default();
        self.gaps.sort_unstable();
        let mut left_out: Vec<LeftOut> = Vec::new();
        for (first, last) in self.gaps.drain(..) {
            match left_out.last_mut() {
                Some(before) if before.last.saturating_add(1) >= first => before.last = before.last.max(last),
                _ => left_out.push(LeftOut { edge: edge.clone(), first, last }),
            }
        }
        left_out
    }

    /// Notes what is missing between the end of a file (the number after its last event) and the begin of the next one.
    fn note_gap(&mut self, end: u64, until: u64) {
        if until != u64::MAX && end < until {
            self.gaps.push((end, until - 1));
        }
    }

    fn take_tail(&mut self, path: &Path, wanted: &Wanted, left: usize, until: u64) -> Result<(), ReadError> {
        let mut events = Vec::new();
        let newest = wanted.order == Order::Newest;
        let mut newest_seq = None;
        let edge = columns::number("edge");
        let unreadable = backwards(path, until, |row, _| {
            if let Some(Value::Int(seq)) = row.first().and_then(Option::as_ref) {
                newest_seq.get_or_insert(u64::try_from(*seq).unwrap_or_default());
            }
            if let (None, Some(Some(Value::Text(edge)))) = (&self.edge, edge.and_then(|at| row.get(at))) {
                self.edge = Some(edge.to_string());
            }
            if wanted.holds_in(&row) {
                events.push(event_of(row));
            }
            !(newest && events.len() >= left)
        })?;
        self.unreadable += unreadable;
        // Of a tail that is damaged it is not known where it ends: that it is damaged is said.
        if let (Some(seq), 0) = (newest_seq, unreadable) {
            self.note_gap(seq.saturating_add(1), until);
        }
        if !newest {
            events.reverse();
        }
        events.into_iter().take(left).for_each(|event| self.keep(event));
        Ok(())
    }

    fn take_segment(&mut self, path: &Path, wanted: &Wanted, left: usize, events: Range<u64>) -> Result<(), ReadError> {
        let Some(segment) = open(path)? else { return Ok(()) };
        let until = events.end;
        let wanted = Wanted { limit: left, seq: 0..=until.saturating_sub(1), ..wanted.clone() };
        if let Ok(segment) = &segment {
            self.edge = Some(segment.edge().to_owned());
            self.note_gap(segment.first_seq().saturating_add(segment.events()), until);
        }
        match segment.and_then(|segment| segment.find(&wanted)) {
            Ok(found) => found.records.into_iter().for_each(|record| self.keep(record.event())),
            Err(error) => {
                self.unreadable += passed_over(error)?;
                // All of it: nobody can say how far it could be read.
                self.gaps.retain(|(first, _)| !events.contains(first));
                self.note_gap(events.start, until);
            }
        }
        Ok(())
    }

    fn keep(&mut self, event: Result<EventV1<'static>, Unfit>) {
        match event {
            Ok(event) => self.events.push(event),
            Err(_) => self.unreadable += 1,
        }
    }
}

fn segment_file(directory: &Path, first_seq: u64) -> PathBuf {
    directory.join(SEGMENTS).join(SegmentName { first_seq }.to_string())
}

/// What several segments hold, all of which could be read.
#[derive(Debug, Default)]
struct Found {
    events: Vec<EventV1<'static>>,
    /// Records that are no events.
    unfit: u64,
    /// Of the segments that had to be looked into: whose they are, the number after the last event, and the next file's first.
    looked: Vec<(String, u64, u64)>,
}

impl Found {
    /// `None`: something could not be read.
    fn at_once(hands: NonZeroUsize, directory: &Path, segments: &[Part], wanted: &Wanted, left: usize) -> Option<Self> {
        let look = |part: &Part| -> Option<Option<(Segment, Places, u64)>> {
            let Some(segment) = open(&segment_file(directory, part.file.first_seq())).ok()? else { return Some(None) };
            let segment = segment.ok()?;
            let places = segment.places(&Wanted { limit: left, seq: 0..=part.until.saturating_sub(1), ..wanted.clone() }).ok()?;
            Some(Some((segment, places, part.until)))
        };
        let mut opened = Vec::with_capacity(segments.len());
        let (mut sound, mut places_left) = (true, left);
        hands::in_order(hands, segments, look, |looked| {
            let Some(looked) = looked else {
                sound = false;
                return ControlFlow::Break(());
            };
            places_left = places_left.saturating_sub(looked.as_ref().map_or(0, |(_, places, _)| places.events));
            opened.extend(looked);
            if places_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .ok()?;
        if !sound {
            return None;
        }
        let mut found = Self::default();
        let mut groups = Vec::new();
        for (segment, places, until) in &opened {
            found.looked.push((segment.edge().to_owned(), segment.first_seq().saturating_add(segment.events()), *until));
            groups.extend(places.groups.iter().map(|(group, rows)| (segment, *group, rows.as_slice())));
        }
        let read = |(segment, group, rows): &(&Segment, usize, &[usize])| -> Option<Vec<Option<EventV1<'static>>>> {
            let events = segment.events_at(*group, rows, wanted.order).ok()?;
            Some(events.into_iter().map(|event| event.event().ok()).collect())
        };
        let mut left = left;
        hands::in_order(hands, &groups, read, |read| {
            let Some(events) = read else {
                sound = false;
                return ControlFlow::Break(());
            };
            for event in events.into_iter().take(left) {
                left -= 1;
                match event {
                    Some(event) => found.events.push(event),
                    None => found.unfit += 1,
                }
            }
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .ok()?;
        sound.then_some(found)
    }
}
