//! What is asked is answered from all there is, each event once.

use crate::log::{Log, asked, asked_by_the_gate, rows, said, tail};
use parquet::file::{metadata::ParquetMetaDataReader, properties::WriterProperties};
use serde_json::json;
use std::{fs, io::Write as _};

const COUNTS: &str = "SELECT count(*) AS n, count(DISTINCT seq) AS seqs, min(seq) AS first, max(seq) AS last FROM events";

#[test]
fn segments_and_tail_are_one_table() {
    let log = Log::new("edge-1");
    log.seal(1..101);
    log.seal(101..151);
    log.append(151..171);
    assert_eq!(log.ask(COUNTS), json!([{ "n": 170, "seqs": 170, "first": 1, "last": 170 }]));
    let refused =
        "SELECT identity_name, count(*) AS n FROM events WHERE response = 'block' GROUP BY identity_name ORDER BY n DESC, identity_name";
    let expected = json!([
        { "identity_name": "ci-deploy", "n": 3 }, { "identity_name": "crawler", "n": 3 }, { "identity_name": "ledger-sync", "n": 3 },
        { "identity_name": "partner-acme", "n": 3 }, { "identity_name": "reports", "n": 3 },
    ]);
    assert_eq!(log.ask(refused), expected);
    let newest = log.ask("SELECT seq, time, request_id FROM events ORDER BY seq DESC LIMIT 1");
    assert_eq!(newest, json!([{ "seq": 170, "time": "2026-09-21T14:14:02.500Z", "request_id": "0197c5b2-6e0a-7c3d-9b1f-0000000000aa" }]));
}

#[test]
fn what_is_sealed_and_not_yet_gone_from_the_tail_counts_once() {
    let log = Log::new("edge-1");
    log.seal(1..101);
    log.seal(101..151);
    log.append(101..151);
    log.append(151..171);
    assert_eq!(log.ask(COUNTS), json!([{ "n": 170, "seqs": 170, "first": 1, "last": 170 }]));
    // A tail that goes on behind what is sealed of it.
    let log = Log::new("edge-1");
    log.seal(1..101);
    log.append(1..121);
    assert_eq!(log.ask(COUNTS), json!([{ "n": 120, "seqs": 120, "first": 1, "last": 120 }]));
}

#[test]
fn lists_and_personal_columns_are_there() {
    let log = Log::new("edge-1");
    log.seal(1..45);
    log.append(45..89);
    let lists = "SELECT seq, reasons FROM events WHERE array_has(reasons, 'source.new') ORDER BY seq";
    let reasons = json!(["reserve.rate_exceeded", "source.new"]);
    assert_eq!(log.ask(lists), json!([22, 44, 66, 88].map(|seq| json!({ "seq": seq, "reasons": reasons }))));
    let unnested = "SELECT reason, count(*) AS n FROM (SELECT unnest(reasons) AS reason FROM events) GROUP BY reason ORDER BY n DESC";
    assert_eq!(log.ask(unnested)[0], json!({ "reason": "rule.permitted", "n": 80 }));
    let source = "SELECT source, count(DISTINCT identity) AS who FROM events WHERE source = '192.0.2.3' GROUP BY source";
    assert_eq!(log.ask(source), json!([{ "source": "192.0.2.3", "who": 5 }]));
}

#[test]
fn several_edges_are_asked_at_once() {
    let (one, two) = (Log::new("edge-1"), Log::new("edge-2"));
    one.seal(1..51);
    one.append(51..61);
    two.append(1..31);
    let answer = asked(&[one.path(), two.path()], "SELECT edge, count(*) AS n FROM events GROUP BY edge ORDER BY edge", &[]);
    assert_eq!(rows(&answer), json!([{ "edge": "edge-1", "n": 60 }, { "edge": "edge-2", "n": 30 }]));
}

/// What `wardgate` asks for its management API, in its words (`wardgate::query`): what it reads of the answer is there.
#[test]
fn the_gate_is_answered_with_a_document() {
    let log = Log::new("edge-1");
    log.seal(1..51);
    log.append(51..61);
    let answer = asked_by_the_gate(log.path(), "SELECT seq, time, identity_name, reasons, duration_us FROM events ORDER BY seq DESC", 7);
    let document = rows(&answer);
    assert_eq!((&document["truncated"], &document["left_out"]), (&json!(true), &json!([])), "{}", said(&answer));
    let columns = [("seq", "integer"), ("time", "time"), ("identity_name", "text"), ("reasons", "list"), ("duration_us", "integer")];
    assert_eq!(document["columns"], json!(columns.map(|(name, kind)| json!({ "name": name, "type": kind }))));
    let seqs: Vec<&serde_json::Value> = document["rows"].as_array().unwrap().iter().map(|row| &row["seq"]).collect();
    assert_eq!(seqs, [60, 59, 58, 57, 56, 55, 54]);

    let counted = rows(&asked_by_the_gate(log.path(), COUNTS, 7));
    assert_eq!(counted["rows"], json!([{ "n": 60, "seqs": 60, "first": 1, "last": 60 }]));
    assert_eq!(counted["truncated"], false);
    let refused = asked_by_the_gate(log.path(), "DELETE FROM events", 7);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).lines().any(|line| line.starts_with("error: ")), "{}", said(&refused));
}

