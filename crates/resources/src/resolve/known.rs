//! What the documents name: what every step of resolving can look at.

use super::{Beside, Files};
use crate::{
    document::Document,
    nearest::nearest,
    raw::{Name, RawIdentity},
    yaml::{At, Faults, Spot, shortened},
};
use std::{cell::RefCell, collections::HashMap, sync::Arc, time::Duration};
use wardgate_model::{
    api::Api,
    diagnostic::{Diagnostic, Place},
    govern::Contract,
    id::{ContractName, EnvironmentName, OwnerName},
    inventory::{Environment, Owner},
    resource::Kind,
    time::Time,
    trust::TrustSource,
};

/// Whether an identity is declared now or was taken long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has to fit all that it names.
    Declared,
    /// It did fit. What was changed since may hold new credentials back, but does not take the identity away.
    Recorded,
}

impl Standing {
    /// Notes what does not fit any more: an error in what is declared.
    pub(super) fn note(self, spot: Spot, code: &'static str, what: String, mend: String, faults: &Faults) {
        match self {
            Self::Declared => faults.error(spot, code, what, mend),
            Self::Recorded => faults.warning(spot, code, what, mend),
        }
    }
}

/// What an identity stands on. It is asked of all documents together, or of an inventory for one identity.
pub(super) trait Grounds {
    /// Whether it is declared now.
    fn standing(&self) -> Standing;
    /// The owner that is referred to, under the name that everybody shares; notes an error when there is none.
    fn owner(&self, at: &At<Name<OwnerName>>, key: &str, faults: &Faults) -> Option<OwnerName>;
    /// The environment that is referred to; notes an error when there is none.
    fn environment(&self, at: &At<Name<EnvironmentName>>, key: &str, faults: &Faults) -> Option<Arc<Environment>>;
    /// What is known of an owner.
    fn described(&self, owner: &OwnerName) -> Option<&Owner>;
    /// When the waiver ends by which this entry needs no end; the latest of several.
    fn waived_until(&self, identity: &str, credential: &str) -> Option<Time>;
    /// The trust source that is referred to; notes an error when there is none.
    fn trust(&self, name: &str, spot: Spot, key: &str, faults: &Faults) -> Option<&TrustSource>;
    /// Notes it when there is no such API.
    fn api(&self, name: &str, spot: Spot, key: &str, faults: &Faults);
    /// The contract of this owner with the shortest `key_life_max`.
    fn key_life_max(&self, owner: &OwnerName) -> Option<(ContractName, Duration)>;
}

/// What every step can look at.
pub(super) struct Known<'a> {
    /// Every document by kind and name, also those that are wrong: a reference to one is not wrong too.
    pub(super) names: HashMap<Kind, HashMap<&'a str, &'a Document>>,
    pub(super) owners: HashMap<&'a str, Owner>,
    pub(super) environments: HashMap<&'a str, Arc<Environment>>,
    pub(super) apis: HashMap<&'a str, Arc<Api>>,
    pub(super) contracts: HashMap<&'a str, Arc<Contract>>,
    pub(super) trust: HashMap<&'a str, Arc<TrustSource>>,
    /// The contract of an owner with the shortest life of keys.
    pub(super) key_lives: HashMap<OwnerName, (ContractName, Duration)>,
    /// Ends of waivers of `expiry`, by identity and entry.
    pub(super) waived: HashMap<(Box<str>, Box<str>), Time>,
    /// What is known of each identity among the documents.
    pub(super) identities: HashMap<&'a str, KnownIdentity>,
    pub(super) files: &'a dyn Files,
    pub(super) beside: &'a dyn Beside,
    /// How often each name that leads nowhere was met.
    missing: RefCell<HashMap<(Kind, Box<str>), Missing>>,
}

/// What others have to know of an identity.
pub(super) struct KnownIdentity {
    /// Its owner, unless that is wrong.
    pub(super) owner: Option<OwnerName>,
    /// Its entries, and whether each says when it ends.
    pub(super) entries: Vec<(Box<str>, bool)>,
}

impl KnownIdentity {
    pub(super) fn of(raw: &RawIdentity) -> Self {
        let entries = super::items(raw.credentials.as_ref());
        let entries = entries.filter_map(|(entry, _)| Some((entry.name.value.as_ref()?.0.clone(), entry.expires_in.is_some())));
        Self { owner: raw.owner.value.as_ref().map(|name| name.0.clone()), entries: entries.collect() }
    }
}

/// References to a name that is not there.
struct Missing {
    count: usize,
    /// Where the first stands that was not noted.
    first: Option<Place>,
}

/// More names than this are not searched for a near one.
pub(super) const SEARCHED_MAX: usize = 2_000;
/// References to one missing name that are noted one by one.
const NOTED_MAX: usize = 10;

