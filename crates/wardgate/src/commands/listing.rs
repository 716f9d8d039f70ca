//! Reading what the management API says: lists page by page, members as text.

use crate::{
    cli::Output,
    client::{Client, query},
    output::{json, note, plain, print, table},
};
use serde_json::Value;

/// Every item of a list, page by page.
pub(super) async fn pages(client: &Client, path: &str, filter: &[(&str, Option<&str>)]) -> anyhow::Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut pairs = filter.to_vec();
        pairs.extend([("limit", Some("500")), ("cursor", cursor.as_deref())]);
        let mut page = client.get(&format!("{path}{}", query(&pairs))).await?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more);
        }
        match page.get("next").and_then(Value::as_str) {
            // A page that points to itself would never end.
            Some(next) if Some(next) != cursor.as_deref() => cursor = Some(next.to_owned()),
            _ => return Ok(items),
        }
    }
}

/// A member as text; `-` where there is none.
pub(super) fn text(value: &Value, member: &str) -> String {
    match value.get(member) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(other) => other.to_string(),
    }
}

/// What stands at a JSON pointer, as text; `-` where there is nothing.
pub(super) fn at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map_or_else(|| "-".to_owned(), word)
}

/// A value as a person reads it: lists with commas, members after their names, no quotes.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let said = members.iter().map(|(name, value)| format!("{} {}", plain(name), word(value)));
            said.collect::<Vec<_>>().join(" ")
        }
        other => plain(&other.to_string()),
    }
}

/// The member `items`, or nothing.
pub(super) fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Columns: what stands above, and the JSON pointer to what stands below.
pub(super) type Columns<'a> = &'a [(&'a str, &'a str)];

/// A list in the form that was asked for; `none` says that it is empty.
pub(super) fn show(items: &[Value], columns: Columns<'_>, output: Output, none: &str) -> anyhow::Result<()> {
    match output {
        Output::Json => json(&serde_json::json!({ "items": items }))?,
        Output::Table if items.is_empty() => note(none),
        Output::Table => print(&rows(items, columns))?,
    }
    Ok(())
}

/// A table of some members of each item.
pub(super) fn rows(items: &[Value], columns: Columns<'_>) -> String {
    let header: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    table(&header, &cells(items, columns))
}

/// The cells of such a table.
pub(super) fn cells(items: &[Value], columns: Columns<'_>) -> Vec<Vec<String>> {
    items.iter().map(|item| columns.iter().map(|(_, pointer)| at(item, pointer)).collect()).collect()
}
