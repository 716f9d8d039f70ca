//! What is declared: resources one by one, all together, and back.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, LIMIT, REASON, query, row, schema_of},
};
use crate::{
    answer::Page,
    approvals::ApprovalView,
    declared::{AppliedView, ApplyRequest, Exported, PlanRequest, PlanView, PutRequest},
    import::{ImportRequest, ImportView},
    problem::Code,
    records::ResourceView,
    rollback::{RollbackRequest, RollbackView},
};
use wardgate_model::api::OperationClass;

/// How a change of what is declared may be refused.
const CHANGE: &[Code] =
    &[Code::Conflict, Code::Limit, Code::InProgress, Code::Stale, Code::MediaType, Code::Unfit, Code::Diagnostics, Code::KeyReused];

pub(super) const ROWS: &[AdminOperation] = &[
    row(
        Key::ListResources,
        Verb::Get,
        "/api/v1/resources/{kind}",
        OperationClass::List,
        "Lists the resources of a kind by name; identities and owners with their status.",
    )
    .own()
    .reads(&[
        query("owner", "only what this owner answers for"),
        query("state", "only identities in this state of their life"),
        query("origin", "only what comes from there: `file`, `file:PATH`, `api` or `shipped`"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<Page<ResourceView>>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::ReadResource,
        Verb::Get,
        "/api/v1/resources/{kind}/{name}",
        OperationClass::Read,
        "Reads one resource; an identity or an owner with its status.",
    )
    .own()
    .gives(&[(200, Some(schema_of::<ResourceView>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::PutResource,
        Verb::Put,
        "/api/v1/resources/{kind}/{name}",
        OperationClass::Write,
        "Makes or changes one resource. What widens power waits for a second person: 202.",
    )
    .own()
    .reads(&[IF_MATCH, IF_NONE_MATCH])
    .takes(schema_of::<PutRequest>)
    .gives(&[(200, Some(schema_of::<ResourceView>)), (201, Some(schema_of::<ResourceView>)), (202, Some(schema_of::<ApprovalView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Limit, Code::Stale, Code::MediaType, Code::Unfit, Code::Diagnostics]),
    row(
        Key::RemoveResource,
        Verb::Delete,
        "/api/v1/resources/{kind}/{name}",
        OperationClass::Delete,
        "Removes one resource; what happened to it stays on record. What widens power waits for a second person: 202.",
    )
    .own()
    .reads(&[REASON, IF_MATCH])
    .gives(&[(204, None), (202, Some(schema_of::<ApprovalView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Limit, Code::Stale, Code::Diagnostics]),
    row(
        Key::Plan,
        Verb::Post,
        "/api/v1/plan",
        OperationClass::Read,
        "Tells what documents would change, and all that is wrong with them. Nothing is written.",
    )
    .own()
    .takes(schema_of::<PlanRequest>)
    .gives(&[(200, Some(schema_of::<PlanView>))])
    .refuses(&[Code::MediaType, Code::Unfit]),
    row(
        Key::Apply,
        Verb::Post,
        "/api/v1/apply",
        OperationClass::Write,
        "Makes documents true, all of them or none. What widens power waits for a second person: 202.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<ApplyRequest>)
    .gives(&[(200, Some(schema_of::<AppliedView>)), (202, Some(schema_of::<ApprovalView>))])
    .refuses(CHANGE),
    row(
        Key::Export,
        Verb::Get,
        "/api/v1/export",
        OperationClass::List,
        "Gives everything declared as documents, page by page; what this program ships is left out.",
    )
    .reads(&[
        query("kind", "only of this kind"),
        query("origin", "only what comes from there: `file`, `file:PATH` or `api`"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<Exported>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::Import,
        Verb::Post,
        "/api/v1/import",
        OperationClass::Read,
        "Makes documents and departures of another system's list, and plans them. Nothing is written.",
    )
    .takes(schema_of::<ImportRequest>)
    .gives(&[(200, Some(schema_of::<ImportView>))])
    .refuses(&[Code::MediaType, Code::Unfit]),
    row(
        Key::Rollback,
        Verb::Post,
        "/api/v1/rollback",
        OperationClass::Admin,
        "Puts what the API declared back to how it was after a change. Never revives a credential or a retired identity.",
    )
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<RollbackRequest>)
    .gives(&[(200, Some(schema_of::<RollbackView>)), (202, Some(schema_of::<ApprovalView>))])
    .refuses(CHANGE),
];
