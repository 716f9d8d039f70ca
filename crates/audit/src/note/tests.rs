use super::{Checkpoint, NOTE_BYTES_MAX, NoteError, SIGNATURES_MAX, Signer, Trusted, Verifier, open, sign};
use crate::tree::Hash;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;

/// A key for tests, the same in every run.
pub(crate) struct TestKey {
    name: String,
    pair: Ed25519KeyPair,
}

impl TestKey {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        Self { name: name.to_owned(), pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key") }
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::of(self).expect("a name")
    }

    /// The log that is called like this key.
    pub(crate) fn trusted(&self) -> Trusted {
        Trusted::of(self.verifier())
    }
}

impl Signer for TestKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.pair.sign(text).as_ref().try_into().expect("64 bytes")
    }

    fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().expect("32 bytes")
    }
}

const TEXT: &str = "gate.example.com/log/edge-1\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn key() -> TestKey {
    TestKey::new("gate.example.com/log/edge-1", 7)
}

fn note() -> String {
    sign(TEXT, &key()).expect("signed")
}

#[test]
fn the_key_and_note_of_the_first_implementation_are_read() {
    // The example in the documentation of golang.org/x/mod/sumdb/note.
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
                \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let key = Verifier::parse(vkey).expect("a key");
    assert_eq!(key.to_string(), vkey);
    assert_eq!(key.name(), "PeterNeumann");
    assert!(open(note.as_bytes(), &[key]).expect("verified").starts_with("If you think"));
}

#[test]
fn what_is_signed_is_opened() {
    assert_eq!(open(note().as_bytes(), &[key().verifier()]), Ok(TEXT));
    let checkpoint = key().trusted().open(note().as_bytes()).expect("opened");
    assert_eq!((checkpoint.size, checkpoint.to_string()), (7, TEXT.to_owned()));
    assert_eq!(checkpoint.sign(&key()).expect("signed"), note());
    // Blank lines belong to the text, up to the last one.
    let text = "one\n\ntwo\n";
    assert_eq!(open(sign(text, &key()).expect("signed").as_bytes(), &[key().verifier()]), Ok(text));
}

#[test]
fn signatures_of_others_say_nothing() {
    let other = TestKey::new("witness.example.com/w1", 9);
    let line = sign(TEXT, &other).expect("signed");
    let line = line.lines().next_back().expect("a signature");
    let both = format!("{}{line}\n", note());
    assert_eq!(open(both.as_bytes(), &[key().verifier()]), Ok(TEXT));
    assert_eq!(open(both.as_bytes(), &[other.verifier()]), Ok(TEXT));
    // The name without the id, the id without the name, another kind of signature.
    let same_name = TestKey::new("gate.example.com/log/edge-1", 9);
    assert_eq!(open(note().as_bytes(), &[same_name.verifier()]), Err(NoteError::NoKnownKey));
    assert_eq!(open(both.as_bytes(), &[same_name.verifier()]), Err(NoteError::NoKnownKey));
    let large = format!("{}\u{2014} pq.example.com/key {}\n", note(), STANDARD.encode(vec![3; 5000]));
    assert_eq!(open(large.as_bytes(), &[key().verifier()]), Ok(TEXT));
    assert_eq!(open(note().as_bytes(), &[]), Err(NoteError::NoKnownKey));
    // Twice the same is once.
    let twice = format!("{}{}\n", note(), note().lines().next_back().expect("a signature"));
    assert_eq!(open(twice.as_bytes(), &[key().verifier()]), Ok(TEXT));
}

#[test]
fn sixteen_signatures_are_taken_and_a_bound_holds() {
    let with = |others: usize| {
        let line = |number: usize| format!("\u{2014} witness.example.com/w{number} {}\n", STANDARD.encode([3; 68]));
        let (text, own) = note().split_once("\n\n").map(|(text, own)| (text.to_owned(), own.to_owned())).expect("two parts");
        format!("{text}\n\n{}{own}", (0..others).map(line).collect::<String>())
    };
    assert_eq!(open(with(15).as_bytes(), &[key().verifier()]), Ok(TEXT));
    assert_eq!(open(with(SIGNATURES_MAX - 1).as_bytes(), &[key().verifier()]), Ok(TEXT));
    assert_eq!(open(with(SIGNATURES_MAX).as_bytes(), &[key().verifier()]), Err(NoteError::Signatures));
    let long = format!("{}{}", "x\n".repeat(NOTE_BYTES_MAX / 2), note());
    assert_eq!(open(long.as_bytes(), &[key().verifier()]), Err(NoteError::Long));
}

#[test]
fn a_wrong_signature_of_a_known_key_voids_the_note() {
    let forged = note().replace("\n7\n", "\n6\n");
    let name = "gate.example.com/log/edge-1".to_owned();
    assert_eq!(open(forged.as_bytes(), &[key().verifier()]), Err(NoteError::Forged { name: name.clone() }));
    // Also where another known key's is right.
    let other = TestKey::new("witness.example.com/w1", 9);
    let theirs = sign(&TEXT.replace("\n7\n", "\n6\n"), &other).expect("signed");
    let both = format!("{forged}{}\n", theirs.lines().next_back().expect("a signature"));
    assert_eq!(open(both.as_bytes(), &[other.verifier(), key().verifier()]), Err(NoteError::Forged { name }));
}

