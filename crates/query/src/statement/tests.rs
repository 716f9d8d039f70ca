use super::parse;
use crate::bounds::{SQL_BYTES_MAX, SQL_TOKENS_MAX, STACK_BYTES};
use std::thread;

/// `query`, `other` (it reads, and is given whole), or what is wrong. On a stack as large as the program has it.
fn check(sql: &str) -> String {
    let sql = sql.to_owned();
    let parsing = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || check_here(&sql)).unwrap();
    parsing.join().unwrap()
}

fn check_here(sql: &str) -> String {
    match parse(sql, 512) {
        Ok(question) if question.is_query => "query".to_owned(),
        Ok(_) => "other".to_owned(),
        Err(fault) => {
            assert!(fault.is_invalid(), "{fault}");
            fault.to_string()
        }
    }
}

#[test]
fn what_reads_may_be_asked() {
    for sql in [
        "SELECT 1",
        "select * from events;",
        "WITH a AS (SELECT seq FROM events) SELECT * FROM a",
        "(SELECT 1) UNION ALL SELECT 2 INTERSECT SELECT 3",
        "VALUES (1), (2)",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n",
    ] {
        assert_eq!(check(sql), "query", "{sql}");
    }
    for sql in [
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN VERBOSE SELECT 1",
        "DESCRIBE events",
        "SHOW TABLES",
        "SHOW COLUMNS FROM events",
    ] {
        assert_eq!(check(sql), "other", "{sql}");
    }
}

#[test]
fn what_does_anything_else_may_not() {
    const MAY: &str = "only SELECT, WITH, EXPLAIN, DESCRIBE and SHOW TABLES can be asked, one at a time";
    for sql in [
        "",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE events",
        "INSERT INTO events SELECT * FROM events",
        "UPDATE events SET seq = 1",
        "DELETE FROM events",
        "TRUNCATE TABLE events",
        "DROP TABLE events",
        "DROP VIEW events",
        "CREATE TABLE a AS SELECT * FROM events",
        "CREATE VIEW a AS SELECT * FROM events",
        "CREATE EXTERNAL TABLE a STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE SCHEMA a",
        "CREATE FUNCTION f(INT) RETURNS INT RETURN $1",
        "COPY events TO '/tmp/out.parquet'",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "SHOW ALL",
        "SHOW datafusion.execution.batch_size",
        "SHOW FUNCTIONS",
        "EXPLAIN INSERT INTO events SELECT * FROM events",
        "EXPLAIN COPY events TO '/tmp/out.parquet'",
        "EXPLAIN ANALYZE CREATE TABLE a AS SELECT 1",
        "PREPARE a AS SELECT 1",
        "EXECUTE a",
        "DEALLOCATE a",
        "BEGIN",
        "COMMIT",
        "SELECT * INTO other FROM events",
        "WITH a AS (SELECT * INTO other FROM events) SELECT * FROM a",
        "USE other",
    ] {
        let said = check(sql);
        assert!(said == MAY || said.starts_with("sql parser error"), "{sql}: {said}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let said = check("SELEC 1");
    assert!(said.contains("Expected: an SQL statement, found: SELEC"), "{said}");
    let said = check("SELECT 'open");
    assert!(said.to_lowercase().contains("unterminated"), "{said}");
}

#[test]
fn long_and_deep_questions_are_refused() {
    let long = format!("SELECT '{}'", "x".repeat(SQL_BYTES_MAX));
    assert!(check(&long).ends_with("65536 at most"), "{}", check(&long));
    let many = format!("SELECT 1{}", "+1".repeat(SQL_TOKENS_MAX / 2));
    assert_eq!(check(&many), "the question has 8194 words and signs: 8192 at most");
    let deep = format!("SELECT {}1{}", "(".repeat(400), ")".repeat(400));
    assert!(check(&deep).to_lowercase().contains("recursion"), "{}", check(&deep));
    let nested = format!("{}SELECT 1{}", "SELECT * FROM (".repeat(200), ")".repeat(200));
    assert!(check(&nested).to_lowercase().contains("recursion"), "{}", check(&nested));
}
