//! Which rows stay where there are too many: each network has its turn, so that one that is loud takes no room from others.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    hash::Hash,
};
use wardgate_store::{Stray, StrayKind};

/// Leaves at most so many rows. First come those that the upstream served. Among them networks take turns, a row each: of a row the one
/// that has fewest others. Of its own, each first has one of every place, then those that most networks came with, then what was seen last.
/// How often something was seen says nothing: whoever asks chooses that.
pub(super) fn cut(rows: &mut Vec<Stray>, max: usize) {
    if rows.len() <= max {
        return;
    }
    rows.sort_by(|a, b| {
        let worth = |row: &Stray| (Reverse(row.sum.sources.len()), Reverse(row.sum.last));
        worth(a).cmp(&worth(b)).then_with(|| (&a.operation, &a.place).cmp(&(&b.operation, &b.place)))
    });
    let mut of_network: HashMap<Box<str>, usize> = HashMap::new();
    for network in rows.iter().flat_map(|row| &row.sum.sources) {
        *of_network.entry(network.clone()).or_default() += 1;
    }
    let whose = |row: &Stray| -> (bool, Box<str>) {
        let network = row.sum.sources.iter().min_by_key(|network| of_network.get(*network).copied().unwrap_or(0));
        (row.sum.answered > 0, network.cloned().unwrap_or_default())
    };
    in_turn(rows, |row| (whose(row), place(row)));
    in_turn(rows, whose);
    rows.sort_by_key(|row| row.sum.answered == 0);
    rows.truncate(max);
}

/// Where a row stands: beside others of its place.
fn place(row: &Stray) -> Box<str> {
    match (row.kind, row.operation.rsplit_once('/')) {
        (StrayKind::Shadow, Some((place, _))) => place.into(),
        _ => row.operation.clone(),
    }
}

/// The first row of each goes before the second of any; else they stay in order.
fn in_turn<K: Eq + Hash>(rows: &mut Vec<Stray>, of: impl Fn(&Stray) -> K) {
    let mut turns: HashMap<K, usize> = HashMap::new();
    let mut by_turn: BTreeMap<usize, Vec<Stray>> = BTreeMap::new();
    for row in rows.drain(..) {
        let turn = turns.entry(of(&row)).or_default();
        by_turn.entry(*turn).or_default().push(row);
        *turn += 1;
    }
    rows.extend(by_turn.into_values().flatten());
}
