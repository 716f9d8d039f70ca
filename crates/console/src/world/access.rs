//! Who can call what: what is asked, and what is told.

use schemars::JsonSchema;
use serde::Serialize;
use wardgate_model::{
    id::{ApiName, IdentityId},
    time::Time,
};

/// A moment that one looks back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After this change of the feed.
    Seq(u64),
    /// At this time.
    Time(Time),
}

/// When access is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// As the gate knows it now.
    Now,
    /// As it was then.
    At(Moment),
    /// What became different from the first to the second; `None`: until now.
    Between(Moment, Option<Moment>),
}

/// Which access to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessQuery {
    /// Only of this identity.
    pub identity: Option<IdentityId>,
    /// Only on this API.
    pub api: Option<ApiName>,
    /// Only to this operation: `METHOD /full/template`, or its id.
    pub operation: Option<Box<str>>,
    /// Denied paths too.
    pub denied: bool,
    /// When.
    pub span: Span,
    /// Where the last page ended.
    pub cursor: Option<Box<str>>,
    /// At most so many.
    pub limit: u32,
}

/// One identity and one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AccessPath {
    /// Who.
    pub identity: String,
    /// On which API.
    pub api: String,
    /// What: the operation's id.
    pub operation: String,
    /// What it does.
    pub class: String,
    /// `allowed`, `conditional` or `denied`, as far as policies go; limits come on top.
    pub answer: String,
    /// The permits (`grant:NAME` for grants); of a denial, who forbids, or empty where nobody permits.
    pub by: Vec<String>,
    /// What a request must bring, each with the policy that wants it.
    pub conditions: Vec<AccessCondition>,
    /// When the last permit ends (RFC 3339), where all of them end.
    pub until: Option<String>,
    /// Whether the ruling binds; not under `mode: observe`.
    pub enforced: bool,
    /// `gained`, `lost` or `changed`: only when two moments are compared; then the rest is as it became, or was when lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// What the answer was at the first of two moments, where it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// Something that a request must bring, or must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AccessCondition {
    /// The policy that wants it.
    pub policy: String,
    /// Whether it forbids when this holds; else it permits.
    pub forbids: bool,
    /// As text.
    pub when: String,
}

/// A page of who can call what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessPage {
    /// By identity, then by operation.
    pub paths: Vec<AccessPath>,
    /// Where this page ends; `None`: there is no more.
    pub next: Option<String>,
}
