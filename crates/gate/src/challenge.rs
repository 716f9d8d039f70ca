//! The challenge of a caller whose risk tells of theft (DESIGN §3, STANDARDS §1.15): show possession, now, of a key that was registered
//! before.
//!
//! A stolen token or API key must not be able to buy its way up. Whoever has one can bind a token to a key of its own, so a token that was
//! got by such a thing answers no challenge, whatever is shown with it. What answers one is a key that is on record, or one that a token
//! was bound to by somebody who showed that: `ladder` says who has something to show, [`shows`] what that is; room 5 says whether it was.
//!
//! Who has shown something else, and has a key on record, is told to use that ([`stronger`]): then it is one that can answer.
//!
//! A key shows itself in the next proof, with a nonce of ours that is made for it and for this API alone (DPoP, RFC 9449 §9). A client
//! certificate shows itself in a full handshake that begins after the challenge: whom that was asked of, [`Handshakes`] remembers.

use crate::{delegation, snapshot::Snapshot};
use ahash::AHashMap;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wardgate_model::{
    api::Api,
    credential::{Credential, CredentialKind},
    facts::{Caller, Delegation, Facts, TokenFacts},
    id::CredentialId,
    proof::{CertificateChain, HeldKey, ProofFacts, ProofKind},
    risk::Ladder,
    time::Time,
};
use wardgate_proof::{dpop::nonce::Space, x509::Thumbprint};

/// By what a challenged caller shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// A proof of possession by the key of this thumbprint.
    Key([u8; 32]),
    /// Its client certificate, in a new handshake.
    Certificate,
    /// A signature over the request.
    Signature,
}

/// Whether a caller has anything to show. It rests on what an event tells of it alone, so that a replay comes to the same.
#[must_use]
pub(crate) fn ladder(caller: &Caller, api: &Api, snapshot: &Snapshot) -> Ladder {
    let kind = caller.credential.as_deref().map(|credential| credential.kind);
    if is_rooted(&caller.proof, caller.token.as_deref(), kind, api, snapshot) {
        Ladder::Possession
    } else if stronger(caller, api).next().is_some() {
        Ladder::StepUp
    } else {
        Ladder::Nothing
    }
}

/// The keys on a caller's record by which it could show itself at an API, and has not: what it can step up to. Where others act for it, it is
/// not its own key that was stolen or not.
pub fn stronger<'c>(caller: &'c Caller, api: &'c Api) -> impl Iterator<Item = CredentialKind> + 'c {
    let alone = caller.delegation.is_none() && caller.actors.is_empty();
    let takes = |kind: &CredentialKind| api.accept.contains(kind);
    let counts = move |kind: &CredentialKind| match kind {
        CredentialKind::X509 => takes(kind),
        // By a token of ours that is bound to it, or by signing. At the token service itself it is a key to be bound to.
        CredentialKind::PublicKey => !api.is_issuer() && (takes(kind) || takes(&CredentialKind::Oidc)),
        CredentialKind::ApiKey
        | CredentialKind::Session
        | CredentialKind::SignIn
        | CredentialKind::BreakGlass
        | CredentialKind::ForeignKey
        | CredentialKind::Oidc
        | CredentialKind::Hmac
        | CredentialKind::WebBotAuth => false,
    };
    caller.identity.registered.iter().copied().filter(move |kind| alone && counts(kind))
}

/// What a challenged caller can show; `None`: nothing that a thief of what it has shown would not have.
#[must_use]
pub fn shows(caller: &Caller, api: &Api, snapshot: &Snapshot) -> Option<Shows> {
    let credential = caller.credential.as_deref()?;
    let rests = Rests { proof: &caller.proof, token: caller.token.as_deref(), credential, delegation: caller.delegation.as_deref() };
    rests.shows(caller.holds, api, snapshot)
}

/// What a proof rests on.
pub(crate) struct Rests<'a> {
    pub(crate) proof: &'a ProofFacts,
    pub(crate) token: Option<&'a TokenFacts>,
    pub(crate) credential: &'a Credential,
    pub(crate) delegation: Option<&'a Delegation>,
}

impl Rests<'_> {
    pub(crate) fn shows(&self, holds: Option<HeldKey>, api: &Api, snapshot: &Snapshot) -> Option<Shows> {
        let all = || delegation::credentials(self.credential, self.delegation);
        // Of whoever acts, too: what was stolen of one of them is enough to have a token bound to another key.
        if !all().all(|credential| is_rooted(self.proof, self.token, Some(credential.kind), api, snapshot)) {
            return None;
        }
        match (self.proof.kind, holds) {
            (ProofKind::Signature, _) => Some(Shows::Signature),
            (ProofKind::X509, _) | (_, Some(HeldKey::Certificate(_))) => Some(Shows::Certificate),
            (_, Some(HeldKey::Key(key))) => Some(Shows::Key(key)),
            (_, None) => None,
        }
    }
}

