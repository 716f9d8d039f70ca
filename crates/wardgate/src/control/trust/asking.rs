//! Issuers that are asked about their opaque tokens (RFC 7662): who we are there, and what comes back.

use std::{collections::BTreeMap, sync::Arc};
use wardgate_feeds::{
    fetch::Fetcher,
    introspection::{Authentication, Endpoint, Introspected, Introspection as Client, IntrospectionFault},
    resolve::SystemResolver,
    roots::{Roots, RootsFault},
    target::Target,
};
use wardgate_gate::{Estate, Introspection};
use wardgate_model::{
    id::{SecretName, TrustName},
    secret::Secret,
    trust::{Asked, Keys, TrustSource, Vouches},
};

/// The issuers of a process that are asked.
#[derive(Default)]
pub(super) struct Askers(BTreeMap<TrustName, Asker>);

/// One of them, and what it was made of.
struct Asker {
    asked: Asked,
    secret: Secret<String>,
    client: Arc<Client>,
}

/// Why an issuer cannot be asked.
#[derive(Debug, thiserror::Error)]
enum Mute {
    #[error("the secret `{0}` is not on record: `wardgate secret put {0}`")]
    Secret(SecretName),
    #[error("`url`: {0}")]
    Target(#[from] wardgate_feeds::target::TargetFault),
    #[error("`roots`: {0}")]
    Roots(#[from] RootsFault),
    #[error(transparent)]
    Introspection(#[from] IntrospectionFault),
}

impl Askers {
    /// Has these from now on. One that is the same goes on as it is, with those who wait for it.
    pub(super) fn keep(&mut self, sources: &[Arc<TrustSource>], estate: &Estate) {
        let mut before = std::mem::take(&mut self.0);
        for source in sources {
            let Some(asked) = asked(source) else { continue };
            let same = before.remove(&source.name).filter(|old| old.asked == *asked && estate.secret(&asked.secret) == Some(&old.secret));
            match same.map_or_else(|| Asker::new(asked, estate), Ok) {
                Ok(asker) => drop(self.0.insert(source.name.clone(), asker)),
                Err(why) => tracing::error!(trust = %source.name, %why, "a trust source cannot be asked: its tokens are answered 503"),
            }
        }
    }

    /// How the tokens of a trust source are asked about.
    pub(super) fn of(&self, trust: &TrustName) -> Option<Arc<Client>> {
        self.0.get(trust).map(|asker| Arc::clone(&asker.client))
    }
}

impl Asker {
    fn new(asked: &Asked, estate: &Estate) -> Result<Self, Mute> {
        let secret = estate.secret(&asked.secret).ok_or_else(|| Mute::Secret(asked.secret.clone()))?.clone();
        let endpoint = Endpoint {
            target: Target::parse(&asked.url)?,
            authentication: Authentication::Basic { id: asked.client_id.clone(), secret: secret.clone() },
            reach: asked.reach.clone(),
            roots: asked.reach.roots.as_deref().map_or_else(Roots::system, Roots::only)?,
            bounds: Endpoint::BOUNDS,
            places: Endpoint::PLACES,
            waiters: Endpoint::WAITERS,
        };
        let client = Client::new(Fetcher::new(Arc::new(SystemResolver)), endpoint)?;
        Ok(Self { asked: asked.clone(), secret, client: Arc::new(client) })
    }
}

/// How an issuer is asked; `None`: it is not.
pub(super) fn asked(source: &TrustSource) -> Option<&Asked> {
    match &source.vouches {
        Vouches::Tokens(issuer) => match &issuer.keys {
            Keys::Asked(asked) => Some(asked),
            Keys::Discovered(_) | Keys::At(..) | Keys::Here(_) => None,
        },
        Vouches::Certificates(_) => None,
    }
}

/// Asks about a token. What goes wrong is told to the operator, and nothing of it to the caller.
pub(super) async fn ask(trust: TrustName, client: Option<Arc<Client>>, token: Secret<String>) -> Introspection {
    let Some(client) = client else { return Introspection::Silent };
    match client.ask(token.danger_expose()).await {
        Ok(Introspected::Active(members)) => Introspection::Active(members),
        Ok(Introspected::Inactive) => Introspection::Inactive,
        Err(why) => {
            tracing::warn!(%trust, %why, "a token could not be asked about");
            Introspection::Silent
        }
    }
}
