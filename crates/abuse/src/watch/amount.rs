//! How much is done in an hour and in a day, beside how much was done in those before.

/// Days whose busiest hour is remembered.
const PEAKS: usize = 7;
/// Days whose sum is remembered.
const DAYS: usize = 14;
const HOURS_OF_DAY: u32 = 24;

/// Something that is counted: calls, records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    hour: u32,
    /// In this hour, and in the one before.
    now: u32,
    before: u32,
    /// Today, and in today's busiest hour.
    today: u32,
    busiest: u32,
    /// The busiest hours of the days before; 0: there was none.
    peaks: [u32; PEAKS],
    /// Sums of the days before, the last first.
    days: [u32; DAYS],
    /// How many days there were.
    seen: u16,
}

/// A day that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    /// Its number since the epoch.
    pub(super) day: u32,
    /// What was counted.
    pub(super) sum: u32,
    /// What was to be expected, and how far days are from that in per cent; `None`: not enough is known.
    pub(super) expected: Option<(u32, u32)>,
}

impl Amount {
    /// Goes on to this hour (since the epoch). A day that ended is told.
    pub(super) fn turn(&mut self, hour: u32) -> Option<Day> {
        if hour <= self.hour {
            return None;
        }
        let (day, last) = (hour / HOURS_OF_DAY, self.hour / HOURS_OF_DAY);
        self.before = if hour == self.hour + 1 { self.now } else { 0 };
        self.now = 0;
        let began = self.hour != 0;
        self.hour = hour;
        if day == last || !began {
            return None;
        }
        let over = Day { day: last, sum: self.today, expected: self.expected(last) };
        self.peaks.rotate_right(1);
        self.days.rotate_right(1);
        if let (Some(peak), Some(sum)) = (self.peaks.first_mut(), self.days.first_mut()) {
            (*peak, *sum) = (self.busiest, self.today);
        }
        self.seen = self.seen.saturating_add(1);
        // Days without a call.
        for _ in 1..(day - last).min(14) {
            self.days.rotate_right(1);
            if let Some(sum) = self.days.first_mut() {
                *sum = 0;
            }
            self.seen = self.seen.saturating_add(1);
        }
        (self.today, self.busiest) = (0, 0);
        Some(over)
    }

    /// Counts.
    pub(super) fn add(&mut self, count: u32) {
        self.now = self.now.saturating_add(count);
        self.today = self.today.saturating_add(count);
        self.busiest = self.busiest.max(self.now);
    }

    /// What was counted in the last sixty minutes or so, at this minute of the hour.
    pub(super) fn lately(&self, minute: u32) -> u32 {
        let left = 60 - minute % 60;
        self.now.saturating_add(self.before / 60 * left + self.before % 60 * left / 60)
    }

    /// The busiest hour of the last days; `None`: too few of them are known.
    pub(super) fn peak(&self) -> Option<u32> {
        let known = self.peaks.iter().filter(|peak| **peak > 0).count();
        let most = self.peaks.iter().copied().max().filter(|_| known >= 2)?;
        // Today belongs to it as far as it is no more than half as much again.
        Some(most.max(self.busiest.min(most.saturating_add(most / 2))))
    }

    /// In the mean an hour.
    pub(super) fn mean(&self) -> u32 {
        let known = u32::from(self.seen.min(u16::try_from(DAYS).unwrap_or(0)));
        self.days.iter().fold(0_u32, |sum, day| sum.saturating_add(*day)) / known.max(1) / HOURS_OF_DAY
    }

    /// What is to be expected of a day: the mean of the days before of its kind, weekends apart; and their mean distance from it.
    fn expected(&self, day: u32) -> Option<(u32, u32)> {
        // Day 0 was a Thursday.
        let is_weekend = |day: u32| (day + 3) % 7 >= 5;
        let known = usize::from(self.seen).min(DAYS);
        let back = |back: usize| day.wrapping_sub(u32::try_from(back).unwrap_or(0) + 1);
        let alike = || {
            let days = self.days.iter().take(known).enumerate();
            days.filter(|(at, sum)| **sum > 0 && is_weekend(back(*at)) == is_weekend(day)).map(|(_, sum)| u64::from(*sum))
        };
        let count = alike().count() as u64;
        let mean = alike().sum::<u64>().checked_div(count)?.max(1);
        let distance = alike().map(|sum| sum.abs_diff(mean)).sum::<u64>() * 100 / count / mean;
        // The mean distance of a normal spread is four fifths of it.
        let spread = u32::try_from(distance * 5 / 4).unwrap_or(u32::MAX);
        (count >= 4).then(|| (u32::try_from(mean).unwrap_or(u32::MAX), spread))
    }

    /// Takes the day before out of what is usual.
    pub(super) fn forget_yesterday(&mut self) {
        if let Some(sum) = self.days.first_mut() {
            *sum = 0;
        }
    }
}

mod kept;
