//! What is known of a caller: its places, its software, its operations. A few rows each, the strangest leave first.

/// One thing that is known. Minutes are those since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Its number; 0: the row is free.
    pub(super) key: u32,
    /// When it was first tried.
    pub(super) first: u32,
    /// When it was last tried.
    pub(super) last: u32,
    /// In how many hours something good came of it.
    pub(super) hours: u16,
    /// How many good calls there were.
    pub(super) calls: u16,
    /// Hours of the day, UTC, in which there were some.
    pub(super) daily: u32,
    /// Of its last answers: how many there were, how many were errors.
    pub(super) answers: u8,
    pub(super) errors: u8,
    /// Among which operations the errors were, a bit each.
    pub(super) spread: u16,
}

/// Good hours that make a row known.
const KNOWN_HOURS: u16 = 3;
/// Minutes that it takes to become known.
const KNOWN_AFTER: u32 = 12 * 60;
/// Answers that are remembered, before they count half.
const ANSWERS_MAX: u8 = 64;

impl Row {
    /// Whether it belongs to what is usual.
    pub(super) const fn is_known(&self, minute: u32) -> bool {
        self.hours >= KNOWN_HOURS && minute.saturating_sub(self.first) >= KNOWN_AFTER
    }

    /// Counts an answer.
    pub(super) fn answered(&mut self, error: bool, operation: u32) {
        if self.answers >= ANSWERS_MAX {
            (self.answers, self.errors) = (self.answers / 2, self.errors / 2);
            if self.errors == 0 {
                self.spread = 0;
            }
        }
        self.answers += 1;
        if error {
            self.errors += 1;
            self.spread |= 1 << (operation % 16);
        }
    }

    fn learn(&mut self, minute: u32) {
        let same_hour = self.calls > 0 && self.last / 60 == minute / 60 && self.hours > 0;
        if !same_hour {
            self.hours = self.hours.saturating_add(1);
        }
        self.calls = self.calls.saturating_add(1);
        self.last = minute;
        self.daily |= 1 << (minute / 60 % 24);
    }
}

/// Rows, and how often something was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table<const N: usize> {
    rows: [Row; N],
    /// Good hours of all rows, those that left included; counts half when it is full.
    hours: u16,
    /// Rows that left and were good in one hour only.
    lost: u16,
}

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Self { rows: [Row::default(); N], hours: 0, lost: 0 }
    }
}

const HOURS_MAX: u16 = 4_096;

impl<const N: usize> Table<N> {
    /// The row of a key.
    pub(super) fn find(&self, key: u32) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }

    pub(super) fn find_mut(&mut self, key: u32) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.key == key)
    }

    /// The row of a key that is tried; the strangest leaves for it.
    pub(super) fn tried(&mut self, key: u32, minute: u32) -> Option<&mut Row> {
        let at = match self.rows.iter().position(|row| row.key == key) {
            Some(at) => at,
            None => {
                let strangest = |(_, row): &(usize, &Row)| (row.key != 0, row.hours, row.last);
                let (at, left) = self.rows.iter().enumerate().min_by_key(strangest).map(|(at, row)| (at, *row))?;
                if left.key != 0 && left.hours == 1 {
                    self.lost = self.lost.saturating_add(1);
                }
                *self.rows.get_mut(at)? = Row { key, first: minute, last: minute, ..Row::default() };
                at
            }
        };
        self.rows.get_mut(at)
    }

    /// Something good came of it. What was not tried is not learned.
    pub(super) fn learn(&mut self, key: u32, minute: u32) {
        let Some(row) = self.find_mut(key) else { return };
        let before = row.hours;
        row.learn(minute);
        if row.hours != before {
            self.hours += 1;
            if self.hours >= HOURS_MAX {
                (self.hours, self.lost) = (self.hours / 2, self.lost / 2);
            }
        }
    }

    /// How surprising something new is, 0 to 100: by the share of hours in which something is new (the estimate of Good and Turing: as
    /// many as were seen only once).
    pub(super) fn surprise(&self) -> u32 {
        let once = self.rows.iter().filter(|row| row.key != 0 && row.hours == 1).count();
        let once = u32::try_from(once).unwrap_or(0) + u32::from(self.lost);
        // In thousandths of per cent. What was never new may be so some day: a part of one.
        let missing = (once * 100 + 15) * 1_000 / u32::from(self.hours).max(1);
        match missing {
            5_000.. => 0,
            2_000.. => 25 * (5_000 - missing) / 3_000,
            1_000.. => 25 + 30 * (2_000 - missing) / 1_000,
            200.. => 55 + 45 * (1_000 - missing) / 800,
            _ => 100,
        }
    }

    /// Rows that were first tried since then and are not known yet.
    pub(super) fn young(&self, since: u32, minute: u32) -> u32 {
        let young = |row: &&Row| row.key != 0 && row.first >= since && !row.is_known(minute);
        u32::try_from(self.rows.iter().filter(young).count()).unwrap_or(0)
    }
}
