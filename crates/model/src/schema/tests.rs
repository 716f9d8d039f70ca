use super::{Decimal, Pattern, PatternError, Properties, Property, name_hash};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).unwrap()
}

#[test]
fn numbers_are_what_is_written() {
    for (one, other) in
        [("1.0", "1"), ("10e-1", "1"), ("-0", "0"), ("1E3", "1000"), ("0.10", "0.1"), ("9007199254740993.0", "9007199254740993")]
    {
        assert_eq!(decimal(one), decimal(other), "{one} {other}");
    }
    for (less, more) in [
        ("9007199254740992", "9007199254740993"),
        ("0.1", "0.10000000000000001"),
        ("-1e400", "-1"),
        ("1", "1e400"),
        ("-1e400", "1e-400"),
        ("1e-900", "1e900"),
    ] {
        assert!(decimal(less) < decimal(more), "{less} < {more}");
    }
    assert!(decimal("1.0").is_whole() && !decimal("1.5").is_whole());
    assert_eq!(decimal("0.3").is_multiple_of(decimal("0.1")), Some(true), "binary fractions would say no");
    assert_eq!(decimal("0.35").is_multiple_of(decimal("0.1")), Some(false));
    assert_eq!(decimal("1e900").is_multiple_of(decimal("0.1")), None);
    for no in ["", "-", "x", "1.2.3", "1e", "1e9999999999", "1234567890123456789012345678901234567"] {
        assert_eq!(Decimal::parse(no.as_bytes()), None, "{no}");
    }
}

#[test]
fn patterns_mean_what_ecma_says() {
    let fits = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().fits(text);
    assert!(fits("b", "abc"), "anywhere");
    assert!(fits("^\\d+$", "123") && !fits("^\\d+$", "١٢٣"), "digits are ASCII");
    assert!(fits("^\\w+$", "a_1") && !fits("^\\w+$", "é"));
    assert!(!fits("^a.b$", "a\rb") && fits("^a.b$", "a\u{85}b"));
    assert!(fits("^[[&&~]+$", "[&~"), "brackets within brackets are characters");
    assert!(fits("^[\\w.-]+$", "a.b-c") && fits("^[!--]$", "-"));
    assert!(fits("^\\/a\\-b$", "/a-b"));
    assert!(fits("^{a}$", "{a}") && fits("^a{2}$", "aa") && fits("^a{1,}$", "aaa"));
    assert!(fits("^\\u0041\\x42\\u{43}$", "ABC"));
    assert!(fits("^\\s$", "\u{feff}") && !fits("^\\s$", "\u{85}"));
    assert!(fits("^\\p{Lu}$", "Ä"));
    for looks in ["(?=a)", "(?!a)b", "(?<=a)b", "(?<!a)b", "(a)\\1", "(?<n>a)\\k<n>", "(?i)a"] {
        assert_eq!(Pattern::parse(looks).unwrap_err(), PatternError::Looks, "{looks}");
    }
    for malformed in ["(", "[", "\\", "[]", "\\q"] {
        assert_eq!(Pattern::parse(malformed).unwrap_err(), PatternError::Malformed, "{malformed}");
    }
    assert_eq!(Pattern::parse("((a{1000}){1000}){10}").unwrap_err(), PatternError::TooLarge);
}

#[test]
fn members_are_found_by_name() {
    let names = ["id", "name", "a much longer name than eight bytes", "", "über"];
    let rule = Properties::of(names.iter().map(|name| Property::new(name, None, *name == "id")).collect());
    for name in names {
        assert_eq!(&*rule.find(name.as_bytes(), name_hash(name.as_bytes())).unwrap().name, name);
    }
    assert!(rule.find(b"other", name_hash(b"other")).is_none());
    assert_eq!(rule.required(), 1);
}
