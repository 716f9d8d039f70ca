//! Against a server that speaks like S3.

use super::{Addressing, Bucket, Credentials, NoBucket, Store, StoreError, Stub, allow, code, is_amazon};
use crate::{
    hot,
    segment::{
        self, Segment, SegmentError,
        find::Wanted,
        hash_of,
        tests::{frames, plausible},
    },
    web::Web,
};
use std::{fs, path::Path};
use wardgate_model::{secret::Secret, time::Time};

// What stands beside the tests of crates above this one, too.
#[expect(unreachable_pub, reason = "it is public where it is at home")]
#[path = "../../../testkit/src/bucket.rs"]
mod server;

pub(crate) use server::Objects;

pub(crate) const BUCKET: &str = "evidence";

pub(crate) fn objects() -> Objects {
    Objects::start(0, BUCKET).expect("a server")
}

pub(crate) fn store(endpoint: &str) -> Store {
    let bucket = Bucket {
        endpoint: endpoint.parse().expect("a place"),
        name: BUCKET.to_owned(),
        region: "eu-central-1".to_owned(),
        addressing: Addressing::Path,
        prefix: "gate-1/".to_owned(),
    };
    bucket.check().expect("a bucket");
    let credentials =
        Credentials { access_key: "AKIDEXAMPLE".to_owned(), secret_key: Secret::new("s3cret".to_owned()), session_token: None };
    Store { bucket, credentials, web: Web::new(None).expect("a client"), clock: || Time::from_seconds(1_790_000_000) }
}

fn put(store: &Store, bytes: &[u8]) -> Stub {
    let length = u64::try_from(bytes.len()).unwrap();
    store.put(&store.stub(1, hash_of(bytes), length), bytes).expect("put")
}

#[test]
fn what_was_put_is_there_and_what_is_another_is_told() {
    let (objects, bytes) = (objects(), b"the bytes of a segment".as_slice());
    let store = store(&objects.endpoint());
    let stub = put(&store, bytes);
    assert_eq!(objects.names(BUCKET).expect("listed"), [stub.key.as_str()]);
    assert!(stub.key.starts_with("gate-1/events-000000000001-") && stub.etag.is_some());
    assert_eq!(store.whole(&stub).expect("read"), bytes);
    assert_eq!(store.range(&stub, &(4..9)).expect("read"), b"bytes");
    store.check(&stub).expect("there");
    // The same length, other bytes.
    objects.put(BUCKET, &stub.key, b"the bytes of a segmenT").expect("put");
    assert!(matches!(store.check(&stub), Err(StoreError::Changed { .. })));
    assert!(matches!(store.range(&stub, &(4..9)), Err(StoreError::Changed { .. })));
    assert_eq!(store.whole(&stub).expect("whoever reads it whole hashes it"), b"the bytes of a segmenT");
    for other in [b"shorter".as_slice(), &[b'x'; 70_000]] {
        objects.put(BUCKET, &stub.key, other).expect("put");
        for told in [store.check(&stub).err(), store.whole(&stub).err(), store.range(&stub, &(4..9)).err()] {
            let told = told.expect("changed");
            assert!(told.is_damage() && told.to_string().contains(&stub.object()), "{told}");
        }
    }
    objects.delete(BUCKET, &stub.key).expect("deleted");
    assert!(matches!(store.check(&stub), Err(StoreError::Missing { .. })));
    assert!(matches!(store.range(&stub, &(4..9)), Err(StoreError::Missing { .. })));
    store.delete(&stub.key).expect("what is not there is gone");
    drop(objects);
    let away = store.whole(&stub).expect_err("away");
    assert!(matches!(away, StoreError::Away { .. }) && !away.is_damage() && away.to_string().contains(&stub.object()), "{away}");
    let elsewhere = Store { bucket: Bucket { name: "nowhere".to_owned(), ..store.bucket.clone() }, ..store.clone() };
    assert!(!format!("{elsewhere:?}").contains("s3cret"));
}

