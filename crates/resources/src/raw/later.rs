//! Kinds that are parsed and refused as not yet enforced.

use std::collections::BTreeMap;

/// A kind whose keys are not yet fixed: any mapping.
pub(crate) type RawLater = BTreeMap<String, serde_json::Value>;
