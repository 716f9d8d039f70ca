//! Logs of others: files in, a report out.

use super::{dated, page, segment, shown};
use crate::{
    cli::{ForeignArgs, Output},
    commands::timeline,
    control::Gathered,
    diagnostics,
    output::{Exit, error, json, note, number, plain, print},
};
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read},
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_governance::traffic::{
    Files, Format, Installation, Mapping, Reading, Report, Settings, Unreplayed, Years,
    reader::{Reader, Told},
    replay,
};

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
    if let Some(file) = args.html.as_ref().filter(|file| file.exists()) {
        error(&format!("`{}` is there already: name another file for the page, or remove this one", file.display()));
        return Ok(Exit::Invalid);
    }
    let years = args.year.map_or_else(|| dated::years(&logs), Years::All);
    let settings = Settings { reading: Reading { format, mapping, years }, top: usize::from(args.top) };
    let found = tokio::task::spawn_blocking(move || {
        let report = replayed(&logs, &settings, installation.as_ref());
        let instead = report.as_ref().is_ok_and(|report| report.calls == 0).then(|| instead(&logs, &settings.reading)).flatten();
        (report, instead)
    });
    let (report, instead) = found.await?;
    let report = match report {
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
        Output::Table if report.calls == 0 => {}
        Output::Table => print(&shown::text(&report, page::judged_by(&report)))?,
    }
    if report.calls == 0 {
        note(&nothing(&report, format, instead));
        return Ok(Exit::No);
    }
    if format == Format::Sshd && args.year.is_none() {
        note(&dated::told(&report));
    }
    Ok(Exit::Done)
}

/// Lines of a file that are looked at for what it could be instead.
const TRIED: usize = 50;
/// Lines that were not understood and are shown where none was.
const WRONG: usize = 3;

/// As what more of the first lines can be understood; `None`: as nothing that is known.
fn instead(logs: &[PathBuf], reading: &Reading) -> Option<(Format, usize)> {
    let log = logs.first()?;
    let calls = |format: Format| {
        let mut reader = Reader::new(opened(File::open(log).ok()?).ok()?, &Reading { format, ..reading.clone() }, 0);
        let mut calls = 0_usize;
        for _ in 0..TRIED {
            match reader.read_on() {
                Ok(Some(told)) => calls += usize::from(matches!(told, Told::Call(_))),
                Ok(None) | Err(_) => break,
            }
        }
        Some(calls)
    };
    let all = Format::ALL.iter().copied().filter(|format| *format != reading.format);
    all.filter_map(|format| Some((format, calls(format)?))).rev().max_by_key(|(_, calls)| *calls).filter(|(_, calls)| *calls > 0)
}

/// What was expected, and what was there.
fn nothing(report: &Report, format: Format, instead: Option<(Format, usize)>) -> String {
    let passed: u64 = report.files.iter().map(|file| file.passed_over).sum();
    let passed = if passed > 0 { format!(", {} passed over", number(passed, "line")) } else { String::new() };
    let mut text = format!("note: no call was found: {} not understood{passed}\n", number(report.not_understood.count, "line"));
    for wrong in report.not_understood.first.iter().take(WRONG) {
        text.push_str(&format!("  {}:{}: {}\n", plain(&wrong.file), wrong.line, plain(&wrong.what)));
    }
    text.push_str(&format!("  `--format {}` is as in: {}", format.as_str(), format.example()));
    if let Some((other, _)) = instead {
        text.push_str(&format!("\n  it reads as `--format {}`", other.as_str()));
    }
    text
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
        if settings.reading.format == Format::Wardgate && segment::is_segment(log) {
            bar.inc(log.metadata()?.len());
            return Ok(Box::new(segment::Events::open(log)?));
        }
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
