use super::{Malformed, Sender, read};
use proptest::prelude::{any, prop, proptest};
use std::net::IpAddr;

/// Reads these bytes → what they say, and what is left of them.
fn check(bytes: &[u8]) -> (Result<Sender, Malformed>, Vec<u8>) {
    let mut rest = bytes;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let said = runtime.block_on(read(&mut rest));
    (said, rest.to_vec())
}

fn preamble(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&super::SIGNATURE[..], &[command, family], &length, rest].concat()
}

const V4: [u8; 12] = [198, 51, 100, 7, 192, 0, 2, 1, 0x12, 0x67, 0x01, 0xBB];

fn client(text: &str) -> Result<Sender, Malformed> {
    Ok(Sender::Client(text.parse::<IpAddr>().unwrap()))
}

#[test]
fn a_preamble_says_who_calls() {
    let mut v6 = vec![0; 36];
    v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    v6[15] = 7;
    let mut mapped = vec![0; 36];
    mapped[10..16].copy_from_slice(&[0xFF, 0xFF, 198, 51, 100, 7]);
    let tlv = [&V4[..], &[0x03, 0, 4, 1, 2, 3, 4]].concat();
    for (bytes, expected) in [
        (preamble(0x21, 0x11, &V4), client("198.51.100.7")),
        (preamble(0x21, 0x11, &tlv), client("198.51.100.7")),
        (preamble(0x21, 0x21, &v6), client("2001:db8::7")),
        (preamble(0x21, 0x21, &mapped), client("198.51.100.7")),
        (preamble(0x20, 0x00, &[]), Ok(Sender::Local)),
        (preamble(0x20, 0x11, &V4), Ok(Sender::Local)),
        (preamble(0x21, 0x00, &[]), Ok(Sender::Local)),
        (preamble(0x21, 0x11, &V4[..11]), Err(Malformed::Length)),
        (preamble(0x21, 0x21, &V4), Err(Malformed::Length)),
        (preamble(0x21, 0x11, &[0; 3000]), Err(Malformed::Length)),
        (preamble(0x21, 0x12, &V4), Err(Malformed::Family)),
        (preamble(0x21, 0x31, &[0; 216]), Err(Malformed::Family)),
        (preamble(0x22, 0x11, &V4), Err(Malformed::Command)),
        (preamble(0x11, 0x11, &V4), Err(Malformed::Command)),
        (b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n".to_vec(), Err(Malformed::Signature)),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), Err(Malformed::Signature)),
        (b"\r\n\r\n\0\r\nQUIT".to_vec(), Err(Malformed::Ended)),
        (preamble(0x21, 0x11, &V4)[..20].to_vec(), Err(Malformed::Ended)),
    ] {
        assert_eq!(check(&bytes).0, expected, "{bytes:?}");
    }
}

#[test]
fn not_a_byte_behind_it_is_taken() {
    let bytes = [preamble(0x21, 0x11, &V4), b"GET / HTTP/1.1".to_vec()].concat();
    assert_eq!(check(&bytes).1, b"GET / HTTP/1.1");
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..80), whole in any::<bool>()) {
        let bytes = if whole { [&super::SIGNATURE[..], &bytes].concat() } else { bytes };
        let _ = check(&bytes);
    }
}
