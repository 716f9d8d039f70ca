//! What a replay of others' calls found, as one document: its members stay as they are, new ones may come.

use serde::Serialize;
use wardgate_model::time::Time;

/// The whole report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of this document.
    pub version: u32,
    /// Which format was read.
    pub format: &'static str,
    /// What was read.
    pub files: Vec<FileTold>,
    /// When the first call came.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub from: Option<Time>,
    /// When the last one came.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub to: Option<Time>,
    /// Calls that were judged.
    pub calls: u64,
    /// Whoever made them.
    pub callers: Callers,
    /// What could not be understood.
    pub not_understood: NotUnderstood,
    /// How calls were put in order.
    pub order: Order,
    /// What such a log does not tell, and what was taken for it.
    pub not_told: Vec<&'static str>,
    /// What was ruled, over all.
    pub rulings: Rulings,
    /// Why, those that decided most first.
    pub reasons: Vec<Counted>,
    /// Signals that were seen, in the order of the documents.
    pub signals: Vec<SignalTold>,
    /// The same over time.
    pub over_time: OverTime,
    /// Callers, those of the highest risk first, then those that were refused most.
    pub identities: Vec<IdentityTold>,
    /// What the calls went to.
    pub apis: Vec<ApiTold>,
    /// Whether APIs and operations were learned from the log, or those of an installation.
    pub learned: bool,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileTold {
    /// Its name, as it was given.
    pub name: String,
    /// Calls in it.
    pub calls: u64,
    /// Lines or records that could not be understood.
    pub not_understood: u64,
    /// Lines that tell of no call, as they should be.
    pub passed_over: u64,
    /// When its first call came.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub from: Option<Time>,
    /// When its last one came.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub to: Option<Time>,
}

/// Who called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Callers {
    /// How many.
    pub count: u64,
    /// Those that are on record.
    pub on_record: u64,
    /// Those that the log names.
    pub users: u64,
    /// Those that are known by a key.
    pub keys: u64,
    /// Those that are known by where they come from.
    pub sources: u64,
    /// Calls by whoever came when there was no room to tell more apart.
    pub calls_of_others: u64,
}

/// What could not be understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NotUnderstood {
    /// How many lines or records.
    pub count: u64,
    /// The first of them.
    pub first: Vec<WrongLine>,
}

/// Something that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongLine {
    /// In which file.
    pub file: String,
    /// On which line.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

/// How calls were put in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Calls that stood behind a later one of their file and were put before it.
    pub sorted: u64,
    /// Calls that came so late that they were judged as if they had come when the last one before them did.
    pub late: u64,
}

/// How many calls were answered how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rulings {
    /// Let in.
    pub allow: u64,
    /// Let in after a delay.
    pub slow: u64,
    /// Asked to prove themselves again.
    pub challenge: u64,
    /// Refused.
    pub block: u64,
}

impl Rulings {
    /// All together.
    #[must_use]
    pub const fn sum(self) -> u64 {
        self.allow + self.not_allowed()
    }

    /// All that were not just let in.
    #[must_use]
    pub const fn not_allowed(self) -> u64 {
        self.slow + self.challenge + self.block
    }
}

/// Something, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Its code.
    pub code: &'static str,
    /// How many calls.
    pub calls: u64,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalTold {
    /// Its name.
    pub name: &'static str,
    /// What it tells of.
    pub family: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Calls that had it.
    pub calls: u64,
    /// Callers that had it.
    pub callers: u64,
    /// The most that it contributed to a risk.
    pub weight_max: u8,
    /// When it was seen first.
    #[serde(serialize_with = "crate::shown::moment")]
    pub first: Time,
    /// When it was seen last.
    #[serde(serialize_with = "crate::shown::moment")]
    pub last: Time,
    /// Calls that had it, by the steps of [`OverTime`].
    pub over_time: Vec<u64>,
}

/// Rulings by time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OverTime {
    /// How long a step is, in seconds.
    pub step_s: u64,
    /// The steps, without a gap.
    pub steps: Vec<Step>,
}

/// What was ruled in one step of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When it begins.
    #[serde(serialize_with = "crate::shown::moment")]
    pub from: Time,
    /// What was ruled.
    #[serde(flatten)]
    pub rulings: Rulings,
    /// The highest risk.
    pub risk_max: u8,
}

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityTold {
    /// As the log has it.
    pub name: String,
    /// By what it is known: `record`, `user`, `key`, `source`, `others`.
    pub known_by: &'static str,
    /// Its calls.
    pub calls: u64,
    /// What was ruled.
    #[serde(flatten)]
    pub rulings: Rulings,
    /// The highest risk.
    pub risk_max: u8,
    /// When it called first.
    #[serde(serialize_with = "crate::shown::moment")]
    pub first: Time,
    /// When it called last.
    #[serde(serialize_with = "crate::shown::moment")]
    pub last: Time,
    /// Operations that it used.
    pub operations: u64,
    /// Addresses that it came from.
    pub sources: u64,
    /// Its signals, those that weighed most first.
    pub signals: Vec<Weighed>,
    /// Why it was not just let in.
    pub reasons: Vec<Counted>,
    /// Calls of the highest risk, or that were refused; the first of them.
    pub worst: Vec<CallTold>,
}

/// A signal of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weighed {
    /// Its name.
    pub name: &'static str,
    /// Calls that had it.
    pub calls: u64,
    /// The most that it contributed to a risk.
    pub weight_max: u8,
}

/// A call that stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallTold {
    /// When.
    #[serde(serialize_with = "crate::shown::moment")]
    pub time: Time,
    /// What it asked for: the operation, or the method and path that no operation has.
    pub what: String,
    /// What was ruled.
    pub response: &'static str,
    /// Why.
    pub code: &'static str,
    /// Its risk.
    pub risk: u8,
    /// What the risk is made of.
    pub signals: Vec<Part>,
}

/// A part of a risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The signal.
    pub name: &'static str,
    /// What was measured.
    pub value: u32,
    /// In which unit.
    pub unit: &'static str,
    /// What it contributed.
    pub weight: u8,
}

/// An API that was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiTold {
    /// Its name.
    pub name: String,
    /// Calls to it.
    pub calls: u64,
    /// How many operations were called.
    pub operation_count: u64,
    /// The operations with the most calls.
    pub operations: Vec<OperationTold>,
}

/// An operation that was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationTold {
    /// Method and template.
    pub operation: String,
    /// Its class: a guess by its words, where it was learned.
    pub class: &'static str,
    /// Calls to it.
    pub calls: u64,
    /// Callers of it.
    pub callers: u64,
    /// Calls that were not just let in.
    pub not_allowed: u64,
}
