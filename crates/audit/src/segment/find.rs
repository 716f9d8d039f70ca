//! Looking for some events of a segment. Row groups that cannot hold any are not read: statistics and bloom filters say so. Of
//! the others, the columns asked about are read first, and the rest only for the rows that are wanted; what has one value throughout
//! is not read at all, but taken from the statistics.
//!
//! Statistics and filters are not proven by anything but the hash of the file: they are there to be quick.

mod filter;

use super::{
    BadRow, Segment, SegmentError, Stored,
    arrays::{Cells, Rows, unfit},
    fields::ERASED,
    read::guarded,
};
use crate::columns::{COLUMNS, Row, Type, Value, number};
use filter::Bits;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{RowSelection, RowSelector},
    },
    bloom_filter::Sbbf,
    file::{metadata::ColumnChunkMetaData, statistics::Statistics},
};
use std::ops::RangeInclusive;

/// That a column has a value; one of several texts is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    // INVARIANT (column): a number of a column, and a value of its type.
    column: usize,
    value: Value<'static>,
    /// Where a filter has it, for a text.
    bits: Option<Bits>,
}

impl Predicate {
    /// That a column of this name has this value, or has it among its texts. `None`: there is no such column, or it never holds
    /// such a value.
    #[must_use]
    pub fn new(column: &str, value: Value<'static>) -> Option<Self> {
        let column = number(column)?;
        let fits = matches!(
            (COLUMNS.get(column)?.kind, &value),
            (Type::Int | Type::Time, Value::Int(_)) | (Type::Bool, Value::Bool(_)) | (Type::Text | Type::Texts, Value::Text(_))
        );
        let bits = if let Value::Text(text) = &value { Bits::of(text) } else { None };
        fits.then_some(Self { column, value, bits })
    }

    /// That a column of texts has this one.
    #[must_use]
    pub fn text(column: &str, text: &str) -> Option<Self> {
        Self::new(column, Value::Text(text.to_owned().into()))
    }

    /// Whether a value of the column is as wanted.
    #[must_use]
    pub fn holds(&self, found: Option<&Value<'_>>) -> bool {
        match (found, &self.value) {
            (Some(Value::Texts(texts)), Value::Text(wanted)) => texts.contains(wanted),
            (Some(found), wanted) => found == wanted,
            (None, _) => false,
        }
    }

    /// Whether a row is as wanted.
    #[must_use]
    pub fn holds_in(&self, row: &Row<'_>) -> bool {
        self.holds(row.get(self.column).and_then(Option::as_ref))
    }
}

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of one of these, all must hold. None at all: every event is wanted.
    pub either: Vec<Vec<Predicate>>,
    /// Times in microseconds since 1970.
    pub time_us: RangeInclusive<i64>,
    /// Numbers of events.
    pub seq: RangeInclusive<u64>,
    /// Which come first.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

impl Default for Wanted {
    /// All events, the oldest first.
    fn default() -> Self {
        Self { either: Vec::new(), time_us: i64::MIN..=i64::MAX, seq: 0..=u64::MAX, order: Order::Oldest, limit: usize::MAX }
    }
}

impl Wanted {
    /// Whether a row is one of those, limit apart.
    #[must_use]
    pub fn holds_in(&self, row: &Row<'_>) -> bool {
        let whole = |column: usize| match row.get(column) {
            Some(Some(Value::Int(number))) => Some(*number),
            _ => None,
        };
        self.holds_at(whole(SEQ), whole(TIME))
            && (self.either.is_empty() || self.either.iter().any(|all| all.iter().all(|predicate| predicate.holds_in(row))))
    }

    /// Whether the number and the time of an event are wanted.
    fn holds_at(&self, seq: Option<i64>, time_us: Option<i64>) -> bool {
        let seq = seq.and_then(|seq| u64::try_from(seq).ok());
        seq.is_some_and(|seq| self.seq.contains(&seq)) && time_us.is_some_and(|time_us| self.time_us.contains(&time_us))
    }
}

/// The columns that every question is about: `seq` and `time`.
const SEQ: usize = 0;
const TIME: usize = 1;

/// What is wanted of one row group.
struct Narrowed {
    /// As in [`Wanted::either`], without what the row group does not hold.
    either: Vec<Vec<Predicate>>,
    /// Whether numbers and times have to be looked at: else all of them are wanted.
    seq: Option<RangeInclusive<u64>>,
    time_us: Option<RangeInclusive<i64>>,
}

