//! Reading a segment: what its footer says at once, records row group by row group.

use super::{
    BadRow, Foreign, GROUP_ROWS, Newer, SegmentError,
    arrays::Rows,
    fields::{MARK, STORED, data_type},
    input::{Input, store_error},
    metadata::{self, Said, Unsaid},
};
use crate::{
    canonical::{Record, Salt},
    columns::{self, COLUMNS, Row, Unfit, Value, number},
    event_v1::EventV1,
    hot::{self, Mark},
    tree::{self, Hash},
};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection},
    },
    errors::ParquetError,
    file::metadata::{PageIndexPolicy, ParquetStatisticsPolicy, RowGroupMetaData},
};
use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A segment's file is at most so many bytes: a segment is sealed long before.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 31;

/// Bytes of a row group that are held in memory at most while single rows are read: it has a few hundred kibibytes.
const GROUP_BYTES_MAX: u64 = 1 << 24;

/// One record of a segment, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its columns.
    pub row: Box<Row<'static>>,
    /// The mark beside it.
    pub mark: Option<Mark>,
    /// What hides what tells of a person: there when something does.
    pub salt: Option<Salt>,
    /// The commitment to what told of a person and was erased.
    pub erased: Option<Hash>,
}

impl Stored {
    /// The event, with word of it where something was erased.
    ///
    /// # Errors
    /// The name of a column that holds what no event can.
    pub fn event(self) -> Result<EventV1<'static>, Unfit> {
        columns::event(*self.row).map(|event| EventV1 { erased: self.erased.is_some(), ..event })
    }
}

/// What a record is in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The number that the record says it has.
    pub seq: Option<i64>,
    /// The hash of what stands there now.
    pub hash: Hash,
    /// The mark of what stood there when it was sealed.
    pub mark: Option<Mark>,
}

impl Leaf {
    /// Whether the record still has its mark.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.mark == Some(hot::mark(&self.hash))
    }
}

/// A segment's file, its footer read. What it says is not proven by it.
#[derive(Debug, Clone)]
pub struct Segment {
    path: PathBuf,
    input: Input,
    metadata: ArrowReaderMetadata,
    // INVARIANT (leading): the first columns of the file are the first so many of an event; a later version's come behind.
    known: usize,
    said: Said,
}

