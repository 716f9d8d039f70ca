//! Of which year lines are that say none: of the one in which their file was last written.

use crate::output::plain;
use std::{
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use wardgate_governance::traffic::{Report, YEARS, Years};
use wardgate_model::time::Time;

/// When each file was last written; where one cannot tell, nothing is known of any.
pub(super) fn years(logs: &[PathBuf]) -> Years {
    let ends: Option<Vec<(u16, u8)>> = logs.iter().map(|log| ended(log)).collect();
    ends.map_or(YEARS, |ends| Years::Ended(ends.into()))
}

fn ended(log: &Path) -> Option<(u16, u8)> {
    let since = log.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let date = Time::from_seconds(i64::try_from(since.as_secs()).ok()?).to_rfc3339();
    let mut parts = date.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Which years were taken.
pub(super) fn told(report: &Report) -> String {
    let of = report.files.iter().filter_map(|file| {
        let year = file.from?.to_rfc3339();
        Some(format!("`{}` begins in {}", plain(&file.name), year.split('-').next().unwrap_or_default()))
    });
    let of: Vec<String> = of.take(3).collect();
    format!("note: where lines say no year, the date of their file does: {}; say another with --year", of.join(", "))
}
