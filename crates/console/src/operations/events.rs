//! What happened: requests, changes, use.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDENTITY, LIMIT, object, query, row, schema_of},
};
use crate::{
    answer::Page,
    asking::{Found, Question},
    changes::ChangeView,
    erasures::{ErasureRequest, ErasureView},
    events::EventsView,
    explain::ExplainRequest,
    problem::Code,
    usage::UsageView,
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(
        Key::ExplainRecorded,
        Verb::Get,
        "/api/v1/explain/{request_id}",
        OperationClass::Read,
        "Explains a recorded request: ruling, reasons, grant, policies, remedy.",
    )
    .gives(&[(200, Some(object))])
    .refuses(&[Code::NotFound]),
    row(
        Key::ExplainDescribed,
        Verb::Post,
        "/api/v1/explain",
        OperationClass::Read,
        "Explains what would become of a described request. Nothing is sent, counted or recorded.",
    )
    .takes(schema_of::<ExplainRequest>)
    .gives(&[(200, Some(object))])
    .refuses(&[Code::MediaType, Code::Unfit]),
    row(
        Key::ListEvents,
        Verb::Get,
        "/api/v1/events",
        OperationClass::List,
        "Reads the event log: without a cursor the newest, with one what came after it.",
    )
    .reads(&[
        IDENTITY,
        query("api", "only of this API"),
        query("code", "only with this reason code"),
        query("response", "only with this answer: `allow`, `slow`, `challenge`, `block`"),
        query("would", "only where this would have been done for the risk, which was only watched: `slow`, `challenge`, `block`, or `any` of them"),
        query("without_reads_of", "without the allowed requests of this API that only read, as a follower of the log makes them"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<EventsView>))]),
    row(
        Key::AskLog,
        Verb::Post,
        "/api/v1/audit/query",
        OperationClass::Bulk,
        "Asks the event log in SQL: one statement that reads, about the table `events`; within 30 s, 512 MiB and 10,000 rows.",
    )
    .takes(schema_of::<Question>)
    .gives(&[(200, Some(schema_of::<Found>))])
    .refuses(&[Code::MediaType, Code::Unfit, Code::Bounds, Code::Busy, Code::NoEngine]),
    row(
        Key::EraseEvents,
        Verb::Post,
        "/api/v1/audit/erasures",
        OperationClass::Admin,
        "Begins to take what may tell of a person out of every event of a subject, for good; the same subject again joins what is under way.",
    )
    .takes(schema_of::<ErasureRequest>)
    .gives(&[(202, Some(schema_of::<ErasureView>))])
    .refuses(&[Code::Undecidable, Code::MediaType, Code::Unfit, Code::Busy]),
    row(Key::ReadErasure, Verb::Get, "/api/v1/audit/erasures/{id}", OperationClass::Read, "Reads how far an erasure is, or how it ended.")
        .gives(&[(200, Some(schema_of::<ErasureView>))])
        .refuses(&[Code::NotFound]),
    row(
        Key::ListChanges,
        Verb::Get,
        "/api/v1/changes",
        OperationClass::List,
        "Reads the feed of changes, oldest first: who did what to what, and why.",
    )
    .reads(&[
        query("since", "only after the change of this number"),
        query("kind", "only about this: a kind of resource, or a word such as `status`, `credential`, `secret`, `containment`"),
        query("name", "only about what has this name or id"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<Page<ChangeView>>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::ListUsage,
        Verb::Get,
        "/api/v1/usage",
        OperationClass::List,
        "Reads what use adds up to: per credential, operation and network, the first and last time and how often.",
    )
    .own()
    .reads(&[
        IDENTITY,
        query("credential", "only of the credential with this id"),
        query("api", "only of this API"),
        query("since", "only what was used after this moment (RFC 3339)"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<Page<UsageView>>))])
    .refuses(&[Code::NotFound]),
];
