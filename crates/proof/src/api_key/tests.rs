use super::{ApiKey, KEY_BYTES_MAX, KeyKind, find, generate, hash, matches};
use crate::{
    entropy::{Entropy, NoEntropy, SystemEntropy},
    keyring::Keyring,
};
use proptest::prelude::*;
use std::cell::Cell;
use wardgate_model::id::EnvironmentName;

// Computed with another implementation of CRC-32, base62 and HMAC (Python's zlib and hmac).
const API_KEY: &str = "wg_production_aB3dE5gH7jK9_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2Elzoh";
const SESSION: &str = "wgs_shared_aB3dE5gH7jK9_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3hi3zQ";
const SIGN_IN: &str = "wga_shared_aB3dE5gH7jK9_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg273SSi";
const LEADING_ZERO: &str = "wg_dev_000000000003_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg08lEQX";
const MASTER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Text in, text out: what is read of a key, or why it is none.
fn check(text: &str) -> String {
    match ApiKey::parse(text) {
        Ok(key) => format!("{:?} of {} for {}", key.kind(), key.id(), key.environment()),
        Err(error) => error.to_string(),
    }
}

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).expect("a name")
}

/// Gives the bytes 0, 1, 2, … and around again.
struct Counting(Cell<u8>);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            *byte = self.0.replace(self.0.get().wrapping_add(1));
        }
        Ok(())
    }
}

/// Gives one byte for ever.
struct Stuck(u8);

impl Entropy for Stuck {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill(self.0);
        Ok(())
    }
}

#[test]
fn keys_of_each_kind_are_read() {
    assert_eq!(check(API_KEY), "ApiKey of aB3dE5gH7jK9 for production");
    assert_eq!(check(SESSION), "Session of aB3dE5gH7jK9 for shared");
    assert_eq!(check(SIGN_IN), "SignIn of aB3dE5gH7jK9 for shared");
    assert_eq!(check(LEADING_ZERO), "ApiKey of 000000000003 for dev");
}

#[test]
fn what_is_not_ours_is_left_to_other_proofs() {
    for text in
        ["", "wg", "w", "eyJhbGciOiJFUzI1NiJ9.e30.AA", "WG_production_x_y", " wg_production_x_y", "wgx_production_x_y", "wg-production"]
    {
        assert_eq!(check(text), "this is no key of Wardgate", "{text}");
    }
}

#[test]
fn what_begins_like_ours_is_told_what_is_wrong() {
    let (secret, id) = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2Elzoh", "aB3dE5gH7jK9");
    let table = [
        ("wg_".to_owned(), "it does not have the parts environment, id and secret"),
        ("wg_production".to_owned(), "it does not have the parts environment, id and secret"),
        (format!("wg_production_{id}{secret}"), "it does not have the parts environment, id and secret"),
        (format!("wg__{id}_{secret}"), "its environment is not 1 to 32 of a-z, 0-9 and `-`"),
        (format!("wg_Production_{id}_{secret}"), "its environment is not 1 to 32 of a-z, 0-9 and `-`"),
        (format!("wg_pröd_{id}_{secret}"), "its environment is not 1 to 32 of a-z, 0-9 and `-`"),
        (format!("wg_{}_{id}_{secret}", "a".repeat(33)), "its environment is not 1 to 32 of a-z, 0-9 and `-`"),
        (format!("wg_production_{id}x_{secret}"), "its id is not 12 of 0-9, A-Z and a-z"),
        (format!("wg_production_aB3dE5gH7jK-_{secret}"), "its id is not 12 of 0-9, A-Z and a-z"),
        (format!("wg_production_{id}_{}", &secret[1..]), "its secret and checksum are not 49 of 0-9, A-Z and a-z"),
        (format!("wg_production_{id}_{secret}\n"), "its secret and checksum are not 49 of 0-9, A-Z and a-z"),
        (format!("wg_production_{id}_{}_{}", &secret[..20], &secret[21..]), "its secret and checksum are not 49 of 0-9, A-Z and a-z"),
        (format!("{API_KEY}{}", "x".repeat(10_000)), "it is longer than 99 bytes"),
    ];
    for (text, why) in table {
        assert_eq!(check(&text), format!("the key is not well-formed: {why}"), "{text}");
    }
}

