//! The wire guard beside llhttp, the parser of node: what the guard passes, a strict reader that nobody here wrote reads as the same
//! requests, with the same methods, targets and bytes of body. A difference is what request smuggling is made of.
//!
//! It asks `node`, which has llhttp within; `./check` brings it.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};
use wardgate_edge::{limits::EdgeLimits, wire::framer::Framer};
use wardgate_testkit::fuzz::{Broken, Outcome, Target, hold};

pub(crate) const TARGET: Target = Target { name: "llhttp", property, ..crate::wire::TARGET };

/// An error of llhttp's, what of the request it is about, and why that is no danger.
type Contested = (&'static str, fn(&Passed) -> bool, &'static str);

/// What llhttp refuses although the guard passes it: its error, what of the request it is about, and why that is no danger. It
/// reads nothing behind it, so no request of another shape comes of it.
const CONTESTED: [Contested; 9] = [
    (
        "HPE_INVALID_METHOD",
        |passed| !KNOWN.contains(&passed.request.method.as_str()),
        "RFC 9110 §9.1: any token is a method; an API has those that it documents",
    ),
    (
        "HPE_INVALID_VERSION",
        |passed| passed.request.method == "PRI",
        "RFC 9113 §3.4: PRI is no method but for a beginning of HTTP/2, which is found before",
    ),
    ("HPE_INVALID_TRANSFER_ENCODING", |passed| passed.has_space_behind(b"transfer-encoding:"), SPACE),
    ("HPE_INVALID_CONTENT_LENGTH", |passed| passed.has_space_behind(b"content-length:"), SPACE),
    ("HPE_INVALID_CONTENT_LENGTH", Passed::has_framing_trailer, TRAILERS),
    ("HPE_UNEXPECTED_CONTENT_LENGTH", Passed::has_framing_trailer, TRAILERS),
    ("HPE_INVALID_TRANSFER_ENCODING", Passed::has_framing_trailer, TRAILERS),
    ("HPE_INVALID_CHUNK_SIZE", Passed::has_extension, EXTENSIONS),
    ("HPE_STRICT", Passed::has_extension, EXTENSIONS),
];
const SPACE: &str = "RFC 9110 §5.5: white space around a value is none of it, a tab too; framing ends here and is made anew";
const TRAILERS: &str = "llhttp reads trailers as it reads fields; none frames anything here, and over HTTP/1 none is passed on";
const EXTENSIONS: &str = "llhttp wants extensions of chunks in their grammar; they end here, and chunks are made anew";

/// The methods that llhttp takes with HTTP (its `HTTP_METHOD_MAP`).
const KNOWN: [&str; 35] = [
    "DELETE",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "COPY",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "SEARCH",
    "UNLOCK",
    "BIND",
    "REBIND",
    "UNBIND",
    "ACL",
    "REPORT",
    "MKACTIVITY",
    "CHECKOUT",
    "MERGE",
    "M-SEARCH",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "PATCH",
    "PURGE",
    "MKCALENDAR",
    "LINK",
    "UNLINK",
    "SOURCE",
    "QUERY",
];

/// A request, as one of the two reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    method: String,
    target: String,
    /// Bytes of its body that have come.
    body: u64,
    /// Whether its body has come to its end.
    whole: bool,
}

/// What llhttp says.
#[derive(Debug)]
struct Told {
    seen: Vec<Request>,
    /// Whether it reads nothing behind the last of them.
    last: bool,
    error: Option<String>,
}

/// A request that the guard passes, with its bytes.
#[derive(Debug)]
struct Passed {
    request: Request,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Passed {
    fn is_chunked(&self) -> bool {
        self.head.to_ascii_lowercase().windows(20).any(|window| window == b"\r\ntransfer-encoding:")
    }

    /// What stands behind the last chunk.
    fn trailers(&self) -> Vec<u8> {
        if self.is_chunked() { chunks(&self.body).1.to_ascii_lowercase() } else { Vec::new() }
    }

    fn has_framing_trailer(&self) -> bool {
        let trailers = self.trailers();
        let mut lines = trailers.split(|byte| *byte == b'\n');
        let names: [&[u8]; 5] = [b"content-length", b"transfer-encoding", b"connection", b"proxy-connection", b"upgrade"];
        lines.any(|line| names.iter().any(|name| line.starts_with(name)))
    }

    /// Whether a tab or space ends the value of a field.
    fn has_space_behind(&self, field: &[u8]) -> bool {
        let head = self.head.to_ascii_lowercase();
        let mut lines = head.split(|byte| *byte == b'\n').filter(|line| line.starts_with(field));
        lines.any(|line| matches!(line, [.., b' ' | b'\t', b'\r']))
    }

    fn has_extension(&self) -> bool {
        self.is_chunked() && self.body.contains(&b';')
    }
}

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let (good, passed) = guard(bytes);
    if passed.is_empty() {
        return Ok(Outcome::of(0));
    }
    let told = ask(good).map_err(|error| Broken::of(format!("node cannot be asked: {error}")))?;
    let requests: Vec<&Request> = passed.iter().map(|passed| &passed.request).collect();
    let what = || format!("the guard passed {requests:?}, llhttp read {told:?}");
    let open = told.seen.last().is_some_and(|request| !request.whole);
    let count = told.seen.len();
    hold(count <= requests.len(), what)?;
    match told.error.as_deref() {
        None | Some("HPE_CLOSED_CONNECTION" | "HPE_INVALID_EOF_STATE") => {
            hold(told.seen.iter().zip(&requests).all(|(seen, passed)| seen == *passed), what)?;
            // Behind the last request of a connection llhttp reads nothing, as the engine does; a trailer may say so to it.
            let trailing = count.checked_sub(1).and_then(|at| passed.get(at)).is_some_and(Passed::has_framing_trailer);
            let closed = (told.last || trailing) && count < requests.len();
            hold(closed || count == requests.len(), what)?;
            // It misses the end of a body only where the guard, too, waits for more.
            hold(told.error.is_none() || closed || open, what)?;
            let bodies: u64 = requests.iter().map(|request| request.body.min(3)).sum();
            Ok(Outcome::of((count.min(4), open, closed, bodies.min(8))))
        }
        Some(error) => {
            // All before what it refuses is the same, and of that it has seen no more.
            let whole = if open { count.saturating_sub(1) } else { count };
            hold(told.seen.iter().zip(&requests).take(whole).all(|(seen, passed)| seen == *passed), what)?;
            let begun = told.seen.get(whole).zip(requests.get(whole));
            hold(begun.is_none_or(|(seen, passed)| seen.target == passed.target && seen.body <= passed.body), what)?;
            let refused = passed.get(whole).into_iter();
            let why = refused.flat_map(|passed| CONTESTED.iter().filter(|(code, is, _)| *code == error && is(passed))).next();
            hold(why.is_some(), what)?;
            Ok(Outcome::of((error, why.map(|(_, _, why)| why))))
        }
    }
}

