use super::{Born, Illegal, Life, Move, Unapproved, legal, may_approve, origins, step};
use proptest::prelude::*;
use std::collections::BTreeSet;
use wardgate_model::{id::IdentityId, inventory::IdentityState};

#[test]
fn the_table() {
    let mut text = String::new();
    for state in IdentityState::ALL {
        for asked in legal(*state) {
            let life = Life { state: *state, resumes_to: Some(IdentityState::Active) }.step(asked).unwrap();
            text.push_str(&format!("{state} {asked} {}\n", life.state));
        }
    }
    insta::assert_snapshot!(text, @"
    discovered claim requested
    discovered reject retired
    discovered quarantine quarantined
    requested approve approved
    requested reject retired
    requested quarantine quarantined
    requested retire retired
    approved activate active
    approved quarantine quarantined
    approved retire retired
    active suspend suspended
    active quarantine quarantined
    active retire retired
    suspended resume active
    suspended quarantine quarantined
    suspended retire retired
    quarantined quarantine quarantined
    quarantined release active
    quarantined retire retired
    ");
}

#[test]
fn what_is_illegal_names_what_is_legal() {
    let said = |state, asked| step(state, asked).unwrap_err().to_string();
    insta::assert_snapshot!(said(IdentityState::Requested, Move::Resume), @"an identity that is `requested` cannot be asked to `resume`: possible are `approve`, `reject`, `quarantine`, `retire`");
    insta::assert_snapshot!(said(IdentityState::Retired, Move::Resume), @"an identity that is `retired` cannot be asked to `resume`: that is for good, make a new one");
    let Illegal { state, asked, legal } = step(IdentityState::Approved, Move::Approve).unwrap_err();
    assert_eq!((state, asked, legal), (IdentityState::Approved, Move::Approve, vec![Move::Activate, Move::Quarantine, Move::Retire]));
}

#[test]
fn containment_can_start_anywhere_but_at_the_end() {
    let all: Vec<_> = IdentityState::ALL.iter().copied().filter(|state| *state != IdentityState::Retired).collect();
    assert_eq!(origins(Move::Quarantine), all);
    assert_eq!(origins(Move::Release), [IdentityState::Quarantined]);
}

#[test]
fn a_release_without_memory_wants_a_new_approval() {
    assert_eq!(step(IdentityState::Quarantined, Move::Release), Ok(IdentityState::Requested));
}

#[test]
fn an_approval_wants_another_identity_and_evidence() {
    let (a, b) = (IdentityId::literal("a"), IdentityId::literal("b"));
    assert_eq!(may_approve(Some("a"), &b, "TICKET-7"), Ok(()));
    assert_eq!(may_approve(None, &b, "TICKET-7"), Ok(()));
    assert_eq!(may_approve(Some("a"), &a, "TICKET-7"), Err(Unapproved::OwnRequest(a)));
    assert_eq!(may_approve(Some("a"), &b, "  x "), Err(Unapproved::NoEvidence));
    assert_eq!(may_approve(Some("a"), &b, &"x".repeat(5_000)), Err(Unapproved::LongEvidence));
}

/// What can happen to an identity, by whomever.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Asked(Move),
    /// Somebody approves it: who asked for it, or another; with evidence or without.
    Approved {
        by: &'static str,
        evidence: &'static str,
    },
    /// Somebody contains it: identity, owner or issuer.
    Contained,
    /// A second person lets it out.
    Released,
    /// Its owner departs and the grace ends: it is suspended if it is active.
    Orphaned,
    /// A file declares it: again, or for the first time.
    Applied,
    /// A file declares it no more; its status stays.
    Dropped,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        // Approvals come with somebody who approves.
        6 => proptest::sample::select(Move::ALL).prop_filter("approved below", |asked| *asked != Move::Approve).prop_map(Happening::Asked),
        2 => (proptest::sample::select(vec!["requester", "other"]), proptest::sample::select(vec!["", "TICKET-7"]))
            .prop_map(|(by, evidence)| Happening::Approved { by, evidence }),
        1 => Just(Happening::Contained),
        1 => Just(Happening::Released),
        1 => Just(Happening::Orphaned),
        1 => Just(Happening::Applied),
        1 => Just(Happening::Dropped),
    ]
}

