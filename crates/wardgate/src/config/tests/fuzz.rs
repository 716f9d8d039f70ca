//! The fuzz target of the configuration: any bytes as `wardgate.yaml`.

use super::super::Raw;
use std::{collections::BTreeSet, path::Path};
use wardgate_resources::yaml;
use wardgate_testkit::fuzz::{Broken, Outcome, Run, Target, hold};

const TARGET: Target = Target {
    name: "config",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/config"),
    property,
    words: &[
        "listeners:",
        "admin:",
        "issuer:",
        "store:",
        "audit:",
        "secrets:",
        "resources:",
        "edge:",
        "  - { name: a, address: 127.0.0.1:0 }\n",
        "url: ",
        "sqlite:",
        "file:",
        "env:",
        "[::1]:8443",
        "https://gate.example",
        "10s",
        "0s",
        "99999999999d",
        "1GiB",
        "0B",
        "18446744073709551615",
        "null",
        "~",
        "open",
        "closed",
        "off",
        "require",
        "&a ",
        "*a",
        "[]",
        "{}",
        "---\n",
        "#",
        "\t",
        "\u{feff}",
    ],
    bytes_max: 4_096,
};

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let file = Path::new("gate/wardgate.yaml");
    let raw: Raw = match yaml::read(file, bytes) {
        Ok(raw) => raw,
        Err(found) => {
            hold(!found.is_empty(), || "refused, and nothing is said".to_owned())?;
            return Ok(Outcome::of(found.iter().map(|found| found.code).collect::<BTreeSet<_>>()));
        }
    };
    doubled(file, bytes)?;
    let shown = serde_saphyr::to_string(&raw.clone().filled()).unwrap_or_default();
    let again = yaml::read::<Raw>(file, shown.as_bytes()).map(|raw| serde_saphyr::to_string(&raw.filled()).unwrap_or_default());
    hold(again.as_ref() == Ok(&shown), || format!("what is shown as in force reads as {again:?}"))?;
    match raw.resolve(file, bytes) {
        Err(found) => Ok(Outcome::of(found.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len())),
        Ok(config) => {
            let edge = &config.edge;
            let times = [edge.head_timeout, edge.body_idle, edge.keep_alive, edge.drain];
            let finite =
                times.iter().all(|time| !time.is_zero()) && edge.threads > 0 && edge.connections_max > 0 && config.audit_queue_events > 0;
            hold(finite, || format!("a bound is nothing: {edge:?}"))?;
            hold(!config.listeners.is_empty(), || "it has no listener".to_owned())?;
            Ok(Outcome::of((
                config.listeners.len().min(3),
                config.metrics_open,
                config.listeners.iter().any(|listener| listener.tls.is_some()),
            )))
        }
    }
}

/// A key of the file, written twice, is refused.
fn doubled(file: &Path, bytes: &[u8]) -> Result<(), Broken> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let keyed = |line: &[u8]| line.ends_with(b"\n") && [&b"listeners:"[..], b"admin:", b"edge:"].iter().any(|key| line.starts_with(key));
    let Some(at) = lines.iter().position(|line| keyed(line)) else { return Ok(()) };
    let (before, after) = lines.split_at(at);
    let twice = [before, after.get(..1).unwrap_or_default(), after].concat().concat();
    hold(yaml::read::<Raw>(file, &twice).is_err(), || format!("line {} twice is taken", at + 1))
}

#[test]
fn any_bytes_are_read_or_refused() {
    let mut run = Run::new(TARGET, TARGET.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(5_000).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= 12, "only {} different outcomes", run.outcomes());
}
