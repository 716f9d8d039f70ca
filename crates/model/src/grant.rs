//! Grants: who may do what, for which purpose, approved by whom, until when. They compile to permits.

use crate::{
    api::{OperationClass, PathTemplate},
    id::{ApiName, GrantId, IdentityId, OwnerName, PurposeName},
    time::Time,
};
use http::Method;
use std::fmt;

/// To whom a grant is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantTo {
    /// One identity.
    Identity(IdentityId),
    /// Every identity of an owner.
    Owner(OwnerName),
}

/// What a grant covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationSelector {
    /// Every operation of this class.
    Class(OperationClass),
    /// One operation.
    Operation {
        /// Its method.
        method: Method,
        /// Its full path template, the API's prefix included.
        template: PathTemplate,
    },
}

impl OperationSelector {
    /// Reads a class, or a method and a full path template: `read`, `GET /ledger/entries/{id}`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None => OperationClass::parse(text).map(Self::Class),
            Some((method, path)) => {
                let method = method.parse().ok()?;
                PathTemplate::parse(path).ok().map(|template| Self::Operation { method, template })
            }
        }
    }
}

impl fmt::Display for OperationSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => f.write_str(class.as_str()),
            Self::Operation { method, template } => write!(f, "{method} {}", template.as_str()),
        }
    }
}

/// An entitlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// To whom.
    pub to: GrantTo,
    /// On which API.
    pub api: ApiName,
    /// For what. Never empty.
    pub operations: Box<[OperationSelector]>,
    /// For which purpose; a request that declares another is not covered.
    pub purpose: Option<PurposeName>,
    /// Until when (exclusive).
    pub until: Option<Time>,
    /// Who approved it.
    pub approver: Option<Box<str>>,
}
