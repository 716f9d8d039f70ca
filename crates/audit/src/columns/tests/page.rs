//! `docs/evidence.md` says which columns there are: as they are.

use crate::columns::{COLUMNS, Type};
use std::fmt::Write as _;

const PAGE: &str = include_str!("../../../../../docs/evidence.md");

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
