use super::Keyring;
use crate::{entropy::SystemEntropy, seal::SealPurpose};
use proptest::prelude::*;

const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text in, text out: the derived pepper, or why there is none.
fn check(text: &str) -> String {
    match Keyring::parse(text) {
        Ok(keyring) => hex(&*keyring.derive(super::PEPPER_LABEL)),
        Err(error) => error.to_string(),
    }
}

/// Computed with another implementation of HKDF-SHA-256. These must hold for ever: every stored hash rests on them.
#[test]
fn each_purpose_has_the_key_it_always_had() {
    let keyring = Keyring::parse(HEX).expect("a master key");
    assert_eq!(hex(&*keyring.derive("api-key pepper")), "ef974433099374eabf7f8d6b543728e01dd2a9c5f7e377ce98c090ef31c0812d");
    let labels = [SealPurpose::UpstreamSecret, SealPurpose::SigningKey].map(|purpose| hex(&*keyring.derive(purpose.label())));
    assert_eq!(labels[0], "c0515c35e9f596ce29aa8db9aa4268eda281e39f20acf7a26f59f7c034a78265");
    assert_eq!(labels[1], "df4543afb8e6d780d974b40b5d051ec9de53f616da35eaf837fa5c08c74ca947");
}

#[test]
fn both_forms_are_read_with_what_an_editor_leaves_round_them() {
    let pepper = check(HEX);
    for text in [
        BASE64.to_owned(),
        format!("{BASE64}\n"),
        format!("{BASE64}="),
        format!("{BASE64}=\r\n"),
        HEX.to_uppercase(),
        format!(" {HEX}\n\n"),
    ] {
        assert_eq!(check(&text), pepper, "{text:?}");
    }
}

#[test]
fn what_is_no_key_is_told_why() {
    let table = [
        (String::new(), "the master key is empty: it is 32 random bytes as 64 hexadecimal digits or in base64url"),
        ("\n".to_owned(), "the master key is empty: it is 32 random bytes as 64 hexadecimal digits or in base64url"),
        ("hunter2".to_owned(), "the master key has 7 characters: it is 32 bytes as 64 hexadecimal digits or as 43 characters of base64url"),
        (HEX.replace("0a", "xa"), "the master key has 64 characters, but the one at position 21 is no hexadecimal digit"),
        (HEX[1..].to_owned(), "the master key has 63 characters: it is 32 bytes as 64 hexadecimal digits or as 43 characters of base64url"),
        (BASE64.replace('A', "+"), "the master key is not base64url of 32 bytes: use A-Z, a-z, 0-9, `-` and `_`"),
        (format!("{BASE64}A"), "the master key is not base64url of 32 bytes: use A-Z, a-z, 0-9, `-` and `_`"),
        (format!("{}9", &BASE64[..42]), "the master key is not base64url of 32 bytes: use A-Z, a-z, 0-9, `-` and `_`"),
        ("0".repeat(64), "the master key is one byte repeated: make a random one"),
    ];
    for (text, why) in table {
        assert_eq!(check(&text), why, "{text:?}");
    }
}

#[test]
fn a_new_master_key_is_readable_and_new() {
    let [one, two] = [(); 2].map(|()| Keyring::generate(&SystemEntropy).expect("a master key"));
    assert!(Keyring::parse(one.danger_expose()).is_ok());
    assert_ne!(one.danger_expose(), two.danger_expose());
}

proptest! {
    #[test]
    fn parse_never_panics(text in ".{0,70}", close in "[0-9A-Za-z_=+-]{42,65}") {
        let _ = Keyring::parse(&text);
        let _ = Keyring::parse(&close);
    }

    #[test]
    fn both_forms_say_the_same(bytes in any::<[u8; 32]>()) {
        use base64::Engine as _;
        prop_assume!(bytes != [bytes[0]; 32]);
        let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        prop_assert_eq!(check(&base64), check(&hex(&bytes)));
        prop_assert_eq!(check(&base64), hex(&*Keyring::new(bytes).derive(super::PEPPER_LABEL)));
    }
}
