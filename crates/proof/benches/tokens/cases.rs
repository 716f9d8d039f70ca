//! What is measured, and the world that it is measured in.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use serde_json::{Map, Value, json};
use std::{hint::black_box, time::Duration};
use wardgate_model::{
    id::{CredentialId, IdentityId, NameError, TrustName},
    time::Time,
    trust::{Binding, ClaimValue, Condition, Subject},
};
use wardgate_proof::{
    binding::{Holder, Match, Subjects},
    jose::{
        algorithm::Algorithms,
        base64url,
        expected::{Expected, Sharing},
        jwk::{Accepting, Usage},
        jwt,
        key_set::KeySet,
        kind::TokenKind,
        signer::{Signer, jwks},
    },
};

/// Rounds that are counted.
pub(crate) const COUNTED: u32 = 50;
const NOW: Time = Time::from_seconds(1_800_000_000);

/// A case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// Nothing: what counting costs.
    Idle,
    /// The signature alone, everything decoded before.
    Bare,
    /// A token, from text to [`jwt::Verified`].
    Token,
    /// A token that is right in every way, of a key that nobody knows.
    Unknown,
    /// Whose it is, among 40: enough to be indexed.
    Few,
    /// Whose it is, among 100,000.
    Crowd,
}

impl Case {
    pub(crate) const MEASURED: [Self; 5] = [Self::Bare, Self::Token, Self::Unknown, Self::Few, Self::Crowd];

    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let found = Self::MEASURED.into_iter().chain([Self::Idle]).find(|case| case.name() == name);
        found.ok_or_else(|| format!("there is no case `{name}`"))
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Bare => "bare",
            Self::Token => "token",
            Self::Unknown => "unknown",
            Self::Few => "few",
            Self::Crowd => "crowd",
        }
    }

    /// What it needs.
    pub(crate) fn world(self) -> Result<World, String> {
        World::new(self)
    }
}

/// What a case needs.
pub(crate) struct World {
    case: Case,
    token: String,
    signed: String,
    signature: Vec<u8>,
    unknown: String,
    public: ParsedPublicKey,
    keys: KeySet,
    expected: Expected,
    subjects: Subjects,
    trust: TrustName,
    said: Map<String, Value>,
}

const SUBJECT: &str = "repo:acme/ledger:ref:refs/heads/main";

impl World {
    fn new(case: Case) -> Result<Self, String> {
        let signer = signer()?;
        // As long as a token of a CI provider.
        let claims = json!({
            "iss": "https://ci.example", "sub": SUBJECT, "aud": "wardgate", "iat": 1_800_000_000, "nbf": 1_799_999_990, "exp": 1_800_000_600,
            "jti": "0d3c7cf2-5f9a-4f5c-8a48-8f5d7a4c0a55", "environment": "production", "ref": "refs/heads/main", "ref_type": "branch",
            "repository": "acme/ledger", "repository_id": "74", "repository_owner": "acme", "repository_owner_id": "65", "run_id": "123456",
            "workflow": "deploy", "sha": "6b8a4a5c4a2f4a7c9d1e", "actor": "octo", "event_name": "push", "runner_environment": "hosted",
            "job_workflow_ref": "acme/flows/.github/workflows/deploy.yml@refs/heads/main",
        });
        let sign = |signer: &Signer| signer.sign("JWT", &claims).map_err(|error| error.to_string());
        let (token, unknown) = (sign(&signer)?, sign(&self::signer()?)?);
        let (signed, signature) = token.rsplit_once('.').ok_or("no token")?;
        let jwk = signer.jwk();
        let bytes = |text: &str| base64url::decode(text).ok_or_else(|| "not base64url".to_owned());
        let coordinate = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or_else(|| "no coordinate".to_owned()).and_then(bytes);
        let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
        let accepting = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };
        let crowd = if case == Case::Crowd { 100_000 } else { 40 };
        Ok(Self {
            case,
            signed: signed.to_owned(),
            signature: bytes(signature)?,
            unknown,
            public: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|error| error.to_string())?,
            keys: KeySet::parse(jwks([&signer]).to_string().as_bytes(), accepting).map_err(|error| error.to_string())?,
            expected: Expected {
                issuer: Some("https://ci.example".into()),
                audiences: ["wardgate".into()].into(),
                sharing: Sharing::Allowed,
                kinds: [TokenKind::Plain, TokenKind::Access].into(),
                trust_domain: None,
                subject_claim: "sub".into(),
                on_behalf_of: None,
                leeway: Duration::from_secs(30),
                life_max: Duration::from_hours(1),
            },
            subjects: Subjects::build((0..crowd).map(bound).collect::<Result<Vec<_>, NameError>>().map_err(|error| error.to_string())?),
            trust: TrustName::parse("ci").map_err(|error| error.to_string())?,
            said: [("repository_id".to_owned(), json!("74"))].into_iter().collect(),
            token,
        })
    }

    /// Runs the case so many times. `false`: it did not end as it should.
    pub(crate) fn run(&self, rounds: u32) -> bool {
        // Once outside of what is counted: tables of the library are made when they are first wanted.
        once(self) && measured(self, rounds)
    }
}

fn signer() -> Result<Signer, String> {
    let key = Signer::generate().map_err(|error| error.to_string())?;
    Signer::load(key.danger_expose()).map_err(|error| error.to_string())
}

/// Half of them by whole subjects, half behind one beginning and told apart by a claim.
fn bound(at: usize) -> Result<(Binding, Holder), NameError> {
    let (mut binding, holder) = bound_whole(at)?;
    if !at.is_multiple_of(2) {
        let id = if at == 1 { "74".to_owned() } else { format!("r{at}") };
        binding.subject = Subject::parse("repo:acme/*");
        binding.claims = [Condition { claim: "repository_id".into(), value: ClaimValue::Text(id.into()) }].into();
    }
    Ok((binding, holder))
}

/// By a whole subject.
pub(crate) fn bound_whole(at: usize) -> Result<(Binding, Holder), NameError> {
    let credential = CredentialId::of(u128::try_from(at).unwrap_or_default());
    let holder = Holder { identity: IdentityId::parse(&format!("id-{at}"))?, credential };
    let subject = Subject::Exactly(format!("repo:acme/r{at}:ref:refs/heads/main").into());
    Ok((Binding { trust: TrustName::parse("ci")?, subject, claims: [].into() }, holder))
}

/// What is counted.
#[inline(never)]
fn measured(world: &World, rounds: u32) -> bool {
    (0..rounds).all(|_| once(world))
}

fn once(world: &World) -> bool {
    match world.case {
        Case::Idle => black_box(true),
        Case::Bare => black_box(&world.public).verify_sig(world.signed.as_bytes(), &world.signature).is_ok(),
        Case::Token => jwt::verify(black_box(&world.token), &world.keys, &world.expected, NOW).is_ok(),
        Case::Unknown => jwt::verify(black_box(&world.unknown), &world.keys, &world.expected, NOW).is_err(),
        Case::Few | Case::Crowd => matches!(world.subjects.find(&world.trust, black_box(SUBJECT), &world.said), Match::One(_)),
    }
}
