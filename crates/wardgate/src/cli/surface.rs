//! Operations and the documents of their APIs.

use super::ReadArgs;
use clap::Args;

/// `wardgate operations`.
#[derive(Debug, Args)]
pub struct OperationsArgs {
    /// Only of this API
    #[arg(long, value_name = "NAME")]
    pub api: Option<String>,
    /// Only what is called and in no document
    #[arg(long, group = "standing")]
    pub shadow: bool,
    /// Only what is called and should not be any more: deprecated, past its sunset, taken out
    #[arg(long, group = "standing")]
    pub zombie: bool,
    /// Only what nobody calls
    #[arg(long, group = "standing")]
    pub unused: bool,
    /// Only what is called otherwise than the document has it
    #[arg(long, group = "standing")]
    pub drift: bool,
    /// Without a call for so long an operation is unused
    #[arg(long, default_value = "90d", value_name = "TIME", value_parser = super::span)]
    pub unused_for: std::time::Duration,
    /// Where to, and in which form
    #[command(flatten)]
    pub read: ReadArgs,
}

impl OperationsArgs {
    /// The word for what is asked for; `None`: all.
    #[must_use]
    pub fn standing(&self) -> Option<&'static str> {
        let words = [(self.shadow, "shadow"), (self.zombie, "zombie"), (self.unused, "unused"), (self.drift, "drift")];
        words.iter().find(|(asked, _)| *asked).map(|(_, word)| *word)
    }
}
