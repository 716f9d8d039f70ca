//! HTTP/2, frame by frame, where no client would do what is tried.

use crate::{
    edge::{Setup, StandingClock},
    upstream::{Gatekeeper, Play, Upstream, ok},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// RFC 9113 §7.
pub(crate) const NO_ERROR: u32 = 0;
const ENHANCE_YOUR_CALM: u32 = 11;
/// `GET / ` of `http://a`: fields of the static table (RFC 7541 appendix A), the authority as a literal.
pub(crate) const GET: &[u8] = &[0x82, 0x84, 0x86, 0x41, 1, b'a'];

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(crate) fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat()
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    kind: u8,
    flags: u8,
    pub(crate) stream: u32,
    payload: Vec<u8>,
}

/// The next frame; `None` where the connection ends.
fn next(socket: &mut TcpStream) -> Option<Frame> {
    let mut head = [0; 9];
    socket.read_exact(&mut head).ok()?;
    let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    let mut payload = vec![0; number(&head[..3]) as usize];
    socket.read_exact(&mut payload).ok()?;
    Some(Frame { kind: head[3], flags: head[4], stream: number(&head[5..]), payload })
}

/// Reads on to a frame of this kind.
pub(crate) fn next_of(socket: &mut TcpStream, kind: u8) -> Frame {
    loop {
        let frame = next(socket).expect("the connection goes on");
        if frame.kind == kind {
            return frame;
        }
    }
}

/// The error code of GOAWAY.
pub(crate) fn code(frame: &Frame) -> u32 {
    frame.payload[4..8].iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

#[test]
fn a_drain_says_goaway_and_lets_streams_end() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| Play::Pieces(vec![ok("late")], Arc::clone(&pieces)));
    static CLOCK: StandingClock = StandingClock::new();
    let mut edge = Setup::before(&upstream).clock(|| CLOCK.now()).start();
    let mut socket = edge.connect();
    socket.write_all(&[preface(), frame(HEADERS, END_STREAM | END_HEADERS, 1, GET)].concat()).unwrap();
    while upstream.received().is_empty() {
        std::thread::yield_now();
    }
    let sink = Arc::clone(&edge.sink);
    let draining = std::thread::spawn(move || edge.drain(Duration::from_secs(10)));
    let goaway = next_of(&mut socket, GOAWAY);
    assert_eq!((goaway.stream, code(&goaway)), (0, NO_ERROR));
    keeper.open();
    let data = next_of(&mut socket, DATA);
    assert_eq!((data.stream, &*data.payload), (1, &b"late"[..]));
    // A graceful GOAWAY leaves a round trip for streams that are on their way (RFC 9113 §6.8); this client never answers, so the
    // connection ends with the time that is left.
    CLOCK.forward(Duration::from_secs(10));
    while next(&mut socket).is_some() {}
    draining.join().unwrap();
    assert_eq!(sink.told(1), ["rule.allowed complete 200 200"]);
}

/// A field that is in no table (RFC 7541 §6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [&[0][..], &text(name), &text(value)].concat()
}

#[test]
fn an_extended_connect_goes_over_to_websocket() {
    // RFC 8441.
    let upstream = Upstream::start(|_| Play::Echo);
    let edge = Setup::before(&upstream).api(|api| api.upstream.wire.upgrade = [wardgate_model::wire::Upgrade::WebSocket].into()).start();
    let mut socket = edge.connect();
    socket.write_all(&preface()).unwrap();
    let settings = next_of(&mut socket, SETTINGS);
    // SETTINGS_ENABLE_CONNECT_PROTOCOL.
    assert!(settings.payload.chunks(6).any(|setting| setting == [0, 8, 0, 0, 0, 1]), "{settings:?}");
    let connect = |path: &str, protocol: &str| {
        let fields = [
            (":method", "CONNECT"),
            (":protocol", protocol),
            (":scheme", "http"),
            (":path", path),
            (":authority", "a"),
            ("sec-websocket-version", "13"),
        ];
        fields.iter().flat_map(|(name, value)| literal(name, value)).collect::<Vec<u8>>()
    };
    socket.write_all(&frame(HEADERS, END_HEADERS, 1, &connect("/chat", "websocket"))).unwrap();
    let head = next_of(&mut socket, HEADERS);
    // `:status: 200` of the static table; the stream goes on.
    assert_eq!((head.stream, head.payload[0], head.flags & END_STREAM), (1, 0x88, 0), "{head:?}");
    socket.write_all(&frame(DATA, 0, 1, b"hello")).unwrap();
    assert_eq!(&*next_of(&mut socket, DATA).payload, b"hello");
    // Another stream is not disturbed, and another protocol is refused.
    socket.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 3, &connect("/chat", "connect-udp"))).unwrap();
    let head = next_of(&mut socket, HEADERS);
    assert_eq!((head.stream, head.payload[0]), (3, 0x8C), "400: {head:?}");
    assert_eq!(edge.sink.told(2)[1], "canon.upgrade complete 400 never");
    socket.write_all(&frame(DATA, END_STREAM, 1, b"bye")).unwrap();
    let mut data = next_of(&mut socket, DATA);
    while data.stream != 1 {
        data = next_of(&mut socket, DATA);
    }
    assert_eq!(&*data.payload, b"bye");
    let told = edge.sink.told(3);
    assert_eq!(told, ["rule.allowed complete 200 101", "canon.upgrade complete 400 never", "rule.allowed complete 200 101"]);
    let head = upstream.received().to_ascii_lowercase();
    assert!(
        head.starts_with("get /chat http/1.1\r\n") && head.contains("sec-websocket-key: ") && head.contains("upgrade: websocket"),
        "{head}"
    );
}

/// Sends this on each of so many streams at once → the code with which the connection is ended.
fn flood(streams: u32, each: impl Fn(u32) -> Vec<u8>) -> Option<u32> {
    let upstream = Upstream::start(|_| Play::Silence);
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    let mut bytes = preface();
    bytes.extend((0..streams).flat_map(|number| each(2 * number + 1)));
    // The connection may be ended before all is sent.
    let _ = socket.write_all(&bytes);
    let mut ended = None;
    while let Some(frame) = next(&mut socket) {
        if frame.kind == GOAWAY {
            ended = Some(code(&frame));
        }
    }
    ended
}

#[test]
fn streams_that_are_reset_as_fast_as_they_are_opened_end_the_connection() {
    // CVE-2023-44487.
    let reset = |stream| {
        let head = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
        [head, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    };
    assert_eq!(flood(200, reset), Some(ENHANCE_YOUR_CALM));
}

#[test]
fn streams_that_we_are_made_to_reset_end_the_connection() {
    // CVE-2025-8671: a window that becomes too large is an error of the stream (RFC 9113 §6.9.1).
    let provoke = |stream| {
        let head = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
        [head, frame(WINDOW_UPDATE, 0, stream, &0x7FFF_FFFF_u32.to_be_bytes())].concat()
    };
    assert_eq!(flood(400, provoke), Some(ENHANCE_YOUR_CALM));
}
