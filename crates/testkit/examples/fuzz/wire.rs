//! The wire guard: the bytes of one connection, as far as its client sends them.

use wardgate_edge::{
    limits::EdgeLimits,
    wire::framer::{Framer, Place},
};
use wardgate_testkit::fuzz::{Broken, Outcome, Random, Target, hold};

pub(crate) const TARGET: Target = Target {
    name: "wire",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/wire"),
    property,
    words: &[
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "\r\n",
        "\n",
        "\r",
        " ",
        "\t",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        "5;a=b\r\nhello\r\n",
        "ffffffffffffffff\r\n",
        "0\r\nX: y\r\n\r\n",
        "Host: b\r\n",
        "Host:\r\n",
        "http://a/",
        "HTTP/1.0",
        "HTTP/2.0",
        "Connection: close\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: h2c\r\n",
        ":",
        "\0",
        "\u{80}",
    ],
    bytes_max: 4_096,
};

/// What a connection's bytes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Came {
    passed: usize,
    heads: u64,
    violation: Option<(Place, &'static str, &'static str, u32)>,
}

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let whole = feed(bytes, |_| usize::MAX)?;
    let single = feed(bytes, |_| 1)?;
    let mut random = Random::new(bytes.iter().fold(bytes.len() as u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte))));
    let pieces = feed(bytes, |_| 1 + random.below(40))?;
    for other in [single, pieces] {
        // The verdict is the same in pieces, though of two faults in one line the one may be told that is seen first; and what
        // was gone before the fault was seen cannot be called back.
        let cause = |came: Came| came.violation.map(|(_, code, _, line)| (code, line));
        hold(cause(whole) == cause(other), || format!("in pieces it is {other:?}, as a whole {whole:?}"))?;
        let equal = whole.passed == other.passed && whole.heads == other.heads;
        let later = whole.violation.is_some_and(|(place, ..)| place == Place::Request) && whole.passed <= other.passed;
        hold(equal || later, || format!("in pieces {other:?} is passed, as a whole {whole:?}"))?;
    }
    hold(whole.passed <= bytes.len(), || "more was passed than came".to_owned())?;
    let good = bytes.get(..whole.passed).unwrap_or_default();
    let again = feed(good, |_| usize::MAX)?;
    hold(again == Came { violation: None, ..whole }, || format!("what was passed is {again:?} when it comes alone, it was {whole:?}"))?;
    heads(good, whole.heads)?;
    Ok(Outcome::of((whole.heads.min(3), whole.violation.map(|(place, code, detail, _)| (format!("{place:?}"), code, detail)))))
}

/// Feeds the bytes in pieces of the sizes given.
fn feed(bytes: &[u8], mut size: impl FnMut(usize) -> usize) -> Result<Came, Broken> {
    let limits = EdgeLimits::default();
    let mut framer = Framer::default();
    let mut came = Came { passed: 0, heads: 0, violation: None };
    let mut end = 0;
    while end < bytes.len() && came.violation.is_none() {
        end = end.saturating_add(size(end)).min(bytes.len());
        let offered = bytes.get(came.passed..end).unwrap_or_default();
        let passed = framer.read(offered, &limits);
        hold(passed.bytes <= offered.len(), || format!("{} of {} bytes were passed", passed.bytes, offered.len()))?;
        came.passed += passed.bytes;
        came.heads += passed.heads;
        came.violation = passed.violation.map(|(place, refusal)| (place, refusal.reason.code(), refusal.detail, refusal.line));
    }
    Ok(came)
}

/// The parser of the HTTP engine takes every head that was passed: nothing is left for it to refuse by itself.
fn heads(passed: &[u8], count: u64) -> Result<(), Broken> {
    if count == 0 {
        return Ok(());
    }
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(passed);
    hold(matches!(parsed, Ok(httparse::Status::Complete(_))), || format!("the engine says {parsed:?} to a head that was passed"))
}
