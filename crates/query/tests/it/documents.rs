//! `docs/evidence.md` says which columns there are and what can be asked: both as they are.

use crate::log::Log;
use std::fmt::Write as _;
use wardgate_audit::columns::{COLUMNS, Type};

const PAGE: &str = include_str!("../../../../docs/evidence.md");

/// The table of columns, as the page has it.
fn columns() -> String {
    let mut table = "| column | type | what |\n|---|---|---|\n".to_owned();
    for column in COLUMNS {
        let kind = match column.kind {
            Type::Int => "integer",
            Type::Time => "time",
            Type::Bool => "boolean",
            Type::Text => "text",
            Type::Texts => "list of texts",
        };
        let personal = if column.personal { " *Personal: can be erased.*" } else { "" };
        writeln!(table, "| `{}` | {kind} | {}{personal} |", column.name, column.doc.replace('|', "\\|")).unwrap();
    }
    table
}

#[test]
fn the_page_has_the_columns() {
    let begin = PAGE.find("| column | type | what |").expect("docs/evidence.md has no table of columns");
    let table: String = PAGE[begin..].lines().take_while(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    assert_eq!(table, columns(), "docs/evidence.md: the table of columns is not as `COLUMNS` says; it should be:\n{}", columns());
}

#[test]
fn every_question_of_the_page_has_an_answer() {
    let log = Log::new("edge-1");
    log.seal(1..2001);
    log.append(2001..2101);
    let questions: Vec<&str> = PAGE.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(questions.len() >= 12, "{}", questions.len());
    for question in questions {
        let answer = log.asked(question, &[]);
        assert!(answer.status.success(), "{question}: {}", crate::log::said(&answer));
    }
}
