//! Where evidence goes besides its directory.

use super::{SMALL, read, wrong};
use crate::config::{AccessKey, AnchorPlace, KeySource};
use insta::assert_snapshot;
use std::{path::Path, time::Duration};
use wardgate_audit::store::Addressing;

fn with(audit: &str) -> String {
    format!("{SMALL}audit:\n{audit}\n")
}

#[test]
fn anchors_are_files_and_urls() {
    let config =
        read(&with("  anchor: [{ file: /mnt/worm/checkpoints }, { url: https://anchor.example.com/gate-1, ca: file:ca.pem }]")).unwrap();
    let [AnchorPlace::File(file), AnchorPlace::Url { site, ca }] = &config.audit_outside.anchors[..] else { panic!("two anchors") };
    assert_eq!(file, Path::new("/mnt/worm/checkpoints"));
    assert_eq!((site.to_string().as_str(), ca.as_deref()), ("https://anchor.example.com/gate-1", Some(Path::new("gate/ca.pem"))));
    let said = wrong(&with(
        "  anchor:\n    - { file: a, url: https://a.example.com }\n    - {}\n    - { url: http://anchor.example.com }\n    - { url: \"https://user:hidden@anchor.example.com\" }\n    - { file: b, ca: file:c }\n    - { file: x }\n    - { file: x }\n    - { file: y }\n    - { file: z }",
    ));
    assert!(!said.contains("hidden"), "{said}");
    assert_snapshot!(said, @"
    gate/wardgate.yaml:4:5: error[config.value]: there are 9 anchors
      = name at most 8
    gate/wardgate.yaml:4:7: error[config.value]: `audit.anchor[0]` is no place for checkpoints
      = write `{ file: PATH }` or `{ url: https://HOST/PATH }`, each in a line of its own; `ca` belongs to `url`
    gate/wardgate.yaml:5:7: error[config.value]: `audit.anchor[1]` is no place for checkpoints
      = write `{ file: PATH }` or `{ url: https://HOST/PATH }`, each in a line of its own; `ca` belongs to `url`
    gate/wardgate.yaml:6:14: error[config.value]: this is no URL for `audit.anchor[2].url`: `http` is for this machine only: what goes elsewhere goes under TLS
      = write `https://HOST[:PORT]/PATH`, or `http://127.0.0.1:PORT/PATH`
    gate/wardgate.yaml:7:14: error[config.value]: this is no URL for `audit.anchor[3].url`: a user, a query or a fragment has no place in it
      = write `https://HOST[:PORT]/PATH`, or `http://127.0.0.1:PORT/PATH`
    gate/wardgate.yaml:8:7: error[config.value]: `audit.anchor[4]` is no place for checkpoints
      = write `{ file: PATH }` or `{ url: https://HOST/PATH }`, each in a line of its own; `ca` belongs to `url`
    gate/wardgate.yaml:4:5: error[config.value]: a file is named twice
      = name it once
    ");
}

#[test]
fn segments_go_to_a_bucket() {
    let config = read(&with(
        "  segments: { s3: { endpoint: https://s3.example.com, bucket: evidence, access_key: AKIDEXAMPLE, secret_key: env:BUCKET_KEY } }",
    ))
    .unwrap();
    let store = config.audit_outside.store.unwrap();
    assert_eq!((store.local, store.bucket.addressing, &*store.bucket.region), (Duration::from_secs(86_400), Addressing::Path, "us-east-1"));
    assert_eq!((store.access_key, store.secret_key), (AccessKey::Text("AKIDEXAMPLE".into()), KeySource::Env("BUCKET_KEY".into())));
    let said = wrong(&with(
        "  segments:\n    local: soon\n    s3:\n      endpoint: http://s3.example.com\n      bucket: Evidence\n      access_key: \"AKID EXAMPLE\"\n      secret_key: wJalrXUtnFEMI",
    ));
    assert!(!said.contains("wJalr"), "{said}");
    assert_snapshot!(said, @"
    gate/wardgate.yaml:4:12: error[config.value]: `soon` is no duration for `audit.segments.local`
      = write a number with `ms`, `s`, `m`, `h` or `d`, as in `10s`
    gate/wardgate.yaml:6:17: error[config.value]: this is no URL for `audit.segments.s3.endpoint`: `http` is for this machine only: what goes elsewhere goes under TLS
      = write `https://HOST[:PORT]/PATH`, or `http://127.0.0.1:PORT/PATH`
    gate/wardgate.yaml:8:19: error[config.value]: this is no id of a key for `audit.segments.s3.access_key`
      = write the id, `env:NAME` or `file:PATH`
    gate/wardgate.yaml:9:19: error[config.value]: `audit.segments.s3.secret_key` does not say where it is
      = write `env:NAME` or `file:PATH`: nothing secret stands in this file
    gate/wardgate.yaml:7:15: error[config.value]: `Evidence` is no bucket: a bucket's name has 3 to 63 letters a-z, digits, `-` and `.`, and begins and ends with a letter or a digit
      = as in `bucket: evidence`, `prefix: gate-1/`, `region: eu-central-1`
    ");
    for (key, value) in [("bucket", "../x"), ("prefix", "a/../b/"), ("prefix", "a"), ("region", "Here!")] {
        let other = if key == "bucket" { String::new() } else { "bucket: evidence, ".to_owned() };
        let said = wrong(&with(&format!(
            "  segments: {{ s3: {{ endpoint: https://s3.example.com, {other}{key}: \"{value}\", access_key: AKID, secret_key: env:KEY }} }}"
        )));
        assert!(said.contains(&format!("`{value}` is no {key}")) && said.contains("gate/wardgate.yaml:3:"), "{said}");
    }
}