#[test]
fn a_bucket_that_is_not_there_is_no_missing_object() {
    let objects = objects();
    let store = store(&objects.endpoint());
    let elsewhere = Store { bucket: Bucket { name: "nowhere".to_owned(), ..store.bucket.clone() }, ..store };
    let told = elsewhere.whole(&elsewhere.stub(1, hash_of(b""), 4)).expect_err("no bucket");
    assert!(matches!(&told, StoreError::Refused { why, .. } if why.contains("NoSuchBucket")), "{told:?}");
}

/// A segment that lies in the store, with the stub in the place of its file.
fn stored(directory: &Path, store: &Store) -> (std::path::PathBuf, Stub, Segment) {
    let path = directory.join("events-000000000001.parquet");
    let bytes = frames((1..=20_000).map(plausible));
    segment::write(&path, "edge-1", 1, hot::Tail::read(&bytes).expect("a tail").frames().map(|frame| frame.record)).expect("sealed");
    let here = Segment::open(&path).expect("a segment");
    let stub = put(store, &fs::read(&path).expect("readable"));
    stub.write(&Stub::path(&path)).expect("written");
    fs::remove_file(&path).expect("removed");
    (path, stub, here)
}

#[test]
fn a_segment_is_read_where_it_lies() {
    let directory = tempfile::tempdir().expect("a directory");
    let objects = objects();
    let store = store(&objects.endpoint());
    let (path, stub, here) = stored(directory.path(), &store);
    let told = Segment::open(&path).expect_err("nobody gave a key");
    assert!(matches!(&told, SegmentError::Store { error: StoreError::NoKey { .. }, .. }), "{told}");
    allow(store);
    let there = Segment::open(&path).expect("a segment");
    assert_eq!((there.first_seq(), there.events(), there.said_root()), (here.first_seq(), here.events(), here.said_root()));
    assert_eq!(there.root().expect("read"), here.root().expect("read"));
    let wanted = Wanted { seq: 9_000..=9_004, ..Wanted::default() };
    assert_eq!(there.find(&wanted).expect("found"), here.find(&wanted).expect("found"));
    // Edited in the bucket, while it is read and before.
    let there = Segment::open(&path).expect("a segment");
    let mut bytes = objects.get(BUCKET, &stub.key).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    objects.put(BUCKET, &stub.key, &bytes).expect("put");
    for told in [there.leaves(0).err(), Segment::open(&path).err()] {
        let told = told.expect("changed").to_string();
        assert!(told.contains(&stub.object()) && told.contains("events-000000000001.parquet") && told.contains("changed"), "{told}");
    }
    objects.delete(BUCKET, &stub.key).expect("deleted");
    let told = Segment::open(&path).expect_err("gone").to_string();
    assert!(told.contains(&stub.object()) && told.contains("not there"), "{told}");
}

#[test]
fn a_stub_leads_nowhere_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("events-000000000001.parquet");
    let good = store("http://127.0.0.1:9").stub(1, hash_of(b"bytes"), 5);
    good.write(&Stub::path(&path)).expect("written");
    assert_eq!(Stub::beside(&path).expect("read"), Some(good.clone()));
    let text = fs::read_to_string(Stub::path(&path)).expect("read");
    assert!(!text.contains("s3cret") && !text.contains("AKIDEXAMPLE"));
    let key = good.key.as_str();
    for (part, other) in [
        ("http://127.0.0.1:9", "http://192.0.2.7"),
        ("http://127.0.0.1:9", "file:///etc"),
        ("\"evidence\"", "\"Evidence/..\""),
        (key, "../../secret"),
        (key, ""),
        (key, "a\\r\\nhost: b"),
        ("\"bytes\": 5", "\"bytes\": 99999999999"),
        ("\"bytes\": 5", "\"bytes\": -1"),
        ("wardgate-stored/1", "wardgate-stored/2"),
        ("\"bytes\"", "\"more\": 1, \"bytes\""),
    ] {
        let changed = text.replace(part, other);
        assert_ne!(changed, text, "{part}");
        fs::write(Stub::path(&path), changed).expect("written");
        let told = Stub::beside(&path).expect_err(other);
        assert!(matches!(told, StoreError::Stub { .. }), "{told}");
    }
    fs::write(Stub::path(&path), vec![b' '; 9_000]).expect("written");
    assert!(Stub::beside(&path).is_err());
    for cut in 0..text.len() - 2 {
        fs::write(Stub::path(&path), &text[..cut]).expect("written");
        assert!(Stub::beside(&path).is_err(), "{cut}");
    }
}

