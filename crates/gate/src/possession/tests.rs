use super::{Possessions, SLICE_US, Taken};
use std::{borrow::Cow, time::Duration};
use wardgate_model::{id::IdentityId, time::Time};
use wardgate_proof::dpop::Checked;

const NOW: Time = Time::from_seconds(1_800_000_000);
const LIFE: Duration = Duration::from_secs(90);

fn proof(id: &str, ends: Time) -> Checked<'_> {
    Checked { id: Cow::Borrowed(id.as_bytes()), target: Cow::Borrowed(b"https://gate.example/ledger"), token: None, nonce: None, ends }
}

fn take(all: &Possessions, identity: u128, key: u8, id: &str, made: Time, now: Time) -> Taken {
    all.take(&IdentityId::parse(&format!("i{identity}")).unwrap(), &[key; 32], &proof(id, made + LIFE), now)
}

#[test]
fn a_proof_counts_once_for_as_long_as_it_would_be_taken() {
    let all = Possessions::default();
    assert_eq!(take(&all, 1, 1, "a", NOW, NOW), Taken::First);
    assert_eq!(take(&all, 1, 1, "a", NOW, NOW), Taken::Again);
    assert_eq!(take(&all, 1, 1, "a", NOW, NOW + LIFE), Taken::Again, "its last moment");
    // Another's is not used up by it: neither of another key nor of another identity.
    assert_eq!(take(&all, 1, 2, "a", NOW, NOW), Taken::First);
    assert_eq!(take(&all, 2, 1, "a", NOW, NOW), Taken::First);
    assert_eq!(take(&all, 1, 1, "b", NOW, NOW), Taken::First);
    assert_eq!(all.count(), 4);
    // What is over is forgotten with its slice.
    let later = NOW + LIFE + Duration::from_micros(2 * SLICE_US.unsigned_abs());
    assert_eq!(take(&all, 1, 1, "c", later, later), Taken::First);
    assert_eq!(all.count(), 2, "one of identity 2, which nobody has asked about since");
}

#[test]
fn room_is_bounded_for_each_and_in_all() {
    let all = Possessions::with_room(3, 8);
    let ids = ["a", "b", "c", "d"];
    let taken = |identity: u128, now: Time| ids.map(|id| take(&all, identity, 1, id, now, now));
    assert_eq!(taken(1, NOW), [Taken::First, Taken::First, Taken::First, Taken::NoRoom]);
    assert_eq!(take(&all, 1, 1, "a", NOW, NOW), Taken::Again, "what is full still knows what it took");
    // Each leaves as much free as it has.
    assert_eq!(taken(2, NOW), [Taken::First, Taken::First, Taken::First, Taken::NoRoom]);
    assert_eq!(taken(3, NOW), [Taken::First, Taken::NoRoom, Taken::NoRoom, Taken::NoRoom]);
    assert_eq!(taken(4, NOW), [Taken::First, Taken::NoRoom, Taken::NoRoom, Taken::NoRoom]);
    assert_eq!(taken(5, NOW), [Taken::NoRoom; 4]);
    assert_eq!(all.count(), 8);
    // Who comes later finds the room of those who are over, whoever they were.
    let later = NOW + LIFE + Duration::from_secs(60);
    assert_eq!(taken(6, later), [Taken::First, Taken::First, Taken::First, Taken::NoRoom]);
    assert_eq!(all.count(), 3);
}
