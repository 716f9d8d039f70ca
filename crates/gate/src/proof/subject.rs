//! Tokens that a client of our token service shows of somebody else: whom each stands for, and which of its clients may act with it.

use super::{Beside, claim, is_in_time, live, on_record, token};
use crate::{identity::is_contained, snapshot::Snapshot, trust::Token};
use serde_json::Value;
use std::sync::Arc;
use wardgate_model::{api::Api, credential::CredentialKind, facts::Caller, inventory::Identity, time::Time};

/// A genuine token that was shown by another than whom it stands for.
#[derive(Debug)]
pub struct Subject {
    /// The token.
    pub token: Arc<Token>,
    /// Whom it stands for.
    pub caller: Caller,
    /// The API that it is for; `None`: it is for our token service, and not ours.
    pub api: Option<Arc<Api>>,
}

/// Whom a token stands for that is shown at our token service as what is asked upon (RFC 8693 §2.1): one of ours that would be taken now, or
/// one of a trust source that is for us alone. `None` does not say why it is not good.
#[must_use]
pub fn subject(text: &str, snapshot: &Snapshot, now: Time) -> Option<Subject> {
    let token = snapshot.trust().token(text, now).ok()?;
    if token.ours {
        let live = live(text, snapshot, now)?;
        return Some(Subject { token: live.token, caller: live.caller, api: Some(live.api) });
    }
    let mut audiences = token.facts.audience.iter();
    if audiences.next().map(|audience| &**audience) != Some(&**snapshot.mint().issuer()) || audiences.next().is_some() {
        return None;
    }
    // What it is bound to cannot be shown by anybody else.
    let genuine = token::stands_for(&token, &Beside { chain: None, held: None }, snapshot).ok()?;
    is_in_time(&genuine, now).ok()?;
    let identity = snapshot.identity(&genuine.credential.identity)?;
    let caller = claim(identity, genuine);
    let over = identity.ends.is_some_and(|end| end <= now);
    (!over && !is_contained(&caller, snapshot)).then_some(Subject { token, caller, api: None })
}

impl Subject {
    /// Whether it came of a token of ours that is bound to nobody's key.
    #[must_use]
    pub fn is_unbound(&self) -> bool {
        self.token.ours && super::ours::is_unbound(&self.token)
    }

    /// Whether `client` may act with the token. What the token itself says of that binds (`may_act`, RFC 8693 §4.4); where it says nothing,
    /// the workload behind the API that it is for may, and nobody else.
    #[must_use]
    pub fn may_be_used_by(&self, client: &Caller, snapshot: &Snapshot) -> bool {
        match (self.token.claims.all().get("may_act"), &self.api) {
            (Some(named), _) => self.names(named, client, snapshot),
            (None, Some(api)) => serves(&client.identity, api),
            (None, None) => false,
        }
    }

    /// Whether `may_act` names this client: as ourselves we know it, or as the issuer of the token does.
    fn names(&self, named: &Value, client: &Caller, snapshot: &Snapshot) -> bool {
        let text = |name: &str| named.get(name).and_then(Value::as_str);
        let Some(subject) = text("sub") else { return false };
        // Whatever else it says is not known here: then it names nobody (RFC 8693 §4.4 leaves it to the issuer what identifies).
        if named.as_object().is_none_or(|members| members.keys().any(|name| !matches!(name.as_str(), "sub" | "iss"))) {
            return false;
        }
        let ours = &**snapshot.mint().issuer();
        let issuer = text("iss").or_else(|| self.token.claims.issuer());
        if issuer == Some(ours) {
            return subject == client.identity.id.as_str();
        }
        if issuer != self.token.claims.issuer() {
            return false;
        }
        // INVARIANT (no claims): what an identity wants of claims beside the subject a name alone does not show.
        let found = snapshot.population().bindings().subjects().find(&self.token.trust, subject, &serde_json::Map::new());
        let kind = CredentialKind::Oidc;
        on_record(found, (&self.token.trust, Some(subject), kind), snapshot)
            .is_ok_and(|credential| credential.identity == client.identity.id)
    }
}

/// Whether an identity is the workload behind an API: its document says so, and its owner is one who answers for the API. So nobody makes itself one
/// behind the API of others.
#[must_use]
pub fn serves(identity: &Identity, api: &Api) -> bool {
    let own = identity.owner == api.policy_owner || Some(&identity.owner) == api.business_owner.as_ref();
    own && identity.serves.contains(&api.name)
}
