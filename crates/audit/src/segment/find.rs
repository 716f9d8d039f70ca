//! Looking for some events of a segment. Row groups that cannot hold any are not read: statistics and bloom filters say so. Of
//! the others, the columns asked about are read first, and the rest only for the rows that are wanted.
//!
//! Statistics and filters are not proven by anything but the hash of the file: they are there to be quick.

use super::{Segment, SegmentError, Stored, arrays::Rows, read::guarded};
use crate::columns::{COLUMNS, Type, Value, number};
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
        fits.then_some(Self { column, value })
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
    pub fn holds_in(&self, row: &crate::columns::Row<'_>) -> bool {
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
    pub fn holds_in(&self, row: &crate::columns::Row<'_>) -> bool {
        self.holds(|column| row.get(column).and_then(Option::as_ref).cloned())
    }

    fn holds<'v>(&self, mut value: impl FnMut(usize) -> Option<Value<'v>>) -> bool {
        let whole = |value: Option<Value<'_>>| if let Some(Value::Int(number)) = value { Some(number) } else { None };
        let seq = |seq: i64| u64::try_from(seq).is_ok_and(|seq| self.seq.contains(&seq));
        whole(value(SEQ)).is_some_and(seq)
            && whole(value(TIME)).is_some_and(|time| self.time_us.contains(&time))
            && (self.either.is_empty()
                || self.either.iter().any(|all| all.iter().all(|predicate| predicate.holds(value(predicate.column).as_ref()))))
    }

    /// The columns that have to be looked at.
    fn columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.either.iter().flatten().map(|predicate| predicate.column).collect();
        columns.extend([SEQ, TIME]);
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

/// The columns that every question is about: `seq` and `time`.
const SEQ: usize = 0;
const TIME: usize = 1;

/// What was found, and what it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The records, in the order asked for.
    pub records: Vec<Stored>,
    /// How many row groups had to be read.
    pub groups_read: usize,
}

impl Segment {
    /// Looks for events. A row group is read when it may hold one of them, and only until there are enough.
    ///
    /// # Errors
    /// When what has to be read cannot be, or holds what no record is.
    pub fn find(&self, wanted: &Wanted) -> Result<Found, SegmentError> {
        let mut found = Found::default();
        let groups = 0..self.groups();
        let groups: Box<dyn Iterator<Item = usize>> = match wanted.order {
            Order::Oldest => Box::new(groups),
            Order::Newest => Box::new(groups.rev()),
        };
        for group in groups {
            if found.records.len() >= wanted.limit {
                break;
            }
            if let Some(here) = self.narrowed(group, wanted)? {
                found.groups_read += 1;
                let left = wanted.limit - found.records.len();
                found.records.append(&mut self.find_in(group, &here, left)?);
            }
        }
        Ok(found)
    }

    /// The wanted events of one row group.
    fn find_in(&self, group: usize, wanted: &Wanted, limit: usize) -> Result<Vec<Stored>, SegmentError> {
        let known = self.known();
        let roots = wanted.columns().into_iter().filter(|column| *column < known);
        let mask = ProjectionMask::roots(self.metadata().parquet_schema(), roots);
        let batch = self.read(group, &mask, None)?;
        let bad = |row, wrong| SegmentError::Row { path: self.path().to_owned(), group, row, wrong };
        let rows = Rows::of(&batch).map_err(|wrong| bad(0, wrong))?;
        let mut wrong = None;
        let mut holds = |row: &usize| {
            wanted.holds(|column| {
                rows.value(*row, column).unwrap_or_else(|found| {
                    wrong.get_or_insert((*row, found));
                    None
                })
            })
        };
        let mut matching: Vec<usize> = match wanted.order {
            Order::Oldest => (0..rows.len()).filter(&mut holds).take(limit).collect(),
            Order::Newest => (0..rows.len()).rev().filter(&mut holds).take(limit).collect(),
        };
        if let Some((row, wrong)) = wrong {
            return Err(bad(row, wrong));
        }
        if wanted.order == Order::Newest {
            matching.reverse();
        }
        if matching.is_empty() {
            return Ok(Vec::new());
        }
        let batch = self.read(group, &ProjectionMask::all(), Some(selected(&matching)))?;
        let mut records = self.stored(group, &batch)?;
        if wanted.order == Order::Newest {
            records.reverse();
        }
        Ok(records)
    }

    /// What is wanted of a row group: only of what it may hold, so that no other column is read. `None`: nothing.
    fn narrowed(&self, group: usize, wanted: &Wanted) -> Result<Option<Wanted>, SegmentError> {
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
            Ok((wanted.either.is_empty() || !either.is_empty()).then(|| Wanted {
                either,
                time_us: wanted.time_us.clone(),
                seq: wanted.seq.clone(),
                ..*wanted
            }))
        })
    }

    fn chunk_may_hold(&self, chunk: &ColumnChunkMetaData, predicate: &Predicate) -> bool {
        let Some(statistics) = chunk.statistics() else { return self.filter_may_hold(chunk, predicate) };
        if statistics.null_count_opt().is_some_and(|nulls| i64::try_from(nulls) == Ok(chunk.num_values())) {
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
        // A filter that cannot be read hides nothing.
        Sbbf::read_from_column_chunk(chunk, self.input()).ok().flatten().is_none_or(|filter| filter.check(&**text))
    }
}

fn bytes_may_be(statistics: &Statistics, wanted: &[u8]) -> bool {
    statistics.min_bytes_opt().is_none_or(|least| least <= wanted) && statistics.max_bytes_opt().is_none_or(|greatest| wanted <= greatest)
}

fn ints_may_be(statistics: &Statistics, wanted: &RangeInclusive<i64>) -> bool {
    let Statistics::Int64(found) = statistics else { return true };
    found.min_opt().is_none_or(|least| least <= wanted.end()) && found.max_opt().is_none_or(|greatest| wanted.start() <= greatest)
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