/// An event is counted once, however often its log is named.
#[test]
fn a_log_that_is_named_twice_is_one() {
    let log = Log::new("edge-1");
    log.seal(1..51);
    log.append(51..61);
    let place = tempfile::tempdir().unwrap();
    let other_name = place.path().join("audit");
    std::os::unix::fs::symlink(log.path(), &other_name).unwrap();
    let answer = asked(&[log.path(), &log.path().join("."), &other_name], "SELECT count(*) AS n FROM events", &[]);
    assert_eq!(rows(&answer), json!([{ "n": 60 }]));
}

#[test]
fn a_log_without_events_is_an_empty_table() {
    let log = Log::new("edge-1");
    assert_eq!(log.ask("SELECT count(*) AS n FROM events"), json!([{ "n": 0 }]));
    assert_eq!(log.ask("SELECT seq FROM events"), json!([]));
    fs::remove_dir(log.path().join("segments")).unwrap();
    assert_eq!(log.ask("SELECT count(*) AS n FROM events"), json!([{ "n": 0 }]));
}

#[test]
fn only_one_table_is_there_and_it_describes_itself() {
    let log = Log::new("edge-1");
    log.append(1..3);
    let tables = log.ask("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
    assert_eq!(tables, json!([{ "table_name": "events" }]));
    let described = log.ask("DESCRIBE events");
    assert_eq!(described.as_array().unwrap().len(), wardgate_audit::columns::COUNT);
    assert_eq!(described[0]["column_name"], "seq");
    for other in ["SELECT * FROM '/etc/passwd'", "SELECT * FROM read_parquet('a.parquet')", "SELECT * FROM \"tail-000000000001.wgl\""] {
        let answer = log.asked(other, &[]);
        assert_eq!(answer.status.code(), Some(2), "{other}: {}", said(&answer));
    }
}

#[test]
fn row_groups_that_cannot_answer_are_not_read() {
    let log = Log::new("edge-1");
    log.seal(1..30_001);
    for (sql, left) in [
        ("SELECT path FROM events WHERE seq = 20000", 1),
        ("SELECT path FROM events WHERE time < TIMESTAMP '2026-09-21T14:20:00Z'", 1),
        ("SELECT path FROM events WHERE request_id = '0197c5b2-6e0a-7c3d-9b1f-fffffffffff0'", 0),
        ("SELECT path FROM events WHERE identity = 'nobody'", 0),
    ] {
        let plan = log.ask(&format!("EXPLAIN ANALYZE {sql}")).to_string();
        let matched = |kind: &str| {
            plan.split(&format!("row_groups_pruned_{kind}=")).nth(1).and_then(|rest| rest.split(" matched").next()).map(str::to_owned)
        };
        let (statistics, bloom) = (matched("statistics").unwrap_or_default(), matched("bloom_filter").unwrap_or_default());
        let least = [&statistics, &bloom].iter().filter_map(|text| text.rsplit(' ').next()?.parse::<u32>().ok()).min();
        assert_eq!(least, Some(left), "{sql}: {plan}");
    }
}

#[test]
fn a_torn_end_is_not_there_yet() {
    let log = Log::new("edge-1");
    let whole = tail(1..11, "edge-1");
    let nine = tail(1..10, "edge-1").len();
    for length in [nine, nine + 1, nine + 20, whole.len() - 1] {
        fs::write(log.tail_path(1), &whole[..length]).unwrap();
        let answer = log.asked("SELECT count(*) AS n FROM events", &[]);
        assert_eq!((rows(&answer), &*said(&answer)), (json!([{ "n": 9 }]), ""), "{length}");
    }
    fs::write(log.tail_path(1), &whole[..9]).unwrap();
    assert_eq!(log.ask("SELECT count(*) AS n FROM events"), json!([{ "n": 0 }]));
}

#[test]
fn damage_in_a_tail_is_left_out_and_said() {
    let log = Log::new("edge-1");
    let mut bytes = tail(1..11, "edge-1");
    let second = tail(1..2, "edge-1").len();
    bytes[second..second + 4].copy_from_slice(&[0xff; 4]);
    fs::write(log.tail_path(1), bytes).unwrap();
    let answer = log.asked("SELECT count(*) AS n FROM events", &[]);
    assert_eq!(rows(&answer), json!([{ "n": 9 }]));
    assert!(said(&answer).starts_with("note: left out: 1 damaged place in `"), "{}", said(&answer));
}

/// What the log of segments names is held against what is there, and a file that cannot be decoded is told by its name.
#[test]
fn a_segment_that_is_gone_is_said_and_one_that_was_changed_is_named() {
    let log = Log::new("edge-1");
    for from in [1, 11, 21, 31] {
        log.seal(from..from + 10);
    }
    log.name(&[(1, 10), (11, 10), (21, 10), (31, 10)]);
    log.append(41..46);
    let count = || log.asked("SELECT count(*) AS n, max(path) AS path FROM events", &[]);
    let answer = count();
    assert_eq!((rows(&answer)[0]["n"].clone(), &*said(&answer)), (json!(45), ""));
    let whole = fs::read(log.segment_path(31)).unwrap();
    // The first columns of the only row group: the footer stays as it is.
    let mut bent = whole.clone();
    bent[4..400].iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::write(log.segment_path(31), bent).unwrap();
    let answer = log.asked("SELECT * FROM events", &[]);
    assert_eq!(answer.status.code(), Some(1));
    assert!(said(&answer).contains("events-000000000031.parquet` is not the file that was sealed ("), "{}", said(&answer));
    fs::write(log.segment_path(31), whole).unwrap();
    fs::remove_file(log.segment_path(11)).unwrap();
    fs::remove_file(log.segment_path(21)).unwrap();
    let answer = count();
    assert_eq!(rows(&answer)[0]["n"], json!(25));
    let path = log.path().display();
    assert_eq!(
        said(&answer),
        format!("note: left out: events 11\u{2013}30 of `{path}`: their files are gone; `wardgate audit verify` says more\n")
    );
    fs::write(log.path().join("log/checkpoint"), "nothing").unwrap();
    assert!(said(&count()).starts_with("note: whether events are missing is not known: "), "{}", said(&count()));
}

#[test]
fn a_newer_version_is_named_and_not_guessed_at() {
    let log = Log::new("edge-1");
    log.seal_as(1..11, "2");
    let answer = log.asked("SELECT count(*) AS n FROM events", &[]);
    assert_eq!(answer.status.code(), Some(1));
    assert!(said(&answer).ends_with("was written by a newer version: it has version `2`\n"), "{}", said(&answer));
    fs::remove_file(log.segment_path(1)).unwrap();
    fs::write(log.tail_path(1), b"wardgate-tail/2\nand more").unwrap();
    let answer = log.asked("SELECT count(*) AS n FROM events", &[]);
    assert_eq!(answer.status.code(), Some(1));
    assert!(said(&answer).ends_with("was written by a newer version: it is no tail of version 1\n"), "{}", said(&answer));
}

#[test]
fn what_is_no_segment_is_named() {
    let log = Log::new("edge-1");
    let refused = |expected: &str| {
        let answer = log.asked("SELECT count(*) AS n FROM events", &[]);
        assert_eq!(answer.status.code(), Some(1), "{}", said(&answer));
        assert!(said(&answer).contains(expected) && said(&answer).contains("events-000000000001.parquet"), "{}", said(&answer));
    };
    log.seal(1..11);
    let whole = fs::read(log.segment_path(1)).unwrap();
    fs::write(log.segment_path(1), &whole[..whole.len() - 9]).unwrap();
    refused("has no footer that can be read");
    fs::write(log.segment_path(1), b"").unwrap();
    refused("has no footer that can be read");
    fs::remove_file(log.segment_path(1)).unwrap();
    std::os::unix::fs::symlink("nowhere", log.segment_path(1)).unwrap();
    refused("was taken away meanwhile");
    fs::remove_file(log.segment_path(1)).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(log.segment_path(1)).status().unwrap().success());
    refused("it is no plain file");
    fs::remove_file(log.segment_path(1)).unwrap();
    foreign(&log);
    refused("is no segment of an event log");
}

