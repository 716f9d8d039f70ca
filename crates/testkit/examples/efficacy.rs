//! Measures how well abuse is told from honest work in the simulated estate.

use anyhow::{Context, bail};
use std::io::Write;
use wardgate_model::risk::Signal;
use wardgate_testkit::{
    efficacy::{self, Outcome},
    estate::Scale,
};

const USAGE: &str = "usage: efficacy [--seeds 1,2,3] [--scale full|month|week|small] [--attacks] [--without-each | --only SIGNAL]
       efficacy --document     what docs/efficacy-table.md holds; half an hour";

fn main() -> anyhow::Result<()> {
    let (mut seeds, mut scale, mut attacks, mut without, mut only) = (vec![7_u64], Scale::SMALL, false, false, None);
    let (mut document, mut words) = (false, std::env::args().skip(1));
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
            "--document" => document = true,
            "--without-each" => without = true,
            "--only" => {
                let name = value()?;
                only = Some(Signal::parse(&name).with_context(|| format!("there is no signal `{name}`\n{USAGE}"))?);
            }
            other => bail!("`{other}` is not known\n{USAGE}"),
        }
    }
    let told = |what: &str| {
        // Who went away needs no progress.
        let _ = writeln!(std::io::stderr().lock(), "done: {what}");
    };
    let page = if document {
        efficacy::document(&told).map_err(anyhow::Error::msg)?
    } else {
        let switched_off: Vec<Signal> = Signal::ALL.iter().copied().filter(|other| only.is_some_and(|only| only != *other)).collect();
        let outcomes = efficacy::measure(&seeds, scale, &switched_off, &told).map_err(anyhow::Error::msg)?;
        let mut page = String::new();
        if attacks {
            outcomes.iter().for_each(|outcome| page.push_str(&outcome.attacks()));
        }
        page.push_str(&Outcome::table(&outcomes));
        if without && let Some(first) = seeds.first() {
            let table = efficacy::without_each(*first, scale, &told).map_err(anyhow::Error::msg)?;
            page.push_str(&format!("\nWITHOUT ONE SIGNAL, NORMAL STRENGTH\n{table}"));
        }
        page
    };
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}
