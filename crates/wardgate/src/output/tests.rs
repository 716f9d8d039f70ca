use super::{Exit, plain, table};

#[test]
fn a_table_is_aligned_and_harmless() {
    let rows = vec![vec!["hello-client".to_owned(), "live".to_owned()], vec!["x\u{1b}[2Jy".to_owned(), "rev\noked".to_owned()]];
    let text = anstream::adapter::strip_str(&table(&["IDENTITY", "STATE"], &rows)).to_string();
    insta::assert_snapshot!(text, @r"
    IDENTITY      STATE
    hello-client  live
    x\u{1b}[2Jy   rev\noked
    ");
}

#[test]
fn nothing_that_moves_a_cursor_or_turns_text_survives() {
    assert_eq!(plain("grün"), "grün");
    assert_eq!(plain("\u{202e}abc\u{7}\u{9b}"), "\\u{202e}abc\\u{7}\\u{9b}");
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    assert_eq!([Exit::Done, Exit::Failed, Exit::Invalid, Exit::No].map(Exit::code), [0, 1, 2, 3]);
}
