//! Reading a sealed segment: what its name says, what its footer has to say, and its bytes.

use crate::{
    fault::LogFault,
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
    fs::File,
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_audit::segment::VERSION;

/// The folder of segments in the directory of a log.
pub(crate) const FOLDER: &str = "segments";
/// Says in a footer which version of this form it has.
const VERSION_KEY: &str = "wardgate.version";

/// The footer of a segment, once it is found to be one that this version knows.
pub(crate) fn read_metadata(file: &File, path: &Path) -> Result<ParquetMetaData, LogFault> {
    let damaged = |what: String| LogFault::Damaged { path: path.to_owned(), what };
    let metadata =
        ParquetMetaDataReader::new().parse_and_finish(file).map_err(|error| damaged(format!("has no footer that can be read: {error}")))?;
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
        let opened = File::open(&segment.path).map_err(|source| DataFusionError::External(Box::new(opened(&segment.path, source))))?;
        Ok(Box::new(Opened { file: opened, path: segment.path.clone() }))
    }
}

/// An open segment.
struct Opened {
    file: File,
    path: PathBuf,
}

impl Opened {
    fn read(&self, range: &Range<u64>) -> Result<Bytes, ParquetError> {
        let damaged = || LogFault::Damaged { path: self.path.clone(), what: "points behind its end".to_owned() };
        let external = |fault: LogFault| ParquetError::External(Box::new(fault));
        let end = self.file.metadata()?.len();
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= end).and_then(|length| usize::try_from(length).ok());
        let mut bytes = vec![0; length.ok_or_else(|| external(damaged()))?];
        self.file
            .read_exact_at(&mut bytes, range.start)
            .map_err(|source| external(LogFault::Unreadable { path: self.path.clone(), source }))?;
        Ok(bytes.into())
    }
}

impl AsyncFileReader for Opened {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let read = self.read(&range);
        async move { read }.boxed()
    }

    fn get_metadata<'a>(&'a mut self, _: Option<&'a ArrowReaderOptions>) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let read = read_metadata(&self.file, &self.path).map(Arc::new).map_err(|fault| ParquetError::External(Box::new(fault)));
        async move { read }.boxed()
    }
}
