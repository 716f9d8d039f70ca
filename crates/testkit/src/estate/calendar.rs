//! When things are done: hours, weekdays, month ends and holidays, each where the caller lives.

use super::chance::{Chance, micros};
use std::time::Duration;
use wardgate_model::time::Time;

/// The moment at which the estate begins: Monday 2026-06-15T00:00:00Z, two weeks after [`crate::world::DAWN`]. A month ends in its third week.
pub const BEGINS: Time = Time::from_seconds(1_781_481_600);

pub(super) const DAY: Duration = Duration::from_hours(24);
pub(super) const HOUR: Duration = Duration::from_hours(1);
const DAY_S: i64 = 86_400;
const HOUR_MICROS: i64 = 3_600_000_000;

/// Days of the estate on which a month's books are closed: 29 and 30 June, 1 July.
const MONTH_END: std::ops::RangeInclusive<i64> = 14..=16;
/// Longest that [`Rhythm::next`] looks ahead, in hours: someone who does nothing for so long comes back then.
const AHEAD_HOURS: u32 = 24 * 40;

/// What the hours of a day are like, in thousandths of its busiest.
type Hours = [u16; 24];

const STEADY: Hours = [1_000; 24];
const OFFICE: Hours = [40, 30, 30, 30, 40, 60, 150, 400, 800, 950, 1_000, 950, 700, 850, 950, 900, 800, 500, 250, 150, 100, 80, 60, 50];
const SHOP: Hours = [120, 70, 50, 40, 40, 60, 120, 250, 400, 550, 700, 800, 850, 800, 750, 750, 800, 900, 1_000, 1_000, 950, 750, 450, 250];
const STORES: Hours = [0, 0, 0, 0, 0, 0, 30, 150, 500, 800, 900, 950, 1_000, 950, 900, 900, 950, 1_000, 900, 600, 150, 20, 0, 0];

/// In which hours and on which days somebody is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// Always the same.
    Steady,
    /// Working days, by day.
    Office,
    /// Whenever people buy: evenings and weekends too.
    Shop,
    /// While stores are open; closed on Sundays.
    Stores,
}

/// A moment where somebody lives.
#[derive(Debug, Clone, Copy)]
struct Local {
    /// Days since the estate began.
    day: i64,
    /// 0 is Monday.
    weekday: i64,
    hour: usize,
}

/// Which days are special, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    /// The day of the estate that is a holiday.
    pub(super) holiday: i64,
    /// How many days there are.
    pub(super) days: u32,
}

impl Calendar {
    /// The moment at which the estate ends.
    pub(super) fn ends(self) -> Time {
        BEGINS + DAY * self.days
    }

    /// So many thousandths of the way from the beginning to the end.
    pub(super) fn at(self, per_mille: u64) -> Time {
        BEGINS + Duration::from_micros(micros(DAY).saturating_mul(u64::from(self.days)) / 1_000 * per_mille)
    }
}

/// Days since the estate began.
pub(super) fn day_of(now: Time) -> i64 {
    (now.as_seconds() - BEGINS.as_seconds()).div_euclid(DAY_S)
}

fn local(now: Time, offset_hours: i8) -> Local {
    let seconds = now.as_seconds() - BEGINS.as_seconds() + i64::from(offset_hours) * 3_600;
    let day = seconds.div_euclid(DAY_S);
    let hour = usize::try_from(seconds.rem_euclid(DAY_S) / 3_600).unwrap_or(0);
    Local { day, weekday: day.rem_euclid(7), hour }
}

impl Rhythm {
    /// How busy somebody is, in thousandths of the busiest hour of a working day.
    pub(super) fn intensity(self, now: Time, offset_hours: i8, calendar: Calendar) -> u64 {
        let local = local(now, offset_hours);
        let (hours, weekend, holiday, month_end) = match self {
            Self::Steady => (&STEADY, 1_000, 1_000, 1_000),
            Self::Office => (&OFFICE, if local.weekday >= 5 { 120 } else { 1_000 }, 150, 1_300),
            Self::Shop => (&SHOP, 1_150, 1_400, 1_000),
            Self::Stores => (&STORES, if local.weekday == 6 { 0 } else { 1_100 }, 300, 1_000),
        };
        let hour = u64::from(hours.get(local.hour).copied().unwrap_or(0));
        let weekend = if local.weekday >= 5 { weekend } else { 1_000 };
        let holiday = if local.day == calendar.holiday { holiday } else { 1_000 };
        let month_end = if MONTH_END.contains(&local.day) { month_end } else { 1_000 };
        hour * weekend / 1_000 * holiday / 1_000 * month_end / 1_000
    }

