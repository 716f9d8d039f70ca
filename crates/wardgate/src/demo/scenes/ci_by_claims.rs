//! A pipeline has no key at all: each of its jobs shows a token that says for which environment it runs.

use super::Scene;
use crate::demo::{
    caller::{Call, Protocol},
    issuer::forged,
    play::{Play, Side, Want},
    stage::Stage,
};
use serde_json::{Value, json};

/// Fetches of keys that the whole scene may cost the issuer: the first one, and one for a key that nobody knows.
const ASKED_MAX: usize = 2;

pub(super) const SCENE: Scene = Scene {
    name: "ci-promotes-by-claims",
    promise: "one pipeline promotes from staging to production without a stored key: what a job may do follows from the claims of its token",
    play: |stage, play| Box::pin(play_it(stage, play)),
};

async fn play_it(stage: &Stage, play: &mut Play) -> anyhow::Result<()> {
    let ci = stage.ci();
    let release = |path: &str, about| Call::post(path, &json!({ "image": "checkout@sha256:4711" })).about(about);
    let (staging, production) = (ci.token("staging")?, ci.token("production")?);
    let (for_staging, for_production) = ("/staging/deploy/releases", "/deploy/releases");
    let job = |side| (side, "acme/checkout");
    let mut line = stage.gateway().open(Protocol::Http2).await?;

    let (before, others) = (stage.staging().count(), stage.shop().count());
    let first = release(for_staging, "environment: staging").key(&staging);
    stage.ask(play, &mut line, job(Side::Honest), first, Want::Served).await?;
    play.claim(
        "staging's shop has the release, production's heard nothing",
        (stage.staging().count(), stage.shop().count()) == (before + 1, others),
    );
    let then = release(for_production, "environment: production").key(&production);
    let promoted = stage.ask(play, &mut line, job(Side::Honest), then, Want::Served).await?;
    play.claim("then production's has it", stage.shop().count() == others + 1);

    let early = release(for_production, "with staging's token").key(&staging);
    let refused = stage.ask(play, &mut line, job(Side::Abuse), early, Want::Refused("standing.denied")).await?;
    let back = release(for_staging, "with production's token").key(&production);
    stage.ask(play, &mut line, job(Side::Abuse), back, Want::Refused("standing.denied")).await?;

    let claims = |change: Value| {
        let mut claims = ci.claims("production");
        if let (Some(claims), Value::Object(change)) = (claims.as_object_mut(), change) {
            claims.extend(change);
        }
        claims
    };
    for (about, token) in [
        ("environment: review, of no identity", ci.token("review")?),
        ("of another repository", ci.sign(&claims(json!({ "sub": "repo:mallory/checkout" })))?),
        ("made out to another service", ci.sign(&claims(json!({ "aud": "artifacts" })))?),
        ("with an end that is past", ci.sign(&claims(json!({ "iat": 1_700_000_000, "exp": 1_700_000_600 })))?),
        ("signed by somebody else", forged(&claims(Value::Null))?),
    ] {
        stage.ask(play, &mut line, job(Side::Abuse), release(for_production, about).key(&token), Want::Refused("proof.invalid")).await?;
    }

    let of = |answer: &crate::demo::caller::Answer| answer.field("wardgate-request-id").unwrap_or_default().to_owned();
    let (good, bad) = (stage.event("deploy", &of(&promoted)).await?, stage.event("deploy", &of(&refused)).await?);
    let named = |event: &Value, name: &str| event.pointer("/identity/name").is_some_and(|value| value == name);
    let both = named(&good, "release-production") && named(&bad, "release-staging");
    play.claim("the log names two identities for the one pipeline, told apart by their tokens", both);
    let asked = ci.asked();
    play.claim(format!("the issuer was asked for its keys {asked} times in all"), (1..=ASKED_MAX).contains(&asked));
    Ok(())
}
