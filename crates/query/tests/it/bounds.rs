//! Hostile questions end: by an answer or an error, within what they may take.

use crate::log::{Log, rows, said};
use std::process::Output;

fn log() -> Log {
    let log = Log::new("edge-1");
    log.seal(1..3001);
    log.append(3001..3101);
    log
}

/// Asks within a second and 64 MiB. However it ends, it is not by a signal.
fn hostile(log: &Log, sql: &str) -> (Option<i32>, String) {
    let answer = log.asked(sql, &["--seconds", "1", "--memory-mib", "64", "--threads", "2"]);
    assert!(answer.status.code().is_some(), "{sql:.100}: {}: {}", answer.status, said(&answer));
    (answer.status.code(), said(&answer))
}

const TIME: &str = "error: it takes longer than the 1 s that it may: ask for less, or allow more\n";

#[test]
fn endless_work_ends_in_time() {
    let log = log();
    for sql in [
        "SELECT sum(value) FROM generate_series(1, 1000000000000)",
        "SELECT sum(value) FROM range(1, 1000000000000) WHERE value % 3 = value % 5",
        "SELECT max(value) FROM generate_series(1, 1000000000000) ORDER BY 1 LIMIT 1",
    ] {
        assert_eq!(hostile(&log, sql), (Some(1), TIME.to_owned()), "{sql}");
    }
}

#[test]
fn what_takes_memory_or_time_without_end_ends_by_one_of_them() {
    let log = log();
    let memory = "error: it takes more than the 64 MiB of memory that it may";
    for sql in [
        "SELECT count(*) FROM events a CROSS JOIN events b CROSS JOIN events c CROSS JOIN events d WHERE a.seq + b.seq + c.seq < d.seq",
        "SELECT max(n) FROM (SELECT value, count(*) AS n FROM generate_series(1, 1000000000000) GROUP BY value)",
        "SELECT array_agg(a.path || b.path) FROM events a CROSS JOIN events b",
        "SELECT string_agg(a.path, ',') FROM events a CROSS JOIN events b",
        "SELECT count(DISTINCT a.seq * 100000 + b.seq) FROM events a CROSS JOIN events b",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT n.i + e.seq FROM n CROSS JOIN events e) SELECT count(*) FROM n",
        "SELECT seq, row_number() OVER (ORDER BY random()) FROM (SELECT a.seq FROM events a CROSS JOIN events b)",
        "SELECT repeat(repeat('x', 1000000), 1000) FROM events",
    ] {
        let (code, said) = hostile(&log, sql);
        assert_eq!(code, Some(1), "{sql}: {said}");
        assert!(said == TIME || said.starts_with(memory) || said.starts_with("error: the answer is larger"), "{sql}: {said}");
    }
}

#[test]
fn one_text_cannot_be_larger_than_memory() {
    let log = log();
    for sql in [
        "SELECT repeat('x', 9000000000000)",
        "SELECT length(repeat(repeat('x', 1000000), 2000))",
        "SELECT length(lpad('x', 2147483647))",
        "SELECT length(array_to_string(array_repeat('xxxxxxxxxx', 500000000), ','))",
        "SELECT cardinality(range(1, 1000000000000))",
    ] {
        let (code, said) = hostile(&log, sql);
        assert!(matches!(code, Some(1 | 2)) && said.starts_with("error: "), "{sql}: {code:?}: {said}");
    }
}

#[test]
fn expressions_of_patterns_are_no_bombs() {
    let log = log();
    let (code, said) = hostile(&log, "SELECT regexp_like(repeat('a', 1000), '((a{1,1000}){1,1000}){1,1000}')");
    assert!(code == Some(1) && (said == TIME || said.contains("size limit") || said.contains("CompiledTooBig")), "{code:?}: {said}");
    assert_eq!(log.ask("SELECT regexp_like(repeat('a', 1000) || 'b', '^(a+)+$') AS fits"), serde_json::json!([{ "fits": false }]));
}

#[test]
fn what_goes_deep_breaks_nothing() {
    let log = log();
    let chain = |with: &str, count: usize| vec![with; count].join(" ");
    for (sql, codes) in [
        (format!("SELECT {}1{}", "(".repeat(2000), ")".repeat(2000)), &[2][..]),
        (format!("SELECT {}1{}", "- ".repeat(4000), ""), &[2]),
        (format!("SELECT 1 {}", chain("+ 1", 4000)), &[0, 1, 2]),
        (format!("SELECT count(*) FROM events WHERE seq = 1 {}", chain("OR seq = 7", 2000)), &[0, 1, 2]),
        (format!("SELECT 1 {}", chain("UNION ALL SELECT 1", 1000)), &[0, 1, 2]),
        (format!("SELECT {}1{}", "abs(".repeat(30), ")".repeat(30)), &[0, 1]),
        (format!("SELECT count(*) FROM events WHERE seq IN (1{})", ", 2".repeat(4000)), &[0, 1]),
        (
            format!(
                "SELECT * FROM events e0 {}",
                (1..40).map(|n| format!("JOIN events e{n} ON e{n}.seq = e0.seq")).collect::<Vec<_>>().join(" ")
            ),
            &[0, 1, 2],
        ),
    ] {
        let (code, said) = hostile(&log, &sql);
        assert!(code.is_some_and(|code| codes.contains(&code)), "{sql:.60}: {code:?}: {said}");
    }
}

#[test]
fn rows_are_given_up_to_a_bound_and_it_is_said() {
    let log = log();
    let counted = |answer: &Output| rows(answer).as_array().unwrap().len();
    let answer = log.asked("SELECT a.seq FROM events a CROSS JOIN events b LIMIT 9223372036854775807", &[]);
    assert_eq!(counted(&answer), 10_000);
    assert_eq!(said(&answer), "note: there are more than 10000 rows; these are the first that were found\n");
    let answer = log.asked("SELECT seq FROM events ORDER BY seq", &["--rows", "3"]);
    assert_eq!(rows(&answer), serde_json::json!([{ "seq": 1 }, { "seq": 2 }, { "seq": 3 }]));
    let answer = log.asked("SELECT value FROM generate_series(1, 1000000000000)", &["--rows", "5"]);
    assert_eq!(counted(&answer), 5);
    let exactly = log.asked("SELECT seq FROM events WHERE seq <= 3", &["--rows", "3"]);
    assert_eq!((counted(&exactly), &*said(&exactly)), (3, ""));
}

#[test]
fn what_is_wrong_with_the_arguments_is_invalid() {
    let log = log();
    for more in [["--seconds", "0"], ["--memory-mib", "0"], ["--rows", "x"], ["--output", "xml"]] {
        assert_eq!(log.asked("SELECT 1", &more).status.code(), Some(2), "{more:?}");
    }
}
