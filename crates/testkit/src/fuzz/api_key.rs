//! API keys: reading a text as one, and finding one in any bytes.

use super::{Broken, Outcome, Target, hold};
use std::cell::Cell;
use wardgate_model::id::EnvironmentName;
use wardgate_proof::{
    api_key::{ApiKey, KeyKind, find, generate},
    entropy::{Entropy, NoEntropy},
};

pub(super) const TARGET: Target = Target {
    name: "api_key",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/api_key"),
    property,
    words: &["wg_", "wgs_", "wga_", "_", "production", "wg_wg_", "0", "zzzzzz", "AbCdEfGh0123", "wg_production_AbCdEfGh0123_"],
    bytes_max: 1_024,
};

/// Entropy from the input, so that the same input makes the same key.
struct From<'a>(&'a [u8], Cell<usize>);

impl Entropy for From<'_> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            let at = self.1.get();
            self.1.set(at + 1);
            *byte = self.0.get(at % self.0.len().max(1)).copied().unwrap_or(0).wrapping_add(u8::try_from(at % 256).unwrap_or(0));
        }
        Ok(())
    }
}

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let parsed = std::str::from_utf8(bytes).ok().map(ApiKey::parse);
    if let Some(Ok(key)) = parsed {
        hold(key.text().as_bytes() == bytes, || "a key is not the text that it was read from".to_owned())?;
        hold(find(bytes) == Some(key), || "a key does not find itself".to_owned())?;
        hold(!format!("{key:?}").contains(key.text()), || "a key shows its secret".to_owned())?;
    }
    let found = find(bytes);
    if let Some(key) = found {
        let there = bytes.windows(key.text().len()).any(|window| window == key.text().as_bytes());
        hold(there && ApiKey::parse(key.text()) == Ok(key), || "what was found is not there, or is no key".to_owned())?;
    }
    let made = made(bytes)?;
    let refused = parsed.map(|parsed| parsed.map(|key| key.kind()).map_err(|error| error.to_string()));
    Ok(Outcome::of((refused, found.map(|key| key.kind()), made)))
}

/// A new key reads back, is found among anything, and no other character in it leaves it a key.
fn made(bytes: &[u8]) -> Result<bool, Broken> {
    let number = bytes.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let kind = KeyKind::ALL.get(number % KeyKind::ALL.len()).copied().unwrap_or(KeyKind::ApiKey);
    let environment = EnvironmentName::literal("staging-2");
    let Ok((id, text)) = generate(kind, &environment, &From(bytes, Cell::new(0))) else { return Ok(false) };
    let text = text.danger_expose();
    let key = ApiKey::parse(text).map_err(|error| Broken(format!("a new key is none: {error}")))?;
    let right = key.kind() == kind && key.environment() == environment.as_str() && key.id() == id.as_str();
    hold(right, || format!("{key:?} was made as another key"))?;
    let mut among = bytes.to_vec();
    among.push(b' ');
    among.extend_from_slice(text.as_bytes());
    among.extend_from_slice(bytes);
    hold(find(&among).is_some(), || "a key is not found among other bytes".to_owned())?;
    let at = number % text.len();
    let mut other = text.clone().into_bytes();
    if let Some(byte) = other.get_mut(at) {
        *byte = if *byte == b'x' { b'y' } else { b'x' };
    }
    let other = String::from_utf8_lossy(&other);
    hold(ApiKey::parse(&other).is_err(), || format!("a key with another character at {at} is still a key"))?;
    Ok(true)
}
