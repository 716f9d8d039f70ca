//! Somebody who calls the gate: from an address, by some software, with something to show.

use super::gateway::{Gateway, Software};
use crate::clock;
use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use wardgate_model::secret::Secret;
use wardgate_proof::{
    dpop::{Proving, prove},
    entropy::{Entropy as _, SystemEntropy},
    jws::Signer,
};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer that is read, in bytes; of a larger one the rest counts for nothing.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What the gate says of a refusal of its own.
const REASON: &str = "wardgate-reason";
const REQUEST_ID: &str = "wardgate-request-id";
const PROOF: http::HeaderName = http::HeaderName::from_static("dpop");
/// The reason of a challenge, and of a proof that lacks a nonce.
const CHALLENGED: [&str; 2] = ["risk.challenged", "proof.nonce"];

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    /// Its type, and itself.
    pub(super) body: Option<(&'static str, String)>,
}

impl Call {
    pub(super) fn new(method: &Method, target: impl Into<String>) -> Self {
        Self { method: method.clone(), target: target.into(), body: None }
    }

    pub(super) fn json(self, body: impl Into<String>) -> Self {
        Self { body: Some(("application/json", body.into())), ..self }
    }
}

/// A token that is bound to a key, and a key: the right one, or a thief's own.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) token: Secret<String>,
    pub(super) key: Arc<Signer>,
    /// The last that the gate gave to prove it anew with.
    pub(super) nonce: Mutex<Option<String>>,
}

/// What a caller shows.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    Nothing,
    Key(Secret<String>),
    Token(Arc<Bound>),
}

/// What came of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Answered {
    /// `None`: no answer.
    pub(super) status: Option<StatusCode>,
    /// Why the gate refused it; `None`: it did not.
    pub(super) reason: Option<String>,
    /// By which ids the record has it: several where it was sent again.
    pub(super) requests: Vec<String>,
    /// How many things the answer holds.
    pub(super) records: u64,
    /// Whether it was challenged, and came through all the same.
    pub(super) challenged: bool,
    pub(super) passed: bool,
    /// The document that was answered.
    pub(super) said: Value,
}

/// One caller, with its connection.
pub(super) struct Caller {
    gate: Arc<Gateway>,
    from: Option<IpAddr>,
    software: Software,
    shown: Shown,
    sender: Option<http1::SendRequest<Full<Bytes>>>,
}

impl Caller {
    pub(super) const fn new(gate: Arc<Gateway>, from: Option<IpAddr>, software: Software, shown: Shown) -> Self {
        Self { gate, from, software, shown, sender: None }
    }

    /// Sends a request. One that is challenged is sent again, once, with what was asked for: so libraries for DPoP do.
    pub(super) async fn send(&mut self, call: &Call) -> Answered {
        let mut answered = self.once(call).await.unwrap_or_default();
        let challenged = answered.reason.as_deref().is_some_and(|reason| CHALLENGED.contains(&reason));
        answered.challenged = challenged;
        if challenged && matches!(self.shown, Shown::Token(_)) {
            let mut again = self.once(call).await.unwrap_or_default();
            let mut requests = answered.requests;
            requests.append(&mut again.requests);
            let passed = again.status.is_some() && again.reason.is_none();
            return Answered { requests, challenged: true, passed, ..again };
        }
        answered
    }

    async fn once(&mut self, call: &Call) -> anyhow::Result<Answered> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(call, HeaderMap::new())).await;
        if !matches!(answer, Ok(Ok(_))) {
            self.sender = None;
        }
        let (status, fields, body) = answer.context("no answer in time")??;
        if let Shown::Token(bound) = &self.shown
            && let Some(nonce) = fields.get("dpop-nonce").and_then(|value| value.to_str().ok())
        {
            *bound.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        }
        let field = |name: &str| fields.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        let records = if status.is_success() { records(&said) } else { 0 };
        let requests = field(REQUEST_ID).into_iter().collect();
        Ok(Answered { status: Some(status), reason: field(REASON), requests, records, said, ..Answered::default() })
    }

    /// Sends a request with fields of its own, and gives all that came.
    ///
    /// # Errors
    /// There is no connection, or it broke.
    pub(super) async fn exchange(&mut self, call: &Call, more: HeaderMap) -> anyhow::Result<(StatusCode, HeaderMap, Bytes)> {
        let request = self.request(call, more)?;
        let ready = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !ready {
            let stream = self.gate.open(self.from, self.software).await?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().context("no connection")?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = match whole(body).await {
            Ok(body) => body,
            // It goes on for longer than is of interest, or broke off: what came of the request is known by its head.
            Err(_) => {
                self.sender = None;
                Bytes::new()
            }
        };
        Ok((head.status, head.headers, body))
    }

    fn request(&self, call: &Call, more: HeaderMap) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(&call.target)
            .header(header::HOST, self.gate.authority())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, self.software.agent());
        match &self.shown {
            Shown::Nothing => {}
            Shown::Key(key) => request = request.header(header::AUTHORIZATION, format!("Bearer {}", key.danger_expose())),
            Shown::Token(bound) => {
                let path = call.target.split('?').next().unwrap_or_default();
                let proof = proof(bound, &call.method, &self.gate.address(path))?;
                request = request.header(header::AUTHORIZATION, format!("DPoP {}", bound.token.danger_expose())).header(PROOF, proof);
            }
        }
        if let Some((media, _)) = &call.body {
            request = request.header(header::CONTENT_TYPE, *media);
        }
        let body = call.body.as_ref().map(|(_, body)| Bytes::from(body.clone())).unwrap_or_default();
        let mut request = request.body(Full::new(body))?;
        request.headers_mut().extend(more);
        Ok(request)
    }
}

fn proof(bound: &Bound, method: &Method, target: &str) -> anyhow::Result<HeaderValue> {
    let nonce = bound.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
    proof_by(&bound.key, method, target, Some(bound.token.danger_expose()), nonce.as_deref())
}

/// A proof of possession by a key (RFC 9449 §4.2).
///
/// # Errors
/// No randomness, or the signature fails.
pub(super) fn proof_by(
    key: &Signer,
    method: &Method,
    target: &str,
    token: Option<&str>,
    nonce: Option<&str>,
) -> anyhow::Result<HeaderValue> {
    let mut id = [0; 16];
    SystemEntropy.fill(&mut id)?;
    let proving = Proving { method: method.as_str(), target, token, nonce, id: &id, now: clock::now() };
    Ok(HeaderValue::try_from(prove(key, &proving)?)?)
}

/// How many things a document holds: the members of its longest list, else itself.
fn records(said: &Value) -> u64 {
    let length = |value: &Value| value.as_array().map(Vec::len);
    let found = match said {
        Value::Array(list) => list.len(),
        Value::Object(members) => members.values().filter_map(length).max().unwrap_or(1),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    };
    u64::try_from(found).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "INVARIANT (bounded): the body is read under `Limited`")]
async fn whole(body: Incoming) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::records;
    use serde_json::json;

    #[test]
    fn the_longest_list_of_an_answer_counts() {
        assert_eq!(records(&json!([1, 2, 3])), 3);
        assert_eq!(records(&json!({ "items": [1, 2], "tags": ["a"], "next": null })), 2);
        assert_eq!(records(&json!({ "id": 7 })), 1);
        assert_eq!(records(&json!({ "items": [] })), 0);
    }
}
