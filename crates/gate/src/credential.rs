//! Room 4. Takes a [`Sourced`], gives a [`Presented`]: none, one, or a refusal where there are several.
//!
//! Why here: which credential is shown is a question of syntax, whether it is good one of cryptography (room 5).
//! Trying a scheme and not trying it are different values. Refuses: credentials in the query (RFC 9700 §4.3.2), keys of ours
//! anywhere else from where they would reach the upstream, more than one (RFC 6750 §2), unreadable ones, kinds that the API
//! does not accept.

use crate::{
    escapes::{self, Plus},
    hooks::Candidates,
    judge::Refused,
    proof, signers,
    snapshot::Snapshot,
    source::Sourced,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use wardgate_model::{
    api::{Api, OperationClass, Target, UpstreamIdentity},
    credential::CredentialKind,
    facts::{Caller, Facts},
    id::CredentialId,
    proof::CertificateChain,
    reason::Reason,
    time::Time,
};
use wardgate_proof::api_key::{self, ApiKey, CHECKSUM_CHARACTERS, KeyError, SECRET_CHARACTERS};
use wardgate_proof::signature;

/// The field that proofs of possession stand in (RFC 9449 §4.1).
pub const POSSESSION: HeaderName = HeaderName::from_static("dpop");
/// Longest key of foreign make that is looked at, in bytes: hashing it is all that it may cost.
pub(crate) const FOREIGN_BYTES_MAX: usize = 512;
/// Longest opaque token that an issuer is asked about, in bytes.
const OPAQUE_BYTES_MAX: usize = 16 * 1024;
/// Shortest key of ours, in bytes: most fields are shorter, and need not be looked into.
const KEY_BYTES_MIN: usize = "wg_e_".len() + CredentialId::CHARACTERS + "_".len() + SECRET_CHARACTERS + CHECKSUM_CHARACTERS;

/// What a request shows of itself, read but not yet believed.
#[derive(Debug)]
pub enum Shown<'a> {
    /// Nothing.
    None,
    /// A key that Wardgate issued: an API key, a session, a sign-in credential.
    Key(ApiKey<'a>),
    /// A text that Wardgate did not issue: perhaps a key that was registered when its caller was claimed, or an opaque token of an
    /// issuer outside.
    Opaque(&'a str),
    /// A signed token of an issuer outside.
    Token(&'a str),
    /// A signature over the body, by one of these senders.
    Signed(Candidates),
    /// A signature of the request, by a key that it names (RFC 9421).
    Signature,
    /// A client certificate, whose key was shown in the handshake.
    Certificate(&'a CertificateChain),
    /// Whatever a client of our token service shows: in `Authorization`, or in the form that is its body (RFC 6749 §2.3, RFC 7521 §4.2).
    Client(Option<&'a HeaderValue>),
}

/// A request whose credential has been read.
#[derive(Debug)]
pub struct Presented<'a> {
    /// Where it comes from, what it is for.
    pub sourced: Sourced<'a>,
    /// What it shows.
    pub shown: Shown<'a>,
    /// The proof of possession that a token of the scheme `DPoP` is shown with, or that is shown to our token service (RFC 9449 §4.1).
    pub possession: Option<&'a [u8]>,
}

impl Presented<'_> {
    /// All that is known so far.
    #[must_use]
    pub fn into_facts(self) -> Facts {
        self.sourced.into_facts()
    }
}

/// Reads the one credential.
///
/// # Errors
/// Where there are several, or one that cannot be read or is not accepted here.
pub fn read<'a>(sourced: Sourced<'a>, snapshot: &Snapshot, now: Time) -> Result<Presented<'a>, Refused> {
    let arrival = sourced.routed.canonical.arrival;
    let query = arrival.uri.query().unwrap_or_default();
    let fields = Fields::of(arrival.headers, &sourced);
    let result = if credential_in_query(query) {
        Err(Reason::CredentialInQuery)
    } else if fields.misplaced {
        Err(Reason::CredentialMisplaced)
    } else if sourced.routed.api.is_issuer() {
        client(&fields, &sourced)
    } else {
        let hooks = snapshot.population().hooks().candidates(arrival.headers, &sourced.routed.api, snapshot.granted(), now);
        if hooks.is_empty() {
            shown(&fields, arrival.headers, &sourced)
        } else {
            signed(hooks, arrival.headers, &sourced.routed.api).map(|shown| (shown, None))
        }
    };
    match result {
        Ok((shown, possession)) => Ok(Presented { sourced, shown, possession }),
        Err(reason) => {
            let caller = if reason == Reason::CredentialInQuery { exposed(query, snapshot) } else { None };
            Err(Refused::new(Facts { caller, ..sourced.into_facts() }, reason))
        }
    }
}

/// Whose key stands in a query: the record says which is to be replaced.
fn exposed(query: &str, snapshot: &Snapshot) -> Option<Caller> {
    proof::owner_of(&api_key::find(&escapes::resolved(query.as_bytes(), Plus::Plus))?, snapshot)
}

/// A field that may be there once.
#[derive(Debug, Clone, Copy, Default)]
struct Single<'a> {
    value: Option<&'a HeaderValue>,
    /// Whether it is there again.
    again: bool,
}

