//! Contracts, waivers, rotations.

use super::value::{Count, DurationText, EnforceText, Label, MomentText, Name, PaceText, PersonText, Prose, QuotaText, RotatedWord, Word};
use crate::yaml::At;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate_model::{
    govern::Exemption,
    id::{ApiName, EnvironmentName, IdentityId, OwnerName},
    inventory::{Criticality, IdentityKind},
};

/// What was agreed with a partner. When it ends, the grants that name it end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Contract")]
pub(crate) struct RawContract {
    /// The partner.
    pub(crate) owner: At<Name<OwnerName>>,
    /// Whom to reach there; one at least.
    pub(crate) contacts: At<Vec<At<Prose>>>,
    /// When it ends (exclusive).
    pub(crate) until: At<MomentText>,
    /// Requests in a calendar window, of all identities of the partner together. On the API, when `apis` names one; on all
    /// that they call otherwise. So are `rate` and `concurrency` meant.
    pub(crate) quota: Option<At<QuotaText>>,
    /// So many in a time.
    pub(crate) rate: Option<At<PaceText>>,
    /// Requests at a time.
    pub(crate) concurrency: Option<At<Count>>,
    /// How often its credentials are replaced.
    pub(crate) rotation: Option<At<DurationText>>,
    /// Longest `expires_in` of a key of the partner's identities.
    pub(crate) key_life_max: Option<At<DurationText>>,
    /// How often revocation is rehearsed.
    pub(crate) drill: Option<At<DurationText>>,
    /// The APIs that grants under it may be for; any unless said.
    pub(crate) apis: Option<At<Vec<At<Name<ApiName>>>>>,
}

/// An exemption with a reason, an approver and an end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Waiver")]
pub(crate) struct RawWaiver {
    /// What is exempted.
    #[serde(rename = "for")]
    pub(crate) waived: At<RawWaived>,
    /// From what.
    pub(crate) exempts: At<Word<Exemption>>,
    /// Why.
    pub(crate) reason: At<Prose>,
    /// Who approved it: an address.
    pub(crate) approver: At<PersonText>,
    /// When it ends (exclusive).
    pub(crate) until: At<MomentText>,
}

/// What a waiver is for: an identity or one of its credentials, an API, or every identity of an owner.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Waived")]
pub(crate) struct RawWaived {
    /// An identity.
    pub(crate) identity: Option<At<Name<IdentityId>>>,
    /// The entry of its `credentials`; all of them unless said. `exempts: expiry` needs it.
    pub(crate) credential: Option<At<Label>>,
    /// An API.
    pub(crate) api: Option<At<Name<ApiName>>>,
    /// Every identity of an owner.
    pub(crate) owner: Option<At<Name<OwnerName>>>,
}

/// How often credentials are replaced. Of several that fit, the one that selects by the most keys holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rotation")]
pub(crate) struct RawRotation {
    /// Which credentials; all unless said.
    pub(crate) select: Option<At<RawRotationSelect>>,
    /// How old one may become.
    pub(crate) every: At<DurationText>,
    /// How long before that its users are warned; 14d unless said.
    pub(crate) warn: Option<At<DurationText>>,
    /// How long after that it is refused; never unless said.
    pub(crate) enforce: Option<At<EnforceText>>,
}

/// Which credentials a rotation is about: those that every key fits.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RotationSelect")]
pub(crate) struct RawRotationSelect {
    /// Credentials of this kind.
    pub(crate) credential: Option<At<Word<RotatedWord>>>,
    /// Of identities of this kind.
    #[serde(rename = "type")]
    pub(crate) kind: Option<At<Word<IdentityKind>>>,
    /// Of identities so critical.
    pub(crate) criticality: Option<At<Word<Criticality>>>,
    /// Of identities of this owner.
    pub(crate) owner: Option<At<Name<OwnerName>>>,
    /// Of identities of this environment.
    pub(crate) environment: Option<At<Name<EnvironmentName>>>,
}
