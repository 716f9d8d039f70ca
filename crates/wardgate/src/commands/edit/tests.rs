use super::{commented, uncommented};

#[test]
fn comments_above_are_taken_off_and_others_stay() {
    let text = "kind: Grant\n# here\nname: a\n";
    let shown = commented(&["one\ntwo".to_owned(), "three".to_owned()], text);
    assert_eq!(shown, "# one\n# two\n# three\nkind: Grant\n# here\nname: a\n");
    assert_eq!(uncommented(&shown), text);
    assert_eq!(uncommented("# only"), "");
}
