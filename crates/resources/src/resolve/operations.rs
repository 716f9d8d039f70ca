//! The operations of an API: what its OpenAPI document says, refined and added to by the resource.

use super::{items, people::Open, value};
use crate::{
    raw::{RawApi, RawLogin, RawOperation},
    yaml::{Faults, Spot},
};
use http::Method;
use std::{collections::HashMap, fmt::Write, sync::Arc};
use wardgate_model::{
    api::{Operation, OperationClass, OperationEnding, OperationId, PathTemplate, Segment, SunsetStance},
    id::ApiName,
    shape::{Login, RequestShape},
    time::Time,
};

/// Most operations of one API.
pub(crate) const OPERATIONS_MAX: usize = 20_000;

/// An operation on its way: relative to the API's prefix.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) template: PathTemplate,
    pub(crate) class: OperationClass,
    pub(crate) resource: Option<Box<str>>,
    pub(crate) records: Option<Box<str>>,
    pub(crate) anonymous: bool,
    pub(crate) people: Option<bool>,
    pub(crate) query: Vec<Box<str>>,
    pub(crate) ending: Option<DraftEnding>,
    pub(crate) request: Option<Arc<RequestShape>>,
    pub(crate) login: Option<Login>,
    /// Whether somebody has said its class.
    pub(crate) classed: bool,
    /// Whether the document has it go through a list: by its parameters, or by what it answers.
    pub(crate) pages: bool,
}

/// How an operation on its way goes out of use: since when it is deprecated, where that is known, and when it is gone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DraftEnding {
    pub(crate) deprecated: Option<Time>,
    pub(crate) sunset: Option<Time>,
}

impl Draft {
    /// An operation of which nothing else is said.
    pub(crate) fn new(method: Method, template: PathTemplate) -> Self {
        let class = class_of(&method);
        Self {
            method,
            template,
            class,
            resource: None,
            records: None,
            anonymous: false,
            people: None,
            query: Vec::new(),
            ending: None,
            request: None,
            login: None,
            classed: false,
            pages: false,
        }
    }
}

/// The class that a method suggests.
pub(crate) fn class_of(method: &Method) -> OperationClass {
    match method.as_str() {
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY" => OperationClass::Read,
        "DELETE" => OperationClass::Delete,
        _ => OperationClass::Write,
    }
}

/// A template without the names of its parameters: what two templates have in common that match the same paths.
pub(crate) fn shape(template: &PathTemplate) -> String {
    let mut shape = String::with_capacity(template.as_str().len());
    for segment in template.segments() {
        shape.push('/');
        match segment {
            Segment::Literal(text) => shape.push_str(text),
            Segment::Parameter(_) => shape.push_str("{}"),
            Segment::Mixed { prefix, suffix, .. } => {
                // Writing to a string cannot fail.
                let _ = write!(shape, "{prefix}{{}}{suffix}");
            }
            Segment::Several { texts, .. } => shape.push_str(&texts.join("{}")),
        }
    }
    shape
}

/// The full template of a relative one. The root of an API with a prefix is the prefix itself.
pub(super) fn full(prefix: &str, template: &PathTemplate) -> Option<PathTemplate> {
    if prefix.is_empty() {
        return Some(template.clone());
    }
    let rest = if template.segments().is_empty() { "" } else { template.as_str() };
    PathTemplate::parse(&format!("{prefix}{rest}")).ok()
}

/// Puts the resource's `operations` over those of its OpenAPI document.
pub(super) fn merge(mut drafts: Vec<Draft>, raw: &RawApi, faults: &Faults) -> Vec<Draft> {
    let mut places: HashMap<(Method, String), usize> =
        drafts.iter().enumerate().map(|(at, draft)| ((draft.method.clone(), shape(&draft.template)), at)).collect();
    let mut written: HashMap<(Method, String), Spot> = HashMap::new();
    for (index, (operation, _)) in items(raw.operations.as_ref()).enumerate() {
        let Some(matched) = operation.matched.value.as_ref().map(|text| &text.0) else { continue };
        let spot = operation.matched.spot;
        let key = (matched.method.clone(), shape(&matched.template));
        if let Some(first) = written.insert(key.clone(), spot) {
            let what = format!(
                "`operations[{index}]`: `{} {}` is the same operation as the one in line {}",
                matched.method, matched.template, first.line
            );
            faults.error(spot, "operation.duplicate", what, "keep one: names of parameters make no difference".to_owned());
            continue;
        }
        let at = *places.entry(key).or_insert_with(|| {
            drafts.push(Draft::new(matched.method.clone(), matched.template.clone()));
            drafts.len() - 1
        });
        let Some(draft) = drafts.get_mut(at) else { continue };
        if draft.template != matched.template {
            let what = format!("`operations[{index}].match`: the OpenAPI document calls this path `{}`", draft.template);
            faults.error(spot, "operation.names", what, format!("write `{} {}`", draft.method, draft.template));
            continue;
        }
        refine(draft, operation, index, faults);
    }
    if drafts.len() > OPERATIONS_MAX {
        faults.error(
            Spot::default(),
            "operation.too_many",
            format_args!("the API has {} operations, at most {OPERATIONS_MAX} are read", drafts.len()),
            None,
        );
    }
    drafts
}

