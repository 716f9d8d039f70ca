use super::{nearest, suggest};
use proptest::prelude::*;

#[test]
fn slips_find_what_was_meant() {
    let words = ["owner", "environment", "purpose", "expires_in"];
    for (slip, meant) in [("onwer", Some("owner")), ("expires", Some("expires_in")), ("Owner", Some("owner")), ("zzz", None), ("", None)] {
        assert_eq!(nearest(slip, words), meant, "{slip}");
    }
    assert_eq!(suggest("enviroment", words), "did you mean `environment`?");
    assert_eq!(suggest("colour", ["red", "green"]), "one of `red`, `green`");
}

proptest! {
    #[test]
    fn a_word_is_nearest_to_itself(word in "[a-z]{1,20}", other in "[a-z]{1,20}") {
        prop_assert_eq!(nearest(&word, [other.as_str(), word.as_str()]), Some(word.as_str()));
    }
}
