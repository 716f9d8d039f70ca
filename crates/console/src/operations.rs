//! The one table of operations. The API that the gate judges, the OpenAPI document and the dispatch come from it.

use crate::{
    answer::Page,
    credentials::{CredentialView, IssueRequest, Issued},
    explain::ExplainRequest,
    records::{ChangeView, ResourceView},
    secrets::{PutSecretRequest, SecretView},
    sessions::{Session, SessionEnd, Whoami},
};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::sync::Arc;
use wardgate_model::{
    api::{
        Api, AuditMode, Consumers, Doors, Exposure, HostPattern, Mode, Operation, OperationClass, OperationId, PathTemplate, Segment,
        Sensitivity, Target, TemplateError, Upstream, UpstreamIdentity, UpstreamTimeouts,
    },
    credential::CredentialKind,
    id::{ApiName, EnvironmentName, OwnerName},
    inventory::Environment,
};

/// Whole segments that every path of this API begins with.
pub const PREFIX: &str = "/api/v1";

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $id:literal,)*) => {
        /// What can be asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Key { $($(#[$doc])* $variant,)* }

        impl Key {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its `operationId` in the OpenAPI document.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }
        }
    };
}

keys! {
    /// Swap a sign-in for a session.
    SignIn = "signIn",
    /// Give this session more time.
    RenewSession = "renewSession",
    /// End this session.
    SignOut = "signOut",
    /// Who the caller is.
    Whoami = "whoami",
    /// List credentials.
    ListCredentials = "listCredentials",
    /// Issue one.
    IssueCredential = "issueCredential",
    /// End one.
    RevokeCredential = "revokeCredential",
    /// List upstream secrets, without the secrets.
    ListSecrets = "listSecrets",
    /// Put one in place.
    PutSecret = "putSecret",
    /// Explain a recorded request.
    ExplainRecorded = "explainRecorded",
    /// Explain a described request.
    ExplainDescribed = "explainDescribed",
    /// Read the event log.
    ListEvents = "listEvents",
    /// List resources of a kind.
    ListResources = "listResources",
    /// Read one resource.
    ReadResource = "readResource",
    /// Read the feed of changes.
    ListChanges = "listChanges",
    /// This API's own document.
    OpenApi = "openapi",
}

/// The one kind of proof that an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A session.
    Session,
    /// A single-use sign-in.
    SignIn,
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
    /// One sentence for people.
    pub summary: &'static str,
    /// What it reads besides path and body.
    pub parameters: &'static [Parameter],
    /// Its body; `None`: it takes none.
    pub request: Option<SchemaOf>,
    /// Status and body of success.
    pub response: (u16, Option<SchemaOf>),
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

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const fn query(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, about }
}

const fn header(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Header, about }
}

const LIMIT: Parameter = query("limit", "how many at most: 1 to 500, 100 unless told");
const CURSOR: Parameter = query("cursor", "`next` of the page before");
const IDENTITY: Parameter = query("identity", "only of this identity");
const REASON: Parameter = query("reason", "why, for the feed of changes: at most 500 characters");
const IF_MATCH: Parameter = header("If-Match", "only when it is at this `ETag`; otherwise 412");
const IF_NONE_MATCH: Parameter = header("If-None-Match", "`*`: only when it is not there yet; otherwise 412");
const IDEMPOTENCY_KEY: Parameter =
    header("Idempotency-Key", "1 to 64 visible characters: the same request again within 24 hours gets the first one's answer");

