//! Ruling → HTTP: one table for every refusal. RFC 9457 problem details; RFC 6750 and RFC 9110 for what goes with a status;
//! draft-ietf-httpapi-ratelimit-headers for limits; OAuth's own JSON where the token service is called (`oauth`); gRPC callers get a trailers-only answer with the same meaning.

mod oauth;
mod step_up;

use crate::hygiene::REASON;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use smallvec::SmallVec;
use std::{fmt::Write as _, sync::Arc};
use wardgate_gate::possession;
use wardgate_model::{
    api::{Api, PathTemplate},
    credential::CredentialKind,
    facts::{Facts, Lane},
    id::RequestId,
    proof::HeldKey,
    reason::Reason,
    ruling::{LimitState, LimitUnit, Ruling},
    time::Time,
};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const CREDENTIAL_EXPIRES: HeaderName = HeaderName::from_static("wardgate-credential-expires");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// `DPoP-Nonce` (RFC 9449 §8).
pub const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Methods that any door takes; what is said with a 405 that no API can say better.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// In whose protocol a refusal is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// `application/problem+json`.
    Problem,
    /// The head of a problem without its body, for HEAD.
    HeadOnly,
    /// A gRPC status.
    Grpc,
}

impl Voice {
    /// How to speak to this request.
    #[must_use]
    pub fn of(method: &Method, version: http::Version, headers: &HeaderMap) -> Self {
        let grpc = |value: &HeaderValue| value.as_bytes().starts_with(b"application/grpc");
        if version == http::Version::HTTP_2 && headers.get(header::CONTENT_TYPE).is_some_and(grpc) {
            Self::Grpc
        } else if *method == Method::HEAD {
            Self::HeadOnly
        } else {
            Self::Problem
        }
    }
}

/// The answer to a request that does not go on.
#[must_use]
pub fn refusal(id: RequestId, ruling: &Ruling, facts: Option<&Facts>, detail: Option<&str>, voice: Voice) -> Response<Bytes> {
    if facts.is_some_and(|facts| facts.api.as_deref().is_some_and(Api::is_issuer)) {
        return oauth::refusal(id, ruling, facts, voice);
    }
    let reason = ruling.reason().outside();
    let row = reason.row();
    let status = if row.http < 400 { StatusCode::FORBIDDEN } else { StatusCode::from_u16(row.http).unwrap_or(StatusCode::FORBIDDEN) };
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REASON, HeaderValue::from_static(row.code));
    if let Some(challenge) = challenge(reason, status, facts) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(challenge) = held(reason, status, facts) {
        headers.append(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = ruling.retry_after_s.or_else(|| (row.http == 503).then_some(1)) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, allow(facts));
    }
    if let Some(facts) = facts {
        rate_limits(headers, ruling, facts);
    }
    if voice == Voice::Grpc {
        // gRPC over HTTP/2: a refusal is `200` with the status among the only fields.
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, HeaderValue::from(u16::from(row.grpc)));
        headers.insert(GRPC_MESSAGE, grpc_message(detail.unwrap_or(row.public)));
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let remedy = match reason {
        Reason::RiskStepUp => step_up::remedy(facts).into(),
        _ => reason.remedy(facts.and_then(|facts| facts.api.as_deref())),
    };
    let body = problem(id, reason, status, detail, &remedy);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.status_mut() = status;
    if voice == Voice::Problem {
        *response.body_mut() = Bytes::from(body);
    }
    response
}

/// The trailers that end a gRPC stream before its time.
#[must_use]
pub fn grpc_status(reason: Reason) -> HeaderMap {
    let row = reason.row();
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from(u16::from(row.grpc)));
    trailers.insert(GRPC_MESSAGE, grpc_message(row.public));
    trailers
}

/// The JSON of a refusal. `type` is a stable URN: it names, it need not resolve (RFC 9457 §3.1.1).
fn problem(id: RequestId, reason: Reason, status: StatusCode, detail: Option<&str>, remedy: &str) -> String {
    let row = reason.row();
    let mut json = String::with_capacity(384);
    let _ = write!(json, "{{\"type\":\"urn:wardgate:reason:{}\",\"title\":", row.code);
    quote(&mut json, row.public);
    let _ = write!(json, ",\"status\":{},\"detail\":", status.as_u16());
    quote(&mut json, detail.unwrap_or(row.public));
    let _ = write!(json, ",\"instance\":\"urn:uuid:{id}\",\"code\":\"{}\",\"request_id\":\"{id}\",\"remedy\":", row.code);
    quote(&mut json, remedy);
    json.push('}');
    json
}

