//! Questions about the event log in SQL. An engine in a process of its own answers them, within bounds.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest question, in bytes.
pub const QUESTION_BYTES_MAX: usize = 64 * 1024;
/// Rows of an answer at most.
pub const QUESTION_ROWS_MAX: u32 = 10_000;

/// A question about the event log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// One statement that reads: `SELECT`, `WITH`, `EXPLAIN`, `DESCRIBE` or `SHOW TABLES`, about the table `events`.
    pub sql: String,
    /// At most so many rows; 10,000 where it is not said.
    #[serde(default)]
    pub rows: Option<u32>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// The columns, in their order.
    pub columns: Vec<FoundColumn>,
    /// A row each, by the names of the columns.
    pub rows: Vec<Map<String, Value>>,
    /// Whether there are more rows than may be given.
    pub truncated: bool,
    /// What could not be read of the log and is left out, for people.
    pub left_out: Vec<String>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundColumn {
    /// Its name.
    pub name: String,
    /// What it holds: `integer`, `number`, `boolean`, `time`, `list`, `text` or `null`.
    #[serde(rename = "type")]
    pub kind: String,
}

pub(crate) async fn ask(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let question: Question = input::body(&asked.call.headers, &asked.call.body)?;
    if question.sql.len() > QUESTION_BYTES_MAX {
        return Err(Problem::new(Code::Unfit, format!("`sql` has at most {QUESTION_BYTES_MAX} bytes")));
    }
    if question.rows.is_some_and(|rows| !(1..=QUESTION_ROWS_MAX).contains(&rows)) {
        return Err(Problem::new(Code::Unfit, format!("`rows` is a number from 1 to {QUESTION_ROWS_MAX}")));
    }
    Ok(Answer::json(StatusCode::OK, &console.world.ask_log(question).await?))
}

#[cfg(test)]
mod tests;