#[test]
fn a_key_of_the_environment_goes_to_amazon_or_where_it_says() {
    let is = |place: &str| is_amazon(&place.parse().expect("a place"));
    for place in ["https://s3.amazonaws.com", "https://s3.eu-central-1.amazonaws.com", "https://s3.dualstack.us-east-1.amazonaws.com"] {
        assert!(is(place), "{place}");
    }
    for place in [
        "http://127.0.0.1:9000",
        "https://s3.example.com",
        "https://amazonaws.com.example.com",
        "https://s3.eu-central-1.amazonaws.com.example.com",
        "https://s3amazonaws.com",
        "https://amazonaws.com",
        "https://s3.eu-central-1.amazonaws.com:9000",
        "https://s3.eu-central-1.amazonaws.com/path",
        "https://abc123.execute-api.us-east-1.amazonaws.com",
        "https://s3.execute-api.us-east-1.amazonaws.com",
        "https://s3.us-east-1.elb.amazonaws.com",
    ] {
        assert!(!is(place), "{place}");
    }
}

#[test]
fn a_place_is_kept_as_it_was_written() {
    for (written, base) in [
        ("https://h.example.com/a/", "https://h.example.com/a"),
        ("https://h.example.com/a", "https://h.example.com/a"),
        ("https://h.example.com:8443", "https://h.example.com:8443"),
    ] {
        let site: crate::web::Site = written.parse().expect("a place");
        assert_eq!((site.to_string().as_str(), site.base().as_str()), (written, base));
    }
    // A stub of before says the same of the same store.
    let store = store("http://127.0.0.1:9/a/");
    let stub = store.stub(1, hash_of(b"bytes"), 5);
    assert_eq!(stub.endpoint, "http://127.0.0.1:9/a");
    assert!(store.bucket.holds(&stub) && !super::tests::store("http://127.0.0.1:10/a").bucket.holds(&stub));
}

#[test]
fn what_a_bucket_may_be_called() {
    let bucket = store("http://127.0.0.1:9").bucket;
    for prefix in ["", "a/", "gate-1/segments/"] {
        Bucket { prefix: prefix.to_owned(), ..bucket.clone() }.check().expect(prefix);
    }
    for prefix in ["a", "/", "/a/", "a//b/", "../", "a/../b/", "a b/", "ä/"] {
        assert!(Bucket { prefix: prefix.to_owned(), ..bucket.clone() }.check().is_err(), "{prefix}");
    }
    for name in ["", "ab", "Evidence", "-evidence", "evi..dence", "evi/dence", "evi_dence"] {
        assert!(Bucket { name: name.to_owned(), ..bucket.clone() }.check().is_err(), "{name}");
    }
    for (endpoint, good) in [
        ("https://s3.example.com", true),
        ("https://192.0.2.7", false),
        ("https://[::1]:9000", false),
        ("http://127.0.0.1:9000", false),
        ("http://localhost:9000", false),
    ] {
        let host = Bucket { endpoint: endpoint.parse().expect("a place"), addressing: Addressing::Host, ..bucket.clone() };
        assert_eq!(host.check(), if good { Ok(()) } else { Err(NoBucket::Host) }, "{endpoint}");
    }
    assert_eq!(code(b"<Error><Code>NoSuchKey</Code></Error>").as_deref(), Some("NoSuchKey"));
    assert_eq!(code("<Code>\u{1b}[31m</Code>".as_bytes()), None);
}
