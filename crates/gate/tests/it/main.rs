//! The judge as a whole: worlds as an operator writes them, requests as text, rulings as text.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop where its own fixture is wrong")]

#[cfg(test)]
mod bots;
mod challenge;
#[cfg(test)]
mod flows;
mod github;
#[cfg(test)]
mod inspection;
mod limits;
mod matrix;
#[cfg(test)]
mod mixed;
mod observe;
#[cfg(test)]
mod opaque;
#[cfg(test)]
mod possession;
mod proofs;
mod risk;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod sources;
mod sunset;
mod svids;
#[cfg(test)]
mod tasks;
mod taught;
mod tokens;
#[cfg(test)]
mod webhooks;

use wardgate_gate::{Step, Unproven};
use wardgate_model::facts::Facts;
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

/// Two environments, identities of different kinds, one API for production and one for staging.
pub(crate) const ESTATE: &str = include_str!("estate.yaml");
/// What free policies add.
pub(crate) const POLICIES: &str = include_str!("estate.cedar");

pub(crate) fn estate() -> TestWorld {
    world(ESTATE, POLICIES, ShippedLimits::Off).unwrap()
}

/// The facts, where nothing more is needed for them.
pub(crate) fn done(step: Step<Facts, Unproven>) -> Facts {
    match step {
        Step::Done(facts) => facts,
        Step::Wait(_, need) => panic!("{need:?} is needed"),
    }
}

/// `status code` of a request by an identity (empty: without a credential).
pub(crate) fn ruled(world: &TestWorld, identity: &str, request: &str) -> String {
    let asked = Asked::parse(request).unwrap();
    let asked = if identity.is_empty() { asked } else { asked.bearer(world.key(identity)) };
    let (_, verdict) = world.judge(&asked, DAWN).unwrap();
    let reason = verdict.ruling.reason();
    assert_eq!(verdict.permit.is_some(), verdict.ruling.forwards());
    let observed = if verdict.ruling.enforced { "" } else { " (observed)" };
    format!("{} {}{observed}", reason.row().http, reason.code())
}
