//! What was typed: the keys of every kind as CONTRACT "Files" names them, values already parsed, nothing yet resolved.
//!
//! The structs are the one list of keys: the reader takes its known keys and the JSON Schemas from them.

mod agreed;
mod api;
mod governed;
mod later;
mod people;
mod risk;
mod trust;
mod value;

pub(crate) use agreed::{RawContract, RawRotation, RawRotationSelect, RawWaived, RawWaiver};
pub(crate) use api::{RawApi, RawConcurrency, RawHealth, RawLogin, RawOperation, RawSecret, RawTimeouts, RawUpstream, WordOrSecret};
pub(crate) use governed::{
    RawCredential, RawEnvironment, RawFlow, RawGrant, RawIdentity, RawLimit, RawOwner, RawPolicy, RawPurpose, RawSelect, RawZone,
};
pub(crate) use later::RawLater;
pub(crate) use people::RawPeople;
pub(crate) use risk::{RawContainment, Threshold};
pub(crate) use trust::RawTrustSource;
#[cfg(test)]
pub(crate) use value::examples;
pub(crate) use value::{CredentialWord, DurationText, FileText, MatchText, Name, POLICY_BYTES_MAX, Prose, SelectorText, TrustKind, Word};

use crate::yaml::{Faults, Node};
use wardgate_model::resource::Kind;

/// The spec of a document, as typed.
#[derive(Debug)]
pub(crate) enum Raw {
    Owner(RawOwner),
    Environment(RawEnvironment),
    Identity(Box<RawIdentity>),
    Api(Box<RawApi>),
    Grant(Box<RawGrant>),
    Limit(Box<RawLimit>),
    Zone(RawZone),
    Flow(Box<RawFlow>),
    Purpose(RawPurpose),
    Policy(RawPolicy),
    Contract(Box<RawContract>),
    Waiver(Box<RawWaiver>),
    Rotation(Box<RawRotation>),
    TrustSource(Box<RawTrustSource>),
    /// A kind that is only parsed.
    Later,
}

impl Raw {
    /// Types the spec of a document, noting every fault; `None` when it is no mapping.
    pub(crate) fn read(kind: Kind, node: &Node, faults: &Faults) -> Option<Self> {
        match kind {
            Kind::Owner => faults.decode(node, "").map(Self::Owner),
            Kind::Environment => faults.decode(node, "").map(Self::Environment),
            Kind::Identity => faults.decode(node, "").map(Self::Identity),
            Kind::Api => faults.decode(node, "").map(Self::Api),
            Kind::Grant => faults.decode(node, "").map(Self::Grant),
            Kind::Limit => faults.decode(node, "").map(Self::Limit),
            Kind::Zone => faults.decode(node, "").map(Self::Zone),
            Kind::Purpose => faults.decode(node, "").map(Self::Purpose),
            Kind::Policy => faults.decode(node, "").map(Self::Policy),
            Kind::TrustSource => faults.decode(node, "").map(Self::TrustSource),
            Kind::Contract => faults.decode(node, "").map(Self::Contract),
            Kind::Waiver => faults.decode(node, "").map(Self::Waiver),
            Kind::Rotation => faults.decode(node, "").map(Self::Rotation),
            Kind::Flow => faults.decode(node, "").map(Self::Flow),
            Kind::Webhook => faults.decode(node, "").map(|_: RawLater| Self::Later),
        }
    }
}