/// Writes Parquet of somebody else where a segment would be.
fn foreign(log: &Log) {
    let schema = parquet::schema::parser::parse_message_type("message m { optional int64 seq; }").unwrap();
    let mut bytes = Vec::new();
    let writer =
        parquet::file::writer::SerializedFileWriter::new(&mut bytes, schema.into(), WriterProperties::builder().build().into()).unwrap();
    writer.close().unwrap();
    ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::from(bytes.clone())).unwrap();
    fs::File::create(log.segment_path(1)).unwrap().write_all(&bytes).unwrap();
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let answer = asked(&["/nowhere/at/all".as_ref()], "SELECT 1", &[]);
    assert_eq!(answer.status.code(), Some(2));
    assert_eq!(said(&answer), "error: `/nowhere/at/all` is no directory of an event log\n");
}

#[test]
fn wrong_questions_say_what_is_wrong() {
    let log = Log::new("edge-1");
    log.append(1..3);
    for (sql, expected) in [
        ("SELECT nothing FROM events", "nothing"),
        ("SELECT * FROM other", "other"),
        ("SELECT no_such_function(seq) FROM events", "no_such_function"),
        ("SELECT sum(edge) FROM events", "sum"),
        ("DELETE FROM events", "only SELECT"),
    ] {
        let answer = log.asked(sql, &[]);
        assert_eq!(answer.status.code(), Some(2), "{sql}: {}", said(&answer));
        assert!(
            said(&answer).starts_with("error: ") && said(&answer).contains(expected) && said(&answer).lines().count() == 1,
            "{sql}: {}",
            said(&answer)
        );
    }
    let failed = log.asked("SELECT 1 / (seq - seq) FROM events", &[]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(said(&failed).to_lowercase().contains("divide by zero"), "{}", said(&failed));
}
