//! Room 5. Takes a [`Presented`], gives a [`Proven`]: is it genuine, still good, and from where it may be used?
//!
//! Why here: after this nothing asks again. Refuses: unknown, expired, revoked and spent credentials, tokens and certificates
//! that nobody vouches for (which all look the same outside) and sources that the credential is not bound to. An unknown id
//! costs the same work as a known one. Asks for the keys of an issuer whose token names one that is not known yet, and an issuer
//! for its word on an opaque token.

mod certificate;
mod client;
mod federated;
mod fresh;
mod key;
mod ours;
mod possession;
mod signature;
mod subject;
mod token;
mod webhook;

use crate::{
    credential::{FOREIGN_BYTES_MAX, Presented, Shown},
    delegation,
    judge::Refused,
    route::Routed,
    snapshot::Snapshot,
    source::Sourced,
    step::{Answer, Introspection, KeysAnswer, Need},
    task::OfTask,
    trust::Trouble,
};
use http::header;
use std::{net::IpAddr, sync::Arc};
use wardgate_abuse::Meters;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    facts::{Caller, Delegation, Facts, TokenFacts, Unknown},
    id::TrustName,
    inventory::Identity,
    proof::{CertificateChain, HeldKey, ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::{api_key::ApiKey, binding::Match, dpop::Room};

pub(crate) use federated::upon;
pub(crate) use ours::shown as of_ours;
pub use ours::{Live, live, opens};
pub use subject::{Subject, serves, subject};

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
    /// The key whose possession was shown beside.
    pub holds: Option<HeldKey>,
    /// Who shows it for whom it is of, and upon what.
    pub delegation: Option<Arc<Delegation>>,
    /// Of which task it is.
    pub task: Option<Arc<OfTask>>,
}

impl Genuine {
    /// The proof of a credential that is shown itself.
    fn of(credential: Arc<Credential>, kind: ProofKind) -> Self {
        let proof = ProofFacts { kind, bound: false, fresh: false, since: credential.created, ends: None };
        Self { credential, proof, token: None, on_behalf_of: None, holds: None, delegation: None, task: None }
    }
}

/// A request that does not go on as it is.
#[derive(Debug)]
pub enum Unready {
    /// It is refused.
    Refused(Refused),
    /// Its proof cannot be verified without something else.
    Needs {
        /// All that is known so far.
        facts: Box<Facts>,
        /// What.
        need: Need,
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
    /// It says itself that it is over, and nobody here has seen it good: whoever makes up tokens writes that into them too.
    Overdue,
    /// It is genuine, and not good all the same.
    Somebody(Reason, Box<Genuine>),
    /// It cannot be verified without something else.
    Needs(Need),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(reason) => Self::Nobody(reason, None),
            Trouble::Keys { trust, kid } => Self::Needs(Need::Keys { trust, kid }),
        }
    }
}

impl From<Reason> for Failed {
    fn from(reason: Reason) -> Self {
        Self::Nobody(reason, None)
    }
}

