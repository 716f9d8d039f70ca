use super::{Diagnostic, Place};

#[test]
fn what_is_quoted_cannot_command_a_terminal() {
    let found = Diagnostic::error(Place::file("a.yaml"), "value.invalid", "`x\0\u{1b}[2J\u{9b}\r` is no\nnetwork\t").mend("not `\u{7}`");
    assert_eq!(found.to_string(), "a.yaml: error[value.invalid]: `x\\u{0}\\u{1b}[2J\\u{9b}\\r` is no\nnetwork\t\n  = not `\\u{7}`");
}
