//! The answer as text: a table for people, JSON, JSON lines or CSV for machines.

use crate::engine::Answer;
use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
    json::{
        LineDelimitedWriter, WriterBuilder,
        writer::{JsonArray, LineDelimited},
    },
    util::display::{ArrayFormatter, FormatOptions},
};
use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::Arc,
};

/// In which form an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Form {
    /// Columns under a header.
    #[default]
    Table,
    /// An array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// Comma-separated values under a header (RFC 4180).
    Csv,
    /// One object: `columns` with name and type, `rows` as objects, `truncated`, `left_out`.
    Document,
}

/// Why an answer could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteFault {
    /// Nobody reads it, or there is no place.
    #[error("the answer cannot be written: {0}")]
    Io(#[from] io::Error),
    /// It is longer than it may be.
    #[error("the answer is longer than it may be")]
    TooLong,
    /// It holds something that this form cannot show.
    #[error("the answer cannot be shown in this form: {0}")]
    Form(#[from] ArrowError),
}

/// Writes an answer of at most so many bytes: rows may share a text that is long, so what is held in memory says little of what is written.
///
/// # Errors
/// As [`WriteFault`] says. What was written until then is.
pub fn write(answer: &Answer, form: Form, bytes_max: usize, out: &mut impl Write) -> Result<(), WriteFault> {
    let mut out = Bounded { out, left: bytes_max, ended: None };
    // What stands between may give the fault of `out` as one of its own.
    written(answer, form, &mut out).map_err(|fault| out.ended.map_or(fault, |ended| ended.into()))
}

/// Passes on so many bytes, and remembers why it passed on no more.
struct Bounded<'o, W> {
    out: &'o mut W,
    left: usize,
    ended: Option<Ended>,
}

/// Why no more was passed on.
#[derive(Clone, Copy)]
enum Ended {
    TooLong,
    Io(io::ErrorKind),
}

impl From<Ended> for WriteFault {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::TooLong => Self::TooLong,
            Ended::Io(kind) => Self::Io(kind.into()),
        }
    }
}

impl<W: Write> Bounded<'_, W> {
    fn noted<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|error| match error.kind() {
            // Whoever writes tries again.
            io::ErrorKind::Interrupted => (),
            kind => self.ended = self.ended.or(Some(Ended::Io(kind))),
        })
    }
}

impl<W: Write> Write for Bounded<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            self.ended = self.ended.or(Some(Ended::TooLong));
            return Err(io::Error::other("longer than it may be"));
        }
        let done = self.out.write(bytes);
        let passed = self.noted(done)?;
        self.left -= passed;
        Ok(passed)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out.flush();
        self.noted(done)
    }
}

fn written(answer: &Answer, form: Form, out: &mut impl Write) -> Result<(), WriteFault> {
    let schema = distinct(&answer.schema);
    let batches = answer.batches.iter().map(|batch| RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec()));
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    match form {
        Form::Table => table(&schema, &batches, out)?,
        Form::Csv => separated(&schema, &batches, out)?,
        Form::Json => {
            objects(&batches, out)?;
            out.write_all(b"\n")?;
        }
        Form::Ndjson => {
            let mut writer: LineDelimitedWriter<_> = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut *out);
            writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
            writer.finish()?;
        }
        Form::Document => document(answer, &schema, &batches, out)?,
    }
    out.flush()?;
    Ok(())
}

