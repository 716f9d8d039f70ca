//! Where all meters stand at one moment, and meters that go on from there: for replays.
//!
//! The journal keeps what must outlive the process, which is quotas alone. A replay has to go on with everything, or the first
//! rulings after its beginning would have more left than there was.

use crate::{
    journal::MeterRecord,
    key::{Counted, MeterKey},
    limits::{Asked, Limits},
    meter::{Gauge, Meter},
    meters::Meters,
    reservation::{Hold, Taking},
};
use std::{
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
};
use wardgate_model::{facts::Facts, time::Time};

/// Where one meter stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Which meter.
    pub key: MeterKey,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a meter of one kind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A rate: the moment at which its bucket is full again, in the units of the bucket alone.
    Rate {
        /// That moment, of which only [`Meters::resume`] makes something.
        full_at: u64,
    },
    /// A calendar window.
    Window {
        /// When it began.
        start: Time,
        /// What was used of it: requests or bytes.
        used: u64,
    },
}

/// There are more meters than a checkpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {most} meters in use")]
pub struct TooMany {
    /// How many it takes.
    pub most: usize,
}

impl Meters {
    /// Where every meter stands that says anything at `now`: full buckets and windows that are over do not. How many requests are
    /// under way is left out: whoever replays knows them ([`Meters::hold`]).
    ///
    /// # Errors
    /// When there are more than `most`.
    pub fn levels(&self, now: Time, most: usize) -> Result<Vec<Level>, TooMany> {
        let map = self.shared.map.pin();
        let mut levels = Vec::new();
        for (key, meter) in &map {
            let standing = match &meter.gauge {
                Gauge::Flow(flow) if flow.bucket.is_full(now) => None,
                Gauge::Flow(flow) => Some(Standing::Rate { full_at: flow.bucket.level() }),
                Gauge::Ledger(ledger) if ledger.is_over(now) => None,
                Gauge::Ledger(ledger) => ledger.record().map(|(start, used)| Standing::Window { start, used }),
            };
            if let Some(standing) = standing {
                if levels.len() >= most {
                    return Err(TooMany { most });
                }
                levels.push(Level { key: key.clone(), standing });
            }
        }
        Ok(levels)
    }

    /// Goes on from these levels. To be called before the first request; a meter that is there already stays as it is. A level
    /// whose key is of another kind of meter is passed over.
    pub fn resume(&self, levels: impl IntoIterator<Item = Level>) {
        let map = self.shared.map.pin();
        for Level { key, standing } in levels {
            match (standing, key.counted()) {
                (Standing::Rate { full_at }, Counted::Flow) => {
                    let room = self.shared.room(key.borrow());
                    if map.try_insert(key, Arc::new(Meter::at(full_at))).is_ok()
                        && let Some((count, _)) = room
                    {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
                (Standing::Window { start, used }, Counted::Quota(_) | Counted::Bytes(_)) => {
                    self.restore([MeterRecord { key, window_start: start, used }]);
                }
                (Standing::Rate { .. }, _) | (Standing::Window { .. }, Counted::Flow) => {}
            }
        }
    }

    /// The places of a request that was let in before a checkpoint and is under way still: it takes no rate and no quota, which are
    /// in the checkpoint, and is charged for bytes as any other.
    pub fn hold(&self, limits: &Limits, facts: &Facts) -> Hold {
        let asked = Asked::of(facts);
        let map = self.shared.map.pin();
        let mut taking = Taking::new(&self.shared, limits);
        let _all = limits.each_matching(&asked, |place, rule| {
            let subject = asked.subject(rule.per);
            for (at, part) in rule.parts.iter().enumerate() {
                self.shared.occupy(&map, &mut taking, (place, at), rule, part, subject);
            }
            ControlFlow::<()>::Continue(())
        });
        Hold::of(taking)
    }
}

#[cfg(test)]
mod tests;
