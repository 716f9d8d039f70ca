//! Asking the gate's own token service, as a client does.

use super::{
    caller::{Answer, Call, Line},
    issuer::ISSUER,
};
use crate::clock;
use anyhow::Context as _;
use serde_json::Value;
use wardgate_model::secret::Secret;
use wardgate_proof::{
    client,
    dpop::{self, Proving},
    grant::{ACCESS_TOKEN, JWT, TOKEN_EXCHANGE},
    jws::Signer,
};

/// Who asks, and the key by which it proves that.
pub(super) type Client<'a> = (&'a str, &'a Secret<String>);

/// Asks for a token of the client's own, for an API.
pub(super) async fn own(line: &mut Line, (name, key): Client<'_>, api: &str) -> anyhow::Result<Secret<String>> {
    let resource = format!("{ISSUER}/{api}");
    let form = [("grant_type", "client_credentials"), ("resource", resource.as_str())];
    given(&line.send(Call::form("/oauth/token", &form).basic(name, key)).await?)
}

/// Asks for a token that is bound to the client's own key, by which the client proves itself as well (RFC 7523, RFC 9449), in the two steps of any
/// library: the first brings the nonce.
pub(super) async fn bound(line: &mut Line, (name, key): (&str, &Signer), api: &str) -> anyhow::Result<Secret<String>> {
    let resource = format!("{ISSUER}/{api}");
    let mut nonce = None;
    loop {
        let assertion = client::assertion(key, name, ISSUER, &clock::entropy().to_be_bytes(), clock::now())?;
        let form = [
            ("grant_type", "client_credentials"),
            ("resource", resource.as_str()),
            ("client_id", name),
            ("client_assertion_type", client::ASSERTION_TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let proof = proof(key, ("POST", "/oauth/token"), None, nonce.as_deref())?;
        let answer = line.send(Call::form("/oauth/token", &form).field("dpop", &proof)).await?;
        let asked = answer.body.get("error").is_some_and(|error| error == "use_dpop_nonce");
        match answer.field("dpop-nonce") {
            Some(given) if asked && nonce.is_none() => nonce = Some(given.to_owned()),
            _ => return given(&answer),
        }
    }
}

/// A proof of possession for a request (RFC 9449 §4.2).
pub(super) fn proof(
    key: &Signer,
    (method, path): (&str, &str),
    token: Option<&Secret<String>>,
    nonce: Option<&str>,
) -> anyhow::Result<String> {
    let (target, id) = (format!("{ISSUER}{path}"), clock::entropy().to_be_bytes());
    let token = token.map(|token| token.danger_expose().as_str());
    Ok(dpop::prove(key, &Proving { method, target: &target, token, nonce, id: &id, now: clock::now() })?)
}

/// Swaps a token of ours, to act for whom it stands for.
pub(super) async fn swapped(
    line: &mut Line,
    (name, key): Client<'_>,
    of: &Secret<String>,
    api: &str,
    scope: &str,
) -> anyhow::Result<Answer> {
    let resource = format!("{ISSUER}/{api}");
    let form = exchange(of, ACCESS_TOKEN, &resource);
    let form: Vec<_> = form.into_iter().chain([("scope", scope)]).collect();
    line.send(Call::form("/oauth/token", &form).basic(name, key)).await
}

/// Swaps what a CI service says of its job, and shows nothing else.
pub(super) async fn of_job(line: &mut Line, job: &Secret<String>, api: &str) -> anyhow::Result<Answer> {
    let resource = format!("{ISSUER}/{api}");
    line.send(Call::form("/oauth/token", &exchange(job, JWT, &resource))).await
}

/// Ends a token of the client's own.
pub(super) async fn ended(line: &mut Line, (name, key): Client<'_>, token: &Secret<String>) -> anyhow::Result<Answer> {
    line.send(Call::form("/oauth/revoke", &[("token", token.danger_expose())]).basic(name, key)).await
}

fn exchange<'a>(of: &'a Secret<String>, kind: &'a str, resource: &'a str) -> [(&'a str, &'a str); 4] {
    [("grant_type", TOKEN_EXCHANGE), ("subject_token", of.danger_expose()), ("subject_token_type", kind), ("resource", resource)]
}

/// The token of an answer.
pub(super) fn given(answer: &Answer) -> anyhow::Result<Secret<String>> {
    let token = answer.body.get("access_token").and_then(Value::as_str);
    token.map(|token| Secret::new(token.to_owned())).with_context(|| format!("no token was given: {} {}", answer.status, answer.body))
}

/// Status and error of a refusal.
pub(super) fn refused(answer: &Answer) -> String {
    format!("{} {}", answer.status.as_u16(), answer.body.get("error").and_then(Value::as_str).unwrap_or_default())
}