impl<'a> Known<'a> {
    pub(super) fn new(files: &'a dyn Files, beside: &'a dyn Beside) -> Self {
        Self {
            names: HashMap::new(),
            owners: HashMap::new(),
            environments: HashMap::new(),
            apis: HashMap::new(),
            contracts: HashMap::new(),
            trust: HashMap::new(),
            key_lives: HashMap::new(),
            waived: HashMap::new(),
            identities: HashMap::new(),
            files,
            beside,
            missing: RefCell::default(),
        }
    }

    /// Whether there is such a resource; notes an error when there is none.
    pub(super) fn exists(&self, kind: Kind, name: &str, spot: Spot, key: &str, faults: &Faults) -> bool {
        let names = self.names.get(&kind);
        if names.is_some_and(|names| names.contains_key(name)) || (kind == Kind::Identity && self.beside.identity(name).is_some()) {
            return true;
        }
        let mut missing = self.missing.borrow_mut();
        let missing = missing.entry((kind, name.into())).or_insert(Missing { count: 0, first: None });
        missing.count += 1;
        if missing.count > NOTED_MAX {
            missing.first.get_or_insert_with(|| faults.place(spot));
            return false;
        }
        let near = names.filter(|names| names.len() <= SEARCHED_MAX).and_then(|names| {
            let mut sorted: Vec<&str> = names.keys().copied().collect();
            sorted.sort_unstable();
            nearest(name, sorted)
        });
        nowhere(kind, name, near, spot, key, faults);
        false
    }

    /// References to missing names that were counted but not noted one by one.
    pub(super) fn unnoted(&self) -> impl Iterator<Item = Diagnostic> {
        let missing = self.missing.take();
        missing.into_iter().filter_map(|((kind, name), missing)| {
            let more = missing.count.checked_sub(NOTED_MAX)?;
            let what = format!("{more} more documents, this one first, name the {kind} `{}`, which is not there", shortened(&name));
            Some(Diagnostic::error(missing.first?, "reference.unknown", what).mend(write_it(kind, &name)))
        })
    }
}

/// Notes that a reference leads nowhere.
pub(super) fn nowhere(kind: Kind, name: &str, near: Option<&str>, spot: Spot, key: &str, faults: &Faults) {
    let mend = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => write_it(kind, name),
    };
    faults.error(spot, "reference.unknown", format_args!("`{key}`: there is no {kind} `{}`", shortened(name)), mend);
}

fn write_it(kind: Kind, name: &str) -> String {
    format!("write a document `kind: {kind}`, `name: {}`", shortened(name))
}

impl Grounds for Known<'_> {
    fn standing(&self) -> Standing {
        Standing::Declared
    }

    fn owner(&self, at: &At<Name<OwnerName>>, key: &str, faults: &Faults) -> Option<OwnerName> {
        let name = &at.value.as_ref()?.0;
        if let Some(owner) = self.owners.get(name.as_str()) {
            return Some(owner.name.clone());
        }
        self.exists(Kind::Owner, name.as_str(), at.spot, key, faults).then(|| name.clone())
    }

    fn environment(&self, at: &At<Name<EnvironmentName>>, key: &str, faults: &Faults) -> Option<Arc<Environment>> {
        let name = &at.value.as_ref()?.0;
        if let Some(environment) = self.environments.get(name.as_str()) {
            return Some(Arc::clone(environment));
        }
        self.exists(Kind::Environment, name.as_str(), at.spot, key, faults);
        None
    }

    fn described(&self, owner: &OwnerName) -> Option<&Owner> {
        self.owners.get(owner.as_str())
    }

    fn waived_until(&self, identity: &str, credential: &str) -> Option<Time> {
        if self.waived.is_empty() {
            return None;
        }
        self.waived.get(&(Box::from(identity), Box::from(credential))).copied()
    }

    fn trust(&self, name: &str, spot: Spot, key: &str, faults: &Faults) -> Option<&TrustSource> {
        let found = self.trust.get(name).map(|source| &**source);
        // One that is there but wrong has been noted already.
        if found.is_none() {
            self.exists(Kind::TrustSource, name, spot, key, faults);
        }
        found
    }

    fn api(&self, name: &str, spot: Spot, key: &str, faults: &Faults) {
        self.exists(Kind::Api, name, spot, key, faults);
    }

    fn key_life_max(&self, owner: &OwnerName) -> Option<(ContractName, Duration)> {
        self.key_lives.get(owner).cloned()
    }
}

/// The owner of an identity, among the documents or beside them.
pub(super) fn owner_of(identity: &str, known: &Known<'_>) -> Option<OwnerName> {
    match known.identities.get(identity) {
        Some(identity) => identity.owner.clone(),
        None => known.beside.identity(identity).map(|identity| identity.owner),
    }
}
