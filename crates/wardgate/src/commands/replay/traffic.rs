//! Logs of others: files in, a report out.

use super::{page, shown};
use crate::{
    cli::{ForeignArgs, Output},
    commands::timeline,
    control::Gathered,
    diagnostics,
    output::{Exit, error, json, note, number, print},
};
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read},
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_governance::traffic::{Files, Format, Installation, Mapping, Reading, Report, Settings, Unreplayed, replay};

/// How a gzip file begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];
/// Bytes of a file that are read at a time.
const PIECE: usize = 256 << 10;

/// Replays.
pub(super) async fn run(format: Format, logs: Vec<PathBuf>, args: ForeignArgs, output: Output) -> anyhow::Result<Exit> {
    if logs.is_empty() {
        error(&format!("name the files that were recorded as `{}`", format.as_str()));
        return Ok(Exit::Invalid);
    }
    if let Some(other) = logs.iter().find(|log| !log.is_file()) {
        error(&format!("`{}` is no file", other.display()));
        return Ok(Exit::Invalid);
    }
    if !args.map.is_empty() && format != Format::Json {
        error("--map is for --format json: the other formats say themselves what is where");
        return Ok(Exit::Invalid);
    }
    let mapping = match Mapping::new(args.map.iter().map(String::as_str)) {
        Ok(mapping) => Arc::new(mapping),
        Err(wrong) => {
            error(&wrong.to_string());
            return Ok(Exit::Invalid);
        }
    };
    let installation = match installation(&args.resources) {
        Ok(installation) => installation,
        Err(found) => {
            diagnostics::show(&found);
            return Ok(Exit::Invalid);
        }
    };
    let settings = Settings { reading: Reading { format, mapping, year: args.year }, top: usize::from(args.top) };
    let found = tokio::task::spawn_blocking(move || replayed(&logs, &settings, installation.as_ref())).await?;
    let report = match found {
        Ok(report) => report,
        Err(wrong @ Unreplayed::TooMany) => {
            error(&wrong.to_string());
            return Ok(Exit::Invalid);
        }
        Err(wrong) => return Err(wrong.into()),
    };
    if let Some(file) = &args.html {
        timeline::write(file, &page::page(&report))?;
    }
    match output {
        Output::Json => json(&report)?,
        Output::Table => print(&shown::text(&report))?,
    }
    if report.calls == 0 {
        let lines = number(report.not_understood.count, "line");
        note(&format!("note: no call was found ({lines} not understood): is it `--format {}`?", format.as_str()));
        return Ok(Exit::No);
    }
    Ok(Exit::Done)
}

/// What documents declare; `None`: none are named.
pub(crate) fn installation(resources: &[PathBuf]) -> Result<Option<Installation>, Vec<wardgate_model::diagnostic::Diagnostic>> {
    if resources.is_empty() {
        return Ok(None);
    }
    let base = resources.first().and_then(|path| path.parent()).map(Path::to_owned).unwrap_or_default();
    let loaded = crate::control::Loaded::of(Gathered::read(resources, base))?;
    Installation::of(&loaded.inventory, loaded.limits).map(Some)
}

/// Judges files, with a bar on a terminal.
pub(crate) fn replayed(logs: &[PathBuf], settings: &Settings, installation: Option<&Installation>) -> Result<Report, Unreplayed> {
    // Each file is gone through twice.
    let bytes = logs.iter().filter_map(|log| log.metadata().ok()).map(|found| found.len().saturating_mul(2)).sum();
    let bar = bar(bytes);
    let names = logs.iter().map(|log| log.display().to_string()).collect();
    let open = |at: usize| -> io::Result<Box<dyn Read>> {
        let log = logs.get(at).ok_or(io::ErrorKind::NotFound)?;
        opened(bar.wrap_read(File::open(log)?))
    };
    let report = replay(&Files { names, open: &open }, settings, installation);
    bar.finish_and_clear();
    report
}

/// A file as it stands, or what is packed in it.
pub(in crate::commands) fn opened(file: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::with_capacity(PIECE, file);
    let packed = file.fill_buf()?.starts_with(&GZIP);
    Ok(if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

fn bar(bytes: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}
