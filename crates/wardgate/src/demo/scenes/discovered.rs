//! An application with keys that nobody remembers comes behind the gate: who calls is seen, claimed, and then asked for.

use super::Scene;
use crate::demo::{
    caller::{Answer, Call, Line, Protocol},
    play::{Play, Side, Want},
    stage::{Stage, until},
};
use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};
use wardgate_model::secret::Secret;

/// Whose the one key turns out to be.
const CLAIMED: &str = "invoice-printer";

pub(super) const SCENE: Scene = Scene {
    name: "discovered-caller-claimed",
    promise: "a caller with a key that Wardgate never issued is discovered and claimed, keeps its key, and goes on when nobody else does",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let (billing, keys) = stage.billing();
    let [printer, forgotten, ..] = keys else { anyhow::bail!("billing has two keys") };
    stage.declare(&documents(&api(stage, "observe")), &[CLAIMED]).await?;
    let from = billing.count();
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let (honest, abuse) = ((Side::Honest, CLAIMED), (Side::Abuse, "who has a forgotten key"));
    let first = invoices(stage, play, &mut line, honest, printer, "nobody knows it", Want::Served).await?;
    let event = event(stage, &first).await?;
    play.claim("observed: nobody is asked for, and the log says so", event.get("identity").is_none_or(Value::is_null) && observed(&event));

    let found = discovered(stage, 0).await?;
    let claim = format!("/api/v1/discoveries/{found}/claim");
    stage.order(Method::POST, &claim, &json!({ "identity": CLAIMED, "reason": "the host is ours" })).await?;
    let second = invoices(stage, play, &mut line, honest, printer, "claimed, the same key", Want::Served).await?;
    let event = self::event(stage, &second).await?;
    let is = |path: &str, what: &str| event.pointer(path).is_some_and(|value| value == what);
    let known = is("/identity/id", CLAIMED) && is("/credential/type", "foreign_key") && is("/ruling/code", "rule.allowed");
    play.claim("from then on the log knows it by its name", known);
    let refused = stage.refused(stage.client(), &claim, &json!({ "identity": "shelf-labels" })).await?;
    play.claim("what is claimed is nobody else's", refused.is_some());

    // The application itself would take it: under `observe` the gate only looks on.
    let third = invoices(stage, play, &mut line, abuse, forgotten, "observed", Want::Served).await?;
    let event = self::event(stage, &third).await?;
    play.claim("another key of foreign make stays unknown", event.get("identity").is_none_or(Value::is_null) && observed(&event));
    let other = discovered(stage, 1).await?;
    stage.order(Method::POST, &format!("/api/v1/discoveries/{other}/reject"), &json!({ "reason": "nobody knows it" })).await?;

    let enforced = json!({ "spec": api(stage, "enforce"), "reason": "everybody is known" });
    stage.order(Method::PUT, "/api/v1/resources/Api/billing", &enforced).await?;
    invoices(stage, play, &mut line, honest, printer, "enforced", Want::Served).await?;
    invoices(stage, play, &mut line, abuse, forgotten, "enforced", Want::Refused("proof.invalid")).await?;
    let nothing = Call::get("/billing/invoices").about("with nothing");
    stage.ask(play, &mut line, (Side::Abuse, "a stranger"), nothing, Want::Refused("credential.missing")).await?;

    let seen = billing.since(from);
    let kept = |secret: &Secret<String>| format!("Bearer {}", secret.danger_expose());
    let shown: Vec<Option<&str>> = seen.iter().map(|request| request.headers.get("authorization")?.to_str().ok()).collect();
    let same = [printer, printer, forgotten, printer].map(kept);
    play.claim("the application saw the keys that it knows, as they were sent", shown == same.each_ref().map(|key| Some(key.as_str())));
    Ok(())
}

async fn invoices(
    stage: &Stage,
    play: &mut Play,
    line: &mut Line,
    who: (Side, &str),
    key: &Secret<String>,
    about: &'static str,
    want: Want,
) -> anyhow::Result<Answer> {
    stage.ask(play, line, who, Call::get("/billing/invoices").key(key).about(about), want).await
}

async fn event(stage: &Stage, answer: &Answer) -> anyhow::Result<Value> {
    stage.event("billing", answer.field("wardgate-request-id").context("an answer without a request id")?).await
}

/// Whether the ruling did not bind.
fn observed(event: &Value) -> bool {
    event.pointer("/ruling/enforced") == Some(&json!(false)) && event.pointer("/ruling/code") == Some(&json!("proof.unknown"))
}

/// Waits for a discovery that somebody has to claim, after so many that were.
async fn discovered(stage: &Stage, decided: usize) -> anyhow::Result<String> {
    until("a discovery", async || {
        let page = stage.client().get("/api/v1/discoveries").await?;
        let found = page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let says = |one: &Value, name: &str, what: &str| one.get(name).is_some_and(|value| value == what);
        let here = |one: &&Value| says(one, "what", "key") && one.get("apis") == Some(&json!(["billing"]));
        let mut open = found.iter().filter(here).filter(|one| says(one, "state", "open"));
        let is_next = found.iter().filter(here).filter(|one| !says(one, "state", "open")).count() == decided;
        Ok(open.next().filter(|_| is_next).and_then(|one| one.get("id")?.as_str().map(str::to_owned)))
    })
    .await
}

fn api(stage: &Stage, mode: &str) -> Value {
    json!({
        "policy_owner": "commerce",
        "environment": "production",
        "sensitivity": "high",
        "mode": mode,
        "match": { "path_prefix": "/billing" },
        "upstream": { "urls": [format!("http://{}", stage.billing().0.address())], "identity": "keep" },
        "operations": [{ "match": "GET /invoices", "class": "list" }],
    })
}

fn documents(api: &Value) -> Value {
    let identity =
        json!({ "type": "legacy", "owner": "commerce", "team": "stock", "environment": "production", "purpose": "prints invoices" });
    let grant = json!({ "to": { "identity": CLAIMED }, "api": "billing", "operations": ["list"] });
    json!([
        { "kind": "Api", "name": "billing", "spec": api },
        { "kind": "Identity", "name": CLAIMED, "spec": identity },
        { "kind": "Grant", "name": "printer-lists-invoices", "spec": grant },
    ])
}
