//! What upstreams would answer.

use super::{call::Answer, catalogue::Operation, chance::Chance};
use std::time::Duration;
use wardgate_model::api::OperationClass;

/// What is known of a call when the upstream answers it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) operation: &'static Operation,
    /// Whether the upstream fails just now.
    pub(super) failing: bool,
    /// Whether the caller leaves out what is wanted since the API has changed.
    pub(super) outdated: bool,
    /// What the caller brings with it.
    pub(super) brings: Brings,
}

/// What a caller brings with it that decides on the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brings {
    /// What is wanted.
    Sense,
    /// A validator: what it has is still good as often as not.
    Validator,
    /// The id of something that is often not there.
    Guess,
    /// A user name and a password, right so many times in a thousand.
    Password(u64),
    /// Something that makes no sense to the upstream.
    Nonsense,
    /// So many thousandths of a full page.
    PartOfPage(u32),
}

/// Of a thousand honest reads by id so many find nothing.
const MISSING_PER_MILLE: u64 = 6;
/// Of a thousand calls so many fail with nothing being the matter.
const HICCUPS_PER_MILLE: u64 = 1;

/// What the upstream would answer.
pub(super) fn answer(asked: Asked, chance: &mut Chance) -> Answer {
    let status = status(asked, chance);
    let records = match (status, asked.brings) {
        (200, Brings::PartOfPage(share)) => asked.operation.records * share / 1_000,
        (200, _) => asked.operation.records,
        _ => 0,
    };
    let bytes = match status {
        304 => 0,
        400.. => 180,
        _ => 60 + u64::from(records) * u64::from(asked.operation.record_bytes) * chance.between(850, 1_150) / 1_000,
    };
    Answer { status, bytes, records, latency: latency(asked, chance) }
}

fn status(asked: Asked, chance: &mut Chance) -> u16 {
    let class = asked.operation.class;
    if (asked.failing && chance.happens(750)) || chance.happens(HICCUPS_PER_MILLE) {
        return 503;
    }
    if asked.outdated && class == OperationClass::Write {
        return 400;
    }
    let missing = asked.operation.names_one() && chance.happens(MISSING_PER_MILLE);
    let either = |per_mille: u64, one: u16, other: u16, chance: &mut Chance| if chance.happens(per_mille) { one } else { other };
    match (asked.brings, class) {
        (Brings::Password(right), _) => either(right, 200, 401, chance),
        (Brings::Nonsense, _) => either(600, 400, 404, chance),
        (Brings::Guess, _) if asked.operation.names_one() => either(850, 404, 200, chance),
        (Brings::Validator, _) if chance.happens(550) => 304,
        _ if missing => 404,
        (_, OperationClass::Write | OperationClass::Money | OperationClass::Admin) => 201,
        (_, OperationClass::Delete) => 204,
        _ => 200,
    }
}

fn latency(asked: Asked, chance: &mut Chance) -> Duration {
    let millis = match asked.operation.class {
        OperationClass::Read | OperationClass::Delete => 9,
        OperationClass::List => 28,
        OperationClass::Write | OperationClass::Admin => 35,
        OperationClass::Login | OperationClass::Money => 90,
        OperationClass::Bulk => 9_000,
    };
    let millis = if asked.failing { millis * 12 } else { millis };
    Duration::from_micros(millis * chance.between(700, 1_600))
}
