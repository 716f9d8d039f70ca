use super::{CodingFault, plain};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// `{"a":1}` by the reference implementation (`brotli -c`).
const BROTLI: [u8; 12] = [0x0b, 0x03, 0x80, b'{', b'"', b'a', b'"', b':', b'1', b'}', 0x03, 0x00];

#[test]
fn every_coding_is_undone() {
    let body = br#"{"a":1}"#;
    for (coding, coded) in [
        ("gzip", gzip(body)),
        ("X-GZIP", gzip(body)),
        ("deflate", deflate(body)),
        ("zstd", zstd(body)),
        ("identity", body.to_vec()),
        ("", body.to_vec()),
        ("deflate, gzip", gzip(&deflate(body))),
        ("gzip", [gzip(b"{\"a\""), gzip(b":1}")].concat()),
    ] {
        assert_eq!(plain(&coded, Some(coding), 100).as_deref(), Ok(&body[..]), "{coding}");
    }
    assert_eq!(plain(&BROTLI[..11], Some("br"), 100).as_deref(), Ok(&body[..]));
    assert_eq!(plain(body, None, 100).as_deref(), Ok(&body[..]));
}

#[test]
fn what_swells_is_cut_off() {
    let zeros = vec![0_u8; 64 << 20];
    for (coding, coded) in
        [("gzip", gzip(&zeros)), ("deflate", deflate(&zeros)), ("zstd", zstd(&zeros)), ("gzip, gzip", gzip(&gzip(&zeros)))]
    {
        assert!(coded.len() < 100_000, "{coding}");
        assert_eq!(plain(&coded, Some(coding), 1 << 20), Err(CodingFault::TooLarge), "{coding}");
    }
    assert_eq!(plain(&[0; 11], None, 10), Err(CodingFault::TooLarge));
}

#[test]
fn what_cannot_be_undone_is_told() {
    for coding in ["compress", "gzip, gzip, gzip", "aes128gcm", "gzip;q=1", "dcb"] {
        assert_eq!(plain(b"", Some(coding), 10), Err(CodingFault::Unknown), "{coding}");
    }
    for (coding, coded) in [
        ("gzip", b"no".to_vec()),
        ("gzip", gzip(b"whole").split_last().unwrap().1.to_vec()),
        ("gzip", [gzip(b"whole"), b"more".to_vec()].concat()),
        ("deflate", [deflate(b"whole"), b"more".to_vec()].concat()),
        ("zstd", [zstd(b"whole"), b"more".to_vec()].concat()),
        ("zstd", b"no".to_vec()),
        ("br", b"\xff\xff\xff".to_vec()),
    ] {
        assert_eq!(plain(&coded, Some(coding), 100), Err(CodingFault::Broken), "{coding}");
    }
}
