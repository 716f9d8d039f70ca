//! Flows over restarts: the course of each identity is in its profile, those of all together are records of their own. Networks of people are
//! forgotten with the process, as their logins are.

use super::{ALL_MAX, Course, Flows};
use crate::watch::kept::kept;

kept!(Course { of, slot, begun, finished, day, today, usual, things });

/// The course of all machines, or of all people, in a flow.
pub(in crate::watch) struct Flowed {
    of: u32,
    people: u8,
    course: Course,
}

kept!(Flowed { of, people, course });

impl Flows {
    /// All that is kept.
    pub(in crate::watch) fn kept(&self) -> Vec<Flowed> {
        let mut kept = Vec::new();
        for all in self.all.each() {
            kept.extend(all.iter().map(|((of, people), course)| Flowed { of: *of, people: u8::from(*people), course: *course }));
        }
        kept
    }

    /// Takes back what was kept; says whether there was room, and it was there once.
    pub(in crate::watch) fn put_back(&self, flowed: Flowed) -> bool {
        let mut all = self.all.of(flowed.of);
        all.len() < ALL_MAX && flowed.people <= 1 && all.insert((flowed.of, flowed.people == 1), flowed.course).is_none()
    }
}
