//! Signatures of HTTP requests, as strangers hand them in.
//!
//! An input is `Signature-Input`, `Signature`, `Signature-Agent` and `Content-Digest`, a line each.

use super::{Broken, Outcome, Target, hold};
use http::{HeaderMap, HeaderValue, Uri, Version};
use std::sync::OnceLock;
use wardgate_model::time::Time;
use wardgate_proof::{
    digest,
    jose::{
        algorithm::Algorithms,
        jwk::{Accepting, Key, Usage},
    },
    signature::{self, AGE_MAX, agent, component::Part, message::Message},
};

pub(super) const TARGET: Target = Target {
    name: "signature",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/signature"),
    property,
    words: &[
        "sig1=",
        "(\"@method\" \"@path\")",
        "\"@authority\"",
        "\"@query-param\";name=\"a\"",
        "\"content-digest\"",
        "\"signature-agent\";key=\"sig1\"",
        ";sf",
        ";bs",
        ";req",
        ";created=1800000000",
        ";expires=",
        ";nonce=\"a\"",
        ";keyid=\"one\"",
        ";alg=\"ed25519\"",
        ";tag=\"web-bot-auth\"",
        ":AQ==:",
        "sha-256=:",
        "\"https://bot.example\"",
        ", ",
        "\n",
        "\\\"",
        "@1",
        "%\"",
    ],
    bytes_max: 4_096,
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const NAMES: [&str; 4] = ["signature-input", "signature", "signature-agent", "content-digest"];
const BODY: &[u8] = b"{}";
/// The public key of RFC 8037 §A.2.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn key() -> Option<&'static Key> {
    static KEPT: OnceLock<Option<Key>> = OnceLock::new();
    let accepting = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };
    KEPT.get_or_init(|| Key::parse(KEY.as_bytes(), accepting).ok()).as_ref()
}

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let mut headers = HeaderMap::new();
    for (name, line) in NAMES.into_iter().zip(bytes.split(|byte| *byte == b'\n')) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    let uri = Uri::from_static("/ledger/entries?a=1&b=2");
    let message = Message { method: "POST", origin: "https://ledger.example", uri: &uri, version: Version::HTTP_11, headers: &headers };
    let fits = digest::fits(&headers, &digest::CONTENT, BODY);
    let known =
        headers.get("content-digest").is_some_and(|value| value.as_bytes().windows(5).any(|part| part == b"sha-2" || part == b"sha-5"));
    hold(fits != Ok(true) || known, || "a digest fits by no algorithm that counts".to_owned())?;
    let read = match signature::read(&headers) {
        Ok(read) => read,
        Err(fault) => return Ok(Outcome::of((fault.to_string(), fits.ok()))),
    };
    let mut ended = Vec::new();
    for one in &read {
        let base = one.base(&message);
        if let Ok(base) = &base {
            let lines = base.lines().count();
            hold(lines == one.components().len() + 1, || format!("{lines} lines for {} components", one.components().len()))?;
            let given = headers.get("signature-input").map(HeaderValue::as_bytes).unwrap_or_default();
            let said = base.rsplit_once("\"@signature-params\": ").map(|(_, said)| said).unwrap_or_default();
            let there = given.windows(said.len().max(1)).any(|part| part == said.as_bytes());
            hold(there, || "what is signed as parameters was not received so".to_owned())?;
        }
        let verified = key().map(|key| one.verify(key, &message));
        hold(!matches!(verified, Some(Ok(_))), || "a signature passes that nobody made".to_owned())?;
        let covers = [Part::Method, Part::Authority, Part::Path, Part::Query, Part::field(digest::CONTENT)].map(|part| one.covers(&part));
        let agent = agent::of(one, &headers).map(|agent| agent.map(|agent| agent.kind == agent::AgentKind::Directory));
        ended.push((
            base.map(|_| ()).map_err(|fault| fault.to_string()),
            covers,
            one.made(AGE_MAX, NOW).map(|_| ()).map_err(|fault| fault.to_string()),
            agent.map_err(|fault| fault.to_string()),
        ));
    }
    Ok(Outcome::of((ended, fits.ok())))
}
