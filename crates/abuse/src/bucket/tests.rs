use super::{Bucket, Pace, Wait};
use proptest::prelude::*;
use std::{num::NonZeroU64, time::Duration};
use wardgate_model::{limit::Rate, time::Time};

fn pace(count: u64, period: Duration, burst: u64) -> Pace {
    Pace::new(&Rate { count: NonZeroU64::new(count).expect("a count"), period, burst: NonZeroU64::new(burst).expect("a burst") })
}

fn at(micros: i64) -> Time {
    Time::from_micros(1_800_000_000_000_000 + micros)
}

/// `rate`, then moments in microseconds with what is expected: `+` taken, `-` refused.
fn check(count: u64, period_ms: u64, burst: u64, story: &str) {
    let (pace, bucket) = (pace(count, Duration::from_millis(period_ms), burst), Bucket::default());
    for step in story.split_whitespace() {
        let (micros, expected) = step.split_at(step.len() - 1);
        let taken = bucket.take(1, &pace, at(micros.parse().expect("microseconds"))).is_ok();
        assert_eq!(if taken { "+" } else { "-" }, expected, "{count}/{period_ms}ms burst {burst}, at {micros} in {story}");
    }
}

#[test]
fn burst_at_once_then_one_per_period() {
    check(2, 1000, 3, "0+ 0+ 0+ 0- 499999- 500000+ 500000- 1000000+ 1000000- 3000000+ 3000000+ 3000000+ 3000000-");
    check(1, 60_000, 1, "0+ 59999999- 60000000+");
}

#[test]
fn thirds_of_a_second_do_not_drift() {
    // 3 a second, burst 3: a second later all three are there again, to the microsecond, as often as one likes.
    let (pace, bucket) = (pace(3, Duration::from_secs(1), 3), Bucket::default());
    for second in 0..1000 {
        for _ in 0..3 {
            assert_eq!(bucket.take(1, &pace, at(second * 1_000_000)), Ok(()), "in second {second}");
        }
        assert!(bucket.take(1, &pace, at(second * 1_000_000)).is_err());
    }
}

#[test]
fn a_refusal_says_exactly_when() {
    let (pace, bucket) = (pace(3, Duration::from_secs(1), 1), Bucket::default());
    assert_eq!(bucket.take(1, &pace, at(0)), Ok(()));
    assert_eq!(bucket.take(1, &pace, at(0)), Err(Wait(333_334)));
    assert!(bucket.take(1, &pace, at(333_333)).is_err());
    assert_eq!(bucket.take(1, &pace, at(333_334)), Ok(()));
}

#[test]
fn a_clock_set_back_empties_the_bucket_and_no_more() {
    let (pace, bucket) = (pace(1, Duration::from_secs(1), 2), Bucket::default());
    assert_eq!(bucket.take(2, &pace, at(10_000_000_000)), Ok(()));
    assert_eq!(bucket.take(1, &pace, at(0)), Err(Wait(1_000_000)), "empty, not locked for hours");
    assert_eq!(bucket.take(1, &pace, at(999_999)), Err(Wait(1)));
    assert_eq!(bucket.take(1, &pace, at(1_000_000)), Ok(()));
}

#[test]
fn cores_that_read_the_clock_in_another_order_gain_nothing() {
    let (pace, bucket) = (pace(1, Duration::from_secs(1), 1), Bucket::default());
    assert_eq!(bucket.take(1, &pace, at(100)), Ok(()));
    for _ in 0..1000 {
        assert!(bucket.take(1, &pace, at(0)).is_err());
    }
    assert!(bucket.take(1, &pace, at(1_000_099)).is_err());
    assert_eq!(bucket.take(1, &pace, at(1_000_100)), Ok(()));
}

#[test]
fn another_rate_takes_the_level_over() {
    let bucket = Bucket::default();
    let (slow, fast) = (pace(7, Duration::from_secs(1), 7), pace(100, Duration::from_secs(1), 100));
    assert_eq!(bucket.take(7, &slow, at(0)), Ok(()));
    assert_eq!(bucket.available(&fast, at(0)), 0, "a second's worth is missing under either rate");
    assert_eq!(bucket.available(&fast, at(500_000)), 50);
}

#[test]
fn extremes_neither_panic_nor_open() {
    let numbers = [1, 2, 1000, u64::MAX - 1, u64::MAX];
    let periods = [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1), Duration::from_secs(1 << 40), Duration::MAX];
    for count in numbers {
        for period in periods {
            for burst in numbers {
                let (pace, bucket) = (pace(count, period, burst), Bucket::default());
                for now in [i64::MIN, -1, 0, 1 << 53, i64::MAX, 0, i64::MIN].map(Time::from_micros) {
                    for cost in [1, u64::MAX] {
                        let before = bucket.available(&pace, now);
                        assert!(bucket.take(cost, &pace, now).is_err() || cost <= before.max(1), "{count}/{period:?} burst {burst}");
                    }
                    bucket.drain(u64::MAX, &pace, now);
                    assert_eq!(bucket.available(&pace, now), 0, "{count}/{period:?} burst {burst}");
                    bucket.give_back(1, &pace);
                }
            }
        }
    }
    // At the end of time nothing refills: the clock stands still there.
    let (pace, bucket) = (pace(1000, Duration::from_secs(1), 1), Bucket::default());
    assert_eq!(bucket.take(1, &pace, Time::from_micros(i64::MAX - 10_000_000)), Ok(()));
    assert!(bucket.take(1, &pace, Time::from_micros(i64::MAX)).is_err());
}

