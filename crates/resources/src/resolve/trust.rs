//! Trust sources.

mod binding;

pub(super) use binding::binding;

use super::{items, known::Known, value};
use crate::{
    raw::{DurationText, FileText, Prose, RawTrustSource, TrustKind},
    yaml::{At, Faults, Spot},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use wardgate_model::{
    id::TrustName,
    trust::{Asked, Authority, Bot, Issuer, Keys, Published, Reach, SpiffeEndpoint, Svids, TrustSource, Vouches},
};

/// How far a clock may be from ours, unless said, and at most.
const LEEWAY: Duration = Duration::from_secs(30);
const LEEWAY_MAX: Duration = Duration::from_secs(60);
/// Longest life of a token, unless said.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);
/// For how long the answer of an issuer that is asked counts, unless said, and at most.
const REMEMBER: Duration = Duration::from_secs(10);
const REMEMBER_MAX: Duration = Duration::from_secs(60);
/// Largest key set, bundle or revocation list in a file, in bytes.
const FILE_BYTES_MAX: usize = 4 << 20;
/// The signature algorithms that can count (RFC 7518 §3.1, RFC 9864, ML-DSA as of draft-ietf-cose-dilithium).
const ALGORITHMS: &[&str] = &[
    "ES256",
    "ES384",
    "ES512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
    "Ed25519",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
];

pub(super) fn source(name: &str, raw: &RawTrustSource, file: &Path, known: &Known<'_>, faults: &Faults) -> Option<TrustSource> {
    let kind = raw.kind.value?.0;
    fitting(raw, kind, faults);
    let read = |at: &At<_>, key: &str| text(at, key, file, known, faults);
    let vouches = match kind {
        TrustKind::Oidc => Vouches::Tokens(Box::new(issuer(raw, found, &read, faults)?)),
        TrustKind::Introspection => Vouches::Tokens(Box::new(issuer(raw, asked, &read, faults)?)),
        TrustKind::X509Ca => Vouches::Certificates(Box::new(authority(raw, None, &read, faults)?)),
        TrustKind::Spiffe => {
            let at = raw.trust_domain.as_ref()?;
            let domain = &at.value.as_ref()?.0;
            if !is_trust_domain(domain) {
                let mend = "write a name as in `acme.example`: lower-case letters, digits, `.`, `-` and `_`".to_owned();
                faults.error(at.spot, "trust.domain", format_args!("`trust_domain`: `{domain}` is no SPIFFE trust domain"), mend);
                return None;
            }
            Vouches::Certificates(Box::new(authority(raw, Some(domain.clone()), &read, faults)?))
        }
        TrustKind::WebBotAuth => Vouches::Signatures(Box::new(bot(raw, &read, faults)?)),
    };
    Some(TrustSource { name: TrustName::parse(name).ok()?, vouches })
}

/// Which keys a type has, and whether they must be there.
const fn keys(kind: TrustKind) -> &'static [(&'static str, bool)] {
    match kind {
        TrustKind::Oidc => &[
            ("issuer", true),
            ("audiences", true),
            ("jwks", false),
            ("algorithms", false),
            ("subject_claim", false),
            ("on_behalf_of", false),
            ("leeway", false),
            ("life_max", false),
            ("networks", false),
            ("roots", false),
        ],
        TrustKind::Introspection => &[
            ("issuer", true),
            ("audiences", true),
            ("url", true),
            ("client_id", true),
            ("secret", true),
            ("prefix", false),
            ("remember", false),
            ("subject_claim", false),
            ("on_behalf_of", false),
            ("leeway", false),
            ("life_max", false),
            ("networks", false),
            ("roots", false),
        ],
        TrustKind::Spiffe => &[
            ("trust_domain", true),
            ("bundle", true),
            ("endpoint_spiffe_id", false),
            ("endpoint_bundle", false),
            ("revoked", false),
            ("audiences", false),
            ("leeway", false),
            ("life_max", false),
            ("networks", false),
            ("roots", false),
        ],
        TrustKind::X509Ca => &[("bundle", true), ("revoked", false), ("networks", false), ("roots", false)],
        TrustKind::WebBotAuth => &[("agent", true), ("jwks", false), ("networks", false), ("roots", false)],
    }
}

