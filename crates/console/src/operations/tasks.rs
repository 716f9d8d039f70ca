//! Tasks by their owner's word.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDEMPOTENCY_KEY, LIMIT, query, row, schema_of},
};
use crate::{
    answer::Page,
    problem::Code,
    tasks::{StartTaskRequest, TaskView, TaskWordRequest},
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(
        Key::ListTasks,
        Verb::Get,
        "/api/v1/tasks",
        OperationClass::List,
        "Lists tasks: whose, what for, how much, and what became of them.",
    )
    .own()
    .reads(&[
        query("identity", "only this identity's"),
        query("state", "only `open`, `contained`, `completed`, `failed` or `lapsed`"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<Page<TaskView>>))])
    .refuses(&[Code::Unfit]),
    row(
        Key::StartTask,
        Verb::Post,
        "/api/v1/tasks",
        OperationClass::Write,
        "Starts a task of an identity: for a purpose, some operations, so long and so much. Its tokens are got by the identity itself.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<StartTaskRequest>)
    .gives(&[(201, Some(schema_of::<TaskView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(Key::ReadTask, Verb::Get, "/api/v1/tasks/{id}", OperationClass::Read, "Reads one of them.")
        .own()
        .gives(&[(200, Some(schema_of::<TaskView>))])
        .refuses(&[Code::NotFound]),
    row(
        Key::HeartbeatTask,
        Verb::Post,
        "/api/v1/tasks/{id}/heartbeat",
        OperationClass::Write,
        "Says that a task with a lease is under way still: it lapses so much later.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<TaskWordRequest>)
    .gives(&[(200, Some(schema_of::<TaskView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::CompleteTask,
        Verb::Post,
        "/api/v1/tasks/{id}/complete",
        OperationClass::Write,
        "Says that a task came to its end: every token of it is refused from now on.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<TaskWordRequest>)
    .gives(&[(200, Some(schema_of::<TaskView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
    row(
        Key::FailTask,
        Verb::Post,
        "/api/v1/tasks/{id}/fail",
        OperationClass::Write,
        "Says that a task did not come to its end: every token of it is refused from now on.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<TaskWordRequest>)
    .gives(&[(200, Some(schema_of::<TaskView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
];
