use crate::{Change, Population};
use serde_json::Map;
use std::sync::Arc;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    id::{CredentialId, EnvironmentName, IdentityId, TrustName},
    time::Time,
    trust::{Binding, Subject},
};
use wardgate_proof::binding::Match;

fn credential(n: u128, subject: &str) -> Arc<Credential> {
    Arc::new(Credential {
        id: CredentialId::of(n),
        identity: IdentityId::literal("a"),
        name: "ci".into(),
        kind: CredentialKind::Oidc,
        environment: EnvironmentName::literal("production"),
        sources: Box::default(),
        hash: None,
        binding: Some(Box::new(Binding { trust: TrustName::literal("ci"), subject: Subject::parse(subject), claims: Box::default() })),
        created: Time::from_micros(0),
        expires: None,
        warn_from: None,
        task: None,
        state: CredentialState::Live,
    })
}

/// Whether a subject is somebody whose credential is on record.
fn known(population: &Population, subject: &str) -> bool {
    match population.bindings().subjects().find(&TrustName::literal("ci"), subject, &Map::new()) {
        Match::One(holder) => {
            assert!(population.credentials().get(holder.credential.as_str()).is_some(), "{subject}");
            true
        }
        Match::Nobody => false,
        Match::Ambiguous(..) => panic!("{subject}"),
    }
}

#[test]
fn what_is_not_declared_any_more_stands_for_nobody() {
    let mut population = Population::default();
    let declare = |population: &mut Population, credentials: &[Arc<Credential>]| {
        let before = population.bindings().revision();
        population.apply(Change::Declared(IdentityId::literal("a"), credentials.into()));
        population.bindings().revision() != before
    };
    assert!(!declare(&mut population, &[]), "nothing changed");
    assert!(declare(&mut population, &[credential(1, "x*"), credential(2, "y")]));
    let earlier = population.clone();
    assert!(declare(&mut population, &[credential(2, "z")]));
    assert_eq!(["x1", "y", "z"].map(|subject| known(&population, subject)), [false, false, true]);
    assert!(population.credentials().get(CredentialId::of(1).as_str()).is_none());
    population.apply(Change::NoIdentity(IdentityId::literal("a")));
    assert_eq!((known(&population, "z"), population.credentials().len()), (false, 0));
    assert_eq!(["x1", "y", "z"].map(|subject| known(&earlier, subject)), [true, true, false], "an earlier snapshot stays what it was");
}