impl Narrowed {
    /// The columns that have to be looked at.
    fn columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.either.iter().flatten().map(|predicate| predicate.column).collect();
        columns.extend(self.seq.as_ref().map(|_| SEQ));
        columns.extend(self.time_us.as_ref().map(|_| TIME));
        if columns.is_empty() {
            columns.push(SEQ);
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

/// What was found, and what it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The records, in the order asked for.
    pub records: Vec<Stored>,
    /// How many row groups had to be read.
    pub groups_read: usize,
}

/// Where the wanted events of a segment stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Row groups in the order asked for, and rows of each in theirs.
    pub(crate) groups: Vec<(usize, Vec<usize>)>,
    /// How many events that are.
    pub(crate) events: usize,
}

impl Segment {
    /// Looks for events. A row group is read when it may hold one of them, and only until there are enough.
    ///
    /// # Errors
    /// When what has to be read cannot be, or holds what no record is.
    pub fn find(&self, wanted: &Wanted) -> Result<Found, SegmentError> {
        let mut records = Vec::new();
        let groups_read = self.look(wanted, |group, rows| {
            records.append(&mut self.at(group, rows, wanted.order)?);
            Ok(())
        })?;
        Ok(Found { records, groups_read })
    }

    /// Where wanted events stand: as [`Self::find`], and no more is read than is asked about.
    pub(crate) fn places(&self, wanted: &Wanted) -> Result<Places, SegmentError> {
        let mut places = Places::default();
        self.look(wanted, |group, rows| {
            places.events += rows.len();
            places.groups.push((group, rows.to_vec()));
            Ok(())
        })?;
        Ok(places)
    }

    /// Shows where wanted events stand, row group by row group, as many as are wanted. Gives how many had to be read.
    fn look(&self, wanted: &Wanted, mut see: impl FnMut(usize, &[usize]) -> Result<(), SegmentError>) -> Result<usize, SegmentError> {
        let (mut left, mut groups_read) = (wanted.limit, 0);
        for turn in 0..self.groups() {
            let group = match wanted.order {
                Order::Oldest => turn,
                Order::Newest => self.groups() - 1 - turn,
            };
            if left == 0 {
                break;
            }
            if let Some(here) = self.narrowed(group, wanted)? {
                groups_read += 1;
                let rows = self.matching(group, &here, wanted.order, left)?;
                left -= rows.len();
                if !rows.is_empty() {
                    see(group, &rows)?;
                }
            }
        }
        Ok(groups_read)
    }

    /// Some records of a row group, in the order asked for. The rows are in theirs.
    pub(crate) fn at(&self, group: usize, rows: &[usize], order: Order) -> Result<Vec<Stored>, SegmentError> {
        let batch = self.read(group, &self.filled(group), Some(selected(rows)))?;
        let mut records = self.stored(group, &batch)?;
        if order == Order::Newest {
            records.reverse();
        }
        Ok(records)
    }

    /// Some records of a row group, in the order asked for. The rows are in theirs. What proves them is not read.
    pub(crate) fn events_at(&self, group: usize, rows: &[usize], order: Order) -> Result<Vec<Stored>, SegmentError> {
        let (columns, constant) = self.varied(group);
        let batch = self.read(group, &columns, Some(selected(rows)))?;
        let mut events = self.stored(group, &batch)?;
        for (column, value) in constant {
            events.iter_mut().filter_map(|event| event.row.get_mut(column)).for_each(|cell| *cell = Some(value.clone()));
        }
        if order == Order::Newest {
            events.reverse();
        }
        Ok(events)
    }