/// A JSON string (RFC 8259 §7).
fn quote(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

/// RFC 6750 §3: no `error` where no credential was shown; which scope it takes, where the token has another.
fn challenge(reason: Reason, status: StatusCode, facts: Option<&Facts>) -> Option<HeaderValue> {
    let text = match (status, reason) {
        (_, Reason::StandingScope) => {
            let scope = facts.and_then(|facts| facts.operation.as_deref()).map_or("", |operation| operation.class.as_str());
            let said = format!("realm=\"wardgate\", error=\"insufficient_scope\", scope=\"{scope}\"");
            let text = match is_by_possession(facts) {
                true => format!("DPoP {said}, algs=\"{}\"", possession::algorithms()),
                false => format!("Bearer {said}"),
            };
            return HeaderValue::try_from(text).ok();
        }
        // Every 401 names a scheme (RFC 9110 §15.5.2), and RFC 9421 has registered none: this one says what is taken, `Accept-Signature` (§5.1)
        // how. A challenge that cannot be answered here would mislead.
        (StatusCode::UNAUTHORIZED, _) if signs_alone(facts) => "Signature realm=\"wardgate\"",
        _ if signs_alone(facts) => return None,
        // The other challenge says all there is to say.
        (StatusCode::UNAUTHORIZED, Reason::ProofPossession | Reason::ProofNonce) => return None,
        (StatusCode::UNAUTHORIZED, _) if is_by_possession(facts) && takes_tokens(facts) => return None,
        // What was shown is good, and not enough.
        // What was shown is good, and one more of its kind would be no better.
        (StatusCode::UNAUTHORIZED, Reason::RiskStepUp) if step_up::is_by_token(facts) => return None,
        (StatusCode::UNAUTHORIZED, Reason::RiskChallenged | Reason::RiskStepUp) => "Bearer realm=\"wardgate\"",
        (StatusCode::UNAUTHORIZED, Reason::CredentialMissing) => "Bearer realm=\"wardgate\"",
        (StatusCode::UNAUTHORIZED, _) if is_by_possession(facts) => "Bearer realm=\"wardgate\"",
        (StatusCode::UNAUTHORIZED, _) => "Bearer realm=\"wardgate\", error=\"invalid_token\"",
        (
            StatusCode::BAD_REQUEST,
            Reason::CredentialInQuery | Reason::CredentialMisplaced | Reason::CredentialConflict | Reason::CredentialMalformed,
        ) => "Bearer realm=\"wardgate\", error=\"invalid_request\"",
        _ => return None,
    };
    Some(HeaderValue::from_static(text))
}

/// Whether what is refused was shown by the scheme `DPoP`: what is wrong with it is told in that one's challenge, and in no other.
fn is_by_possession(facts: Option<&Facts>) -> bool {
    facts.is_some_and(|facts| match (facts.stopped, &facts.caller) {
        (Some(stopped), _) => stopped.by_possession,
        (None, caller) => caller.as_ref().is_some_and(|caller| matches!(caller.holds, Some(HeldKey::Key(_)))),
    })
}

/// Whether the API takes signatures of requests, and nothing that is sent as `Authorization`.
fn signs_alone(facts: Option<&Facts>) -> bool {
    facts.and_then(|facts| facts.api.as_deref()).is_some_and(|api| {
        let unsent = [CredentialKind::PublicKey, CredentialKind::WebBotAuth, CredentialKind::Hmac, CredentialKind::X509];
        wardgate_gate::signers::takes(api) && api.people.is_none() && api.accept.iter().all(|kind| unsent.contains(kind))
    })
}

fn takes_tokens(facts: Option<&Facts>) -> bool {
    facts.and_then(|facts| facts.api.as_deref()).is_some_and(|api| api.accept.contains(&CredentialKind::Oidc))
}

/// RFC 9449 §7.1, §9: that a token may be bound to a key here, or what is wrong with what was shown so.
fn held(reason: Reason, status: StatusCode, facts: Option<&Facts>) -> Option<HeaderValue> {
    let tokens = takes_tokens(facts) && (reason != Reason::RiskStepUp || step_up::is_by_token(facts));
    // Whoever is told of its proof has shown one, and every 401 has a challenge (RFC 9110 §11.6.1).
    let own = matches!(reason, Reason::ProofPossession | Reason::ProofNonce);
    // Who could show nothing when its risk was too high is told how to be one that can (RFC 9110 §11.6.1: with other statuses, too).
    let told = status == StatusCode::UNAUTHORIZED || (reason == Reason::RiskBlocked && shows_nothing(facts));
    if !told || !(tokens || own) {
        return None;
    }
    let error = match reason {
        Reason::CredentialMissing => "",
        Reason::ProofPossession => ", error=\"invalid_dpop_proof\"",
        Reason::ProofNonce => ", error=\"use_dpop_nonce\"",
        // Of a challenge that can be answered, whoever says the nonce says so.
        Reason::RiskChallenged | Reason::RiskStepUp | Reason::RiskBlocked => "",
        _ if is_by_possession(facts) => ", error=\"invalid_token\"",
        _ => "",
    };
    HeaderValue::try_from(format!("DPoP realm=\"wardgate\"{error}, algs=\"{}\"", possession::algorithms())).ok()
}

fn shows_nothing(facts: Option<&Facts>) -> bool {
    facts.and_then(|facts| facts.caller.as_ref()).is_some_and(|caller| caller.credential.is_some() && !caller.proof.bound)
}

/// Has the next proof made with the nonce that goes with this answer (RFC 9449 §9).
pub(crate) fn ask_for_nonce(headers: &mut HeaderMap) {
    let text = format!("DPoP realm=\"wardgate\", error=\"use_dpop_nonce\", algs=\"{}\"", possession::algorithms());
    if let Ok(challenge) = HeaderValue::try_from(text) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
}

/// Says in each challenge where it is told what the API is as a protected resource (RFC 9728 §5.1).
pub fn resource_metadata(headers: &mut HeaderMap, url: &str) {
    if let header::Entry::Occupied(mut challenges) = headers.entry(header::WWW_AUTHENTICATE) {
        for challenge in challenges.iter_mut() {
            let told = challenge.to_str().map(|text| format!("{text}, resource_metadata=\"{url}\""));
            if let Some(told) = told.ok().and_then(|text| HeaderValue::try_from(text).ok()) {
                *challenge = told;
            }
        }
    }
}

/// `Allow` (RFC 9110 §10.2.1): the methods that the API has for this path.
fn allow(facts: Option<&Facts>) -> HeaderValue {
    let listed = facts.and_then(|facts| facts.api.as_deref().map(|api| methods(api, &facts.request.path)));
    listed.filter(|text| !text.is_empty()).and_then(|text| HeaderValue::try_from(text).ok()).unwrap_or(HeaderValue::from_static(METHODS))
}

fn methods(api: &Api, path: &str) -> String {
    let mut methods: Vec<&str> =
        api.operations.iter().filter(|operation| fits(&operation.template, path)).map(|operation| operation.method.as_str()).collect();
    methods.sort_unstable();
    methods.dedup();
    methods.join(", ")
}

fn fits(template: &PathTemplate, path: &str) -> bool {
    let rest = path.strip_prefix('/').unwrap_or(path);
    let mut parts = rest.split('/');
    if rest.is_empty() {
        return template.segments().is_empty();
    }
    let all = template.segments().iter().all(|segment| parts.next().is_some_and(|part| segment.fits(part)));
    all && parts.next().is_none()
}

/// `RateLimit-Policy` and `RateLimit` (STANDARDS §3.6): only to callers that proved who they are.
pub fn rate_limits(headers: &mut HeaderMap, ruling: &Ruling, facts: &Facts) {
    if ruling.limits.is_empty() || !may_know_limits(facts) {
        return;
    }
    if let (Some(policies), Some(states)) = (limit_policies(ruling), limit_states(ruling)) {
        headers.insert(RATELIMIT_POLICY, policies);
        headers.insert(RATELIMIT, states);
    }
}

fn may_know_limits(facts: &Facts) -> bool {
    facts.stopped.is_none() && facts.lane() == Some(Lane::Machine)
}

fn limit_policies(ruling: &Ruling) -> Option<HeaderValue> {
    let mut text = Text::new();
    for limit in &ruling.limits {
        begin_limit(&mut text, &limit.policy);
        text.extend_from_slice(b";q=");
        number(&mut text, limit.quota);
        if let Some(window) = limit.window_s {
            text.extend_from_slice(b";w=");
            number(&mut text, window);
        }
        if limit.unit != LimitUnit::Requests {
            text.extend_from_slice(b";qu=\"");
            text.extend_from_slice(limit.unit.as_str().as_bytes());
            text.push(b'"');
        }
    }
    HeaderValue::from_bytes(&text).ok()
}

fn limit_states(ruling: &Ruling) -> Option<HeaderValue> {
    let mut text = Text::new();
    for limit in &ruling.limits {
        begin_limit(&mut text, &limit.policy);
        text.extend_from_slice(b";r=");
        number(&mut text, limit.remaining);
        text.extend_from_slice(b";t=");
        number(&mut text, limit.reset_s);
    }
    HeaderValue::from_bytes(&text).ok()
}

/// A field's text while it is written. Formatting machinery would cost more than all the rest of such a field.
type Text = SmallVec<[u8; 256]>;

fn begin_limit(text: &mut Text, policy: &str) {
    if !text.is_empty() {
        text.extend_from_slice(b", ");
    }
    text.push(b'"');
    text.extend_from_slice(policy.as_bytes());
    text.push(b'"');
}

fn number(text: &mut Text, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        first -= 1;
        if value == 0 {
            break;
        }
    }
    text.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// `RateLimit-Policy` as it was said last. A caller has the same limits from one request to the next, only their state changes.
#[derive(Debug, Default)]
pub struct PolicyField(Option<(SmallVec<[LimitState; 2]>, HeaderValue)>);

impl PolicyField {
    /// As [`rate_limits`], but makes `RateLimit-Policy` only when it is another than the last.
    pub fn rate_limits(&mut self, headers: &mut HeaderMap, ruling: &Ruling, facts: &Facts) {
        if ruling.limits.is_empty() || !may_know_limits(facts) {
            return;
        }
        let same = |(one, other): (&LimitState, &LimitState)| {
            let text = Arc::ptr_eq(&one.policy, &other.policy) || one.policy == other.policy;
            text && one.quota == other.quota && one.window_s == other.window_s && one.unit == other.unit
        };
        if !matches!(&self.0, Some((said, _)) if said.len() == ruling.limits.len() && said.iter().zip(&ruling.limits).all(same)) {
            self.0 = limit_policies(ruling).map(|field| (ruling.limits.clone(), field));
        }
        if let (Some((_, policies)), Some(states)) = (&self.0, limit_states(ruling)) {
            headers.insert(RATELIMIT_POLICY, policies.clone());
            headers.insert(RATELIMIT, states);
        }
    }
}

/// `Wardgate-Credential-Expires` (RFC 3339) and `Deprecation` (RFC 9745: since when, as a structured-field date), from when on a
/// credential is to be replaced. What the upstream says of itself in `Deprecation` stays.
pub fn credential_ends(headers: &mut HeaderMap, facts: &Facts, now: Time) {
    let credential = facts.caller.as_ref().and_then(|caller| caller.credential.as_deref());
    let Some((credential, from)) = credential.and_then(|credential| Some((credential, credential.warn_from?))) else { return };
    if facts.stopped.is_some() || now < from {
        return;
    }
    if let Some(value) = credential.expires.and_then(|end| HeaderValue::try_from(end.to_rfc3339()).ok()) {
        headers.insert(CREDENTIAL_EXPIRES, value);
    }
    if !headers.contains_key(DEPRECATION)
        && let Ok(value) = HeaderValue::try_from(format!("@{}", from.as_seconds()))
    {
        headers.insert(DEPRECATION, value);
    }
}

/// `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) of an operation that goes out of use. Where nobody said since when, it is since the
/// beginning of time. What the upstream says of itself stays.
pub fn operation_ends(headers: &mut HeaderMap, facts: &Facts) {
    let Some(ending) = facts.operation.as_ref().and_then(|operation| operation.ending) else { return };
    if facts.stopped.is_some() {
        return;
    }
    let since = ending.deprecated.unwrap_or_default();
    if let (false, Ok(value)) = (headers.contains_key(DEPRECATION), HeaderValue::try_from(format!("@{}", since.as_seconds()))) {
        headers.insert(DEPRECATION, value);
    }
    let sunset = ending.sunset.and_then(Time::to_http_date).and_then(|date| HeaderValue::try_from(date).ok());
    if let (false, Some(value)) = (headers.contains_key(SUNSET), sunset) {
        headers.insert(SUNSET, value);
    }
}

/// `grpc-message` is percent-encoded.
fn grpc_message(text: &str) -> HeaderValue {
    let mut message = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => message.push(char::from(byte)),
            _ => {
                let _ = write!(message, "%{byte:02X}");
            }
        }
    }
    HeaderValue::try_from(message).unwrap_or(HeaderValue::from_static("refused"))
}

/// A refusal as the bytes of an HTTP/1.1 answer, for the wire guard, which speaks below the HTTP engine.
#[must_use]
pub fn on_the_wire(id: RequestId, reason: Reason, detail: &str) -> Vec<u8> {
    let ruling = Ruling::refused(reason);
    let mut response = refusal(id, &ruling, None, Some(detail), Voice::Problem);
    response.headers_mut().insert(crate::hygiene::REQUEST_ID, request_id(id));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    let mut bytes = Vec::with_capacity(768);
    let phrase = response.status().canonical_reason().unwrap_or("Refused");
    bytes.extend_from_slice(format!("HTTP/1.1 {} {phrase}\r\n", response.status().as_u16()).as_bytes());
    for (name, value) in response.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(response.body());
    bytes
}

/// The request's id as a field value.
#[must_use]
pub fn request_id(id: RequestId) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(id.to_string())).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests;
