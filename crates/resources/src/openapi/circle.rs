//! Schemas that consist of themselves: `A: {allOf: [{$ref: A}]}`. Who follows them with one and the same value never comes to an end
//! (JSON Schema 2020-12 core §9.4.1). A schema that has itself below `properties` or `items` is none: there each turn has another value.

use std::collections::HashSet;
use wardgate_model::schema::{Node, NodeId};

/// How far the search has come with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    Untouched,
    /// It is on the way from where the search began.
    Entered,
    Left,
}

/// Takes each reference out that leads back to a node by way of the same value alone; which nodes they led back to.
pub(super) fn opened(nodes: &mut [Node]) -> HashSet<NodeId> {
    let mut search = vec![Search::Untouched; nodes.len()];
    let mut circles = HashSet::new();
    let mut back = Vec::new();
    for first in 0..nodes.len() {
        // A stack of its own: schemas may lie deeper within each other than a thread bears. Each with what is still to be followed.
        let mut way: Vec<(usize, Vec<NodeId>)> = Vec::new();
        enter(first, nodes, &mut search, &mut way);
        while let Some((at, rest)) = way.last_mut() {
            let from = *at;
            let Some(to) = rest.pop() else {
                search.get_mut(from).into_iter().for_each(|search| *search = Search::Left);
                way.pop();
                continue;
            };
            let Some(place) = usize::try_from(to.place()).ok() else { continue };
            if search.get(place) == Some(&Search::Entered) {
                circles.insert(to);
                back.push((from, to));
            } else {
                enter(place, nodes, &mut search, &mut way);
            }
        }
    }
    for (from, to) in back {
        nodes.get_mut(from).into_iter().for_each(|node| part(node, to));
    }
    circles
}

fn enter(at: usize, nodes: &[Node], search: &mut [Search], way: &mut Vec<(usize, Vec<NodeId>)>) {
    if let (Some(node), Some(search @ Search::Untouched)) = (nodes.get(at), search.get_mut(at)) {
        *search = Search::Entered;
        let below = node.all.iter().chain(&node.any).chain(&node.one).copied().chain(node.not);
        way.push((at, below.collect()));
    }
}

/// Takes a reference out of what a node consists of.
fn part(node: &mut Node, from: NodeId) {
    for list in [&mut node.all, &mut node.any, &mut node.one] {
        if list.contains(&from) {
            *list = list.iter().copied().filter(|id| *id != from).collect();
        }
    }
    node.not = node.not.filter(|id| *id != from);
}
