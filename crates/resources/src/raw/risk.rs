//! What follows from which risk, of an API and of an identity.

use super::value::{SelectorText, Word};
use crate::yaml::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use std::{borrow::Cow, fmt};
use wardgate_model::{api::Mode, risk::Told};

/// What follows from which risk, 1 to 100.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Risk")]
pub(crate) struct RawRisk {
    /// Whether a risk has consequences; `enforce` unless said. `observe`: it is recorded what would have been done.
    pub(crate) mode: Option<At<Word<Mode>>>,
    /// From this risk on a request waits; by the sensitivity of the API unless said.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) slow: Option<At<u32>>,
    /// From this risk on who can show possession of a key has to; by the sensitivity of the API unless said.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) challenge: Option<At<u32>>,
    /// From this risk on a request is refused; by the sensitivity of the API unless said.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) block: Option<At<u32>>,
    /// From this risk on the identity that calls is quarantined; false unless said, 95 where true.
    pub(crate) quarantine: Option<At<Threshold>>,
}

/// The containment plan of an identity: it comes before what the API says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Containment")]
pub(crate) struct RawContainment {
    /// Whether a risk has consequences; as the API says unless said.
    pub(crate) mode: Option<At<Word<Mode>>>,
    /// From this risk on a request waits.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) slow: Option<At<u32>>,
    /// From this risk on it has to show possession of its key, where it has one.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) challenge: Option<At<u32>>,
    /// From this risk on a request is refused.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) block: Option<At<u32>>,
    /// From this risk on it is quarantined; true is 95, false never.
    pub(crate) quarantine: Option<At<Threshold>>,
    /// Who is told; `[owner]` unless said.
    pub(crate) tell: Option<At<Vec<At<Word<Told>>>>>,
    /// What stays alive whatever the risk: classes, or operations relative to the prefix of their API.
    pub(crate) keep: Option<At<Vec<At<SelectorText>>>>,
}

/// From which risk on; or that it is so, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threshold {
    Whether(bool),
    From(u64),
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Threshold;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false` or a number")
            }

            fn visit_bool<E: Error>(self, whether: bool) -> Result<Threshold, E> {
                Ok(Threshold::Whether(whether))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Threshold, E> {
                Err(E::custom(format!("`{word}` is no threshold\nwrite `true`, `false` or 1 to 100")))
            }

            fn visit_u64<E: Error>(self, from: u64) -> Result<Threshold, E> {
                Ok(Threshold::From(from))
            }

            fn visit_i64<E: Error>(self, from: i64) -> Result<Threshold, E> {
                // What is less than nothing is out of bounds, as nothing is.
                Ok(Threshold::From(u64::try_from(from).unwrap_or(0)))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "boolean" }, { "type": "integer", "minimum": 1, "maximum": 100 }] })
    }
}
