//! The one table as the engine sees it: a column for each of [`wardgate_audit::columns::COLUMNS`], by the same name.

use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
};
use std::sync::{Arc, LazyLock};
use wardgate_audit::{columns::COUNT, segment};

/// The columns of the table `events`: those of a segment that tell of the event. What only proofs need comes behind them.
///
/// All may be null: what was not known, or was erased.
#[must_use]
pub fn events() -> SchemaRef {
    static EVENTS: LazyLock<SchemaRef> =
        LazyLock::new(|| Arc::new(Schema::new(segment::schema().fields().iter().take(COUNT).cloned().collect::<Vec<_>>())));
    Arc::clone(&EVENTS)
}

/// A batch of what a segment has, without what only proofs need.
pub(crate) fn of_events(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_new(events(), batch.columns().iter().take(COUNT).cloned().collect())
}

/// Whether a segment may have a column of this name.
pub(crate) fn is_known(name: &str) -> bool {
    segment::schema().column_with_name(name).is_some()
}