impl<'a> Single<'a> {
    fn note(&mut self, value: &'a HeaderValue) {
        self.again = self.value.is_some();
        self.value.get_or_insert(value);
    }
}

/// The fields in which a credential may stand, found in one walk through all of them.
#[derive(Debug, Default)]
struct Fields<'a> {
    authorization: Single<'a>,
    /// The one in which this API takes keys.
    own: Single<'a>,
    possession: Single<'a>,
    /// A key of ours stands where the upstream would get to see it: anywhere but in these, which it does not get where this API shows an
    /// identity of its own.
    misplaced: bool,
}

impl<'a> Fields<'a> {
    fn of(headers: &'a HeaderMap, sourced: &Sourced<'_>) -> Self {
        let api: &Api = &sourced.routed.api;
        let guarded = api.upstream.identity != UpstreamIdentity::Keep && api.upstream.target != Target::InProcess;
        // The canonical path: what is plain in a key is plain there.
        let misplaced = guarded && holds_key(sourced.routed.canonical.request.path.as_bytes());
        let mut fields = Self { misplaced, ..Self::default() };
        for (name, value) in headers {
            if name == header::AUTHORIZATION {
                fields.authorization.note(value);
            } else if api.api_key_header.as_ref() == Some(name) {
                fields.own.note(value);
            } else if name == POSSESSION {
                fields.possession.note(value);
            } else {
                fields.misplaced |= guarded && holds_key(value.as_bytes());
            }
        }
        fields
    }

    /// The one proof of possession (RFC 9449 §4.3, check 1).
    fn possession(&self) -> Result<Option<&'a [u8]>, Reason> {
        if self.possession.again { Err(Reason::ProofPossession) } else { Ok(self.possession.value.map(HeaderValue::as_bytes)) }
    }
}

/// Whether a field's value, or a path in its plain form, holds a key of ours.
#[must_use]
pub fn holds_key(text: &[u8]) -> bool {
    text.len() >= KEY_BYTES_MIN && api_key::find(text).is_some()
}

/// Whether a request's target holds a key of ours, escaped or not.
#[must_use]
pub fn is_exposed(target: &str) -> bool {
    target.len() >= KEY_BYTES_MIN && api_key::find(&escapes::resolved(target.as_bytes(), Plus::Plus)).is_some()
}

/// What is shown, and the proof of possession that goes with it.
type WithPossession<'a> = (Shown<'a>, Option<&'a [u8]>);

fn shown<'a>(fields: &Fields<'a>, headers: &'a HeaderMap, sourced: &Sourced<'a>) -> Result<WithPossession<'a>, Reason> {
    let api = &sourced.routed.api;
    let (scheme, text) = match (fields.authorization.value, fields.own.value) {
        (None, None) if signs(headers, api) => return Ok((Shown::Signature, None)),
        (None, None) => return Ok((certificate(sourced), None)),
        (Some(_), _) | (_, Some(_)) if signs(headers, api) => return Err(Reason::CredentialConflict),
        (Some(value), None) => authorized(value)?,
        (None, Some(value)) => (Scheme::Bearer, text(value).ok_or(Reason::CredentialMalformed)?),
        (Some(_), Some(_)) => return Err(Reason::CredentialConflict),
    };
    if fields.authorization.again || fields.own.again {
        return Err(Reason::CredentialConflict);
    }
    let tokens = api.accept.contains(&CredentialKind::Oidc);
    let possession = match scheme {
        Scheme::Bearer => None,
        Scheme::Possession if tokens => Some(fields.possession()?.ok_or(Reason::ProofPossession)?),
        Scheme::Possession => return Err(Reason::CredentialNotAccepted),
    };
    if is_token(text) && tokens {
        return Ok((Shown::Token(text), possession));
    }
    let key = match ApiKey::parse(text) {
        Ok(key) => key,
        Err(KeyError::Checksum) => return Err(Reason::ProofChecksum),
        Err(KeyError::NotOurs) => return opaque(text, &api.accept).map(|text| (Shown::Opaque(text), possession)),
        Err(KeyError::Malformed(_)) => return Err(Reason::CredentialMalformed),
    };
    // A key is bound to nothing that could be shown with it.
    let taken = scheme == Scheme::Bearer && api.accept.contains(&key.kind().credential());
    if taken { Ok((Shown::Key(key), None)) } else { Err(Reason::CredentialNotAccepted) }
}

/// Of a client of our token service only what stands in its head is seen yet.
fn client<'a>(fields: &Fields<'a>, sourced: &Sourced<'_>) -> Result<WithPossession<'a>, Reason> {
    // Where a token is given out, it is bound to the key of the proof.
    let gives = sourced.routed.operation.class == OperationClass::Login;
    let possession = if gives { fields.possession()? } else { None };
    if fields.authorization.again { Err(Reason::CredentialConflict) } else { Ok((Shown::Client(fields.authorization.value), possession)) }
}

