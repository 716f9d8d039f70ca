//! What is known of the calls of one operation.

use super::{
    super::{
        call::{Body, Call},
        paths::Sum,
    },
    kinds::Kinds,
    shape::{SHAPES_MAX, Shape},
};
use std::collections::{BTreeMap, btree_map::Entry};
use wardgate_gate::recorded::pairs;

/// Parameters of a query that are told apart.
const PARAMETERS_MAX: usize = 64;
/// Longest name of a parameter, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Statuses, and media types, that are told apart.
const STATUSES_MAX: usize = 32;
const MEDIA_MAX: usize = 8;
/// Longest body that is looked into, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Whether an answer says that there is something.
pub(super) fn served(status: Option<u16>) -> bool {
    status.is_none_or(|status| (200..400).contains(&status))
}

/// A parameter of the query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) kinds: Kinds,
    /// Whether it came more than once in a call.
    pub(super) repeated: bool,
}

/// What bodies of one media type are like.
pub(super) type Media = BTreeMap<Box<str>, Option<Shape>>;

/// What is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) calls: u64,
    /// Of each segment of the path.
    pub(super) segments: Vec<Kinds>,
    pub(super) query: BTreeMap<Box<str>, Parameter>,
    pub(super) answers: BTreeMap<u16, (u64, Media)>,
    /// Calls with a body.
    pub(super) bodies: u64,
    pub(super) body: Media,
}

impl Leaf {
    /// Of one call of a canonical path.
    pub(super) fn of(call: &Call<'_>, path: &str) -> Self {
        let times = u64::from(call.times);
        let mut leaf = Self { calls: times, ..Self::default() };
        leaf.segments = path.split('/').skip(1).map(Kinds::of).collect();
        for (name, value) in call.query.iter().flat_map(|query| pairs(query.as_bytes())) {
            let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
            if !fits || (!leaf.query.contains_key(&*name) && leaf.query.len() >= PARAMETERS_MAX) {
                continue;
            }
            let known = leaf.query.contains_key(&*name);
            let parameter = leaf.query.entry(name.as_ref().into()).or_default();
            parameter.kinds = parameter.kinds.or(Kinds::of(&value));
            parameter.repeated |= known;
        }
        let content = call.content.as_deref();
        if let Some(status) = call.status {
            let media = content.and_then(|content| content.answer.as_ref()).map(media).unwrap_or_default();
            leaf.answers.insert(status, (times, media));
        }
        if let Some(body) = content.and_then(|content| content.request.as_ref()) {
            leaf.bodies = times;
            leaf.body = media(body);
        }
        leaf
    }
}

/// What one body is like, under its media type.
fn media(content: &Body<'_>) -> Media {
    let essence = content.media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte));
    let is_type = essence.len() <= NAME_BYTES_MAX && essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
    if !is_type {
        return Media::new();
    }
    let text = content.text.as_deref().filter(|text| text.len() <= BODY_BYTES_MAX);
    let shape = if essence == "application/json" || essence.ends_with("+json") {
        text.and_then(|text| serde_json::from_str(text).ok()).map(|value| Shape::of(&value))
    } else if essence == "application/x-www-form-urlencoded" {
        text.map(|text| Shape::of_form(pairs(text.as_bytes()).map(|(name, _)| name)))
    } else {
        None
    };
    Media::from([(essence.into(), shape)])
}

fn join(own: &mut Media, other: Media) {
    for (essence, shape) in other {
        if !own.contains_key(&essence) && own.len() >= MEDIA_MAX {
            continue;
        }
        match (own.entry(essence), shape) {
            (Entry::Vacant(place), shape) => {
                place.insert(shape);
            }
            (Entry::Occupied(mut place), Some(shape)) => {
                // Of one that could not be read nothing is known, so nothing is said of the others.
                if let Some(known) = place.get_mut() {
                    let mut room = SHAPES_MAX.saturating_sub(known.shapes());
                    known.join(shape, &mut room);
                }
            }
            (Entry::Occupied(mut place), None) => {
                place.insert(None);
            }
        }
    }
}

impl Sum for Leaf {
    fn join(&mut self, other: Self) {
        if self.calls == 0 {
            *self = other;
            return;
        }
        self.calls = self.calls.saturating_add(other.calls);
        for (at, kinds) in other.segments.into_iter().enumerate() {
            match self.segments.get_mut(at) {
                Some(known) => *known = known.or(kinds),
                None => self.segments.push(kinds),
            }
        }
        for (name, more) in other.query {
            if self.query.contains_key(&name) || self.query.len() < PARAMETERS_MAX {
                let known = self.query.entry(name).or_default();
                known.kinds = known.kinds.or(more.kinds);
                known.repeated |= more.repeated;
            }
        }
        for (status, (calls, media)) in other.answers {
            if self.answers.contains_key(&status) || self.answers.len() < STATUSES_MAX {
                let known = self.answers.entry(status).or_default();
                known.0 = known.0.saturating_add(calls);
                join(&mut known.1, media);
            }
        }
        self.bodies = self.bodies.saturating_add(other.bodies);
        join(&mut self.body, other.body);
    }
}
