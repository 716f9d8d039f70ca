//! Reading a sealed segment: what its name says, what its footer has to say, and its bytes.

use crate::{
    fault::{Fault, LogFault},
    schema::is_known,
    snapshot::{Segment, opened},
};
use bytes::Bytes;
use datafusion::{datasource::listing::PartitionedFile, error::DataFusionError, physical_plan::metrics::ExecutionPlanMetricsSet};
use datafusion_datasource_parquet::ParquetFileReaderFactory;
use futures::future::{BoxFuture, FutureExt as _};
use parquet::{
    arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};
use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_audit::{
    segment::{Input, SegmentError, VERSION},
    store::StoreError,
};

/// The folder of segments in the directory of a log.
pub(crate) const FOLDER: &str = "segments";
/// Says in a footer which version of this form it has.
const VERSION_KEY: &str = "wardgate.version";

/// The footer of a segment, once it is found to be one that this version knows.
pub(crate) fn read_metadata(input: &Input, path: &Path) -> Result<ParquetMetaData, LogFault> {
    let damaged = |what: String| LogFault::Damaged { path: path.to_owned(), what };
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(input)
        .map_err(|error| in_store(&error, path).unwrap_or_else(|| damaged(format!("has no footer that can be read: {error}"))))?;
    let about = metadata.file_metadata();
    let version = about
        .key_value_metadata()
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == VERSION_KEY))
        .and_then(|pair| pair.value.as_deref());
    match version {
        Some(version) if version.parse() == Ok(VERSION) => {}
        Some(other) => return Err(newer(path, format!("it has version `{other}`"))),
        None => return Err(damaged("is no segment of an event log".to_owned())),
    }
    for column in about.schema_descr().root_schema().get_fields() {
        if !is_known(column.name()) {
            return Err(newer(path, format!("it has a column `{}`", column.name())));
        }
    }
    Ok(metadata)
}

fn newer(path: &Path, what: String) -> LogFault {
    LogFault::Newer { path: path.to_owned(), what }
}

/// Opens a segment where it lies.
pub(crate) fn open(path: &Path) -> Result<Input, LogFault> {
    Input::open(path).map_err(|error| match error {
        SegmentError::Io { error, .. } => opened(path, error),
        SegmentError::Store { error, .. } => LogFault::Store { path: path.to_owned(), error },
        other => LogFault::Damaged { path: path.to_owned(), what: other.to_string() },
    })
}

/// Names the file that cannot be decoded, where one is not what was sealed. Whole files are read for it.
pub(crate) fn blame(segments: &[Segment], what: String) -> Fault {
    let is_another = |segment: &&Segment| {
        let read = open(&segment.path).ok().and_then(|input| input.read(&(0..input.bytes())).ok());
        segment.named.as_ref().zip(read).is_some_and(|(named, bytes)| !named.is(&bytes))
    };
    match segments.iter().find(is_another) {
        Some(segment) => {
            Fault::Log(LogFault::Damaged { path: segment.path.clone(), what: format!("is not the file that was sealed ({what})") })
        }
        None => Fault::Undecodable(what),
    }
}

/// What a store said, where that is what an error is about.
fn in_store(error: &ParquetError, path: &Path) -> Option<LogFault> {
    let ParquetError::External(error) = error else { return None };
    let error = error.downcast_ref::<StoreError>()?.clone();
    Some(LogFault::Store { path: path.to_owned(), error })
}

/// Opens segments for the engine: by path once, so that one that is replaced meanwhile is read whole as it was.
#[derive(Debug)]
pub(crate) struct Opening;

impl ParquetFileReaderFactory for Opening {
    fn create_reader(
        &self,
        _partition_index: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>, DataFusionError> {
        let segment = file.extension::<Segment>().ok_or_else(|| DataFusionError::Internal("a file that is no segment".to_owned()))?;
        let input = open(&segment.path).map_err(|fault| DataFusionError::External(Box::new(fault)))?;
        Ok(Box::new(Opened { input, path: segment.path.clone() }))
    }
}

/// An open segment.
struct Opened {
    input: Input,
    path: PathBuf,
}

impl Opened {
    fn read(&self, range: &Range<u64>) -> Result<Bytes, ParquetError> {
        let external = |fault: LogFault| ParquetError::External(Box::new(fault));
        if range.start > range.end || range.end > self.input.bytes() {
            return Err(external(LogFault::Damaged { path: self.path.clone(), what: "points behind its end".to_owned() }));
        }
        self.input.read(range).map_err(|error| {
            let unreadable = || LogFault::Unreadable { path: self.path.clone(), source: io::Error::other(error.to_string()) };
            external(in_store(&error, &self.path).unwrap_or_else(unreadable))
        })
    }
}

impl AsyncFileReader for Opened {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let read = self.read(&range);
        async move { read }.boxed()
    }

    fn get_metadata<'a>(&'a mut self, _: Option<&'a ArrowReaderOptions>) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let read = read_metadata(&self.input, &self.path).map(Arc::new).map_err(|fault| ParquetError::External(Box::new(fault)));
        async move { read }.boxed()
    }
}
