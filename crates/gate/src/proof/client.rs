//! Clients of our token service: an assertion signed with a registered key (`private_key_jwt`, RFC 7523 §3), or, for what cannot sign,
//! an API key as the password of `Authorization: Basic` (`client_secret_basic`, RFC 6749 §2.3.1); or a client certificate (RFC 8705 §2),
//! where nothing else is shown: a mesh shows its own on every connection.
//!
//! Both may stand in one request, so the body is read before either counts: two ways at once are refused (RFC 6749 §2.3). Who shows
//! neither may show the token of a trust source that it asks upon: [`federated`].

use super::{Failed, Genuine, certificate, federated, key, stands};
use crate::{
    arrival::Arrival,
    credential::holds_key,
    route::Routed,
    snapshot::Snapshot,
    spent::{Taken, WhenFull},
    step::{Answer, Need},
    trust,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, header};
use std::{net::IpAddr, sync::Arc};
use wardgate_model::{
    credential::CredentialKind,
    facts::TokenFacts,
    proof::{CertificateChain, HeldKey, ProofFacts, ProofKind},
    reason::Reason,
    secret::Secret,
    time::Time,
};
use wardgate_proof::{
    api_key::ApiKey,
    client::{ASSERTION_TYPE, Assertion},
    form::{self, FORM_BYTES_MAX, Form},
    jose::{self, refusal::Refusal},
    x509::Thumbprint,
};

/// By what a client says who it is, and proves it.
const OWN: [&str; 4] = ["client_id", "client_assertion", "client_assertion_type", "client_secret"];
const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// The record that a client stands for; `None`: it shows nothing.
pub(super) fn authenticated(
    basic: Option<&HeaderValue>,
    routed: &Routed<'_>,
    address: IpAddr,
    answers: &[Answer],
    snapshot: &Snapshot,
    now: Time,
) -> Result<Option<Genuine>, Failed> {
    let arrival = routed.canonical.arrival;
    if !is_form(arrival) {
        return Err(Reason::CredentialMalformed.into());
    }
    let Some(body) = body(answers) else {
        return Err(Failed::Needs(Need::Body { limit: FORM_BYTES_MAX as u64 }));
    };
    let form = Form::read(body).map_err(|_| Reason::CredentialMalformed)?;
    // Which of two would count is nobody's to choose. The token service names whatever else stands there twice.
    if OWN.iter().any(|name| form.all(name).nth(1).is_some()) {
        return Err(Reason::CredentialMalformed.into());
    }
    // A key or a secret in a body is one that is written down by whoever logs bodies. Only a token that is asked about may be there.
    if form.one("client_secret").is_some() || form.values().any(|value| holds_key(value.as_bytes())) {
        return Err(Reason::CredentialMisplaced.into());
    }
    let asserted = form.one("client_assertion");
    if asserted.is_some() != form.one("client_assertion_type").is_some() {
        return Err(Reason::CredentialMalformed.into());
    }
    // What is to be verified later on is asked for before an assertion is used up.
    federated::keys(&form, routed, snapshot, now)?;
    match (basic, asserted) {
        (Some(_), Some(_)) => Err(Reason::CredentialConflict.into()),
        (None, None) => match (arrival.certificates, form.one("client_id")) {
            // A mesh shows its certificate on every connection: where what is asked upon proves its sender, that is meant.
            (Some(chain), Some(name)) if !federated::proves(&form, routed, snapshot, now) => {
                certificate(chain, name, snapshot, now).map(Some)
            }
            _ => federated::shown(&form, routed, snapshot, now),
        },
        (Some(basic), None) => secret(basic, &form, snapshot).map(Some),
        (None, Some(text)) => assertion(text, &form, address, snapshot, now).map(Some),
    }
}

/// The body, where it was asked for and came.
pub(super) fn body(answers: &[Answer]) -> Option<&Bytes> {
    answers.iter().find_map(|answer| match answer {
        Answer::Body(Ok(body)) => Some(body),
        Answer::Body(Err(_)) | Answer::Keys(_) | Answer::Introspection { .. } | Answer::Budget(_) | Answer::Elapsed => None,
    })
}

fn is_form(arrival: &Arrival<'_>) -> bool {
    let mut types = arrival.headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(one), None) = (types.next(), types.next()) else { return false };
    let essence = one.to_str().ok().and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM_TYPE)
}

/// `client_id` may say once more who it is, and must not say otherwise (RFC 7521 §4.2).
pub(super) fn named(form: &Form<'_>, client: &str) -> Result<(), Reason> {
    if form.one("client_id").is_none_or(|named| named == client) { Ok(()) } else { Err(Reason::ProofUnknown) }
}

