//! Acts that wait for a second person.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, LIMIT, query, row, schema_of},
};
use crate::{answer::Page, approvals::ApprovalView, problem::Code, reasons::ReasonRequest};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(Key::ListApprovals, Verb::Get, "/api/v1/approvals", OperationClass::List, "Lists acts that wait for a second person, or waited.")
        .own()
        .reads(&[query("state", "only those that are `waiting`, `approved`, `denied` or `lapsed`"), LIMIT, CURSOR])
        .gives(&[(200, Some(schema_of::<Page<ApprovalView>>))]),
    row(
        Key::ReadApproval,
        Verb::Get,
        "/api/v1/approvals/{id}",
        OperationClass::Read,
        "Reads one of them: what would be done, and who asked.",
    )
    .own()
    .gives(&[(200, Some(schema_of::<ApprovalView>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::Approve,
        Verb::Post,
        "/api/v1/approvals/{id}/approve",
        OperationClass::Admin,
        "Decides that an act is done, and does it. Whoever asked for it cannot, nor any identity of the same owner.",
    )
    .takes(schema_of::<ReasonRequest>)
    .gives(&[(200, Some(schema_of::<ApprovalView>))])
    .refuses(&[
        Code::Undecidable,
        Code::NotFound,
        Code::Conflict,
        Code::Limit,
        Code::Decided,
        Code::Overtaken,
        Code::Stale,
        Code::MediaType,
        Code::Unfit,
        Code::Diagnostics,
    ]),
    row(
        Key::Deny,
        Verb::Post,
        "/api/v1/approvals/{id}/deny",
        OperationClass::Admin,
        "Decides that an act is not done. Whoever asked for it may take it back so.",
    )
    .own()
    .takes(schema_of::<ReasonRequest>)
    .gives(&[(200, Some(schema_of::<ApprovalView>))])
    .refuses(&[Code::Undecidable, Code::NotFound, Code::Decided, Code::MediaType]),
];
