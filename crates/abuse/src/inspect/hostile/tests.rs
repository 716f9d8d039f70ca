use super::{of_path, of_query, of_text};

/// From which weight on a text counts as hostile here.
const COUNTS: u8 = 50;

/// Texts of a public set, and whether they are labelled as attacks. Their odd rows were read while the patterns were written, the even ones
/// were not.
fn labelled() -> Vec<(String, bool)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/payloads/payload_test.csv");
    let bytes = std::fs::read(path).unwrap();
    rows(&String::from_utf8_lossy(&bytes)).into_iter().skip(1).map(|row| (row[0].clone(), row[3] == "anom")).collect()
}

/// RFC 4180.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (quoted, c) {
            (true, '"') if rest.next_if_eq(&'"').is_some() => field.push('"'),
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut field)),
            (false, '\n') => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            (false, '\r') => {}
            (_, c) => field.push(c),
        }
    }
    rows
}

fn figures(texts: &[(String, bool)], counts: impl Fn(&str) -> bool) -> String {
    let of = |attack: bool| texts.iter().filter(move |(_, label)| *label == attack);
    let found = |attack| of(attack).filter(|(text, _)| counts(text)).count();
    let share = |attack| format!("{} of {}", found(attack), of(attack).count());
    format!("{} attacks, {} honest texts", share(true), share(false))
}

#[test]
fn the_figures_are_what_the_page_says() {
    let all = labelled();
    let (read, held_out): (Vec<_>, Vec<_>) = all.iter().cloned().enumerate().partition(|(at, _)| at % 2 == 0);
    let bare = |rows: Vec<(usize, (String, bool))>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    let (read, held_out) = (bare(read), bare(held_out));
    let hostile = |text: &str| of_text(text) >= COUNTS;
    let floor = regex::Regex::new(FLOOR).unwrap();
    let told = format!(
        "read while it was written: {}\nheld out: {}\none plain pattern, held out: {}",
        figures(&read, hostile),
        figures(&held_out, hostile),
        figures(&held_out, |text| floor.is_match(text)),
    );
    assert_eq!(told, FIGURES);
}

/// One plain pattern, as anybody would write it.
const FLOOR: &str = r#"(?i)(select\b|union\b|sleep\(|<script|onerror|javascript:|\.\./|etc/passwd|--|;|\bor\b.*=|\band\b.*=|'\s*\))"#;

const FIGURES: &str = "\
read while it was written: 1952 of 1960 attacks, 0 of 3218 honest texts
held out: 1949 of 1961 attacks, 0 of 3216 honest texts
one plain pattern, held out: 1888 of 1961 attacks, 0 of 3216 honest texts";

#[test]
fn honest_texts_say_little() {
    for honest in [
        "",
        "ada@example.com",
        "2026-11-23T09:00:00Z",
        "0e37df36-f698-11e6-8dd4-cb9ced3df976",
        "O'Brien & Sons",
        "https://example.com/a/b?c=d&e=f#g",
        "Please select a colour and tell us",
        "wait...",
        "use `id` here",
        "{\"a\": 1}",
        "größer als",
    ] {
        assert!(of_text(honest) < COUNTS, "{honest}: {}", of_text(honest));
    }
}

#[test]
fn attacks_are_seen_wherever_they_stand() {
    assert_eq!(of_text("1' UNION/**/ SELECT 1"), 0, "a comment in the place of a blank is not seen, and that is said");
    assert!(of_text("1' uNiOn  SeLeCt null--") >= COUNTS);
    assert!(of_query("q=1%27+or+1%3D1--&page=2") >= COUNTS);
    assert!(of_query("x=1&%3Cscript%3E=1") >= COUNTS, "in a name, too");
    assert!(of_path("/files/..%2f..%2fetc%2fpasswd") >= COUNTS);
    assert_eq!(of_path("/orders/17/items/b7a9"), 0);
    assert!(of_text(&format!("{}{}", "a b ".repeat(1_000), "' or 1=1--")) >= COUNTS);
}
