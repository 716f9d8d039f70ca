//! Entries of `credentials` by which senders of webhooks prove themselves: how their calls are signed.

use super::{Entry, known::Grounds, value};
use crate::{
    inventory::{IdentitySpec, Inventory},
    raw::{CredentialWord, RawCredential},
    scalar,
    yaml::{Faults, Spot},
};
use http::HeaderName;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use wardgate_model::{
    credential::{CredentialKind, HOOKS_MAX, SignatureForm, SignatureScheme},
    grant::GrantTo,
    id::ApiName,
    inventory::Identity,
    resource::Kind,
};

/// How far a timestamp may be off unless said (Standard Webhooks, "Verifying signatures").
const TOLERANCE: Duration = Duration::from_mins(5);
/// At the most, where the signature says when it was made; for so long each of them is remembered.
const TOLERANCE_MAX: Duration = Duration::from_hours(1);
/// At the most, where it does not.
const REMEMBERED_MAX: Duration = Duration::from_hours(24);
/// What the header of Standard Webhooks ends with; those beside it begin as it does.
const STANDARD_END: &str = "-signature";
/// Headers that are somebody else's: whoever shows one would be taken for this sender, and not be let in.
const TAKEN: [&str; 22] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "idempotency-key",
    "origin",
    "pragma",
    "proxy-authorization",
    "referer",
    "traceparent",
    "tracestate",
    "user-agent",
    "via",
    "x-real-ip",
    "x-requested-with",
];

/// How the calls of an entry are signed; `None` for other types, and for a wrong one.
pub(super) fn form(raw: &RawCredential, word: CredentialWord, index: usize, known: &dyn Grounds, faults: &Faults) -> Option<SignatureForm> {
    if word != CredentialWord::Hmac {
        return None;
    }
    let scheme = value(raw.scheme.as_ref()).map_or(SignatureScheme::Timestamped, |word| word.0);
    let standard = HeaderName::from_static("webhook-signature");
    let header = value(raw.header.as_ref()).map(|text| text.0.clone());
    let header = header.or_else(|| (raw.header.is_none() && scheme == SignatureScheme::StandardWebhooks).then_some(standard));
    let Some(header) = header else {
        if raw.header.is_none() {
            let what = format!("`credentials[{index}].header`: the scheme `{scheme}` needs this key");
            faults.error(
                raw.name.spot,
                "key.missing",
                what,
                "name the header that the signature stands in, as in `X-Signature`".to_owned(),
            );
        }
        return None;
    };
    let spot = raw.header.as_ref().map_or(raw.name.spot, |at| at.spot);
    let free = taken(&header, "header", index, spot, faults);
    let beside = beside(raw, scheme, &header, index, spot, faults);
    if let Some(at) = &raw.api
        && let Some(api) = &at.value
    {
        known.api(api.0.as_str(), at.spot, &format!("credentials[{index}].api"), faults);
    }
    let (timestamp, message) = beside.filter(|_| free)?;
    let api: Option<ApiName> = value(raw.api.as_ref()).map(|name| name.0.clone());
    if raw.api.is_some() && api.is_none() {
        return None;
    }
    Some(SignatureForm { scheme, header, timestamp, message, api, tolerance: tolerance(raw, scheme, index, faults)? })
}

/// The headers beside the signature's: of the timestamp, and of the message's id.
fn beside(
    raw: &RawCredential,
    scheme: SignatureScheme,
    header: &HeaderName,
    index: usize,
    spot: Spot,
    faults: &Faults,
) -> Option<(Option<HeaderName>, Option<HeaderName>)> {
    if let (Some(at), false) = (&raw.timestamp_header, scheme == SignatureScheme::Versioned) {
        let what = format!("`credentials[{index}].timestamp_header`: the scheme `{scheme}` has no header of its own for it");
        faults.error(at.spot, "key.unknown", what, "take it out".to_owned());
        return None;
    }
    match scheme {
        SignatureScheme::Timestamped | SignatureScheme::Body => Some((None, None)),
        SignatureScheme::Versioned => {
            let Some(at) = &raw.timestamp_header else {
                let what = format!("`credentials[{index}].timestamp_header`: the scheme `{scheme}` needs this key");
                let mend = "name the header that the timestamp stands in, as in `X-Request-Timestamp`";
                faults.error(raw.name.spot, "key.missing", what, mend.to_owned());
                return None;
            };
            let name = at.value.as_ref()?.0.clone();
            taken(&name, "timestamp_header", index, at.spot, faults).then_some((Some(name), None))
        }
        SignatureScheme::StandardWebhooks => {
            let stem = header.as_str().strip_suffix(STANDARD_END).filter(|stem| !stem.is_empty());
            let named = |end: &str| stem.and_then(|stem| format!("{stem}-{end}").parse::<HeaderName>().ok());
            let found = named("timestamp").zip(named("id"));
            if found.is_none() {
                let what = format!("`credentials[{index}].header`: the scheme `{scheme}` has three headers that begin alike");
                let mend = "write one as in `webhook-signature`: `webhook-id` and `webhook-timestamp` follow from it";
                faults.error(spot, "value.invalid", what, mend.to_owned());
            }
            found.map(|(timestamp, message)| (Some(timestamp), Some(message)))
        }
    }
}