/// STANDARDS §1.14: a wrong checksum never hits the database. `parse` is all that has run, and it has no database.
#[test]
fn a_mistyped_key_is_told_before_any_look_up() {
    let mistyped = API_KEY.replace("0123", "1023");
    assert_eq!(check(&mistyped), "the checksum of the key is wrong");
    assert_eq!(check(&API_KEY.replace("wg_", "wgs_")), "the checksum of the key is wrong");
    assert_eq!(check(&API_KEY.replace("production", "staging")), "the checksum of the key is wrong");
}

#[test]
fn nothing_of_the_secret_is_printed() {
    let key = ApiKey::parse(API_KEY).expect("a key");
    assert_eq!(format!("{key:?}"), "ApiKey(wg_production_aB3dE5gH7jK9_…)");
    let keyring = Keyring::parse(MASTER).expect("a master key");
    assert_eq!(format!("{keyring:?} {:?}", keyring.pepper()), "Keyring(…) Pepper(…)");
}

#[test]
fn the_stored_hash_is_the_one_it_always_was() {
    let pepper = Keyring::parse(MASTER).expect("a master key").pepper();
    let hex: String = hash(&pepper, API_KEY).bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "4e57ff734b4e9359878574b1aefe54a732819b2df3daf2c0cb3f271fb3e11958");
}

#[test]
fn only_the_key_on_record_matches() {
    let pepper = Keyring::parse(MASTER).expect("a master key").pepper();
    let other_pepper = Keyring::new([9; 32]).pepper();
    let on_record = hash(&pepper, API_KEY);
    assert!(matches(&pepper, API_KEY, Some(&on_record)));
    assert!(!matches(&pepper, SESSION, Some(&on_record)), "another kind with the same id and secret");
    assert!(!matches(&other_pepper, API_KEY, Some(&on_record)), "another installation");
    assert!(!matches(&pepper, API_KEY, None), "an id that is not on record");
    let nobody = wardgate_model::credential::KeyedHash::new([0; 32]);
    assert!(!matches(&pepper, API_KEY, Some(&nobody)), "the dummy itself, on record");
}

#[test]
fn digits_come_from_six_bits_and_two_values_are_thrown_away() {
    let (id, key) = generate(KeyKind::ApiKey, &environment("dev"), &Counting(Cell::new(56))).expect("a key");
    // 56 to 61 are `u` to `z`; 62 and 63 are no digit; then `0` to `5`.
    assert_eq!(id.as_str(), "uvwxyz012345");
    // A round takes 64 bytes whole, so the second begins at 120 = 56 (mod 64).
    assert!(key.danger_expose().starts_with("wg_dev_uvwxyz012345_uvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZa"), "{}", key.danger_expose());
    assert_eq!(check(key.danger_expose()), "ApiKey of uvwxyz012345 for dev");
}

#[test]
fn every_digit_is_equally_likely() {
    let mut seen = [0_u32; 128];
    for _ in 0..1_000 {
        let (_, key) = generate(KeyKind::ApiKey, &environment("e"), &SystemEntropy).expect("a key");
        let text = key.danger_expose();
        text[5..17].bytes().chain(text[18..61].bytes()).for_each(|digit| seen[usize::from(digit)] += 1);
    }
    // 55,000 digits, 887 of each expected, standard deviation 29.5. Chi-squared with 61 degrees of freedom exceeds 150
    // by chance once in about 10⁹ runs; taking the byte modulo 62 gives about 430.
    let expected = 55_000.0 / 62.0;
    let chi: f64 = super::DIGITS.iter().map(|d| (f64::from(seen[usize::from(*d)]) - expected).powi(2) / expected).sum();
    assert!(chi < 150.0, "chi-squared {chi}");
}