/// What the guard passes, and as which requests.
fn guard(bytes: &[u8]) -> (&[u8], Vec<Passed>) {
    let (limits, mut framer) = (EdgeLimits::default(), Framer::default());
    let (mut good, mut over) = (0, false);
    while !over {
        good += framer.read(bytes.get(good..).unwrap_or_default(), &limits).bytes;
        over = !framer.is_held();
        framer.settle_if_held();
    }
    let good = bytes.get(..good).unwrap_or_default();
    // Once more, piece by piece: where each head and each body ends is for the guard to say.
    let (mut framer, mut requests, mut from, mut to) = (Framer::default(), Vec::<Passed>::new(), 0, 0);
    while to < good.len() {
        to += 1;
        let passed = framer.read(good.get(from..to).unwrap_or_default(), &limits);
        let piece = good.get(from..from + passed.bytes).unwrap_or_default();
        from += passed.bytes;
        if passed.heads > 0 {
            requests.push(Passed { request: head(piece), head: piece.to_vec(), body: Vec::new() });
        } else if let Some(last) = requests.last_mut() {
            last.body.extend_from_slice(piece);
        }
        framer.settle_if_held();
        if let Some(last) = requests.last_mut() {
            last.request.whole = !framer.is_in_body();
        }
    }
    for passed in &mut requests {
        passed.request.body = if passed.is_chunked() { chunks(&passed.body).0 } else { passed.body.len() as u64 };
    }
    (good, requests)
}

/// Lets a framer go on that waits for the answer to a request to go over to another protocol: nobody does here.
trait Settle {
    fn settle_if_held(&mut self);
}

impl Settle for Framer {
    fn settle_if_held(&mut self) {
        if self.is_held() {
            self.settle(false);
        }
    }
}

fn head(bytes: &[u8]) -> Request {
    let text = String::from_utf8_lossy(bytes).into_owned();
    // RFC 9112 §2.2: an empty line before a request is passed over.
    let mut words = text.trim_start_matches("\r\n").split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    Request { method: word(), target: word(), body: 0, whole: true }
}

/// Bytes of content in a chunked body that the guard has passed, whole or not; and what stands behind the last chunk.
fn chunks(mut body: &[u8]) -> (u64, &[u8]) {
    let mut sum = 0;
    while let Some(line) = body.windows(2).position(|pair| pair == b"\r\n") {
        let digits: String = body.iter().take(line).take_while(|byte| byte.is_ascii_hexdigit()).map(|byte| char::from(*byte)).collect();
        let rest = body.get(line + 2..).unwrap_or_default();
        let Ok(size @ 1..) = usize::from_str_radix(&digits, 16) else { return (sum, rest) };
        sum += size.min(rest.len()) as u64;
        body = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    (sum, &[])
}

/// A node that answers line by line.
struct Node {
    _child: Child,
    asks: ChildStdin,
    tells: BufReader<ChildStdout>,
}

fn ask(bytes: &[u8]) -> std::io::Result<Told> {
    static NODE: Mutex<Option<Node>> = Mutex::new(None);
    let mut node = NODE.lock().unwrap_or_else(PoisonError::into_inner);
    if node.is_none() {
        *node = Some(start()?);
    }
    let Some(Node { asks, tells, .. }) = &mut *node else { return Err(std::io::ErrorKind::NotFound.into()) };
    let mut line: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    line.push('\n');
    asks.write_all(line.as_bytes())?;
    line.clear();
    tells.read_line(&mut line)?;
    let told: Value = serde_json::from_str(&line)?;
    let text = |one: &Value, member: &str| one.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is = |one: &Value, member: &str| one.get(member).and_then(Value::as_bool).unwrap_or_default();
    let request = |one: &Value| Request {
        method: text(one, "method"),
        target: text(one, "target"),
        body: one.get("body").and_then(Value::as_u64).unwrap_or_default(),
        whole: is(one, "whole"),
    };
    let seen = told.get("seen").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(Told {
        seen: seen.iter().map(request).collect(),
        last: seen.last().is_some_and(|last| is(last, "last")),
        error: told.get("error").and_then(Value::as_str).map(ToOwned::to_owned),
    })
}

fn start() -> std::io::Result<Node> {
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/llhttp.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let (Some(asks), Some(tells)) = (child.stdin.take(), child.stdout.take()) else { return Err(std::io::ErrorKind::BrokenPipe.into()) };
    Ok(Node { _child: child, asks, tells: BufReader::new(tells) })
}
