//! Rows to arrays, and arrays back to rows.

use super::{
    BadRecord, BadRow,
    fields::{self, ERASED, MARK, SALT, UTC, schema},
};
use crate::{
    canonical::{self, Personal, Record, SALT_BYTES, Salt},
    columns::{COLUMNS, COUNT, Row, Type, Value, number},
    hot::{self, MARK_BYTES, Mark},
    tree::{HASH_BYTES, Hash},
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    builder::{
        ArrayBuilder, BooleanBuilder, FixedSizeBinaryBuilder, Int64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder,
    },
};
use arrow_schema::ArrowError;
use std::{borrow::Cow, ops::Range, sync::Arc};

/// Records as a batch of [`schema`]: what asks the tail of the log in SQL reads it so.
///
/// # Errors
/// When a record's bytes are none.
pub fn batch<'b>(records: impl IntoIterator<Item = Record<'b>>) -> Result<RecordBatch, BadRecord> {
    let mut builders = Builders::new();
    for record in records {
        builders.push(&record.row()?, &record.personal, hot::mark(&record.leaf()))?;
    }
    builders.finish().map_err(|_| BadRecord::Nothing)
}

enum Builder {
    Int(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Texts(ListBuilder<StringBuilder>),
}

impl Builder {
    fn new(kind: Type) -> Self {
        match kind {
            Type::Int => Self::Int(Int64Builder::new()),
            Type::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            Type::Bool => Self::Bool(BooleanBuilder::new()),
            Type::Text => Self::Text(StringBuilder::new()),
            Type::Texts => Self::Texts(ListBuilder::new(StringBuilder::new()).with_field(fields::element())),
        }
    }

    /// `false`: such a column does not hold that.
    fn push(&mut self, value: Option<&Value<'_>>) -> bool {
        match (self, value) {
            (Self::Int(builder), None) => builder.append_null(),
            (Self::Int(builder), Some(Value::Int(number))) => builder.append_value(*number),
            (Self::Time(builder), None) => builder.append_null(),
            (Self::Time(builder), Some(Value::Int(number))) => builder.append_value(*number),
            (Self::Bool(builder), None) => builder.append_null(),
            (Self::Bool(builder), Some(Value::Bool(whether))) => builder.append_value(*whether),
            (Self::Text(builder), None) => builder.append_null(),
            (Self::Text(builder), Some(Value::Text(text))) => builder.append_value(text),
            (Self::Texts(builder), None) => builder.append_null(),
            (Self::Texts(builder), Some(Value::Texts(texts))) if !texts.is_empty() => {
                texts.iter().for_each(|text| builder.values().append_value(text));
                builder.append(true);
            }
            _ => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
        }
    }
}

/// Takes rows, gives batches.
pub(super) struct Builders {
    columns: Vec<Builder>,
    salt: FixedSizeBinaryBuilder,
    mark: FixedSizeBinaryBuilder,
    erased: FixedSizeBinaryBuilder,
}

impl Builders {
    pub(super) fn new() -> Self {
        let fixed = |bytes| FixedSizeBinaryBuilder::new(i32::try_from(bytes).unwrap_or(i32::MAX));
        Self {
            columns: COLUMNS.iter().map(|column| Builder::new(column.kind)).collect(),
            salt: fixed(SALT_BYTES),
            mark: fixed(MARK_BYTES),
            erased: fixed(HASH_BYTES),
        }
    }

    /// How many rows there are since the last batch.
    pub(super) fn rows(&self) -> usize {
        self.mark.len()
    }

    pub(super) fn push(&mut self, row: &Row<'_>, personal: &Personal<'_>, mark: Mark) -> Result<(), BadRecord> {
        for ((builder, value), column) in self.columns.iter_mut().zip(row).zip(COLUMNS) {
            if !builder.push(value.as_ref()) {
                return Err(crate::columns::Unfit(column.name).into());
            }
        }
        let (salt, erased) = match personal {
            Personal::Nothing => (None, None),
            Personal::Clear { salt, .. } => (Some(salt), None),
            Personal::Erased(commitment) => (None, Some(commitment)),
        };
        put(&mut self.salt, salt.map(|salt| &salt[..]));
        put(&mut self.mark, Some(&mark));
        put(&mut self.erased, erased.map(|commitment| &commitment.0[..]));
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let stored: [ArrayRef; 3] = [Arc::new(self.salt.finish()), Arc::new(self.mark.finish()), Arc::new(self.erased.finish())];
        RecordBatch::try_new(schema(), self.columns.iter_mut().map(Builder::finish).chain(stored).collect())
    }
}

/// The lengths are those of the builders' own, so nothing is refused.
fn put(builder: &mut FixedSizeBinaryBuilder, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) if builder.append_value(bytes).is_ok() => (),
        _ => builder.append_null(),
    }
}

