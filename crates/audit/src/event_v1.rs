//! The audit event, version 1. Every line ever written must parse with these types, so words stand here as text and
//! not as the enums of `model`, which may change; members may be added, never renamed, removed or made required.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The number of this version: member `v`.
pub const VERSION: u8 = 1;

/// What an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request and its end.
    Request,
    /// A long stream began.
    Opened,
    /// A long stream ended.
    Closed,
    /// Somebody changed what is governed.
    Change,
    /// Something is not as it should be.
    Finding,
    /// Somebody or something was stopped everywhere.
    Containment,
    /// A connection that was ended for what came over it.
    Connection,
}

impl Kind {
    /// All of them.
    const ALL: [Self; 7] = [Self::Request, Self::Opened, Self::Closed, Self::Change, Self::Finding, Self::Containment, Self::Connection];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Change => "change",
            Self::Finding => "finding",
            Self::Containment => "containment",
            Self::Connection => "connection",
        }
    }

    /// What a word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One event of Wardgate. A member that is absent was not known or does not apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventV1<'a> {
    /// Version of this form: 1.
    pub v: u8,
    /// When it began (a request: arrived), in microseconds since 1970-01-01T00:00:00Z.
    pub time_us: i64,
    /// Number of the event in this edge's log, without gaps, over restarts.
    pub seq: u64,
    /// Id of the event: `EDGE:SEQ`.
    pub id: Cow<'a, str>,
    /// What it tells of.
    pub kind: Kind,
    /// Id of the request, as in `Wardgate-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Cow<'a, str>>,
    /// W3C trace id, 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Cow<'a, str>>,
    /// Through which kind of door it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<Cow<'a, str>>,
    /// Name of the edge that wrote it.
    pub edge: Cow<'a, str>,
    /// Who called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityV1<'a>>,
    /// By which credential on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialV1<'a>>,
    /// How it was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofV1<'a>>,
    /// What the token said, when the proof was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenV1<'a>>,
    /// Of which tokens that one came, nearest first, by their `jti`; where a token was given out or ended, of which that one came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_parents: Vec<Cow<'a, str>>,
    /// On behalf of what it came: `machine`, `people` (the session of a person, which proves nothing) or `anonymous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Cow<'a, str>>,
    /// Keyed hash of the person on whose behalf it was: whom the token named, in the lane `people` whose session it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Cow<'a, str>>,
    /// Who acted for the identity, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<Cow<'a, str>>,
    /// Name of the grant that allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Cow<'a, str>>,
    /// Why it was made; where a task was started, or a token of one given out or ended: what that one is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<PurposeV1<'a>>,
    /// Id of the task it was part of; where one was started, or a token of one given out or ended, of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Cow<'a, str>>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceV1<'a>>,
    /// What was sent, beside method and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestV1<'a>>,
    /// Which API was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiV1<'a>>,
    /// Which operation: `API METHOD TEMPLATE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Cow<'a, str>>,
    /// Class of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Cow<'a, str>>,
    /// Method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Cow<'a, str>>,
    /// Canonical path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Cow<'a, str>>,
    /// The resource acted on, as the operation's path parameter names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Cow<'a, str>>,
    /// Code of the reason for which it was stopped before it could be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Cow<'a, str>>,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<RulingV1<'a>>,
    /// How it ended: `complete`, `client_gone`, `upstream_broke`, `cut` or `fault`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Cow<'a, str>>,
    /// From arrival to end, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// HTTP status that the client was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_status: Option<u16>,
    /// What the upstream did; absent when it was never reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamV1<'a>>,
    /// `Wardgate-Effect`, as the upstream declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Cow<'a, str>>,
    /// Number of the snapshot it was judged against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<u64>,
    /// Number of the ruling, in the order they were made on this edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_order: Option<u64>,
    /// What somebody changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeV1<'a>>,
    /// What is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<FindingV1<'a>>,
    /// Whether what may tell of a person was erased from it: such members are absent, known or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

impl<'a> EventV1<'a> {
    /// The form of an event that is not, or not yet, in a log: `explain` shows what was judged as it would be recorded.
    #[must_use]
    pub fn unrecorded(event: &'a wardgate_model::event::Event, edge: &'a str) -> Self {
        Self { id: format!("{edge}:0").into(), ..crate::encode::event(event, edge, 0) }
    }
}

/// Who called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityV1<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// What kind of machine it is.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'a, str>>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Cow<'a, str>>,
    /// The team within the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Cow<'a, str>>,
    /// Where it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// Its grade at that time, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
}

/// A credential on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialV1<'a> {
    /// Its public id.
    pub id: Cow<'a, str>,
    /// What kind of thing it is.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'a, str>>,
    /// Whether it is bound to a key that the caller must possess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<bool>,
}

