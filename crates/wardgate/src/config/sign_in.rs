//! Whether people sign in to the management API at an issuer, and what they may do there.

use super::KeySource;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use wardgate_model::{
    id::{EnvironmentName, OwnerName},
    inventory::Role,
};

/// The issuer, and what its groups mean here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The issuer's identifier.
    pub issuer: Box<str>,
    /// Who we are there.
    pub client_id: Box<str>,
    /// Our secret there; without one PKCE alone binds a code to us.
    pub client_secret: Option<KeySource>,
    /// What browsers call the admin listener: no path, no slash at its end; `None`: `http://` and its address, as bound.
    pub url: Option<String>,
    /// What is asked for beside `openid`.
    pub scopes: Box<[Box<str>]>,
    /// The claim that says to which groups somebody belongs.
    pub groups_claim: Box<str>,
    /// What the members of a group may do in Wardgate. Nothing else gives anybody a role.
    pub roles: BTreeMap<Box<str>, Box<[Role]>>,
    /// For which owner the members of a group act.
    pub owners: BTreeMap<Box<str>, OwnerName>,
    /// For which owner everybody else acts; `None`: they are not let in.
    pub owner: Option<OwnerName>,
    /// Where their identities live.
    pub environment: EnvironmentName,
    /// How long a session lasts at the most.
    pub session: Duration,
    /// Networks of our own in which the issuer may be reached.
    pub networks: Box<[ipnet::IpNet]>,
    /// Roots that the issuer's server is verified with, PEM; `None`: those of the system.
    pub roots: Option<PathBuf>,
}
