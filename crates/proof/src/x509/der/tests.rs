use super::*;
use proptest::prelude::*;

#[test]
fn lengths_have_one_form() {
    for (bytes, read) in [
        (&[0x04, 0x00][..], Some(0)),
        (&[0x04, 0x01, 0xaa], Some(1)),
        (&[0x04, 0x02, 0xaa], None),
        (&[0x04, 0x80, 0xaa, 0x00, 0x00], None),
        (&[0x04, 0x81, 0x01, 0xaa], None),
        (&[0x04, 0x82, 0x00, 0x80], None),
        (&[0x04, 0x85, 0x00, 0x00, 0x00, 0x00, 0x01, 0xaa], None),
        (&[0x04, 0xff], None),
        (&[0x04], None),
        (&[], None),
        (&[0x1f, 0x81, 0x00], None),
    ] {
        assert_eq!(Reader::new(bytes).any().ok().map(|(_, value)| value.len()), read, "{bytes:02x?}");
    }
    let mut long = vec![0x04, 0x81, 0x80];
    long.extend([0; 0x80]);
    assert_eq!(Reader::new(&long).value(OCTET_STRING).map(<[u8]>::len), Ok(0x80));
}

#[test]
fn what_follows_is_refused() {
    assert!(Reader::whole(&[0x30, 0x00], SEQUENCE).is_ok());
    assert!(Reader::whole(&[0x30, 0x00, 0x00], SEQUENCE).is_err());
    assert!(Reader::whole(&[0x31, 0x00], SEQUENCE).is_err());
}

#[test]
fn flags_are_written_in_two_ways() {
    for (bytes, flag) in
        [(&[][..], Ok(false)), (&[1, 1, 0xff], Ok(true)), (&[1, 1, 0], Ok(false)), (&[1, 1, 1], Err(BadDer)), (&[1, 0], Err(BadDer))]
    {
        assert_eq!(Reader::new(bytes).flag(), flag, "{bytes:02x?}");
    }
}

#[test]
fn moments_are_to_the_second_in_greenwich() {
    for (tag, text, read) in [
        (UTC_TIME, "700101000000Z", Some("1970-01-01T00:00:00Z")),
        (UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z")),
        (UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z")),
        (GENERALIZED_TIME, "20240229120000Z", Some("2024-02-29T12:00:00Z")),
        (GENERALIZED_TIME, "99991231235959Z", Some("253402300799 s")),
        (GENERALIZED_TIME, "20230229120000Z", None),
        (GENERALIZED_TIME, "21000229000000Z", None),
        (GENERALIZED_TIME, "20240101000000.5Z", None),
        (GENERALIZED_TIME, "20240101000000+0100", None),
        (GENERALIZED_TIME, "20241301000000Z", None),
        (GENERALIZED_TIME, "20240100000000Z", None),
        (UTC_TIME, "240101240000Z", None),
        (UTC_TIME, "240101006000Z", None),
        (UTC_TIME, "240101000060Z", None),
        (UTC_TIME, "2401010000Z", None),
        (UTC_TIME, "24010100000 Z", None),
        (UTC_TIME, "", None),
        (OCTET_STRING, "240101000000Z", None),
    ] {
        let mut bytes = vec![tag, u8::try_from(text.len()).expect("short")];
        bytes.extend(text.as_bytes());
        assert_eq!(Reader::new(&bytes).time().ok().map(Time::to_rfc3339).as_deref(), read, "{text}");
    }
}

proptest! {
    #[test]
    fn every_second_is_read_as_it_was_written(second in -2_000_000_000_i64..253_000_000_000) {
        let written = Time::from_seconds(second);
        let text: String = written.to_rfc3339().chars().filter(|c| c.is_ascii_digit() || *c == 'Z').collect();
        let mut bytes = vec![GENERALIZED_TIME, 15];
        bytes.extend(text.as_bytes());
        prop_assert_eq!(Reader::new(&bytes).time(), Ok(written));
    }

    #[test]
    fn what_is_read_was_there(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut reader = Reader::new(&bytes);
        let mut read = 0;
        while let Ok((_, value)) = reader.any() {
            read += value.len() + 2;
        }
        prop_assert!(read <= bytes.len());
    }
}
