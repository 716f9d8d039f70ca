use super::{
    Asked, Checked, Fault, Proof, ProofKey, Proving, Room,
    nonce::{NonceKey, Space},
    prove, target,
};
use crate::{
    api_key::Pepper,
    jose::{algorithm::Algorithm, base64url, hash, signer::Signer},
};
use serde_json::{Value, json};
use std::{borrow::Cow, time::Duration};
use wardgate_model::{api::OperationClass, id::ApiName, time::Time};

const NOW: Time = Time::from_seconds(1_800_000_000);
const URL: &str = "https://gate.example/ledger/entries";

fn signer(algorithm: Algorithm) -> Signer {
    Signer::load(Signer::generate_for(algorithm).expect("a key").danger_expose()).expect("a signer")
}

fn origins() -> Vec<Box<str>> {
    vec![target::origin("https://other.example").expect("an origin"), target::origin("https://gate.example").expect("an origin")]
}

fn good() -> Value {
    json!({ "jti": "one", "htm": "POST", "htu": URL, "iat": NOW.as_seconds() })
}

/// A proof with the claims of `change` over those of a good one; `null` takes one out.
fn proof(signer: &Signer, change: &Value) -> String {
    let mut claims = good();
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in change.as_object().expect("an object") {
        if value.is_null() { drop(members.remove(name)) } else { drop(members.insert(name.clone(), value.clone())) }
    }
    signer.sign_showing_key("dpop+jwt", &claims).expect("signed")
}

fn raw(head: &Value, claims: &str) -> String {
    format!("{}.{}.AAAA", base64url::encode(head.to_string().as_bytes()), base64url::encode(claims.as_bytes()))
}

fn look(text: &str, nonce: Option<(&NonceKey, Space<'_>)>, now: Time) -> Result<(Checked<'static>, [u8; 32]), Fault> {
    let (mut room, origins) = (Room::default(), origins());
    let proof = Proof::read(text, None, &mut room)?;
    let checked = proof.check(&Asked { method: "POST", origins: &origins, path: "/ledger/entries", nonce, token: None, now })?;
    let Checked { id, target, token, nonce, ends } = checked;
    let own = |text: Cow<'_, [u8]>| Cow::Owned(text.into_owned());
    let checked = Checked { id: own(id), target: own(target), token: token.map(own), nonce: nonce.map(own), ends };
    let key = ProofKey::read(proof.head())?;
    if proof.is_of(&key) { Ok((checked, *key.thumbprint())) } else { Err(Fault::NoKey) }
}

fn refused(text: &str) -> String {
    look(text, None, NOW).expect_err("refused").to_string()
}

#[test]
fn what_we_make_is_good_with_either_algorithm() {
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        let signer = signer(algorithm);
        let proving = Proving { method: "POST", target: URL, token: Some("a-token"), nonce: None, id: &[7; 16], now: NOW };
        let (checked, key) = look(&prove(&signer, &proving).expect("signed"), None, NOW).expect("good");
        assert_eq!(base64url::encode(&key), signer.kid());
        assert_eq!((&*checked.id, &*checked.target), (base64url::encode(&[7; 16]).as_bytes(), URL.as_bytes()));
        assert_eq!(checked.token.as_deref(), Some(base64url::encode(&hash("a-token")).as_bytes()));
    }
}

/// A field is bytes, and may hold such as are no text.
#[test]
fn what_is_no_ascii_is_refused_wherever_it_stands() {
    let whole = proof(&signer(Algorithm::Es256), &json!({})).into_bytes();
    assert!(Proof::read(&whole, None, &mut Room::default()).is_ok());
    for at in 0..whole.len() {
        for byte in [0x00, b' ', 0x7f, 0x80, 0xc3, 0xff] {
            let mut text = whole.clone();
            text[at] = byte;
            let wrong = !byte.is_ascii() || text[..=at].contains(&b'.') || !text[at..].contains(&b'.');
            assert!(!wrong || Proof::read(&text, None, &mut Room::default()).is_err(), "{byte:#x} at {at}");
        }
    }
}

/// Whatever key is said to be known, a proof has that of its own header.
#[test]
fn a_key_that_is_known_is_that_of_the_same_header_alone() {
    let (own, other) = (signer(Algorithm::Es256), signer(Algorithm::Es256));
    let (text, others) = (proof(&own, &json!({})), proof(&other, &json!({})));
    let key = |text: &str| ProofKey::read(text.split('.').next().expect("a header").as_bytes()).expect("a key");
    let (key, other) = (key(&text), key(&others));
    let known = |text: &str, key: &ProofKey| Proof::read(text, Some(key), &mut Room::default()).map(|proof| proof.key().is_some());
    assert_eq!((known(&text, &key), known(&text, &other)), (Ok(true), Ok(false)));
    // One that begins so and goes on, or ends too early, is another.
    let (head, rest) = text.split_once('.').expect("parts");
    for head in [format!("{head}A"), format!("A{head}"), head[..head.len() - 1].to_owned(), String::new()] {
        assert_eq!(known(&format!("{head}.{rest}"), &key), Ok(false), "{head}");
    }
    assert!(known(head, &key).is_err() && known(&format!("{head}{rest}"), &key).is_err() && known(&format!("{head}."), &key).is_err());
    let mut room = Room::default();
    let read = Proof::read(&text, Some(&key), &mut room).expect("a proof");
    assert!(read.is_of(&key) && !read.is_of(&other) && read.head() == &**key.head());
}

