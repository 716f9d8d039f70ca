//! How long after it was put on record a stop was in force here: as the gates of one store follow each other.

use std::fmt;
use wardgate_edge::metrics::Histogram;
use wardgate_model::time::Time;

/// The metric, as CONTRACT has it.
const NAME: &str = "wardgate_revocation_lag_seconds";
/// Upper bounds of it, in seconds.
const BOUNDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0];

/// Stops that were not in force here yet when the feed told of them. One that is made here is among them: it is on record first.
pub(crate) struct RevocationLag(Histogram);

impl Default for RevocationLag {
    fn default() -> Self {
        Self(Histogram::new(BOUNDS))
    }
}

impl fmt::Debug for RevocationLag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RevocationLag").finish()
    }
}

impl RevocationLag {
    /// A stop of that moment is in force now. Both are times of day, of two machines where another gate was told: clocks that differ are in it.
    pub(super) fn note(&self, recorded: Time, now: Time) {
        self.0.observe(now.since(recorded));
    }

    /// In the text format of Prometheus.
    #[must_use]
    pub(crate) fn render(&self) -> String {
        let what = "Seconds from the moment that a stop was put on record to its being in force here.";
        let mut text = format!("# HELP {NAME} {what}\n# TYPE {NAME} histogram\n");
        self.0.render(&mut text, NAME, "");
        text
    }
}
