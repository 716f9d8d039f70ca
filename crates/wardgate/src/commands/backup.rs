//! `wardgate backup`: a consistent copy of the store, made beside whoever serves from it.

use crate::{
    cli::{BackupArgs, Output},
    config::Config,
    output::{Exit, GOOD, json, line, note, styled, waiting},
};
use anyhow::Context as _;
use serde_json::json;
use wardgate_store::{Store, StoreFault};

/// Copies.
pub(super) async fn run(args: BackupArgs) -> anyhow::Result<Exit> {
    let config = match Config::read(&args.config.config) {
        Ok(config) => config,
        Err(found) => {
            crate::diagnostics::show(&found);
            return Ok(Exit::Invalid);
        }
    };
    let copied = match waiting(Store::backup(&config.store, &args.file)).await {
        Err(fault @ StoreFault::Address { .. }) => {
            note(&format!("nothing is copied: {fault}"));
            return Ok(Exit::Invalid);
        }
        Err(StoreFault::File { path, source }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
            note(&format!("`{}` is there already: name a new file", path.display()));
            return Ok(Exit::Invalid);
        }
        other => other.context("cannot copy the store")?,
    };
    match args.output.output {
        Output::Json => json(&json!({ "file": args.file, "bytes": copied.bytes, "seq": copied.seq }))?,
        Output::Table => {
            line(&format!(
                "{} {} bytes up to change {} into `{}`",
                styled(GOOD, "copied:"),
                copied.bytes,
                copied.seq,
                args.file.display()
            ))?;
            note("The master key is not in it: keep that apart. To restore, stop the gate and put the file in the place of the store.");
        }
    }
    Ok(Exit::Done)
}
