use super::{BLANK_BYTES_MAX, Beginning, beginning};
use proptest::prelude::*;

#[test]
fn an_object_or_an_array_is_known_by_its_first_bracket() {
    for json in ["{}", "[1]", "{", " \r\n\t{\"a\":1}", "\u{FEFF}{}", "\u{FEFF} ["] {
        assert_eq!(beginning(json.as_bytes()), Beginning::Json, "{json:?}");
    }
    for other in ["a", "name={}", "--x\r\n", "\"{\"", "7", "true", "<a>", "%7B", "  a{", "\u{0}\u{1}{"] {
        assert_eq!(beginning(other.as_bytes()), Beginning::Other, "{other:?}");
    }
    for open in ["", " ", "\r\n"] {
        assert_eq!(beginning(open.as_bytes()), Beginning::Open, "{open:?}");
    }
}

#[test]
fn in_other_widths_too() {
    let wide = |text: &str, width: usize, big: bool| -> Vec<u8> {
        let unit = |unit: char| {
            let bytes = u32::from(unit).to_be_bytes();
            let mut bytes = bytes[4 - width..].to_vec();
            if !big {
                bytes.reverse();
            }
            bytes
        };
        text.chars().flat_map(unit).collect()
    };
    for (width, big) in [(2, true), (2, false), (4, true), (4, false)] {
        for json in ["{\"a\":1}", " [", "\u{FEFF}{ ", "\n\n{}"] {
            assert_eq!(beginning(&wide(json, width, big)), Beginning::Json, "{json:?} {width} {big}");
        }
        assert_eq!(beginning(&wide("a{", width, big)), Beginning::Other, "{width} {big}");
    }
}

/// Messages of gRPC begin with noughts and their length.
#[test]
fn other_formats_are_none() {
    let messages = [
        &[0, 0, 0, 0, 0x7B, 0x0A, 0x01][..],
        &[0, 0, 0, 0x20, 0x7B, 0x0A, 0x01, 0x02],
        &[0, 0, 1, 0x7B, 0x5B, 0x0A],
        &[0, 0, 0, 0x5B, 0x10, 0x0A, 1],
    ];
    let files = [&b"\x89PNG\r\n\x1a\n"[..], b"PK\x03\x04", b"\x1f\x8b\x08", b"\xff\xd8\xff\xe0", b"%PDF-1.7", b"\0\0\0\x18ftypmp42"];
    for bytes in messages.into_iter().chain(files) {
        assert_eq!(beginning(bytes), Beginning::Other, "{bytes:?}");
    }
}

#[test]
fn nobody_hides_behind_white_space() {
    assert_eq!(beginning(&vec![b' '; BLANK_BYTES_MAX]), Beginning::Open);
    assert_eq!(beginning(&vec![b' '; BLANK_BYTES_MAX + 1]), Beginning::Json);
}

proptest! {
    /// What has been shown stays so, whatever comes behind it.
    #[test]
    fn more_bytes_turn_nothing(bytes in proptest::collection::vec(prop_oneof![Just(b' '), Just(0), Just(b'{'), any::<u8>()], 0..12)) {
        let said: Vec<Beginning> = (0..=bytes.len()).map(|end| beginning(&bytes[..end])).collect();
        for (before, after) in said.iter().zip(&said[1..]) {
            prop_assert!(before == after || *before == Beginning::Open, "{bytes:?} {said:?}");
        }
    }
}