/// Every operation of the management API.
pub const OPERATIONS: &[AdminOperation] = &[
    AdminOperation {
        key: Key::SignIn,
        method: Verb::Post,
        template: "/api/v1/sessions",
        class: OperationClass::Login,
        needs: Needs::SignIn,
        summary: "Swaps a single-use sign-in credential for a session of 12 hours. The token is shown once.",
        parameters: &[],
        request: None,
        response: (201, Some(schema_of::<Session>)),
    },
    AdminOperation {
        key: Key::RenewSession,
        method: Verb::Post,
        template: "/api/v1/sessions/renew",
        class: OperationClass::Login,
        needs: Needs::Session,
        summary: "Gives this session 12 hours from now, at most 7 days from its beginning.",
        parameters: &[],
        request: None,
        response: (200, Some(schema_of::<SessionEnd>)),
    },
    AdminOperation {
        key: Key::SignOut,
        method: Verb::Delete,
        template: "/api/v1/sessions/current",
        class: OperationClass::Login,
        needs: Needs::Session,
        summary: "Ends this session.",
        parameters: &[],
        request: None,
        response: (204, None),
    },
    AdminOperation {
        key: Key::Whoami,
        method: Verb::Get,
        template: "/api/v1/whoami",
        class: OperationClass::Read,
        needs: Needs::Session,
        summary: "Tells who the caller is, and by what it is known.",
        parameters: &[],
        request: None,
        response: (200, Some(schema_of::<Whoami>)),
    },
    AdminOperation {
        key: Key::ListCredentials,
        method: Verb::Get,
        template: "/api/v1/credentials",
        class: OperationClass::List,
        needs: Needs::Session,
        summary: "Lists credentials on record, in the order they were issued. Never shows a key or its hash.",
        parameters: &[IDENTITY, query("state", "only those that are `live`, `expired`, `revoked` or `spent`"), LIMIT, CURSOR],
        request: None,
        response: (200, Some(schema_of::<Page<CredentialView>>)),
    },
    AdminOperation {
        key: Key::IssueCredential,
        method: Verb::Post,
        template: "/api/v1/credentials",
        class: OperationClass::Write,
        needs: Needs::Session,
        summary: "Issues an API key for an entry of an identity, or a sign-in for an identity with a role. It is shown once.",
        parameters: &[IDEMPOTENCY_KEY],
        request: Some(schema_of::<IssueRequest>),
        response: (201, Some(schema_of::<Issued>)),
    },
    AdminOperation {
        key: Key::RevokeCredential,
        method: Verb::Delete,
        template: "/api/v1/credentials/{id}",
        class: OperationClass::Delete,
        needs: Needs::Session,
        summary: "Ends a credential: the next request with it is refused. One that was revoked before stays as it is.",
        parameters: &[REASON, IF_MATCH],
        request: None,
        response: (200, Some(schema_of::<CredentialView>)),
    },
    AdminOperation {
        key: Key::ListSecrets,
        method: Verb::Get,
        template: "/api/v1/secrets",
        class: OperationClass::List,
        needs: Needs::Session,
        summary: "Lists upstream secrets: names and dates, never what is in them.",
        parameters: &[LIMIT, CURSOR],
        request: None,
        response: (200, Some(schema_of::<Page<SecretView>>)),
    },
    AdminOperation {
        key: Key::PutSecret,
        method: Verb::Put,
        template: "/api/v1/secrets/{name}",
        class: OperationClass::Admin,
        needs: Needs::Session,
        summary: "Puts an upstream secret in place, over what was there. It is sealed before it is kept and never shown again.",
        parameters: &[IF_MATCH, IF_NONE_MATCH],
        request: Some(schema_of::<PutSecretRequest>),
        response: (200, Some(schema_of::<SecretView>)),
    },
    AdminOperation {
        key: Key::ExplainRecorded,
        method: Verb::Get,
        template: "/api/v1/explain/{request_id}",
        class: OperationClass::Read,
        needs: Needs::Session,
        summary: "Explains a recorded request: ruling, reasons, grant, policies, remedy.",
        parameters: &[],
        request: None,
        response: (200, Some(schema_of::<serde_json::Map<String, serde_json::Value>>)),
    },
    AdminOperation {
        key: Key::ExplainDescribed,
        method: Verb::Post,
        template: "/api/v1/explain",
        class: OperationClass::Read,
        needs: Needs::Session,
        summary: "Explains what would become of a described request. Nothing is sent, counted or recorded.",
        parameters: &[],
        request: Some(schema_of::<ExplainRequest>),
        response: (200, Some(schema_of::<serde_json::Map<String, serde_json::Value>>)),
    },
    AdminOperation {
        key: Key::ListEvents,
        method: Verb::Get,
        template: "/api/v1/events",
        class: OperationClass::List,
        needs: Needs::Session,
        summary: "Reads the event log: without a cursor the newest, with one what came after it.",
        parameters: &[
            IDENTITY,
            query("api", "only of this API"),
            query("code", "only with this reason code"),
            query("response", "only with this answer: `allow`, `slow`, `challenge`, `block`"),
            query("without_reads_of", "without the allowed requests of this API that only read, as a follower of the log makes them"),
            LIMIT,
            CURSOR,
        ],
        request: None,
        response: (200, Some(schema_of::<Page<serde_json::Map<String, serde_json::Value>>>)),
    },
    AdminOperation {
        key: Key::ListResources,
        method: Verb::Get,
        template: "/api/v1/resources/{kind}",
        class: OperationClass::List,
        needs: Needs::Session,
        summary: "Lists the resources of a kind by name; identities with their status.",
        parameters: &[LIMIT, CURSOR],
        request: None,
        response: (200, Some(schema_of::<Page<ResourceView>>)),
    },
    AdminOperation {
        key: Key::ReadResource,
        method: Verb::Get,
        template: "/api/v1/resources/{kind}/{name}",
        class: OperationClass::Read,
        needs: Needs::Session,
        summary: "Reads one resource; an identity with its status.",
        parameters: &[],
        request: None,
        response: (200, Some(schema_of::<ResourceView>)),
    },
    AdminOperation {
        key: Key::ListChanges,
        method: Verb::Get,
        template: "/api/v1/changes",
        class: OperationClass::List,
        needs: Needs::Session,
        summary: "Reads the feed of changes, oldest first: who did what to what, and why.",
        parameters: &[
            query("kind", "only about this: a kind of resource, `status`, `credential`, `secret`, `signing_key`"),
            query("name", "only about what has this name or id"),
            LIMIT,
            CURSOR,
        ],
        request: None,
        response: (200, Some(schema_of::<Page<ChangeView>>)),
    },
    AdminOperation {
        key: Key::OpenApi,
        method: Verb::Get,
        template: "/api/v1/openapi.json",
        class: OperationClass::Read,
        needs: Needs::Session,
        summary: "Describes this API (OpenAPI 3.1).",
        parameters: &[],
        request: None,
        response: (200, Some(schema_of::<serde_json::Map<String, serde_json::Value>>)),
    },
];

