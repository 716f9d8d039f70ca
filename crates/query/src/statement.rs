//! What may be asked: one statement, which reads. Everything else is refused before the engine plans anything.

use crate::{
    bounds::{SQL_BYTES_MAX, SQL_TOKENS_MAX},
    fault::{Fault, of_plan},
};
use datafusion::sql::{
    parser::{DFParserBuilder, Statement},
    sqlparser::{
        ast,
        dialect::GenericDialect,
        tokenizer::{Token, Tokenizer},
    },
};

const MAY: &str = "only SELECT, WITH, EXPLAIN, DESCRIBE and SHOW TABLES can be asked, one at a time";

/// A question that may be planned.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) statement: Statement,
    /// Whether rows beyond a bound may be left out: not of what describes.
    pub(crate) is_query: bool,
}

/// Reads a question.
///
/// # Errors
/// When it is none, is too long, or would do something else than read.
pub(crate) fn parse(sql: &str, mib: usize) -> Result<Question, Fault> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(Fault::Question(format!("the question has {} bytes: {SQL_BYTES_MAX} at most", sql.len())));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|error| Fault::Question(error.to_string()))?;
    let words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count();
    if words > SQL_TOKENS_MAX {
        return Err(Fault::Question(format!("the question has {words} words and signs: {SQL_TOKENS_MAX} at most")));
    }
    let statements = DFParserBuilder::new(tokens).build().and_then(|mut parser| parser.parse_statements());
    let mut statements = statements.map_err(|error| of_plan(&error, mib))?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => admit(statement),
        _ => Err(Fault::Question(MAY.to_owned())),
    }
}

fn admit(statement: Statement) -> Result<Question, Fault> {
    let is_query = match &statement {
        Statement::Statement(inner) => match &**inner {
            ast::Statement::Query(query) => {
                check(query)?;
                true
            }
            ast::Statement::ExplainTable { .. } | ast::Statement::ShowTables { .. } | ast::Statement::ShowColumns { .. } => false,
            _ => return refuse(),
        },
        Statement::Explain(explain) => match &*explain.statement {
            Statement::Statement(inner) => match &**inner {
                ast::Statement::Query(query) => {
                    check(query)?;
                    false
                }
                _ => return refuse(),
            },
            _ => return refuse(),
        },
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => return refuse(),
    };
    Ok(Question { statement, is_query })
}

fn refuse<T>() -> Result<T, Fault> {
    Err(Fault::Question(MAY.to_owned()))
}

/// What looks like a query may hold something that writes: `WITH x AS (INSERT …)`, `SELECT … INTO`.
fn check(query: &ast::Query) -> Result<(), Fault> {
    let nested = query.with.iter().flat_map(|with| &with.cte_tables);
    for cte in nested {
        check(&cte.query)?;
    }
    check_body(&query.body)
}

fn check_body(body: &ast::SetExpr) -> Result<(), Fault> {
    match body {
        ast::SetExpr::Select(select) if select.into.is_none() => Ok(()),
        ast::SetExpr::Query(query) => check(query),
        ast::SetExpr::SetOperation { left, right, .. } => {
            check_body(left)?;
            check_body(right)
        }
        ast::SetExpr::Values(_) | ast::SetExpr::Table(_) => Ok(()),
        _ => refuse(),
    }
}

#[cfg(test)]
mod tests;
