//! Identities that were made for rehearsals.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDEMPOTENCY_KEY, LIMIT, REASON, row, schema_of},
};
use crate::{
    answer::Page,
    problem::Code,
    rehearsals::{RehearsalRequest, RehearsalView},
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(Key::ListRehearsals, Verb::Get, "/api/v1/rehearsals", OperationClass::List, "Lists the identities that rehearsals are under way with.")
        .reads(&[LIMIT, CURSOR])
        .gives(&[(200, Some(schema_of::<Page<RehearsalView>>))]),
    row(
        Key::BeginRehearsal,
        Verb::Post,
        "/api/v1/rehearsals",
        OperationClass::Write,
        "Makes an identity that the caller has just asked for one of a rehearsal: active until it ends by itself, with a past that it is taken to have.",
    )
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<RehearsalRequest>)
    .gives(&[(201, Some(schema_of::<RehearsalView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Illegal, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused, Code::Undecidable]),
    row(
        Key::EndRehearsal,
        Verb::Delete,
        "/api/v1/rehearsals/{identity}",
        OperationClass::Delete,
        "Ends a rehearsal: its identity is retired, and what it was taken to have done is forgotten.",
    )
    .reads(&[REASON])
    .gives(&[(200, Some(schema_of::<RehearsalView>))])
    .refuses(&[Code::NotFound, Code::Conflict]),
];