impl AdminOperation {
    /// The operation as the gate judges it.
    ///
    /// # Errors
    /// When the template is none; a test keeps the table right.
    fn operation(&self) -> Result<Operation, TemplateError> {
        let template = PathTemplate::parse(self.template)?;
        let method = self.method.http();
        let resource = template.segments().iter().rev().find_map(Segment::parameter).map(Into::into);
        Ok(Operation {
            id: OperationId::new(&ApiName::literal(Api::ADMIN), &method, &template),
            method,
            template,
            class: self.class,
            resource,
            records: None,
            anonymous: false,
            query: Box::default(),
        })
    }
}

/// The management API as the gate judges it: on the admin door, for sessions and sign-ins, recorded without fail.
#[must_use]
pub fn admin_api() -> Api {
    let shared = Environment { name: EnvironmentName::literal("shared"), production: false, shared: true };
    Api {
        name: ApiName::literal(Api::ADMIN),
        policy_owner: OwnerName::literal("wardgate"),
        business_owner: None,
        business_function: None,
        environment: Arc::new(shared),
        sensitivity: Sensitivity::Critical,
        exposure: Exposure::Internal,
        consumers: Consumers::Machine,
        hosts: [HostPattern::Any].into(),
        path_prefix: PREFIX.into(),
        audit: AuditMode::Required,
        mode: Mode::Enforce,
        accept: [CredentialKind::Session, CredentialKind::SignIn].into(),
        api_key_header: None,
        upstream: Upstream {
            target: Target::InProcess,
            path: None,
            identity: UpstreamIdentity::Assertion,
            timeouts: UpstreamTimeouts::default(),
            connections_max: 64,
        },
        operations: OPERATIONS.iter().filter_map(|row| row.operation().ok().map(Arc::new)).collect(),
        doors: Doors::Admin,
    }
}

/// The row that answers an operation of the gate's.
#[must_use]
pub fn row_of(operation: &Operation) -> Option<&'static AdminOperation> {
    OPERATIONS.iter().find(|row| row.method.http() == operation.method && row.template == operation.template.as_str())
}

#[cfg(test)]
mod tests;