/// A signature of a webhook, where nothing else stands in a header.
fn signed<'a>(hooks: Candidates, headers: &HeaderMap, api: &Api) -> Result<Shown<'a>, Reason> {
    let own = api.api_key_header.as_ref().is_some_and(|name| headers.contains_key(name)) || signs(headers, api);
    if own || headers.contains_key(header::AUTHORIZATION) { Err(Reason::CredentialConflict) } else { Ok(Shown::Signed(hooks)) }
}

/// A text that is none of our keys, where it can be something else.
fn opaque<'a>(text: &'a str, accept: &[CredentialKind]) -> Result<&'a str, Reason> {
    let longest = match (accept.contains(&CredentialKind::Oidc), accept.contains(&CredentialKind::ApiKey)) {
        (true, _) => OPAQUE_BYTES_MAX,
        (false, true) => FOREIGN_BYTES_MAX,
        (false, false) => return Err(Reason::ProofUnknown),
    };
    match text.len() <= longest {
        true => Ok(text),
        false if is_token(text) => Err(Reason::CredentialNotAccepted),
        false => Err(Reason::CredentialMalformed),
    }
}

/// Whether the request is signed, where that is a proof. What has no `Signature-Input` is a field of somebody else's by the same name.
fn signs(headers: &HeaderMap, api: &Api) -> bool {
    signers::takes(api) && headers.contains_key(signature::INPUT)
}

/// The client certificate, where nothing else is shown: what stands in a header is said for this request, the certificate of
/// a mesh or a load balancer for every one.
fn certificate<'a>(sourced: &Sourced<'a>) -> Shown<'a> {
    let accepted = sourced.routed.api.accept.contains(&CredentialKind::X509);
    let shown = sourced.routed.canonical.arrival.certificates.filter(|_| accepted);
    shown.map_or(Shown::None, |chain| Shown::Certificate(chain))
}

/// Whether a text looks like a signed token: three parts between dots, of which the first begins as JSON in base64url does
/// (RFC 7515 §7.1).
pub(crate) fn is_token(text: &str) -> bool {
    text.starts_with("ey") && dots(text.as_bytes()) == 2
}

/// How many dots there are. A few bytes at a time, so that their number is one too: then many are counted in one step.
fn dots(text: &[u8]) -> usize {
    let few = |some: &[u8]| usize::from(some.iter().fold(0_u8, |count, byte| count + u8::from(*byte == b'.')));
    let (chunks, rest) = text.as_chunks::<64>();
    chunks.iter().map(|chunk| few(chunk)).sum::<usize>() + few(rest)
}

/// Whether the credential of a request is shown by the scheme `DPoP`.
pub(crate) fn is_by_possession(headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| authorized(value).ok());
    shown.is_some_and(|(scheme, _)| scheme == Scheme::Possession)
}

/// By which scheme a text is shown in `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// `Bearer` (RFC 6750 §2.1).
    Bearer,
    /// `DPoP` (RFC 9449 §7.1).
    Possession,
}

/// The token of `Bearer <token>` or `DPoP <token>`; the scheme's name in any case (RFC 9110 §11.1).
fn authorized(value: &HeaderValue) -> Result<(Scheme, &str), Reason> {
    let mut words = value.as_bytes().splitn(2, |byte| *byte == b' ');
    let (Some(scheme), Some(mut token)) = (words.next(), words.next()) else { return Err(Reason::CredentialMalformed) };
    let scheme = match scheme {
        bearer if bearer.eq_ignore_ascii_case(b"bearer") => Scheme::Bearer,
        dpop if dpop.eq_ignore_ascii_case(b"dpop") => Scheme::Possession,
        _ => return Err(Reason::CredentialNotAccepted),
    };
    while let Some(rest) = token.strip_prefix(b" ") {
        token = rest;
    }
    // Visible, and no comma, which would begin another. To the end whatever is found, and without a branch: so many bytes are looked
    // at in one step.
    let good = token.iter().fold(true, |good, byte| good & (byte.wrapping_sub(b'!') <= b'~' - b'!') & (*byte != b','));
    let token = std::str::from_utf8(token).ok().filter(|token| good && !token.is_empty()).ok_or(Reason::CredentialMalformed)?;
    Ok((scheme, token))
}

/// The text of a field: visible ASCII, blanks and tabs, as `HeaderValue::to_str` has it, but many bytes in one step.
fn text(value: &HeaderValue) -> Option<&str> {
    let good = value.as_bytes().iter().fold(true, |good, byte| good & ((byte.wrapping_sub(b' ') <= b'~' - b' ') | (*byte == b'\t')));
    std::str::from_utf8(value.as_bytes()).ok().filter(|_| good)
}

/// Whether the query carries a bearer token (RFC 6750 §2.3) or a key of ours under any name, escaped or not.
fn credential_in_query(query: &str) -> bool {
    !query.is_empty()
        && query.split(['&', ';']).any(|pair| {
            let pair = escapes::resolved(pair.as_bytes(), Plus::Plus);
            pair.split(|byte| *byte == b'=').next() == Some(b"access_token") || api_key::find(&pair).is_some()
        })
}
