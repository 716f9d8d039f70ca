//! Writing a segment: to a name beside, made durable, then to its own.

use super::{
    BadRecord, GROUP_ROWS, SegmentError, VERSION,
    arrays::Builders,
    fields::{ERASED, MARK, SALT, SUBJECTS, schema},
    metadata,
};
use crate::{
    canonical::Record,
    columns::{COLUMNS, Row, Type, Value, number},
    hot,
    tree::{Frontier, Hash},
};
use aws_lc_rs::digest::{Context, SHA256};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, Encoding, ZstdLevel},
    errors::ParquetError,
    file::properties::{BloomFilterProperties, EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Number of the first event.
    pub first_seq: u64,
    /// How many events.
    pub events: u64,
    /// The least time of an event, in microseconds since 1970.
    pub from_us: i64,
    /// The greatest.
    pub to_us: i64,
    /// The root of the tree over all records.
    pub root: Hash,
    /// SHA-256 of the file.
    pub file: Hash,
    /// Size of the file.
    pub bytes: u64,
}

/// One time in a hundred, a filter says that a row group may hold what it does not.
const FALSE_POSITIVES: f64 = 0.01;
/// What zstd is to try: level 9 saves less than a tenth of a byte of an event in any column.
const ZSTD_LEVEL: i32 = 3;
/// Appended to the name of a file while it is written.
pub const UNFINISHED: &str = ".new";

/// Numbers that repeat too seldom for a dictionary: they are held as differences.
const DIFFERENCES: [&str; 8] =
    ["seq", "time", "request_length", "duration_us", "upstream_latency_us", "bytes_in", "bytes_out", "judge_order"];
/// Random texts: `request_id` begins like the one before it, `trace_id` does not. Nothing in them repeats but their alphabet, which
/// zstd finds best when it does not look for more.
const RANDOM: [(&str, Encoding); 2] = [("request_id", Encoding::DELTA_BYTE_ARRAY), ("trace_id", Encoding::DELTA_LENGTH_BYTE_ARRAY)];
/// What zstd is to try there.
const ZSTD_LEVEL_RANDOM: i32 = 1;

/// Writes a segment, durably: all of it is on the disk under its name when this returns, or nothing is.
///
/// # Errors
/// When a record does not fit the segment (another number than the next, another edge), or the disk refuses. Then the file is
/// not there, and one that was there before is as it was.
pub fn write<'b>(path: &Path, edge: &str, first_seq: u64, records: impl IntoIterator<Item = Record<'b>>) -> Result<Sealed, SegmentError> {
    let unfinished = unfinished(path);
    let sealed = write_unfinished(path, &unfinished, edge, first_seq, records).inspect_err(|_| {
        // What is left of it is overwritten next time.
        let _ = fs::remove_file(&unfinished);
    })?;
    put_in_place(path)?;
    Ok(sealed)
}

/// Where a file is written before it gets its name.
pub(super) fn unfinished(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    name.into()
}

/// Gives a file that was written beside its name, durably.
///
/// # Errors
/// When the disk refuses.
pub fn put_in_place(path: &Path) -> Result<(), SegmentError> {
    let io = |error| SegmentError::Io { path: path.to_owned(), error };
    fs::rename(unfinished(path), path).map_err(io)?;
    match path.parent() {
        Some(directory) => File::open(directory).and_then(|directory| directory.sync_all()).map_err(io),
        None => Ok(()),
    }
}

fn write_unfinished<'b>(
    path: &Path,
    unfinished: &Path,
    edge: &str,
    first_seq: u64,
    records: impl IntoIterator<Item = Record<'b>>,
) -> Result<Sealed, SegmentError> {
    let mut filling = Filling::begin(path, unfinished, edge, first_seq)?;
    for record in records {
        filling.push(&record)?;
    }
    filling.finish()
}

/// The trees over the records: that of the row group, and that of all.
#[derive(Debug, Default)]
struct Trees {
    events: u64,
    group: Frontier,
    roots: Vec<Hash>,
}

impl Trees {
    fn push(&mut self, leaf: Hash) {
        self.group.append(leaf);
        self.events += 1;
    }

    fn next_group(&mut self) {
        if self.group.size() > 0 {
            self.roots.push(std::mem::take(&mut self.group).root());
        }
    }

    fn finish(mut self) -> (u64, Hash, Vec<Hash>) {
        self.next_group();
        (self.events, crate::tree::root(self.roots.iter().copied()), self.roots)
    }
}

/// A segment that is being written, beside its place.
pub(super) struct Filling<'a> {
    path: &'a Path,
    edge: &'a str,
    first_seq: u64,
    writer: ArrowWriter<Hashing<File>>,
    builders: Builders,
    tree: Trees,
    span: Option<(i64, i64)>,
}

/// A new file for its owner alone: it tells of persons.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)
}