/// Whether a header is free to hold a signature; notes it when it is not.
fn taken(header: &HeaderName, key: &str, index: usize, spot: Spot, faults: &Faults) -> bool {
    let free = !TAKEN.contains(&header.as_str());
    if !free {
        let what = format!("`credentials[{index}].{key}`: `{header}` is what it is for everybody");
        faults.error(spot, "value.invalid", what, "name a header that only the sender of webhooks sets".to_owned());
    }
    free
}

fn tolerance(raw: &RawCredential, scheme: SignatureScheme, index: usize, faults: &Faults) -> Option<Duration> {
    let Some(at) = &raw.tolerance else { return Some(TOLERANCE) };
    let said = at.value.as_ref()?.0;
    let most = if scheme == SignatureScheme::Body { REMEMBERED_MAX } else { TOLERANCE_MAX };
    if (Duration::from_secs(1)..=most).contains(&said) {
        return Some(said);
    }
    let what = format!("`credentials[{index}].tolerance`: with the scheme `{scheme}` it is 1s to {}", scalar::shown(most));
    faults.error(at.spot, "value.invalid", what, "write one as in `5m`".to_owned());
    None
}

/// Notes where more senders could show the same header to one API than are looked at: each has two secrets while one replaces
/// the other, and whoever comes last would never be known.
pub(super) fn few(entries: &[Entry<'_>], inventory: &Inventory) {
    let accepting = inventory.apis.iter().filter(|api| api.accept.contains(&CredentialKind::Hmac));
    for api in accepting {
        let (mut identities, mut owners) = (HashSet::new(), HashSet::new());
        for grant in inventory.grants.iter().filter(|grant| grant.api == api.name) {
            match &grant.to {
                GrantTo::Identity(to) => drop(identities.insert(to)),
                GrantTo::Owner(owner) => drop(owners.insert(owner)),
            }
        }
        let granted = |identity: &Identity| identities.contains(&identity.id) || owners.contains(&identity.owner);
        let mut count: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for spec in &inventory.identities {
            for form in spec.credentials.iter().filter_map(|entry| entry.signed.as_ref()) {
                let here = form.api.as_ref().map_or_else(|| granted(&spec.identity), |named| *named == api.name);
                if here {
                    count.entry(form.header.as_str()).or_default().push(spec.identity.id.as_str());
                }
            }
        }
        for (header, senders) in count.into_iter().filter(|(_, senders)| senders.len() > HOOKS_MAX) {
            let Some(entry) = entries.iter().find(|entry| entry.document.name == api.name.as_str()) else { continue };
            let what = format!(
                "{} senders may show `{header}` here, of which {HOOKS_MAX} are looked at: {}, and more",
                senders.len(),
                senders.iter().take(HOOKS_MAX).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            );
            let mend = "give them APIs of their own, or name in each entry the `api` that it calls".to_owned();
            entry.faults.error(Spot::default(), "credential.hooks", what, mend);
        }
    }
}

/// Notes where a sender's signature would stand where others show a key, or people their session: whoever does would be taken for
/// the sender, and not be let in.
pub(super) fn apart(entries: &[Entry<'_>], inventory: &Inventory) {
    for api in inventory.apis.iter().filter(|api| api.accept.contains(&CredentialKind::Hmac)) {
        let session = api.people.as_ref().and_then(|people| people.header.as_ref());
        let others = [(api.api_key_header.as_ref(), "api_key_header"), (session, "people.header")];
        let Some(entry) = entries.iter().find(|entry| entry.document.kind == Kind::Api && entry.document.name == api.name.as_str()) else {
            continue;
        };
        for (header, key) in others.into_iter().filter_map(|(header, key)| Some((header?, key))) {
            let here = |form: &SignatureForm| form.header == *header && form.api.as_ref().is_none_or(|named| *named == api.name);
            let signs = |spec: &&IdentitySpec| spec.credentials.iter().filter_map(|one| one.signed.as_ref()).any(here);
            if let Some(sender) = inventory.identities.iter().find(signs) {
                let what = format!("`{key}`: the signatures of `{}` stand in `{header}` too", sender.identity.id);
                entry.faults.error(Spot::default(), "credential.hooks", what, "name another header here or there".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests;
