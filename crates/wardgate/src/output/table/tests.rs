use super::{broken, within};

fn check(width: Option<usize>) -> String {
    let rows = [
        [
            "high",
            "rotation.overdue",
            "the key of `ledger-sync` is older than its rotation allows",
            "rotate it: `wardgate credential rotate`",
        ],
        ["low", "x", "short", "-"],
    ];
    let rows = rows.map(|row| row.map(str::to_owned).to_vec());
    anstream::adapter::strip_str(&within(&["SEVERITY", "CODE", "EVIDENCE", "REMEDY"], &rows, width)).to_string()
}

#[test]
fn a_table_is_as_wide_as_what_stands_in_it_and_no_wider_than_the_terminal() {
    insta::assert_snapshot!(check(None), @"
    SEVERITY  CODE              EVIDENCE                                                    REMEDY
    high      rotation.overdue  the key of `ledger-sync` is older than its rotation allows  rotate it: `wardgate credential rotate`
    low       x                 short                                                       -
    ");
    insta::assert_snapshot!(check(Some(80)), @"
    SEVERITY  CODE              EVIDENCE                   REMEDY
    high      rotation.overdue  the key of `ledger-sync`   rotate it: `wardgate
                                is older than its          credential rotate`
                                rotation allows
    low       x                 short                      -
    ");
    assert_eq!(check(Some(500)), check(None));
    assert!(!check(Some(5)).is_empty(), "columns stay readable, and the terminal breaks the lines");
}

#[test]
fn nothing_is_lost_and_nothing_is_too_long() {
    let letters = |text: &str| text.replace(' ', "");
    for text in
        ["", " ", "a", "two words", "a  b   c", "averyveryverylongwordthatisone and more", " leading and trailing ", "grün ist ü grün"]
    {
        for width in 1..30 {
            let lines = broken(text, width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:?}");
            assert_eq!(letters(&lines.concat()), letters(text));
        }
    }
}

#[test]
fn a_cell_may_be_wider_than_any_terminal() {
    let wide = "x".repeat(70_000);
    let rows = [[wide, "y".to_owned()].to_vec(), ["a".to_owned(), "b".to_owned()].to_vec()];
    let text = anstream::adapter::strip_str(&within(&["A", "B"], &rows, None)).to_string();
    assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [70_003; 3]);
}
