//! How an API tells people's sessions from machines.

use super::value::{CookieText, HeaderText, Word};
use crate::yaml::At;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate_model::api::OperationClass;

/// What a person's session looks like, and what it may use. It is the upstream's: the gate neither reads nor believes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "People")]
pub(crate) struct RawPeople {
    /// The cookie that bears it.
    pub(crate) cookie: Option<At<CookieText>>,
    /// The header that bears it.
    pub(crate) header: Option<At<HeaderText>>,
    /// Classes whose operations are open to people unless they say otherwise; none unless said. `bulk`, `admin` and `money` are opened
    /// operation by operation.
    pub(crate) classes: Option<At<Vec<At<Word<OperationClass>>>>>,
}
