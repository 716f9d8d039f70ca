use super::{Form, WriteFault, write};
use crate::engine::Answer;
use datafusion::arrow::{
    array::{ArrayRef, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray},
    datatypes::{Field, Schema},
};
use std::{
    io::{self, ErrorKind, Write},
    sync::Arc,
};

fn answer() -> Answer {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for word in ["a,b", "q\"c"] {
        lists.values().append_value(word);
    }
    lists.append(true);
    lists.append_null();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("n", Arc::new(Int64Array::from(vec![2, 3]))),
        ("text", Arc::new(StringArray::from(vec![Some("x, \"y\"\u{1b}[2J"), None]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_790_000_000_123_456), None]).with_timezone("UTC"))),
        ("list", Arc::new(lists.finish())),
    ];
    let fields: Vec<Field> = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.into_iter().map(|(_, column)| column).collect()).unwrap();
    Answer { schema, batches: vec![batch], truncated: true, left_out: vec!["1 damaged place".to_owned()] }
}

fn shown(answer: &Answer, form: Form) -> String {
    let mut out = Vec::new();
    write(answer, form, usize::MAX, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_table_moves_no_cursor() {
    let expected = "\
n  n_2  text             at                           list
1  2    x, \"y\"\\u{1b}[2J  2026-09-21T14:13:20.123456Z  [\"a,b\",\"q\\\"c\"]
-  3    -                -                            -
";
    assert_eq!(shown(&answer(), Form::Table), expected);
}

#[test]
fn json_has_every_column_of_every_row() {
    let text = shown(&answer(), Form::Json);
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!([
        { "n": 1, "n_2": 2, "text": "x, \"y\"\u{1b}[2J", "at": "2026-09-21T14:13:20.123456Z", "list": ["a,b", "q\"c"] },
        { "n": null, "n_2": 3, "text": null, "at": null, "list": null },
    ]);
    assert_eq!(rows, expected);
    let lines: Vec<serde_json::Value> = shown(&answer(), Form::Ndjson).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(serde_json::Value::Array(lines), expected);
    let document: serde_json::Value = serde_json::from_str(&shown(&answer(), Form::Document)).unwrap();
    assert_eq!(document["rows"], expected);
    assert_eq!(document["columns"][1], serde_json::json!({ "name": "n_2", "type": "integer" }));
    assert_eq!(document["columns"][4], serde_json::json!({ "name": "list", "type": "list" }));
    assert_eq!(document["truncated"], true);
    assert_eq!(document["left_out"], serde_json::json!(["1 damaged place"]));
}

#[test]
fn csv_quotes_what_would_be_two_cells() {
    let expected =
        "n,n_2,text,at,list\r\n1,2,\"x, \"\"y\"\"\u{1b}[2J\",2026-09-21T14:13:20.123456Z,\"[\"\"a,b\"\",\"\"q\\\"\"c\"\"]\"\r\n,3,,,\r\n";
    assert_eq!(shown(&answer(), Form::Csv), expected);
}

#[test]
fn nothing_is_still_a_document() {
    let empty = Answer { batches: Vec::new(), truncated: false, left_out: Vec::new(), ..answer() };
    assert_eq!(shown(&empty, Form::Json), "[]\n");
    assert_eq!(shown(&empty, Form::Ndjson), "");
    assert_eq!(shown(&empty, Form::Csv), "n,n_2,text,at,list\r\n");
    assert_eq!(shown(&empty, Form::Table), "n  n_2  text  at  list\n");
    let document: serde_json::Value = serde_json::from_str(&shown(&empty, Form::Document)).unwrap();
    assert_eq!(document["rows"], serde_json::json!([]));
}

/// An answer of these texts, in two columns.
fn texts(texts: &[&str]) -> Answer {
    let column: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let schema = Arc::new(Schema::new(["a", "b"].map(|name| Field::new(name, column.data_type().clone(), true)).to_vec()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&column), column]).unwrap();
    Answer { schema, batches: vec![batch], truncated: false, left_out: Vec::new() }
}

#[test]
fn a_cell_may_be_wider_than_any_terminal() {
    let wide = "x".repeat(70_000);
    let table = shown(&texts(&[&wide, "y"]), Form::Table);
    let lines: Vec<_> = table.lines().map(str::len).collect();
    assert_eq!(lines, [70_003, 140_002, 70_003], "columns stand under each other");
    assert_eq!(shown(&texts(&["", ""]), Form::Table), "a  b\n\n\n", "no line ends in white space");
}

#[test]
fn no_form_is_longer_than_it_may_be() {
    for form in [Form::Table, Form::Json, Form::Ndjson, Form::Csv, Form::Document] {
        let mut out = Vec::new();
        let fault = write(&texts(&["x"; 1_000]), form, 1_500, &mut out).unwrap_err();
        assert!(matches!(fault, WriteFault::TooLong) && out.len() <= 1_500, "{form:?}: {fault}");
    }
}

/// Somebody who reads so many bytes and goes away.
struct Gone(usize);

impl Write for Gone {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn who_reads_no_further_is_known_whatever_the_form() {
    for form in [Form::Table, Form::Json, Form::Ndjson, Form::Csv, Form::Document] {
        let fault = write(&texts(&["x"; 1_000]), form, usize::MAX, &mut Gone(1_500)).unwrap_err();
        assert!(matches!(&fault, WriteFault::Io(error) if error.kind() == ErrorKind::BrokenPipe), "{form:?}: {fault}");
    }
}