#[test]
fn what_is_not_there_is_owed() {
    // Somebody who tries every 100 µs, and pays ten more for each try that is let in.
    let (pace, bucket) = (pace(2_000, Duration::from_secs(1), 4_000), Bucket::default());
    let tries = |from_s: i64| {
        let moments = (0..10_000).map(|count| at(from_s * 1_000_000 + count * 100));
        moments.filter(|now| bucket.take(1, &pace, *now).map(|()| bucket.drain(10, &pace, *now)).is_ok()).count()
    };
    assert!((545..=547).contains(&tries(0)), "the burst and a second of the rate, at eleven each");
    assert!((181..=183).contains(&tries(1)), "a second of the rate");
    // However slow the rate, nobody owes more than half a second.
    let (slow, bucket) = (self::pace(1, Duration::from_secs(1), 1), Bucket::default());
    bucket.drain(1_000, &slow, at(0));
    assert!(bucket.take(1, &slow, at(1_499_999)).is_err());
    assert_eq!(bucket.take(1, &slow, at(1_500_000)), Ok(()));
}

/// The plain token bucket, in exact fractions: the level is in 1/count of what a nanosecond refills.
struct Naive {
    level: u128,
    last_ns: u128,
    count: u128,
    period_ns: u128,
    burst: u128,
}

impl Naive {
    fn level(&self, now_ns: u128) -> u128 {
        (self.level + (now_ns - self.last_ns) * self.count).min(self.burst * self.period_ns)
    }

    fn take(&mut self, cost: u64, now_ns: u128) -> bool {
        self.level = self.level(now_ns);
        self.last_ns = now_ns;
        let good = self.level >= u128::from(cost) * self.period_ns;
        if good {
            self.level -= u128::from(cost) * self.period_ns;
        }
        good
    }
}

proptest! {
    #[test]
    fn it_is_the_plain_token_bucket(
        count in 1..=1024_u64, period_ms in 1..100_000_u64, burst in 1..50_u64,
        steps in prop::collection::vec((0..400_000_i64, 1..4_u64, any::<bool>()), 1..200),
    ) {
        let period = Duration::from_millis(period_ms);
        let (pace, bucket) = (pace(count, period, burst), Bucket::default());
        let period_ns = period.as_nanos();
        let mut naive = Naive { level: u128::from(burst) * period_ns, last_ns: 0, count: u128::from(count), period_ns, burst: u128::from(burst) };
        let mut now = 0_i64;
        for (pause, cost, given_back) in steps {
            now += pause;
            let now_ns = u128::try_from(now).expect("positive") * 1000;
            let available = bucket.available(&pace, at(now));
            prop_assert_eq!(u128::from(available), naive.level(now_ns) / period_ns);
            let taken = bucket.take(cost, &pace, at(now)).is_ok();
            prop_assert_eq!(taken, naive.take(cost, now_ns), "cost {} at {}", cost, now);
            prop_assert_eq!(taken, available >= cost);
            if taken && given_back {
                bucket.give_back(cost, &pace);
                naive.level += u128::from(cost) * period_ns;
            }
        }
    }

    #[test]
    fn what_is_promised_for_later_is_there_then_and_not_before(
        count in 1..5000_u64, period_ms in 1..10_000_u64, burst in 1..20_u64, spent in 1..20_u64, cost in 1..20_u64,
    ) {
        prop_assume!(spent <= burst && cost <= burst);
        let (pace, bucket) = (pace(count, Duration::from_millis(period_ms), burst), Bucket::default());
        prop_assert_eq!(bucket.take(spent, &pace, at(0)), Ok(()));
        if let Err(Wait(micros)) = bucket.take(cost, &pace, at(0)) {
            let then = i64::try_from(micros).expect("a while");
            prop_assert!(bucket.take(cost, &pace, at(then - 1)).is_err());
            prop_assert_eq!(bucket.take(cost, &pace, at(then)), Ok(()));
        }
    }

    #[test]
    fn no_rate_gives_more_than_it_says(count in 1..u64::MAX, period_ns in 1..10_000_000_000_u64, burst in 1..1000_u64, pauses in prop::collection::vec(0..50_i64, 1..300)) {
        let period = Duration::from_nanos(period_ns);
        let (pace, bucket) = (pace(count, period, burst), Bucket::default());
        let (mut now, mut taken) = (0_i64, 0_u128);
        for pause in pauses {
            now += pause;
            taken += u128::from(bucket.take(1, &pace, at(now)).is_ok());
            let refilled = u128::try_from(now).expect("positive") * 1000 * u128::from(count) / u128::from(period_ns);
            prop_assert!(taken <= u128::from(burst) + refilled, "{} after {} µs", taken, now);
        }
    }
}
