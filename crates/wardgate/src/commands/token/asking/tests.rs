use super::read;

#[test]
fn a_key_or_token_is_one_line_of_visible_characters() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let of = |text: &[u8]| {
        std::fs::write(&file, text).unwrap();
        read(&file).map(|line| line.danger_expose().clone()).map_err(|error| error.to_string())
    };
    assert_eq!(of(b"eyJ.a.b\n").unwrap(), "eyJ.a.b");
    assert_eq!(of(b"  wg_x \r\n").unwrap(), "wg_x");
    for wrong in [&b""[..], b"\n", b"two words", b"one\ntwo", b"caf\xc3\xa9", &[b'a'; 70_000]] {
        assert!(of(wrong).unwrap_err().contains("holds no key or token"), "{wrong:?}");
    }
    assert!(of(b"\xff").unwrap_err().contains("cannot read"));
    assert!(read(&directory.path().join("none")).unwrap_err().to_string().contains("cannot read"));
}