    /// The columns of events in a row group that have more than one value there, with what says that something was erased, and the
    /// value of those that have one.
    fn varied(&self, group: usize) -> (ProjectionMask, Vec<(usize, Value<'static>)>) {
        let metadata = self.metadata();
        let (mut leaves, mut constant) = (Vec::new(), Vec::new());
        let chunks = metadata.metadata().row_groups().get(group).map_or(&[][..], |chunks| chunks.columns());
        // INVARIANT (leading): a column of an event has one leaf, and these are the first ones. Something has to be read to count the rows.
        for (at, (chunk, column)) in chunks.iter().zip(COLUMNS).enumerate().take(self.known()) {
            match chunk.statistics() {
                Some(statistics) if is_null(chunk, statistics) => {}
                Some(statistics) if at != SEQ => match one_value(column.kind, statistics) {
                    Some(value) => constant.push((at, value)),
                    None => leaves.push(at),
                },
                _ => leaves.push(at),
            }
        }
        let is_filled = |chunk: &ColumnChunkMetaData| !chunk.statistics().is_some_and(|statistics| is_null(chunk, statistics));
        let of_erased = |chunk: &ColumnChunkMetaData| chunk.column_path().string() == ERASED;
        leaves.extend(chunks.iter().position(|chunk| of_erased(chunk) && is_filled(chunk)));
        (ProjectionMask::leaves(metadata.parquet_schema(), leaves), constant)
    }

    /// The columns of a row group that are not null throughout: each that is read costs about as much, whatever is in it.
    fn filled(&self, group: usize) -> ProjectionMask {
        let metadata = self.metadata();
        let groups = metadata.metadata().row_groups();
        let is_filled = |chunk: &ColumnChunkMetaData| !chunk.statistics().is_some_and(|statistics| is_null(chunk, statistics));
        let chunks = groups.get(group).into_iter().flat_map(|chunks| chunks.columns()).enumerate();
        ProjectionMask::leaves(metadata.parquet_schema(), chunks.filter(|(_, chunk)| is_filled(chunk)).map(|(leaf, _)| leaf))
    }

    /// The rows of a row group that are wanted events, in their order.
    fn matching(&self, group: usize, wanted: &Narrowed, order: Order, limit: usize) -> Result<Vec<usize>, SegmentError> {
        let known = self.known();
        let roots = wanted.columns().into_iter().filter(|column| *column < known);
        let mask = ProjectionMask::roots(self.metadata().parquet_schema(), roots);
        let batch = self.read(group, &mask, None)?;
        let bad = |(row, wrong)| SegmentError::Row { path: self.path().to_owned(), group, row, wrong };
        let rows = Rows::of(&batch).map_err(|wrong| bad((0, wrong)))?;
        let asked = Asked::of(wanted, &rows);
        let mut wrong = None;
        let mut holds = |row: &usize| {
            asked.hold(*row).unwrap_or_else(|found| {
                wrong.get_or_insert((*row, found));
                false
            })
        };
        let mut matching: Vec<usize> = match order {
            Order::Oldest => (0..rows.len()).filter(&mut holds).take(limit).collect(),
            Order::Newest => (0..rows.len()).rev().filter(&mut holds).take(limit).collect(),
        };
        if order == Order::Newest {
            matching.reverse();
        }
        wrong.map_or(Ok(matching), |wrong| Err(bad(wrong)))
    }

    /// What is wanted of a row group: only of what it may hold, so that no other column is read. `None`: nothing.
    fn narrowed(&self, group: usize, wanted: &Wanted) -> Result<Option<Narrowed>, SegmentError> {
        let first = self.group_first_seq(group);
        let last = first.saturating_add(u64::try_from(self.group_rows(group)).unwrap_or(u64::MAX)).saturating_sub(1);
        if last < *wanted.seq.start() || first > *wanted.seq.end() {
            return Ok(None);
        }
        guarded(self.path(), || {
            let chunks = self.metadata().metadata().row_group(group);
            let may = |predicate: &Predicate| {
                let chunk = (predicate.column < self.known()).then(|| chunks.columns().get(predicate.column)).flatten();
                chunk.is_some_and(|chunk| self.chunk_may_hold(chunk, predicate))
            };
            if !chunks.columns().get(TIME).is_none_or(|chunk| time_may_be(chunk, &wanted.time_us)) {
                return Ok(None);
            }
            let either: Vec<Vec<Predicate>> = wanted.either.iter().filter(|all| all.iter().all(may)).cloned().collect();
            if either.is_empty() && !wanted.either.is_empty() {
                return Ok(None);
            }
            // The numbers of a segment have no gaps.
            let every_seq = wanted.seq.contains(&first) && wanted.seq.contains(&last);
            let every_time = chunks.columns().get(TIME).is_some_and(|chunk| every_time_is(chunk, &wanted.time_us));
            let seq = (!every_seq).then(|| wanted.seq.clone());
            Ok(Some(Narrowed { either, seq, time_us: (!every_time).then(|| wanted.time_us.clone()) }))
        })
    }

    fn chunk_may_hold(&self, chunk: &ColumnChunkMetaData, predicate: &Predicate) -> bool {
        let Some(statistics) = chunk.statistics() else { return self.filter_may_hold(chunk, predicate) };
        if is_null(chunk, statistics) {
            return false;
        }
        let between = match &predicate.value {
            Value::Text(text) => bytes_may_be(statistics, text.as_bytes()),
            Value::Int(number) => ints_may_be(statistics, &(*number..=*number)),
            Value::Bool(_) | Value::Texts(_) => true,
        };
        between && self.filter_may_hold(chunk, predicate)
    }

    fn filter_may_hold(&self, chunk: &ColumnChunkMetaData, predicate: &Predicate) -> bool {
        let Value::Text(text) = &predicate.value else { return true };
        if chunk.bloom_filter_offset().is_none() {
            return true;
        }
        if let Some(held) = predicate.bits.as_ref().and_then(|bits| bits.may_be_in(chunk, self.input())) {
            return held;
        }
        // A filter that cannot be read hides nothing.
        Sbbf::read_from_column_chunk(chunk, self.input()).ok().flatten().is_none_or(|filter| filter.check(&**text))
    }
}

/// Whether a column is null throughout.
fn is_null(chunk: &ColumnChunkMetaData, statistics: &Statistics) -> bool {
    statistics.null_count_opt().is_some_and(|nulls| i64::try_from(nulls) == Ok(chunk.num_values()))
}

/// The only value of a column, where statistics say that it has no other and no null; texts are cut in statistics that are long.
fn one_value(kind: Type, statistics: &Statistics) -> Option<Value<'static>> {
    if statistics.null_count_opt() != Some(0) || statistics.min_bytes_opt() != statistics.max_bytes_opt() {
        return None;
    }
    match (kind, statistics) {
        (Type::Int | Type::Time, Statistics::Int64(found)) => found.min_opt().map(|number| Value::Int(*number)),
        (Type::Bool, Statistics::Boolean(found)) => found.min_opt().map(|whether| Value::Bool(*whether)),
        (Type::Text, Statistics::ByteArray(found)) if found.min_is_exact() && found.max_is_exact() => {
            let text = std::str::from_utf8(found.min_opt()?.data()).ok()?;
            Some(Value::Text(text.to_owned().into()))
        }
        _ => None,
    }
}

