use super::ChunkReader;
use crate::limits::EdgeLimits;
use proptest::prelude::*;

/// A chunked body as text (`\n` for CRLF, `␊` and `␍` for bare ones) → what is made of it.
fn check(body: &str) -> String {
    let bytes = body.replace('\n', "\r\n").replace('␊', "\n").replace('␍', "\r").into_bytes();
    let mut reader = ChunkReader::default();
    match reader.read(&bytes, &EdgeLimits::default()) {
        Ok(_) if !reader.is_done() => "partial".into(),
        Ok(good) => format!("done, {} left", bytes.len() - good),
        Err((good, refusal)) => format!("{} after {good}: {refusal}", refusal.reason.code()),
    }
}

#[test]
fn good_bodies_are_read_to_their_end() {
    assert_eq!(check("0\n\n"), "done, 0 left");
    assert_eq!(check("5\nhello\n0\n\nGET"), "done, 3 left");
    assert_eq!(check("00A\n0123456789\n0\n\n"), "done, 0 left");
    assert_eq!(check("5;name=value;q=\"x y\"\nhello\n0;end\n\n"), "done, 0 left");
    assert_eq!(check("0\nX-Sum: 12\nY:\n\n"), "done, 0 left");
    assert_eq!(check("5\nhel"), "partial");
    assert_eq!(check("ffffff"), "partial");
}

#[test]
fn sizes_are_plain_hexadecimal() {
    for bad in ["\n", ";x\n", "g\n", "-1\n", "+1\n", "_1\n", " 5\nhello", "0x5\nhello", "5 \nhello", "5\t\nhello", "5 ;x\nhello"] {
        assert!(check(bad).contains("a chunk size is not a hexadecimal number"), "{bad:?}: {}", check(bad));
    }
    assert!(check("00000000000000005\nhello").contains("too many digits"));
    assert!(check("fffffffffffffffff\n").contains("too many digits"));
    assert!(check("ffffffffffffffff\n").starts_with("wire.body_too_large"));
    assert!(check("5␊hello").contains("not a hexadecimal number"));
    assert!(check("5␍hello").contains("a bare carriage return after a chunk size"));
}

#[test]
fn chunks_end_where_they_say() {
    assert!(check("5\nhello0\n\n").contains("longer than its size"));
    assert!(check("4\nhello\n0\n\n").contains("longer than its size"));
    assert!(check("5\nhello␊0\n\n").contains("longer than its size"));
    assert!(check("5\nhello␍0\n\n").contains("longer than its size"));
}

#[test]
fn extensions_and_trailers_are_bounded() {
    assert!(check("5;a␊hello").contains("a chunk extension has a character"));
    assert!(check("5;\u{0}\nhello").contains("a chunk extension has a character"));
    assert!(check(&format!("5;{}", "x".repeat(5_000))).contains("extensions are too long"));
    assert!(check(&"1;xxxxxxx\na\n".repeat(600)).contains("extensions are too long"));
    assert!(check("0\n X: 1\n\n").contains("a trailer field is malformed"));
    assert!(check("0\nX : 1\n\n").contains("a trailer field is malformed"));
    assert!(check("0\nX: 1␊\n").contains("a trailer field is malformed"));
    assert!(check("0\n␍x").contains("a trailer field is malformed"));
    assert!(check(&format!("0\nX: {}", "x".repeat(9_000))).contains("trailer section is too long"));
    assert!(check(&format!("0\n{}", "X: 1\n".repeat(33))).contains("too many trailer fields"));
}

proptest! {
    /// However the bytes are cut, the same is made of them.
    #[test]
    fn cuts_do_not_matter(tail in "[0-9a-f;x: \r\n]{0,60}", cut in 0_usize..80) {
        let body = format!("3\r\nabc\r\n{tail}").into_bytes();
        let limits = EdgeLimits::default();
        let mut whole = ChunkReader::default();
        let told = whole.read(&body, &limits);
        let mut parts = ChunkReader::default();
        let cut = cut.min(body.len());
        let first = parts.read(&body[..cut], &limits);
        let both = match first {
            Ok(good) if good == cut => parts.read(&body[cut..], &limits).map(|more| good + more).map_err(|(more, refusal)| (good + more, refusal)),
            other => other,
        };
        prop_assert_eq!(told, both);
    }
}
