use super::{Spent, Taken, WhenFull};
use std::time::Duration;
use wardgate_model::{id::CredentialId, time::Time};

const NOW: Time = Time::from_micros(1_800_000_000_000_000);
const MINUTE: Duration = Duration::from_mins(1);

fn mac(n: u8) -> [u8; 32] {
    [n; 32]
}

fn id(n: u128) -> CredentialId {
    CredentialId::of(n)
}

#[test]
fn a_signature_is_taken_once_until_it_would_not_be_taken_anyway() {
    let spent = Spent::default();
    let take = |id, n, now| spent.take(&id, &mac(n), NOW + MINUTE, WhenFull::Refuse, now);
    assert_eq!(take(id(1), 1, NOW), Taken::First);
    assert_eq!(take(id(1), 1, NOW), Taken::Again);
    assert_eq!(take(id(1), 1, NOW + MINUTE / 2), Taken::Again);
    assert_eq!((take(id(2), 1, NOW), take(id(1), 2, NOW)), (Taken::First, Taken::First), "another sender, another call");
    assert_eq!(spent.count(), 3);
    assert_eq!(take(id(1), 3, NOW + MINUTE), Taken::First);
    assert_eq!(spent.count(), 2, "what is over is forgotten when its sender comes again");
}

#[test]
fn where_there_is_no_room_a_dated_signature_is_refused() {
    let spent = Spent::with_room(2, 100);
    let take = |n, end: Time, now| spent.take(&id(1), &mac(n), end, WhenFull::Refuse, now);
    assert_eq!(take(1, NOW + MINUTE, NOW), Taken::First);
    assert_eq!(take(2, NOW + 2 * MINUTE, NOW), Taken::First);
    assert_eq!(take(3, NOW + MINUTE, NOW), Taken::NoRoom);
    assert_eq!((take(1, NOW + MINUTE, NOW), take(2, NOW + MINUTE, NOW)), (Taken::Again, Taken::Again), "nothing was forgotten for it");
    assert_eq!(take(3, NOW + 2 * MINUTE, NOW + MINUTE), Taken::First, "the first is over");
}

#[test]
fn where_there_is_no_room_an_undated_one_takes_the_place_of_the_oldest() {
    let spent = Spent::with_room(2, 100);
    let take = |n, end: Time| spent.take(&id(1), &mac(n), end, WhenFull::Forget, NOW);
    assert_eq!(take(1, NOW + MINUTE), Taken::First);
    assert_eq!(take(2, NOW + 2 * MINUTE), Taken::First);
    assert_eq!(take(3, NOW + 3 * MINUTE), Taken::First);
    assert_eq!((take(3, NOW + 3 * MINUTE), take(2, NOW + 3 * MINUTE)), (Taken::Again, Taken::Again));
    assert_eq!((take(1, NOW + 3 * MINUTE), spent.count()), (Taken::First, 2));
}

#[test]
fn what_everybody_uses_up_together_is_bounded_and_swept() {
    let spent = Spent::with_room(10, 3);
    let take = |who, n, end: Time, now| spent.take(&id(who), &mac(n), end, WhenFull::Refuse, now);
    for n in 0..3 {
        assert_eq!(take(u128::from(n), n, NOW + MINUTE, NOW), Taken::First);
    }
    assert_eq!(take(9, 9, NOW + MINUTE, NOW), Taken::NoRoom);
    assert_eq!(spent.take(&id(8), &mac(8), NOW + MINUTE, WhenFull::Forget, NOW), Taken::NoRoom, "it has none of its own to forget");
    // They never come again: what they left is looked for when room is needed.
    let later = NOW + 2 * MINUTE;
    assert_eq!(take(9, 9, later + MINUTE, later), Taken::First);
    assert_eq!(spent.count(), 1);
}
