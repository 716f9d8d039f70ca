//! Measures how well abuse is told from honest work in the simulated estate: `efficacy [--seeds 1,2,3] [--scale full|month|week|small] [--attacks] [--without-each | --only SIGNAL]`.

use anyhow::{Context, bail};
use std::io::Write;
use wardgate_model::risk::Signal;
use wardgate_testkit::{
    efficacy::{self, Outcome},
    estate::Scale,
};

const USAGE: &str = "usage: efficacy [--seeds 1,2,3] [--scale full|month|week|small] [--attacks] [--without-each | --only SIGNAL]";

fn main() -> anyhow::Result<()> {
    let (mut seeds, mut scale, mut attacks, mut without, mut only) = (vec![7_u64], Scale::SMALL, false, false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("`{word}` needs a value\n{USAGE}"));
        match word.as_str() {
            "--seeds" => {
                let text = value()?;
                seeds = text
                    .split(',')
                    .map(str::parse)
                    .collect::<Result<_, _>>()
                    .with_context(|| format!("`--seeds` needs numbers\n{USAGE}"))?;
            }
            "--scale" => {
                let name = value()?;
                scale = Scale::named(&name).with_context(|| format!("there is no scale `{name}`\n{USAGE}"))?;
            }
            "--attacks" => attacks = true,
            "--without-each" => without = true,
            "--only" => {
                let name = value()?;
                only = Some(Signal::parse(&name).with_context(|| format!("there is no signal `{name}`\n{USAGE}"))?);
            }
            other => bail!("`{other}` is not known\n{USAGE}"),
        }
    }
    let outcomes = seeds.iter().map(|seed| match only {
        Some(signal) => efficacy::alone(*seed, scale, signal),
        None => efficacy::measure(*seed, scale),
    });
    let outcomes = outcomes.collect::<Result<Vec<_>, _>>().map_err(anyhow::Error::msg)?;
    let mut page = String::new();
    if attacks {
        outcomes.iter().for_each(|outcome| page.push_str(&outcome.attacks()));
    }
    page.push_str(&Outcome::table(&outcomes));
    if without && let Some(first) = seeds.first() {
        page.push_str(&efficacy::without_each(*first, scale).map_err(anyhow::Error::msg)?);
    }
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}
