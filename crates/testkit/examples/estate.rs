//! Prints what an estate is like when nobody contains anything: `estate [--seed N] [--scale full|month|week|small] [--output table|json]`.

use anyhow::{Context, bail};
use std::io::Write;
use wardgate_testkit::estate::{Estate, Fate, Scale, Tally};

const USAGE: &str = "usage: estate [--seed N] [--scale full|month|week|small] [--output table|json]";

fn main() -> anyhow::Result<()> {
    let (mut seed, mut scale, mut json) = (7_u64, Scale::SMALL, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("`{word}` needs a value\n{USAGE}"));
        match word.as_str() {
            "--seed" => seed = value()?.parse().with_context(|| format!("`--seed` needs a number\n{USAGE}"))?,
            "--scale" => {
                let name = value()?;
                scale = Scale::named(&name).with_context(|| format!("there is no scale `{name}`\n{USAGE}"))?;
            }
            "--output" => match value()?.as_str() {
                "json" => json = true,
                "table" => json = false,
                other => bail!("there is no output `{other}`\n{USAGE}"),
            },
            other => bail!("`{other}` is not known\n{USAGE}"),
        }
    }
    let (mut estate, mut tally) = (Estate::new(seed, scale), Tally::default());
    while let Some(call) = estate.next() {
        tally.count(&estate, &call, Fate::Allowed);
        estate.settle(Fate::Allowed);
    }
    let page = if json { format!("{:#}\n", tally.json(&estate)) } else { tally.table(&estate) };
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}
