//! What is known of a caller: its places, its software, its operations. A few rows each, the strangest leave first.

/// One thing that is known. Minutes are those since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Its number; 0: the row is free.
    pub(super) key: u32,
    /// When something good first came of it; until then, when it was first tried. To have tried it beforehand makes nothing known sooner.
    pub(super) first: u32,
    /// When it was last tried.
    pub(super) last: u32,
    /// In how many hours something good came of it.
    pub(super) hours: u16,
    /// How many good calls there were.
    pub(super) calls: u16,
    /// The longest run of things until yesterday, and of today: what goes on just now does not make itself usual.
    pub(super) run: u16,
    pub(super) run_today: u16,
    /// Of its last answers: how many there were, how many were errors.
    pub(super) answers: u8,
    pub(super) errors: u8,
    /// Among which operations the errors were, a bit each.
    pub(super) spread: u16,
}

const MINUTES_OF_DAY: u32 = 24 * 60;
/// Good hours that make a row known.
const KNOWN_HOURS: u16 = 3;
/// Minutes that it takes to become known.
const KNOWN_AFTER: u32 = 12 * 60;
/// The same of places and software.
const SETTLED_HOURS: u16 = 12;
const SETTLED_AFTER: u32 = 3 * MINUTES_OF_DAY;
/// Answers that are remembered, before they count half.
const ANSWERS_MAX: u8 = 64;

impl Row {
    /// Whether it belongs to what is usual.
    pub(super) const fn is_known(&self, minute: u32) -> bool {
        self.hours >= KNOWN_HOURS && minute.saturating_sub(self.first) >= KNOWN_AFTER
    }

    /// Whether it is where, and with what, somebody is at home: that takes longer, since a thief with patience would wait as well.
    pub(super) const fn is_settled(&self, minute: u32) -> bool {
        self.hours >= SETTLED_HOURS && minute.saturating_sub(self.first) >= SETTLED_AFTER
    }

    /// It is tried: what nothing good came of yet stays for as long as it is.
    pub(super) const fn tried(&mut self, minute: u32) {
        if self.hours == 0 {
            self.last = minute;
        }
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
        if self.last / MINUTES_OF_DAY != minute / MINUTES_OF_DAY {
            (self.run, self.run_today) = (self.run.max(self.run_today), 0);
        }
        if self.hours == 0 {
            self.first = minute;
        }
        let same_hour = self.calls > 0 && self.last / 60 == minute / 60 && self.hours > 0;
        if !same_hour {
            self.hours = self.hours.saturating_add(1);
        }
        self.calls = self.calls.saturating_add(1);
        self.last = minute;
    }
}

/// Rows, and how often something was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table<const N: usize> {
    rows: [Row; N],
    /// Good hours of all rows before today, and how many of them were the first of theirs; both count half when they are full.
    before: (u16, u16),
    /// The same of today: what is new today does not make what else is new today less surprising.
    today: (u16, u16),
    day: u32,
}

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Self { rows: [Row::default(); N], before: (0, 0), today: (0, 0), day: 0 }
    }
}

const HOURS_MAX: u16 = 4_096;