/// Whether the key of a proof was registered before, or stands for one that was. A token of another issuer is bound by that one. A token of
/// ours is bound to a key of whoever asked for it: that one has proved to have a key only where it was asked for with a registered one, and
/// has not with an API key or with a token that anybody may show.
fn is_rooted(proof: &ProofFacts, token: Option<&TokenFacts>, kind: Option<CredentialKind>, api: &Api, snapshot: &Snapshot) -> bool {
    // A bot that signs less than the whole call is caught by whoever catches that, and yet its key is published under its own address: it
    // is asked for a signature over all of this call. Room 5 notes none as fresh that covers less.
    let signs = kind == Some(CredentialKind::WebBotAuth) && proof.kind == ProofKind::Signature;
    if !(proof.bound || signs) || proof.kind == ProofKind::ApiKey {
        return false;
    }
    if api.is_issuer() {
        // The key of a proof that is shown there is one to be bound to, and none that anything is bound to yet.
        return proof.kind == ProofKind::X509;
    }
    let ours = token.is_some_and(|token| *token.issuer == **snapshot.mint().issuer());
    !ours || matches!(kind, Some(CredentialKind::PublicKey | CredentialKind::X509))
}

/// The nonce by which a challenged caller shows its key; `None`: it shows none.
#[must_use]
pub fn nonce(facts: &Facts, snapshot: &Snapshot, now: Time) -> Option<String> {
    let (caller, api) = (facts.caller.as_ref()?, facts.api.as_deref()?);
    match shows(caller, api, snapshot)? {
        Shows::Key(key) => Some(snapshot.nonces().offer(Space::Challenge(&api.name, &key), now)),
        Shows::Certificate | Shows::Signature => None,
    }
}

/// Asks for a full handshake of a caller that shows this certificate.
pub fn want_handshake(caller: &Caller, chain: &CertificateChain, snapshot: &Snapshot, now: Time) {
    if let Some(credential) = &caller.credential {
        snapshot.handshakes().want(credential.id, Thumbprint::of(chain.leaf()).0, now);
    }
}

/// How long a full handshake counts as one that was just made; so long the first challenge stands, too, whatever older connections ask.
pub const HANDSHAKE_LIFE: Duration = Duration::from_mins(1);
/// How long it is remembered whom a handshake was asked of.
const MEMORY: Duration = Duration::from_mins(10);
/// Of how many that is remembered at the most; of others none counts as fresh.
const WANTED_MAX: usize = 65_536;
/// How often it is looked through for what can be forgotten.
const SWEPT_EVERY: Duration = Duration::from_secs(10);

/// Whom a full handshake was asked of, and when. It is this process's own memory, as its connections are.
#[derive(Debug, Default)]
pub struct Handshakes {
    wanted: Mutex<Wanted>,
    /// So that nobody takes the lock while nobody was asked.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Wanted {
    // INVARIANT (bounded): at most WANTED_MAX.
    since: AHashMap<(CredentialId, [u8; 32]), Time>,
    swept: Time,
}

impl Handshakes {
    /// Whether nobody was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    fn want(&self, credential: CredentialId, certificate: [u8; 32], now: Time) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let Wanted { since, swept } = &mut *wanted;
        if now.since(*swept) >= SWEPT_EVERY {
            *swept = now;
            since.retain(|_, asked| now.since(*asked) < MEMORY);
        }
        let room = since.len() < WANTED_MAX;
        match since.get_mut(&(credential, certificate)) {
            // A connection that is older still is challenged for itself, and undoes no handshake that was made meanwhile.
            Some(asked) if now.since(*asked) < HANDSHAKE_LIFE => {}
            Some(asked) => *asked = now,
            None if room => drop(since.insert((credential, certificate), now)),
            None => {}
        }
        self.count.store(since.len(), Ordering::Relaxed);
    }

    /// Whether a full handshake that began then is one that was asked for, and was made just now.
    pub(crate) fn is_answered(&self, credential: CredentialId, certificate: [u8; 32], began: Time, now: Time) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = wanted.since.get(&(credential, certificate));
        asked.is_some_and(|asked| began > *asked) && now.since(began) <= HANDSHAKE_LIFE
    }
}

#[cfg(test)]
mod tests;