impl Segment {
    /// Opens a segment and reads its footer.
    ///
    /// # Errors
    /// When it cannot be read, is no segment, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        Self::of_input(path, Input::open(path)?)
    }

    /// A segment whose bytes are here already. The path names it in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of(path: &Path, bytes: Vec<u8>) -> Result<Self, SegmentError> {
        Self::of_input(path, Input::memory(bytes))
    }

    fn of_input(path: &Path, input: Input) -> Result<Self, SegmentError> {
        let foreign = |wrong| SegmentError::Foreign { path: path.to_owned(), wrong };
        let bytes = input.bytes();
        if bytes > SEGMENT_BYTES_MAX {
            return Err(foreign(Foreign::Large(bytes)));
        }
        let metadata = guarded(path, || ArrowReaderMetadata::load(&input, options()))?;
        let (known, said) = understood(&metadata).map_err(|unsaid| match unsaid {
            Unsaid::Foreign(wrong) => foreign(wrong),
            Unsaid::Newer(newer) => SegmentError::Newer { path: path.to_owned(), newer },
        })?;
        Ok(Self { path: path.to_owned(), input, metadata, known, said })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The edge whose events it holds, as its footer says.
    #[must_use]
    pub fn edge(&self) -> &str {
        &self.said.edge
    }

    /// Number of its first event.
    #[must_use]
    pub const fn first_seq(&self) -> u64 {
        self.said.first_seq
    }

    /// How many events it holds.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.said.count
    }

    /// How many row groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.said.roots.len()
    }

    /// The roots of the trees over the row groups, as the footer says.
    #[must_use]
    pub fn group_roots(&self) -> &[Hash] {
        &self.said.roots
    }

    /// The root that the footer's roots give. What is in the records is asked of [`Self::root`].
    #[must_use]
    pub fn said_root(&self) -> Hash {
        tree::root(self.said.roots.iter().copied())
    }

    /// Rows of a row group.
    #[must_use]
    pub fn group_rows(&self, group: usize) -> usize {
        let before = group.saturating_mul(GROUP_ROWS);
        usize::try_from(self.said.count).unwrap_or(usize::MAX).saturating_sub(before).min(GROUP_ROWS)
    }

    /// Number of the first event of a row group.
    #[must_use]
    pub fn group_first_seq(&self, group: usize) -> u64 {
        self.said.first_seq.saturating_add(u64::try_from(group.saturating_mul(GROUP_ROWS)).unwrap_or(u64::MAX))
    }

    /// All records of a row group, in their order.
    ///
    /// # Errors
    /// When it cannot be read, or holds what no record is.
    pub fn rows(&self, group: usize) -> Result<Vec<Stored>, SegmentError> {
        let batch = self.read(group, &ProjectionMask::all(), None)?;
        self.stored(group, &batch)
    }

    /// The leaves of a row group, made anew from its columns.
    ///
    /// # Errors
    /// When it cannot be read, or holds what no record is.
    pub fn leaves(&self, group: usize) -> Result<Vec<Leaf>, SegmentError> {
        let mut leaves = Vec::with_capacity(self.group_rows(group));
        self.records(group, |leaf, _| {
            leaves.push(leaf);
            Ok(())
        })?;
        Ok(leaves)
    }

    /// The leaves of a row group, and where a row is none of a record.
    pub(crate) fn leaves_or_not(&self, group: usize) -> Result<Vec<Result<Leaf, BadRow>>, SegmentError> {
        let batch = self.read(group, &ProjectionMask::all(), None)?;
        let rows = Rows::of(&batch).map_err(|wrong| SegmentError::Row { path: self.path.clone(), group, row: 0, wrong })?;
        let mut lent = [Vec::new(), Vec::new()];
        let mut leaf = |at| Ok(Leaf { seq: rows.seq(at), mark: rows.mark(at), hash: rows.record(at, &mut lent)?.leaf() });
        Ok((0..rows.len()).map(&mut leaf).collect())
    }

    /// The root over all records, made anew from the columns.
    ///
    /// # Errors
    /// When it cannot be read, or holds what no record is.
    pub fn root(&self) -> Result<Hash, SegmentError> {
        let mut roots = Vec::with_capacity(self.groups());
        for group in 0..self.groups() {
            roots.push(tree::root(self.leaves(group)?.iter().map(|leaf| leaf.hash)));
        }
        Ok(tree::root(roots))
    }

    /// Shows each record of a row group, in their order.
    pub(crate) fn records(
        &self,
        group: usize,
        mut take: impl FnMut(Leaf, Record<'_>) -> Result<(), SegmentError>,
    ) -> Result<(), SegmentError> {
        let batch = self.read(group, &ProjectionMask::all(), None)?;
        let bad = |row, wrong| SegmentError::Row { path: self.path.clone(), group, row, wrong };
        let rows = Rows::of(&batch).map_err(|wrong| bad(0, wrong))?;
        let mut lent = [Vec::new(), Vec::new()];
        for at in 0..rows.len() {
            let seq = rows.seq(at);
            let mark = rows.mark(at);
            let record = rows.record(at, &mut lent).map_err(|wrong| bad(at, wrong))?;
            take(Leaf { seq, hash: record.leaf(), mark }, record)?;
        }
        Ok(())
    }

    /// The first column of a row group that cannot be read.
    pub(crate) fn damaged_column(&self, group: usize) -> Option<&'static str> {
        let names = COLUMNS.iter().take(self.known).map(|column| column.name).chain(STORED.iter().map(|(name, _)| *name));
        let schema = self.metadata.parquet_schema();
        (0..).zip(names).find(|(at, _)| self.read(group, &ProjectionMask::roots(schema, [*at]), None).is_err()).map(|(_, name)| name)
    }

    pub(super) fn stored(&self, group: usize, batch: &RecordBatch) -> Result<Vec<Stored>, SegmentError> {
        let bad = |row, wrong| SegmentError::Row { path: self.path.clone(), group, row, wrong };
        let rows = Rows::of(batch).map_err(|wrong| bad(0, wrong))?;
        let stored = |at| {
            let row = rows.row(at)?.map(|value| value.map(Value::into_owned));
            Ok(Stored { row: Box::new(row), mark: rows.mark(at), salt: rows.salt(at), erased: rows.erased(at) })
        };
        (0..rows.len()).map(|at| stored(at).map_err(|wrong: BadRow| bad(at, wrong))).collect()
    }

    pub(super) const fn known(&self) -> usize {
        self.known
    }

    pub(super) const fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    pub(super) const fn input(&self) -> &Input {
        &self.input
    }

    /// Some columns of the rows of a row group that are selected, or of all of them.
    pub(super) fn read(
        &self,
        group: usize,
        columns: &ProjectionMask,
        selection: Option<RowSelection>,
    ) -> Result<RecordBatch, SegmentError> {
        let expected = selection.as_ref().map_or_else(|| self.group_rows(group), RowSelection::row_count);
        let wrong = || SegmentError::Foreign { path: self.path.clone(), wrong: Foreign::Groups(self.said.count) };
        if group >= self.groups() {
            return Err(wrong());
        }
        let batch = guarded(&self.path, || {
            // Of single rows little is read of every column.
            let bytes = selection.as_ref().and_then(|_| bytes_of(self.metadata.metadata().row_group(group)));
            let input = bytes.map_or_else(|| Ok(self.input.clone()), |bytes| self.input.holding(&bytes))?;
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(columns.clone())
                .with_batch_size(GROUP_ROWS);
            if let Some(selection) = selection {
                builder = builder.with_row_selection(selection);
            }
            builder.build()?.next().transpose().map_err(ParquetError::from)
        })?;
        match batch {
            Some(batch) if batch.num_rows() == expected => Ok(batch),
            None if expected == 0 => Ok(RecordBatch::new_empty(Arc::clone(self.metadata.schema()))),
            _ => Err(wrong()),
        }
    }
}

