//! Limits, compiled: which of them count a request is found by a few look-ups and compares, however many there are.

use crate::{
    bucket::Pace,
    key::{NameRef, SourceNet, SubjectRef, name_hash},
    ledger::Allowance,
};
use std::{collections::HashMap, num::NonZeroU64, ops::ControlFlow, sync::Arc, time::Duration};
use wardgate_model::{
    api::{Api, OperationClass},
    facts::{Caller, Facts, Lane},
    id::{ApiName, EnvironmentName, IdentityId, LimitName, OwnerName},
    inventory::{Identity, IdentityKind},
    limit::{Limit, Per, Rate, Select},
};

/// All limits in force, indexed so that a request touches only those that can count it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    pub(crate) rules: Arc<[Rule]>,
    index: Arc<Index>,
}

/// Under the narrowest thing that a limit selects, the places of the limits that select it.
#[derive(Debug, Default)]
struct Index {
    any: Vec<u32>,
    identity: Places,
    owner: Places,
    api: Places,
    template: Places,
    /// The rates that are taken before anything is known of the caller.
    early: Vec<u32>,
}

type Places = HashMap<Box<str>, Vec<u32>, ahash::RandomState>;

/// One limit, ready to be counted with.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: LimitName,
    pub(crate) hash: u64,
    pub(crate) per: Per,
    /// Its rate is taken in room 3: it is per source and selects nothing, so nothing else has to be known.
    pub(crate) early: bool,
    select: Selector,
    pub(crate) parts: Box<[Part]>,
}

/// What one meter of a limit counts.
#[derive(Debug)]
pub(crate) enum Part {
    Flow { rate: Option<Paced>, concurrency: Option<Crowd> },
    Quota(Allowed),
    Bytes(Allowed),
}

/// A rate and what clients call it.
#[derive(Debug)]
pub(crate) struct Paced {
    pub(crate) pace: Pace,
    pub(crate) rate: Rate,
    pub(crate) policy: Arc<str>,
}

/// A number of places and what clients call it.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) most: u32,
    pub(crate) policy: Arc<str>,
}

/// An allowance and what clients call it.
#[derive(Debug)]
pub(crate) struct Allowed {
    pub(crate) allowance: Allowance,
    pub(crate) policy: Arc<str>,
}

#[derive(Debug)]
struct Selector {
    kind: Option<IdentityKind>,
    identity: Option<IdentityId>,
    owner: Option<OwnerName>,
    environment: Option<EnvironmentName>,
    api: Option<ApiName>,
    class: Option<OperationClass>,
    /// Method and template.
    operation: Option<(Box<str>, Box<str>)>,
    lane: Option<Lane>,
    /// Two lanes were asked for: no request is in both.
    never: bool,
    /// Nothing was asked for: every request fits.
    all: bool,
}

/// What of a request decides which limits count it, and under whose name.
pub(crate) struct Asked<'a> {
    facts: &'a Facts,
    /// The proven caller; `None` when there is none, or only a session.
    caller: Option<&'a Caller>,
    lane: Lane,
    /// On whose behalf it comes.
    person: Option<NameRef<'a>>,
    source: SourceNet,
}

impl Limits {
    /// Compiles limits. Of two with one name the later stands, so that an operator's limit replaces a shipped one.
    #[must_use]
    pub fn compile(limits: &[Arc<Limit>]) -> Self {
        let mut last: HashMap<&LimitName, usize, ahash::RandomState> = HashMap::default();
        for (at, limit) in limits.iter().enumerate() {
            last.insert(&limit.name, at);
        }
        let standing = limits.iter().enumerate().filter(|(at, limit)| last.get(&limit.name) == Some(at));
        let rules: Arc<[Rule]> = standing.map(|(_, limit)| Rule::compile(limit)).collect();
        let mut index = Index::default();
        for (at, rule) in rules.iter().enumerate() {
            index.add(u32::try_from(at).unwrap_or(u32::MAX), rule);
        }
        Self { rules, index: Arc::new(index) }
    }