impl<'a> Filling<'a> {
    pub(super) fn begin(path: &'a Path, unfinished: &Path, edge: &'a str, first_seq: u64) -> Result<Self, SegmentError> {
        let file = private(unfinished).map_err(|error| SegmentError::Io { path: path.to_owned(), error })?;
        let parquet = |error| SegmentError::Parquet { path: path.to_owned(), error };
        let file = Hashing { inner: file, context: Context::new(&SHA256), bytes: 0 };
        // The schema of arrow is not repeated in the footer: that of Parquet says all of it.
        let options = ArrowWriterOptions::new().with_properties(properties().map_err(parquet)?).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, schema(), options).map_err(parquet)?;
        Ok(Self { path, edge, first_seq, writer, builders: Builders::new(), tree: Trees::default(), span: None })
    }

    pub(super) fn push(&mut self, record: &Record<'_>) -> Result<(), SegmentError> {
        let seq = self.first_seq.saturating_add(self.tree.events);
        let refused = |wrong| SegmentError::Record { path: self.path.to_owned(), seq, wrong };
        let row = record.row().map_err(|malformed| refused(malformed.into()))?;
        let time = fits(&row, seq, self.edge).map_err(refused)?;
        // A commitment to what is there is never written as one to what was erased.
        let leaf = record.leaf();
        self.builders.push(&row, &record.personal, hot::mark(&leaf)).map_err(refused)?;
        self.span = Some(self.span.map_or((time, time), |(from, to)| (from.min(time), to.max(time))));
        self.tree.push(leaf);
        if self.builders.rows() == GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SegmentError> {
        if self.builders.rows() == 0 {
            return Ok(());
        }
        let parquet = |error| SegmentError::Parquet { path: self.path.to_owned(), error };
        let batch = self.builders.finish().map_err(|error| parquet(error.into()))?;
        self.writer.write(&batch).map_err(parquet)?;
        self.writer.flush().map_err(parquet)?;
        self.tree.next_group();
        Ok(())
    }

    /// Ends the file and makes it durable.
    pub(super) fn finish(mut self) -> Result<Sealed, SegmentError> {
        self.flush()?;
        let Self { path, edge, first_seq, mut writer, tree, span, .. } = self;
        let parquet = |error| SegmentError::Parquet { path: path.to_owned(), error };
        let Some((from_us, to_us)) = span else {
            return Err(SegmentError::Record { path: path.to_owned(), seq: first_seq, wrong: BadRecord::Nothing });
        };
        let (events, root, roots) = tree.finish();
        for said in metadata::say(VERSION, edge, first_seq, events, &roots) {
            writer.append_key_value_metadata(said);
        }
        let written = writer.into_inner().map_err(parquet)?;
        written.inner.sync_all().map_err(|error| SegmentError::Io { path: path.to_owned(), error })?;
        let file = Hash::read(written.context.finish().as_ref()).unwrap_or_default();
        Ok(Sealed { first_seq, events, from_us, to_us, root, file, bytes: written.bytes })
    }
}

/// Whether a record is the one that comes next; its time.
fn fits(row: &Row<'_>, seq: u64, edge: &str) -> Result<i64, BadRecord> {
    let cell = |name| number(name).and_then(|number| row.get(number)).and_then(Option::as_ref);
    let whole = |name| match cell(name) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    let found = whole("seq");
    if found.and_then(|found| u64::try_from(found).ok()) != Some(seq) {
        return Err(BadRecord::Seq(found));
    }
    match cell("edge") {
        Some(Value::Text(text)) if text == edge => whole("time").ok_or(BadRecord::Time),
        _ => Err(BadRecord::Edge),
    }
}

fn properties() -> Result<WriterProperties, ParquetError> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?);
    let mut builder = WriterProperties::builder()
        .set_compression(zstd)
        .set_created_by(concat!("wardgate ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page);
    for name in DIFFERENCES {
        builder = builder.set_column_dictionary_enabled(name.into(), false).set_column_encoding(name.into(), Encoding::DELTA_BINARY_PACKED);
    }
    let random = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL_RANDOM)?);
    for (name, encoding) in RANDOM {
        builder = builder
            .set_column_dictionary_enabled(name.into(), false)
            .set_column_encoding(name.into(), encoding)
            .set_column_compression(name.into(), random);
    }
    for name in [SALT, MARK, ERASED] {
        builder =
            builder.set_column_dictionary_enabled(name.into(), false).set_column_statistics_enabled(name.into(), EnabledStatistics::None);
    }
    for name in [SALT, MARK] {
        builder = builder.set_column_compression(name.into(), Compression::UNCOMPRESSED);
    }
    // As many as a row group can hold; what was counted less is folded.
    let ndv = u64::try_from(GROUP_ROWS).unwrap_or(u64::MAX);
    let filter = BloomFilterProperties::builder().with_fpp(FALSE_POSITIVES).with_max_ndv(ndv).try_build()?;
    for name in SUBJECTS {
        builder = builder.set_column_bloom_filter_properties(name.into(), filter.clone());
    }
    for column in COLUMNS.iter().filter(|column| column.kind == Type::Texts) {
        let element = ColumnPath::new(vec![column.name.to_owned(), "list".to_owned(), "element".to_owned()]);
        builder = builder.set_column_statistics_enabled(element, EnabledStatistics::Chunk);
    }
    Ok(builder.build())
}

/// Hashes what goes through.
struct Hashing<W> {
    inner: W,
    context: Context,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.context.update(buffer.get(..written).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