/// What is asked of a footer: no page index, and of statistics only those of columns.
fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_page_index_policy(PageIndexPolicy::Skip)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
}

/// Where the columns of a row group lie, when that is not more than a row group has.
fn bytes_of(group: &RowGroupMetaData) -> Option<Range<u64>> {
    let (mut begin, mut end) = (u64::MAX, 0);
    for chunk in group.columns() {
        let first = chunk.dictionary_page_offset().map_or(chunk.data_page_offset(), |offset| offset.min(chunk.data_page_offset()));
        let first = u64::try_from(first).ok()?;
        begin = begin.min(first);
        end = end.max(first.checked_add(u64::try_from(chunk.compressed_size()).ok()?)?);
    }
    end.checked_sub(begin).is_some_and(|length| length <= GROUP_BYTES_MAX).then_some(begin..end)
}

/// The reader of Parquet is not ours, and files are edited by hands that mean harm: where it gives up loudly, we say so.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, SegmentError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(match store_error(&error) {
            Some(said) => SegmentError::Store { path: path.to_owned(), error: said.clone() },
            None => SegmentError::Parquet { path: path.to_owned(), error },
        }),
        Err(_) => Err(SegmentError::Unreadable { path: path.to_owned() }),
    }
}

/// How many columns of an event there are, and what the footer says.
fn understood(metadata: &ArrowReaderMetadata) -> Result<(usize, Said), Unsaid> {
    let parquet = metadata.metadata();
    let said = metadata::read(parquet.file_metadata().key_value_metadata())?;
    let known = columns_of(metadata.schema())?;
    let rows = |group: usize| usize::try_from(said.count).unwrap_or(usize::MAX).saturating_sub(group * GROUP_ROWS).min(GROUP_ROWS);
    let fits = u64::try_from(parquet.file_metadata().num_rows()) == Ok(said.count)
        && parquet.num_row_groups() == said.roots.len()
        && parquet.row_groups().iter().enumerate().all(|(at, group)| usize::try_from(group.num_rows()) == Ok(rows(at)));
    if !fits {
        return Err(Foreign::Groups(said.count).into());
    }
    Ok((known, said))
}

/// The columns have to be those of an event in their order, as many as its version had, and then those of the proof.
fn columns_of(schema: &Schema) -> Result<usize, Unsaid> {
    let fields = schema.fields();
    let known = fields.iter().zip(COLUMNS).take_while(|(field, column)| field.name() == column.name).count();
    let stored = |name: &str| STORED.iter().any(|(stored, _)| *stored == name);
    if let Some(field) = fields.iter().find(|field| number(field.name()).is_none() && !stored(field.name())) {
        return Err(Unsaid::Newer(Newer::Column(field.name().clone())));
    }
    let expected = COLUMNS.iter().take(known).map(|column| (column.name, data_type(column.kind))).chain(STORED.iter().cloned());
    let mut found = fields.iter();
    for (name, kind) in expected {
        match found.next() {
            Some(field) if field.name() == name && same(field.data_type(), &kind) && (name != MARK || !field.is_nullable()) => (),
            Some(field) if field.name() == name => return Err(Foreign::Type(name.to_owned()).into()),
            _ => return Err(Foreign::Missing(COLUMNS.get(known).map_or(name, |column| column.name)).into()),
        }
    }
    match found.next() {
        None => Ok(known),
        Some(field) => Err(Foreign::Twice(field.name().clone()).into()),
    }
}

/// How the elements of a list are called does not matter.
fn same(found: &DataType, expected: &DataType) -> bool {
    match (found, expected) {
        (DataType::List(found), DataType::List(expected)) => found.data_type() == expected.data_type(),
        _ => found == expected,
    }
}