fn fitting(raw: &RawTrustSource, kind: TrustKind, faults: &Faults) {
    fn spot<T>(at: &Option<At<T>>) -> Option<Spot> {
        at.as_ref().map(|at| at.spot)
    }
    let present = [
        ("issuer", spot(&raw.issuer)),
        ("agent", spot(&raw.agent)),
        ("audiences", spot(&raw.audiences)),
        ("jwks", spot(&raw.jwks)),
        ("algorithms", spot(&raw.algorithms)),
        ("subject_claim", spot(&raw.subject_claim)),
        ("on_behalf_of", spot(&raw.on_behalf_of)),
        ("leeway", spot(&raw.leeway)),
        ("life_max", spot(&raw.life_max)),
        ("networks", spot(&raw.networks)),
        ("roots", spot(&raw.roots)),
        ("url", spot(&raw.url)),
        ("client_id", spot(&raw.client_id)),
        ("secret", spot(&raw.secret)),
        ("prefix", spot(&raw.prefix)),
        ("remember", spot(&raw.remember)),
        ("trust_domain", spot(&raw.trust_domain)),
        ("bundle", spot(&raw.bundle)),
        ("endpoint_spiffe_id", spot(&raw.endpoint_spiffe_id)),
        ("endpoint_bundle", spot(&raw.endpoint_bundle)),
        ("revoked", spot(&raw.revoked)),
    ];
    for (key, at) in present {
        match (at, keys(kind).iter().find(|(known, _)| *known == key)) {
            (Some(at), None) => {
                let what = format!("`{key}`: a trust source of type `{}` has no such key", kind.as_str());
                faults.error(at, "key.unknown", what, "take it out".to_owned());
            }
            (None, Some((_, true))) => {
                let what = format!("`{key}`: a trust source of type `{}` needs this key", kind.as_str());
                faults.error(raw.kind.spot, "key.missing", what, format!("add `{key}`"));
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
    }
}

type Read<'a> = dyn Fn(&At<FileText>, &str) -> Option<Arc<str>> + 'a;

/// Where the keys of an issuer are, or how it is asked.
type KeysOf = fn(&RawTrustSource, &At<Prose>, &Read<'_>, &Faults) -> Option<Keys>;

fn issuer(raw: &RawTrustSource, keys: KeysOf, read: &Read<'_>, faults: &Faults) -> Option<Issuer> {
    let at = raw.issuer.as_ref()?;
    let issuer = at.value.as_ref()?.0.clone();
    let audiences = audiences(raw, faults);
    for (algorithm, spot) in items(raw.algorithms.as_ref()) {
        if !ALGORITHMS.contains(&&*algorithm.0) {
            let mend = format!("use some of {}", ALGORITHMS.join(", "));
            faults.error(spot, "trust.algorithm", format_args!("`algorithms`: `{}` does not count", algorithm.0), mend);
        }
    }
    let keys = keys(raw, at, read, faults)?;
    Some(Issuer {
        issuer,
        audiences,
        keys,
        algorithms: items(raw.algorithms.as_ref()).map(|(algorithm, _)| algorithm.0.clone()).collect(),
        subject_claim: value(raw.subject_claim.as_ref()).map_or_else(|| "sub".into(), |claim| claim.0.clone()),
        on_behalf_of: value(raw.on_behalf_of.as_ref()).map(|claim| claim.0.clone()),
        leeway: leeway(raw, faults),
        life_max: life_max(raw, faults),
    })
}

fn audiences(raw: &RawTrustSource, faults: &Faults) -> Box<[Box<str>]> {
    if let Some(list) = raw.audiences.as_ref().filter(|list| list.value.as_ref().is_some_and(Vec::is_empty)) {
        let mend = "name what its tokens for us say in `aud`, as in `[wardgate]`".to_owned();
        faults.error(list.spot, "trust.audience", "`audiences`: the list is empty, so that a token meant for anybody would count", mend);
    }
    items(raw.audiences.as_ref()).map(|(audience, _)| audience.0.clone()).collect()
}

fn leeway(raw: &RawTrustSource, faults: &Faults) -> Duration {
    bounded(raw.leeway.as_ref(), "leeway", (LEEWAY, LEEWAY_MAX), faults)
}

fn life_max(raw: &RawTrustSource, faults: &Faults) -> Duration {
    bounded(raw.life_max.as_ref(), "life_max", (LIFE_MAX, Duration::from_secs(366 * 24 * 3600)), faults)
}

/// A duration as said, or the usual one; more than the longest is a fault.
fn bounded(at: Option<&At<DurationText>>, key: &str, (usual, most): (Duration, Duration), faults: &Faults) -> Duration {
    let said = value(at).map_or(usual, |duration| duration.0);
    if let Some(at) = at.filter(|_| said > most) {
        let what = format!("`{key}`: more than {}", crate::scalar::shown(most));
        faults.error(at.spot, "value.invalid", what, format!("write {} or less", crate::scalar::shown(most)));
    }
    said
}

/// The keys of an issuer whose tokens are signed: in a file, at an address, or where its discovery document says.
fn found(raw: &RawTrustSource, issuer: &At<Prose>, read: &Read<'_>, faults: &Faults) -> Option<Keys> {
    let reach = reach(raw, read)?;
    if let Some(at) = &raw.jwks {
        return Some(match published(at, "jwks", read, faults)? {
            Published::Here(text) => Keys::Here(text),
            Published::At(address) | Published::Workload(address) => Keys::At(address, reach),
            Published::Spiffe(endpoint) => Keys::At(endpoint.url, reach),
        });
    }
    if !is_address(&issuer.value.as_ref()?.0) {
        let mend = "say where its keys are: `jwks: file:keys.json` or `jwks: https://…`".to_owned();
        faults.error(issuer.spot, "trust.keys", "`issuer`: discovery needs an issuer that is an https address without query", mend);
    }
    Some(Keys::Discovered(reach))
}

/// A bot, and where its keys are: in its directory unless it is said otherwise.
fn bot(raw: &RawTrustSource, read: &Read<'_>, faults: &Faults) -> Option<Bot> {
    let at = raw.agent.as_ref()?;
    let said = &at.value.as_ref()?.0;
    let origin = said.strip_suffix('/').unwrap_or(said);
    // As a signature's `Signature-Agent` is compared: in lower case, without the usual port.
    let plain = origin.parse::<http::Uri>().ok().filter(|uri| uri.scheme_str() == Some("https") && is_address(origin));
    let usual = plain.as_ref().and_then(http::Uri::port_u16) == Some(443);
    let bare = plain.is_some() && !usual && origin.to_ascii_lowercase() == *origin && !origin.trim_start_matches("https://").contains('/');
    if !bare {
        let mend = "write its origin as in `https://bot.example`: in small letters, without a path and without the usual port".to_owned();
        faults.error(at.spot, "trust.agent", format_args!("`agent`: `{said}` is no https origin"), mend);
        return None;
    }
    let reach = reach(raw, read)?;
    let keys = match &raw.jwks {
        None => Keys::At(format!("{origin}{}", Bot::DIRECTORY).into(), reach),
        Some(at) => match published(at, "jwks", read, faults)? {
            Published::Here(text) => Keys::Here(text),
            Published::At(address) | Published::Workload(address) => Keys::At(address, reach),
            Published::Spiffe(endpoint) => Keys::At(endpoint.url, reach),
        },
    };
    Some(Bot { agent: origin.into(), keys })
}

/// How an issuer of opaque tokens is asked about them.
fn asked(raw: &RawTrustSource, _issuer: &At<Prose>, read: &Read<'_>, faults: &Faults) -> Option<Keys> {
    let (at, client_id) = (raw.url.as_ref()?, raw.client_id.as_ref()?.value.as_ref()?);
    let url = at.value.as_ref()?.0.clone();
    if !is_address(&url) {
        let what = format!("`url`: `{url}` is no https address");
        faults.error(at.spot, "trust.url", what, "write the introspection endpoint, as in `https://id.example/introspect`".to_owned());
    }
    let reach = reach(raw, read)?;
    if let Some(address) = inside(&url).filter(|address| !reach.networks.iter().any(|network| network.contains(address))) {
        let what =
            format!("`url`: `{address}` is an address inside, which nothing is fetched from unless it is named: no token can be verified");
        let mend = format!("add `networks: [{address}]` if the issuer is there");
        faults.warning(at.spot, "trust.inside", what, mend);
    }
    Some(Keys::Asked(Box::new(Asked {
        url,
        client_id: client_id.0.clone(),
        secret: raw.secret.as_ref()?.value.as_ref()?.0.clone(),
        prefix: value(raw.prefix.as_ref()).map(|prefix| prefix.0.clone()).unwrap_or_default(),
        remember: bounded(raw.remember.as_ref(), "remember", (REMEMBER, REMEMBER_MAX), faults),
        reach,
    })))
}

/// How far we go for what it publishes.
fn reach(raw: &RawTrustSource, read: &Read<'_>) -> Option<Reach> {
    let roots = match &raw.roots {
        Some(at) => Some(read(at, "roots")?),
        None => None,
    };
    Some(Reach { networks: items(raw.networks.as_ref()).map(|(network, _)| network.0).collect(), roots })
}

/// A document in a file or at an address.
fn published(at: &At<Prose>, key: &str, read: &Read<'_>, faults: &Faults) -> Option<Published> {
    let said = &at.value.as_ref()?.0;
    if let Some(path) = said.strip_prefix("file:").filter(|path| !path.is_empty()) {
        let file = At { spot: at.spot, value: Some(FileText(path.into())) };
        return read(&file, key).map(Published::Here);
    }
    if is_address(said) {
        return Some(Published::At(said.clone()));
    }
    let (code, file) = match key {
        "jwks" => ("trust.keys", "keys.json"),
        "revoked" => ("trust.revoked", "revoked.pem"),
        _ => ("trust.bundle", "bundle.pem"),
    };
    let agent = if key == "bundle" { ", or for a trust domain the socket of an agent, `unix:/run/spire/agent.sock`" } else { "" };
    let mend = format!("write `file:{file}` or an https address{agent}");
    faults.error(at.spot, code, format_args!("`{key}`: `{said}` is no file and no https address"), mend);
    None
}

fn authority(raw: &RawTrustSource, trust_domain: Option<Box<str>>, read: &Read<'_>, faults: &Faults) -> Option<Authority> {
    let bundle = raw.bundle.as_ref()?;
    let bundle = match trust_domain.as_ref().and_then(|_| agent(bundle)) {
        Some(path) => endpoint(raw, Published::Workload(path), read, faults)?,
        None => endpoint(raw, published(bundle, "bundle", read, faults)?, read, faults)?,
    };
    let list = raw.revoked.as_ref().and_then(At::as_ref).into_iter().flatten();
    let revoked: Option<Box<[_]>> = list.map(|at| published(at, "revoked", read, faults)).collect();
    let svids = raw.audiences.is_some().then(|| Svids {
        audiences: audiences(raw, faults),
        leeway: leeway(raw, faults),
        life_max: life_max(raw, faults),
    });
    if let (None, Some(spot)) = (&svids, raw.leeway.as_ref().or(raw.life_max.as_ref()).map(|at| at.spot)) {
        let what = "`leeway` and `life_max` are of JWT-SVIDs, and without `audiences` none counts";
        faults.error(spot, "key.missing", what, "add `audiences`, or take them out".to_owned());
    }
    Some(Authority { bundle, revoked: revoked?, reach: reach(raw, read)?, trust_domain, svids })
}

/// Where a bundle is published, with what is said of who shows it there.
fn endpoint(raw: &RawTrustSource, bundle: Published, read: &Read<'_>, faults: &Faults) -> Option<Published> {
    match (bundle, &raw.endpoint_spiffe_id, &raw.endpoint_bundle) {
        (bundle, None, None) => Some(bundle),
        (Published::At(url), Some(id), Some(first)) if url.starts_with("https://") => {
            let id = id.value.as_ref()?.0.clone();
            Some(Published::Spiffe(Box::new(SpiffeEndpoint { url, id, bundle: read(first, "endpoint_bundle")? })))
        }
        (_, id, first) => {
            let spot = id.as_ref().map(|at| at.spot).or(first.as_ref().map(|at| at.spot)).unwrap_or_default();
            let what = "`endpoint_spiffe_id` and `endpoint_bundle` belong together, and to a `bundle` at an https address";
            faults.error(spot, "trust.endpoint", what, "add what is missing, or take both out".to_owned());
            None
        }
    }
}

/// The socket of an agent of the SPIFFE Workload API, as that writes it (SPIFFE-Workload-Endpoint §4): `unix:` and a path from the root.
fn agent(at: &At<Prose>) -> Option<Box<str>> {
    let path = at.value.as_ref()?.0.strip_prefix("unix:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (path.starts_with('/') && path.len() > 1 && !path.contains(['?', '#'])).then(|| path.into())
}

/// Whether a document can be fetched from there: https, or http on this machine; no user, query or fragment.
fn is_address(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let local = uri.host().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
    let scheme = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => local,
        _ => false,
    };
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    scheme && plain && uri.query().is_none() && !text.contains('#')
}

/// The address of a host of one's own, where the text of an address says so: what a name leads to is seen only when it is asked.
fn inside(text: &str) -> Option<IpAddr> {
    let uri = text.parse::<http::Uri>().ok()?;
    let host = uri.host()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = if bare.eq_ignore_ascii_case("localhost") { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { bare.parse::<IpAddr>().ok()? };
    let own = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    own.then_some(address)
}

/// SPIFFE-ID §2.1.
fn is_trust_domain(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty() && text.len() <= 255 && text.bytes().all(good)
}

fn text(at: &At<FileText>, key: &str, file: &Path, known: &Known<'_>, faults: &Faults) -> Option<Arc<str>> {
    let path = &at.value.as_ref()?.0;
    let read = known.files.read(file, path).map_err(|error| error.to_string()).and_then(|bytes| {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(format!("it has {} bytes, at most {FILE_BYTES_MAX} are read", bytes.len()));
        }
        String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())
    });
    match read {
        Ok(text) => Some(text.into()),
        Err(why) => {
            faults.error(at.spot, "file.unreadable", format_args!("`{key}`: cannot read `{path}`: {why}"), super::FILE_MEND.to_owned());
            None
        }
    }
}

/// Of two trust sources that speak for the same issuer or trust domain, or for opaque tokens that begin alike, nobody could say
/// which one vouches.
pub(super) fn apart(entries: &[super::Entry<'_>], sources: &[Arc<TrustSource>]) {
    let mut seen: HashMap<(&str, &str), &TrustSource> = HashMap::new();
    for source in sources {
        let key = match &source.vouches {
            Vouches::Tokens(issuer) => match &issuer.keys {
                Keys::Asked(asked) => ("prefix", &*asked.prefix),
                Keys::Discovered(_) | Keys::At(..) | Keys::Here(_) => ("issuer", &*issuer.issuer),
            },
            Vouches::Certificates(authority) => match &authority.trust_domain {
                Some(domain) => ("trust_domain", &**domain),
                None => continue,
            },
            Vouches::Signatures(bot) => ("agent", &*bot.agent),
        };
        let Some(other) = seen.insert(key, source) else { continue };
        let Some(entry) = entries.iter().find(|entry| entry.document.name == source.name.as_str()) else { continue };
        let what = format!("`{}`: the TrustSource `{}` speaks for `{}` already", key.0, other.name, key.1);
        let mend = "keep one; an issuer with several audiences lists them in `audiences`".to_owned();
        entry.faults.error(Spot::default(), "trust.same", what, mend);
    }
}

#[cfg(test)]
mod tests;
