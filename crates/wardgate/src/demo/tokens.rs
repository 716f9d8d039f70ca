//! Asking the gate's own token service, as a client does.

use super::{
    caller::{Answer, Call, Line},
    issuer::ISSUER,
};
use anyhow::Context as _;
use serde_json::Value;
use wardgate_model::secret::Secret;
use wardgate_proof::grant::{ACCESS_TOKEN, JWT, TOKEN_EXCHANGE};

/// Who asks, and the key by which it proves that.
pub(super) type Client<'a> = (&'a str, &'a Secret<String>);

/// Asks for a token of the client's own, for an API.
pub(super) async fn own(line: &mut Line, (name, key): Client<'_>, api: &str) -> anyhow::Result<Secret<String>> {
    let resource = format!("{ISSUER}/{api}");
    let form = [("grant_type", "client_credentials"), ("resource", resource.as_str())];
    given(&line.send(Call::form("/oauth/token", &form).basic(name, key)).await?)
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
