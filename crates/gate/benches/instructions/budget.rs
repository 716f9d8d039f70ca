//! The written budget: `NAME INSTRUCTIONS` a line.

/// What may be over it before it counts: a tenth.
const TOLERANCE_PERCENT: u64 = 10;

/// What each room may spend.
#[derive(Debug)]
pub(crate) struct Budget(Vec<(String, u64)>);

impl Budget {
    /// Reads the text. Lines that begin with `#` are remarks.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let rows = lines.map(|line| {
            let row = line.split_once(char::is_whitespace).and_then(|(name, most)| Some((name.to_owned(), most.trim().parse().ok()?)));
            row.ok_or_else(|| format!("budget.txt: `{line}` is not a name and a number"))
        });
        rows.collect::<Result<_, _>>().map(Self)
    }

    /// What a room may spend, in instructions.
    pub(crate) fn of(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, most)| *most)
    }

    /// Whether it spent more. What has no line has no budget, which is over it.
    pub(crate) fn is_over(&self, name: &str, cost: u64) -> bool {
        self.of(name).is_none_or(|most| cost * 100 > most * (100 + TOLERANCE_PERCENT))
    }
}