fn refine(draft: &mut Draft, raw: &RawOperation, index: usize, faults: &Faults) {
    if let Some(class) = value(raw.class.as_ref()) {
        draft.class = class.0;
        draft.classed = true;
    }
    if let Some(anonymous) = value(raw.anonymous.as_ref()) {
        draft.anonymous = *anonymous;
    }
    if let Some(people) = value(raw.people.as_ref()) {
        draft.people = Some(*people);
    }
    if let Some(at) = &raw.resource
        && let Some(parameter) = &at.value
    {
        match parameters(&draft.template).any(|name| name == &*parameter.0) {
            true => draft.resource = Some(parameter.0.clone()),
            false => {
                let names: Vec<_> = parameters(&draft.template).collect();
                let mend = match names.as_slice() {
                    [] => "the path has no parameter: take it out".to_owned(),
                    names => format!("one of {}", crate::nearest::listed(names.iter().copied())),
                };
                let what = format!("`operations[{index}].resource`: `{}` has no parameter `{}`", draft.template, parameter.0);
                faults.error(at.spot, "operation.resource", what, mend);
            }
        }
    }
    if let Some(records) = value(raw.records.as_ref()) {
        draft.records = Some(records.0.clone());
    }
    if let Some(deprecated) = value(raw.deprecated.as_ref()) {
        draft.ending.get_or_insert_default().deprecated = Some(deprecated.0);
    }
    if let Some(sunset) = value(raw.sunset.as_ref()) {
        draft.ending.get_or_insert_default().sunset = Some(sunset.0);
    }
    let said = raw.sunset.as_ref().or(raw.deprecated.as_ref());
    if let (Some(at), Some(DraftEnding { deprecated: Some(since), sunset: Some(sunset) })) = (said, draft.ending)
        && sunset < since
    {
        let what = format!("`operations[{index}].sunset`: {sunset} is before {since}, since when the operation is deprecated");
        faults.error(at.spot, "operation.sunset", what, "what is gone was deprecated before (RFC 9745 §4)".to_owned());
    }
    if let Some(at) = &raw.login {
        draft.login = at.value.as_ref().and_then(|login| self::login(login, at.spot, draft, index, faults));
    }
    draft.query.extend(items(raw.query.as_ref()).map(|(name, _)| name.0.clone()));
}

/// Whom an operation signs in.
fn login(raw: &RawLogin, spot: Spot, draft: &Draft, index: usize, faults: &Faults) -> Option<Login> {
    let subject = raw.subject.value.as_ref()?.0.clone();
    let mut failed: Vec<u16> = Vec::new();
    for (status, spot) in items(Some(&raw.failed)) {
        if !(100..=599).contains(status) {
            let what = format!("`operations[{index}].login.failed`: `{status}` is no status code");
            faults.error(spot, "operation.login", what, "name statuses of 100 to 599, as in `[401, 403]`".to_owned());
        }
        failed.push(*status);
    }
    if failed.is_empty() {
        let mend = "name the statuses by which the upstream says that it was in vain, as in `[401, 403]`".to_owned();
        faults.error(spot, "operation.login", format_args!("`operations[{index}].login.failed`: the list is empty"), mend);
    }
    if draft.class != OperationClass::Login {
        let what = format!("`operations[{index}].login`: the operation is of the class `{}`", draft.class);
        faults.error(spot, "operation.login", what, "set `class: login`".to_owned());
    }
    Some(Login { subject, failed: failed.into() })
}

/// The names of a template's parameters.
pub(crate) fn parameters(template: &PathTemplate) -> impl Iterator<Item = &str> {
    template.segments().iter().flat_map(Segment::parameters)
}

/// The operations as the gate knows them.
pub(super) fn finish(drafts: Vec<Draft>, api: &ApiName, prefix: &str, open: &Open, then: SunsetStance) -> Box<[Arc<Operation>]> {
    let finished = drafts.into_iter().filter_map(|draft| finished(draft, api, prefix, open, then));
    let mut operations: Vec<_> = finished.map(Arc::new).collect();
    operations.sort_by(|a, b| (a.template.as_str(), a.method.as_str()).cmp(&(b.template.as_str(), b.method.as_str())));
    operations.into()
}

fn finished(draft: Draft, api: &ApiName, prefix: &str, open: &Open, then: SunsetStance) -> Option<Operation> {
    let template = full(prefix, &draft.template)?;
    let mut query = draft.query;
    query.sort_unstable();
    query.dedup();
    Some(Operation {
        id: OperationId::new(api, &draft.method, &template),
        method: draft.method,
        template,
        class: draft.class,
        resource: draft.resource,
        records: draft.records,
        anonymous: draft.anonymous,
        people: open.to_people(draft.people, draft.class),
        query: query.into(),
        ending: draft.ending.map(|DraftEnding { deprecated, sunset }| OperationEnding { deprecated, sunset, then }),
        request: draft.request,
        login: draft.login.map(Box::new),
        flows: Box::default(),
    })
}

#[cfg(test)]
mod tests;
