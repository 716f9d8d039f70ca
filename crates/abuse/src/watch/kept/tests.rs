use super::{HashKey, Kept, MAGIC, Unkept, next};
use crate::{
    testing::{at, facts},
    watch::{Effect, Payload, Watch, lock},
};
use std::time::Duration;
use wardgate_model::{
    reason::Reason,
    ruling::{Response, Ruling},
    time::Time,
};

const DAYS: u64 = 9;

/// A watch of two callers that have called for days, and the time then.
fn watched() -> (Watch, Time) {
    let watch = Watch::new(HashKey([7, 11]));
    let (mut now, until) = (at("2026-06-01T00:00:00Z"), at("2026-06-01T00:00:00Z") + Duration::from_hours(24 * DAYS));
    let allowed = Ruling { response: Response::Allow, ..Ruling::refused(Reason::RuleAllowed) };
    let effect = Effect { status: Some(200), records: Some(20), bytes: 400, subject: None };
    while now < until {
        for words in ["identity=a source=198.18.4.20 tls=shop", "identity=b source=198.18.9.9 tls=other"] {
            let facts = facts(words);
            let _before = watch.assess(&facts, &Payload::default(), now);
            watch.learn(&facts, &allowed, &effect, now);
        }
        now = now + Duration::from_mins(11);
    }
    (watch, now)
}

fn kept(watch: &Watch) -> Vec<u8> {
    let mut bytes = Vec::new();
    watch.keep(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_usual_is_known_after_a_restart() {
    let (watch, now) = watched();
    let bytes = kept(&watch);
    let again = Watch::read(&*bytes).unwrap();
    assert_eq!((again.count(), again.key), (2, HashKey([7, 11])));
    for (identity, profile) in &watch.profiles.pin() {
        assert_eq!(*lock(profile), *lock(again.profiles.pin().get(identity).unwrap()));
    }
    assert_eq!(again.peers.pin().len(), watch.peers.pin().len());
    // What is strange stays strange, what is usual usual; one that begins anew would find nothing of either.
    for words in ["identity=a source=192.0.2.9 tls=curl", "identity=a source=198.18.4.20 tls=shop"] {
        let facts = facts(words);
        assert_eq!(watch.assess(&facts, &Payload::default(), now), again.assess(&facts, &Payload::default(), now), "{words}");
    }
    let strange = facts("identity=b source=192.0.2.9 tls=curl");
    assert!(again.assess(&strange, &Payload::default(), now).risk >= 60);
    assert_eq!(Watch::default().assess(&strange, &Payload::default(), now).risk, 0);
}

#[test]
fn a_profile_takes_less_on_disk_than_in_memory() {
    let (watch, _) = watched();
    let bytes = kept(&watch);
    assert!(bytes.len() < 2 * 1_024, "{} bytes for two profiles", bytes.len());
}

#[test]
fn whatever_is_damaged_is_a_new_start() {
    let (watch, _) = watched();
    let bytes = kept(&watch);
    for length in 0..bytes.len() {
        assert!(Watch::read(&bytes[..length]).is_err(), "cut off after {length} bytes");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        let read = Watch::read(&*damaged);
        let foreign = at < MAGIC.len();
        assert!(matches!((&read, foreign), (Err(Unkept::Foreign), true) | (Err(Unkept::Damaged), false)), "byte {at}: {read:?}");
    }
    assert!(matches!(Watch::read(&b"wgquota1 and more"[..]), Err(Unkept::Foreign)));
}

#[test]
fn a_sum_that_is_right_saves_nothing_that_is_wrong() {
    // Whoever can write the file can make its sum right: what it says is read with the same care.
    let (watch, _) = watched();
    let bytes = kept(&watch);
    let body = bytes.len() - 4;
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut broken = 0;
    for _ in 0..20_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (at, bit) = (usize::try_from(state >> 8).unwrap() % (body - MAGIC.len()) + MAGIC.len(), state & 7);
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        let sum = crc32fast::hash(&changed[..body]);
        changed[body..].copy_from_slice(&sum.to_le_bytes());
        // It reads as something, or as nothing; it never breaks.
        match Watch::read(&*changed) {
            Ok(watch) => assert_eq!(watch.count(), 2),
            Err(Unkept::Damaged) => broken += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(broken > 0);
}

#[test]
fn numbers_are_read_as_they_were_put() {
    let numbers = (0..64).flat_map(|shift| [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift]);
    for number in numbers {
        let mut bytes = Vec::new();
        number.put(&mut bytes);
        let mut rest = &*bytes;
        assert_eq!((u64::take(&mut rest), rest.len()), (Some(number), 0));
    }
    assert_eq!(u64::take(&mut &[0xFF; 10][..]), None, "more than 64 bits");
    assert_eq!(u8::take(&mut &[0x80, 2][..]), None, "256 is no u8");
    assert_eq!(u64::take(&mut &[0x80][..]), None);
}

#[test]
fn flows_and_waits_are_known_after_a_restart() {
    let (watch, mut now) = watched();
    let allowed = Ruling { response: Response::Allow, ..Ruling::refused(Reason::RuleAllowed) };
    let effect = Effect { status: Some(201), ..Effect::default() };
    let (begins, ends) = ("identity=a op=POST:/holds class=write begins=holds", "identity=a op=POST:/purchases class=write finishes=holds");
    for _ in 0..3 * 24 * 20 {
        for words in [begins, ends, "identity=people op=POST:/holds class=write begins=holds"] {
            let facts = facts(words);
            let _before = watch.assess(&facts, &Payload::default(), now);
            watch.learn(&facts, &allowed, &effect, now);
        }
        now = now + Duration::from_mins(3);
    }
    watch.told_to_wait(&facts(begins), 60, now);
    let again = Watch::read(&*kept(&watch)).unwrap();
    let mut told = None;
    for number in 0..200 {
        now = now + Duration::from_secs(10);
        let facts = facts(begins);
        let (known, read) = (watch.assess(&facts, &Payload::default(), now), again.assess(&facts, &Payload::default(), now));
        assert_eq!(known, read, "{number}");
        told = told.or((known.risk >= 90).then_some(number));
        watch.learn(&facts, &allowed, &effect, now);
        again.learn(&facts, &allowed, &effect, now);
    }
    assert!(told.is_some_and(|number| (20..80).contains(&number)), "{told:?}");
}

/// Written when what a run is of stood in the run: nine days of two callers, one of whom asks for things in order, and one begins what it does
/// not finish.
const KEPT: &[u8] = include_bytes!("testdata/wgwatch2.profiles");

/// Its records; nobody says in which order they are.
fn records(kept: &[u8]) -> Vec<&[u8]> {
    let mut rest = &kept[MAGIC.len()..kept.len() - 4];
    let mut records: Vec<&[u8]> = std::iter::from_fn(|| next(&mut rest)).collect();
    records.sort_unstable();
    records
}

#[test]
fn what_was_kept_before_is_read_still() {
    let watch = Watch::read(KEPT).unwrap();
    let now = at("2026-06-10T00:10:00Z");
    assert_eq!((watch.count(), watch.key), (2, HashKey([7, 11])));
    assert!(records(KEPT) == records(&kept(&watch)), "it would be kept as it was");
    let risk = |words: &str| watch.assess(&facts(words), &Payload::default(), now).risk;
    assert_eq!(risk("identity=b source=198.18.9.9 tls=other"), 0);
    assert!(risk("identity=b source=192.0.2.9 tls=curl") >= 60);
}
