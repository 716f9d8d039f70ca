//! Room 5. Takes a [`Presented`], gives a [`Proven`]: is it genuine, still good, and from where it may be used?
//!
//! Why here: after this nothing asks again. Refuses: unknown, expired, revoked and spent credentials, tokens and certificates
//! that nobody vouches for (which all look the same outside) and sources that the credential is not bound to. An unknown id
//! costs the same work as a known one. Asks for the keys of an issuer whose token names one that is not known yet.

use crate::{
    credential::{Presented, Shown},
    judge::Refused,
    snapshot::Snapshot,
    source::Sourced,
    step::KeysAnswer,
    trust::{Certificate, Token, Trouble},
};
use serde_json::Map;
use std::{net::IpAddr, sync::Arc};
use wardgate_abuse::Meters;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    facts::{Caller, Facts, TokenFacts, Unknown},
    id::TrustName,
    inventory::Identity,
    proof::{CertificateChain, ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::{
    api_key::{self, ApiKey},
    binding::{Holder, Match},
    jose::claims::Confirmation,
    x509::Thumbprint,
};

/// A request whose proof is genuine, or that shows none.
#[derive(Debug)]
pub struct Proven<'a> {
    /// Where it comes from, what it is for.
    pub sourced: Sourced<'a>,
    /// What was proven; `None`: nothing was shown.
    pub genuine: Option<Genuine>,
}

/// A genuine proof and the credential on record that it stands for.
#[derive(Debug)]
pub struct Genuine {
    /// The credential on record.
    pub credential: Arc<Credential>,
    /// The proof.
    pub proof: ProofFacts,
    /// The token, where it is one.
    pub token: Option<Arc<TokenFacts>>,
    /// Keyed hash of the person on whose behalf it is shown.
    pub on_behalf_of: Option<Box<str>>,
}

impl Genuine {
    /// The proof of a credential that is shown itself.
    fn of(credential: Arc<Credential>, kind: ProofKind) -> Self {
        let proof = ProofFacts { kind, bound: false, since: credential.created, ends: None };
        Self { credential, proof, token: None, on_behalf_of: None }
    }
}

/// A request that does not go on as it is.
#[derive(Debug)]
pub enum Unready {
    /// It is refused.
    Refused(Refused),
    /// It needs keys that are not known yet.
    Keys {
        /// All that is known so far.
        facts: Box<Facts>,
        /// Whose keys.
        trust: TrustName,
        /// Which one, where it has a name.
        kid: Option<Box<str>>,
    },
}

impl From<Refused> for Unready {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Why what was shown is not good.
enum Failed {
    /// It proves nobody on record.
    Nobody(Reason, Option<Box<Unknown>>),
    /// It needs keys.
    Keys(TrustName, Option<Box<str>>),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(reason) => Self::Nobody(reason, None),
            Trouble::Keys { trust, kid } => Self::Keys(trust, kid),
        }
    }
}

impl From<Reason> for Failed {
    fn from(reason: Reason) -> Self {
        Self::Nobody(reason, None)
    }
}

/// Verifies what is shown.
///
/// # Errors
/// When it is not good, with the caller that it claims to be where the secret was right; when keys are needed first.
pub fn verify<'a>(presented: Presented<'a>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Proven<'a>, Unready> {
    let shown = match &presented.shown {
        Shown::None => return Ok(Proven { sourced: presented.sourced, genuine: None }),
        Shown::Key(key) => genuine(key, snapshot),
        Shown::Foreign(text) => registered(text, snapshot),
        Shown::Token(text) => vouched(text, presented.sourced.routed.canonical.arrival.certificates.map(|chain| &**chain), snapshot, now),
        Shown::Certificate(chain) => certified(chain, snapshot, now),
    };
    match shown {
        Ok(genuine) => Ok(in_force(presented.sourced, genuine, snapshot, now)?),
        Err(Failed::Nobody(reason, unknown)) => {
            let facts = Facts { unknown, ..presented.into_facts() };
            Err(nobody(facts, reason, snapshot, meters, now).into())
        }
        Err(Failed::Keys(trust, kid)) => Err(Unready::Keys { facts: Box::new(presented.into_facts()), trust, kid }),
    }
}