/// RFC 9449 §4.1, figure 2, with its own key and signature.
#[test]
fn the_example_of_rfc_9449_is_good() {
    let text = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR\
                nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwia\
                HRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiM\
                LvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let origins = [target::origin("https://server.example.com").expect("an origin")];
    let now = Time::from_seconds(1_562_262_616);
    let mut room = Room::default();
    let proof = Proof::read(text, None, &mut room).expect("a proof");
    let checked = proof.check(&Asked { method: "POST", origins: &origins, path: "/token", nonce: None, token: None, now }).expect("good");
    let key = ProofKey::read(proof.head()).expect("a key");
    assert!(proof.is_of(&key));
    // §6.1: the confirmation of the token that goes with it.
    assert_eq!(base64url::encode(key.thumbprint()), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!((&*checked.id, checked.token), (b"-BwC3ESc6acc2lTc".as_slice(), None));
}

/// STANDARDS §1.6, by name.
#[test]
fn proofs_are_refused_where_the_standard_says_so() {
    let signer = signer(Algorithm::Es256);
    let with = |change: Value| refused(&proof(&signer, &change));
    assert_eq!(with(json!({ "htm": "GET" })), "`htm` is another method");
    assert_eq!(with(json!({ "htm": "post" })), "`htm` is another method");
    assert_eq!(with(json!({ "htu": "https://gate.example/ledger" })), "`htu` is another address");
    for name in ["jti", "htm", "htu", "iat"] {
        assert_eq!(with(json!({ name: null })), format!("the claim `{name}` is missing or ill-formed"));
        assert_eq!(with(json!({ name: [1] })), format!("the claim `{name}` is missing or ill-formed"));
    }
    assert_eq!(with(json!({ "jti": "" })), "the claim `jti` is missing or ill-formed");
    assert_eq!(with(json!({ "jti": "x".repeat(257) })), "the claim `jti` is missing or ill-formed");
    assert_eq!(with(json!({ "ath": "short" })), "the claim `ath` is missing or ill-formed");
    assert!(look(&proof(&signer, &json!({ "exp": 1, "more": { "a": [1] } })), None, NOW).is_ok(), "what nobody reads");
    // Its kind, its algorithm, its key.
    let typed = signer.sign_showing_key("JWT", &good()).expect("signed");
    assert_eq!(refused(&typed), "the proof cannot be read: the header's `typ` is `JWT`");
    let keyless = signer.sign("dpop+jwt", &good()).expect("signed");
    assert_eq!(refused(&keyless), "the header's `jwk` is missing or no object");
    let claims = good().to_string();
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA" });
    let mut private = jwk.clone();
    private["d"] = "AAAA".into();
    for (head, expected) in [
        (json!({ "typ": "dpop+jwt", "alg": "none", "jwk": jwk }), "the proof cannot be read: the token is not signed: its `alg` is `none`"),
        (
            json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": jwk }),
            "the proof cannot be read: the header's `alg` is `HS256`, which proves nothing here",
        ),
        (
            json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" } }),
            "the proof cannot be read: the header's `alg` is `HS256`, which proves nothing here",
        ),
        (
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": { "kty": "oct", "k": "AAAA" } }),
            "the header's `jwk` does not count: it is a symmetric key",
        ),
        (
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": private }),
            "the header's `jwk` does not count: it has the member `d` of a private key",
        ),
        (
            json!({ "typ": "dpop+jwt", "alg": "ES384", "jwk": jwk }),
            "the header's `jwk` does not count: `ES256` is not among the allowed algorithms",
        ),
        (
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk, "crit": ["x"] }),
            "the proof cannot be read: the header has `crit`: the token wants an extension that is not known here",
        ),
    ] {
        assert_eq!(refused(&raw(&head, &claims)), expected, "{head}");
    }
    assert_eq!(
        look(&raw(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }), &claims), None, NOW),
        Err(Fault::NoKey),
        "its signature"
    );
    // Read in one way, or not at all.
    for (text, expected) in [
        (r#"{"jti":"a","jti":"b","htm":"POST","htu":"u","iat":1}"#, "the member `jti` is there twice"),
        (r#"{"x":1,"x":2}"#, "the member `x` is there twice"),
        (r#"["a","POST","u",1,null,null]"#, "JSON, but no object"),
        ("{", "no JSON"),
    ] {
        let said = refused(&raw(&json!({}), text));
        assert!(said.contains(expected), "{said}");
    }
    for text in ["", "a.b", "a.b.c.d", "a.b.c.d.e", "é.é.é", "a.A.AA"] {
        assert!(look(text, None, NOW).is_err(), "{text}");
    }
    assert!(refused(&format!("a.b.{}", "A".repeat(17_000))).ends_with("too long"));
}

/// −60 s and +5 s, each with the skew of 30 s: the last moment counts, the next does not.
#[test]
fn a_proof_counts_for_a_short_while() {
    let text = proof(&signer(Algorithm::Es256), &json!({}));
    let at = |seconds: i64, micros: i64| look(&text, None, Time::from_micros((NOW.as_seconds() + seconds) * 1_000_000 + micros));
    assert!(at(90, 0).is_ok() && at(-35, 0).is_ok());
    assert_eq!(at(90, 1).expect_err("old"), Fault::Old);
    assert_eq!(at(-35, -1).expect_err("early"), Fault::Early);
    // It is remembered for as long as it is taken, its last moment included.
    assert_eq!(at(0, 0).expect("good").0.ends, Time::from_micros((NOW.as_seconds() + 90) * 1_000_000 + 1));
}

#[test]
fn a_nonce_counts_in_its_space_for_a_while_at_every_gate() {
    let (signer, pepper, other) = (signer(Algorithm::Es256), Pepper::new(&[7; 32]), Pepper::new(&[8; 32]));
    let (ledger, stock) = (ApiName::literal("ledger"), ApiName::literal("stock"));
    let space = Space::Api(&ledger, OperationClass::Bulk);
    let nonce = NonceKey::of(&pepper).offer(space, NOW);
    let key = NonceKey::of(&pepper);
    // Of a client whose clock is an hour late: the nonce says when it was made.
    let late = json!({ "nonce": nonce, "iat": NOW.as_seconds() - 3600 });
    let text = proof(&signer, &late);
    let at = |key: &NonceKey, space, seconds: u64| look(&text, Some((key, space)), NOW + Duration::from_secs(seconds)).map(|_| ());
    assert_eq!(at(&key, space, 0), Ok(()));
    assert_eq!(at(&key, space, 90), Ok(()));
    assert_eq!(at(&key, space, 91), Err(Fault::Nonce));
    assert_eq!(at(&NonceKey::of(&other), space, 0), Err(Fault::Nonce));
    for space in [
        Space::TokenService,
        Space::Api(&stock, OperationClass::Bulk),
        Space::Api(&ledger, OperationClass::List),
        Space::Signatures(&ledger),
    ] {
        assert_eq!(at(&key, space, 0), Err(Fault::Nonce));
    }
    assert_eq!(look(&text, None, NOW).map(|_| ()), Err(Fault::Old), "where none is wanted it does not help");
    for nonce in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(look(&proof(&signer, &json!({ "nonce": nonce })), Some((&key, space)), NOW).map(|_| ()), Err(Fault::Nonce));
    }
    assert_eq!(look(&proof(&signer, &json!({})), Some((&key, space)), NOW).map(|_| ()), Err(Fault::Nonce));
}

/// The nonce of a challenge is for one key at one API, and shows that it was made within the last minute, whatever the skew of clocks.
#[test]
fn the_nonce_of_a_challenge_is_for_one_key_and_for_a_shorter_while() {
    let (ledger, stock) = (ApiName::literal("ledger"), ApiName::literal("stock"));
    let key = NonceKey::of(&Pepper::new(&[7; 32]));
    let space = Space::Challenge(&ledger, &[1; 32]);
    let nonce = key.offer(space, NOW);
    let made = |space, seconds: u64| key.made(space, &nonce, NOW + Duration::from_secs(seconds)).is_some();
    assert_eq!((made(space, 0), made(space, 60), made(space, 61)), (true, true, false));
    for other in [Space::Challenge(&stock, &[1; 32]), Space::Challenge(&ledger, &[2; 32]), Space::Api(&ledger, OperationClass::Read)] {
        assert!(!made(other, 0), "{other:?}");
    }
    // Where none is wanted it is told all the same, and does not change for how long the proof counts.
    let text = proof(&signer(Algorithm::Es256), &json!({ "nonce": nonce }));
    let (checked, _) = look(&text, None, NOW).expect("good");
    assert_eq!(
        (checked.nonce.as_deref(), checked.ends),
        (Some(nonce.as_bytes()), Time::from_micros((NOW.as_seconds() + 90) * 1_000_000 + 1))
    );
}
