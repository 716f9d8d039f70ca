//! What a sealed segment takes and how fast it is: bytes of an event by column, rows a second of sealing, reading, finding and verifying.
//!
//! `cargo run --profile bench -p wardgate-audit --example segments -- [EVENTS]`, and `--keep DIRECTORY` to leave the files there.

#![expect(clippy::print_stdout, reason = "a measurement tells what it found")]

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    error::Error,
    fs::{self, File},
    path::{Path, PathBuf},
    time::Instant,
};
use wardgate_audit::{
    canonical::{self, Personal, Record},
    columns,
    event_v1::{ApiV1, CredentialV1, EventV1, IdentityV1, Kind, ProofV1, PurposeV1, RequestV1, RulingV1, SourceV1, UpstreamV1},
    segment::{
        self, Segment, SegmentName,
        find::{Order, Predicate, Wanted},
    },
};

/// Events of one segment, as they are sealed.
const SEGMENT: u64 = 131_072;
const EDGE: &str = "edge-1";

/// Numbers that look random and are the same at each run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Few are asked for much, as it is in life.
    fn skewed(&mut self, bound: u64) -> u64 {
        let (a, b) = (self.below(bound), self.below(bound));
        a * b / bound
    }
}

fn event(numbers: &mut Numbers, seq: u64, now_us: &mut i64, trace: &mut (u64, u64)) -> EventV1<'static> {
    *now_us += i64::try_from(numbers.below(2000)).unwrap_or(0);
    // A third of all requests are calls of a trace that is there already.
    if numbers.below(3) > 0 {
        *trace = (numbers.next(), numbers.next());
    }
    let who = numbers.skewed(200);
    let api = who * 7 % 20;
    let resource = numbers.skewed(300);
    let operation = numbers.skewed(6);
    let allowed = numbers.below(50) > 0;
    let latency = 800 + numbers.skewed(40_000);
    let text = |text: String| Some(Cow::<'static, str>::Owned(text));
    let method = if operation == 0 { "POST" } else { "GET" };
    EventV1 {
        kind: Kind::Request,
        time_us: *now_us,
        seq,
        edge: EDGE.into(),
        request_id: text(request_id(numbers, *now_us)),
        trace_id: text(format!("{:016x}{:016x}", trace.0, trace.1)),
        door: Some("public".into()),
        identity: Some(IdentityV1 {
            id: format!("service-{who:03}").into(),
            name: text(format!("service-{who:03}")),
            kind: Some("service_account".into()),
            owner: text(format!("team-{}", who % 30)),
            team: text(format!("squad-{}", who % 12)),
            environment: Some("production".into()),
            quality: Some(u8::try_from(60 + who % 40).unwrap_or(60)),
        }),
        credential: Some(CredentialV1 { id: format!("aB3dE5g{who:05}").into(), kind: Some("api_key".into()), bound: Some(false) }),
        proof: Some(ProofV1 {
            kind: "api_key".into(),
            bound: false,
            age_s: *now_us / 1_000_000 - 1_789_000_000 + i64::try_from(who).unwrap_or(0) * 977,
        }),
        lane: Some("machine".into()),
        grant: text(format!("service-{who:03}-uses-api-{api}")),
        purpose: Some(PurposeV1 { value: format!("purpose-{}", who % 9).into(), basis: "registered".into() }),
        source: Some(SourceV1 {
            address: text(format!("10.{}.{}.{}", who % 4, who, 10 + numbers.below(4))),
            zone: Some("data-platform".into()),
            user_agent: text(format!("service-{who:03}/2.{}", who % 5)),
            ..SourceV1::default()
        }),
        request: Some(RequestV1 {
            host: text(format!("api-{api}.example")),
            content_type: Some("application/json".into()),
            length: Some(0),
            query: None,
        }),
        api: Some(ApiV1 {
            name: format!("api-{api}").into(),
            owner: text(format!("team-{}", api % 7)),
            business_function: text(format!("function-{}", api % 5)),
            sensitivity: Some("high".into()),
        }),
        operation: text(format!("api-{api} {method} /v1/things-{operation}/{{id}}")),
        class: Some(if operation == 0 { "write" } else { "read" }.into()),
        method: Some(method.into()),
        path: text(format!("/v1/things-{operation}/{:06}", resource * 7919)),
        resource: text(format!("{:06}", resource * 7919)),
        ruling: Some(RulingV1 {
            response: if allowed { "allow" } else { "block" }.into(),
            enforced: true,
            code: if allowed { "rule.allowed" } else { "rule.no_grant" }.into(),
            reasons: vec![if allowed { "rule.allowed" } else { "rule.no_grant" }.into()],
            policies: if allowed { vec![format!("grant:service-{who:03}-uses-api-{api}").into()] } else { Vec::new() },
            risk: 0,
            ..RulingV1::default()
        }),
        ending: Some("complete".into()),
        duration_us: Some(latency + 120 + numbers.below(200)),
        client_status: Some(if allowed { 200 } else { 403 }),
        upstream: allowed.then(|| UpstreamV1 {
            name: format!("http://10.0.0.{api}:8080").into(),
            status: Some(200),
            latency_us: latency,
            bytes_in: 0,
            bytes_out: 300 + numbers.skewed(9000),
            records: Some(numbers.skewed(50)),
        }),
        snapshot: Some(3 + seq / 200_000),
        judge_order: Some(seq + numbers.below(3)),
        ..empty()
    }
}

/// Version 7: 48 bits of time in milliseconds, and random bits.
fn request_id(numbers: &mut Numbers, now_us: i64) -> String {
    let (ms, random, more) = (now_us / 1000, numbers.below(1 << 12), numbers.next());
    let (high, low) = (ms >> 16, ms & 0xffff);
    format!("{high:08x}-{low:04x}-7{random:03x}-{:04x}-{:012x}", 0x8000 | (more >> 50), more & 0xffff_ffff_ffff)
}

fn empty() -> EventV1<'static> {
    columns::event([const { None }; columns::COUNT]).unwrap_or_else(|_| unreachable!())
}

/// The bytes of records: what is public, what is not, and the salt.
fn records(numbers: &mut Numbers, first_seq: u64, count: u64, now_us: &mut i64) -> Vec<(Vec<u8>, Vec<u8>, [u8; 16])> {
    let mut trace = (0, 0);
    (first_seq..first_seq + count)
        .map(|seq| {
            let event = event(numbers, seq, now_us, &mut trace);
            let row = columns::row(&event);
            let (mut public, mut personal) = (Vec::new(), Vec::new());
            canonical::encode(&row, false, &mut public);
            canonical::encode(&row, true, &mut personal);
            let salt = (u128::from(numbers.next()) << 64 | u128::from(numbers.next())).to_be_bytes();
            (public, personal, salt)
        })
        .collect()
}

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