/// Names that are there once: what is called like a column before it gets a number.
fn distinct(schema: &SchemaRef) -> SchemaRef {
    let mut taken = BTreeSet::new();
    let fields = schema.fields().iter().map(|field| {
        let name = (1_u32..)
            .map(|number| if number == 1 { field.name().clone() } else { format!("{}_{number}", field.name()) })
            .find(|name| taken.insert(name.clone()))
            .unwrap_or_default();
        Field::new(name, field.data_type().clone(), true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn objects(batches: &[RecordBatch], out: &mut impl Write) -> Result<(), WriteFault> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(&mut *out);
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    Ok(())
}

fn document(answer: &Answer, schema: &SchemaRef, batches: &[RecordBatch], out: &mut impl Write) -> Result<(), WriteFault> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| format!("{{\"name\":{},\"type\":{}}}", quoted(field.name()), quoted(type_name(field.data_type()))));
    let left_out = answer.left_out.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(",");
    let columns = columns.collect::<Vec<_>>().join(",");
    write!(out, "{{\"columns\":[{columns}],\"truncated\":{},\"left_out\":[{left_out}],\"rows\":", answer.truncated)?;
    objects(batches, out)?;
    out.write_all(b"}\n")?;
    Ok(())
}

/// A text of JSON (RFC 8259 §7).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if u32::from(c) < 0x20 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A word for a type, the same for all of its widths.
fn type_name(kind: &DataType) -> &'static str {
    match kind {
        kind if kind.is_integer() => "integer",
        kind if kind.is_numeric() => "number",
        DataType::Boolean => "boolean",
        DataType::Timestamp(..) => "time",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "list",
        DataType::Null => "null",
        _ => "text",
    }
}

/// Each cell as text; `None` where there is nothing.
fn cells(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, ArrowError> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    let options = FormatOptions::default().with_display_error(true);
    for column in batch.columns() {
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        for (at, row) in rows.iter_mut().enumerate() {
            row.push(cell(column, at, &formatter));
        }
    }
    Ok(rows)
}

fn cell(column: &ArrayRef, at: usize, formatter: &ArrayFormatter<'_>) -> Option<String> {
    if column.is_null(at) {
        return None;
    }
    match column.data_type() {
        // Several texts as JSON has them: commas in one are not commas between them.
        DataType::List(of) if *of.data_type() == DataType::Utf8 => {
            let values = column.as_list::<i32>().value(at);
            let texts = values.as_string::<i32>().iter().map(|text| text.map_or_else(|| "null".to_owned(), quoted));
            Some(format!("[{}]", texts.collect::<Vec<_>>().join(",")))
        }
        _ => Some(formatter.value(at).to_string()),
    }
}

fn separated(schema: &SchemaRef, batches: &[RecordBatch], out: &mut impl Write) -> Result<(), WriteFault> {
    let io = |error: csv::Error| io::Error::other(error);
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    writer.write_record(schema.fields().iter().map(|field| field.name().as_str())).map_err(io)?;
    for batch in batches {
        for row in cells(batch)? {
            writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default())).map_err(io)?;
        }
    }
    writer.flush()?;
    Ok(())
}

/// Columns under a header, two spaces apart; what is null is a dash, and what would move a terminal's cursor is spelt out.
fn table(schema: &SchemaRef, batches: &[RecordBatch], out: &mut impl Write) -> Result<(), WriteFault> {
    let mut rows: Vec<Vec<String>> = vec![schema.fields().iter().map(|field| plain(field.name())).collect()];
    for batch in batches {
        rows.extend(
            cells(batch)?
                .into_iter()
                .map(|row| row.into_iter().map(|cell| cell.map_or_else(|| "-".to_owned(), |text| plain(&text))).collect()),
        );
    }
    let mut widths = vec![0; schema.fields().len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        // Of a row, what stands behind its last cell with text is left off. No width of `format!`: a cell may be wider than it takes.
        let filled = row.iter().rposition(|cell| !cell.trim_end().is_empty());
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate().take_while(|(at, _)| filled.is_some_and(|last| *at <= last)) {
            if filled == Some(at) {
                out.write_all(cell.trim_end().as_bytes())?;
            } else {
                out.write_all(cell.as_bytes())?;
                spaces(2 + width.saturating_sub(cell.chars().count()), out)?;
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn spaces(count: usize, out: &mut impl Write) -> io::Result<()> {
    std::iter::repeat_n(b" ", count).try_for_each(|space| out.write_all(space))
}

/// What others wrote, made harmless for a terminal.
fn plain(text: &str) -> String {
    let hostile = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}');
    if !text.contains(hostile) {
        return text.to_owned();
    }
    text.chars().flat_map(|c| if hostile(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests;
