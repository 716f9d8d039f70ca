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

/// Nobody starts a task for somebody else, and a client that is not named or shows nothing asks for nothing: wrong usage, before anything is done.
#[test]
fn what_cannot_be_meant_is_said_before_anything_is_done() {
    use crate::cli::{Cli, Command};
    use clap::Parser as _;
    let said = |line: &str| {
        let words = ["wardgate", "token", "--issuer", "https://gate.example"].into_iter().chain(line.split(' '));
        let Command::Token(args) = Cli::try_parse_from(words).unwrap().command else { panic!("{line}") };
        super::at_odds(&args).unwrap_or_default()
    };
    let acting = "--client shop --key k --subject-token-file t";
    let task = "--resource https://gate.example/a --purpose p --operation read --exec -- true";
    assert!(said(&format!("{acting} {task}")).starts_with("`--purpose` starts a task of the command's own"));
    assert_eq!(said(&format!("--client shop --key k {task}")), "");
    assert!(said("--key k").starts_with("`--client` (WARDGATE_CLIENT) is missing"));
    assert!(said("--client shop").starts_with("say by what the client proves itself"));
    assert_eq!(said("--subject-token-file t"), "");
}
