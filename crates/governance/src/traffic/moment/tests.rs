use super::{common, epoch, rfc3339, syslog};
use proptest::prelude::*;
use wardgate_model::time::Time;

fn shown(time: Option<Time>) -> String {
    time.map_or("-".to_owned(), |time| format!("{time} {}", time.as_micros().rem_euclid(1_000_000)))
}

#[test]
fn moments_are_read_as_they_are_written() {
    let seen: Vec<String> =
        ["17/May/2015:10:05:03 +0000", "29/Feb/2016:23:59:60 -0730", "29/Feb/2015:00:00:00 +0000", "1/May/2015:10:05:03 +0000", ""]
            .iter()
            .map(|text| format!("{text}: {}", shown(common(text.as_bytes()))))
            .collect();
    insta::assert_snapshot!(seen.join("\n"), @r"
    17/May/2015:10:05:03 +0000: 2015-05-17T10:05:03Z 0
    29/Feb/2016:23:59:60 -0730: 2016-03-01T07:29:59Z 0
    29/Feb/2015:00:00:00 +0000: -
    1/May/2015:10:05:03 +0000: -
    : -
    ");
    let seen: Vec<String> =
        ["2024-07-30T21:53:13Z", "2024-07-30 21:53:13.123456789+02:00", "2024-07-30", "2024-13-30T00:00:00Z", "2024-07-30T21:53:13."]
            .iter()
            .map(|text| format!("{text}: {}", shown(rfc3339(text))))
            .collect();
    insta::assert_snapshot!(seen.join("\n"), @r"
    2024-07-30T21:53:13Z: 2024-07-30T21:53:13Z 0
    2024-07-30 21:53:13.123456789+02:00: 2024-07-30T19:53:13Z 123456
    2024-07-30: 2024-07-30T00:00:00Z 0
    2024-13-30T00:00:00Z: -
    2024-07-30T21:53:13.: -
    ");
    for number in [1_722_376_393.0, 1_722_376_393_000.0, 1_722_376_393_000_000.0, 1.722_376_393e18] {
        assert_eq!(shown(epoch(number)), "2024-07-30T21:53:13Z 0", "{number}");
    }
    assert_eq!(epoch(f64::NAN), None);
    assert_eq!(shown(syslog(b"Mar  7 13:06:56", 2017).map(|(time, _)| time)), "2017-03-07T13:06:56Z 0");
}

proptest! {
    #[test]
    fn every_second_comes_out_as_it_went_in(seconds in -62_135_596_800_i64..253_402_300_799) {
        let time = Time::from_seconds(seconds);
        prop_assert_eq!(super::quick(time.to_rfc3339().as_bytes()), Some(time));
    }

    #[test]
    fn nothing_that_is_written_breaks_it(text in ".{0,40}") {
        let _ = (common(text.as_bytes()), rfc3339(&text), syslog(text.as_bytes(), 2000));
    }
}
