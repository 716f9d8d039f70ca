//! Records in answers: a JSON pointer in the first line (`-`: none), and an answer behind it.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use wardgate_edge::records::{Extent, Records};
use wardgate_model::{
    api::{Operation, OperationClass, OperationId, PathTemplate},
    id::ApiName,
};
use wardgate_testkit::fuzz::{Broken, Outcome, Random, Target, hold};

pub(crate) const TARGET: Target = Target {
    name: "records",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/records"),
    property,
    words: &[
        "/items\n",
        "-\n",
        "/a/0\n",
        "\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"items\":",
        "\"a\":",
        "[]",
        "{}",
        "[1,2]",
        "null",
        "true",
        "false",
        "0",
        "-1",
        "12.5e+3",
        "\\u0061",
        "\\ud83d\\ude00",
        "\\\"",
        "\\",
        " ",
        "\r\n",
        "\0",
        "\u{80}",
    ],
    bytes_max: 2_048,
};

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (first, text) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    let text = text.get(1..).unwrap_or_default();
    let Ok(first) = std::str::from_utf8(first) else { return Ok(Outcome::of("no pointer")) };
    let pointer = (first != "-").then_some(first);
    let Some(whole) = counted(pointer, text, |_| usize::MAX) else { return Ok(Outcome::of("no pointer")) };
    let mut random = Random::new(text.iter().fold(text.len() as u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte))));
    for other in [counted(pointer, text, |_| 1), counted(pointer, text, |_| 1 + random.below(20))] {
        hold(other == Some(whole), || format!("in pieces it is {other:?}, as a whole {whole:?}"))?;
    }
    let Some(count) = whole else { return Ok(Outcome::of("not counted")) };
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => {
            let found = pointer.map_or_else(|| only(&value), |pointer| value.pointer(pointer).and_then(size));
            hold(found == Some(count), || format!("{count} were counted, and a parser finds {found:?}"))?;
        }
        // Numbers that fit no type, halves of pairs and what is not UTF-8 move the end of nothing, and a parser stops at them; it also
        // stops a little sooner where it is deep.
        Err(error) => {
            let said = error.to_string();
            let known = ["out of range", "surrogate", "hex escape", "recursion"].iter().any(|known| said.contains(known));
            hold(known || std::str::from_utf8(text).is_err(), || format!("{count} were counted of what is no JSON: {said}"))?;
        }
    }
    Ok(Outcome::of((pointer.is_some(), count.min(4))))
}

fn size(value: &Value) -> Option<u64> {
    match value {
        Value::Array(items) => Some(items.len() as u64),
        other => other.as_u64(),
    }
}

fn only(value: &Value) -> Option<u64> {
    let Value::Object(members) = value else { return value.as_array().and_then(|_| size(value)) };
    let mut lists = members.values().filter(|member| member.is_array());
    lists.next().filter(|_| lists.next().is_none()).and_then(size)
}

/// What is counted of a text in pieces of the sizes given. `None`: the pointer is none.
fn counted(pointer: Option<&str>, text: &[u8], mut size: impl FnMut(usize) -> usize) -> Option<Option<u64>> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let template = PathTemplate::parse("/x").ok()?;
    let operation = Operation {
        id: OperationId::new(&ApiName::parse("x").ok()?, &Method::GET, &template),
        method: Method::GET,
        template,
        class: OperationClass::List,
        resource: None,
        records: pointer.map(Into::into),
        anonymous: true,
        people: false,
        query: Box::default(),
        ending: None,
        request: None,
        login: None,
        flows: Box::default(),
    };
    let mut records = Records::of(&operation, StatusCode::OK, &headers)?;
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at_checked(size(rest.len())).unwrap_or((rest, &[]));
        records.take(piece);
        rest = behind;
    }
    Some(records.count(Extent::Whole))
}
