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
    /// Of what: an operation, for whom.
    of: u32,
    /// The last number.
    at: u32,
    /// When, in an order of its own.
    turn: u32,
    length: u16,
    /// Which way it goes: 1, -1, or 0 while there is one number only.
    way: i8,
}

/// The runs of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runs {
    runs: [Run; RUNS],
    turn: u32,
}

impl Default for Runs {
    fn default() -> Self {
        Self { runs: [Run::default(); RUNS], turn: 0 }
    }
}

impl Runs {
    /// Follows a number; says how long the run is that it belongs to.
    pub(super) fn follow(&mut self, of: u32, at: u32) -> u16 {
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let way = |run: &Run| {
            if (1..=STEP_MAX).contains(&at.wrapping_sub(run.at)) {
                1_i8
            } else if (1..=STEP_MAX).contains(&run.at.wrapping_sub(at)) {
                -1
            } else {
                0
            }
        };
        let belongs = |run: &&mut Run| run.length > 0 && run.of == of && (way(run) != 0 || run.at == at);
        if let Some(run) = self.runs.iter_mut().filter(belongs).max_by_key(|run| (run.way == 0 || run.way == way(run), run.length)) {
            let goes = way(run);
            if goes != 0 {
                run.length = if run.way == 0 || run.way == goes { (run.length + 1).min(LENGTH_MAX) } else { 2 };
                run.way = goes;
            }
            (run.at, run.turn) = (at, turn);
            return run.length;
        }
        // Each kind of thing has a few runs, so that two by chance seldom make one; those that have grown stay longest.
        let stays = |run: &&mut Run| (run.length.min(STAYS), run.turn);
        let own = self.runs.iter().filter(|run| run.length > 0 && run.of == of).count();
        let place = if own >= RUNS_EACH {
            self.runs.iter_mut().filter(|run| run.of == of).min_by_key(stays)
        } else {
            self.runs.iter_mut().min_by_key(stays)
        };
        if let Some(run) = place {
            *run = Run { of, at, turn, length: 1, way: 0 };
        }
        1
    }

    /// How long the run is that has come to this number.
    pub(super) fn length(&self, of: u32, at: u32) -> u16 {
        self.runs.iter().find(|run| run.length > 0 && run.of == of && run.at == at).map_or(0, |run| run.length)
    }
}

mod kept;