    /// When something happens next that happens `daily` times on a day whose every hour is the busiest, `daily` in thousandths.
    pub(super) fn next(self, now: Time, daily_per_mille: u64, offset_hours: i8, calendar: Calendar, chance: &mut Chance) -> Time {
        let mut left = u128::from(chance.exponential());
        let mut now = now;
        for _ in 0..AHEAD_HOURS {
            let rate = u128::from(daily_per_mille) * u128::from(self.intensity(now, offset_hours, calendar)) / 1_000;
            let span = HOUR_MICROS - now.as_micros().rem_euclid(HOUR_MICROS);
            // Millionths of a happening in the rest of this hour: microseconds × thousandths a day / (microseconds of a day / 1000).
            let capacity = u128::try_from(span).unwrap_or(0) * rate / 86_400_000;
            if left < capacity && rate > 0 {
                return now + Duration::from_micros(u64::try_from(left * 86_400_000 / rate).unwrap_or(u64::MAX));
            }
            left -= capacity;
            now = now + Duration::from_micros(u64::try_from(span).unwrap_or(0));
        }
        now
    }
}

/// The next time that it is this hour of a day where somebody lives; on working days only, if so.
pub(super) fn next_hour(now: Time, hour: u8, offset_hours: i8, days: Days) -> Time {
    let wanted = i64::from(hour) - i64::from(offset_hours);
    let begin = day_of(now);
    let candidates = (begin - 1..begin + 10).map(|day| BEGINS.as_seconds() + day * DAY_S + wanted * 3_600);
    let mut fit = candidates.map(Time::from_seconds).filter(|time| *time > now && days.fits(local(*time, offset_hours)));
    fit.next().unwrap_or(now + DAY)
}

/// On which days something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// On each.
    All,
    /// Monday to Friday.
    Working,
    /// Once a week, on this day; 0 is Monday.
    Weekly(u8),
}

impl Days {
    const fn fits(self, local: Local) -> bool {
        match self {
            Self::All => true,
            Self::Working => local.weekday < 5,
            Self::Weekly(day) => local.weekday == day as i64,
        }
    }
}

/// By how much a batch is longer than usual, in thousandths: on month ends three times.
pub(super) fn batch_size(now: Time, offset_hours: i8) -> u64 {
    if MONTH_END.contains(&local(now, offset_hours).day) { 3_000 } else { 1_000 }
}

#[cfg(test)]
mod tests {
    use super::{BEGINS, Calendar, DAY, Days, HOUR, Rhythm, next_hour};
    use crate::estate::chance::Chance;

    const CALENDAR: Calendar = Calendar { holiday: 18, days: 28 };

    #[test]
    fn it_begins_on_a_monday_and_the_holiday_is_the_third_of_july() {
        assert_eq!(BEGINS.to_rfc3339(), "2026-06-15T00:00:00Z");
        assert_eq!((BEGINS + DAY * 18).to_rfc3339(), "2026-07-03T00:00:00Z");
    }

    #[test]
    fn things_happen_as_often_as_said_and_less_often_on_weekends() {
        let count = |rhythm: Rhythm, from: u32, days: u32| {
            let (mut now, mut chance, mut found) = (BEGINS + DAY * from, Chance::new(7, 1), 0_u32);
            let ends = now + DAY * days;
            loop {
                now = rhythm.next(now, 500_000, 0, CALENDAR, &mut chance);
                if now >= ends {
                    return found / days;
                }
                found += 1;
            }
        };
        assert!((480..520).contains(&count(Rhythm::Steady, 0, 14)), "{}", count(Rhythm::Steady, 0, 14));
        let (week, weekend) = (count(Rhythm::Office, 0, 5), count(Rhythm::Office, 5, 2));
        assert!(week > 6 * weekend, "{week} on working days, {weekend} on weekends");
        assert_eq!(count(Rhythm::Stores, 6, 1), 0, "stores are closed on Sundays");
    }

    #[test]
    fn an_hour_is_that_of_the_place() {
        assert_eq!(next_hour(BEGINS, 2, 0, Days::All), BEGINS + HOUR * 2);
        assert_eq!(next_hour(BEGINS, 2, -5, Days::All), BEGINS + HOUR * 7);
        assert_eq!(next_hour(BEGINS + HOUR * 2, 2, 0, Days::All), BEGINS + HOUR * 26);
        assert_eq!(next_hour(BEGINS + DAY * 4 + HOUR * 3, 2, 0, Days::Working), BEGINS + DAY * 7 + HOUR * 2);
        assert_eq!(next_hour(BEGINS, 2, 0, Days::Weekly(3)), BEGINS + DAY * 3 + HOUR * 2);
    }
}