/// Verifies what is shown; `answers`: with what it needed before.
///
/// # Errors
/// When it is not good, with the caller that it claims to be where the secret was right; when it needs something first.
pub fn verify<'a>(
    presented: Presented<'a>,
    answers: &[Answer],
    snapshot: &Snapshot,
    meters: &Meters,
    now: Time,
) -> Result<Proven<'a>, Unready> {
    // What a token was shown with before makes the next proof cheaper to read; nothing follows from it before that is read.
    let seen = match (&presented.shown, presented.possession) {
        (Shown::Token(text), Some(_)) => snapshot.trust().seen(text, now),
        _ => None,
    };
    let seen = seen.as_deref();
    let mut room = None;
    let held = match presented.possession {
        Some(text) => match possession::read((text, room.get_or_insert_with(Room::default)), seen, &presented, snapshot, now) {
            Ok(held) => Some(held),
            Err(reason) => return Err(nobody(presented.into_facts(), reason, snapshot, meters, now).into()),
        },
        None => None,
    };
    let chain = presented.sourced.routed.canonical.arrival.certificates.map(|chain| &**chain);
    let answer = answers.last();
    let beside = Beside { chain, held: held.as_ref() };
    let shown = match &presented.shown {
        Shown::None => return Ok(Proven { sourced: presented.sourced, genuine: None }),
        Shown::Key(key) => key::genuine(key, snapshot),
        Shown::Opaque(text) => opaque(text, &presented, &beside, answer, snapshot, now),
        Shown::Token(text) => token::vouched(text, seen, &presented.sourced.routed.api, &beside, snapshot, now),
        Shown::Signed(hooks) => {
            let Sourced { routed, address, .. } = &presented.sourced;
            webhook::signed(hooks, routed.canonical.arrival, *address, answer, snapshot, now)
        }
        Shown::Signature => signature::signed(&presented.sourced, answers, snapshot, now),
        Shown::Certificate(chain) => certificate::certified(chain, snapshot, now),
        Shown::Client(basic) => {
            let Sourced { routed, address, .. } = &presented.sourced;
            match client::authenticated(*basic, routed, *address, answers, snapshot, now) {
                Ok(None) => return Ok(Proven { sourced: presented.sourced, genuine: None }),
                Ok(Some(genuine)) => possession::beside(genuine, held.as_ref(), snapshot),
                Err(failed) => Err(failed),
            }
        }
    };
    match shown.and_then(|genuine| possession::is_used(genuine, held.as_ref())) {
        Ok(mut genuine) => {
            if let Err(reason) = stands(&genuine, presented.sourced.address, now) {
                return Err(not_in_force(presented.sourced, genuine, reason, snapshot).into());
            }
            if let Err(reason) = possession::once(&genuine, held.as_ref(), snapshot, now) {
                return Err(somebody(presented.sourced, genuine, reason, snapshot, meters, now).into());
            }
            genuine.proof.fresh = fresh::noted(&genuine, &presented.sourced, held.as_ref(), snapshot, now);
            Ok(Proven { sourced: presented.sourced, genuine: Some(genuine) })
        }
        Err(Failed::Nobody(reason, unknown)) => {
            let facts = Facts { unknown, ..presented.into_facts() };
            Err(nobody(facts, reason, snapshot, meters, now).into())
        }
        Err(Failed::Somebody(reason, genuine)) => Err(somebody(presented.sourced, *genuine, reason, snapshot, meters, now).into()),
        Err(Failed::Overdue) => {
            meters.charge_failed_proof(snapshot.limits(), presented.sourced.address, now);
            Err(Refused::new(presented.into_facts(), Reason::ProofExpired).into())
        }
        Err(Failed::Needs(need)) => Err(Unready::Needs { facts: Box::new(presented.into_facts()), need }),
    }
}

/// What is shown beside a token, to which that may be bound.
struct Beside<'s, 'p> {
    /// The certificates of its connection.
    chain: Option<&'s CertificateChain>,
    /// A proof of possession that is for this request.
    held: Option<&'s possession::Held<'p>>,
}

/// The refusal of a proof that is genuine, and not good all the same.
fn somebody(sourced: Sourced<'_>, genuine: Genuine, reason: Reason, snapshot: &Snapshot, meters: &Meters, now: Time) -> Refused {
    let caller = snapshot.identity(&genuine.credential.identity).map(|identity| claim(identity, genuine));
    nobody(Facts { caller, ..sourced.into_facts() }, reason, snapshot, meters, now)
}

/// A key of foreign make that is on record, else an opaque token of an issuer that can be asked, else nothing that is known.
fn opaque(
    text: &str,
    presented: &Presented<'_>,
    beside: &Beside<'_, '_>,
    answer: Option<&Answer>,
    snapshot: &Snapshot,
    now: Time,
) -> Result<Genuine, Failed> {
    let Routed { api, canonical, .. } = &presented.sourced.routed;
    let asked = if api.accept.contains(&CredentialKind::Oidc) { snapshot.trust().asked(text) } else { None };
    // What stands where keys stand is told to nobody outside, unless it begins as an issuer's tokens do.
    let is_bearer = canonical.arrival.headers.contains_key(header::AUTHORIZATION);
    let asked = asked.filter(|issuer| is_bearer || !issuer.prefix().is_empty());
    let key = if api.accept.contains(&CredentialKind::ApiKey) && text.len() <= FOREIGN_BYTES_MAX {
        key::registered(text, snapshot)
    } else {
        Err(Reason::ProofUnknown.into())
    };
    match (key, asked) {
        (Err(_), Some(asked)) => token::introspected(text, asked, beside, answer, snapshot, now),
        (key, _) => key,
    }
}

/// The refusal of a proof that stands for nobody. It counts dearer for its source, but for what was good once.
fn nobody(facts: Facts, reason: Reason, snapshot: &Snapshot, meters: &Meters, now: Time) -> Refused {
    // A nonce that is not there yet is nobody's guess.
    if !matches!(reason, Reason::ProofExpired | Reason::ProofNonce | Reason::ProofSignatureNonce) {
        meters.charge_failed_proof(snapshot.limits(), facts.source.address, now);
    }
    Refused::new(facts, reason)
}