/// A column of a batch.
pub(super) enum Cells<'b> {
    Int(&'b Int64Array),
    Time(&'b TimestampMicrosecondArray),
    Bool(&'b BooleanArray),
    Text(&'b StringArray),
    Texts(&'b ListArray, &'b StringArray),
}

impl<'b> Cells<'b> {
    fn of(array: &'b dyn Array, kind: Type) -> Option<Self> {
        let any = array.as_any();
        Some(match kind {
            Type::Int => Self::Int(any.downcast_ref()?),
            Type::Time => Self::Time(any.downcast_ref()?),
            Type::Bool => Self::Bool(any.downcast_ref()?),
            Type::Text => Self::Text(any.downcast_ref()?),
            Type::Texts => {
                let list: &ListArray = any.downcast_ref()?;
                Self::Texts(list, list.values().as_any().downcast_ref()?)
            }
        })
    }

    /// The value of a row below the batch's length. `Err`: it holds what no value is.
    fn value(&self, row: usize) -> Result<Option<Value<'b>>, ()> {
        fn of<'b, A: Array>(array: &'b A, row: usize, value: impl FnOnce(&'b A) -> Value<'b>) -> Option<Value<'b>> {
            array.is_valid(row).then(|| value(array))
        }
        Ok(match *self {
            Self::Int(array) => of(array, row, |array| Value::Int(array.value(row))),
            Self::Time(array) => of(array, row, |array| Value::Int(array.value(row))),
            Self::Bool(array) => of(array, row, |array| Value::Bool(array.value(row))),
            Self::Text(array) => of(array, row, |array| Value::Text(Cow::Borrowed(array.value(row)))),
            Self::Texts(list, texts) => {
                within(list, texts, row)?.map(|within| Value::Texts(within.map(|at| Cow::Borrowed(texts.value(at))).collect()))
            }
        })
    }
}

impl Cells<'_> {
    /// The whole number in a row below the batch's length.
    pub(super) fn whole(&self, row: usize) -> Option<i64> {
        match self {
            Self::Int(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Time(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Bool(_) | Self::Text(_) | Self::Texts(..) => None,
        }
    }

    /// Appends what a row below the batch's length holds, as it is hashed. `Err`: it holds what no value is.
    fn write(&self, row: usize, number: usize, out: &mut Vec<u8>) -> Result<(), ()> {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        match self {
            Self::Int(array) if array.is_valid(row) => canonical::write_int(number, array.value(row), out),
            Self::Time(array) if array.is_valid(row) => canonical::write_int(number, array.value(row), out),
            Self::Bool(array) if array.is_valid(row) => canonical::write_bool(number, array.value(row), out),
            Self::Text(array) if array.is_valid(row) => canonical::write_text(number, array.value(row), out),
            Self::Texts(list, texts) => {
                if let Some(within) = within(list, texts, row)? {
                    canonical::write_texts(number, within.map(|at| texts.value(at)), out);
                }
            }
            Self::Int(_) | Self::Time(_) | Self::Bool(_) | Self::Text(_) => {}
        }
        Ok(())
    }

    /// Whether a row below the batch's length holds a value, or has it among its texts. `Err`: it holds what no value is.
    pub(super) fn hold(&self, row: usize, wanted: &Value<'_>) -> Result<bool, ()> {
        match (self, wanted) {
            (Self::Text(array), Value::Text(wanted)) => Ok(array.is_valid(row) && array.value(row) == &**wanted),
            _ => Ok(match (self.value(row)?, wanted) {
                (Some(Value::Texts(texts)), Value::Text(wanted)) => texts.contains(wanted),
                (Some(found), wanted) => found == *wanted,
                (None, _) => false,
            }),
        }
    }
}

/// Which of the texts are those of a row; `None`: it has none. `Err`: it holds what no value is.
fn within(list: &ListArray, texts: &StringArray, row: usize) -> Result<Option<Range<usize>>, ()> {
    if list.is_null(row) {
        return Ok(None);
    }
    let Some([begin, end]) = list.value_offsets().get(row..row + 2) else { return Err(()) };
    let (Ok(begin), Ok(end)) = (usize::try_from(*begin), usize::try_from(*end)) else { return Err(()) };
    if begin >= end || end > texts.len() || (begin..end).any(|at| texts.is_null(at)) {
        return Err(());
    }
    Ok(Some(begin..end))
}

/// A column of an event that is not null throughout.
struct Filled<'b> {
    number: usize,
    personal: bool,
    cells: Cells<'b>,
}

/// A batch, read as rows of events.
pub(super) struct Rows<'b> {
    len: usize,
    // INVARIANT (order): by number; columns that are null throughout are left out.
    columns: Vec<Filled<'b>>,
    salt: Option<&'b FixedSizeBinaryArray>,
    mark: Option<&'b FixedSizeBinaryArray>,
    erased: Option<&'b FixedSizeBinaryArray>,
}