impl<const N: usize> Table<N> {
    /// The row of a key.
    pub(super) fn find(&self, key: u32) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }

    /// The same, to change it.
    pub(super) fn find_mut(&mut self, key: u32) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.key == key)
    }

    /// Where the row of a key is.
    pub(super) fn position(&self, key: u32) -> Option<usize> {
        self.rows.iter().position(|row| row.key == key)
    }

    /// The row that is there.
    pub(super) fn row(&self, at: Option<usize>) -> Option<&Row> {
        self.rows.get(at?)
    }

    /// The same, to change it.
    pub(super) fn row_mut(&mut self, at: Option<usize>) -> Option<&mut Row> {
        self.rows.get_mut(at?)
    }

    /// A key is tried that has no row: the strangest leaves for it.
    pub(super) fn enter(&mut self, key: u32, minute: u32) {
        if let Some(row) = self.rows.iter_mut().min_by_key(|row| (row.key != 0, row.hours, row.last)) {
            *row = Row { key, first: minute, last: minute, ..Row::default() };
        }
    }

    /// A key is tried.
    pub(super) fn tried(&mut self, key: u32, minute: u32) {
        if self.position(key).is_none() {
            self.enter(key, minute);
        }
    }

    /// Something good came of it: its row, and whether that is the first of this hour. What was not tried is not learned.
    pub(super) fn learn(&mut self, key: u32, minute: u32) -> Option<(&mut Row, bool)> {
        self.turn(minute / MINUTES_OF_DAY);
        let row = self.rows.iter_mut().find(|row| row.key == key)?;
        let before = row.hours;
        row.learn(minute);
        let hourly = row.hours != before;
        if hourly {
            self.today = (self.today.0.saturating_add(1), self.today.1.saturating_add(u16::from(before == 0)));
        }
        Some((row, hourly))
    }

    /// Goes on to a day.
    fn turn(&mut self, day: u32) {
        if self.day == day {
            return;
        }
        // As long as all hours were the first of something everything is new: what came back is not. That is the first day, and a second one after a
        // first that was but an hour.
        let first = self.before.0 == self.before.1;
        let back = self.rows.iter().filter(|row| row.hours > 1).count();
        let came_back = if first { u16::try_from(back).unwrap_or(u16::MAX) } else { 0 };
        let hours = self.before.0.saturating_add(self.today.0);
        let news = self.before.1.saturating_add(self.today.1).saturating_sub(came_back);
        self.before = if hours >= HOURS_MAX { (hours / 2, news / 2) } else { (hours, news) };
        (self.today, self.day) = ((0, 0), day);
    }

    /// How surprising something new is, 0 to 100: by the share of good hours that were the first of something (after the estimate of Good
    /// and Turing), until yesterday.
    pub(super) fn surprise(&self) -> u32 {
        let (hours, news) = (u32::from(self.before.0), u32::from(self.before.1));
        // In thousandths of per cent. What was never new may be so some day: a part of one.
        let missing = (news * 100 + 15) * 1_000 / hours.max(1);
        match missing {
            5_000.. => 0,
            2_000.. => 25 * (5_000 - missing) / 3_000,
            1_000.. => 25 + 30 * (2_000 - missing) / 1_000,
            200.. => 55 + 45 * (1_000 - missing) / 800,
            _ => 100,
        }
    }

    /// Rows of which something good came since then for the first time.
    pub(super) fn first_good(&self, since: u32) -> u32 {
        let count = self.rows.iter().filter(|row| row.key != 0 && row.first >= since && row.hours > 0).count();
        u32::try_from(count).unwrap_or(0)
    }

    /// Rows that were first tried since then and are not known yet.
    pub(super) fn young(&self, since: u32, minute: u32) -> u32 {
        let young = |row: &&Row| row.key != 0 && row.first >= since && !row.is_known(minute);
        u32::try_from(self.rows.iter().filter(young).count()).unwrap_or(0)
    }
}

mod kept;

#[cfg(test)]
mod tests {
    use super::{MINUTES_OF_DAY, Table};

    /// How surprising something new is for who does two things each hour for eight days, the first time at this hour of a day.
    fn after_a_week(begin: u32) -> u32 {
        let mut table = Table::<8>::default();
        for hour in begin..begin + 8 * 24 {
            let minute = 20_000 * MINUTES_OF_DAY + hour * 60;
            for key in [1, 2] {
                table.tried(key, minute);
                assert!(table.learn(key, minute).is_some());
            }
        }
        table.surprise()
    }

    /// Whoever began in the last hour of a day did nothing new since: that its first hour was new says nothing of it.
    #[test]
    fn at_which_hour_somebody_began_makes_nothing_less_surprising() {
        for hour in 0..24 {
            assert_eq!(after_a_week(hour), 100, "begun at {hour}");
        }
    }
}