/// An API key of the identity that stands beside it. An id that is not on record costs the same work as one that is.
fn secret(basic: &HeaderValue, form: &Form<'_>, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    let (scheme, text) = basic.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Reason::CredentialMalformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Reason::CredentialNotAccepted.into());
    }
    let plain = STANDARD.decode(text.trim_start_matches(' ')).map_err(|_| Reason::CredentialMalformed)?;
    let plain = Secret::new(String::from_utf8(plain).map_err(|_| Reason::CredentialMalformed)?);
    let (user, password) = plain.danger_expose().split_once(':').ok_or(Reason::CredentialMalformed)?;
    // RFC 6749 §2.3.1: both are form-encoded before they are put together.
    let (user, password) = (form::decoded(user), form::decoded(password));
    let (Ok(user), Ok(password)) = (user, password) else { return Err(Reason::CredentialMalformed.into()) };
    let shown = ApiKey::parse(&password).ok().filter(|key| key.kind().credential() == CredentialKind::ApiKey);
    let genuine = key::genuine(&shown.ok_or(Reason::ProofUnknown)?, snapshot)?;
    if genuine.credential.identity.as_str() != user {
        return Err(Reason::ProofUnknown.into());
    }
    named(form, &user)?;
    Ok(genuine)
}

/// An assertion, signed with a key that is registered for the client that it names.
fn assertion(text: &str, form: &Form<'_>, address: IpAddr, snapshot: &Snapshot, now: Time) -> Result<Genuine, Failed> {
    if form.one("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(Reason::CredentialNotAccepted.into());
    }
    let read = Assertion::read(text).map_err(|refusal| trust::reason(&refusal))?;
    let name = read.client().ok_or(Reason::ProofClaims)?.to_owned();
    named(form, &name)?;
    let client = snapshot.population().client(&name);
    // Who is none costs the same work: that nobody has the name is not to be told by time.
    let asserted = read.verify(client.map(|client| client.keys()), snapshot.mint().issuer(), now).map_err(|refusal| match client {
        // That there is no key of that name is for the record: outside it is answered as a wrong signature is.
        None if trust::reason(&refusal) == Reason::ProofSignature => Reason::ProofUnknown.into(),
        None | Some(_) => refused(&refusal),
    })?;
    let client = client.ok_or(Reason::ProofUnknown)?;
    let credential = client.credential(&asserted.key).and_then(|credential| snapshot.credential(credential.id.as_str()));
    let credential = Arc::clone(credential.ok_or(Reason::ProofUnknown)?);
    let facts = TokenFacts {
        id: asserted.id.chars().take(ID_CHARACTERS_MAX).collect(),
        issuer: name.into(),
        audience: [(**snapshot.mint().issuer()).into()].into(),
        scopes: Box::default(),
    };
    // Whoever catches it can do nothing with it: it is good here alone, and once.
    let proof =
        ProofFacts { kind: ProofKind::Jwt, bound: true, fresh: false, since: asserted.issued.unwrap_or(now), ends: Some(asserted.ends) };
    let genuine =
        Genuine { credential, proof, token: Some(Arc::new(facts)), on_behalf_of: None, holds: None, delegation: None, task: None };
    // Who cannot use it any more, or not from here, uses up no room.
    if stands(&genuine, address, now).is_err() {
        return Ok(genuine);
    }
    // It is taken at its end too.
    let end = Time::from_micros(asserted.ends.as_micros().saturating_add(1));
    match snapshot.spent().take(&genuine.credential.id, &jose::hash(&asserted.id), end, WhenFull::Refuse, now) {
        Taken::First => Ok(genuine),
        Taken::Again => Err(Failed::Somebody(Reason::ProofReplayed, Box::new(genuine))),
        Taken::NoRoom => Err(Failed::Somebody(Reason::ProofUnremembered, Box::new(genuine))),
    }
}

/// The client that it names shows its certificate: one whose key is registered for it (`self_signed_tls_client_auth`, RFC 8705 §2.2), else
/// one that a trust source vouches for and that stands for it (`tls_client_auth`, §2.1). What it gets is bound to the certificate.
fn certificate(chain: &CertificateChain, name: &str, snapshot: &Snapshot, now: Time) -> Result<Genuine, Failed> {
    let registered = snapshot.population().client(name).and_then(|client| client.certified(chain.leaf()));
    let genuine = match registered.and_then(|credential| snapshot.credential(credential.id.as_str())) {
        Some(credential) => {
            let proof = ProofFacts { kind: ProofKind::X509, bound: true, fresh: false, since: now, ends: None };
            Genuine {
                credential: Arc::clone(credential),
                proof,
                token: None,
                on_behalf_of: None,
                holds: None,
                delegation: None,
                task: None,
            }
        }
        None => certificate::certified(chain, snapshot, now)?,
    };
    if genuine.credential.identity.as_str() != name {
        return Err(Reason::ProofUnknown.into());
    }
    Ok(Genuine { holds: Some(HeldKey::Certificate(Thumbprint::of(chain.leaf()).0)), ..genuine })
}

/// What is over was not looked at any further, and nobody has seen it good: it counts for its source as what is wrong does.
fn refused(refusal: &Refusal) -> Failed {
    let reason = trust::reason(refusal);
    if reason == Reason::ProofExpired { Failed::Overdue } else { reason.into() }
}

/// As much of an assertion's `jti` as is recorded.
const ID_CHARACTERS_MAX: usize = 64;
