use super::{PolicySource, SOURCE_BYTES_MAX, nearest};
use wardgate_model::diagnostic::Place;

#[test]
fn a_file_that_is_not_utf8_is_refused_at_the_byte() {
    let refused = PolicySource::from_bytes(Place::file("a.cedar"), b"// ok\n//\xFF").unwrap_err();
    insta::assert_snapshot!(refused, @r"
    a.cedar:2:3: error[policy.encoding]: the file is not UTF-8 from here on
      = save the file as UTF-8
    ");
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let at = vec![b' '; SOURCE_BYTES_MAX];
    assert!(PolicySource::from_bytes(Place::file("a.cedar"), &at).is_ok());
    let over = vec![b' '; SOURCE_BYTES_MAX + 1];
    let refused = PolicySource::from_bytes(Place::file("a.cedar"), &over).unwrap_err();
    assert_eq!(refused.code, "policy.too_large");
}

#[test]
fn the_nearest_name_is_near() {
    assert_eq!(nearest("analitics", ["analytics", "settlement"]).as_deref(), Some("analytics"));
    assert_eq!(nearest("x", ["analytics", "settlement"]), None);
    assert_eq!(nearest("actve", ["active", "retired"]).as_deref(), Some("active"));
}
