//! The document.

use super::{
    super::{
        classes,
        paths::{Learned, Paths},
    },
    leaf::{Leaf, Media},
};
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use wardgate_resources::wire;

/// Operations of one document; those with the most calls.
const OPERATIONS_MAX: usize = 5_000;

/// What the document is of.
#[derive(Debug)]
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    pub(super) host: &'a str,
    pub(super) prefix: &'a str,
    /// Whether the log tells of bodies.
    pub(super) bodies: bool,
}

/// It, and what went into it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) document: Value,
    pub(super) operations: usize,
    pub(super) calls: u64,
    /// Calls of what no document can have.
    pub(super) left_out: u64,
}

/// How a path item calls a method (OpenAPI 3.1 §4.8.9.1); `None`: not at all.
pub(super) fn word(method: &Method) -> Option<&'static str> {
    Some(match *method {
        Method::GET => "get",
        Method::PUT => "put",
        Method::POST => "post",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        Method::HEAD => "head",
        Method::PATCH => "patch",
        _ => return None,
    })
}

/// Writes it. `answers`: statuses of calls that were not served, which an operation may have had besides.
pub(super) fn document(about: &About<'_>, paths: &Paths<Leaf>, answers: &BTreeMap<(Method, String), BTreeMap<u16, u64>>) -> Written {
    let mut learned = paths.learned();
    let all: u64 = learned.iter().map(|one| one.calls.calls).sum();
    learned.retain(|one| wire::template(&one.template).is_ok());
    if learned.len() > OPERATIONS_MAX {
        learned.sort_by(|a, b| b.calls.calls.cmp(&a.calls.calls).then_with(|| a.template.cmp(&b.template)));
        learned.truncate(OPERATIONS_MAX);
    }
    let mut beside = besides(&learned, answers);
    let mut items: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let (mut operations, mut calls) = (0, 0_u64);
    for (at, one) in learned.iter().enumerate() {
        let Some(word) = word(&one.method) else { continue };
        let operation = operation(about, one, beside.remove(&at).unwrap_or_default());
        items.entry(&one.template).or_default().insert(word.to_owned(), operation);
        operations += 1;
        calls = calls.saturating_add(one.calls.calls);
    }
    let paths: Map<String, Value> = items.into_iter().map(|(path, item)| (path.to_owned(), item.into())).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": "draft",
            "description": format!("Learned from {calls} recorded calls. Look it through: classes are guesses, and what nobody called is not here."),
        },
        "paths": paths,
    });
    if let (false, Some(members)) = (about.prefix.is_empty(), document.as_object_mut()) {
        members.insert("servers".to_owned(), json!([{ "url": about.prefix }]));
    }
    Written { document, operations, calls, left_out: all.saturating_sub(calls) }
}

/// Which operation a call that was not served would have been of.
fn besides(learned: &[Learned<'_, Leaf>], answers: &BTreeMap<(Method, String), BTreeMap<u16, u64>>) -> HashMap<usize, BTreeMap<u16, u64>> {
    let mut by_length: HashMap<(&Method, usize), Vec<usize>> = HashMap::new();
    for (at, one) in learned.iter().enumerate() {
        by_length.entry((&one.method, one.template.matches('/').count())).or_default().push(at);
    }
    let mut found: HashMap<usize, BTreeMap<u16, u64>> = HashMap::new();
    for ((method, path), statuses) in answers {
        let same = by_length.get(&(method, path.matches('/').count())).map(Vec::as_slice).unwrap_or_default();
        let fits = |at: &&usize| {
            let template = learned.get(**at).map_or("", |one| one.template.as_str());
            template.split('/').zip(path.split('/')).all(|(own, part)| own == part || (own.starts_with('{') && !part.is_empty()))
        };
        // Of several the first: words stand before names.
        if let Some(at) = same.iter().find(fits) {
            let sums = found.entry(*at).or_default();
            for (status, calls) in statuses {
                let sum = sums.entry(*status).or_default();
                *sum = sum.saturating_add(*calls);
            }
        }
    }
    found
}

fn operation(about: &About<'_>, learned: &Learned<'_, Leaf>, beside: BTreeMap<u16, u64>) -> Value {
    let leaf = learned.calls;
    let class = classes::class(&learned.method, about.host, &learned.template, learned.has_members);
    let mut operation = Map::new();
    operation.insert("x-wardgate-class".to_owned(), class.as_str().into());
    operation.insert("x-wardgate-seen".to_owned(), leaf.calls.into());
    let parameters = parameters(learned);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(body) = body(about, learned) {
        operation.insert("requestBody".to_owned(), body);
    }
    let mut answers: BTreeMap<u16, (u64, Option<&Media>)> =
        leaf.answers.iter().map(|(status, (calls, media))| (*status, (*calls, Some(media)))).collect();
    for (status, calls) in beside {
        let known = answers.entry(status).or_default();
        known.0 = known.0.saturating_add(calls);
    }
    let answers = answers.into_iter().filter(|(status, _)| (100..600).contains(status)).map(|(status, (calls, media))| {
        let mut answer =
            json!({ "description": format!("seen {}", if calls == 1 { "once".to_owned() } else { format!("{calls} times") }) });
        if let (Some(media), Some(members)) = (media.filter(|media| !media.is_empty()), answer.as_object_mut()) {
            members.insert("content".to_owned(), content(media));
        }
        (status.to_string(), answer)
    });
    let answers: Map<String, Value> = answers.collect();
    let answers = if answers.is_empty() { json!({ "default": { "description": "not recorded" } }) } else { answers.into() };
    operation.insert("responses".to_owned(), answers);
    operation.into()
}

fn parameters(learned: &Learned<'_, Leaf>) -> Vec<Value> {
    let leaf = learned.calls;
    let segments = learned.template.split('/').skip(1).enumerate();
    let names = segments.filter_map(|(at, segment)| Some((at, segment.strip_prefix('{')?.strip_suffix('}')?)));
    let of_path = names.map(|(at, name)| {
        let kinds = leaf.segments.get(at).copied().unwrap_or_default();
        json!({ "name": name, "in": "path", "required": true, "schema": kinds.schema() })
    });
    let of_query = leaf.query.iter().map(|(name, parameter)| {
        let schema = parameter.kinds.schema();
        let schema = if parameter.repeated { json!({ "type": "array", "items": schema }) } else { schema };
        json!({ "name": name, "in": "query", "schema": schema })
    });
    of_path.chain(of_query).collect()
}

/// Where a log does not tell of bodies, one may be there and be anything.
fn body(about: &About<'_>, learned: &Learned<'_, Leaf>) -> Option<Value> {
    let leaf = learned.calls;
    if leaf.bodies == 0 {
        let untold = !about.bodies && !matches!(learned.method, Method::GET | Method::HEAD);
        return untold.then(|| json!({ "content": { "*/*": {} } }));
    }
    let content = if leaf.body.is_empty() { json!({ "*/*": {} }) } else { content(&leaf.body) };
    Some(if leaf.bodies == leaf.calls { json!({ "required": true, "content": content }) } else { json!({ "content": content }) })
}

fn content(media: &Media) -> Value {
    let described = media.iter().map(|(essence, shape)| {
        let described = shape.as_ref().map_or_else(|| json!({}), |shape| json!({ "schema": shape.schema() }));
        (essence.to_string(), described)
    });
    described.collect::<Map<String, Value>>().into()
}