#[test]
fn what_is_no_note_is_refused() {
    let refused = |note: &[u8]| open(note, &[key().verifier()]).expect_err("refused");
    let note = note();
    let own = note.lines().next_back().expect("a signature");
    let line = NoteError::Signature { line: 1 };
    assert_eq!(refused(b""), NoteError::Unsigned);
    assert_eq!(refused(TEXT.as_bytes()), NoteError::Unsigned);
    assert_eq!(refused(format!("\n\n{own}\n").as_bytes()), NoteError::Unsigned);
    assert_eq!(refused(note.trim_end().as_bytes()), NoteError::Unsigned);
    assert_eq!(refused(format!("{TEXT}\n").as_bytes()), NoteError::Unsigned);
    assert_eq!(refused(note.replace('\n', "\r\n").as_bytes()), NoteError::NotText);
    assert_eq!(refused(&[note.as_bytes(), b"\xff"].concat()), NoteError::NotText);
    assert_eq!(refused(note.replace('\u{2014}', "-").as_bytes()), line);
    assert_eq!(refused(note.replace('\u{2014}', "\u{2014} ").as_bytes()), line);
    assert_eq!(refused(note.replace("edge-1 ", "edge+1 ").as_bytes()), line);
    assert_eq!(refused(note.replace("edge-1 ", "edge\u{2003}1 ").as_bytes()), line);
    assert_eq!(refused(format!("{TEXT}\n\u{2014} x AAAAAA==\n").as_bytes()), line);
    assert_eq!(refused(note.replace("=\n", "\n").as_bytes()), line);
    assert_eq!(refused(format!("{note}more\n").as_bytes()), NoteError::Signature { line: 2 });
}

#[test]
fn every_flipped_bit_of_a_checkpoint_is_found() {
    let (note, trusted) = (note().into_bytes(), key().trusted());
    for bit in 0..note.len() * 8 {
        let mut flipped = note.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(trusted.open(&flipped).is_err(), "bit {bit}: {}", String::from_utf8_lossy(&flipped));
    }
}

#[test]
fn checkpoints_are_read_strictly() {
    let refused = |text: &str| match Checkpoint::parse(text) {
        Err(NoteError::Checkpoint { part }) => part,
        other => panic!("{text:?}: {other:?}"),
    };
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    assert_eq!(refused(""), "end");
    assert_eq!(refused("\n7\n"), "origin");
    for size in ["", "07", "+7", "-7", " 7", "7 ", "0x7", "18446744073709551616"] {
        assert_eq!(refused(&format!("o\n{size}\n{root}\n")), "size");
    }
    for bad in ["", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=", "AAAA"] {
        assert_eq!(refused(&format!("o\n7\n{bad}\n")), "root");
    }
    assert_eq!(refused(&format!("o\n7\n{root}\n\nmore\n")), "extension");
    let extended = Checkpoint::parse(&format!("o\n18446744073709551615\n{root}\nmore\n")).expect("read");
    assert_eq!((extended.size, extended.extension), (u64::MAX, vec!["more".to_owned()]));
    // Nor is something else written.
    let bad = |origin: &str, extension: &str| {
        let checkpoint = Checkpoint { origin: origin.into(), size: 0, root: Hash::EMPTY, extension: vec![extension.into()] };
        checkpoint.sign(&key()).is_err()
    };
    assert!(bad("", "x") && bad("a\nb", "x") && bad("o", "") && bad("o", "x\ny") && bad("o", "\u{1}"));
    assert!(!bad("o", "x"));
    assert_eq!(sign("no line feed", &key()), Err(NoteError::Unsigned));
}

#[test]
fn a_checkpoint_of_another_log_is_not_ours() {
    let note = sign(&TEXT.replace("edge-1", "edge-2"), &key()).expect("signed");
    let (found, expected) = ("gate.example.com/log/edge-2".to_owned(), "gate.example.com/log/edge-1".to_owned());
    assert_eq!(key().trusted().open(note.as_bytes()), Err(NoteError::Origin { found, expected }));
}

#[test]
fn keys_are_read_strictly() {
    let vkey = key().verifier().to_string();
    assert_eq!(Verifier::parse(&vkey), Ok(key().verifier()));
    for wrong in
        ["", "a", "a+b", "a+00000000+AQ==", &vkey.replace("edge-1", "edge-2"), &vkey.to_uppercase(), &format!("{vkey}A"), &vkey[..80]]
    {
        assert!(Verifier::parse(wrong).is_err(), "{wrong}");
    }
    for name in ["", "a b", "a+b", "a\tb", &"x".repeat(513)] {
        assert!(matches!(Verifier::new(name, [0; 32]), Err(NoteError::Name(_))), "{name}");
        assert!(sign(TEXT, &TestKey::new(name, 1)).is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "(\u{2014}|\n| |[a-zA-Z+/=]){0,80}") {
        prop_assert!(open(&bytes, &[key().verifier()]).is_err());
        prop_assert!(open(text.as_bytes(), &[key().verifier()]).is_err());
        let _ = Checkpoint::parse(&text).is_ok();
        let _ = Verifier::parse(&text).is_ok();
    }
}
