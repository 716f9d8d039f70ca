//! What is asked of a token with each request, taken from its claims once: finding a claim by its name costs a hash of that name.

use wardgate_model::time::Time;
use wardgate_proof::{
    access_token::{ACTORS, CREDENTIAL, ON_BEHALF_OF, PARENTS, UNBOUND},
    jose::claims::Claims,
};

/// What a token says.
#[derive(Debug)]
pub(crate) struct Told {
    /// Whether somebody acts in it (`act`).
    pub(crate) acts: bool,
    /// Whether it came of another token: then all of its chain is looked at.
    pub(crate) came_of: bool,
    /// Of ours: the credential that it was got by.
    pub(crate) credential: Option<Box<str>>,
    /// Of ours: for whom it calls.
    pub(crate) on_behalf_of: Option<Box<str>>,
    /// Of ours: whether it came of one that is bound to nobody's key.
    pub(crate) unbound: bool,
    /// When what it was got by was made.
    pub(crate) authenticated: Option<Time>,
}

impl Told {
    pub(super) fn of(claims: &Claims) -> Self {
        let names = |name: &str| claims.all().contains_key(name);
        let acts = names("act");
        Self {
            acts,
            came_of: acts || names(PARENTS) || names(ACTORS),
            credential: claims.text(CREDENTIAL).map(Into::into),
            on_behalf_of: claims.text(ON_BEHALF_OF).map(Into::into),
            unbound: claims.at(UNBOUND).is_some(),
            authenticated: claims.authenticated(),
        }
    }
}