/// The refusal of a proof that stands for nobody. It counts dearer for its source, but for what was good once.
fn nobody(facts: Facts, reason: Reason, snapshot: &Snapshot, meters: &Meters, now: Time) -> Refused {
    if reason != Reason::ProofExpired {
        meters.charge_failed_proof(snapshot.limits(), facts.source.address, now);
    }
    Refused::new(facts, reason)
}

/// The refusal of a proof whose keys did not come. Where the issuer has answered, the proof is wrong; otherwise nobody knows,
/// and an honest caller may come again. Who names keys that nobody knows pays for it, unless there are none at all.
pub(crate) fn without_keys(facts: Facts, trust: &TrustName, asked: KeysAnswer, snapshot: &Snapshot, meters: &Meters, now: Time) -> Refused {
    let known = snapshot.trust().has_keys(trust, now);
    let refused = match asked {
        KeysAnswer::Answered if known => return nobody(facts, Reason::ProofSignature, snapshot, meters, now),
        _ if known => nobody(facts, Reason::ProofKeysAway, snapshot, meters, now),
        _ => Refused::new(facts, Reason::ProofKeysAway),
    };
    match asked {
        KeysAnswer::NotBefore(moment) => refused.retry_after(Some(moment.since(now).as_secs().saturating_add(1))),
        KeysAnswer::Answered | KeysAnswer::Silent => refused.retry_after(Some(RETRY_AFTER_S)),
    }
}

/// After how many seconds another try can succeed where nobody knows better.
const RETRY_AFTER_S: u64 = 5;

/// Whether the credential that a proof stands for is in force here.
fn in_force<'a>(sourced: Sourced<'a>, genuine: Genuine, snapshot: &Snapshot, now: Time) -> Result<Proven<'a>, Refused> {
    let stands = stands(&genuine, sourced.address, now);
    match stands {
        Ok(()) => Ok(Proven { sourced, genuine: Some(genuine) }),
        Err(reason) => {
            let mut facts: Facts = sourced.into_facts();
            facts.caller = snapshot.identity(&genuine.credential.identity).map(|identity| claim(identity, genuine));
            Err(Refused::new(facts, reason))
        }
    }
}

fn stands(genuine: &Genuine, address: IpAddr, now: Time) -> Result<(), Reason> {
    let credential = &genuine.credential;
    let ended = |end: Option<Time>| end.is_some_and(|end| end <= now);
    match credential.state {
        CredentialState::Revoked { .. } | CredentialState::Spent => Err(Reason::ProofRevoked),
        CredentialState::Live if ended(credential.expires) || ended(genuine.proof.ends) => Err(Reason::ProofExpired),
        CredentialState::Live if !credential.admits(address) => Err(Reason::ProofSource),
        CredentialState::Live => Ok(()),
    }
}

/// The record whose hash fits; the same work is done for ids that are not on record.
fn genuine(key: &ApiKey<'_>, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    let record = snapshot.credential(key.id());
    let hash = record.and_then(|credential| credential.hash.as_ref());
    let good = api_key::matches(snapshot.pepper(), key.text(), hash);
    let record = record.filter(|_| good).ok_or(Reason::ProofUnknown)?;
    Ok(Genuine::of(Arc::clone(record), key.kind().proof()))
}

/// The record of a key of foreign make; else what it would be on record as.
fn registered(text: &str, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    let (id, hash) = api_key::foreign(snapshot.pepper(), text);
    let record = snapshot.credential(id.as_str()).filter(|credential| credential.kind == CredentialKind::ForeignKey);
    let same = record.filter(|credential| credential.hash.as_ref().is_some_and(|on_record| api_key::same(on_record, &hash)));
    match same {
        Some(credential) => Ok(Genuine::of(Arc::clone(credential), ProofKind::ApiKey)),
        None => Err(Failed::Nobody(Reason::ProofUnknown, Some(Box::new(Unknown::Key { id, hash })))),
    }
}

