//! Whether anything reads the body of a request, and what it does with what it finds.

use crate::judge::Denial;
use wardgate_abuse::inspect::{self, Media, Wanted};
use wardgate_model::{
    api::{Api, Operation},
    facts::RequestFacts,
    reason::Reason,
    schema::NodeId,
    shape::{Conformance, RequestShape},
    wire::UpstreamProtocol,
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
    /// Whether it is read as what it says it is.
    pub(super) reads: bool,
    /// Whether it is looked whether it is JSON, though it does not say so.
    pub(super) guards: bool,
    /// Whether it is enough for that how it begins.
    pub(super) starts: bool,
    /// Whether it is waited for whatever its length.
    pub(super) waits: Rule,
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

/// What is sent beside the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Nothing.
    Nothing,
    /// A body.
    Body,
    /// A body of which nobody has said how long it is: it may be empty, and is one until that was looked at.
    Perhaps,
}

impl Sent {
    const fn of(request: &RequestFacts) -> Self {
        match request.length {
            Some(0) => Self::Nothing,
            Some(_) => Self::Body,
            None if request.content.follows => Self::Perhaps,
            None => Self::Nothing,
        }
    }
}

/// What becomes of a body.
#[derive(Debug, Default)]
pub(super) struct Found<'s> {
    /// It is of a kind that is not taken.
    pub(super) untaken: Option<NotTaken>,
    /// How it is read; `None`: nothing reads it.
    pub(super) reading: Option<Reading<'s>>,
}

/// How the body of a request is read, of which so many bytes are looked at.
pub(super) fn reading<'s>(api: &Api, operation: &'s Operation, request: &'s RequestFacts, limit: u64) -> Found<'s> {
    let conformance = api.inspect.requests;
    let shape = operation.request.as_deref().filter(|_| conformance != Conformance::Off);
    if shape.is_none() && operation.login.is_none() && !api.inspect.json {
        return Found::default();
    }
    let sent = Sent::of(request);
    let required = shape.and_then(|shape| shape.body.as_ref()).is_some_and(|body| body.required);
    if sent == Sent::Nothing && !required {
        return Found::default();
    }
    let conforms = if conformance == Conformance::Enforce { Rule::Binds } else { Rule::Watches };
    let declared = request.content_type.as_deref();
    let media = Media::of(declared);
    let read = matches!(media, Media::Json | Media::Form);
    let described = match (shape, sent) {
        (Some(shape), Sent::Body | Sent::Perhaps) => of_shape(shape, operation, declared),
        (Some(_) | None, _) => Ok(None),
    };
    let (schema, untold, untaken) = match described {
        Ok(schema) => (schema, false, None),
        // Whoever does not say what a body is may have none: it is looked at for that.
        Err(_) if sent == Sent::Perhaps && media == Media::Undeclared => (None, true, None),
        Err(told) => (None, false, Some(NotTaken { rule: conforms, told })),
    };
    let is_json = api.inspect.json && media == Media::Json;
    let guards =
        api.inspect.json && media != Media::Json && sent != Sent::Nothing && !is_named(operation, declared) && !is_grpc(api, declared);
    let required = required && untaken.is_none() && (read || untold || sent == Sent::Nothing);
    let reads = operation.login.is_some() || is_json || (schema.is_some() && read) || required || untold;
    if !reads && !guards {
        return Found { untaken, reading: None };
    }
    let rule = if operation.login.is_some() || is_json { Rule::Binds } else { conforms };
    // Who only watches waits for nothing large, and what is in a coding begins like nothing.
    let whole = reads && (rule == Rule::Binds || request.length.is_some_and(|bytes| bytes <= limit));
    let codings = request.content.codings.as_deref();
    let starts = guards && !whole && codings.is_none();
    let waits = if guards { Rule::Binds } else { rule };
    let subject = operation.login.as_deref().map(|login| &*login.subject);
    let schema = schema.and_then(|node| Some((&*shape?.schemas, node)));
    let wanted = Wanted { media, codings, schema, subject };
    Found { untaken, reading: Some(Reading { wanted, reads, guards, starts, waits, required, rule, conforms }) }
}

/// Whether the document has the operation take bodies of this very type, and none of JSON: who reads one as JSON there does so against it.
fn is_named(operation: &Operation, declared: Option<&str>) -> bool {
    let Some(body) = operation.request.as_deref().and_then(|shape| shape.body.as_ref()) else { return false };
    let json = |range: &str| range.contains('*') || Media::of(Some(range)) == Media::Json;
    declared.is_some() && !body.media.iter().any(|(range, _)| json(range)) && inspect::described(body, declared).is_some()
}

/// Whether it is a call of gRPC to an upstream that takes such: its messages may come after the answer has begun, so nobody waits for one.
fn is_grpc(api: &Api, declared: Option<&str>) -> bool {
    let kind = declared.and_then(|declared| declared.get(..GRPC.len()));
    api.upstream.wire.protocol == UpstreamProtocol::Http2 && kind.is_some_and(|kind| kind.eq_ignore_ascii_case(GRPC))
}

/// How the types of gRPC begin.
const GRPC: &str = "application/grpc";

/// What the document says of a body of this type; an error: it has none of it. Where a login is, there is a body, whatever the document says.
fn of_shape(shape: &RequestShape, operation: &Operation, declared: Option<&str>) -> Result<Option<NodeId>, &'static str> {
    match &shape.body {
        Some(body) => inspect::described(body, declared).ok_or("the body: the document describes none of this media type"),
        None if operation.login.is_some() => Ok(None),
        None => Err("the body: the document describes none"),
    }
}
