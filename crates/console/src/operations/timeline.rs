//! The timeline of a subject.

use super::{
    AdminOperation, Key, Verb,
    row::{query, row, schema_of},
};
use crate::{problem::Code, timeline::TimelineView};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[row(
    Key::Timeline,
    Verb::Get,
    "/api/v1/timeline",
    OperationClass::List,
    "Reads all that the event log holds about a subject, in one order: requests, changes, findings, rulings, effects.",
)
.reads(&[
    query(
        "subject",
        "`identity:NAME`, `credential:ID`, `token:JTI`, `task:ID`, `grant:NAME`, `trace:ID`, `source:ADDRESS`, `owner:NAME`, \
         `resource:VALUE`, `api:NAME`, `operation:API METHOD TEMPLATE`, `request:ID`, `person:HASH`, or a word alone",
    ),
    query("from", "only what began at this moment (RFC 3339) or later"),
    query("to", "only what began before this moment (RFC 3339)"),
    query("events", "how many events of the subject at most: 1 to 5000, 500 unless told"),
    query("order", "which, where there are more: `newest`, unless told, or `oldest`"),
    query("trace_children", "`true`: also other calls of the same traces, each below the event that it belongs to"),
])
.gives(&[(200, Some(schema_of::<TimelineView>))])
.refuses(&[Code::Unfit])];
