//! Who signs its requests by which key, and which signature is wanted of whom (RFC 9421).
//!
//! A signature names its key: by the thumbprint, which is the same wherever the key is registered, or by the id of the credential, which
//! is one identity's own. The same key registered for two identities stands for neither.

use crate::{
    clients::Client,
    shards::{Named, Shards},
    snapshot::{Population, Snapshot},
};
use http::HeaderName;
use smallvec::SmallVec;
use std::sync::Arc;
use wardgate_model::{
    api::Api,
    credential::{Credential, CredentialKind},
    facts::Facts,
    id::IdentityId,
    reason::Reason,
    ruling::{Response, Ruling},
    time::Time,
};
use wardgate_proof::{
    digest,
    dpop::nonce::Space,
    jose::jwk::Key,
    signature::{self, wanted},
};

/// `Accept-Signature` (RFC 9421 §5.1).
pub const ACCEPT_SIGNATURE: HeaderName = wanted::FIELD;

/// Who has a key.
#[derive(Debug, Clone)]
struct Holders {
    thumbprint: Box<str>,
    identities: SmallVec<[IdentityId; 1]>,
}

impl Named for Holders {
    fn name(&self) -> &str {
        &self.thumbprint
    }
}

/// Who has which key. Copying it is cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signers(Shards<Holders>);

impl Signers {
    /// Puts the keys of an identity in the place of those it had before.
    pub(crate) fn change(&mut self, before: Option<&Client>, now: Option<&Client>) {
        if let Some(client) = before {
            for thumbprint in client.thumbprints() {
                let Some(mut holders) = self.0.get(thumbprint).map(|holders| Holders::clone(holders)) else { continue };
                holders.identities.retain(|identity| identity != client.identity());
                if holders.identities.is_empty() { self.0.remove(thumbprint) } else { self.0.put(Arc::new(holders)) }
            }
        }
        if let Some(client) = now {
            for thumbprint in client.thumbprints() {
                let known = self.0.get(thumbprint).map(|holders| Holders::clone(holders));
                let mut holders = known.unwrap_or_else(|| Holders { thumbprint: thumbprint.into(), identities: SmallVec::new() });
                if !holders.identities.contains(client.identity()) {
                    holders.identities.push(client.identity().clone());
                    self.0.put(Arc::new(holders));
                }
            }
        }
    }

    fn of(&self, thumbprint: &str) -> &[IdentityId] {
        self.0.get(thumbprint).map_or(&[], |holders| &holders.identities)
    }
}

/// A key that a signature names, and whose it is.
pub(crate) struct Signing<'p> {
    pub(crate) key: &'p Key,
    pub(crate) credential: &'p Arc<Credential>,
    /// Whether it is the key of others too, so that it stands for nobody.
    pub(crate) shared: bool,
}

/// The registered key that a signature names.
pub(crate) fn signing<'p>(population: &'p Population, name: &str) -> Option<Signing<'p>> {
    let by_id = population.credentials().get(name).filter(|credential| credential.kind == CredentialKind::PublicKey);
    let (identity, shared) = match (by_id, population.signers().of(name)) {
        (Some(credential), _) => (&credential.identity, false),
        (None, [one, others @ ..]) => (one, !others.is_empty()),
        (None, []) => return None,
    };
    let (key, credential) = population.client(identity.as_str())?.signing(name)?;
    Some(Signing { key, credential, shared })
}

/// Whether signatures of requests count at an API.
#[must_use]
pub fn takes(api: &Api) -> bool {
    api.accept.contains(&CredentialKind::PublicKey) && !api.is_issuer()
}

/// Whether a field is one that signatures of requests stand in.
#[must_use]
pub fn is_field(name: &HeaderName) -> bool {
    [signature::INPUT, signature::SIGNATURE, signature::agent::FIELD].contains(name)
}

/// What a signature of a caller has to cover, by the names that `Accept-Signature` has for it.
pub(crate) fn components(query: bool, body: bool) -> SmallVec<[&'static str; 5]> {
    let mut all = SmallVec::from_slice(&["@method", "@authority", "@path"]);
    if query {
        all.push("@query");
    }
    if body {
        all.push(digest::CONTENT_NAME);
    }
    all
}

/// `Accept-Signature` (RFC 9421 §5.1) beside a refusal: which signature is taken here, and where possession is to be shown anew or who
/// signs has to sign once more, a nonce for it. `None`: there is nothing to say of signatures.
#[must_use]
pub fn accept_signature(facts: &Facts, ruling: &Ruling, snapshot: &Snapshot, now: Time) -> Option<String> {
    let api = facts.api.as_deref().filter(|api| takes(api))?;
    if ruling.reason().row().http != 401 {
        return None;
    }
    let signed = matches!(ruling.reason().outside(), Reason::ProofSignatureNonce | Reason::ProofMessage);
    let challenged = signed || matches!(ruling.response, Response::Challenge { .. });
    let nonce = challenged.then(|| snapshot.nonces().offer(Space::Signatures(&api.name), now));
    let request = &facts.request;
    let sends = request.length != Some(0) && request.content.follows;
    let credential = facts.caller.as_ref().and_then(|caller| caller.credential.as_deref());
    let is_bot = credential.is_some_and(|credential| credential.kind == CredentialKind::WebBotAuth);
    let signer = if is_bot { wanted::Signer::Bot } else { wanted::Signer::Registered };
    Some(wanted::text(&components(request.query.is_some(), sends), nonce.as_deref(), signer))
}