    /// The limits that are in force unless replaced by name: `default:identity` for every identity (who proves nothing: every
    /// source), `default:api` for every API, `default:source` for every source, `default:anonymous` and `default:people` for what
    /// one source sends without a proof, `default:person` for every person and session, `default:tasks` for what every identity does with
    /// its tasks, which others on the same store hear of. They are there to keep one runaway caller from taking all, not to fit a
    /// contract. Whom an API is there for changes nothing of them.
    #[must_use]
    pub fn shipped() -> Vec<Limit> {
        let limit = |name: &'static str, per: Per, lane: Option<Lane>, (per_second, burst): (u64, u64), concurrency: Option<u32>| Limit {
            name: LimitName::literal(name),
            select: Select { lane, ..Select::default() },
            per,
            rate: Some(Rate {
                count: NonZeroU64::new(per_second).unwrap_or(NonZeroU64::MIN),
                period: Duration::from_secs(1),
                burst: NonZeroU64::new(burst).unwrap_or(NonZeroU64::MIN),
            }),
            quota: None,
            concurrency,
            bytes: None,
        };
        vec![
            limit("default:identity", Per::Identity, None, (500, 1_000), Some(256)),
            limit("default:api", Per::Api, None, (10_000, 20_000), Some(4_096)),
            limit("default:source", Per::Source, None, (2_000, 4_000), None),
            limit("default:anonymous", Per::Source, Some(Lane::Anonymous), (100, 200), Some(64)),
            limit("default:people", Per::Source, Some(Lane::People), (200, 400), Some(128)),
            limit("default:person", Per::Person, None, (50, 100), Some(32)),
            Limit {
                select: Select { api: Some(ApiName::literal(Api::TASKS)), ..Select::default() },
                ..limit("default:tasks", Per::Identity, None, (100, 200), Some(32))
            },
        ]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Shows every limit that counts the request, in an order that depends on limits and request alone.
    pub(crate) fn each_matching<'s, B>(
        &'s self,
        asked: &Asked<'_>,
        mut each: impl FnMut(u32, &'s Rule) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let index = &*self.index;
        let identity = asked.caller.map(|caller| &*caller.identity);
        let operation = asked.facts.operation.as_deref();
        let lists = [
            Some(&index.any),
            find(&index.api, asked.facts.api.as_ref().map(|api| api.name.as_str())),
            find(&index.template, operation.map(|operation| operation.template.as_str())),
            find(&index.owner, identity.map(|identity| identity.owner.as_str())),
            find(&index.identity, identity.map(|identity| identity.id.as_str())),
        ];
        for list in lists.into_iter().flatten() {
            for place in list {
                if let Some(rule) = usize::try_from(*place).ok().and_then(|place| self.rules.get(place))
                    && rule.select.fits(asked)
                    && (rule.per != Per::Person || asked.person.is_some())
                {
                    each(*place, rule)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The limits whose rate is taken before anything is known of the caller.
    pub(crate) fn early(&self) -> impl Iterator<Item = &Rule> {
        self.index.early.iter().filter_map(|place| usize::try_from(*place).ok().and_then(|place| self.rules.get(place)))
    }
}

fn find<'i>(places: &'i Places, name: Option<&str>) -> Option<&'i Vec<u32>> {
    if places.is_empty() { None } else { places.get(name?) }
}

impl Index {
    fn add(&mut self, at: u32, rule: &Rule) {
        let select = &rule.select;
        if rule.early {
            self.early.push(at);
        }
        let list = if let Some(identity) = &select.identity {
            self.identity.entry(identity.as_str().into()).or_default()
        } else if let Some((_, template)) = &select.operation {
            self.template.entry(template.clone()).or_default()
        } else if let Some(owner) = &select.owner {
            self.owner.entry(owner.as_str().into()).or_default()
        } else if let Some(api) = &select.api {
            self.api.entry(api.as_str().into()).or_default()
        } else {
            &mut self.any
        };
        list.push(at);
    }
}

impl Rule {
    fn compile(limit: &Limit) -> Self {
        let name = |what: &str| -> Arc<str> { format!("{}.{what}", limit.name).into() };
        let mut parts = Vec::with_capacity(3);
        if limit.rate.is_some() || limit.concurrency.is_some() {
            let rate = limit.rate.map(|rate| Paced { pace: Pace::new(&rate), rate, policy: limit.name.as_str().into() });
            parts.push(Part::Flow { rate, concurrency: limit.concurrency.map(|most| Crowd { most, policy: name("concurrency") }) });
        }
        if let Some(quota) = &limit.quota {
            parts.push(Part::Quota(Allowed { allowance: Allowance::requests(quota), policy: name("quota") }));
        }
        if let Some(bytes) = &limit.bytes {
            parts.push(Part::Bytes(Allowed { allowance: Allowance::bytes(bytes), policy: name("bytes") }));
        }
        Self {
            name: limit.name.clone(),
            hash: name_hash(&limit.name),
            per: limit.per,
            early: limit.per == Per::Source && limit.rate.is_some() && limit.select == Select::default(),
            select: Selector::of(&limit.select),
            parts: parts.into(),
        }
    }
}

impl Selector {
    fn of(select: &Select) -> Self {
        // INVARIANT (never wider): a text that is no `METHOD /template` fits no operation, rather than all.
        let operation = select.operation.as_deref().map(|text| text.split_once(' ').unwrap_or((text, "")));
        // A lane is spelt in three ways: by its name, by the identity that stands for it, by `anonymous`.
        let identity = match select.identity.as_ref().map(|identity| identity.as_str()) {
            Some(Identity::ANONYMOUS) => Some(Lane::Anonymous),
            Some(Identity::PEOPLE) => Some(Lane::People),
            _ => None,
        };
        let anonymous = select.anonymous.map(|anonymous| if anonymous { Lane::Anonymous } else { Lane::Machine });
        let lane = select.lane.or(identity).or(anonymous);
        Self {
            kind: select.kind,
            identity: select.identity.clone().filter(|_| identity.is_none()),
            owner: select.owner.clone(),
            environment: select.environment.clone(),
            api: select.api.clone(),
            class: select.class,
            operation: operation.map(|(method, template)| (method.into(), template.into())),
            lane,
            // INVARIANT (never wider): of two different lanes neither is meant.
            never: [select.lane, identity, anonymous].into_iter().flatten().any(|other| Some(other) != lane),
            all: *select == Select::default(),
        }
    }

    fn fits(&self, asked: &Asked<'_>) -> bool {
        self.all || self.fits_each(asked)
    }

    fn fits_each(&self, asked: &Asked<'_>) -> bool {
        let identity = asked.caller.map(|caller| &*caller.identity);
        let operation = asked.facts.operation.as_deref();
        !self.never
            && fits(&self.lane, |lane| asked.lane == *lane)
            && fits(&self.kind, |kind| identity.is_some_and(|identity| identity.kind == *kind))
            && fits(&self.identity, |name| identity.is_some_and(|identity| identity.id == *name))
            && fits(&self.owner, |name| identity.is_some_and(|identity| identity.owner == *name))
            && fits(&self.environment, |name| identity.is_some_and(|identity| identity.environment.name == *name))
            && fits(&self.api, |name| asked.facts.api.as_ref().is_some_and(|api| api.name == *name))
            && fits(&self.class, |class| operation.is_some_and(|operation| operation.class == *class))
            && fits(&self.operation, |(method, template)| {
                operation.is_some_and(|operation| operation.method.as_str() == &**method && operation.template.as_str() == &**template)
            })
    }
}

fn fits<T>(wanted: &Option<T>, test: impl FnOnce(&T) -> bool) -> bool {
    wanted.as_ref().is_none_or(test)
}

impl<'a> Asked<'a> {
    /// INVARIANT (nobody spends another's quota): a caller whose proof failed ([`Facts::stopped`]) is counted as nobody.
    pub(crate) fn of(facts: &'a Facts) -> Self {
        let caller = facts.caller.as_ref().filter(|_| facts.stopped.is_none());
        let (lane, source) = (caller.map_or(Lane::Anonymous, Caller::lane), SourceNet::of(facts.source.address));
        let person = caller.and_then(|caller| {
            let person = caller.on_behalf_of.as_deref()?;
            match lane {
                Lane::Machine => Some(NameRef::Person { client: caller.identity.id.as_str(), person }),
                Lane::People => Some(NameRef::Session { session: person, source: Some(source) }),
                Lane::Anonymous => None,
            }
        });
        Self { facts, caller: caller.filter(|_| lane == Lane::Machine), lane, person, source }
    }

    /// Whose meter counts it. Who proves nothing is counted per source where identities, credentials or owners have a meter each.
    pub(crate) fn subject(&self, per: Per) -> SubjectRef<'_> {
        let api = || self.facts.api.as_ref().map_or("", |api| api.name.as_str());
        let name = match (per, self.caller) {
            (Per::Source, _) | (Per::Identity | Per::Credential | Per::Owner, None) => NameRef::Net(self.source),
            (Per::Identity, Some(caller)) => NameRef::Text(caller.identity.id.as_str()),
            (Per::Owner, Some(caller)) => NameRef::Text(caller.identity.owner.as_str()),
            (Per::Credential, Some(caller)) => {
                NameRef::Text(caller.credential.as_ref().map_or(caller.identity.id.as_str(), |credential| credential.id.as_str()))
            }
            // INVARIANT (nobody spends another's quota): of one person, what one client asks for is not counted for another.
            (Per::Person, _) => self.person.unwrap_or(NameRef::Net(self.source)),
            (Per::Api, _) => NameRef::Text(api()),
            (Per::Operation, _) => NameRef::Text(self.facts.operation.as_ref().map_or_else(api, |operation| operation.id.as_str())),
        };
        SubjectRef { per, name }
    }
}

#[cfg(test)]
mod tests;
