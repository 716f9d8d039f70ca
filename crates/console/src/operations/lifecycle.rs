//! The life of identities, and callers that were discovered.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDEMPOTENCY_KEY, LIMIT, query, row, schema_of},
};
use crate::{
    answer::Page,
    approvals::ApprovalView,
    discoveries::{ClaimRequest, DiscoveryView},
    lifecycle::{MoveRequest, TransferRequest},
    problem::Code,
    reasons::ReasonRequest,
    records::ResourceView,
};
use wardgate_model::api::OperationClass;

/// How a move may be refused.
const MOVE: &[Code] =
    &[Code::NotFound, Code::Conflict, Code::Illegal, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused, Code::Undecidable];

/// One move of an identity.
const fn step(key: Key, path: &'static str, about: &'static str) -> AdminOperation {
    row(key, Verb::Post, path, OperationClass::Write, about)
        .own()
        .reads(&[IDEMPOTENCY_KEY])
        .takes(schema_of::<MoveRequest>)
        .gives(&[(200, Some(schema_of::<ResourceView>))])
        .refuses(MOVE)
}

pub(super) const ROWS: &[AdminOperation] = &[
    step(
        Key::ApproveIdentity,
        "/api/v1/identities/{name}/approve",
        "Approves an identity that somebody else asked for, with evidence. Its first credential makes it active.",
    ),
    step(Key::RejectIdentity, "/api/v1/identities/{name}/reject", "Says no to an identity that was asked for: it is retired."),
    step(Key::SuspendIdentity, "/api/v1/identities/{name}/suspend", "Stops an identity for a while: its next request is refused."),
    step(Key::ResumeIdentity, "/api/v1/identities/{name}/resume", "Lets a suspended identity go on."),
    step(
        Key::QuarantineIdentity,
        "/api/v1/identities/{name}/quarantine",
        "Contains an identity: its next request is refused until it is released.",
    ),
    step(Key::RetireIdentity, "/api/v1/identities/{name}/retire", "Ends an identity for good."),
    row(
        Key::TransferIdentity,
        Verb::Post,
        "/api/v1/identities/{name}/transfer",
        OperationClass::Write,
        "Gives an identity to another owner. What widens power waits for a second person: 202.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<TransferRequest>)
    .gives(&[(200, Some(schema_of::<ResourceView>)), (202, Some(schema_of::<ApprovalView>))])
    .refuses(&[
        Code::NotFound,
        Code::Conflict,
        Code::Limit,
        Code::InProgress,
        Code::Stale,
        Code::MediaType,
        Code::Unfit,
        Code::Diagnostics,
        Code::KeyReused,
    ]),
    row(
        Key::ListDiscoveries,
        Verb::Get,
        "/api/v1/discoveries",
        OperationClass::List,
        "Lists callers that were seen in traffic and that nobody knows: by key, by the subject of a genuine proof, or by network.",
    )
    .reads(&[query("state", "only those that are `open`, `claimed` or `rejected`"), LIMIT, CURSOR])
    .gives(&[(200, Some(schema_of::<Page<DiscoveryView>>))]),
    row(
        Key::ClaimDiscovery,
        Verb::Post,
        "/api/v1/discoveries/{id}/claim",
        OperationClass::Write,
        "Says that a discovered caller is this identity; its key then counts as the identity's own, and the subject of a proof is bound to it. What takes a second person waits: 202.",
    )
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<ClaimRequest>)
    .gives(&[(200, Some(schema_of::<DiscoveryView>)), (202, Some(schema_of::<ApprovalView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Stale, Code::Limit, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::RejectDiscovery,
        Verb::Post,
        "/api/v1/discoveries/{id}/reject",
        OperationClass::Write,
        "Says that a discovered caller is nobody's: it stays refused and is not shown as open any more.",
    )
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<ReasonRequest>)
    .gives(&[(200, Some(schema_of::<DiscoveryView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::KeyReused]),
];
