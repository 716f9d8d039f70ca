use super::*;
use std::hash::{BuildHasher as _, RandomState};

/// `same`: what is shown is what was seen.
fn check(seen: &str, shown: &str, same: bool) {
    let (seen, shown) = (Seen::from(Shown::of(seen).expect("a token")), Shown::of(shown).expect("a token"));
    assert_eq!(shown.equivalent(&seen), same, "{shown:?}");
    let hasher = RandomState::new();
    // What is the same is looked for where it is; of what is not, the map needs no more than that the whole is compared.
    assert!(!same || hasher.hash_one(&shown) == hasher.hash_one(&seen), "{shown:?}");
}

#[test]
fn every_byte_of_a_token_counts() {
    let token = "aGVhZA.cGF5bG9hZA.c2lnbmF0dXJl";
    check(token, token, true);
    for at in (0..token.len()).filter(|at| token.as_bytes()[*at] != b'.') {
        let other: String = token.char_indices().map(|(place, letter)| if place == at { '_' } else { letter }).collect();
        check(token, &other, false);
    }
    // The same letters, parted elsewhere.
    check("aa.bb.cc", "aa.bbc.c", false);
    check("aa.bb.cc", "aa.bb.c", false);
    check("aa.bb.cc", "aa.bb.", false);
}

#[test]
fn what_is_kept_holds_no_signature() {
    let seen = Seen::from(Shown::of("aGVhZA.cGF5bG9hZA.c2lnbmF0dXJl").expect("a token"));
    assert_eq!(&*seen.signed, "aGVhZA.cGF5bG9hZA");
    assert!(Shown::of("nothing").is_none());
}
