//! Templates out of paths: which parts of them are names of things, and which are words of the API.
//!
//! Two rules. What looks like an id is one: numbers, UUIDs, hashes, long texts of letters and digits mixed, addresses, dates. And a place
//! at which too many different words stand is one for names, whatever they look like. All is bounded: a log is written by strangers.

use http::Method;
use std::collections::BTreeMap;

/// Different words at one place; with more it is a place for names.
const WORDS_MAX: usize = 64;
/// Segments of a path; what is deeper has no operation.
const DEPTH_MAX: usize = 16;
/// Places in all. With as many, what is new is a name.
const PLACES_MAX: usize = 50_000;
/// Methods at one place.
const METHODS_MAX: usize = 12;

/// What is known of the calls that came to one template. Of none it is the default.
pub(crate) trait Sum: Default {
    /// Adds what is known of other calls.
    fn join(&mut self, other: Self);
}

impl Sum for u64 {
    fn join(&mut self, other: Self) {
        *self = self.saturating_add(other);
    }
}

/// The paths of an API, as a tree.
#[derive(Debug)]
pub(crate) struct Paths<S = u64> {
    root: Place<S>,
    places: usize,
    /// Calls of paths that are too deep.
    pub(crate) too_deep: S,
}

impl<S: Sum> Default for Paths<S> {
    fn default() -> Self {
        Self { root: Place::default(), places: 0, too_deep: S::default() }
    }
}

#[derive(Debug)]
struct Place<S> {
    words: BTreeMap<Box<str>, Place<S>>,
    name: Option<Box<Place<S>>>,
    /// Too many words were here.
    only_names: bool,
    /// Calls that end here, by method.
    calls: Vec<(Method, S)>,
}

impl<S> Default for Place<S> {
    fn default() -> Self {
        Self { words: BTreeMap::new(), name: None, only_names: false, calls: Vec::new() }
    }
}

/// A template that calls came to, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Learned<'p, S = u64> {
    pub(crate) method: Method,
    pub(crate) template: String,
    /// The parameter that stands last.
    pub(crate) resource: Option<String>,
    /// Whether things are named below.
    pub(crate) has_members: bool,
    pub(crate) calls: &'p S,
}

impl<S: Sum> Paths<S> {
    /// Takes a canonical path in.
    pub(crate) fn take(&mut self, method: &Method, path: &str, calls: S) {
        let rest = path.strip_prefix('/').unwrap_or(path);
        if memchr::memchr_iter(b'/', rest.as_bytes()).count() >= DEPTH_MAX {
            return self.too_deep.join(calls);
        }
        let full = self.places >= PLACES_MAX;
        let mut place = &mut self.root;
        if !rest.is_empty() {
            for segment in rest.split('/') {
                place = place.below(segment, full, &mut self.places);
            }
        }
        place.count(method, calls);
    }

    /// What was learned, in the order of the templates.
    pub(crate) fn learned(&self) -> Vec<Learned<'_, S>> {
        let mut learned = Vec::new();
        self.root.tell(&mut String::new(), 0, &mut learned);
        learned
    }
}

impl<S: Sum> Place<S> {
    fn below(&mut self, segment: &str, full: bool, places: &mut usize) -> &mut Self {
        // An empty segment is a slash at the end, which no parameter takes.
        if !segment.is_empty() && (self.only_names || is_id(segment) || (full && !self.words.contains_key(segment))) {
            return self.named(places);
        }
        if self.words.len() >= WORDS_MAX && !self.words.contains_key(segment) && !segment.is_empty() {
            self.fold();
            return self.named(places);
        }
        if !self.words.contains_key(segment) {
            *places += 1;
            self.words.insert(segment.into(), Self::default());
        }
        match self.words.get_mut(segment) {
            Some(place) => place,
            None => self.name.get_or_insert_default(),
        }
    }

    fn named(&mut self, places: &mut usize) -> &mut Self {
        *places += usize::from(self.name.is_none());
        self.name.get_or_insert_default()
    }

