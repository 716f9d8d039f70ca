//! One row of the table, and how rows are written.

use super::Key;
use crate::problem::Code;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use wardgate_model::{
    api::{Api, Operation, OperationClass, PathTemplate, Segment, TemplateError},
    id::ApiName,
};

/// The one kind of proof that an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A session.
    Session,
    /// A single-use sign-in.
    SignIn,
}

/// Who may come as far as the operation's own rules. The policies of the gate have ruled before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Not a caller whose only role is `owner`: the operation tells or changes what is not one owner's own.
    Wide,
    /// Also a caller whose only role is `owner`: the operation itself keeps it to what its owner owns.
    Own,
}

/// A query parameter or header field that an operation reads. All are optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// What it does.
    pub about: &'static str,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the query.
    Query,
    /// In a header field.
    Header,
}

/// Writes the JSON Schema of a body.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct AdminOperation {
    /// Which.
    pub key: Key,
    /// Method.
    pub method: Verb,
    /// Full path template.
    pub template: &'static str,
    /// What it does to the world: the action of a policy.
    pub class: OperationClass,
    /// What the caller must have shown.
    pub needs: Needs,
    /// How wide the caller's roles must be.
    pub reach: Reach,
    /// One sentence for people.
    pub summary: &'static str,
    /// What it reads besides path and body.
    pub parameters: &'static [Parameter],
    /// Its body; `None`: it takes none.
    pub request: Option<SchemaOf>,
    /// Statuses and bodies of success.
    pub answers: &'static [(u16, Option<SchemaOf>)],
    /// How it may refuse, besides the ways that all operations have in common.
    pub refusals: &'static [Code],
}

/// The methods of this API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Verb {
    /// The method as HTTP has it.
    #[must_use]
    pub const fn http(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

/// A row that takes a session and wide roles, reads nothing and gives nothing, until the calls after it say otherwise.
pub(super) const fn row(key: Key, method: Verb, template: &'static str, class: OperationClass, summary: &'static str) -> AdminOperation {
    AdminOperation {
        key,
        method,
        template,
        class,
        needs: Needs::Session,
        reach: Reach::Wide,
        summary,
        parameters: &[],
        request: None,
        answers: &[],
        refusals: &[],
    }
}

impl AdminOperation {
    pub(super) const fn by_sign_in(mut self) -> Self {
        self.needs = Needs::SignIn;
        self
    }

    pub(super) const fn own(mut self) -> Self {
        self.reach = Reach::Own;
        self
    }

    pub(super) const fn reads(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    pub(super) const fn takes(mut self, request: SchemaOf) -> Self {
        self.request = Some(request);
        self
    }

    pub(super) const fn gives(mut self, answers: &'static [(u16, Option<SchemaOf>)]) -> Self {
        self.answers = answers;
        self
    }

    pub(super) const fn refuses(mut self, refusals: &'static [Code]) -> Self {
        self.refusals = refusals;
        self
    }

    /// Whether it reads this parameter.
    #[must_use]
    pub fn reads_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name)
    }

    /// The operation as the gate judges it.
    ///
    /// # Errors
    /// When the template is none; a test keeps the table right.
    pub(super) fn operation(&self) -> Result<Operation, TemplateError> {
        let template = PathTemplate::parse(self.template)?;
        let resource = template.segments().iter().rev().find_map(Segment::parameter).map(Into::into);
        Ok(Operation { resource, ..Operation::ours(&ApiName::literal(Api::ADMIN), self.method.http(), template, self.class) })
    }
}

pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A JSON object whose members are the business of others: an event, an explanation, an OpenAPI document.
pub(super) fn object(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<serde_json::Map<String, serde_json::Value>>()
}

pub(super) const fn query(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, about }
}

const fn header(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Header, about }
}

pub(super) const LIMIT: Parameter = query("limit", "how many at most: 1 to 500, 100 unless told");
pub(super) const CURSOR: Parameter = query("cursor", "`next` of the page before");
pub(super) const IDENTITY: Parameter = query("identity", "only of this identity");
pub(super) const REASON: Parameter = query("reason", "why, for the feed of changes: at most 500 characters");
pub(super) const IF_MATCH: Parameter = header("If-Match", "only when it is at this `ETag`; otherwise 412");
pub(super) const IF_NONE_MATCH: Parameter = header("If-None-Match", "`*`: only when it is not there yet; otherwise 412");
/// The field that makes a request safe to repeat.
pub(crate) const IDEMPOTENCY_KEY: Parameter = header(
    "Idempotency-Key",
    "1 to 64 visible characters: the same request (method, path, query, preconditions, body) again within 24 hours gets the first one's \
         answer, another one is refused; remembered by the process that answered, until it ends",
);
