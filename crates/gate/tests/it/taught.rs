//! Who is taught what it did before: what is usual then, what is told of, and who is not taught.

use crate::{done, estate};
use std::{net::IpAddr, time::Duration};
use wardgate_gate::{Effect, Gate, Habit, Software, Spell, Taught, Untaught, Verdict, establish};
use wardgate_model::{facts::Facts, id::IdentityId, time::Time};
use wardgate_testkit::world::{Asked, DAWN};

const HOME: [u8; 4] = [127, 0, 7, 20];
const READ: &str = "ledger GET /ledger/entries/{id}";

fn habit(operation: &str) -> Habit {
    Habit {
        operation: operation.into(),
        per_hour: 20,
        hours: (0..24).collect(),
        from: IpAddr::from(HOME),
        software: Software::Agent("ledger-sync/4.2".into()),
        records: 1,
    }
}

fn taught(habits: impl Into<Vec<Habit>>) -> Taught {
    Taught { identity: IdentityId::literal("ledger-sync"), days: 14, habits: habits.into() }
}

struct Rig {
    gate: Gate,
    key: String,
    now: Time,
}

impl Rig {
    fn new() -> Self {
        let world = estate();
        let key = world.key("ledger-sync").to_owned();
        // In the middle of an hour: nothing may depend on that.
        Self { gate: Gate::new(world.snapshot, world.meters), key, now: DAWN + Duration::from_mins(25) }
    }

    fn teach(&self, habits: impl Into<Vec<Habit>>) -> Result<u32, Untaught> {
        self.gate.teach(&taught(habits), self.now)
    }

    /// `code signals` of a call.
    fn call(&mut self, path: &str, from: [u8; 4], agent: &str) -> String {
        self.now = self.now + Duration::from_secs(2);
        let asked = Asked::parse(&format!("GET {path}\nhost: ledger.example\nuser-agent: {agent}")).unwrap();
        let asked = asked.bearer(&self.key).from(IpAddr::from(from));
        let snapshot = self.gate.snapshot();
        let facts: Facts = done(establish(&asked.arrival(self.now), &snapshot, self.gate.meters(), self.now));
        let verdict: Verdict = match wardgate_gate::decide(&facts, &snapshot, self.gate.meters(), self.now) {
            wardgate_gate::Step::Done(verdict) => verdict,
            wardgate_gate::Step::Wait(held, _) => wardgate_gate::turn_away(held, self.now, self.now),
        };
        let effect = Effect { status: verdict.permit.is_some().then_some(200), records: Some(1), ..Effect::default() };
        self.gate.meters().watch().learn(&facts, &verdict.ruling, &effect, self.now);
        let signals: Vec<&str> = verdict.ruling.signals.iter().map(|part| part.signal.as_str()).collect();
        [&[verdict.ruling.reason().code()][..], &signals].concat().join(" ")
    }
}

#[test]
fn what_is_taught_is_usual_and_what_is_not_is_told() {
    let mut rig = Rig::new();
    assert_eq!(rig.teach([habit(READ)]), Ok(20 * 24 * 14));
    for id in ["4711", "99", "52-0817", "600123"] {
        assert_eq!(rig.call(&format!("/ledger/entries/{id}"), HOME, "ledger-sync/4.3"), "rule.allowed");
    }
    // Its own program on another host of the same network.
    assert_eq!(rig.call("/ledger/entries/33021", [127, 0, 7, 99], "ledger-sync/4.3"), "rule.allowed");
    // A bare key has nothing to show: who has it elsewhere is refused.
    assert_eq!(rig.call("/ledger/entries/12", [127, 0, 99, 1], "curl/8.5"), "risk.blocked new_place new_software");
    assert_eq!(rig.call("/ledger/entries/81234", HOME, "ledger-sync/4.3"), "rule.allowed", "its owner is not meant");
    let mut told = (1_000..1_040).map(|id| rig.call(&format!("/ledger/entries/{id}"), HOME, "ledger-sync/4.3"));
    assert_eq!(told.position(|told| told == "risk.blocked enumeration"), Some(15));
}

