//! Stopping things, and letting them go on.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDEMPOTENCY_KEY, LIMIT, REASON, query, row, schema_of},
};
use crate::{
    answer::Page,
    approvals::ApprovalView,
    containments::{ContainRequest, Contained, ContainmentView},
    problem::Code,
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(Key::ListContainments, Verb::Get, "/api/v1/containments", OperationClass::List, "Lists what is contained, since when and why.")
        .own()
        .reads(&[query("kind", "only `identity`, `credential`, `task`, `owner`, `issuer` or `token`"), LIMIT, CURSOR])
        .gives(&[(200, Some(schema_of::<Page<ContainmentView>>))]),
    row(
        Key::Contain,
        Verb::Post,
        "/api/v1/containments",
        OperationClass::Write,
        "Stops an identity, a credential, a task, an owner, an issuer or one token everywhere, now; or, with `preview`, only tells who would break.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<ContainRequest>)
    .gives(&[(200, Some(schema_of::<Contained>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::Release,
        Verb::Delete,
        "/api/v1/containments/{kind}/{name}",
        OperationClass::Admin,
        "Lets what is contained go on. It always waits for a second person: 202.",
    )
    .reads(&[REASON])
    .gives(&[(202, Some(schema_of::<ApprovalView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Limit, Code::Unfit]),
];
