//! The page of figures: whole estates of several seeds, none of them picked.

use super::{Outcome, measure, without_each};
use crate::estate::Scale;

/// The seeds of the page: the first there are. Weights were chosen at another one.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
/// How large the estates are that are judged once more for each signal: the same weeks and identities with a fifth of the calls.
const WITHOUT: (&str, Scale) = ("month", Scale::MONTH);
/// The seed of these.
const WITHOUT_SEED: u64 = 1;

/// The page `docs/efficacy-table.md`. Half an hour on two processors; `told` hears of each estate that is done.
///
/// # Errors
/// When an estate's documents are not read.
pub fn document(told: &(dyn Fn(&str) + Sync)) -> Result<String, String> {
    let outcomes = measure(&SEEDS, Scale::FULL, &[], told)?;
    let each: String = outcomes.iter().map(|outcome| format!("{:<18}{}\n", outcome.seed, outcome.brief())).collect();
    let (soon, drips) = Outcome::drips(&outcomes);
    let without = without_each(WITHOUT_SEED, WITHOUT.1, told)?;
    Ok(format!(
        "<!-- Made by `cargo run --release -p wardgate-testkit --example efficacy -- --document`, held to by `cargo xtask efficacy`. -->

# Efficacy: the figures

What these words mean, how it is measured and where it misses: [efficacy.md](efficacy.md).

## Four weeks of two hundred identities, seeds {seeds}

Weights were chosen at seed 7; these are the first five there are, and none is left out.

```text
{table}```

Slow scraping of normal strength takes 1.3 times what its victim does, for days: {soon} of {drips} were found within three days.

## Each of these estates

Attacks of normal strength. *Leaked* is the mean of what each attack leaked of its take, so that one large one does not hide the others.

```text
{head:<18}{brief}
{each}```

## Without each signal

Scale `{scale}` (a fifth of the calls), seed {one}: what becomes of it when one signal is switched off. In the first line none is. Signals cover for
one another, so a line that does not change says that nothing here is found by this one alone, and not that it finds nothing
(`efficacy --only SIGNAL` says what each finds by itself).

```text
{without}```
",
        seeds = SEEDS.map(|seed| seed.to_string()).join(", "),
        table = Outcome::table(&outcomes).trim_start(),
        head = "seed",
        brief = Outcome::BRIEF,
        scale = WITHOUT.0,
        one = WITHOUT_SEED,
    ))
}
