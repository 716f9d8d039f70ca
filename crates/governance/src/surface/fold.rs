//! Rows of what was seen astray, kept few: what is the same is added up, words that are too many are names, and what is over goes.

use super::{names::renamed, room::cut};
use crate::traffic::paths::{is_id, template};
use http::Method;
use std::collections::BTreeMap;
use wardgate_store::{STRAYS_MAX, Stray, StrayKind, StraySum};

/// Unknown operations of one API that are told apart.
pub const SHADOW_MAX: usize = 256;
/// Callers, and networks, that are named in one row.
const NAMED_MAX: usize = 8;
/// Longest path that is told of, in bytes.
const PATH_BYTES_MAX: usize = 512;
/// Longest text of a place, and of one name in it, in bytes.
const PLACE_BYTES_MAX: usize = 160;
const NAME_BYTES_MAX: usize = 64;
/// Segments of such a path.
const SEGMENTS_MAX: usize = 16;

/// The unknown operation that a call is one of: `METHOD TEMPLATE`. `None`: one that is not told of: too long, too deep, of a method that
/// nobody knows, or one that only asks what may be asked (RFC 9110 §9.3.7). Of the path, which is canonical, the API's prefix stands for
/// itself.
#[must_use]
pub fn shadow(method: &Method, path: &str, prefix: &str) -> Option<Box<str>> {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let fits = path.len() <= PATH_BYTES_MAX && path.matches('/').count() <= SEGMENTS_MAX && known.contains(method);
    let rest = path.strip_prefix(prefix).filter(|_| fits)?;
    Some(format!("{method} {prefix}{}", template(rest)).into())
}

/// A place at which a request is otherwise, as it is told: which item of a list or which thing of many it was makes no difference, and may
/// be somebody's own; and it is no longer than such places are.
#[must_use]
pub fn place(text: &str) -> Box<str> {
    let mut told = String::new();
    for (at, step) in text.split('/').enumerate() {
        if at == 0 {
            told.push_str(step);
            continue;
        }
        // A pointer stands between backticks.
        let (name, rest) = step.split_at(step.find('`').unwrap_or(step.len()));
        told.push('/');
        told.push_str(if is_id(name) || name.len() > NAME_BYTES_MAX { "*" } else { name });
        told.push_str(rest);
    }
    let end = (0..=PLACE_BYTES_MAX.min(told.len())).rev().find(|end| told.is_char_boundary(*end)).unwrap_or(0);
    told.truncate(end);
    told.into()
}

/// Adds what such calls add up to.
pub fn join(sum: &mut StraySum, more: StraySum) {
    if sum.seen == 0 {
        *sum = more;
        return;
    }
    if more.seen == 0 {
        return;
    }
    (sum.first, sum.last) = (sum.first.min(more.first), sum.last.max(more.last));
    sum.seen = sum.seen.saturating_add(more.seen);
    sum.answered = sum.answered.saturating_add(more.answered);
    sum.refused = sum.refused.saturating_add(more.refused);
    for (names, more) in [(&mut sum.callers, more.callers), (&mut sum.sources, more.sources)] {
        for name in more {
            if names.len() < NAMED_MAX && !names.contains(&name) {
                names.push(name);
            }
        }
    }
}

/// The rows of one API with each thing once, and no more than are kept (`room.rs` says which).
#[must_use]
pub fn folded(rows: Vec<Stray>) -> Vec<Stray> {
    let (shadow, others): (Vec<Stray>, Vec<Stray>) = rows.into_iter().partition(|row| row.kind == StrayKind::Shadow);
    let told: Vec<(&str, &StraySum)> = shadow.iter().map(|row| (&*row.operation, &row.sum)).collect();
    let names = renamed(&told);
    let shadow = shadow.into_iter().zip(names).map(|(row, operation)| Stray { operation, ..row });
    let (mut shadow, mut others) = (joined(shadow), joined(others));
    cut(&mut shadow, SHADOW_MAX);
    cut(&mut others, STRAYS_MAX - SHADOW_MAX);
    shadow.append(&mut others);
    shadow.sort_by(|a, b| (a.kind, &a.operation, &a.place).cmp(&(b.kind, &b.operation, &b.place)));
    shadow
}

fn joined(rows: impl IntoIterator<Item = Stray>) -> Vec<Stray> {
    let mut sums: BTreeMap<(StrayKind, Box<str>, Box<str>), StraySum> = BTreeMap::new();
    for Stray { kind, operation, place, sum } in rows {
        join(sums.entry((kind, operation, place)).or_default(), sum);
    }
    sums.into_iter().map(|((kind, operation, place), sum)| Stray { kind, operation, place, sum }).collect()
}
