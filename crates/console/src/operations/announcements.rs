//! What is announced.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDEMPOTENCY_KEY, LIMIT, row, schema_of},
};
use crate::{
    announcements::{AnnounceRequest, AnnouncementView},
    answer::Page,
    problem::Code,
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(Key::ListAnnouncements, Verb::Get, "/api/v1/announcements", OperationClass::List, "Lists what is announced, until when and why.")
        .own()
        .reads(&[LIMIT, CURSOR])
        .gives(&[(200, Some(schema_of::<Page<AnnouncementView>>))]),
    row(
        Key::Announce,
        Verb::Post,
        "/api/v1/announcements",
        OperationClass::Write,
        "Announces a change of an identity or of an API: what is new by it is not unusual until then.",
    )
    .own()
    .reads(&[IDEMPOTENCY_KEY])
    .takes(schema_of::<AnnounceRequest>)
    .gives(&[(201, Some(schema_of::<AnnouncementView>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::InProgress, Code::MediaType, Code::Unfit, Code::KeyReused]),
];
