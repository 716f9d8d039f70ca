//! Owners who go, come back, and answer for what they own.

use super::{
    AdminOperation, Key, Verb,
    row::{IDEMPOTENCY_KEY, row, schema_of},
};
use crate::{
    approvals::ApprovalView,
    owners::{DepartRequest, OwnerView},
    problem::Code,
    reasons::ReasonRequest,
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(
        Key::DepartOwner,
        Verb::Post,
        "/api/v1/owners/{name}/depart",
        OperationClass::Write,
        "Says that an owner is gone: what it owns is flagged now and suspended when the grace is over, unless it is transferred.",
    )
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<DepartRequest>)
    .gives(&[(200, Some(schema_of::<OwnerView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::ReturnOwner,
        Verb::Post,
        "/api/v1/owners/{name}/return",
        OperationClass::Write,
        "Says that an owner is back. It waits for a second person: 202.",
    )
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<ReasonRequest>)
    .gives(&[(200, Some(schema_of::<OwnerView>)), (202, Some(schema_of::<ApprovalView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Limit, Code::InProgress, Code::MediaType, Code::KeyReused]),
    row(
        Key::AttestOwner,
        Verb::Post,
        "/api/v1/owners/{name}/attest",
        OperationClass::Write,
        "Says for an owner that it still answers for what it owns.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<ReasonRequest>)
    .gives(&[(200, Some(schema_of::<OwnerView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::KeyReused]),
];
