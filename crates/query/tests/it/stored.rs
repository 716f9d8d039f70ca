//! Segments that lie in an object store are asked where they lie.

use crate::log::{Log, rows, said, sha256};
use serde_json::json;
use std::{
    fs,
    process::{Command, Output},
};
use wardgate_audit::{
    store::{Addressing, Bucket, Credentials, Store, Stub},
    web::Web,
};
use wardgate_model::{secret::Secret, time::Time};

// No dependency on the crate that it is at home in: what that stands on would be built once more for this one.
#[expect(unreachable_pub, dead_code, reason = "it is public, and used, where it is at home")]
#[path = "../../../testkit/src/bucket.rs"]
mod server;

const BUCKET: &str = "evidence";
const COUNTS: &str = "SELECT count(*) AS n, count(DISTINCT seq) AS seqs, min(seq) AS first, max(seq) AS last FROM events";

fn store(endpoint: &str) -> Store {
    let bucket = Bucket {
        endpoint: endpoint.parse().unwrap(),
        name: BUCKET.to_owned(),
        region: "eu-central-1".to_owned(),
        addressing: Addressing::Path,
        prefix: String::new(),
    };
    let credentials =
        Credentials { access_key: "AKIDEXAMPLE".to_owned(), secret_key: Secret::new("s3cret".to_owned()), session_token: None };
    Store { bucket, credentials, web: Web::new(None).unwrap(), clock: || Time::from_seconds(1_790_000_000) }
}

/// Moves a segment into the store.
fn moved(log: &Log, store: &Store, first: u64) -> Stub {
    let path = log.segment_path(first);
    let bytes = fs::read(&path).unwrap();
    let stub = store.put(&store.stub(first, sha256(&bytes), bytes.len() as u64), &bytes).unwrap();
    stub.write(&Stub::path(&path)).unwrap();
    fs::remove_file(path).unwrap();
    stub
}

fn ask(log: &Log, sql: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-query"));
    command.env_clear().envs(environment.iter().copied()).arg("--directory").arg(log.path());
    command.args(["--output", "json", sql]).output().unwrap()
}

#[test]
fn a_segment_in_a_store_is_one_of_the_table_and_what_is_done_to_it_is_told() {
    let log = Log::new("edge-1");
    log.seal(1..101);
    log.seal(101..151);
    log.append(151..171);
    let objects = server::Objects::start(0, BUCKET).unwrap();
    let store = store(&objects.endpoint());
    let stub = moved(&log, &store, 1);
    let endpoint = objects.endpoint();
    let unnamed = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "s3cret")];
    let key = [&unnamed[..], &[("AWS_ENDPOINT_URL_S3", endpoint.as_str())]].concat();
    let elsewhere = [&unnamed[..], &[("AWS_ENDPOINT_URL_S3", "https://s3.example.com")]].concat();
    let all = json!([{ "n": 170, "seqs": 170, "first": 1, "last": 170 }]);
    assert_eq!(rows(&ask(&log, COUNTS, &key)), all);
    assert_eq!(rows(&ask(&log, "SELECT seq FROM events WHERE seq IN (7, 120) ORDER BY seq", &key)), json!([{ "seq": 7 }, { "seq": 120 }]));
    // Nobody gave a key, or one for another store, or one without saying for which.
    for (environment, why) in
        [(Vec::new(), "nobody gave"), (elsewhere, "AWS_ENDPOINT_URL_S3"), (unnamed.to_vec(), "set AWS_ENDPOINT_URL_S3")]
    {
        let output = ask(&log, COUNTS, &environment);
        assert_eq!(output.status.code(), Some(1));
        let told = said(&output);
        assert!(told.contains(&stub.object()) && told.contains(why), "{told}");
    }
    let mut bytes = objects.get(BUCKET, &stub.key).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    objects.put(BUCKET, &stub.key, &bytes).unwrap();
    let output = ask(&log, COUNTS, &key);
    let told = said(&output);
    assert!(output.status.code() == Some(1) && told.contains(&stub.object()) && told.contains("was changed"), "{told}");
    objects.delete(BUCKET, &stub.key).unwrap();
    let told = said(&ask(&log, COUNTS, &key));
    assert!(told.contains("events-000000000001.parquet") && told.contains("is not there"), "{told}");
    drop(objects);
    let told = said(&ask(&log, COUNTS, &key));
    assert!(told.contains(&stub.object()) && told.contains("cannot be reached"), "{told}");
}
