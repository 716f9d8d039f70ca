//! Signing in and out, and what everybody may know.

use super::{
    AdminOperation, Key, Verb,
    row::{object, row, schema_of},
};
use crate::{
    problem::Code,
    sessions::{Session, SessionEnd, Whoami},
};
use wardgate_model::api::OperationClass;

pub(super) const ROWS: &[AdminOperation] = &[
    row(
        Key::SignIn,
        Verb::Post,
        "/api/v1/sessions",
        OperationClass::Login,
        "Swaps a single-use sign-in credential for a session of 12 hours. The token is shown once.",
    )
    .by_sign_in()
    .own()
    .gives(&[(201, Some(schema_of::<Session>))])
    .refuses(&[Code::NotFound, Code::Conflict, Code::Limit]),
    row(
        Key::RenewSession,
        Verb::Post,
        "/api/v1/sessions/renew",
        OperationClass::Login,
        "Gives this session 12 hours from now, at most 7 days from its beginning.",
    )
    .own()
    .gives(&[(200, Some(schema_of::<SessionEnd>))])
    .refuses(&[Code::NotFound, Code::Conflict]),
    row(Key::SignOut, Verb::Delete, "/api/v1/sessions/current", OperationClass::Login, "Ends this session.")
        .own()
        .gives(&[(204, None)])
        .refuses(&[Code::NotFound]),
    row(Key::Whoami, Verb::Get, "/api/v1/whoami", OperationClass::Read, "Tells who the caller is, and by what it is known.")
        .own()
        .gives(&[(200, Some(schema_of::<Whoami>))]),
    row(Key::OpenApi, Verb::Get, "/api/v1/openapi.json", OperationClass::Read, "Describes this API (OpenAPI 3.1).")
        .own()
        .gives(&[(200, Some(object))]),
];
