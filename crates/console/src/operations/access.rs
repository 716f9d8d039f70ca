//! Who can call what, and what somebody should mend.

use super::{
    AdminOperation, Key, Verb,
    row::{CURSOR, IDENTITY, LIMIT, query, row, schema_of},
};
use crate::{
    answer::Page,
    around::{ProbeView, Probed},
    problem::Code,
    surface::OperationView,
    world::{AccessPath, FindingView},
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(
        Key::ListAccess,
        Verb::Get,
        "/api/v1/access",
        OperationClass::List,
        "Tells who can call what: now, at a moment, or what became different between two.",
    )
    .own()
    .reads(&[
        IDENTITY,
        query("api", "only on this API"),
        query("operation", "only to this operation: its id, or `METHOD /full/template`"),
        query("denied", "`true`: also what is denied"),
        query("at", "as it was then: the number of a change, or a time (RFC 3339)"),
        query("from", "what became different since then: the number of a change, or a time (RFC 3339)"),
        query("to", "with `from`: until then; now, unless told"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<Page<AccessPath>>))])
    .refuses(&[Code::NotFound, Code::Unfit]),
    row(Key::ListFindings, Verb::Get, "/api/v1/findings", OperationClass::List, "Lists what somebody should mend, the worst first.")
        .own()
        .reads(&[
            query("owner", "only what this owner should mend"),
            query("code", "only with this code"),
            query("severity", "only so bad: `low`, `medium`, `high` or `critical`"),
            query("exempt", "`true`: only what a waiver exempts; `false`: only what none does"),
            LIMIT,
            CURSOR,
        ])
        .gives(&[(200, Some(schema_of::<Page<FindingView>>))]),
    row(
        Key::ListOperations,
        Verb::Get,
        "/api/v1/operations",
        OperationClass::List,
        "Lists operations that are beside the documents of their APIs: shadow, zombie, unused, drift.",
    )
    .own()
    .reads(&[
        query("api", "only of this API"),
        query("standing", "only these: `shadow`, `zombie`, `unused` or `drift`"),
        query("unused_for_s", "without a call for so many seconds an operation is unused; 90 days unless told"),
        LIMIT,
        CURSOR,
    ])
    .gives(&[(200, Some(schema_of::<Page<OperationView>>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::ListProbes,
        Verb::Get,
        "/api/v1/probes",
        OperationClass::List,
        "Tells what each upstream last answered to calls that came with nothing to show.",
    )
    .reads(&[query("api", "only of this API"), LIMIT, CURSOR])
    .gives(&[(200, Some(schema_of::<Page<ProbeView>>))])
    .refuses(&[Code::NotFound]),
    row(
        Key::Probe,
        Verb::Post,
        "/api/v1/probes",
        OperationClass::Write,
        "Calls upstreams now, past the gate and with nothing to show; whoever answers is a finding.",
    )
    .reads(&[query("api", "only of this API")])
    .gives(&[(200, Some(schema_of::<Probed>))])
    .refuses(&[Code::NotFound]),
];
