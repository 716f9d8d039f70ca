//! What was typed of where evidence goes besides its directory.

use super::{Findings, defaults, text};
use crate::config::{AccessKey, AnchorPlace, KeySource, Outside, StorePlace};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use wardgate_audit::{
    anchor::ANCHORS_MAX,
    store::{Addressing, Bucket, NoBucket},
    web::Site,
};

/// A second place for checkpoints: `file` or `url`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAnchor {
    /// A file, elsewhere, that each checkpoint is appended to; a relative path counts from the configuration's directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `https://HOST[:PORT][/PATH]` that each checkpoint is sent to (`POST`, `text/plain`); `http://` only on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `file:PATH` of the authority's certificates (PEM) for `url`; without it those of the public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Where sealed segments go.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSegments {
    /// A bucket of an object store that speaks like S3.
    pub s3: RawS3,
    /// How long after its newest event a segment stays in the directory, too, as in `24h`.
    pub local: Option<String>,
}

/// A bucket of an object store that speaks like S3.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawS3 {
    /// `https://HOST[:PORT]`; `http://` only on this machine.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// What the names of objects begin with, as in `gate-1/`: another one for each gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The region that is signed for.
    pub region: Option<String>,
    /// Whether the bucket stands in the path; else in the host.
    pub path_style: Option<bool>,
    /// The id of the key, or `env:NAME` or `file:PATH` of it.
    pub access_key: String,
    /// `env:NAME` or `file:PATH` of the key.
    pub secret_key: String,
    /// `env:NAME` or `file:PATH` of the session, where the key was lent for a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    /// `file:PATH` of the authority's certificates (PEM); without it those of the public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl RawSegments {
    /// The same with every default written out.
    pub(super) fn fill(&mut self) {
        self.local.get_or_insert_with(|| defaults::SEGMENTS_LOCAL.to_owned());
        self.s3.region.get_or_insert_with(|| defaults::S3_REGION.to_owned());
        self.s3.path_style.get_or_insert(true);
    }

    fn resolve(&self, findings: &mut Findings<'_>) -> Option<StorePlace> {
        const KEY: &str = "audit.segments.s3";
        let s3 = &self.s3;
        let local = findings.duration("audit.segments.local", text(&self.local));
        let endpoint = findings.site(&format!("{KEY}.endpoint"), &s3.endpoint);
        let access_key = match s3.access_key.split_once(':') {
            None => findings.access_key(&s3.access_key).map(AccessKey::Text),
            Some(_) => findings.secret(&format!("{KEY}.access_key"), &s3.access_key).map(AccessKey::Elsewhere),
        };
        let secret_key = findings.secret(&format!("{KEY}.secret_key"), &s3.secret_key);
        let session_token = s3.session_token.as_deref().map(|token| findings.secret(&format!("{KEY}.session_token"), token));
        let ca = s3.ca.as_deref().map(|ca| findings.file(&format!("{KEY}.ca"), ca));
        let bucket = Bucket {
            // What else is wrong is said at once, too.
            endpoint: endpoint.clone().or_else(|| defaults::NO_STORE.parse().ok())?,
            name: s3.bucket.clone(),
            region: text(&s3.region).to_owned(),
            addressing: if s3.path_style == Some(false) { Addressing::Host } else { Addressing::Path },
            prefix: s3.prefix.clone().unwrap_or_default(),
        };
        if let Err(wrong) = bucket.check() {
            let (key, given) = match wrong {
                NoBucket::Name => ("bucket", &bucket.name),
                NoBucket::Prefix => ("prefix", &bucket.prefix),
                NoBucket::Region => ("region", &bucket.region),
                NoBucket::Host => ("endpoint", &s3.endpoint),
            };
            let mend = match wrong {
                NoBucket::Host => "leave out `path_style: false`, or name the store as `https://HOST`, with a host that is no address",
                _ => "as in `bucket: evidence`, `prefix: gate-1/`, `region: eu-central-1`",
            };
            findings.wrong(&format!("{KEY}.{key}"), format!("`{}` is no {key}: {wrong}", given.escape_default()), mend);
        }
        let (access_key, secret_key, session_token) = (access_key?, secret_key?, session_token.flatten());
        endpoint?;
        Some(StorePlace { bucket, access_key, secret_key, session_token, ca: ca.flatten(), local: local? })
    }
}

impl RawAnchor {
    fn resolve(&self, at: usize, findings: &mut Findings<'_>) -> Option<AnchorPlace> {
        let key = format!("audit.anchor[{at}]");
        let ca = self.ca.as_deref().map(|ca| findings.file(&format!("{key}.ca"), ca));
        match (self.file.as_deref(), self.url.as_deref()) {
            (Some(path), None) if !path.is_empty() && self.ca.is_none() => Some(AnchorPlace::File(findings.base.join(path))),
            (None, Some(url)) => Some(AnchorPlace::Url { site: findings.site(&format!("{key}.url"), url)?, ca: ca.flatten() }),
            _ => {
                let mend = "write `{ file: PATH }` or `{ url: https://HOST/PATH }`, each in a line of its own; `ca` belongs to `url`";
                findings.wrong(&key, format!("`{key}` is no place for checkpoints"), mend);
                None
            }
        }
    }
}

impl Findings<'_> {
    /// The id of a key, as it is typed. Something long may be the key itself: it is not shown.
    fn access_key(&mut self, text: &str) -> Option<String> {
        let good = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !good {
            let mend = "write the id, `env:NAME` or `file:PATH`";
            self.wrong("audit.segments.s3.access_key", "this is no id of a key for `audit.segments.s3.access_key`".to_owned(), mend);
        }
        good.then(|| text.to_owned())
    }

    /// Where something secret is. What was typed instead may be the secret: it is not shown.
    fn secret(&mut self, key: &str, text: &str) -> Option<KeySource> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Some(KeySource::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Some(KeySource::File(self.base.join(path))),
            _ => {
                self.wrong(
                    key,
                    format!("`{key}` does not say where it is"),
                    "write `env:NAME` or `file:PATH`: nothing secret stands in this file",
                );
                None
            }
        }
    }

    /// A place to send evidence to.
    fn site(&mut self, key: &str, text: &str) -> Option<Site> {
        // It may hold a password: it is not shown then.
        let site = text.parse::<Site>().inspect_err(|wrong| {
            self.wrong(
                key,
                format!("this is no URL for `{key}`: {wrong}"),
                "write `https://HOST[:PORT]/PATH`, or `http://127.0.0.1:PORT/PATH`",
            );
        });
        site.ok()
    }
}

/// Where evidence goes besides its directory.
pub(super) fn resolve(anchors: &[RawAnchor], segments: Option<&RawSegments>, findings: &mut Findings<'_>) -> Outside {
    if anchors.len() > ANCHORS_MAX {
        findings.wrong("audit.anchor", format!("there are {} anchors", anchors.len()), &format!("name at most {ANCHORS_MAX}"));
    }
    let anchors: Vec<AnchorPlace> = anchors.iter().enumerate().filter_map(|(at, anchor)| anchor.resolve(at, findings)).collect();
    let file = |anchor: &AnchorPlace| -> Option<PathBuf> { if let AnchorPlace::File(path) = anchor { Some(path.clone()) } else { None } };
    let mut files: Vec<PathBuf> = anchors.iter().filter_map(file).collect();
    files.sort_unstable();
    if files.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        findings.wrong("audit.anchor", "a file is named twice".to_owned(), "name it once");
    }
    Outside { anchors, store: segments.and_then(|segments| segments.resolve(findings)) }
}
