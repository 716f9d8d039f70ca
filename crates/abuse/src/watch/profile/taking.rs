//! Whole collections, and when somebody takes them.

use super::{Sight, w};

/// Bits of [`Taking::hours`] that are hours, and the most that is counted above them.
const HOURS_BITS: u32 = 24;
const HOURS: u32 = (1 << HOURS_BITS) - 1;
const APART_MAX: u32 = 255;

/// Bits of [`Taking::days`] that count days, and so the most that is counted; above them a bit for each twelfth of an hour.
const DAYS_BITS: u32 = 4;
const DAYS: u16 = (1 << DAYS_BITS) - 1;
const TWELFTHS: u32 = 12;

/// Whole collections that are taken by one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Taking {
    pub(super) operation: u32,
    pub(super) day: u32,
    /// How often today, and how often on the day when it was most.
    pub(super) today: u16,
    pub(super) most: u16,
    /// On how many days; above those, at which minutes of an hour, a bit for each five ([`Self::twelfths`]).
    pub(super) days: u16,
    /// At which hours of the day, a bit each; above those, how many days there were from one such day to the next at the least ([`Self::apart`]).
    pub(super) hours: u32,
}

impl Taking {
    /// On how many days it was taken, as far as that is counted.
    pub(super) const fn days(&self) -> u16 {
        self.days & DAYS
    }

    /// At which minutes of an hour, a bit for each five of them; none: that is not known.
    const fn twelfths(&self) -> u16 {
        self.days >> DAYS_BITS
    }

    /// Whether enough is known of it for one more, on that day, to be unusual. Who takes it once a week has done so on two days for a week:
    /// where both times it was the same hour, the days between are none of its days.
    pub(super) fn is_known(&self, day: u32) -> bool {
        let (since, apart) = (day.saturating_sub(self.day), self.apart());
        self.days() >= w::TAKEN_DAYS || (apart >= w::APART_DAYS && since < apart && (self.hours & HOURS).is_power_of_two())
    }

    /// Whether it is taken at such a time. What has a schedule may be late, by an hour; it comes sooner than ever only where clocks are put
    /// back or on, and then at its minute.
    pub(super) fn is_on_schedule(&self, sight: &Sight) -> bool {
        let at = |hour: u32| self.hours & (1 << (hour % 24)) != 0;
        let (hour, twelfths) = (sight.hour % 24, u32::from(self.twelfths()));
        let now = sight.minute % 60 / 5;
        // Some minutes sooner or later are the same.
        let around = [now, now + 1, now + TWELFTHS - 1].iter().any(|around| twelfths & (1 << (around % TWELFTHS)) != 0);
        let is_early = twelfths != 0 && now + 1 < twelfths.trailing_zeros();
        at(hour + 23) || (at(hour) && !is_early) || (at(hour + 1) && (around || twelfths == 0))
    }

    /// How many days there were from one such day to the next at the least; 0: there was one only.
    const fn apart(&self) -> u32 {
        self.hours >> HOURS_BITS
    }

    /// It is taken, and that was good.
    pub(super) fn learn(&mut self, sight: &Sight) {
        self.on(sight.hour / 24);
        self.today = self.today.saturating_add(1);
        self.most = self.most.max(self.today);
        self.hours |= 1 << (sight.hour % 24);
        self.days |= 1 << (DAYS_BITS + sight.minute % 60 / 5);
    }

    /// It is taken on a day.
    fn on(&mut self, day: u32) {
        if self.day == day {
            return;
        }
        if self.days() > 0 {
            let since = day.saturating_sub(self.day).min(APART_MAX);
            let apart = if self.apart() == 0 { since } else { since.min(self.apart()) };
            self.hours = self.hours & HOURS | apart << HOURS_BITS;
        }
        (self.day, self.today) = (day, 0);
        if self.days() < DAYS {
            self.days += 1;
        }
    }
}
