use super::{bytes, duration, moment, pace, prose, quota, size};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::time::Duration;

/// Each text with what it means, or why it means nothing.
fn table<T: std::fmt::Debug>(read: impl Fn(&str) -> Result<T, super::Wrong>, texts: &[&str]) -> String {
    let line = |text: &&str| match read(text) {
        Ok(value) => format!("{text:?} = {value:?}\n"),
        Err(wrong) => format!("{text:?}: {}\n", wrong.to_string().replace('\n', " / ")),
    };
    texts.iter().map(line).collect()
}

#[test]
fn durations() {
    let texts = [
        "30d",
        "12h",
        "5m",
        "10s",
        "250ms",
        "1h30m",
        "1d1ms",
        "",
        "30",
        "d",
        "30w",
        "5m1h",
        "1h1h",
        "0s",
        "3660d",
        "3660d1ms",
        "99999999999999999999d",
        "1.5h",
        "-1h",
        " 1h",
        "1 h",
        "1H",
        "٣d",
    ];
    assert_snapshot!(table(duration, &texts), @r#"
"30d" = 2592000s
"12h" = 43200s
"5m" = 300s
"10s" = 10s
"250ms" = 250ms
"1h30m" = 5400s
"1d1ms" = 86400.001s
"": a duration must not be empty / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"30": `30` has no unit after `30` / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"d": `d` has no number before `d` / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"30w": `w` is no unit of time / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"5m1h": the units of `5m1h` do not go from large to small / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"1h1h": the units of `1h1h` do not go from large to small / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"0s": a duration must be more than zero / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"3660d" = 316224000s
"3660d1ms": `3660d1ms` is longer than 3660 days
"99999999999999999999d": `99999999999999999999d` is longer than 3660 days
"1.5h": `1.5h` has no unit after `1` / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"-1h": `-1h` has no number before `-1h` / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
" 1h": ` 1h` has no number before ` 1h` / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"1 h": `1 h` has no unit after `1` / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"1H": `H` is no unit of time / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"٣d": `٣d` has no number before `٣d` / write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`
"#);
}

#[test]
fn rates() {
    let texts =
        ["100/s", "10/m", "1/h", "1/day", "5/10s", "5/2d", "0/s", "/s", "5", "5/", "5/x", "-1/s", "1e3/s", "18446744073709551616/s"];
    assert_snapshot!(table(pace, &texts), @r#"
"100/s" = Pace { count: 100, period: 1s }
"10/m" = Pace { count: 10, period: 60s }
"1/h" = Pace { count: 1, period: 3600s }
"1/day" = Pace { count: 1, period: 86400s }
"5/10s" = Pace { count: 5, period: 10s }
"5/2d": the time of `5/2d` is longer than a day / use `quota` for longer times, as in `1000000/month`
"0/s": the count in `0/s` must be more than zero / write a rate as in `100/s`, `10/m` or `5/10s`
"/s": `/s` does not begin with a number / write a rate as in `100/s`, `10/m` or `5/10s`
"5": `5` has no `/` / write a rate as in `100/s`, `10/m` or `5/10s`
"5/": `5/` has no time / write a rate as in `100/s`, `10/m` or `5/10s`
"5/x": `x` has no number before `x` / write a rate as in `100/s`, `10/m` or `5/10s`
"-1/s": `-1` in `-1/s` is no whole number / write a rate as in `100/s`, `10/m` or `5/10s`
"1e3/s": `1e3` in `1e3/s` is no whole number / write a rate as in `100/s`, `10/m` or `5/10s`
"18446744073709551616/s": `18446744073709551616` in `18446744073709551616/s` is too large / write a rate as in `100/s`, `10/m` or `5/10s`
"#);
}

#[test]
fn quotas() {
    let texts = ["1000000/month", "1/minute", "1/mont", "1/year", "0/day", "x/day", "5"];
    assert_snapshot!(table(quota, &texts), @r#"
"1000000/month" = Quota { count: 1000000, window: Month }
"1/minute" = Quota { count: 1, window: Minute }
"1/mont": `mont` is no calendar window / did you mean `month`?
"1/year": `year` is no calendar window / one of `minute`, `hour`, `day`, `month`
"0/day": the count in `0/day` must be more than zero / write a quota as in `1000000/month`
"x/day": `x` in `x/day` is no whole number / write a quota as in `1000000/month`
"5": `5` has no `/` / write a quota as in `1000000/month`
"#);
}

#[test]
fn sizes() {
    let texts = ["512B", "64KiB", "10MB", "1GiB", "1kb", "1", "GiB", "0B", "99999999TiB", "1.5GiB"];
    assert_snapshot!(table(size, &texts), @r#"
"512B" = 512
"64KiB" = 65536
"10MB" = 10000000
"1GiB" = 1073741824
"1kb": `kb` is no unit of size / write a size as in `512B`, `64KiB`, `10MB` or `1GiB`
"1": `1` has no unit / write a size as in `512B`, `64KiB`, `10MB` or `1GiB`
"GiB": `GiB` does not begin with a number / write a size as in `512B`, `64KiB`, `10MB` or `1GiB`
"0B": the count in `0B` must be more than zero / write a size as in `512B`, `64KiB`, `10MB` or `1GiB`
"99999999TiB": `99999999TiB` is too large
"1.5GiB": `.5GiB` is no unit of size / write a size as in `512B`, `64KiB`, `10MB` or `1GiB`
"#);
    assert_snapshot!(table(bytes, &["1GiB/day", "1GiB", "1/day", "1GiB/week"]), @r#"
"1GiB/day" = Quota { count: 1073741824, window: Day }
"1GiB": `1GiB` has no `/` / write a quota of bytes as in `1GiB/day`
"1/day": `1` has no unit / write a size as in `512B`, `64KiB`, `10MB` or `1GiB`
"1GiB/week": `week` is no calendar window / one of `minute`, `hour`, `day`, `month`
"#);
}

#[test]
fn moments() {
    let texts = ["2027-06-30", "2027-06-30T12:00:00Z", "2027-06-30T12:00:00+02:00", "2027-02-30", "30.06.2027", "soon", ""];
    assert_snapshot!(table(|text| moment(text).map(|time| time.to_rfc3339()), &texts), @r#"
"2027-06-30" = "2027-06-30T00:00:00Z"
"2027-06-30T12:00:00Z" = "2027-06-30T12:00:00Z"
"2027-06-30T12:00:00+02:00" = "2027-06-30T10:00:00Z"
"2027-02-30": `2027-02-30` is no date / write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`
"30.06.2027": `30.06.2027` is no date / write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`
"soon": `soon` is no date / write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`
"": `` is no date / write a date as in `2027-06-30`, or `2027-06-30T12:00:00Z`
"#);
}

#[test]
fn prose_is_bounded() {
    assert_snapshot!(table(prose, &[" x ", "", " \n", "a\nb", "a\u{1b}[31m"]), @r#"
" x " = "x"
"": the text must not be empty
" \n": the text must not be empty
"a\nb" = "a\nb"
"a\u{1b}[31m": the control character \u{1b} may not stand in a text
"#);
    assert!(prose(&"x".repeat(4097)).is_err());
}

proptest! {
    #[test]
    fn a_written_duration_is_read_back(days in 0_u64..3659, hours in 0_u64..24, minutes in 0_u64..60, millis in 1_u64..60_000) {
        let text = format!("{days}d{hours}h{minutes}m{millis}ms");
        let expected = Duration::from_millis(((days * 24 + hours) * 60 + minutes) * 60_000 + millis);
        prop_assert_eq!(duration(&text), Ok(expected));
    }

    #[test]
    fn a_written_rate_is_read_back(count in 1_u64.., seconds in 1_u64..=86_400) {
        let pace = pace(&format!("{count}/{seconds}s")).unwrap();
        prop_assert_eq!((pace.count.get(), pace.period), (count, Duration::from_secs(seconds)));
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = (duration(&text), pace(&text), quota(&text), size(&text), bytes(&text), moment(&text), prose(&text));
    }

    #[test]
    fn no_number_text_panics(text in "[0-9dhms/KMGiB]{0,40}") {
        let _ = (duration(&text), pace(&text), quota(&text), size(&text), bytes(&text));
    }
}

#[test]
fn durations_are_shown_as_they_are_written() {
    for text in ["30d", "1h30m", "250ms", "1d1h1m1s1ms"] {
        assert_eq!(super::shown(duration(text).unwrap()), text);
    }
    assert_eq!(super::shown(Duration::from_micros(1)), "0s");
    assert_eq!(super::span_or_never("never"), Ok(None));
    assert_eq!(super::span_or_never("1h"), Ok(Some(Duration::from_secs(3600))));
    assert_eq!(super::span_or_never("no").unwrap_err().mend.as_deref(), Some("write a duration as in `30d`, or `never`"));
}

#[test]
fn addresses_have_two_sides() {
    for (text, good) in [
        ("lead@example.com", true),
        ("a@b", true),
        ("\"a@b\"@c", true),
        ("lead", false),
        ("@example.com", false),
        ("lead@", false),
        ("a b@example.com", false),
        ("a@b\n", false),
        ("", false),
    ] {
        assert_eq!(super::address(text).is_ok(), good, "{text}");
    }
    assert!(super::address(&format!("{}@b", "a".repeat(253))).is_err());
}
