use super::{ACTORS, AccessToken, CREDENTIAL, ON_BEHALF_OF, PARENTS, UNBOUND, expected};
use crate::jose::{
    algorithm::{Algorithm, Algorithms},
    claims::Confirmation,
    jwk::{Accepting, Usage},
    jwt,
    key_set::KeySet,
    refusal::Refusal,
    signer::{Signer, jwks},
};
use serde_json::json;
use std::time::Duration;
use wardgate_model::{
    id::{CredentialId, IdentityId},
    proof::HeldKey,
    time::Time,
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const ISSUER: &str = "https://gate.example";

#[test]
fn a_token_says_what_rfc_9068_wants_and_is_verified_by_the_published_key() {
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        let signer = Signer::load(Signer::generate_for(algorithm).expect("a key").danger_expose()).expect("a signer");
        let published = jwks([&signer]).to_string();
        let keys = KeySet::parse(published.as_bytes(), Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature }).expect("keys");
        let identity = IdentityId::literal("ledger");
        let token = AccessToken {
            issuer: ISSUER,
            identity: &identity,
            audience: "https://gate.example/ledger",
            scope: "list read",
            credential: CredentialId::of(7),
            id: "00112233445566778899aabbccddeeff",
            since: Some(Time::from_seconds(NOW.as_seconds() - 9)),
            on_behalf_of: Some("h"),
            actors: &[(IdentityId::literal("planner"), CredentialId::of(8)), (IdentityId::literal("runner"), CredentialId::of(9))],
            parents: &["second".into(), "first".into()],
            unbound: true,
            issued: NOW,
            ends: NOW + Duration::from_mins(5),
            bound_to: None,
            task: None,
        };
        let text = token.sign(&signer).expect("signed");
        let verified = jwt::verify(&text, &keys, &expected(ISSUER), NOW).expect("good");
        assert_eq!(&*verified.subject, "ledger");
        assert_eq!(verified.claims.client(), Some("planner"), "who asked for it");
        assert_eq!(verified.claims.actors().map(|actor| actor.subject).collect::<Vec<_>>(), ["planner", "runner"]);
        assert_eq!(verified.claims.all()[PARENTS], json!(["second", "first"]));
        assert_eq!(verified.claims.all()[ACTORS], json!([CredentialId::of(8).as_str(), CredentialId::of(9).as_str()]));
        assert_eq!(verified.claims.all()[UNBOUND], json!(true));
        assert_eq!(verified.claims.audiences().collect::<Vec<_>>(), ["https://gate.example/ledger"]);
        assert_eq!(verified.claims.scopes().collect::<Vec<_>>(), ["list", "read"]);
        assert_eq!(verified.claims.authenticated(), Some(Time::from_seconds(NOW.as_seconds() - 9)));
        assert_eq!(verified.claims.text(ON_BEHALF_OF), Some("h"));
        assert_eq!(verified.claims.text(CREDENTIAL), Some(CredentialId::of(7).as_str()));
        assert_eq!(
            jwt::verify(&text, &keys, &expected("https://gate.example/"), NOW),
            Err(Refusal::Issuer(crate::jose::refusal::Shown::of(ISSUER)))
        );
        assert_eq!(verified.claims.confirmation(), None);
        for (key, expected) in
            [(HeldKey::Key([7; 32]), Confirmation::Key([7; 32])), (HeldKey::Certificate([9; 32]), Confirmation::Certificate([9; 32]))]
        {
            let text = AccessToken { bound_to: Some(key), ..token.clone() }.sign(&signer).expect("signed");
            let verified = jwt::verify(&text, &keys, &super::expected(ISSUER), NOW).expect("good");
            assert_eq!(verified.claims.confirmation(), Some(expected));
        }
        let late = NOW + Duration::from_mins(6);
        assert_eq!(jwt::verify(&text, &keys, &expected(ISSUER), late), Err(Refusal::Expired));
    }
}
