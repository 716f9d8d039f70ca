use super::{Entry, NoEntry};
use crate::tree::Hash;

fn all() -> [Entry; 3] {
    let edge = || "edge-1".to_owned();
    [
        Entry::Segment { edge: edge(), first_seq: 1, events: 3, from_us: -5, to_us: 7, root: Hash([1; 32]), file: Hash([2; 32]) },
        Entry::Retired { edge: edge(), through_seq: 900, at_us: 1_790_000_000_000_000 },
        Entry::Erasure { edge: edge(), segment: 1, records: 2, at_us: 9, file: Hash([3; 32]), reason: "asked for by the person".into() },
    ]
}

#[test]
fn an_entry_reads_back() {
    for entry in all() {
        assert_eq!(Entry::parse(entry.to_string().as_bytes()), Ok(entry));
    }
    let (root, file) = ("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=");
    let expected = format!("wardgate-segment/1\nedge edge-1\nfirst 1\nevents 3\nfrom -5\nto 7\nroot {root}\nfile {file}\n");
    assert_eq!(all()[0].to_string(), expected);
}

#[test]
fn what_was_written_in_lines_becomes_one() {
    let [_, _, mut erasure] = all();
    if let Entry::Erasure { reason, .. } = &mut erasure {
        *reason = "a\nfile AAAA".into();
    }
    let read = Entry::parse(erasure.to_string().as_bytes()).unwrap();
    assert!(matches!(read, Entry::Erasure { reason, .. } if reason == "a file AAAA"));
}

#[test]
fn what_is_no_entry_is_told() {
    let good = all()[0].to_string();
    let no = |text: &str| Entry::parse(text.as_bytes()).unwrap_err();
    assert_eq!(no(""), NoEntry::Malformed("wardgate-segment/1"));
    assert_eq!(no("wardgate-segment/2\n"), NoEntry::Newer("wardgate-segment/2".into()));
    assert_eq!(no(&good.replace("first 1", "first +1")), NoEntry::Malformed("the last"));
    assert_eq!(no(&good.replace("first 1", "first x")), NoEntry::Malformed("first"));
    assert_eq!(no(&good.replace("root AQ", "root ")), NoEntry::Malformed("root"));
    assert_eq!(no(&format!("{good}more\n")), NoEntry::Malformed("the last"));
    assert_eq!(no(good.trim_end()), NoEntry::Malformed("file"));
    assert_eq!(Entry::parse(&[0xff]), Err(NoEntry::Malformed("wardgate-segment/1")));
    for cut in 0..good.len() {
        assert!(Entry::parse(&good.as_bytes()[..cut]).is_err(), "{cut}");
    }
}