/// What is asked of the rows of a batch: its columns are looked up once.
struct Asked<'w, 'b> {
    wanted: &'w Narrowed,
    seq: Option<&'b Cells<'b>>,
    time: Option<&'b Cells<'b>>,
    either: Vec<Vec<(&'w Predicate, Option<&'b Cells<'b>>)>>,
}

impl<'w, 'b> Asked<'w, 'b> {
    fn of(wanted: &'w Narrowed, rows: &'b Rows<'b>) -> Self {
        let cells = |predicate: &'w Predicate| (predicate, rows.cells(predicate.column));
        let either = wanted.either.iter().map(|all| all.iter().map(cells).collect()).collect();
        Self { wanted, seq: rows.cells(SEQ), time: rows.cells(TIME), either }
    }

    /// Whether a row below the batch's length is wanted.
    fn hold(&self, row: usize) -> Result<bool, BadRow> {
        let whole = |cells: Option<&Cells<'_>>| cells.and_then(|cells| cells.whole(row));
        let seq = || whole(self.seq).and_then(|seq| u64::try_from(seq).ok());
        let is_numbered = self.wanted.seq.as_ref().is_none_or(|wanted| seq().is_some_and(|seq| wanted.contains(&seq)));
        let in_time = || self.wanted.time_us.as_ref().is_none_or(|wanted| whole(self.time).is_some_and(|time| wanted.contains(&time)));
        if !is_numbered || !in_time() {
            return Ok(false);
        }
        let mut any = self.either.is_empty();
        for all in &self.either {
            any = any || Self::hold_all(all, row)?;
        }
        Ok(any)
    }

    fn hold_all(all: &[(&Predicate, Option<&Cells<'_>>)], row: usize) -> Result<bool, BadRow> {
        for (predicate, cells) in all {
            let Some(cells) = cells else { return Ok(false) };
            if !cells.hold(row, &predicate.value).map_err(|()| unfit(predicate.column))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn bytes_may_be(statistics: &Statistics, wanted: &[u8]) -> bool {
    statistics.min_bytes_opt().is_none_or(|least| least <= wanted) && statistics.max_bytes_opt().is_none_or(|greatest| wanted <= greatest)
}

fn ints_may_be(statistics: &Statistics, wanted: &RangeInclusive<i64>) -> bool {
    let Statistics::Int64(found) = statistics else { return true };
    found.min_opt().is_none_or(|least| least <= wanted.end()) && found.max_opt().is_none_or(|greatest| wanted.start() <= greatest)
}

/// Whether every time of a column is wanted: it has statistics, and no null.
fn every_time_is(chunk: &ColumnChunkMetaData, wanted: &RangeInclusive<i64>) -> bool {
    let Some(Statistics::Int64(found)) = chunk.statistics() else { return false };
    let within = |time: Option<&i64>| time.is_some_and(|time| wanted.contains(time));
    found.null_count_opt() == Some(0) && within(found.min_opt()) && within(found.max_opt())
}

fn time_may_be(chunk: &ColumnChunkMetaData, wanted: &RangeInclusive<i64>) -> bool {
    chunk.statistics().is_none_or(|statistics| ints_may_be(statistics, wanted))
}

/// Selects rows by their places, which are in order.
fn selected(rows: &[usize]) -> RowSelection {
    let mut next = 0;
    let mut selectors = Vec::with_capacity(rows.len() * 2);
    for row in rows {
        selectors.push(RowSelector::skip(row - next));
        selectors.push(RowSelector::select(1));
        next = row + 1;
    }
    RowSelection::from(selectors)
}
