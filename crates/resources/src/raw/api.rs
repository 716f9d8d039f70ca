//! APIs.

use super::{
    people::RawPeople,
    risk::RawRisk,
    value::{
        Accept, AddressText, DomainText, DurationText, FileText, HeaderText, HostText, MatchText, MomentText, Name, ParameterText,
        PointerText, PrefixText, Prose, Word,
    },
};
use crate::yaml::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{borrow::Cow, collections::BTreeMap, fmt};
use wardgate_model::{
    api::{AuditMode, Consumers, Exposure, Mode, OperationClass, Sensitivity, StaleStance, SunsetStance},
    id::{EnvironmentName, OwnerName, SecretName},
    shape::Conformance,
    wire::{Upgrade, UpstreamProtocol},
};

/// What is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Api")]
pub(crate) struct RawApi {
    /// Who answers for its policy.
    pub(crate) policy_owner: At<Name<OwnerName>>,
    /// Who answers for the business behind it.
    pub(crate) business_owner: Option<At<Name<OwnerName>>>,
    /// The business function it serves.
    pub(crate) business_function: Option<At<Prose>>,
    /// Where it lives.
    pub(crate) environment: At<Name<EnvironmentName>>,
    /// What a leak would mean; high unless said.
    pub(crate) sensitivity: Option<At<Word<Sensitivity>>>,
    /// Whom it is there for; internal unless said.
    pub(crate) exposure: Option<At<Word<Exposure>>>,
    /// Who uses it; machine unless said.
    pub(crate) consumers: Option<At<Word<Consumers>>>,
    /// How people's sessions are known, where its consumers are mixed.
    pub(crate) people: Option<At<RawPeople>>,
    /// Its OpenAPI document, 3.0 or 3.1, JSON or YAML.
    pub(crate) openapi: Option<At<FileText>>,
    /// Which requests are for it.
    #[serde(rename = "match")]
    pub(crate) matched: At<RawMatch>,
    /// What the record of a request is worth; required unless said.
    pub(crate) audit: Option<At<Word<AuditMode>>>,
    /// What holds when this gate has not heard from the store for long; the last good state unless said.
    pub(crate) stale: Option<At<RawStale>>,
    /// Where requests go.
    pub(crate) upstream: At<RawUpstream>,
    /// Whether rulings bind; enforce unless said.
    pub(crate) mode: Option<At<Word<Mode>>>,
    /// Kinds of proof it accepts; `api_key` unless said.
    pub(crate) accept: Option<At<Vec<At<Word<Accept>>>>>,
    /// A header, beside `Authorization: Bearer`, in which a key may come.
    pub(crate) api_key_header: Option<At<HeaderText>>,
    /// What a class of operations asks for, beside a grant.
    pub(crate) require: Option<At<BTreeMap<String, At<RawRequire>>>>,
    /// What follows from which risk; by its sensitivity unless said.
    pub(crate) risk: Option<At<RawRisk>>,
    /// What becomes of requests for an operation past its sunset; `allow` unless said: who still calls it is a finding.
    pub(crate) after_sunset: Option<At<Word<SunsetStance>>>,
    /// How requests are inspected.
    pub(crate) inspect: Option<At<RawInspect>>,
    /// Operations: what the OpenAPI document does not say, or says otherwise.
    pub(crate) operations: Option<At<Vec<At<RawOperation>>>>,
}

/// Which requests are for an API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Match")]
pub(crate) struct RawMatch {
    /// Hosts; any unless said.
    pub(crate) hosts: Option<At<Vec<At<HostText>>>>,
    /// Whole segments that its paths begin with; all paths unless said.
    pub(crate) path_prefix: Option<At<PrefixText>>,
}

/// What holds when the last word of the store is old.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Stale")]
pub(crate) struct RawStale {
    /// After how long.
    pub(crate) after: At<DurationText>,
    /// Whether requests are refused then, or judged by the last good state; refused unless said.
    pub(crate) then: Option<At<Word<StaleStance>>>,
}