#[test]
fn an_operation_that_is_not_among_the_habits_is_new() {
    let mut rig = Rig::new();
    rig.teach([habit(READ)]).unwrap();
    assert_eq!(rig.call("/ledger/entries", HOME, "ledger-sync/4.3"), "rule.allowed new_operation climbing");
    let mut rig = Rig::new();
    rig.teach([habit(READ), Habit { per_hour: 1, hours: vec![0, 12], ..habit("ledger GET /ledger/entries") }]).unwrap();
    assert_eq!(rig.call("/ledger/entries", HOME, "ledger-sync/4.3"), "rule.allowed");
}

#[test]
fn what_has_begun_is_told_of_as_it_goes_on() {
    let mut rig = Rig::new();
    let Habit { operation, from, software, records, .. } = habit(READ);
    // Two hundred in the last ten minutes, where twenty an hour are usual.
    let spell = Spell { operation, calls: 200, minutes: 10, from, software, records };
    assert_eq!(rig.gate.teach_lately(&taught([habit(READ)]), std::slice::from_ref(&spell), rig.now), Ok(6_920));
    assert_eq!(rig.call("/ledger/entries/33021", HOME, "ledger-sync/4.3"), "rule.allowed rate");
    // Half of the last hour was before this one began.
    let mut rig = Rig::new();
    rig.now = rig.now + Duration::from_hours(6);
    let spell = Spell { calls: 240, minutes: 50, ..spell };
    assert_eq!(rig.gate.teach_lately(&taught([habit(READ)]), &[spell], rig.now), Ok(6_960));
    assert_eq!(rig.call("/ledger/entries/33021", HOME, "ledger-sync/4.3"), "rule.allowed rate");
}

#[test]
fn nobody_is_taught_who_has_called() {
    let mut rig = Rig::new();
    let known = Untaught::Known(IdentityId::literal("ledger-sync"));
    assert_eq!(rig.call("/ledger/entries/7", HOME, "ledger-sync/4.3"), "rule.allowed");
    assert_eq!(rig.teach([habit(READ)]), Err(known.clone()));
    assert!(rig.gate.meters().watch().forget_one(&IdentityId::literal("ledger-sync")));
    assert_eq!(rig.teach([habit(READ)]), Ok(6_720));
    assert_eq!(rig.teach([habit(READ)]), Err(known), "nor twice");
}

#[test]
fn what_cannot_have_been_is_not_taught() {
    let rig = Rig::new();
    let why = |taught: Taught| rig.gate.teach(&taught, rig.now).unwrap_err().to_string();
    let of = |habit: Habit| taught([habit]);
    let why_lately = |minutes: u8| {
        let Habit { operation, from, software, records, .. } = habit(READ);
        let spell = Spell { operation, calls: 1, minutes, from, software, records };
        rig.gate.teach_lately(&of(habit(READ)), &[spell], rig.now).unwrap_err().to_string()
    };
    let told = [
        why(Taught { identity: IdentityId::literal("nobody-known"), ..of(habit(READ)) }),
        why(Taught { identity: IdentityId::literal("anonymous"), ..of(habit(READ)) }),
        why(Taught { days: 0, ..of(habit(READ)) }),
        why(Taught { days: 29, ..of(habit(READ)) }),
        why(taught([])),
        why(taught(vec![habit(READ); 33])),
        why(of(Habit { hours: vec![24], ..habit(READ) })),
        why_lately(0),
        why_lately(61),
        why(of(Habit { hours: vec![], ..habit(READ) })),
        why(of(Habit { per_hour: 0, ..habit(READ) })),
        why(of(Habit { per_hour: 298, ..habit(READ) })),
        why(of(Habit { per_hour: u32::MAX, ..habit(READ) })),
        why(of(habit("ledger GET /entries"))),
        why(Taught { identity: IdentityId::literal("dashboards"), ..of(habit("ledger POST /ledger/transfers")) }),
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(rig.gate.meters().watch().count(), 0);
    // An hour that stands twice is one.
    let twice = Habit { hours: vec![3, 3], per_hour: 5, ..habit(READ) };
    assert_eq!(rig.gate.teach(&Taught { days: 28, ..of(twice) }, rig.now), Ok(140));
}
