//! The files that say something of addresses, read as who serves would read them.

use super::Looking;
use crate::clock;
use std::thread;
use wardgate_feeds::charts::{Chart, Charts, FileState, Settings};
use wardgate_model::diagnostic::{Diagnostic, Place};

impl Looking<'_> {
    /// Reads them: a file that is none is an error, an entry of it that is wrong worth a word.
    pub(super) fn sources(&mut self, settings: &Settings) {
        let mut lists = 0..;
        for state in read(settings) {
            let key = match state.chart {
                Chart::List => format!("sources.reputation[{}].file", lists.next().unwrap_or(0)),
                Chart::Country => "sources.mmdb.country".to_owned(),
                Chart::Network => "sources.mmdb.asn".to_owned(),
            };
            if let Some(why) = &state.failure {
                self.wrong(&key, why, "put a file of that kind there, readable by who runs the gate, or name another");
            }
            let place = Place::file(&state.path);
            for wrong in &state.wrong {
                let line = u32::try_from(wrong.at).unwrap_or(0);
                let what = format!("{}; entries that are passed over: {}", wrong.what, state.bad);
                self.found.push(Diagnostic::warning(place.at(line, 0), "sources.entry", what).mend("ask who publishes the list"));
            }
        }
    }
}

/// On a thread of its own: whoever asks may be in a runtime already.
fn read(settings: &Settings) -> Vec<FileState> {
    let charts = Charts::new(settings.clone());
    if charts.is_empty() {
        return Vec::new();
    }
    let looked = thread::scope(|scope| {
        let look = scope.spawn(move || {
            let mut charts = charts;
            let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
            runtime.block_on(charts.look(clock::now()));
            Some(charts.states())
        });
        look.join().ok().flatten()
    });
    looked.unwrap_or_default()
}
