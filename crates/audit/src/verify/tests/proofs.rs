use super::{EDGE, EVENTS, Sample, TAIL, trusted};
use crate::{
    note::tests::TestKey,
    segment::{self, entry::Entry, find::Wanted, write::put_in_place},
    verify::{Disclosure, EventProof, NotProven, ProofError, prove},
};

fn proof(sample: &Sample, seq: u64, disclosure: Disclosure) -> EventProof {
    prove(sample.path(), &trusted(), seq, disclosure).unwrap()
}

#[test]
fn every_sealed_event_is_proven_by_a_file_of_its_own() {
    let sample = Sample::new();
    for seq in 1..=EVENTS.iter().sum() {
        for disclosure in [Disclosure::Personal, Disclosure::Commitment] {
            let made = proof(&sample, seq, disclosure);
            let read = EventProof::parse(serde_json::to_string(&made).unwrap().as_bytes()).unwrap();
            assert_eq!(read.verify(&trusted()).unwrap().size, 2, "{seq}");
            assert_eq!(read.personal.is_some(), disclosure == Disclosure::Personal && seq % 10 != 0, "{seq}");
        }
    }
}

#[test]
fn of_an_event_without_a_proof_it_is_said_why() {
    let mut sample = Sample::new();
    let none = |sample: &Sample, seq| prove(sample.path(), &trusted(), seq, Disclosure::Personal).unwrap_err().to_string();
    let written = EVENTS.iter().sum::<u64>() + TAIL;
    for seq in [Sample::first_of_tail(), written] {
        assert!(none(&sample, seq).starts_with(&format!("event {seq} is not sealed yet: ")));
    }
    assert!(none(&sample, written + 1).starts_with("there is no event "));
    assert_eq!(none(&sample, 99_999), format!("there is no event 99999: the last one is {written}, and the first was 1"));
    assert!(none(&sample, 0).starts_with("there is no event 0: "));
    sample.append(&Entry::Retired { edge: EDGE.into(), through_seq: EVENTS[0], at_us: 1 });
    assert_eq!(none(&sample, 5), format!("event 5 is gone: all events up to {} were kept as long as `audit.retain` says", EVENTS[0]));
}

#[test]
fn an_erased_event_is_proven_as_before() {
    let mut sample = Sample::new();
    let before = proof(&sample, 5, Disclosure::Personal);
    let path = sample.segment(0);
    let (records, erased) = segment::erase(&path, &Wanted { seq: 5..=5, ..Wanted::default() }.into()).unwrap().unwrap();
    sample.append(&Entry::Erasure { edge: EDGE.into(), segment: 1, records, at_us: 1, file: erased.file, reason: "asked for".into() });
    put_in_place(&path).unwrap();
    let after = proof(&sample, 5, Disclosure::Personal);
    assert_eq!((&after.public, &after.commitment, &after.path), (&before.public, &before.commitment, &before.path));
    assert_eq!(after.personal, None);
    after.verify(&trusted()).unwrap();
    before.verify(&trusted()).unwrap();
}

#[test]
fn what_was_changed_in_a_proof_proves_nothing() {
    let sample = Sample::new();
    let good = proof(&sample, 7, Disclosure::Personal);
    let no = |change: &dyn Fn(&mut EventProof)| {
        let mut proof = good.clone();
        change(&mut proof);
        proof.verify(&trusted()).unwrap_err()
    };
    assert_eq!(no(&|proof| proof.seq = 8), ProofError::Seq(8));
    let other = hex_of("01a0c450", "01a0c451");
    assert!(matches!(no(&|proof| proof.public = proof.public.replace(&other.0, &other.1)), ProofError::Segment(_)));
    let other = hex_of("/ledger/entries/7", "/ledger/entries/8");
    assert_eq!(
        no(&|proof| proof.personal = proof.personal.as_ref().map(|personal| personal.replace(&other.0, &other.1))),
        ProofError::Commitment
    );
    assert_eq!(no(&|proof| proof.salt = None), ProofError::Part("salt"));
    assert_eq!(no(&|proof| proof.commitment = None), ProofError::Commitment);
    assert!(matches!(no(&|proof| drop(proof.path.pop())), ProofError::Segment(_)));
    assert!(matches!(
        no(&|proof| proof.entry = proof.entry.replace("events 40", "events 41")),
        ProofError::Segment(_) | ProofError::Log(_)
    ));
    assert!(matches!(no(&|proof| proof.log = proof.log.replace("index 0", "index 1")), ProofError::Log(_)));
    assert!(good.verify(&TestKey::new("wardgate/edge-1", 8).trusted()).is_err());
    assert!(EventProof::parse(b"{}").is_err());
}

fn hex_of(from: &str, to: &str) -> (String, String) {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect();
    (hex(from), hex(to))
}

#[test]
fn a_segment_that_was_changed_proves_nothing() {
    let sample = Sample::new();
    std::fs::copy(sample.segment(0), sample.segment(1)).unwrap();
    assert!(matches!(prove(sample.path(), &trusted(), 50, Disclosure::Personal), Err(NotProven::Changed(_))));
}
