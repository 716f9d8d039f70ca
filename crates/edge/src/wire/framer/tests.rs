use super::{Framer, Place};
use crate::limits::EdgeLimits;
use proptest::prelude::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Pieces of a connection's bytes → for each, how many bytes and heads are passed on, and what is refused where.
fn check(pieces: &[&str]) -> Vec<String> {
    let mut framer = Framer::default();
    let mut carry = Vec::new();
    let mut told = Vec::new();
    for piece in pieces {
        carry.extend_from_slice(piece.as_bytes());
        let passed = framer.read(&carry, &EdgeLimits::default());
        carry.drain(..passed.bytes);
        told.push(match passed.violation {
            None => format!("{}/{}", passed.bytes, passed.heads),
            Some((place, refusal)) => format!("{}/{} {place:?} {}", passed.bytes, passed.heads, refusal.reason.code()),
        });
    }
    told
}

#[test]
fn requests_follow_one_another() {
    let two = format!("{GET}{GET}");
    assert_eq!(check(&[&two]), [format!("{}/2", two.len())]);
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(
        check(&[&format!("{post}GET /"), " HTTP/1.1\r\nHost: a\r\n\r\n"]),
        [format!("{}/1", post.len()), format!("{}/1", GET.len())]
    );
}

#[test]
fn nothing_of_a_bad_request_is_passed() {
    let bad = format!("{GET}GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    assert_eq!(check(&[&bad]), [format!("{}/1 Request wire.malformed", GET.len())]);
    // The body that comes with its head takes the whole request along.
    assert_eq!(check(&[&format!("{GET}{CHUNKED}zz\r\n")]), [format!("{}/1 Request wire.framing", GET.len())]);
    // What is gone is gone: then only the body breaks.
    assert_eq!(check(&[CHUNKED, "5\r\nhello\r\nzz"]), [format!("{}/1", CHUNKED.len()), "10/0 Body wire.framing".to_owned()]);
}

#[test]
fn places_are_known() {
    let mut framer = Framer::default();
    let limits = EdgeLimits::default();
    assert!(framer.is_between() && !framer.is_in_body());
    framer.read(b"GET", &limits);
    assert!(!framer.is_between() && !framer.is_in_body());
    let mut framer = Framer::default();
    framer.read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", &limits);
    assert!(framer.is_in_body());
    framer.read(b"bc", &limits);
    assert!(framer.is_between());
}

proptest! {
    /// One cut more or less: the same bytes are passed before the same refusal, but for a body that was under way.
    #[test]
    fn no_bad_byte_is_passed(cut in 0_usize..120, junk in "[ -~]{1,8}") {
        let stream = format!("{GET}{CHUNKED}3\r\nabc\r\n{junk}");
        let cut = cut.min(stream.len());
        let (first, second) = stream.split_at(cut);
        let mut framer = Framer::default();
        let limits = EdgeLimits::default();
        let mut carry = first.as_bytes().to_vec();
        let one = framer.read(&carry, &limits);
        prop_assume!(one.violation.is_none());
        carry.drain(..one.bytes);
        carry.extend_from_slice(second.as_bytes());
        let two = framer.read(&carry, &limits);
        let good = GET.len() + CHUNKED.len() + "3\r\nabc\r\n".len();
        let hex = junk.bytes().take_while(u8::is_ascii_hexdigit).count();
        match two.violation {
            Some((Place::Request, _)) => prop_assert_eq!(one.bytes + two.bytes, GET.len()),
            _ => prop_assert!(one.bytes + two.bytes >= good.min(stream.len()) && (two.violation.is_none() || hex > 0 || one.bytes + two.bytes == good)),
        }
    }
}