/// An independent model: facts about a life, from which the state follows, instead of states with moves between them.
#[derive(Debug, Clone, Default)]
struct Model {
    /// On record at all.
    known: bool,
    discovered: bool,
    approved: bool,
    used: bool,
    suspended: bool,
    contained: bool,
    over: bool,
}

impl Model {
    fn born(born: Born) -> Self {
        let trusted = matches!(born, Born::File | Born::Shipped);
        Self { known: true, discovered: born == Born::Traffic, approved: trusted, used: trusted, ..Self::default() }
    }

    fn state(&self) -> IdentityState {
        if self.over {
            IdentityState::Retired
        } else if self.contained {
            IdentityState::Quarantined
        } else if self.suspended {
            IdentityState::Suspended
        } else if self.used {
            IdentityState::Active
        } else if self.approved {
            IdentityState::Approved
        } else if self.discovered {
            IdentityState::Discovered
        } else {
            IdentityState::Requested
        }
    }

    /// Whether it was possible.
    fn asked(&mut self, asked: Move) -> bool {
        if self.over {
            return false;
        }
        let free = !self.contained;
        let flag = match asked {
            Move::Claim if free && self.discovered => {
                self.discovered = false;
                return true;
            }
            Move::Reject if free && !self.approved => &mut self.over,
            Move::Approve if free && !self.approved && !self.discovered => &mut self.approved,
            Move::Activate if free && self.approved && !self.used => &mut self.used,
            Move::Suspend if free && self.used && !self.suspended => &mut self.suspended,
            Move::Resume if free && self.suspended => {
                self.suspended = false;
                return true;
            }
            Move::Quarantine => &mut self.contained,
            Move::Release if self.contained => {
                self.contained = false;
                return true;
            }
            Move::Retire if self.contained || !self.discovered => &mut self.over,
            _ => return false,
        };
        *flag = true;
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_life_is_that_of_the_model(
        born in proptest::sample::select(Born::ALL),
        happenings in proptest::collection::vec(happening(), 0..40),
    ) {
        let (mut life, mut model) = (Life::begin(born), Model::born(born));
        let mut approvals = matches!(born, Born::File | Born::Shipped);
        let mut seen = BTreeSet::new();
        for happening in happenings {
            let before = life;
            let asked = match happening {
                Happening::Asked(asked) => Some(asked),
                Happening::Approved { by, evidence } => {
                    let counts = may_approve(Some("requester"), &IdentityId::literal(by), evidence).is_ok();
                    prop_assert_eq!(counts, by != "requester" && !evidence.is_empty());
                    counts.then_some(Move::Approve)
                }
                Happening::Contained => Some(Move::Quarantine),
                Happening::Released => Some(Move::Release),
                // The clock asks only where it is legal (see `due`).
                Happening::Orphaned => (life.state == IdentityState::Active).then_some(Move::Suspend),
                // INVARIANT (spec and status): what files declare moves no life that has begun.
                Happening::Applied | Happening::Dropped => None,
            };
            if let Some(asked) = asked {
                let possible = model.asked(asked);
                match life.step(asked) {
                    Ok(after) => {
                        prop_assert!(possible, "{asked} from {} is not in the model", before.state);
                        prop_assert!(legal(before.state).contains(&asked));
                        life = after;
                    }
                    Err(illegal) => {
                        prop_assert!(!possible, "{asked} from {} is in the model", before.state);
                        prop_assert_eq!(illegal.legal, legal(before.state));
                    }
                }
                approvals |= asked == Move::Approve && before.state == IdentityState::Requested;
                // A contained identity is let out by a release, or ends.
                if before.state == IdentityState::Quarantined && life.state != IdentityState::Quarantined {
                    prop_assert!(matches!(asked, Move::Release | Move::Retire));
                }
            }
            prop_assert_eq!(life.state, model.state());
            prop_assert!(life.state != IdentityState::Active || approvals, "active without an approval");
            prop_assert!(before.state != IdentityState::Retired || life.state == IdentityState::Retired, "back from the dead");
            prop_assert_eq!(life.resumes_to.is_some(), life.state == IdentityState::Quarantined);
            seen.insert(life.state);
        }
        prop_assert!(model.known);
    }
}
