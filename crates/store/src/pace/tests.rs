use super::{PIECE, Pace};
use crate::CHANGES_WELL_MADE;
use std::time::Duration;

/// Plays a long change on a database that takes so many microseconds for each row; gives the sizes of the pieces.
fn play(us_each: u64, pieces: usize) -> Vec<usize> {
    let mut pace = Pace::default();
    let one = |_| {
        let size = pace.next();
        pace.took(size, Duration::from_micros(us_each * size as u64));
        size
    };
    (0..pieces).map(one).collect()
}

#[test]
fn pieces_become_as_large_as_time_allows() {
    assert_eq!(play(100, 6), [50, 100, 200, 400, 500, 500], "0.1 ms a row: 500 in 50 ms");
    assert_eq!(play(5, 8), [50, 100, 200, 400, 800, 1_600, 2_000, 2_000], "never more than is well made at a time");
    assert_eq!(play(10_000, 3), [50, 50, 50], "and never less than is worth a transaction");
}

#[test]
fn a_slow_piece_makes_the_next_one_small_at_once() {
    let mut pace = Pace::default();
    for _ in 0..10 {
        pace.took(pace.next(), Duration::from_micros(1));
    }
    assert_eq!(pace.next(), CHANGES_WELL_MADE);
    pace.took(CHANGES_WELL_MADE, PIECE * 10);
    assert_eq!(pace.next(), CHANGES_WELL_MADE / 10);
    pace.took(0, PIECE);
    assert_eq!(pace.next(), CHANGES_WELL_MADE / 10, "nothing was learned");
}