/// What the request showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProofV1<'a> {
    /// How the caller proved itself; `none` when it did not.
    pub kind: Cow<'a, str>,
    /// Whether possession of a key was shown.
    pub bound: bool,
    /// How old what was shown was, in seconds.
    pub age_s: i64,
}

/// A token's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenV1<'a> {
    /// `jti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// `iss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Cow<'a, str>>,
    /// `aud`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<Cow<'a, str>>,
    /// `scope`, split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Cow<'a, str>>,
}

/// Why a request was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurposeV1<'a> {
    /// The registered purpose.
    pub value: Cow<'a, str>,
    /// On what it rests: `declared`, `registered` or `task`.
    pub basis: Cow<'a, str>,
}

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceV1<'a> {
    /// The peer's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Cow<'a, str>>,
    /// The network that the address belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Cow<'a, str>>,
    /// The zone whose networks hold the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Cow<'a, str>>,
    /// The environment of the zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// Country of the address, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Cow<'a, str>>,
    /// Fingerprint of the client's TLS stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fingerprint: Option<Cow<'a, str>>,
    /// The declared user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Cow<'a, str>>,
    /// What is said of the address elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reputation: Option<Cow<'a, str>>,
    /// Whether a good call of this identity came from the same network before, as far as its profile goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<bool>,
}

/// What was sent, beside method and path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestV1<'a> {
    /// Host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Cow<'a, str>>,
    /// Of the query, the parameters that a policy or rule reads, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Cow<'a, str>>,
    /// Media type of the body, as declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Cow<'a, str>>,
    /// Length of the body in bytes, as declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
}

/// The API that was called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiV1<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Who answers for its policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Cow<'a, str>>,
    /// The business function it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_function: Option<Cow<'a, str>>,
    /// What a leak would mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Cow<'a, str>>,
}

/// What was decided.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RulingV1<'a> {
    /// `allow`, `slow`, `challenge` or `block`.
    pub response: Cow<'a, str>,
    /// Whether it was binding; `false` under `mode: observe`.
    pub enforced: bool,
    /// Code of the deciding reason.
    pub code: Cow<'a, str>,
    /// Codes of all reasons, the deciding one first.
    #[serde(default)]
    pub reasons: Vec<Cow<'a, str>>,
    /// Policies that decided.
    #[serde(default)]
    pub policies: Vec<Cow<'a, str>>,
    /// 0 to 100.
    #[serde(default)]
    pub risk: u8,
    /// What the risk is made of.
    #[serde(default)]
    pub signals: Vec<SignalV1<'a>>,
    /// `slow`: by how much, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_us: Option<u64>,
    /// `challenge`: what had to be shown, `possession` or `step_up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Cow<'a, str>>,
    /// What would have been done for the risk, where it was only watched: `slow`, `challenge` or `block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Cow<'a, str>>,
}

/// One contribution to the risk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignalV1<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What was measured.
    pub value: f64,
    /// What it contributed.
    pub weight: f64,
}

/// What the upstream did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpstreamV1<'a> {
    /// Its address, as configured.
    pub name: Cow<'a, str>,
    /// Its status; absent when it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From the request's departure to the head of the answer, in microseconds.
    #[serde(default)]
    pub latency_us: u64,
    /// Body bytes sent to it.
    #[serde(default)]
    pub bytes_in: u64,
    /// Body bytes received from it.
    #[serde(default)]
    pub bytes_out: u64,
    /// Records in its answer, where counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
}

/// A change of what is governed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeV1<'a> {
    /// Who did it: an identity, or `file:PATH`.
    pub actor: Cow<'a, str>,
    /// What was done: `issue`, `revoke`, `apply`…
    pub what: Cow<'a, str>,
    /// To what kind of thing.
    pub kind: Cow<'a, str>,
    /// To which one.
    pub name: Cow<'a, str>,
    /// Why, in the actor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// Of which identities that is, where it is a credential or a grant of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Cow<'a, str>>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingV1<'a> {
    /// What, as a code for machines.
    pub code: Cow<'a, str>,
    /// How bad: `info`, `low`, `medium`, `high` or `critical`.
    pub severity: Cow<'a, str>,
    /// Of what kind of thing.
    pub kind: Cow<'a, str>,
    /// Of which one.
    pub name: Cow<'a, str>,
    /// What was seen, for people.
    pub what: Cow<'a, str>,
}

/// The JSON Schema (2020-12) of an event. The repository keeps it as `schema/event-v1.json`.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(EventV1<'static>);
    schema.insert("title".to_owned(), "Wardgate audit event, version 1".into());
    schema.into()
}

#[cfg(test)]
mod tests;
