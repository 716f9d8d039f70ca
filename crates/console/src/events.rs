//! The event log, page by page. Who follows it asks again with the last page's `next`.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    problem::Problem,
    world::EventQuery,
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// Events, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventsView {
    /// Events of version 1.
    #[schemars(with = "Vec<Map<String, Value>>")]
    items: Vec<Value>,
    /// Give this as `cursor` for what comes next; `null`: there is no event at all.
    next: Option<String>,
    /// How many records or segments could not be read where this page was looked for: `wardgate audit verify` says which. Not there where all could.
    #[serde(default, skip_serializing_if = "is_none")]
    unreadable: u64,
}

const fn is_none(count: &u64) -> bool {
    *count == 0
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let text = |name: &str| asked.query.value(name).map(str::to_owned);
    let query = EventQuery {
        cursor: text("cursor"),
        limit: asked.query.limit()?,
        identity: asked.query.identity()?,
        api: text("api"),
        code: text("code"),
        response: text("response"),
        would: text("would"),
        without_reads_of: text("without_reads_of"),
    };
    let page = console.world.events(query).await?;
    Ok(Answer::json(StatusCode::OK, &EventsView { items: page.events, next: page.cursor, unreadable: page.unreadable }))
}

#[cfg(test)]
mod tests;
