use super::{Fields, Key, Malformed, SecretError, Signature, Unusable, generate, hash, open, seal};
use crate::{
    api_key,
    entropy::SystemEntropy,
    keyring::Keyring,
    seal::{OpenError, SealPurpose},
};
use aws_lc_rs::hmac;
use proptest::prelude::*;
use std::time::Duration;
use wardgate_model::{
    credential::SignatureScheme::{self, Body, StandardWebhooks, Timestamped, Versioned},
    id::CredentialId,
    secret::Secret,
    time::Time,
};

const SECRET: &str = "an-agreed-secret-of-32-characters";
const BODY: &[u8] = br#"{"hello":"world"}"#;

fn fields<'a>(signature: &'a str, timestamp: Option<&'a str>, message: Option<&'a str>) -> Fields<'a> {
    Fields { signature, timestamp, message }
}

fn hex(signed: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed);
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn good(scheme: SignatureScheme, fields: &Fields<'_>, secret: &str, body: &[u8]) -> bool {
    let key = Key::parse(scheme, secret).expect("a key");
    Signature::read(scheme, fields).is_ok_and(|signature| signature.verify(&key, body).is_some())
}

/// The example of the specification's own libraries.
#[test]
fn standard_webhooks_has_the_vector_of_its_libraries() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = br#"{"test": 2432232314}"#;
    let shown = |signature| fields(signature, Some("1614265330"), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert!(good(StandardWebhooks, &shown(signature), secret, body));
    // One of several is enough; versions that are not known count for nothing.
    let several = format!("v1a,AAAA v1,{} {signature}", "A".repeat(43) + "=");
    assert!(good(StandardWebhooks, &shown(&several), secret, body));
    assert!(good(StandardWebhooks, &shown(signature), &secret[6..], body), "the prefix is no part of the secret");
    assert!(!good(StandardWebhooks, &shown(signature), secret, br#"{"test": 2432232315}"#));
    assert!(!good(StandardWebhooks, &fields(signature, Some("1614265331"), Some("msg_p5jXN8AQM9LWM0D4loKWxJek")), secret, body));
    assert!(!good(StandardWebhooks, &fields(signature, Some("1614265330"), Some("msg_other")), secret, body));
}

/// The example of GitHub's documentation ("Validating webhook deliveries").
#[test]
fn body_has_the_vector_of_its_first_sender() {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let key = super::Key(hmac::Key::new(hmac::HMAC_SHA256, b"It's a Secret to Everybody"));
    assert!(Signature::read(Body, &fields(signature, None, None)).unwrap().verify(&key, b"Hello, World!").is_some());
    // Without the prefix, and in base64, as other senders have it.
    let mac = Signature::read(Body, &fields(&signature[7..], None, None)).unwrap().verify(&key, b"Hello, World!").unwrap();
    let base64 = base64::Engine::encode(&super::STANDARD, mac);
    assert!(Signature::read(Body, &fields(&base64, None, None)).unwrap().verify(&key, b"Hello, World!").is_some());
}

/// The example of Slack's documentation ("Verifying requests from Slack").
#[test]
fn versioned_has_the_vector_of_its_first_sender() {
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let shown = fields("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", Some("1531420618"), None);
    assert!(good(Versioned, &shown, "8f742231b10e8888abcd99yyyzzz85a5", body));
    assert!(!good(Versioned, &Fields { timestamp: Some("1531420619"), ..shown }, "8f742231b10e8888abcd99yyyzzz85a5", body));
}

#[test]
fn timestamped_takes_one_of_several_in_one_field() {
    let mac = hex(&[b"1492774577.".as_slice(), BODY].concat());
    let other = "0".repeat(64);
    for signature in
        [format!("t=1492774577,v1={mac}"), format!("v1={other},v1={mac},t=1492774577"), format!("t=1492774577, v1={mac}, v0={other}")]
    {
        assert!(good(Timestamped, &fields(&signature, None, None), SECRET, BODY), "{signature}");
        assert!(!good(Timestamped, &fields(&signature, None, None), "another-secret-of-some-length", BODY));
    }
}

#[test]
fn what_has_no_one_meaning_is_malformed() {
    let mac = "0".repeat(64);
    let b64 = format!("{}=", "A".repeat(43));
    let nine = format!("t=1{}", format!(",v1={mac}").repeat(9));
    let long = format!("t=1,v1={mac},x={}", "y".repeat(2048));
    for (scheme, signature, timestamp, message) in [
        (Timestamped, "", None, None),
        (Timestamped, &format!("v1={mac}"), None, None),
        (Timestamped, &format!("v1={mac}"), Some("1"), None),
        (Timestamped, "t=1", None, None),
        (Timestamped, &format!("t=1,t=1,v1={mac}"), None, None),
        (Timestamped, &format!("t=+1,v1={mac}"), None, None),
        (Timestamped, &format!("t=-1,v1={mac}"), None, None),
        (Timestamped, &format!("t= 1,v1={mac}"), None, None),
        (Timestamped, &format!("t=,v1={mac}"), None, None),
        (Timestamped, &format!("t=9999999999999,v1={mac}"), None, None),
        (Timestamped, &format!("t=1,v1={}", &mac[1..]), None, None),
        (Timestamped, &format!("t=1,v1=g{}", &mac[1..]), None, None),
        (Timestamped, &nine, None, None),
        (Timestamped, &long, None, None),
        (StandardWebhooks, &format!("v1,{b64}"), None, Some("a")),
        (StandardWebhooks, &format!("v1,{b64}"), Some("1"), None),
        (StandardWebhooks, &format!("v1,{b64}"), Some("1"), Some("")),
        (StandardWebhooks, &format!("v1,{b64}"), Some("1"), Some("a.b")),
        (StandardWebhooks, &format!("v1,{b64}"), Some("1"), Some("a b")),
        (StandardWebhooks, &format!("v2,{b64}"), Some("1"), Some("a")),
        (StandardWebhooks, "v1,AAAA", Some("1"), Some("a")),
        (Versioned, &format!("v0={mac}"), None, None),
        (Versioned, &format!("v1={mac}"), Some("1"), None),
        (Body, "sha256=", None, None),
        (Body, &format!("sha1={}", &mac[..40]), None, None),
    ] {
        assert_eq!(Signature::read(scheme, &fields(signature, timestamp, message)), Err(Malformed), "{scheme} {signature}");
    }
}

#[test]
fn a_moment_is_near_enough_on_both_sides() {
    let now = Time::from_micros(1_000_000_000_000);
    let minutes = Duration::from_mins(5);
    let signed = |seconds: i64| format!("t={seconds},v1={}", "0".repeat(64));
    for (seconds, timely) in [(1_000_000, true), (999_700, true), (1_000_300, true), (999_699, false), (1_000_301, false), (0, false)] {
        let signature = signed(seconds);
        let read = Signature::read(Timestamped, &fields(&signature, None, None)).unwrap();
        assert_eq!(read.is_timely(now, minutes), timely, "{seconds}");
    }
    let hex = "0".repeat(64);
    let undated = Signature::read(Body, &fields(&hex, Some("1"), None)).unwrap();
    assert_eq!((undated.made(), undated.is_timely(now, minutes)), (None, true));
}

#[test]
fn what_is_signed_here_verifies_here() {
    let secret = generate(&SystemEntropy).unwrap();
    for scheme in SignatureScheme::ALL {
        let key = Key::parse(*scheme, secret.danger_expose()).unwrap();
        let signed = super::sign(*scheme, &key, "msg_1", 1_800_000_000, BODY);
        let shown = fields(&signed, Some("1800000000"), Some("msg_1"));
        assert!(good(*scheme, &shown, secret.danger_expose(), BODY), "{scheme}");
    }
}

#[test]
fn secrets_have_a_length_and_a_form() {
    for (scheme, text, wrong) in [
        (Body, "short", SecretError::Length(5)),
        (Body, "a secret with some spaces", SecretError::Characters),
        (Body, "a-secret-with-a-line-end\n", SecretError::Characters),
        (StandardWebhooks, "whsec_not*base64*at*all*", SecretError::Encoding),
        (StandardWebhooks, "whsec_AAAAAAAAAAAAAAAA", SecretError::Decoded(12)),
    ] {
        assert_eq!(Key::parse(scheme, text).expect_err("wrong"), wrong, "{text:?}");
    }
    assert!(matches!(Key::parse(Body, &"x".repeat(257)), Err(SecretError::Length(257))));
    let made = generate(&SystemEntropy).unwrap();
    assert!(made.danger_expose().starts_with("whsec_"));
    for scheme in SignatureScheme::ALL {
        let key = Key::parse(*scheme, made.danger_expose()).expect("good for every scheme");
        assert_eq!(format!("{key:?}"), "Key(…)");
    }
}

#[test]
fn a_sealed_secret_opens_for_its_own_credential_only() {
    let ring = Keyring::new([7; 32]);
    let key = ring.sealing_key(SealPurpose::WebhookSecret);
    let (one, other) = (CredentialId::of(1), CredentialId::of(2));
    let sealed = seal(&key, &one, &Secret::new(SECRET.to_owned()), &SystemEntropy).unwrap();
    assert!(!sealed.windows(8).any(|part| SECRET.as_bytes().windows(8).any(|secret| secret == part)));
    let opened = open(&key, &one, &sealed, Body).expect("opens");
    let mac = hex(BODY);
    assert!(Signature::read(Body, &fields(&mac, None, None)).unwrap().verify(&opened, BODY).is_some());
    assert_eq!(open(&key, &other, &sealed, Body).expect_err("shut"), Unusable::Sealed(OpenError::Forged));
    let upstream = ring.sealing_key(SealPurpose::UpstreamSecret);
    assert_eq!(open(&upstream, &one, &sealed, Body).expect_err("shut"), Unusable::Sealed(OpenError::Forged));
    assert_eq!(open(&key, &one, &sealed, StandardWebhooks).expect_err("no such secret"), Unusable::Secret(SecretError::Encoding));
}

#[test]
fn the_hash_of_a_secret_is_never_that_of_a_key() {
    let pepper = Keyring::new([7; 32]).pepper();
    let of_secret = hash(&pepper, SECRET);
    assert!(api_key::same(&of_secret, &hash(&pepper, SECRET)));
    assert!(!api_key::same(&of_secret, &api_key::hash(&pepper, SECRET)));
    assert!(!api_key::same(&of_secret, &api_key::foreign(&pepper, SECRET).1));
}

proptest! {
    #[test]
    fn reading_never_panics_and_what_it_reads_verifies_nothing(
        scheme in prop::sample::select(SignatureScheme::ALL), signature in ".{0,200}", timestamp in prop::option::of("[0-9+ -]{0,14}"), message in prop::option::of(".{0,20}"),
    ) {
        let shown = fields(&signature, timestamp.as_deref(), message.as_deref());
        if let Ok(read) = Signature::read(scheme, &shown) {
            let key = Key::parse(scheme, generate(&SystemEntropy).unwrap().danger_expose()).unwrap();
            prop_assert!(read.verify(&key, BODY).is_none());
        }
    }

    #[test]
    fn another_body_or_moment_is_another_signature(body in prop::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let signed = format!("t=1492774577,v1={}", hex(&[b"1492774577.".as_slice(), &body].concat()));
        prop_assert!(good(Timestamped, &fields(&signed, None, None), SECRET, &body));
        let mut flipped = [body.as_slice(), b"."].concat();
        prop_assert!(!good(Timestamped, &fields(&signed, None, None), SECRET, &flipped));
        flipped.pop();
        if !flipped.is_empty() {
            let at = at.index(flipped.len());
            flipped[at] ^= 1 << bit;
            prop_assert!(!good(Timestamped, &fields(&signed, None, None), SECRET, &flipped));
        }
    }
}
