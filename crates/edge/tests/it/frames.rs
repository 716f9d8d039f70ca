//! Raw HTTP/2 by another stack, PyPI `hyperframe` and `hpack`: what is no HTTP/2, what is no request, and what is a flood.

use crate::{
    edge::Setup,
    upstream::{Play, Upstream, ok},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Where `./check` puts it: beside what cargo builds.
fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("peers/bin/python");
    assert!(python.is_file(), "`{}` is missing: run `./check`, which brings it", python.display());
    python
}

/// What became of each case. A connection that is ended says why, by RFC 9113 §7: 1 PROTOCOL_ERROR, 3 FLOW_CONTROL_ERROR,
/// 6 FRAME_SIZE_ERROR, 9 COMPRESSION_ERROR, 11 ENHANCE_YOUR_CALM. A fragment is gone before anybody sees the path: what is judged is what is
/// forwarded, without it.
const EXPECTED: &str = include_str!("../peers/frames.txt");

#[test]
fn frames_of_another_stack_are_judged_one_by_one() {
    let upstream = Upstream::start(|head| if head.starts_with("POST") { Play::Answer(ok("ok")) } else { Play::Answer(ok("yes")) });
    let edge = Setup::before(&upstream).start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/frames.py");
    let (host, port) = (edge.public.ip().to_string(), edge.public.port().to_string());
    let done = Command::new(python()).arg("-B").arg(script).args([&host, &port]).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(said, EXPECTED, "{said}");
    // Only the honest ones, and those that begin honestly, reached the upstream.
    let received = upstream.received();
    for hostile in ["x-a", "a\nb", "gzip", "smuggled", "/../", "#y", "TRACE", "CONNECT"] {
        assert!(!received.contains(hostile), "{hostile}: {received}");
    }
    // Each connection that was ended left one event that says why.
    let ended = said.lines().filter(|line| line.contains(": goaway ")).count();
    let events = edge.sink.wait(ended);
    let floods = said.lines().filter(|line| line.ends_with(": goaway 11")).count();
    let of = |code: &str| events.iter().filter(|event| event.kind.as_str() == "connection" && event.ruling.reason().code() == code).count();
    assert_eq!((of("wire.flood"), of("wire.malformed")), (floods, ended - floods));
}
