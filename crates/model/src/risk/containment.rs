//! What is said of an identity in particular: which operations stay alive whatever its risk, who is told, and steps of its own.

use super::Plan;
use crate::{
    api::{Api, Operation, PathTemplate, Segment},
    grant::OperationSelector,
    inventory::words,
};

/// From which risk on an identity is quarantined where it is only said that it is.
pub const QUARANTINE: u8 = 95;

words! {
    /// Who is told of what happens to an identity.
    Told {
        /// The accountable person of its owner.
        Owner = "owner",
        /// Who stands in.
        Deputy = "deputy",
        /// Where its owner is reached.
        Contact = "contact",
    }
}

/// The steps of a plan as they are written: what is not said is as it would be otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steps {
    /// From this risk on a request waits.
    pub slow: Option<u8>,
    /// From this risk on its caller has to show possession of its key.
    pub challenge: Option<u8>,
    /// From this risk on it is refused.
    pub block: Option<u8>,
    /// From which risk on its identity is quarantined; `Some(None)`: never.
    pub quarantine: Option<Option<u8>>,
    /// Whether it is only recorded what would have been done.
    pub observe: Option<bool>,
}

/// The containment plan of an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Containment {
    /// Steps of its own, which come before those of the API that is called.
    pub steps: Steps,
    /// Who is told; its owner where nobody is named.
    pub tell: Box<[Told]>,
    /// What is never slowed, challenged or refused for its risk. Templates are relative to the prefix of the API.
    pub keep: Box<[OperationSelector]>,
}

impl Containment {
    /// Whether an operation stays alive whatever the risk.
    #[must_use]
    pub fn keeps(&self, api: &Api, operation: &Operation) -> bool {
        self.keep.iter().any(|kept| match kept {
            OperationSelector::Class(class) => *class == operation.class,
            OperationSelector::Operation { method, template } => {
                *method == operation.method && is_under(&api.path_prefix, template, &operation.template)
            }
        })
    }

    /// Who is told.
    #[must_use]
    pub fn told(&self) -> &[Told] {
        if self.tell.is_empty() { &[Told::Owner] } else { &self.tell }
    }
}

/// Whether a full template is this relative one under a prefix. Names of parameters make no difference.
fn is_under(prefix: &str, relative: &PathTemplate, full: &PathTemplate) -> bool {
    let steps = prefix.split('/').skip(1).filter(|step| !step.is_empty());
    let mut rest = full.segments().iter();
    for step in steps {
        match rest.next() {
            Some(Segment::Literal(text)) if **text == *step => {}
            Some(_) | None => return false,
        }
    }
    let same = |one: &Segment, other: &Segment| match (one, other) {
        (Segment::Literal(one), Segment::Literal(other)) => one == other,
        (Segment::Parameter(_), Segment::Parameter(_)) => true,
        (Segment::Mixed { prefix, suffix, .. }, Segment::Mixed { prefix: before, suffix: after, .. }) => {
            prefix == before && suffix == after
        }
        (Segment::Several { texts, .. }, Segment::Several { texts: others, .. }) => texts == others,
        _ => false,
    };
    rest.len() == relative.segments().len() && rest.zip(relative.segments()).all(|(one, other)| same(one, other))
}

impl Plan {
    /// The same with steps that are said in particular. What is not said makes way: no step comes after a stricter one.
    #[must_use]
    pub fn with(self, said: &Steps) -> Self {
        let (mut slow, mut challenge, mut block) = (self.slow, self.challenge, self.block);
        if let Some(said) = said.slow {
            (slow, challenge, block) = (said, challenge.max(said), block.max(said));
        }
        if let Some(said) = said.challenge {
            (slow, challenge, block) = (slow.min(said), said, block.max(said));
        }
        if let Some(said) = said.block {
            (slow, challenge, block) = (slow.min(said), challenge.min(said), said);
        }
        let quarantine = said.quarantine.unwrap_or(self.quarantine).map(|from| from.max(block));
        Self { slow, challenge, block, quarantine, observe: said.observe.unwrap_or(self.observe) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Containment, Plan, Steps};
    use crate::{
        api::Doors,
        api::{Api, HostPattern, Operation, OperationClass, PathTemplate, Sensitivity},
        grant::OperationSelector,
        id::ApiName,
    };

    fn steps(slow: Option<u8>, challenge: Option<u8>, block: Option<u8>) -> Steps {
        Steps { slow, challenge, block, ..Steps::default() }
    }

    #[test]
    fn what_is_not_said_makes_way() {
        let plan = Plan::of(Sensitivity::High);
        let of = |said: Steps| {
            let plan = plan.with(&said);
            (plan.slow, plan.challenge, plan.block)
        };
        assert_eq!(of(Steps::default()), (45, 60, 80));
        assert_eq!(of(steps(Some(70), None, None)), (70, 70, 80));
        assert_eq!(of(steps(None, None, Some(30))), (30, 30, 30));
        assert_eq!(of(steps(None, Some(90), None)), (45, 90, 90));
        assert_eq!(of(steps(Some(90), None, Some(95))), (90, 90, 95));
        assert_eq!(of(steps(Some(10), Some(20), Some(30))), (10, 20, 30));
    }

    #[test]
    fn quarantine_comes_after_all_else() {
        let plan = Plan::of(Sensitivity::High);
        assert_eq!(plan.quarantine, None, "nothing is quarantined that nobody opted in");
        let said = |from| Steps { quarantine: Some(from), ..Steps::default() };
        assert_eq!(plan.with(&said(Some(90))).quarantine, Some(90));
        assert_eq!(plan.with(&said(Some(20))).quarantine, Some(80), "whatever is quarantined is refused, too");
        assert_eq!(plan.with(&said(Some(90))).with(&said(None)).quarantine, None);
    }

    #[test]
    fn what_stays_alive_is_named_by_class_or_relative_to_its_api() {
        let name = ApiName::literal("ledger");
        let operation = |text: &str, class| {
            let (method, path) = text.split_once(' ').unwrap();
            Operation::ours(&name, method.parse().unwrap(), PathTemplate::parse(path).unwrap(), class)
        };
        let api = Api::ours(name.clone(), (Doors::Public, HostPattern::Any), "/ledger/v1", &[], []);
        let plan = Containment {
            keep: ["GET /health", "GET /entries/{entry}", "GET /", "list"].map(|text| OperationSelector::parse(text).unwrap()).into(),
            ..Containment::default()
        };
        let kept = |text, class| plan.keeps(&api, &operation(text, class));
        assert!(kept("GET /ledger/v1/health", OperationClass::Read));
        assert!(kept("GET /ledger/v1/entries/{id}", OperationClass::Read));
        assert!(kept("GET /ledger/v1", OperationClass::Read));
        assert!(kept("GET /anything", OperationClass::List));
        assert!(!kept("GET /health", OperationClass::Read), "it is of another API");
        assert!(!kept("POST /ledger/v1/health", OperationClass::Write));
        assert!(!kept("GET /ledger/v1/entries/all", OperationClass::Read));
        assert!(!kept("GET /ledger/v1/entries/{id}/lines", OperationClass::Read));
    }
}