/// The refusal of a proof that needs something still, after it was asked for.
pub(crate) fn unanswered(facts: Facts, need: &Need, answer: &Answer, snapshot: &Snapshot, meters: &Meters, now: Time) -> Refused {
    match (need, answer) {
        (Need::Keys { trust, .. }, Answer::Keys(asked)) => without_keys(facts, trust, *asked, snapshot, meters, now),
        (Need::Body { .. }, Answer::Body(Err(reason))) => Refused::new(facts, *reason),
        // Nothing is known of the token: an honest caller may come again.
        (Need::Introspection { .. }, Answer::Introspection { said: Introspection::Silent, .. }) => {
            Refused::new(facts, Reason::ProofKeysAway).retry_after(Some(RETRY_AFTER_S))
        }
        // It needs something else than it did: what is believed has changed meanwhile.
        _ => Refused::new(facts, Reason::ProofKeysAway).retry_after(Some(RETRY_AFTER_S)),
    }
}

/// The refusal of a proof whose keys did not come. Where the issuer has answered, the proof is wrong; otherwise nobody knows,
/// and an honest caller may come again. Who names keys that nobody knows pays for it, unless there are none at all.
fn without_keys(facts: Facts, trust: &TrustName, asked: KeysAnswer, snapshot: &Snapshot, meters: &Meters, now: Time) -> Refused {
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

/// The refusal of a credential that is not in force here: whoever shows it has guessed nothing.
fn not_in_force(sourced: Sourced<'_>, genuine: Genuine, reason: Reason, snapshot: &Snapshot) -> Refused {
    let mut facts: Facts = sourced.into_facts();
    facts.caller = snapshot.identity(&genuine.credential.identity).map(|identity| claim(identity, genuine));
    Refused::new(facts, reason)
}

/// Whether the credential that a proof stands for is in force here.
fn stands(genuine: &Genuine, address: IpAddr, now: Time) -> Result<(), Reason> {
    is_in_time(genuine, now)?;
    if admits(&genuine.credential, genuine.delegation.as_deref(), address) { Ok(()) } else { Err(Reason::ProofSource) }
}

/// Whether what is shown may come from an address: where somebody acts, from where that one may, else from where whom it acts for may. So
/// a token is never without the networks that it was bound to.
pub(crate) fn admits(own: &Credential, delegation: Option<&Delegation>, address: IpAddr) -> bool {
    let actors = delegation.into_iter().flat_map(|delegation| &delegation.actors).map(|actor| &*actor.credential);
    actors.chain([own]).find(|credential| !credential.sources.is_empty()).is_none_or(|credential| credential.admits(address))
}

/// Whether it is neither ended nor over.
fn is_in_time(genuine: &Genuine, now: Time) -> Result<(), Reason> {
    let ended = |end: Option<Time>| end.is_some_and(|end| end <= now);
    if let Some(delegation) = &genuine.delegation {
        delegation::lives(delegation, now)?;
    }
    match genuine.credential.state {
        CredentialState::Revoked { .. } | CredentialState::Spent => Err(Reason::ProofRevoked),
        CredentialState::Live if ended(genuine.credential.expires) || ended(genuine.proof.ends) => Err(Reason::ProofExpired),
        CredentialState::Live => Ok(()),
    }
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

/// Whose key it is, where it is one on record.
pub(crate) fn owner_of(key: &ApiKey<'_>, snapshot: &Snapshot) -> Option<Caller> {
    let genuine = key::genuine(key, snapshot).ok()?;
    snapshot.identity(&genuine.credential.identity).map(|identity| claim(identity, genuine))
}

/// What was made for a task is of that, and so is whatever was got by it.
pub(crate) fn claim(identity: &Arc<Identity>, genuine: Genuine) -> Caller {
    let task = genuine.task.map(|of| of.task.clone()).or_else(|| genuine.credential.task.clone());
    Caller {
        identity: Arc::clone(identity),
        credential: Some(genuine.credential),
        proof: genuine.proof,
        token: genuine.token,
        on_behalf_of: genuine.on_behalf_of,
        actors: delegation::names(genuine.delegation.as_deref()),
        holds: genuine.holds,
        delegation: genuine.delegation,
        task,
    }
}
