//! Things that are asked for one after the other, among whatever else is asked for.

/// How many runs are followed at a time.
const RUNS: usize = 64;
/// And of one kind of thing.
const RUNS_EACH: usize = 4;
/// Longest run that is counted.
const LENGTH_MAX: u16 = 1_000;
/// Who goes through things may leave some out, or do other things with them.
const STEP_MAX: u32 = 16;
/// Runs of this length stay before shorter ones.
const STAYS: u16 = 3;

/// Where a run stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Run {
    /// The last number.
    at: u32,
    /// When, in an order of its own.
    turn: u32,
    /// 0: there is none.
    length: u16,
    /// Which way it goes: 1, -1, or 0 while there is one number only.
    way: i8,
}

impl Run {
    /// Which way it would go on to a number: 0 where it would not.
    fn way_to(&self, at: u32) -> i8 {
        if (1..=STEP_MAX).contains(&at.wrapping_sub(self.at)) {
            1
        } else if (1..=STEP_MAX).contains(&self.at.wrapping_sub(at)) {
            -1
        } else {
            0
        }
    }

    /// Goes on to a number.
    fn go_on(&mut self, at: u32, turn: u32) {
        let goes = self.way_to(at);
        if goes != 0 {
            self.length = if self.way == 0 || self.way == goes { (self.length + 1).min(LENGTH_MAX) } else { 2 };
            self.way = goes;
        }
        (self.at, self.turn) = (at, turn);
    }

    /// Those that have grown stay longest.
    const fn stays(&self) -> (u16, u32) {
        (if self.length < STAYS { self.length } else { STAYS }, self.turn)
    }
}

/// The runs of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runs {
    /// Of what each of them is: an operation, for whom; 0: it is free. Apart from them, so that those of one kind are found in a few steps.
    of: [u32; RUNS],
    runs: [Run; RUNS],
    turn: u32,
}

impl Default for Runs {
    fn default() -> Self {
        Self { of: [0; RUNS], runs: [Run::default(); RUNS], turn: 0 }
    }
}

impl Runs {
    /// Follows a number; says how long the run is that it belongs to.
    pub(super) fn follow(&mut self, of: u32, at: u32) -> u16 {
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let own = Own::among(&self.of, of);
        let belongs = own.runs(&self.runs).filter(|(_, run)| run.at == at || run.way_to(at) != 0);
        let goes_on = belongs.max_by_key(|(_, run)| (run.way == 0 || run.way == run.way_to(at), run.length)).map(|(place, _)| place);
        if let Some(run) = goes_on.and_then(|place| self.runs.get_mut(place)) {
            run.go_on(at, turn);
            return run.length;
        }
        // Each kind of thing has a few runs, so that two by chance seldom make one.
        let place = if own.count() >= RUNS_EACH {
            own.runs(&self.runs).min_by_key(|(_, run)| run.stays())
        } else {
            self.runs.iter().enumerate().min_by_key(|(_, run)| run.stays())
        };
        if let Some(place) = place.map(|(place, _)| place)
            && let (Some(its), Some(run)) = (self.of.get_mut(place), self.runs.get_mut(place))
        {
            (*its, *run) = (of, Run { at, turn, length: 1, way: 0 });
        }
        1
    }

    /// How long the run is that has come to this number.
    pub(super) fn length(&self, of: u32, at: u32) -> u16 {
        Own::among(&self.of, of).runs(&self.runs).find(|(_, run)| run.at == at).map_or(0, |(_, run)| run.length)
    }
}

/// The places of the runs of one kind, a bit each.
#[derive(Debug, Clone, Copy)]
struct Own(u64);

impl Own {
    /// All are compared without a branch, which a processor does for many in one step.
    fn among(all: &[u32; RUNS], of: u32) -> Self {
        let mut own = [0_u8; RUNS];
        for (own, its) in own.iter_mut().zip(all) {
            *own = u8::from(*its == of);
        }
        // Of eight bytes that are 0 or 1 the product has the lowest bit of byte n at 56 + n.
        let (eights, _) = own.as_chunks::<8>();
        let bits = eights.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56);
        Self(bits.rev().fold(0, |all, bits| all << 8 | bits))
    }

    const fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Those runs, in the order of their places.
    fn runs(self, all: &[Run; RUNS]) -> impl Iterator<Item = (usize, &Run)> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let place = left.trailing_zeros() as usize;
            let run = all.get(place)?;
            left &= left - 1;
            Some((place, run))
        })
    }
}

mod kept;
