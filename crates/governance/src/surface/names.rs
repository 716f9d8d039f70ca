//! Places of paths at which names of things stand: the words there become a parameter.
//!
//! Whoever asks chooses the words, and must not decide by them what is told of others. So
//! - what the upstream served is told apart from what somebody only asked for: words that nobody was served make no name of one that
//!   somebody was;
//! - of words that were only asked for, those go first that one network alone came up with, where those are many: it hides its own and
//!   nobody else's;
//! - words that were served are names when there are many more of them, and no few networks are enough for that. They cannot all stay for
//!   ever, though: an API whose things have words for names would leave no room for anything else.

use std::collections::{BTreeMap, BTreeSet};
use wardgate_store::StraySum;

/// Different words at one place that were only asked for.
const ASKED_MAX: usize = 24;
/// Of these, words of one network alone: with more, all of its own are names once there are too many.
const ALONE_MAX: usize = 8;
/// Different words at one place that the upstream served.
const SERVED_MAX: usize = 64;
/// Of these, words that one network counts for: five of them make a place one for names, four do not.
const SHARE_MAX: usize = 16;
/// A word that so many networks came with is one until all are too many.
const NETWORKS_MIN: usize = 3;
/// What stands for a name.
const NAME: &str = "{}";

/// What is known of a word at one place.
#[derive(Debug, Default)]
struct Word<'r> {
    /// Whether the upstream served anything below it.
    served: bool,
    networks: BTreeSet<&'r str>,
}

type Words<'w, 'r> = Vec<(&'r str, &'w Word<'r>)>;

/// What each of these unknown operations, `METHOD TEMPLATE`, is one of: itself, or one with more parameters.
#[must_use]
pub fn renamed(rows: &[(&str, &StraySum)]) -> Vec<Box<str>> {
    let mut paths: Vec<(Vec<&str>, &StraySum)> = rows.iter().map(|(operation, sum)| (segments(operation), *sum)).collect();
    let deepest = paths.iter().map(|(segments, _)| segments.len()).max().unwrap_or(0);
    for at in 0..deepest {
        let mut places: BTreeMap<Vec<&str>, BTreeMap<&str, Word<'_>>> = BTreeMap::new();
        for (segments, sum) in &paths {
            let Some((before, word)) = segments.get(..at).zip(segments.get(at)) else { continue };
            // An empty one is a slash at the end, which no parameter takes.
            if !word.is_empty() && *word != NAME {
                let known = places.entry(before.to_vec()).or_default().entry(word).or_default();
                known.served |= sum.answered > 0;
                known.networks.extend(sum.sources.iter().map(|network| &**network));
            }
        }
        let names: BTreeMap<Vec<&str>, BTreeSet<&str>> = places.into_iter().map(|(place, words)| (place, names(&words))).collect();
        for (segments, _) in &mut paths {
            let is_name = segments.get(..at).and_then(|before| names.get(before));
            if let (Some(names), Some(word)) = (is_name, segments.get_mut(at))
                && names.contains(word)
            {
                *word = NAME;
            }
        }
    }
    let told = rows.iter().zip(paths).map(|((operation, _), (segments, _))| {
        let method = operation.split_once(' ').map_or("", |(method, _)| method);
        format!("{method} {}", template(&segments)).into()
    });
    told.collect()
}

fn segments(operation: &str) -> Vec<&str> {
    let path = operation.split_once(' ').map_or("", |(_, path)| path);
    path.split('/').map(|segment| if segment.starts_with('{') { NAME } else { segment }).collect()
}

/// Parameters are called by their number.
fn template(segments: &[&str]) -> String {
    let mut number = 0;
    let told = segments.iter().map(|segment| {
        if *segment != NAME {
            return (*segment).to_owned();
        }
        number += 1;
        if number == 1 { "{id}".to_owned() } else { format!("{{id{number}}}") }
    });
    told.collect::<Vec<_>>().join("/")
}

/// Which of the words at one place are names.
fn names<'r>(words: &BTreeMap<&'r str, Word<'r>>) -> BTreeSet<&'r str> {
    let (served, asked): (Words<'_, '_>, Words<'_, '_>) =
        words.iter().map(|(word, known)| (*word, known)).partition(|(_, known)| known.served);
    let mut names = asked_names(asked);
    names.extend(served_names(served));
    names
}

fn asked_names<'r>(mut words: Words<'_, 'r>) -> BTreeSet<&'r str> {
    let mut names = BTreeSet::new();
    if words.len() <= ASKED_MAX {
        return names;
    }
    let mut alone: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, word) in words.iter().filter(|(_, word)| word.networks.len() < 2) {
        *alone.entry(first(word)).or_default() += 1;
    }
    let many = |word: &Word<'_>| word.networks.len() < 2 && alone.get(first(word)).is_some_and(|count| *count > ALONE_MAX);
    take(&mut words, &mut names, many);
    until_few(words, names, ASKED_MAX)
}

fn served_names<'r>(words: Words<'_, 'r>) -> BTreeSet<&'r str> {
    let (mut vouched, mut shares) = (0, BTreeMap::<&str, usize>::new());
    for (_, word) in &words {
        if word.networks.len() >= NETWORKS_MIN {
            vouched += 1;
            continue;
        }
        let share = shares.entry(first(word)).or_default();
        vouched += usize::from(*share < SHARE_MAX);
        *share += 1;
    }
    if vouched > SERVED_MAX { until_few(words, BTreeSet::new(), SERVED_MAX) } else { BTreeSet::new() }
}

/// Takes what few networks came with, and all of it should that not be enough.
fn until_few<'r>(mut words: Words<'_, 'r>, mut names: BTreeSet<&'r str>, max: usize) -> BTreeSet<&'r str> {
    if words.len() > max {
        take(&mut words, &mut names, |word| word.networks.len() < NETWORKS_MIN);
    }
    if words.len() > max {
        take(&mut words, &mut names, |_| true);
    }
    names
}

fn take<'r>(words: &mut Words<'_, 'r>, names: &mut BTreeSet<&'r str>, is_name: impl Fn(&Word<'_>) -> bool) {
    words.retain(|(word, known)| {
        let is_name = is_name(known);
        if is_name {
            names.insert(*word);
        }
        !is_name
    });
}

fn first<'r>(word: &Word<'r>) -> &'r str {
    word.networks.first().copied().unwrap_or_default()
}
