//! What is to be fetched for a trust source.

use super::FeedId;
use crate::{
    discovery::{Issuer, IssuerFault},
    document::Kind,
    endpoint::{EndpointFault, SpiffeEndpoint},
    fetch::Bounds,
    pace::Rhythm,
    target::{Target, TargetFault},
};
use std::{fmt, path::PathBuf};
use wardgate_model::{
    id::TrustName,
    trust::{self as model, Authority, Bot, Keys, Published, Reach, TrustSource, Vouches},
};
use wardgate_proof::{
    jose::{
        algorithm::{Algorithms, UnknownAlgorithm},
        jwk::{Accepting, Usage},
    },
    x509::{SpiffeIdError, TrustDomain},
};

/// Where a document comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Where the discovery document of an issuer says.
    Discovered(Issuer),
    /// An address.
    At(Target),
    /// An address whose server shows an X.509-SVID.
    Spiffe(Box<SpiffeEndpoint>),
    /// A file of this machine, read again when it changes.
    File(PathBuf),
    /// The socket of an agent of this machine, which says at once what changes.
    Workload(PathBuf),
}

impl Origin {
    /// Where to fetch what is published; `None`: it is here.
    fn of(published: &Published, target: fn(TargetFault) -> SpecFault) -> Result<Option<Self>, SpecFault> {
        match published {
            Published::Here(_) => Ok(None),
            Published::At(address) => Target::parse(address).map(|address| Some(Self::At(address))).map_err(target),
            Published::Spiffe(endpoint) => Ok(Some(Self::Spiffe(Box::new(SpiffeEndpoint::of(endpoint)?)))),
            Published::Workload(path) => Ok(Some(Self::Workload(PathBuf::from(&**path)))),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discovered(issuer) => write!(f, "{issuer}"),
            Self::At(target) => write!(f, "{target}"),
            Self::Spiffe(endpoint) => write!(f, "{}", endpoint.target()),
            Self::File(path) | Self::Workload(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What a feed fetches, from where, how far and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedSpec {
    /// Whose it is.
    pub trust: TrustName,
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub origin: Origin,
    /// How far we go for it.
    pub reach: Reach,
    /// How long and how large a fetch may be.
    pub bounds: Bounds,
    /// How often.
    pub rhythm: Rhythm,
}

/// Why a trust source cannot be fetched from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecFault {
    /// Its identifier cannot be discovered.
    #[error("`issuer`: {0}")]
    Issuer(#[from] IssuerFault),
    /// Its keys are at no address.
    #[error("`jwks`: {0}")]
    Target(#[from] TargetFault),
    /// Its bundle is at no address.
    #[error("`bundle`: {0}")]
    Bundle(TargetFault),
    /// Nobody could be believed who shows its bundle.
    #[error(transparent)]
    Endpoint(#[from] EndpointFault),
    /// A revocation list is at no address.
    #[error("`revoked`: {0}")]
    Revoked(TargetFault),
    /// Its trust domain is none.
    #[error("`trust_domain`: {0}")]
    Domain(#[from] SpiffeIdError),
    /// It names an algorithm that is none.
    #[error("`algorithms`: {0}")]
    Algorithms(#[from] UnknownAlgorithm),
}

impl FeedSpec {
    /// What is to be fetched for a trust source; nothing where all of it is on record here.
    ///
    /// # Errors
    /// When it cannot be: the operator's mistake.
    pub fn of(source: &TrustSource) -> Result<Vec<Self>, SpecFault> {
        match &source.vouches {
            Vouches::Tokens(issuer) => Ok(Self::of_issuer(&source.name, issuer)?.into_iter().collect()),
            Vouches::Certificates(authority) => Self::of_authority(&source.name, authority),
            Vouches::Signatures(bot) => Ok(Self::of_bot(&source.name, bot)?.into_iter().collect()),
        }
    }

    fn of_issuer(trust: &TrustName, issuer: &model::Issuer) -> Result<Option<Self>, SpecFault> {
        let (origin, reach) = match &issuer.keys {
            Keys::Discovered(reach) => (Origin::Discovered(Issuer::parse(&issuer.issuer)?), reach),
            Keys::At(address, reach) => (Origin::At(Target::parse(address)?), reach),
            Keys::Here(_) | Keys::Asked(_) => return Ok(None),
        };
        let accepting = Accepting { algorithms: Algorithms::parse(&issuer.algorithms)?, usage: Usage::Signature };
        let (reach, bounds, rhythm) = (reach.clone(), Bounds::KEYS, Rhythm::SHIPPED);
        Ok(Some(Self { trust: trust.clone(), kind: Kind::Keys(accepting), origin, reach, bounds, rhythm }))
    }

    fn of_bot(trust: &TrustName, bot: &Bot) -> Result<Option<Self>, SpecFault> {
        let (origin, reach) = match &bot.keys {
            Keys::At(address, reach) => (Origin::At(Target::parse(address)?), reach),
            Keys::Discovered(_) | Keys::Here(_) | Keys::Asked(_) => return Ok(None),
        };
        let (reach, bounds, rhythm) = (reach.clone(), Bounds::KEYS, Rhythm::SHIPPED);
        Ok(Some(Self { trust: trust.clone(), kind: Kind::Directory, origin, reach, bounds, rhythm }))
    }

    fn of_authority(trust: &TrustName, authority: &Authority) -> Result<Vec<Self>, SpecFault> {
        let one =
            |kind, origin, bounds, rhythm| Self { trust: trust.clone(), kind, origin, reach: authority.reach.clone(), bounds, rhythm };
        let mut specs = Vec::new();
        if let Some(origin) = Origin::of(&authority.bundle, SpecFault::Bundle)? {
            let kind = match &authority.trust_domain {
                Some(domain) => Kind::Bundle(TrustDomain::parse(domain)?),
                None => Kind::Anchors(None),
            };
            specs.push(one(kind, origin, Bounds::BUNDLES, Rhythm::BUNDLES));
        }
        for list in &authority.revoked {
            let Some(origin) = Origin::of(list, SpecFault::Revoked)? else { continue };
            let spec = one(Kind::Revocations, origin, Bounds::LISTS, Rhythm::SHIPPED);
            if !specs.contains(&spec) {
                specs.push(spec);
            }
        }
        Ok(specs)
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> FeedId {
        FeedId { trust: self.trust.clone(), topic: self.kind.topic(), origin: self.origin.to_string().into() }
    }
}
