//! Whether anything reads the body of a request, and what it does with what it finds.

use crate::judge::Denial;
use wardgate_abuse::inspect::{self, Media, Wanted};
use wardgate_model::{
    api::{Api, Operation},
    facts::RequestFacts,
    reason::Reason,
    shape::{Conformance, RequestShape},
};

/// Largest body that is looked at as it comes, in bytes.
pub const COLLECTED_BYTES_MAX: u64 = 1024 * 1024;

/// What a finding is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// It is a rule: what it cannot read does not go on.
    Binds,
    /// It only watches.
    Watches,
}

/// How a body is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'s> {
    pub(super) wanted: Wanted<'s>,
    /// Whether there must be one.
    pub(super) required: bool,
    /// What follows where the body cannot be read.
    pub(super) rule: Rule,
    /// What follows where it is not as the document has it.
    pub(super) conforms: Rule,
}

/// A body is of a kind that is not taken.
#[derive(Debug)]
pub(super) struct NotTaken {
    pub(super) rule: Rule,
    pub(super) told: &'static str,
}

impl NotTaken {
    pub(super) fn denial(&self) -> Box<Denial> {
        Denial::because(Reason::InspectMedia).told(self.told.into())
    }
}

/// How the body of a request is read; `None`: nothing reads it.
pub(super) fn reading<'s>(api: &Api, operation: &'s Operation, request: &'s RequestFacts) -> Result<Option<Reading<'s>>, NotTaken> {
    let conformance = api.inspect.requests;
    let shape = operation.request.as_deref().filter(|_| conformance != Conformance::Off);
    if shape.is_none() && operation.login.is_none() && !api.inspect.json {
        return Ok(None);
    }
    let conforms = if conformance == Conformance::Enforce { Rule::Binds } else { Rule::Watches };
    let declared = request.content_type.as_deref();
    let (schema, required) = of_shape(shape, request, conforms)?;
    let media = Media::of(declared);
    let read = matches!(media, Media::Json | Media::Form);
    let rule = if operation.login.is_some() || (api.inspect.json && media == Media::Json) { Rule::Binds } else { conforms };
    let wants = operation.login.is_some() || (api.inspect.json && media == Media::Json) || (schema.is_some() && read) || required;
    if !wants || request.length == Some(0) && !required {
        return Ok(None);
    }
    let subject = operation.login.as_deref().map(|login| &*login.subject);
    let schema = schema.and_then(|node| Some((&*shape?.schemas, node)));
    let wanted = Wanted { media, codings: request.content.codings.as_deref(), schema, subject };
    Ok(Some(Reading { wanted, required, rule, conforms }))
}

/// What the document says of a body of this type, and whether there must be one of a type that is read.
fn of_shape(
    shape: Option<&RequestShape>,
    request: &RequestFacts,
    conforms: Rule,
) -> Result<(Option<wardgate_model::schema::NodeId>, bool), NotTaken> {
    let Some(shape) = shape else { return Ok((None, false)) };
    let declared = request.content_type.as_deref();
    let some = request.length.is_some_and(|bytes| bytes > 0);
    let Some(body) = &shape.body else {
        if some || declared.is_some() && request.length != Some(0) {
            return Err(NotTaken { rule: conforms, told: "the body: the document describes none" });
        }
        return Ok((None, false));
    };
    if declared.is_none() && !some {
        // There may be none.
        return Ok((None, body.required));
    }
    match inspect::described(body, declared) {
        Some(schema) => Ok((schema, body.required && matches!(Media::of(declared), Media::Json | Media::Form))),
        None => Err(NotTaken { rule: conforms, told: "the body: the document describes none of this media type" }),
    }
}
