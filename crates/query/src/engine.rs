//! Asking: from SQL and directories to rows, within bounds.

use crate::{
    bounds::Bounds,
    fault::{Fault, LogFault, of_plan, of_run},
    segment::blame,
    snapshot::Snapshot,
    statement::{self, Question},
    table::{self, Events},
};
use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    dataframe::DataFrame,
    execution::{
        SessionStateBuilder,
        context::{SQLOptions, SessionContext},
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::GreedyMemoryPool,
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::SessionConfig,
};
use futures::StreamExt as _;
use std::{path::PathBuf, sync::Arc};

/// How often a log is looked at anew because a segment was taken away while it was read.
const LOOKS: usize = 4;

/// What was asked for.
#[derive(Debug)]
pub struct Answer {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// Whether there are more rows than may be given.
    pub truncated: bool,
    /// What could not be read of the log and is left out, for people.
    pub left_out: Vec<String>,
}

/// Answers one question about the logs in some directories.
///
/// The time of [`Bounds`] is not kept here: whoever asks ends the process ([`crate::watch`]), since planning does not wait.
///
/// # Errors
/// When it is no question that may be asked, it takes more than it may, or the log cannot be read.
pub async fn ask(sql: &str, directories: &[PathBuf], bounds: &Bounds) -> Result<Answer, Fault> {
    let question = statement::parse(sql, bounds.memory_mib)?;
    let mut looks = LOOKS;
    loop {
        looks -= 1;
        match once(&question, directories, bounds).await {
            Err(Fault::Log(LogFault::Gone(_))) if looks > 0 => {}
            done => return done,
        }
    }
}

async fn once(question: &Question, directories: &[PathBuf], bounds: &Bounds) -> Result<Answer, Fault> {
    let mut snapshot = Snapshot::take(directories)?;
    let left_out = std::mem::take(&mut snapshot.left_out);
    let segments = snapshot.segments.clone();
    let engine = |error: datafusion::error::DataFusionError| of_run(&error, bounds.memory_mib);
    let context = session(bounds).map_err(&engine)?;
    context.register_table(table::NAME, Arc::new(Events::new(snapshot))).map_err(engine)?;
    let planned = |error| of_plan(&error, bounds.memory_mib);
    let plan = context.state().statement_to_plan(question.statement.clone()).await.map_err(planned)?;
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(&plan).map_err(|error| of_plan(&error, bounds.memory_mib))?;
    let asked = context.execute_logical_plan(plan).await.map_err(|error| of_plan(&error, bounds.memory_mib))?;
    // One more than may be given says whether there are more.
    let asked = if question.is_query {
        asked.limit(0, Some(bounds.rows.saturating_add(1))).map_err(|error| of_plan(&error, bounds.memory_mib))?
    } else {
        asked
    };
    let (schema, batches, truncated) = collect(asked, bounds).await.map_err(|fault| match fault {
        Fault::Undecodable(what) => blame(&segments, what),
        other => other,
    })?;
    Ok(Answer { schema, batches, truncated, left_out })
}

/// A session with one table to come, no files, no place to spill to, and bounded memory.
fn session(bounds: &Bounds) -> datafusion::error::Result<SessionContext> {
    let mut config = SessionConfig::new().with_information_schema(true).with_target_partitions(bounds.threads.get());
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.time_zone = Some("UTC".to_owned());
    let no_files = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(bounds.memory_bytes())))
        .with_disk_manager_builder(no_files)
        .build_arc()?;
    let mut state = SessionStateBuilder::new_with_default_features().with_config(config).with_runtime_env(runtime);
    // Neither a table nor a format that would come from a file.
    *state.table_factories() = None;
    *state.file_formats() = None;
    Ok(SessionContext::new_with_state(state.build()))
}

async fn collect(asked: DataFrame, bounds: &Bounds) -> Result<(SchemaRef, Vec<RecordBatch>, bool), Fault> {
    let failed = |error| of_run(&error, bounds.memory_mib);
    let mut stream = asked.execute_stream().await.map_err(failed)?;
    let schema = stream.schema();
    let (mut batches, mut left, mut bytes) = (Vec::new(), bounds.rows, 0_usize);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| of_run(&error, bounds.memory_mib))?;
        bytes = bytes.saturating_add(batch.get_array_memory_size());
        if bytes > bounds.answer_bytes() {
            return Err(Fault::Answer { mib: bounds.answer_bytes() >> 20 });
        }
        if batch.num_rows() > left {
            batches.push(batch.slice(0, left));
            return Ok((schema, batches, true));
        }
        left -= batch.num_rows();
        batches.push(batch);
    }
    Ok((schema, batches, false))
}
