//! What is announced, told to the watch: by somebody who says so, or by a change of a spec.

use super::Control;
use crate::clock;
use std::time::Duration;
use wardgate_abuse::watch::Announced;
use wardgate_model::{
    id::{ApiName, IdentityId},
    resource::Kind,
};
use wardgate_store::{Act, StoreFault, Subject, Touched};

/// For how long what a change of a spec brings is not unusual.
pub(super) const ANNOUNCED_FOR: Duration = Duration::from_hours(24);
/// Changed specs that are told to the watch at a time: an import is nothing that callers would do otherwise for.
pub(super) const ANNOUNCED_MAX: usize = 1_000;

fn named(kind: Kind, name: &str) -> Option<Announced> {
    match kind {
        Kind::Api => ApiName::parse(name).ok().map(Announced::Api),
        Kind::Identity => IdentityId::parse(name).ok().map(Announced::Identity),
        _ => None,
    }
}

/// What a change of a spec has to say to the watch: an API has new operations, an identity another owner or place.
pub(super) fn by_change(touched: &Touched) -> Option<Announced> {
    match (touched.subject, touched.act) {
        (Subject::Resource(kind), Act::Create | Act::Update) => named(kind, &touched.name),
        _ => None,
    }
}

impl Control {
    /// Tells the watch what is announced and counts now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn announce(&self) -> Result<(), StoreFault> {
        for one in self.store.announcements(clock::now()).await? {
            if let Some(what) = named(one.kind, &one.name) {
                self.gate.meters().watch().announce(&what, one.until);
            }
        }
        Ok(())
    }
}
