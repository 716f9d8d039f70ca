//! Rows over restarts.

use super::{Row, Table};
use crate::watch::kept::{Kept, kept};

kept!(Row { key, first, last, hours, calls, run, run_today, answers, errors, spread });

impl<const N: usize> Kept for Table<N> {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { rows, before, today, day } = self;
        rows.put(out);
        before.put(out);
        today.put(out);
        day.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Self { rows: Kept::take(from)?, before: Kept::take(from)?, today: Kept::take(from)?, day: Kept::take(from)? })
    }
}
