use super::*;
use crate::watch::Tick;
use std::rc::{Rc, Weak};
use wardgate_abuse::Limits;
use wardgate_gate::{Population, World, assertion::Mint, denied::Denied};
use wardgate_policy::{Names, compile};
use wardgate_proof::{api_key::Pepper, jws::Signer};

/// An open request that counts how often it was judged, and by which snapshot last.
#[derive(Default)]
struct Open(Cell<u64>, Cell<usize>);

impl Tick for Open {
    fn tick(&self, _: Time) {}

    fn review(&self, sight: &Sight<'_>) -> usize {
        if self.0.replace(sight.snapshot.number()) == sight.snapshot.number() {
            return 0;
        }
        self.1.set(self.1.get() + 1);
        JUDGEMENT
    }
}

fn snapshot(number: u64) -> Snapshot {
    let signer = Signer::load(Signer::generate().unwrap().danger_expose()).unwrap();
    let estate = Estate::build(World {
        apis: vec![],
        grants: vec![],
        zones: vec![],
        secrets: vec![],
        policies: Arc::new(compile(&[], &[], &Names::default()).policies.unwrap()),
        limits: Arc::new(Limits::compile(&[])),
        pepper: Arc::new(Pepper::new(&[7; 32])),
        mint: Arc::new(Mint::new(signer, "https://gate.example".into())),
        denied: Arc::new(Denied::default()),
        body_bytes_max: 1,
    });
    Snapshot::new(number, Population::default(), Arc::new(estate))
}

#[test]
fn a_turn_is_bounded_and_nobody_is_left_out() {
    let watch = Rc::new(Watch::default());
    let open: Vec<Rc<Open>> = (0..1_000).map(|_| Rc::default()).collect();
    let places: Vec<_> = open.iter().map(|open| watch.add(Rc::downgrade(open) as Weak<dyn Tick>)).collect();
    let reviews = Reviews::default();
    let judged = || open.iter().map(|open| open.1.get()).sum::<usize>();
    let by = |number: u64| open.iter().filter(|open| open.0.get() == number).count();
    let now = Time::default();
    let per_turn = TURN.div_ceil(GLANCE + JUDGEMENT);
    let (first, second) = (snapshot(1), snapshot(2));
    reviews.turn(&watch, &first, now);
    assert_eq!(judged(), per_turn);
    // A change while it is under way: who waits comes first, who was judged once more after them.
    for turn in 1..=5 {
        reviews.turn(&watch, &second, now);
        assert_eq!(by(2), (turn * per_turn).min(1_000));
    }
    assert_eq!((by(2), judged()), (1_000, 1_000 + per_turn));
    reviews.turn(&watch, &second, now);
    assert_eq!(judged(), 1_000 + per_turn, "nothing more to do");
    // Somebody was let in by an older one meanwhile.
    open[7].0.set(1);
    reviews.behind(2);
    reviews.turn(&watch, &second, now);
    assert_eq!(by(1), 1, "it was not behind");
    reviews.behind(1);
    reviews.turn(&watch, &second, now);
    assert_eq!(by(2), 1_000);
    drop(places);
    reviews.turn(&watch, &snapshot(3), now);
    assert_eq!(by(3), 0);
}

#[test]
fn an_era_begins_with_another_estate_or_other_proofs() {
    let watch = Rc::new(Watch::default());
    let reviews = Reviews::default();
    let (first, now) = (snapshot(4), Time::default());
    reviews.turn(&watch, &first, now);
    assert_eq!(reviews.era.get(), 4);
    reviews.turn(&watch, &Snapshot::new(5, Population::default(), Arc::clone(first.estate())), now);
    assert_eq!(reviews.era.get(), 4, "identities and credentials alone");
    reviews.turn(&watch, &snapshot(6), now);
    assert_eq!(reviews.era.get(), 6);
    let trusting = Snapshot::new(7, Population::default(), Arc::clone(first.estate())).trusting(Arc::new(Trust::new([], [])));
    reviews.turn(&watch, &trusting, now);
    assert_eq!(reviews.era.get(), 7);
}
