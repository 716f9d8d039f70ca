//! The schema of a segment: the columns of an event, and three that the proof needs.

use crate::{
    canonical::SALT_BYTES,
    columns::{COLUMNS, Type},
    hot::MARK_BYTES,
    tree::HASH_BYTES,
};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use std::sync::{Arc, LazyLock};

/// What hides the personal columns in the hash of a record: 16 random bytes, null where there is nothing to hide or it was erased.
pub const SALT: &str = "salt";
/// The first bytes of the record's leaf: it names a damaged record.
pub const MARK: &str = "mark";
/// The commitment to personal columns that were erased.
pub const ERASED: &str = "erased";

/// The zone that times are in.
pub(super) const UTC: &str = "UTC";

/// Columns by which events are looked for: they have bloom filters.
pub const SUBJECTS: [&str; 14] = [
    "request_id",
    "trace_id",
    "identity",
    "credential",
    "token",
    "task",
    "source",
    "operation",
    "resource",
    "on_behalf_of",
    "owner",
    "grant_name",
    "change_name",
    "finding_name",
];

/// The schema of every segment that this version writes.
#[must_use]
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let columns = COLUMNS.iter().map(|column| Field::new(column.name, data_type(column.kind), true));
        let stored = STORED.iter().map(|(name, kind)| Field::new(*name, kind.clone(), *name != MARK));
        Arc::new(Schema::new(columns.chain(stored).collect::<Fields>()))
    });
    Arc::clone(&SCHEMA)
}

/// The columns that are none of an event, behind those that are.
pub(super) static STORED: LazyLock<[(&'static str, DataType); 3]> =
    LazyLock::new(|| [(SALT, fixed(SALT_BYTES)), (MARK, fixed(MARK_BYTES)), (ERASED, fixed(HASH_BYTES))]);

fn fixed(bytes: usize) -> DataType {
    DataType::FixedSizeBinary(i32::try_from(bytes).unwrap_or(i32::MAX))
}

/// How a column is held.
pub(super) fn data_type(kind: Type) -> DataType {
    match kind {
        Type::Int => DataType::Int64,
        Type::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        Type::Bool => DataType::Boolean,
        Type::Text => DataType::Utf8,
        Type::Texts => DataType::List(Arc::new(element())),
    }
}

/// One of several texts, named as Parquet names it.
pub(super) fn element() -> Field {
    Field::new("element", DataType::Utf8, false)
}
