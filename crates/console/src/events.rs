//! The event log, page by page. Who follows it asks again with the last page's `next`.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    problem::Problem,
    world::EventQuery,
};
use http::StatusCode;

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
    Ok(Answer::json(StatusCode::OK, &Page { items: page.events, next: page.cursor }))
}

#[cfg(test)]
mod tests;
