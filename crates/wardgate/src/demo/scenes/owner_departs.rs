//! An owner goes: what its machines do goes on for a while, and ends unless somebody takes it over.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    play::{Play, Side, Want},
    stage::{Stage, until},
};
use http::Method;
use serde_json::{Value, json};

/// Whom nobody takes over.
const ORPHAN: &str = "courier-sync";
/// Who finds another owner in time.
const HEIR: &str = "courier-board";
/// How long what the owner has goes on; in earnest it is days.
const GRACE: &str = "3s";

pub(super) const SCENE: Scene = Scene {
    name: "owner-departs",
    promise: "when an owner departs its identities are flagged and go on for the grace; then they stop, but for what somebody took over",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    stage.declare(&documents(), &[ORPHAN, HEIR]).await?;
    let (_, orphan) = stage.issue(ORPHAN).await?;
    let (_, heir) = stage.issue(HEIR).await?;
    let mut line = stage.gateway().open(Protocol::Http1).await?;
    let read = || Call::get("/shop/orders");
    stage.ask(play, &mut line, (Side::Honest, ORPHAN), read().key(&orphan), Want::Served).await?;

    let gone = json!({ "grace": GRACE, "reason": "the couriers were sold" });
    let departed = stage.order(Method::POST, "/api/v1/owners/couriers/depart", &gone).await?;
    stage.ask(play, &mut line, (Side::Honest, ORPHAN), read().key(&orphan).about("within the grace"), Want::Served).await?;
    stage.ask(play, &mut line, (Side::Honest, HEIR), read().key(&heir).about("within the grace"), Want::Served).await?;
    let more = json!({ "identity": ORPHAN });
    let refused = stage.refused(stage.client(), "/api/v1/credentials", &more).await?;
    play.claim("nothing more is issued to what nobody answers for", refused.as_deref() == Some("console.conflict"));
    let taken = json!({ "owner": "commerce", "team": "stock", "reason": "we need the board" });
    stage.order(Method::POST, &format!("/api/v1/identities/{HEIR}/transfer"), &taken).await?;
    stage.ask(play, &mut line, (Side::Honest, HEIR), read().key(&heir).about("under its new owner"), Want::Served).await?;
    play.claim("both identities were flagged, and the findings name their owner", flagged(stage, &departed).await?);

    until("the end of the grace", async || Ok((stage.state(ORPHAN).await? == "suspended").then_some(()))).await?;
    let left = (Side::Abuse, "who left, with the key");
    let stopped = Want::Refused("identity.contained");
    stage.ask(play, &mut line, left, read().key(&orphan).about("after the grace"), stopped).await?;
    let mut fresh = stage.gateway().open(Protocol::Http2).await?;
    stage.ask(play, &mut fresh, left, Call::get("/shop/orders/o-1001").key(&orphan), stopped).await?;
    stage.ask(play, &mut line, (Side::Honest, HEIR), read().key(&heir).about("after the grace"), Want::Served).await?;

    let again = json!({ "reason": "we still need it" });
    let refused = stage.refused(stage.client(), &format!("/api/v1/identities/{ORPHAN}/resume"), &again).await?;
    play.claim("it goes on again only when somebody answers for it", refused.as_deref() == Some("console.conflict"));
    Ok(())
}

/// Whether the departure named both identities, and a finding names the owner.
async fn flagged(stage: &Stage, departed: &Value) -> anyhow::Result<bool> {
    let named = |name: &str| departed.get("identities").and_then(Value::as_array).is_some_and(|all| all.contains(&json!(name)));
    let findings = stage.client().get("/api/v1/findings").await?.to_string();
    Ok(named(ORPHAN) && named(HEIR) && findings.contains("owner.departed") && findings.contains("couriers"))
}

fn documents() -> Value {
    let identity = |name: &str, purpose: &str| {
        let entry = json!({ "name": "main", "type": "api_key", "expires_in": "30d" });
        let spec = json!({
            "type": "service_account",
            "owner": "couriers",
            "environment": "production",
            "purpose": purpose,
            "credentials": [entry],
        });
        json!({ "kind": "Identity", "name": name, "spec": spec })
    };
    let grant = |name: &str| {
        let spec = json!({ "to": { "identity": name }, "api": "shop", "operations": ["read", "list"] });
        json!({ "kind": "Grant", "name": format!("{name}-reads"), "spec": spec })
    };
    let people = json!({ "accountable": "gil@example.com", "deputy": "hana@example.com", "contact": "couriers@example.com" });
    json!([
        { "kind": "Owner", "name": "couriers", "spec": people },
        identity(ORPHAN, "tells couriers what to fetch"),
        identity(HEIR, "shows what was fetched"),
        grant(ORPHAN),
        grant(HEIR),
    ])
}
