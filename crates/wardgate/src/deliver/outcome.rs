//! What an upstream's answer tells of the secret it was shown.

use std::collections::HashMap;
use wardgate_model::{api::UpstreamIdentity, event::Event, id::SecretName};

/// What became of a secret that was put into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The upstream takes it.
    Taken,
    /// The upstream refuses it, with this status.
    Refused(u16),
}

impl Outcome {
    /// 401 and 403 are refusals of the caller (RFC 9110 §15.5.2, §15.5.4). Of the rest, whatever the upstream did with the
    /// request shows that it let us in; but 407, 429 and 5xx may come before it has looked.
    pub(super) const fn of(status: u16) -> Option<Self> {
        match status {
            401 | 403 => Some(Self::Refused(status)),
            407 | 429 | 500.. => None,
            _ => Some(Self::Taken),
        }
    }
}

/// Secrets whose first use is waited for, each with the first snapshot that shows the new one.
#[derive(Debug, Default)]
pub(super) struct Awaited(HashMap<SecretName, u64>);

impl Awaited {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, secret: SecretName, since_snapshot: u64) {
        self.0.insert(secret, since_snapshot);
    }

    /// One that an earlier run put into use: whatever is asked from here on shows it.
    pub(super) fn take_up(&mut self, secret: SecretName) {
        self.0.entry(secret).or_insert(0);
    }

    pub(super) fn remove(&mut self, secret: &SecretName) {
        self.0.remove(secret);
    }

    /// What a request tells of a secret that is waited for. One that was judged before the new secret was in use may have
    /// shown the old one.
    pub(super) fn told(&self, event: &Event) -> Option<(&SecretName, Outcome)> {
        let api = event.facts.api.as_ref()?;
        let identity = &api.upstream.identity;
        let (UpstreamIdentity::Header { secret, .. }
        | UpstreamIdentity::Basic { secret, .. }
        | UpstreamIdentity::ClientCertificate { secret }) = identity
        else {
            return None;
        };
        let (secret, since) = self.0.get_key_value(secret)?;
        if event.snapshot < *since {
            return None;
        }
        let status = event.outcome.upstream.as_ref()?.status?;
        Some((secret, Outcome::of(status)?))
    }
}

#[cfg(test)]
mod tests;
