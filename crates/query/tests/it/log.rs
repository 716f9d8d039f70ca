//! A log to ask: events that were never recorded, in the files that a log has.

use parquet::{
    arrow::ArrowWriter,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use serde_json::{Map, Value, json};
use std::{
    fs::{self, File},
    io::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;
use wardgate_audit::{
    canonical::{self, Personal, Record},
    columns,
    event_v1::EventV1,
    note::Checkpoint,
    segment::{self, entry::Entry},
    tree::{Frontier, Hash, leaf},
};

/// What hides personal columns here.
const SALT: [u8; canonical::SALT_BYTES] = [7; canonical::SALT_BYTES];
/// Events begin then: 2026-09-21T14:13:20Z.
const BEGIN_US: i64 = 1_790_000_000_000_000;

/// The directory of a log.
pub(crate) struct Log {
    directory: TempDir,
    edge: &'static str,
}

impl Log {
    pub(crate) fn new(edge: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("segments")).unwrap();
        fs::write(directory.path().join("events.lock"), "").unwrap();
        Self { directory, edge }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn segment_path(&self, first: u64) -> PathBuf {
        self.path().join(format!("segments/events-{first:012}.parquet"))
    }

    pub(crate) fn tail_path(&self, first: u64) -> PathBuf {
        self.path().join(format!("tail-{first:012}.wgl"))
    }

    /// Writes a sealed segment.
    pub(crate) fn seal(&self, seqs: Range<u64>) {
        let records = Records::of(seqs.clone(), self.edge);
        segment::write(&self.segment_path(seqs.start), self.edge, seqs.start, records.iter()).unwrap();
    }

    /// Writes what looks like a sealed segment but for the version that its footer says.
    pub(crate) fn seal_as(&self, seqs: Range<u64>, version: &str) {
        let batch = segment::batch(Records::of(seqs, self.edge).iter()).unwrap();
        let pairs = vec![KeyValue::new("wardgate.version".to_owned(), version.to_owned())];
        let properties = WriterProperties::builder().set_key_value_metadata(Some(pairs)).build();
        let file = File::create(self.segment_path(1)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Writes a tail.
    pub(crate) fn append(&self, seqs: Range<u64>) {
        fs::write(self.tail_path(seqs.start), tail(seqs, self.edge)).unwrap();
    }

    /// Writes the log of segments, which names these: the number of the first event and how many they are. Nobody signs it.
    pub(crate) fn name(&self, segments: &[(u64, u64)]) {
        let (mut tree, mut hashes, mut entries) = (Frontier::default(), Vec::new(), Vec::new());
        for (first_seq, events) in segments.iter().copied() {
            let file = sha256(&fs::read(self.segment_path(first_seq)).unwrap());
            let edge = self.edge.to_owned();
            let entry = Entry::Segment { edge, first_seq, events, from_us: BEGIN_US, to_us: BEGIN_US, root: file, file }.to_string();
            let leaf = leaf(entry.as_bytes());
            tree.append(leaf);
            hashes.extend(leaf.0);
            entries.extend(u16::try_from(entry.len()).unwrap().to_be_bytes());
            entries.extend(entry.as_bytes());
        }
        let size = u64::try_from(segments.len()).unwrap();
        let origin = format!("wardgate/{}", self.edge);
        let checkpoint = Checkpoint { origin: origin.clone(), size, root: tree.root(), extension: Vec::new() };
        let folder = self.path().join("log");
        let unsigned = "A".repeat(91);
        for (name, bytes) in [
            ("checkpoint".to_owned(), format!("{checkpoint}\n\u{2014} {origin} {unsigned}=\n").into_bytes()),
            (format!("tile/0/000.p/{size}"), hashes),
            (format!("tile/entries/000.p/{size}"), entries),
        ] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// Asks about this log alone, in JSON.
    pub(crate) fn ask(&self, sql: &str) -> Value {
        rows(&self.asked(sql, &[]))
    }

    /// Asks about this log alone.
    pub(crate) fn asked(&self, sql: &str, more: &[&str]) -> Output {
        asked(&[self.path()], sql, more)
    }
}

/// Asks about some logs.
pub(crate) fn asked(directories: &[&Path], sql: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-query"));
    for directory in directories {
        command.arg("--directory").arg(directory);
    }
    if !more.contains(&"--output") {
        command.args(["--output", "json"]);
    }
    command.args(more).arg("--").arg(sql).output().unwrap()
}

/// Asks as `wardgate` does for its management API: in its words and in their order, the question over standard input, without an environment.
pub(crate) fn asked_by_the_gate(directory: &Path, sql: &str, rows: u32) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wardgate-query"))
        .arg("--directory")
        .arg(directory)
        .args(["--output", "document", "--seconds", "30", "--memory-mib", "512"])
        .args(["--rows", &rows.to_string(), "-"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse before it has read all.
    drop(child.stdin.take().unwrap().write_all(sql.as_bytes()));
    child.wait_with_output().unwrap()
}

/// The rows of an answer that must be one.
pub(crate) fn rows(output: &Output) -> Value {
    assert!(output.status.success(), "{}: {}", output.status, said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What was said beside the answer.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Records as they are written.
struct Records(Vec<[Vec<u8>; 2]>);

impl Records {
    fn of(seqs: Range<u64>, edge: &str) -> Self {
        let parts = |seq| {
            let event = event(seq, edge);
            let row = columns::row(&event);
            [false, true].map(|personal| {
                let mut part = Vec::new();
                canonical::encode(&row, personal, &mut part);
                part
            })
        };
        Self(seqs.map(parts).collect())
    }

    fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.0.iter().map(|[public, personal]| Record {
            public,
            personal: if personal.is_empty() { Personal::Nothing } else { Personal::Clear { salt: SALT, bytes: personal } },
        })
    }
}

/// The bytes of a tail, as the documentation of `wardgate_audit::hot` says.
pub(crate) fn tail(seqs: Range<u64>, edge: &str) -> Vec<u8> {
    let mut bytes = b"wardgate-tail/1\n".to_vec();
    for record in Records::of(seqs, edge).iter() {
        let mut body = Vec::new();
        match record.personal {
            Personal::Clear { salt, bytes } => {
                body.extend_from_slice(&length(bytes));
                body.extend_from_slice(&salt);
                body.extend_from_slice(bytes);
            }
            Personal::Nothing | Personal::Erased(_) => body.extend_from_slice(&[0; 4]),
        }
        body.extend_from_slice(record.public);
        bytes.extend_from_slice(&length(&body));
        bytes.extend_from_slice(&record.leaf().0[..4]);
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&length(&body));
    }
    bytes
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap().to_be_bytes()
}

/// The event of a number: mostly requests, some refused, one change in a hundred.
pub(crate) fn event(seq: u64, edge: &str) -> EventV1<'static> {
    let time_us = BEGIN_US + i64::try_from(seq).unwrap() * 250_000;
    let mut event = json!({ "v": 1, "seq": seq, "id": format!("{edge}:{seq}"), "time_us": time_us, "edge": edge, "kind": "request" });
    let members = if seq.is_multiple_of(100) { change(seq) } else { request(seq) };
    event.as_object_mut().unwrap().extend(members);
    serde_json::from_value(event).unwrap()
}

fn change(seq: u64) -> Map<String, Value> {
    let change = json!({ "actor": "alice", "what": "revoke", "kind": "credential", "name": format!("key-{}", seq % 7), "reason": "leaked, \"perhaps\"" });
    Map::from_iter([("kind".to_owned(), json!("change")), ("change".to_owned(), change)])
}

fn request(seq: u64) -> Map<String, Value> {
    let name = ["ledger-sync", "reports", "ci-deploy", "partner-acme", "crawler"][usize::try_from(seq % 5).unwrap()];
    let refused = seq.is_multiple_of(11);
    let code = if refused { "reserve.rate_exceeded" } else { "rule.permitted" };
    let ruling = json!({
        "response": if refused { "block" } else { "allow" }, "enforced": true, "code": code, "policies": [format!("grant:{name}")],
        "reasons": if seq.is_multiple_of(22) { json!([code, "source.new"]) } else { json!([code]) }, "risk": seq % 40,
    });
    let mut event = json!({
        "request_id": format!("0197c5b2-6e0a-7c3d-9b1f-{seq:012x}"), "door": "http",
        "identity": { "id": format!("id-{name}"), "name": name, "type": "service_account", "owner": "payments", "environment": "production" },
        "credential": { "id": format!("cred-{}", seq % 13), "type": "api_key", "bound": false },
        "source": { "address": format!("192.0.2.{}", seq % 17), "user_agent": "tool/1.0" },
        "api": { "name": if seq.is_multiple_of(3) { "ledger" } else { "orders" }, "sensitivity": "high" },
        "operation": "ledger GET /ledger/entries/{id}", "class": "read", "method": "GET", "path": format!("/ledger/entries/{}", seq % 97),
        "resource": format!("{}", seq % 97), "ruling": ruling, "ending": "complete", "duration_us": 900 + seq % 1000,
        "client_status": if refused { 429 } else { 200 },
    });
    if !refused {
        event["upstream"] = json!({ "name": "http://127.0.0.1:9000", "status": 200, "latency_us": 700, "bytes_in": 0, "bytes_out": seq % 4096, "records": 1 });
    }
    event.as_object().unwrap().clone()
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let text = std::str::from_utf8(&output).unwrap();
    Hash(std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()))
}