/// What a class of operations asks for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Require")]
pub(crate) struct RawRequire {
    /// A proof of possession.
    pub(crate) bound: Option<At<bool>>,
    /// A nonce of ours in the proof of possession; `bound` with it.
    pub(crate) nonce: Option<At<bool>>,
    /// Oldest proof: a token since it was issued, a key since it was.
    pub(crate) max_token_age: Option<At<DurationText>>,
    /// A task: a token of one.
    pub(crate) task: Option<At<bool>>,
    /// A registered purpose, declared or by the grant.
    pub(crate) purpose: Option<At<bool>>,
}

/// How requests are inspected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Inspect")]
pub(crate) struct RawInspect {
    /// What becomes of requests that are not as the OpenAPI document has them; `report` unless said, where there is a document.
    pub(crate) requests: Option<At<Word<Conformance>>>,
    /// Whether every body that is declared to be JSON, or begins like JSON, is read, and refused when it is none or beyond the limits of JSON; no unless said.
    pub(crate) json: Option<At<bool>>,
}

/// Where requests go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Upstream")]
pub(crate) struct RawUpstream {
    /// Its addresses.
    pub(crate) urls: At<Vec<At<AddressText>>>,
    /// Replaces the API's prefix.
    pub(crate) path: Option<At<PrefixText>>,
    /// What it is shown instead of the client's credential; `assertion` unless said.
    pub(crate) identity: Option<At<WordOrSecret>>,
    /// How long it may take.
    pub(crate) timeouts: Option<At<RawTimeouts>>,
    /// Connections to each address at a time, per edge (on HTTP/2: requests); 256 unless said.
    pub(crate) connections_max: Option<At<u32>>,
    /// Which HTTP it speaks; `http1` unless said.
    pub(crate) protocol: Option<At<Word<UpstreamProtocol>>>,
    /// What clients may go over to; nothing unless said.
    pub(crate) upgrade: Option<At<Vec<At<Word<Upgrade>>>>>,
    /// How each address is asked whether it is well.
    pub(crate) health: Option<At<RawHealth>>,
    /// How many requests at a time each address gets, by how quickly it answers; as many as there are connections unless said.
    pub(crate) concurrency: Option<At<RawConcurrency>>,
    /// Trailers that pass besides those of gRPC, either way.
    pub(crate) trailers: Option<At<Vec<At<HeaderText>>>>,
    /// Roots of its certificates, PEM; those that come with the gate unless said.
    pub(crate) ca: Option<At<FileText>>,
    /// A token of each request for all that the request sets off (`Txn-Token`, a draft); none unless said.
    pub(crate) transaction_token: Option<At<RawTransactionToken>>,
}

/// What is signed for all that a request sets off.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TransactionToken")]
pub(crate) struct RawTransactionToken {
    /// Within which trust domain it counts.
    pub(crate) trust_domain: At<DomainText>,
}

/// How many requests at a time an address gets, by how quickly it answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Concurrency")]
pub(crate) struct RawConcurrency {
    /// Whether the number follows how quickly it answers.
    pub(crate) adaptive: At<bool>,
    /// So many may always go, per edge; 8 unless said.
    pub(crate) min: Option<At<u32>>,
    /// More never go, per edge; `connections_max` unless said.
    pub(crate) max: Option<At<u32>>,
}

/// How an upstream is asked whether it is well.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Health")]
pub(crate) struct RawHealth {
    /// Path of the GET that asks.
    pub(crate) path: At<Prose>,
    /// From one question to the next; 10s unless said.
    pub(crate) every: Option<At<DurationText>>,
}

/// Bounds on one exchange with an upstream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Timeouts")]
pub(crate) struct RawTimeouts {
    /// Until a connection stands; 5s unless said.
    pub(crate) connect: Option<At<DurationText>>,
    /// Until the head of the response; 60s unless said.
    pub(crate) response: Option<At<DurationText>>,
    /// Between two pieces of a body; 60s unless said.
    pub(crate) idle: Option<At<DurationText>>,
}

