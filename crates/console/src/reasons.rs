//! Bodies that say nothing but why.

use schemars::JsonSchema;
use serde::Deserialize;

/// Why it is done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonRequest {
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    pub(crate) reason: Option<String>,
}
