//! What a sealed segment takes and how fast it is: bytes of an event by column, rows a second of sealing, reading, finding and verifying.
//!
//! `cargo run --release -p wardgate-audit --example segments -- [EVENTS]`, and `--keep DIRECTORY` to leave the files there.

#![expect(clippy::print_stdout, reason = "a measurement tells what it found")]

mod generated;

use generated::{EDGE, Numbers, SEGMENT, records};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, File},
    path::{Path, PathBuf},
    time::Instant,
};
use wardgate_audit::{
    canonical::{Personal, Record},
    segment::{
        self, Segment, SegmentName,
        find::{Order, Predicate, Wanted},
    },
};

#[expect(clippy::disallowed_methods, reason = "a measurement: it is about time")]
fn timed<T>(what: &str, rows: u64, bytes: u64, run: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<T, Box<dyn Error>> {
    let begin = Instant::now();
    let made = run()?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{what}: {seconds:.3} s, {:.0} events/s, {:.1} MB/s of Parquet", rows as f64 / seconds, bytes as f64 / seconds / 1e6);
    Ok(made)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let events: u64 = arguments.first().filter(|first| !first.starts_with("--")).map_or(Ok(SEGMENT * 2), |text| text.parse())?;
    let kept = arguments.iter().position(|argument| argument == "--keep").and_then(|at| arguments.get(at + 1)).map(PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let directory = kept.unwrap_or_else(|| temporary.path().to_owned());
    fs::create_dir_all(&directory)?;
    let mut numbers = Numbers(42);
    let mut now_us = 1_790_000_000_000_000;
    let (mut bytes, mut canonical_bytes) = (0, 0);
    let mut paths = Vec::new();
    let mut first_seq = 1;
    while first_seq <= events {
        let count = SEGMENT.min(events + 1 - first_seq);
        let records = records(&mut numbers, first_seq, count, &mut now_us);
        canonical_bytes += records.iter().map(|(public, personal, _)| public.len() + personal.len()).sum::<usize>();
        let path = directory.join(SegmentName { first_seq }.to_string());
        let sealed = timed("seal", count, 0, || {
            let records = records
                .iter()
                .map(|(public, personal, salt)| Record { public, personal: Personal::Clear { salt: *salt, bytes: personal } });
            Ok(segment::write(&path, EDGE, first_seq, records)?)
        })?;
        bytes += sealed.bytes;
        paths.push((path, sealed));
        first_seq += count;
    }
    println!("{:.1} bytes/event at rest, {:.0} canonical", bytes as f64 / events as f64, canonical_bytes as f64 / events as f64);
    let Some((first, _)) = paths.first() else { return Ok(()) };
    by_column(first)?;
    let segments = timed("open", events, 0, || Ok(paths.iter().map(|(path, _)| Segment::open(path)).collect::<Result<Vec<_>, _>>()?))?;
    timed("leaves and roots", events, bytes, || {
        for (segment, (_, sealed)) in segments.iter().zip(&paths) {
            assert_eq!(segment.root()?, sealed.root);
        }
        Ok(())
    })?;
    for (what, column, value, limit) in [
        ("one identity, newest 100", "identity", "service-007", 100),
        ("one identity, all", "identity", "service-007", usize::MAX),
        ("one that is not there", "identity", "nobody", 100),
        ("one resource, all", "resource", "023757", usize::MAX),
    ] {
        let predicate = Predicate::text(column, value).ok_or("no such column")?;
        let wanted = Wanted { either: vec![vec![predicate]], order: Order::Newest, limit, ..Wanted::default() };
        timed(what, events, bytes, || {
            let (mut found, mut groups) = (0, 0);
            for segment in segments.iter().rev() {
                let part = segment.find(&Wanted { limit: limit - found, ..wanted.clone() })?;
                found += part.records.len();
                groups += part.groups_read;
                if found >= limit {
                    break;
                }
            }
            println!("  {found} events, {groups} row groups read");
            Ok(())
        })?;
    }
    Ok(())
}

/// Compressed bytes of an event, by column, the greatest first; what filters take; what is left for pages' indexes and the footer.
fn by_column(path: &Path) -> Result<(), Box<dyn Error>> {
    let metadata = ArrowReaderMetadata::load(&File::open(path)?, ArrowReaderOptions::default())?;
    let (mut sizes, mut filters) = (BTreeMap::new(), 0);
    for chunk in metadata.metadata().row_groups().iter().flat_map(|group| group.columns()) {
        *sizes.entry(chunk.column_path().string()).or_insert(0) += chunk.compressed_size();
        filters += i64::from(chunk.bloom_filter_length().unwrap_or(0));
    }
    let events = Segment::open(path)?.events() as f64;
    let all = fs::metadata(path)?.len() as f64;
    let columns: i64 = sizes.values().sum();
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    for (name, bytes) in sizes.iter().take(40) {
        println!("  {:>6.2} {name}", *bytes as f64 / events);
    }
    println!("  {:>6.2} all {} columns", columns as f64 / events, sizes.len());
    println!("  {:>6.2} bloom filters", filters as f64 / events);
    println!("  {:>6.2} indexes and footer", (all - (columns + filters) as f64) / events);
    Ok(())
}
