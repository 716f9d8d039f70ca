//! Tasks: a stated purpose, what is needed for it, how long, and how much of it (IS3). Tokens of a task end with it.

use crate::{
    api::Operation,
    grant::OperationSelector,
    id::{ApiName, IdentityId, PurposeName, TaskId},
    inventory::words,
    time::{SKEW, Time},
};
use std::time::Duration;

words! {
    /// What became of a task.
    TaskState {
        /// It is under way.
        Open = "open",
        /// It came to its end.
        Completed = "completed",
        /// It did not.
        Failed = "failed",
        /// Its time was over, or nothing was heard of it for longer than its lease.
        Lapsed = "lapsed",
    }
}

/// How much a task may use in all; `None`: as much as limits let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// Calls.
    pub calls: Option<u64>,
    /// Bytes of bodies, in and out.
    pub bytes: Option<u64>,
    /// Records in answers, where they are counted.
    pub records: Option<u64>,
}

impl Budget {
    /// Whether nothing is counted.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.calls.is_none() && self.bytes.is_none() && self.records.is_none()
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Whose it is.
    pub identity: IdentityId,
    /// What for.
    pub purpose: PurposeName,
    /// On which API.
    pub api: ApiName,
    /// Which operations of it. Never empty.
    pub operations: Box<[OperationSelector]>,
    /// On which resources, as paths name them; one that ends in `*` stands for all that begin so. Empty: any.
    pub resources: Box<[Box<str>]>,
    /// How much.
    pub budget: Budget,
    /// When it is over, come what may.
    pub ends: Time,
    /// For how long nothing need be heard of it; `None`: until it ends.
    pub lease: Option<Duration>,
    /// When something was last heard of it.
    pub beat: Time,
    /// What became of it.
    pub state: TaskState,
}

impl Task {
    /// When it is over if nothing more is heard of it.
    #[must_use]
    pub fn lapses(&self) -> Time {
        self.lease.map_or(self.ends, |lease| self.ends.min(self.beat + lease))
    }

    /// From when on every gate takes it for over, if nothing more is heard of it: whoever noted when something was heard of it may have
    /// another clock, and a gate that is ahead is not to end what is honest.
    #[must_use]
    pub fn is_over_from(&self) -> Time {
        self.lapses() + SKEW
    }

    /// Whether it is under way at `now`. The one place that says so: for new calls, for open ones, for the record.
    #[must_use]
    pub fn is_open(&self, now: Time) -> bool {
        self.state == TaskState::Open && now < self.is_over_from()
    }
}

/// Whether operations that somebody named cover this one.
#[must_use]
pub fn covers(selected: &[OperationSelector], operation: &Operation) -> bool {
    selected.iter().any(|selector| match selector {
        OperationSelector::Class(class) => *class == operation.class,
        OperationSelector::Operation { method, template } => *method == operation.method && *template == operation.template,
    })
}

/// Whether resources that somebody named hold this one. Where some are named, what has none is not among them.
#[must_use]
pub fn holds<T: AsRef<str>>(named: &[T], resource: Option<&str>) -> bool {
    named.is_empty() || resource.is_some_and(|resource| named.iter().any(|pattern| fits(pattern.as_ref(), resource)))
}

fn fits(pattern: &str, resource: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == resource, |begin| resource.starts_with(begin))
}

/// Whether everything that `narrow` names is named by `wide` too.
#[must_use]
pub fn is_narrower<T: AsRef<str>, U: AsRef<str>>(narrow: &[T], wide: &[U]) -> bool {
    let within = |one: &str| wide.iter().any(|other| fits(other.as_ref(), one));
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|one| within(one.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::{Budget, Task, TaskState, holds, is_narrower};
    use crate::{
        id::{ApiName, IdentityId, PurposeName, TaskId},
        time::{SKEW, Time},
    };
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_ahead_ends_no_honest_task() {
        const NOW: Time = Time::from_seconds(1_800_000_000);
        let (minute, hour) = (Duration::from_secs(60), Duration::from_hours(1));
        let mut task = Task {
            id: TaskId::literal("t-1"),
            identity: IdentityId::literal("payer"),
            purpose: PurposeName::literal("settlement"),
            api: ApiName::literal("ledger"),
            operations: Box::default(),
            resources: Box::default(),
            budget: Budget::default(),
            ends: NOW + hour,
            lease: Some(minute),
            beat: NOW,
            state: TaskState::Open,
        };
        assert!(task.is_open(NOW + minute) && task.is_open(NOW + (minute + SKEW - Duration::from_micros(1))));
        assert!(!task.is_open(NOW + (minute + SKEW)));
        task.lease = None;
        assert!(task.is_open(NOW + hour) && !task.is_open(NOW + (hour + SKEW)));
        task.state = TaskState::Completed;
        assert!(!task.is_open(NOW), "what somebody ended is over at once");
    }

    #[test]
    fn resources_are_named_whole_or_by_how_they_begin() {
        assert!(holds::<&str>(&[], None) && holds::<&str>(&[], Some("a")));
        assert!(holds(&["a", "b-*"], Some("b-7")) && !holds(&["a", "b-*"], Some("ab")) && !holds(&["a"], None));
    }

    #[test]
    fn what_is_narrower_names_nothing_else() {
        assert!(is_narrower(&["b-7", "b-8*"], &["b-*"]) && is_narrower::<_, &str>(&["a"], &[]));
        assert!(!is_narrower(&["b*"], &["b-*"]) && !is_narrower::<&str, _>(&[], &["a"]), "all is wider than some");
    }
}
