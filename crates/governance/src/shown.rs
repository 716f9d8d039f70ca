//! How values are written in answers: moments as RFC 3339.

use serde::{Serialize, Serializer};
use wardgate_model::time::Time;

/// A moment as RFC 3339, in UTC.
pub(crate) fn moment<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339())
}

/// A moment, or nothing.
pub(crate) fn moment_or_none<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Time::to_rfc3339).serialize(serializer)
}