#[test]
fn no_key_without_randomness_or_a_fitting_environment() {
    let why = |name: &str, entropy: &dyn Entropy| {
        generate(KeyKind::ApiKey, &environment(name), entropy).map(|_| ()).expect_err("no key").to_string()
    };
    assert_eq!(why("dev", &Stuck(0xFF)), "the system gives no random bytes");
    assert_eq!(why("eu.prod", &SystemEntropy), "a key cannot name the environment `eu.prod`: use 1 to 32 of a-z, 0-9 and `-`");
    let long = "e".repeat(33);
    assert!(why(&long, &SystemEntropy).starts_with("a key cannot name"));
}

#[test]
fn a_key_is_found_where_none_belongs() {
    let found = |text: &str| find(text.as_bytes()).map_or_else(|| "nothing".to_owned(), |key| format!("{:?}", key.kind()));
    assert_eq!(found(&format!("token={API_KEY}&x=1")), "ApiKey");
    assert_eq!(found(&format!("wg_wg_wgs_x wg_{SESSION}trailing")), "Session");
    assert_eq!(found(&format!("{{\"k\":\"{SIGN_IN}\"}}")), "SignIn");
    assert_eq!(found(&API_KEY.replace("0123", "1023")), "nothing", "wrong checksum");
    assert_eq!(found(&API_KEY[..API_KEY.len() - 1]), "nothing", "cut");
    assert_eq!(found("wg_ wgs_ wga_ wg_a_b_c"), "nothing");
    assert_eq!(find(&[b"\xFF\xFEwg_\xFF\xFF ".as_slice(), API_KEY.as_bytes(), b"\xFF"].concat()).map(|key| key.text()), Some(API_KEY));
}

proptest! {
    #[test]
    fn made_read_matched(kind in prop::sample::select(&KeyKind::ALL[..]), name in "[a-z0-9][a-z0-9-]{0,31}", pepper in any::<[u8; 32]>()) {
        let pepper = Keyring::new(pepper).pepper();
        let (id, key) = generate(kind, &environment(&name), &SystemEntropy).expect("a key");
        let text = key.danger_expose().as_str();
        prop_assert!(text.len() <= KEY_BYTES_MAX);
        let read = ApiKey::parse(text).expect("readable");
        prop_assert_eq!((read.kind(), read.environment(), read.id(), read.text()), (kind, name.as_str(), id.as_str(), text));
        let query = format!("?{text}");
        prop_assert_eq!(find(query.as_bytes()), Some(read));
        prop_assert!(matches(&pepper, text, Some(&hash(&pepper, text))));
    }

    #[test]
    fn one_changed_character_is_never_let_through(at in any::<prop::sample::Index>(), to in "[0-9A-Za-z_-]") {
        let pepper = Keyring::parse(MASTER).expect("a master key").pepper();
        let on_record = hash(&pepper, API_KEY);
        let at = at.index(API_KEY.len());
        let mut changed = API_KEY.to_owned();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != API_KEY);
        // CRC-32 tells every change within four bytes, so this is told before any look-up; the hash would tell it too.
        prop_assert!(ApiKey::parse(&changed).is_err());
        prop_assert!(!matches(&pepper, &changed, Some(&on_record)));
    }

    #[test]
    fn parse_never_panics(text in ".{0,200}", tail in "(wg|wgs|wga)_[a-z]{0,3}_?[0-9A-Za-z]{10,14}_?[0-9A-Za-z]{40,60}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ApiKey::parse(&text);
        let _ = ApiKey::parse(&tail);
        let _ = find(&bytes);
        let _ = find(format!("{text}{tail}{text}").as_bytes());
    }
}