impl<'b> Rows<'b> {
    /// A batch that has some of the columns of [`schema`].
    pub(super) fn of(batch: &'b RecordBatch) -> Result<Self, BadRow> {
        let mut rows = Self { len: batch.num_rows(), columns: Vec::new(), salt: None, mark: None, erased: None };
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let bytes = || array.as_any().downcast_ref::<FixedSizeBinaryArray>();
            match field.name().as_str() {
                SALT => rows.salt = Some(bytes().ok_or(BadRow::Column(SALT))?),
                MARK => rows.mark = Some(bytes().ok_or(BadRow::Column(MARK))?),
                ERASED => rows.erased = Some(bytes().ok_or(BadRow::Column(ERASED))?),
                name => {
                    let Some((number, column)) = number(name).and_then(|number| Some((number, COLUMNS.get(number)?))) else { continue };
                    if array.null_count() < rows.len {
                        let cells = Cells::of(array, column.kind).ok_or(BadRow::Column(column.name))?;
                        rows.columns.push(Filled { number, personal: column.personal, cells });
                    }
                }
            }
        }
        rows.columns.sort_by_key(|column| column.number);
        Ok(rows)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A column; `None`: it is not in the batch, or null throughout.
    pub(super) fn cells(&self, number: usize) -> Option<&Cells<'b>> {
        let at = self.columns.binary_search_by_key(&number, |column| column.number).ok()?;
        self.columns.get(at).map(|column| &column.cells)
    }

    /// The columns of an event.
    pub(super) fn row(&self, row: usize) -> Result<Row<'b>, BadRow> {
        let mut cells = [const { None }; COUNT];
        if row >= self.len {
            return Err(BadRow::None);
        }
        for Filled { number, cells: column, .. } in &self.columns {
            if let Some(cell) = cells.get_mut(*number) {
                *cell = column.value(row).map_err(|()| unfit(*number))?;
            }
        }
        Ok(cells)
    }

    /// The mark that stands beside a record.
    pub(super) fn mark(&self, row: usize) -> Option<Mark> {
        bytes(self.mark, row)
    }

    /// The number that a record says it has.
    pub(super) fn seq(&self, row: usize) -> Option<i64> {
        self.cells(0).filter(|_| row < self.len)?.whole(row)
    }

    /// What hides the personal columns of a record.
    pub(super) fn salt(&self, row: usize) -> Option<Salt> {
        bytes(self.salt, row)
    }

    /// The commitment to personal columns that were erased.
    pub(super) fn erased(&self, row: usize) -> Option<Hash> {
        bytes(self.erased, row).map(Hash)
    }

    /// The record of a row: its bytes are written to what is lent.
    pub(super) fn record<'s>(&self, at: usize, lent: &'s mut [Vec<u8>; 2]) -> Result<Record<'s>, BadRow> {
        if at >= self.len {
            return Err(BadRow::None);
        }
        let [public, personal] = lent;
        public.clear();
        personal.clear();
        for column in &self.columns {
            let part = if column.personal { &mut *personal } else { &mut *public };
            column.cells.write(at, column.number, part).map_err(|()| unfit(column.number))?;
        }
        let personal = match (personal.is_empty(), self.salt(at), self.erased(at)) {
            (true, None, None) => Personal::Nothing,
            (true, None, Some(commitment)) => Personal::Erased(commitment),
            (false, Some(salt), None) => Personal::Clear { salt, bytes: personal },
            _ => return Err(BadRow::Personal),
        };
        Ok(Record { public, personal })
    }
}

pub(super) fn unfit(number: usize) -> BadRow {
    BadRow::Column(COLUMNS.get(number).map_or("", |column| column.name))
}

fn bytes<const N: usize>(array: Option<&FixedSizeBinaryArray>, row: usize) -> Option<[u8; N]> {
    array.filter(|array| row < array.len() && array.is_valid(row)).and_then(|array| array.value(row).try_into().ok())
}
