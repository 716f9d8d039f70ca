//! The table `events`: sealed segments, which the engine reads only as far as a question needs, and the hot tail.

use crate::{
    schema::events,
    segment::Opening,
    snapshot::{Segment, Snapshot},
};
use async_trait::async_trait;
use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    catalog::{Session, TableProvider},
    common::config::TableParquetOptions,
    datasource::{
        TableType,
        listing::PartitionedFile,
        memory::MemorySourceConfig,
        physical_plan::{FileGroup, FileScanConfigBuilder},
        source::DataSourceExec,
    },
    error::Result,
    execution::object_store::ObjectStoreUrl,
    logical_expr::Expr,
    physical_plan::{ExecutionPlan, union::UnionExec},
};
use datafusion_datasource_parquet::source::ParquetSource;
use std::sync::Arc;

/// Its name.
pub const NAME: &str = "events";

/// The table, as it was at one moment.
#[derive(Debug)]
pub(crate) struct Events {
    schema: SchemaRef,
    segments: Vec<Segment>,
    tail: Vec<RecordBatch>,
}

impl Events {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { schema: events(), segments: snapshot.segments, tail: snapshot.tail }
    }

    /// Reads segments. Filters come to it by themselves when the plan is optimised: statistics and bloom filters of row groups,
    /// and of pages, say what need not be read.
    fn sealed(&self, state: &dyn Session, projection: Option<&Vec<usize>>, limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let options = TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..TableParquetOptions::default() };
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(Opening));
        let groups = groups(&self.segments, state.config_options().execution.target_partitions);
        let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

/// Segments for as many readers as there are, the same number of files to each.
fn groups(segments: &[Segment], readers: usize) -> Vec<FileGroup> {
    let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); readers.clamp(1, segments.len().max(1))];
    let turns = groups.len();
    for (at, segment) in segments.iter().enumerate() {
        if let Some(group) = groups.get_mut(at % turns) {
            group.push(PartitionedFile::new(segment.path.to_string_lossy(), segment.bytes).with_extension(segment.clone()));
        }
    }
    groups.into_iter().map(FileGroup::new).collect()
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let tail: Arc<dyn ExecutionPlan> =
            MemorySourceConfig::try_new_exec(std::slice::from_ref(&self.tail), Arc::clone(&self.schema), projection.cloned())?;
        if self.segments.is_empty() {
            return Ok(tail);
        }
        let sealed = self.sealed(state, projection, limit)?;
        if self.tail.is_empty() { Ok(sealed) } else { UnionExec::try_new(vec![sealed, tail]) }
    }
}
