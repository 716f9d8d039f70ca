//! What was typed of where evidence goes besides its directory.

use super::Findings;
use crate::config::{AnchorPlace, Outside};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use wardgate_audit::{anchor::ANCHORS_MAX, web::Site};

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
    /// A place to send evidence to.
    fn site(&mut self, key: &str, text: &str) -> Option<Site> {
        // It may hold a password: it is not shown then.
        let site = text.parse::<Site>().inspect_err(|wrong| {
            self.wrong(key, format!("this is no URL for `{key}`: {wrong}"), "write `https://HOST[:PORT]/PATH`, or `http://127.0.0.1:PORT/PATH`");
        });
        site.ok()
    }
}

/// Where evidence goes besides its directory.
pub(super) fn resolve(anchors: &[RawAnchor], findings: &mut Findings<'_>) -> Outside {
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
    Outside { anchors }
}