/// What an upstream is shown: a word, or a secret and how it is shown.
#[derive(Debug)]
pub(crate) enum WordOrSecret {
    /// A signed assertion.
    Assertion,
    /// The client's own credential.
    Keep,
    /// A secret.
    Secret(Box<RawSecret>),
}

/// A secret for an upstream: one way of showing it, and its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Secret")]
pub(crate) struct RawSecret {
    /// In this header.
    pub(crate) header: Option<At<HeaderText>>,
    /// As the password of this user (RFC 7617).
    pub(crate) basic: Option<At<Prose>>,
    /// In this query parameter.
    pub(crate) query: Option<At<Prose>>,
    /// As a MAC in this header.
    pub(crate) hmac: Option<At<Prose>>,
    /// As a client certificate: this secret is its chain and its key, PEM.
    pub(crate) client_certificate: Option<At<Name<SecretName>>>,
    /// As the client credentials of this token endpoint.
    pub(crate) oauth: Option<At<Prose>>,
    /// The secret's name, unless it is a client certificate.
    pub(crate) secret: Option<At<Name<SecretName>>>,
}

const SECRET_KEYS: &[&str] = &["header", "basic", "query", "hmac", "client_certificate", "oauth", "secret"];

impl<'de> Deserialize<'de> for WordOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrMap;

        impl<'de> Visitor<'de> for WordOrMap {
            type Value = WordOrSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`assertion`, `keep` or a secret")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<WordOrSecret, E> {
                match word {
                    "assertion" => Ok(WordOrSecret::Assertion),
                    "keep" => Ok(WordOrSecret::Keep),
                    other => Err(E::custom(format!(
                        "`{other}` is no way to be known upstream\n{}; or a secret as in `{{header: X-Api-Key, secret: NAME}}`",
                        crate::nearest::suggest(other, ["assertion", "keep"])
                    ))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WordOrSecret, A::Error> {
                RawSecret::deserialize(MapAccessDeserializer::new(map)).map(Box::new).map(WordOrSecret::Secret)
            }
        }

        deserializer.deserialize_struct("WordOrSecret", SECRET_KEYS, WordOrMap)
    }
}

impl JsonSchema for WordOrSecret {
    fn schema_name() -> Cow<'static, str> {
        "UpstreamIdentity".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<RawSecret>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": ["assertion", "keep"] }, secret] })
    }
}

/// An operation of an API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Operation")]
pub(crate) struct RawOperation {
    /// Which one.
    #[serde(rename = "match")]
    pub(crate) matched: At<MatchText>,
    /// What it does.
    pub(crate) class: Option<At<Word<OperationClass>>>,
    /// The path parameter that names the resource acted on.
    pub(crate) resource: Option<At<ParameterText>>,
    /// Where the list stands in an answer whose members are counted, or their number: a JSON pointer.
    pub(crate) records: Option<At<PointerText>>,
    /// Whether a caller without a credential may use it.
    pub(crate) anonymous: Option<At<bool>>,
    /// Whether a person's session may use it; as the `people` of the API says, unless said.
    pub(crate) people: Option<At<bool>>,
    /// Query parameters that policies may read and events record.
    pub(crate) query: Option<At<Vec<At<Prose>>>>,
    /// Since when it is deprecated.
    pub(crate) deprecated: Option<At<MomentText>>,
    /// From when on it is expected to be gone.
    pub(crate) sunset: Option<At<MomentText>>,
    /// Who signs in here, and how failure looks.
    pub(crate) login: Option<At<RawLogin>>,
}

/// A sign-in of the upstream's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Login")]
pub(crate) struct RawLogin {
    /// Where the request names who signs in.
    pub(crate) subject: At<PointerText>,
    /// Status codes that mean failure.
    pub(crate) failed: At<Vec<At<u16>>>,
}
