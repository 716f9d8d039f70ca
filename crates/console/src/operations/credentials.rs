//! Credentials of callers, and upstream secrets.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDEMPOTENCY_KEY, IDENTITY, IF_MATCH, IF_NONE_MATCH, LIMIT, REASON, query, row, schema_of},
};
use crate::{
    answer::Page,
    credentials::{CredentialView, IssueRequest, Issued, RotateRequest, Rotated},
    problem::Code,
    secrets::{PutSecretRequest, RotateSecretRequest, SecretView},
    signing_keys::SigningKeyView,
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(
        Key::ListCredentials,
        Verb::Get,
        "/api/v1/credentials",
        OperationClass::List,
        "Lists credentials on record, in the order they were issued. Never shows a key or its hash.",
    )
    .own()
    .reads(&[IDENTITY, query("state", "only those that are `live`, `ended`, `expired`, `revoked` or `spent`"), LIMIT, CURSOR])
    .gives(&[(200, Some(schema_of::<Page<CredentialView>>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::IssueCredential,
        Verb::Post,
        "/api/v1/credentials",
        OperationClass::Write,
        "Issues an API key for an entry of an identity, or a sign-in for an identity with a role. It is shown once.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<IssueRequest>)
    .gives(&[(201, Some(schema_of::<Issued>))])
    .refuses(&[Code::Conflict, Code::Limit, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::RevokeCredential,
        Verb::Delete,
        "/api/v1/credentials/{id}",
        OperationClass::Delete,
        "Ends a credential: the next request with it is refused. One that was revoked before stays as it is.",
    )
    .own()
    .reads(&[REASON, IF_MATCH])
    .gives(&[(200, Some(schema_of::<CredentialView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Stale]),
    row(
        Key::RotateCredential,
        Verb::Post,
        "/api/v1/credentials/{id}/rotate",
        OperationClass::Write,
        "Issues the next key beside this one, which ends after the overlap. The new key is shown once.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<RotateRequest>)
    .gives(&[(201, Some(schema_of::<Rotated>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Limit, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::ListSecrets,
        Verb::Get,
        "/api/v1/secrets",
        OperationClass::List,
        "Lists upstream secrets: names and dates, never what is in them.",
    )
    .reads(&[LIMIT, CURSOR])
    .gives(&[(200, Some(schema_of::<Page<SecretView>>))]),
    row(
        Key::PutSecret,
        Verb::Put,
        "/api/v1/secrets/{name}",
        OperationClass::Admin,
        "Puts an upstream secret in place, over what was there. It is sealed before it is kept and never shown again.",
    )
    .reads(&[IF_MATCH, IF_NONE_MATCH])
    .takes(schema_of::<PutSecretRequest>)
    .gives(&[(200, Some(schema_of::<SecretView>))])
    .refuses(&[Code::Conflict, Code::Stale, Code::MediaType, Code::Unfit]),
    row(
        Key::RotateSecret,
        Verb::Post,
        "/api/v1/secrets/{name}/rotate",
        OperationClass::Admin,
        "Replaces an upstream secret without a failed request: delivered first, then used, the old one dropped once the new one works.",
    )
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<RotateSecretRequest>)
    .gives(&[(200, Some(schema_of::<SecretView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::ListSigningKeys,
        Verb::Get,
        "/api/v1/signing-keys",
        OperationClass::List,
        "Lists the keys that tokens and assertions are signed with: names, dates and states, never a key.",
    )
    .gives(&[(200, Some(schema_of::<Page<SigningKeyView>>))]),
    row(
        Key::RevokeSigningKey,
        Verb::Delete,
        "/api/v1/signing-keys/{kid}",
        OperationClass::Admin,
        "Ends a signing key: every token by it is refused from now on, and another key signs. One that was ended before stays as it is.",
    )
    .reads(&[REASON])
    .gives(&[(200, Some(schema_of::<SigningKeyView>))])
    .refuses(&[Code::NotFound, Code::Conflict]),
];
