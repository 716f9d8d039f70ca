//! Issuers that are asked about their opaque tokens (RFC 7662): who we are there, and what comes back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
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

/// One of them, and what it was made of. Without a client it cannot be asked, and its state says why.
struct Asker {
    asked: Asked,
    secret: Option<Secret<String>>,
    client: Option<Arc<Client>>,
    state: Arc<Mutex<AskedState>>,
}

/// How it goes with an issuer that is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedState {
    /// Questions that it was asked.
    pub questions: u64,
    /// Why the last one got no answer, until one does.
    pub failing: Option<Box<str>>,
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
            let secret = estate.secret(&asked.secret);
            let same = before.remove(&source.name).filter(|old| old.asked == *asked && old.secret.as_ref() == secret);
            self.0.insert(source.name.clone(), same.unwrap_or_else(|| Asker::new(asked, secret)));
        }
    }

    /// Asks about a token of a trust source. What goes wrong is told to the operator, and nothing of it to the caller.
    pub(super) fn ask(&self, trust: &TrustName, token: Secret<String>) -> impl Future<Output = Introspection> + Send + use<> {
        let asker = self.0.get(trust).and_then(|asker| Some((asker.client.clone()?, Arc::clone(&asker.state))));
        let trust = trust.clone();
        async move {
            let Some((client, state)) = asker else { return Introspection::Silent };
            let said = client.ask(token.danger_expose()).await;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.questions = client.questions();
            let failing = said.as_ref().err().map(|why| why.to_string().into_boxed_str());
            // Once, and not for every caller: it is in `/readyz` for as long as it lasts.
            if let Some(why) = failing.as_ref().filter(|_| state.failing != failing) {
                tracing::warn!(%trust, %why, "a token could not be asked about");
            }
            state.failing = failing;
            drop(state);
            match said {
                Ok(Introspected::Active(members)) => Introspection::Active(members),
                Ok(Introspected::Inactive) => Introspection::Inactive,
                Err(_) => Introspection::Silent,
            }
        }
    }

    /// How it goes with each.
    pub(super) fn states(&self) -> Vec<(TrustName, AskedState)> {
        let state = |asker: &Asker| asker.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.0.iter().map(|(trust, asker)| (trust.clone(), state(asker))).collect()
    }
}

impl Asker {
    fn new(asked: &Asked, secret: Option<&Secret<String>>) -> Self {
        let made = match secret {
            Some(secret) => client(asked, secret),
            None => Err(Mute::Secret(asked.secret.clone())),
        };
        let state = AskedState { questions: 0, failing: made.as_ref().err().map(|why| why.to_string().into()) };
        Self { asked: asked.clone(), secret: secret.cloned(), client: made.ok(), state: Arc::new(Mutex::new(state)) }
    }
}

fn client(asked: &Asked, secret: &Secret<String>) -> Result<Arc<Client>, Mute> {
    let endpoint = Endpoint {
        target: Target::parse(&asked.url)?,
        authentication: Authentication::Basic { id: asked.client_id.clone(), secret: secret.clone() },
        reach: asked.reach.clone(),
        roots: asked.reach.roots.as_deref().map_or_else(Roots::system, Roots::only)?,
        bounds: Endpoint::BOUNDS,
        places: Endpoint::PLACES,
        waiters: Endpoint::WAITERS,
    };
    Ok(Arc::new(Client::new(Fetcher::new(Arc::new(SystemResolver)), endpoint)?))
}

/// How an issuer is asked; `None`: it is not.
pub(super) fn asked(source: &TrustSource) -> Option<&Asked> {
    match &source.vouches {
        Vouches::Tokens(issuer) => match &issuer.keys {
            Keys::Asked(asked) => Some(asked),
            Keys::Discovered(_) | Keys::At(..) | Keys::Here(_) => None,
        },
        Vouches::Certificates(_) | Vouches::Signatures(_) => None,
    }
}