    /// All words that stand here are names from now on.
    fn fold(&mut self) {
        self.only_names = true;
        let words = std::mem::take(&mut self.words);
        for (word, place) in words {
            if word.is_empty() {
                self.words.insert(word, place);
            } else {
                self.name.get_or_insert_default().join(place);
            }
        }
    }

    /// Takes in what another place has.
    fn join(&mut self, other: Self) {
        for (method, calls) in other.calls {
            self.count(&method, calls);
        }
        if let Some(name) = other.name {
            self.name.get_or_insert_default().join(*name);
        }
        for (word, place) in other.words {
            if self.only_names && !word.is_empty() {
                self.name.get_or_insert_default().join(place);
            } else {
                self.words.entry(word).or_default().join(place);
            }
        }
        if other.only_names || self.words.len() > WORDS_MAX {
            self.fold();
        }
    }

    fn count(&mut self, method: &Method, more: S) {
        if let Some((_, calls)) = self.calls.iter_mut().find(|(known, _)| known == method) {
            calls.join(more);
        } else if self.calls.len() < METHODS_MAX {
            self.calls.push((method.clone(), more));
        }
    }

    fn tell<'p>(&'p self, template: &mut String, names: usize, learned: &mut Vec<Learned<'p, S>>) {
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        for (method, calls) in calls {
            learned.push(Learned {
                method: method.clone(),
                template: if template.is_empty() { "/".to_owned() } else { template.clone() },
                resource: (names > 0).then(|| parameter(names)),
                has_members: self.name.is_some(),
                calls,
            });
        }
        let length = template.len();
        for (word, place) in &self.words {
            template.push('/');
            // Braces are not in canonical paths, so a word is a literal of a template as it stands.
            template.push_str(word);
            place.tell(template, names, learned);
            template.truncate(length);
        }
        if let Some(place) = &self.name {
            template.push_str("/{");
            template.push_str(&parameter(names + 1));
            template.push('}');
            place.tell(template, names + 1, learned);
            template.truncate(length);
        }
    }
}

/// A canonical path whose segments stand for themselves, but those that look like names: the template that one call alone teaches.
pub(crate) fn template(path: &str) -> String {
    let mut names = 0;
    let segments = path.split('/').map(|segment| {
        if segment.is_empty() || !is_id(segment) {
            return segment.to_owned();
        }
        names += 1;
        format!("{{{}}}", parameter(names))
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The name of the so-manieth parameter of a template.
fn parameter(number: usize) -> String {
    if number == 1 { "id".to_owned() } else { format!("id{number}") }
}

/// Whether a segment looks like the name of one thing among many.
pub(crate) fn is_id(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let (mut digits, mut letters, mut hex, mut upper, mut other) = (0, 0, 0, 0, 0);
    for byte in bytes {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'f' | b'A'..=b'F' => hex += 1,
            b'g'..=b'z' | b'G'..=b'Z' => letters += 1,
            b'-' | b'_' | b'.' | b':' | b'~' | b'@' | b'=' | b',' => other += 1,
            _ => return false,
        }
        upper += usize::from(byte.is_ascii_uppercase());
    }
    let length = bytes.len();
    match () {
        // A number, a date, a time, an address of IPv4; `v1` and the like are words.
        () if digits > 0 && letters + hex == 0 => true,
        // A hash, a UUID.
        () if letters == 0 && length >= 8 && digits > 0 && digits + hex + dashes(bytes) == length => true,
        // An address of mail.
        () if segment.contains('@') && !segment.starts_with('@') => true,
        // A long text of letters and digits mixed, as tokens and keys are.
        () if length >= 16 && digits >= 3 && (upper >= 2 || other == 0) && !segment.contains('.') => true,
        // A letter or a word before a number that is the thing's own: `ord_123456`, `INV-2024-0017`.
        () => digits >= 4 && digits * 2 >= length && !segment.contains('.'),
    }
}

fn dashes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'-').count()
}

#[cfg(test)]
mod tests;
