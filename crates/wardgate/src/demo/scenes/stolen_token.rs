//! A token was stolen, together with a proof that its owner made and never used: genuine to the last bit. Where it is used tells, and a
//! challenge asks for what nobody can carry away: the key.

use super::Scene;
use crate::demo::{
    caller::{Answer, Call, Protocol},
    play::{Play, Side, Want},
    stage::{Stage, habit},
    tokens::{bound, proof},
};
use anyhow::Context as _;
use serde_json::Value;
use std::net::Ipv4Addr;
use wardgate_model::secret::Secret;
use wardgate_proof::jws::Signer;

/// Whose token it is.
const FEED: &str = "price-feed";
/// Where it has been for weeks, and where the thief is. The feed itself moves there later.
const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 41, 20);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 42, 7);

pub(super) const SCENE: Scene = Scene {
    name: "stolen-token-challenged",
    promise: "a stolen token from another place is challenged and its thief has nothing to answer with; its owner, moved to that very place, answers",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let home = stage.gateway().at(HOME);
    let software = stage.software(&home, Protocol::Http2).await?;
    let usual = (HOME, &software);
    stage.teach(FEED, vec![habit("prices GET /prices/orders/{id}", 12, usual), habit("wardgate-issuer POST /oauth/token", 1, usual)])?;

    let (mut line, key) = (home.open(Protocol::Http2).await?, stage.feed());
    let token = bound(&mut line, (FEED, key), "prices").await?;
    let owner = Shows { token: &token, key };
    let (honest, thief) = ((Side::Honest, FEED), (Side::Abuse, "a thief"));
    stage.ask(play, &mut line, honest, owner.call("/prices/orders/o-4711", None)?.about("as ever"), Want::Served).await?;

    // The thief is elsewhere, with other software, and has the token and one proof for this very request.
    let order = "/prices/orders/o-1860";
    let away = stage.gateway().at(ELSEWHERE).by_other_software()?;
    let mut line = away.open(Protocol::Http1).await?;
    let stolen = owner.call(order, None)?;
    let challenged = Want::Refused("risk.challenged");
    let answer = stage.ask(play, &mut line, thief, stolen.clone().about("elsewhere, with a stolen proof"), challenged).await?;
    let nonce = nonce(&answer)?;
    let asked = answer.field("www-authenticate").is_some_and(|asked| asked.starts_with("DPoP ") && asked.contains("use_dpop_nonce"));
    play.claim("it is asked for a proof with a nonce, as any library for DPoP knows it", asked);
    stage.ask(play, &mut line, thief, stolen.about("the same once more"), Want::Refused("proof.possession")).await?;
    let own = Signer::load(Signer::generate()?.danger_expose())?;
    let forged = Shows { token: &token, key: &own }.call(order, Some(&nonce))?;
    stage.ask(play, &mut line, thief, forged.about("with the nonce, by its own key"), Want::Refused("proof.invalid")).await?;
    let bare = Call::get(order).about("with the bare token").key(&token);
    stage.ask(play, &mut line, thief, bare, Want::Refused("proof.invalid")).await?;

    // An old key of the same identity leaked as well: it is good, and it is not enough.
    let (_, old) = stage.issue(FEED).await?;
    let leaked = Call::get(order).about("with an old API key").key(&old);
    let answer = stage.ask(play, &mut line, thief, leaked, Want::Refused("risk.step_up")).await?;
    let remedy = answer.body.get("remedy").and_then(Value::as_str).unwrap_or_default();
    play.claim("whoever shows that key is told of the registered one, which a thief has not", remedy.contains("registered key"));

    // The owner moves to where the thief was, and has a new client: it looks just as strange, and has the key.
    let mut line = away.open(Protocol::Http1).await?;
    let first = stage.ask(play, &mut line, honest, owner.call(order, None)?.about("moved, new software"), challenged).await?;
    let nonce = self::nonce(&first)?;
    let answered = owner.call(order, Some(&nonce))?.about("answers, with the nonce");
    let passed = stage.ask(play, &mut line, honest, answered, Want::Served).await?;
    let next = self::nonce(&passed)?;
    let on = owner.call("/prices/orders/o-90210", Some(&next))?.about("and goes on");
    stage.ask(play, &mut line, honest, on, Want::Served).await?;

    let (before, after) = (told(stage, &first).await?, told(stage, &passed).await?);
    play.claim(
        format!("the log says why: risk {} of {}; and what passing left of it: {}", before.risk, before.signals.join(", "), after.risk),
        before.signals.iter().any(|signal| signal == "new_place") && after.signals.is_empty(),
    );
    Ok(())
}

/// What is shown with a request.
struct Shows<'a> {
    token: &'a Secret<String>,
    key: &'a Signer,
}

impl Shows<'_> {
    fn call(&self, path: &str, nonce: Option<&str>) -> anyhow::Result<Call> {
        let proof = proof(self.key, ("GET", path), Some(self.token), nonce)?;
        let token = format!("DPoP {}", self.token.danger_expose());
        Ok(Call::get(path).field("authorization", &token).field("dpop", &proof))
    }
}

fn nonce(answer: &Answer) -> anyhow::Result<String> {
    answer.field("dpop-nonce").map(str::to_owned).context("an answer without a nonce")
}

/// What the log has of the risk of a request.
struct Risk {
    risk: u64,
    signals: Vec<String>,
}

async fn told(stage: &Stage, answer: &Answer) -> anyhow::Result<Risk> {
    let event = stage.event("prices", answer.field("wardgate-request-id").unwrap_or_default()).await?;
    let signals = event.pointer("/ruling/signals").and_then(Value::as_array).into_iter().flatten();
    let name = |signal: &Value| signal.get("name").and_then(Value::as_str).map(str::to_owned);
    Ok(Risk { risk: event.pointer("/ruling/risk").and_then(Value::as_u64).unwrap_or(0), signals: signals.filter_map(name).collect() })
}
