//! Room 2. Takes a [`Canonical`], gives a [`Routed`]: which API, which operation, which resource.
//!
//! Why here: everything dearer is chosen by the API. Refuses: what no API answers for, APIs that do not bear how old the
//! last word of the store is, upgrades that an API does not allow,
//! operations it does not have, methods an operation does not have. Prefixes match whole segments and the longest wins; an exact host goes
//! before any host; of two templates the one wins that is more literal at the first segment where they differ
//! (OpenAPI 3.1 §4.8.8.2 "concrete before templated"), whatever the method.

mod table;

use crate::{canon::Canonical, judge::Refused, snapshot::Snapshot};
use http::{HeaderName, header};
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Operation},
    facts::{ContentFacts, Facts},
    reason::Reason,
    shape::ParameterPlace,
};

pub use table::{Found, Routes, Trie};

/// A request that knows what it is for.
#[derive(Debug)]
pub struct Routed<'a> {
    /// What it asks for.
    pub canonical: Box<Canonical<'a>>,
    /// The API.
    pub api: Arc<Api>,
    /// The operation.
    pub operation: Arc<Operation>,
    /// The resource that the path names.
    pub resource: Option<Box<str>>,
}

impl Routed<'_> {
    /// All that is known so far.
    #[must_use]
    #[inline]
    pub fn into_facts(self) -> Facts {
        let Self { canonical, api, operation, resource } = self;
        Facts { api: Some(api), operation: Some(operation), resource, ..canonical.into_facts() }
    }
}

/// Finds API and operation.
///
/// # Errors
/// Where there is none; with the API where that much is known.
pub fn find<'a>(canonical: Box<Canonical<'a>>, snapshot: &Snapshot) -> Result<Routed<'a>, Refused> {
    let Some((api, trie)) = snapshot.routes().api(&canonical.request.host, &canonical.request.path, canonical.arrival.door) else {
        return Err(Refused::new(canonical.into_facts(), Reason::RouteNoApi));
    };
    if api.stale_after.is_some_and(|after| snapshot.heard().is_stale(after, canonical.arrival.time)) {
        let api = Arc::clone(api);
        return Err(Refused::new(Facts { api: Some(api), ..canonical.into_facts() }, Reason::RouteStale));
    }
    if canonical.upgrade.is_some_and(|upgrade| !api.upstream.wire.upgrade.contains(&upgrade)) {
        let api = Arc::clone(api);
        return Err(Refused::new(Facts { api: Some(api), ..canonical.into_facts() }, Reason::CanonUpgrade));
    }
    let (api, found) = (Arc::clone(api), trie.find(&canonical.request.method, &canonical.request.path));
    let reason = match found {
        Found::Operation(operation) => {
            let operation = Arc::clone(operation);
            let resource = named(&operation, &canonical.request.path).map(Into::into);
            let mut canonical = canonical;
            canonical.request.content = content(&operation, &canonical);
            return Ok(Routed { canonical, api, operation, resource });
        }
        Found::OtherMethods => Reason::RouteNoMethod,
        Found::Nothing => Reason::RouteNoOperation,
    };
    let mut facts = canonical.into_facts();
    facts.api = Some(api);
    Err(Refused::new(facts, reason))
}

/// What the operation's inspection reads of the fields. Repeated ones are one, with commas between (RFC 9110 §5.3).
fn content(operation: &Operation, canonical: &Canonical<'_>) -> ContentFacts {
    let headers = canonical.arrival.headers;
    let joined = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let first = values.next()?.into_owned();
        Some(values.fold(first, |all, value| all + ", " + &*value).into_boxed_str())
    };
    let shape = operation.request.as_deref();
    let parameters = shape.map_or(&[][..], |shape| &*shape.parameters).iter();
    let fields = parameters.filter_map(|parameter| match &parameter.place {
        ParameterPlace::Header(name) => Some(joined(name)),
        ParameterPlace::Path | ParameterPlace::Query => None,
    });
    // What follows a request to go over to another protocol is that protocol, and no body.
    let follows = canonical.arrival.body && canonical.upgrade.is_none();
    ContentFacts { codings: joined(&header::CONTENT_ENCODING), fields: fields.collect(), follows, refused: None }
}

/// The part of the path that the operation's `resource` parameter names.
pub(crate) fn named<'p>(operation: &Operation, path: &'p str) -> Option<&'p str> {
    let wanted = operation.resource.as_deref()?;
    let segments = operation.template.segments().iter();
    let (segment, part) = segments.zip(path.get(1..)?.split('/')).find(|(segment, _)| segment.parameters().any(|name| name == wanted))?;
    segment.value(wanted, part)
}

#[cfg(test)]
mod tests;
