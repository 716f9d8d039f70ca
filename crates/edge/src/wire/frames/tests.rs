use super::{Budget, Frame, Frames, farewell};
use crate::{limits::EdgeLimits, wire::Refusal};
use proptest::prelude::{any, prop, proptest};
use wardgate_model::{reason::Reason, time::Time};

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut seen = Vec::new();
    Frames::behind(0).read(bytes, |frame| seen.push(frame));
    seen
}

/// So many of these frames, `gap_ms` apart → what is said of the first that is too many, and its number.
fn flood(bytes: &[u8], count: usize, gap_ms: i64) -> Option<(usize, &'static str)> {
    let mut budget = Budget::default();
    let limits = EdgeLimits::default();
    (0..count).find_map(|number| {
        let now = Time::from_micros(i64::try_from(number).unwrap() * gap_ms * 1_000);
        let told: Result<(), Refusal> = frames(bytes).into_iter().try_for_each(|frame| budget.came(frame, now, &limits));
        told.err().map(|refusal| (number + 1, refusal.detail))
    })
}

#[test]
fn what_carries_nothing_is_bounded() {
    let head = frame(1, 0, b"x");
    for (bytes, expected) in [
        (frame(6, 0, &[0; 8]), Some((501, "too many PING frames"))),
        (frame(4, 0, &[]), Some((501, "too many SETTINGS frames"))),
        (frame(4, 1, &[]), Some((501, "too many SETTINGS frames"))),
        (frame(2, 0, &[0; 5]), Some((501, "too many frames of little use"))),
        (frame(0xBA, 0, &[]), Some((501, "too many frames of little use"))),
        (frame(8, 0, &[0, 0, 0, 1]), Some((501, "too many WINDOW_UPDATE frames"))),
        (frame(3, 0, &[0, 0, 0, 8]), Some((101, "too many streams are reset"))),
        (frame(0, 0, &[]), Some((101, "too many empty DATA frames"))),
        (frame(9, 0, b"x"), Some((9, "a header section in too many CONTINUATION frames"))),
        // What carries something does not count.
        (frame(0, 0, b"x"), None),
        (frame(0, 1, &[]), None),
        ([head, frame(9, 0, b"x"), frame(9, 4, b"x")].concat(), None),
    ] {
        assert_eq!(flood(&bytes, 600, 0), expected, "{bytes:?}");
        // The same over a longer time is no flood, but for what belongs to one header section.
        if bytes[3] != 9 {
            assert_eq!(flood(&bytes, 600, 1_000), None, "{bytes:?}");
        }
    }
}

#[test]
fn who_is_sent_much_may_acknowledge_much() {
    let limits = EdgeLimits::default();
    let mut budget = Budget::default();
    for sent in frames(&frame(0, 0, &[0; 1000]).repeat(100)) {
        assert_eq!(budget.went(sent), None);
    }
    let update = frames(&frame(8, 0, &[0, 0, 0, 1]))[0];
    assert_eq!((0..2_000).position(|_| budget.came(update, Time::default(), &limits).is_err()), Some(1_500));
}

#[test]
fn the_engines_own_farewell_says_why() {
    let mut budget = Budget::default();
    let mut said = |code: u8| {
        let goaway = frames(&frame(7, 0, &[0, 0, 0, 1, 0, 0, 0, code]))[0];
        budget.went(goaway).map(|refusal| (refusal.reason, refusal.detail))
    };
    assert_eq!(said(0), None);
    assert_eq!(said(1), Some((Reason::WireMalformed, "a violation of HTTP/2")));
    assert_eq!(said(11), Some((Reason::WireFlood, "too much that carries nothing")));
    assert_eq!(frames(&farewell(&Refusal::new(Reason::WireFlood, "too many PING frames", 0)))[0].number(4), 11);
}

proptest! {
    #[test]
    fn frames_are_found_however_the_bytes_are_cut(
        payloads in prop::collection::vec((any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
        cuts in prop::collection::vec(1_usize..30, 1..40),
    ) {
        let bytes: Vec<u8> = payloads.iter().flat_map(|(kind, flags, payload)| frame(*kind, *flags, payload)).collect();
        let whole = frames(&bytes);
        assert_eq!(whole.len(), payloads.len());
        let (mut reader, mut seen, mut rest) = (Frames::behind(0), Vec::new(), &*bytes);
        for cut in cuts.into_iter().cycle() {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            reader.read(piece, |frame| seen.push(frame));
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(seen, whole);
        assert!(reader.is_between());
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut budget = Budget::default();
        Frames::behind(3).read(&bytes, |frame| {
            let _ = budget.came(frame, Time::default(), &EdgeLimits::default());
            let _ = budget.went(frame);
        });
    }
}