/// The record that a token stands for.
fn vouched(text: &str, chain: Option<&CertificateChain>, snapshot: &Snapshot, now: Time) -> Result<Genuine, Failed> {
    let token = snapshot.trust().token(text, now)?;
    let bound = is_bound(&token, chain)?;
    let subjects = snapshot.population().bindings().subjects();
    let found = subjects.find(&token.trust, &token.subject, token.claims.all());
    let credential = on_record(found, (&token.trust, Some(&*token.subject), CredentialKind::Oidc), snapshot)?;
    let on_behalf_of = token.on_behalf_of.as_deref().map(|person| api_key::pseudonym(snapshot.pepper(), token.trust.as_str(), person));
    let proof = ProofFacts { kind: ProofKind::Jwt, bound, since: token.since, ends: Some(token.ends) };
    Ok(Genuine { credential, proof, token: Some(Arc::clone(&token.facts)), on_behalf_of })
}

/// Whether a token is bound to something that was shown with it (RFC 8705 §3).
fn is_bound(token: &Token, chain: Option<&CertificateChain>) -> Result<bool, Reason> {
    match token.confirmation() {
        None => Ok(false),
        Some(Confirmation::Certificate(thumbprint)) if chain.is_some_and(|chain| Thumbprint::of(chain.leaf()).0 == thumbprint) => Ok(true),
        Some(Confirmation::Certificate(_) | Confirmation::Key(_) | Confirmation::Other) => Err(Reason::ProofBinding),
    }
}

/// The record that a certificate stands for: every name in it that is on record is of one identity.
fn certified(chain: &CertificateChain, snapshot: &Snapshot, now: Time) -> Result<Genuine, Failed> {
    let certificate: Arc<Certificate> = snapshot.trust().certificate(chain, now)?;
    let (bindings, claims) = (snapshot.population().bindings().subjects(), Map::new());
    let mut found: Option<&Holder> = None;
    for subject in &certificate.subjects {
        match (found, bindings.find(&certificate.trust, subject, &claims)) {
            (_, Match::Nobody) => {}
            (Some(before), Match::One(holder)) if before.identity == holder.identity => {}
            (None, Match::One(holder)) => found = Some(holder),
            (Some(_), Match::One(_)) | (_, Match::Ambiguous(..)) => return Err(Reason::IdentityAmbiguous.into()),
        }
    }
    let shown = (&certificate.trust, certificate.subjects.first().map(|subject| &**subject), CredentialKind::X509);
    let credential = on_record(found.map_or(Match::Nobody, Match::One), shown, snapshot)?;
    let proof = ProofFacts { kind: ProofKind::X509, bound: true, since: certificate.since, ends: Some(certificate.ends) };
    Ok(Genuine { credential, proof, token: None, on_behalf_of: None })
}

/// What a genuine proof stands for. Where its trust source was stopped, room 6 says so of whom it stands for; of whom it stands
/// for nobody, nothing is to be discovered.
fn on_record(
    found: Match<'_>,
    (trust, subject, kind): (&TrustName, Option<&str>, CredentialKind),
    snapshot: &Snapshot,
) -> Result<Arc<Credential>, Failed> {
    match found {
        Match::Nobody if snapshot.denied().stops_issuer(trust) => Err(Reason::ProofRevoked.into()),
        Match::Nobody => {
            let unknown = subject.and_then(|subject| Unknown::subject(trust, subject, kind));
            Err(Failed::Nobody(Reason::ProofSubject, unknown.map(Box::new)))
        }
        Match::One(holder) => Ok(snapshot.credential(holder.credential.as_str()).map(Arc::clone).ok_or(Reason::ProofSubject)?),
        Match::Ambiguous(..) => Err(Reason::IdentityAmbiguous.into()),
    }
}

pub(crate) fn claim(identity: &Arc<Identity>, genuine: Genuine) -> Caller {
    Caller {
        identity: Arc::clone(identity),
        credential: Some(genuine.credential),
        proof: genuine.proof,
        token: genuine.token,
        on_behalf_of: genuine.on_behalf_of,
        actors: smallvec::SmallVec::new(),
        task: None,
    }
}
