use super::{OpenError, PLAIN_BYTES_MAX, SealError, SealPurpose, SealingKey};
use crate::{
    entropy::{Entropy, NoEntropy, SystemEntropy},
    keyring::Keyring,
};
use proptest::prelude::*;

fn key(master: u8, purpose: SealPurpose) -> SealingKey {
    Keyring::new([master; 32]).sealing_key(purpose)
}

fn upstream() -> SealingKey {
    key(1, SealPurpose::UpstreamSecret)
}

struct NoRandomness;

impl Entropy for NoRandomness {
    fn fill(&self, _: &mut [u8]) -> Result<(), NoEntropy> {
        Err(NoEntropy)
    }
}

#[test]
fn sealed_then_opened_is_the_same() {
    for plain in [b"".as_slice(), b"hunter2", &[7; PLAIN_BYTES_MAX]] {
        let envelope = upstream().seal("ledger", plain, &SystemEntropy).expect("sealed");
        assert_eq!(envelope.len(), 1 + 12 + plain.len() + 16);
        assert_eq!(upstream().open("ledger", &envelope).expect("opened").danger_expose(), plain);
    }
}

#[test]
fn it_opens_under_its_own_name_purpose_and_master_key_only() {
    let envelope = upstream().seal("ledger", b"hunter2", &SystemEntropy).expect("sealed");
    let why = |key: &SealingKey, name: &str| key.open(name, &envelope).expect_err("stays shut");
    assert_eq!(why(&upstream(), "ledger2"), OpenError::Forged);
    assert_eq!(why(&upstream(), ""), OpenError::Forged);
    assert_eq!(why(&key(2, SealPurpose::UpstreamSecret), "ledger"), OpenError::Forged);
    assert_eq!(why(&key(1, SealPurpose::SigningKey), "ledger"), OpenError::Forged);
}

#[test]
fn the_same_secret_never_looks_the_same() {
    let [one, two] = [(); 2].map(|()| upstream().seal("ledger", b"hunter2", &SystemEntropy).expect("sealed"));
    assert_ne!(one, two);
    assert!(!one.windows(7).any(|window| window == b"hunter2"));
}

#[test]
fn what_is_no_envelope_is_told_why() {
    let why = |bytes: &[u8]| upstream().open("ledger", bytes).expect_err("stays shut").to_string();
    assert_eq!(why(b""), "the sealed secret has 0 bytes, which no sealed secret has");
    assert_eq!(why(&[1; 28]), "the sealed secret has 28 bytes, which no sealed secret has");
    assert_eq!(why(&vec![1; PLAIN_BYTES_MAX + 30]), "the sealed secret has 65566 bytes, which no sealed secret has");
    assert_eq!(why(&[2; 40]), "the sealed secret has version 2, this program knows version 1");
    assert_eq!(why(&[1; 40]), "the sealed secret does not open: it was sealed under another master key or name, or changed since");
}

#[test]
fn nothing_is_sealed_without_randomness_or_beyond_the_bound() {
    assert_eq!(upstream().seal("ledger", b"x", &NoRandomness), Err(SealError::Entropy(NoEntropy)));
    let long = vec![0; PLAIN_BYTES_MAX + 1];
    assert_eq!(upstream().seal("ledger", &long, &SystemEntropy), Err(SealError::TooLong(65_537)));
}

proptest! {
    #[test]
    fn a_flipped_bit_or_a_cut_never_opens(plain in prop::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let envelope = upstream().seal("ledger", &plain, &SystemEntropy).expect("sealed");
        let mut flipped = envelope.clone();
        flipped[at.index(envelope.len())] ^= 1 << bit;
        prop_assert!(upstream().open("ledger", &flipped).is_err());
        prop_assert!(upstream().open("ledger", &envelope[..at.index(envelope.len())]).is_err());
    }

    #[test]
    fn open_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(upstream().open("ledger", &bytes).is_err());
    }
}

#[test]
fn the_purpose_is_authenticated_even_under_one_key() {
    let envelope = SealingKey::new(SealPurpose::UpstreamSecret, &[3; 32]).seal("ledger", b"hunter2", &SystemEntropy).expect("sealed");
    let other = SealingKey::new(SealPurpose::SigningKey, &[3; 32]);
    assert_eq!(other.open("ledger", &envelope).expect_err("stays shut"), OpenError::Forged);
}
