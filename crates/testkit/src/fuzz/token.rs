//! Signed tokens and sets of keys, as strangers hand them in.
//!
//! An input is tried as a token, as header and claims of one (a line each, so that they can be changed as text), and as a set of keys.

use super::{Broken, Outcome, Target, hold};
use serde_json::Value;
use std::{
    mem::{Discriminant, discriminant},
    sync::OnceLock,
    time::Duration,
};
use wardgate_model::time::Time;
use wardgate_proof::jose::{
    algorithm::Algorithms,
    base64url,
    claims::Claims,
    expected::{Expected, Sharing},
    jwk::{Accepting, Usage},
    jws::Compact,
    jwt,
    key_set::{KEYS_MAX, KeySet},
    kind::TokenKind,
    refusal::Refusal,
};

pub(super) const TARGET: Target = Target {
    name: "token",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/token"),
    property,
    words: &[
        "\"alg\":\"EdDSA\"",
        "\"alg\":\"none\"",
        "\"kid\":\"one\"",
        "\"crit\":[]",
        "\"typ\":\"at+jwt\"",
        "\"exp\":",
        "1800000600",
        "\"aud\":[\"wardgate\"]",
        "\"act\":{\"sub\":\"a\"}",
        "\"cnf\":{}",
        "\"keys\":[",
        "\"kty\":\"EC\"",
        "\"kty\":\"RSA\"",
        "\"kty\":\"AKP\"",
        "\"use\":\"sig\"",
        "\"d\":\"\"",
        "\\u0061",
        "AQAB",
        ".",
    ],
    bytes_max: 4_096,
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const ANY: Accepting = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };
/// The public key of RFC 8037 §A.2.
const KEYS: &[u8] = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// What that key signed, of all that may pass.
const SIGNED: [&str; 3] =
    [include_str!("../../corpus/token/plain"), include_str!("../../corpus/token/access"), include_str!("../../corpus/token/unnamed")];

fn world() -> Option<&'static (KeySet, Expected)> {
    static WORLD: OnceLock<Option<(KeySet, Expected)>> = OnceLock::new();
    let made = WORLD.get_or_init(|| {
        let expected = Expected {
            issuer: Some("https://ci.example".into()),
            audiences: ["wardgate".into()].into(),
            sharing: Sharing::Allowed,
            kinds: [TokenKind::Plain, TokenKind::Access].into(),
            trust_domain: None,
            subject_claim: "sub".into(),
            on_behalf_of: None,
            leeway: Duration::from_secs(30),
            life_max: Duration::from_hours(1),
        };
        Some((KeySet::parse(KEYS, ANY).ok()?, expected))
    });
    made.as_ref()
}

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let (keys, expected) = world().ok_or_else(|| Broken("the world cannot be made".to_owned()))?;
    let text = String::from_utf8_lossy(bytes);
    let whole = jwt::verify(&text, keys, expected, NOW);
    // Ed25519 has one signature for a message (RFC 8032 §5.1.7), and base64url one text for it.
    hold(whole.is_err() || SIGNED.contains(&&*text), || "a token passes that nobody signed so".to_owned())?;
    let whole = whole.map(|verified| verified.kind).map_err(|refusal| why(&refusal));
    Ok(Outcome::of((whole, parts(bytes, keys, expected)?, set(bytes)?)))
}

/// Header and claims, under a signature that is nobody's.
fn parts(bytes: &[u8], keys: &KeySet, expected: &Expected) -> Result<Option<Told>, Broken> {
    let Some(at) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let (header, claims) = bytes.split_at(at);
    let claims = claims.get(1..).unwrap_or_default();
    let token = format!("{}.{}.{}", base64url::encode(header), base64url::encode(claims), base64url::encode(&[1; 64]));
    if Compact::parse(&token).is_ok() {
        let members: Value = serde_json::from_slice(header).map_err(|error| Broken(format!("a header is no JSON: {error}")))?;
        let read = ["crit", "b64", "zip", "enc"].into_iter().all(|name| members.get(name).is_none());
        hold(read, || "a header passes that changes what the token means".to_owned())?;
    }
    if let Ok(read) = Claims::read(claims) {
        let plain: Value = serde_json::from_slice(claims).map_err(|error| Broken(format!("claims are no JSON: {error}")))?;
        hold(plain == Value::Object(read.all().clone()), || "claims are not what serde_json reads".to_owned())?;
        hold(read.all().get("exp").is_none_or(Value::is_number), || "a time is no number".to_owned())?;
    }
    match jwt::verify(&token, keys, expected, NOW) {
        Ok(_) => Err(Broken("a token passes that nobody signed".to_owned())),
        Err(refusal) => {
            let told = refusal.to_string();
            hold(told.len() < 400 && told.is_ascii(), || format!("a refusal tells too much: {told}"))?;
            Ok(Some(why(&refusal)))
        }
    }
}

fn set(bytes: &[u8]) -> Result<(usize, Option<String>), Broken> {
    match KeySet::parse(bytes, ANY) {
        Err(fault) => Ok((0, Some(fault.to_string().chars().take(24).collect()))),
        Ok(keys) => {
            let plain: Value = serde_json::from_slice(bytes).map_err(|error| Broken(format!("a set is no JSON: {error}")))?;
            let listed = plain.get("keys").and_then(Value::as_array).map_or(0, Vec::len);
            hold(listed <= KEYS_MAX && keys.keys().len() + keys.skipped().len() == listed, || "keys are lost or made up".to_owned())?;
            let mut members = plain.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
            let secret = members.any(|key| ["d", "k", "priv"].into_iter().any(|name| key.contains_key(name)) && key.contains_key("kty"));
            hold(!secret, || "a set passes that gives a secret away".to_owned())?;
            Ok((keys.keys().len(), keys.skipped().first().map(|skipped| skipped.why.to_string().chars().take(24).collect())))
        }
    }
}

type Told = (Discriminant<Refusal>, Option<String>);

/// Which cause it was, without what a stranger wrote.
fn why(refusal: &Refusal) -> Told {
    let detail = match refusal {
        Refusal::Header(_) | Refusal::Missing(_) | Refusal::Claim(_) | Refusal::Encoding(_) => Some(refusal.to_string()),
        _ => None,
    };
    (discriminant(refusal), detail)
}
