//! Segments: all that the log names, and all that lies there.

use super::{
    Finding, Look,
    segment::{Looked, Looking, Named},
    tails::Tails,
};
use crate::{
    directory::SEGMENTS,
    hands,
    ledger::Ledger,
    plain,
    seal::TailNote,
    segment::{Segment, SegmentName, write::UNFINISHED},
    store::Stub,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    ops::ControlFlow,
};

impl Look<'_> {
    /// All that the log names and all that lies there. Where the note tells of events that are sealed by now, whether they are
    /// the ones that it tells of.
    pub(super) fn segments(&mut self, ledger: &Ledger, note: Option<&TailNote>, tails: &Tails) -> io::Result<()> {
        let there = self.list(ledger, tails)?;
        let signed = |first| note.and_then(|note| note.held(first)).filter(|held| held.events > 0);
        let named: Vec<Named<'_>> = ledger
            .segments
            .iter()
            .map(|(first, known)| Named { first: *first, known, there: there.contains(first), signed: signed(*first) })
            .collect();
        let (directory, depth, edge) = (self.directory, self.asked.depth, self.edge());
        let look = |named: &Named<'_>| (named.first, named.known.events, Looking::new(directory, depth, edge).look(*named));
        let mut elsewhere = BTreeMap::new();
        self.report.erased = ledger.segments.values().fold(0, |erased, known| erased.saturating_add(known.erased));
        hands::in_order(self.hands, &named, look, |(first, events, mut looked)| {
            if let Some(stores) = looked.elsewhere.take() {
                let (files, not_read) = elsewhere.entry(stores).or_insert_with(|| (Vec::new(), 0_u64));
                files.push(format!("{SEGMENTS}/{}", Stub::path(SegmentName { first_seq: first }.to_string().as_ref()).display()));
                *not_read = not_read.saturating_add(events);
            }
            self.take(events, looked);
            ControlFlow::Continue(())
        })?;
        // One for each store, however many files name it: a configuration that was changed must not crowd out what else is found.
        for ((said, own), (files, events)) in elsewhere {
            self.find(Finding::Elsewhere { files, events, said, own });
        }
        Ok(())
    }

    /// Takes in what a look at the segment that comes next gave.
    fn take(&mut self, events: u64, looked: Looked) {
        self.report.segments += 1;
        self.report.sealed = self.report.sealed.saturating_add(events);
        if looked.bytes > 0 {
            self.looked_at(looked.bytes);
        }
        looked.findings.into_iter().for_each(|finding| self.find(finding));
        if self.away.is_none() {
            self.away = looked.away;
        }
    }

    /// Which segments lie there. What does not belong there is said.
    fn list(&mut self, ledger: &Ledger, tails: &Tails) -> io::Result<BTreeSet<u64>> {
        let mut there = BTreeSet::new();
        let entries = match fs::read_dir(self.directory.join(SEGMENTS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(there),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let file = format!("{SEGMENTS}/{name}");
            match SegmentName::parse(&name) {
                Some(SegmentName { first_seq }) if ledger.segments.contains_key(&first_seq) => {
                    there.insert(first_seq);
                }
                Some(SegmentName { first_seq }) if first_seq <= ledger.retired => self.find(Finding::Retired { file }),
                // Sealed, and not yet in the log: its tail is still there and counts.
                Some(SegmentName { first_seq }) if first_seq >= ledger.next() && self.is_of_tail(first_seq, &name, tails) => (),
                Some(_) => self.find(Finding::Extra { file }),
                // Being written, or left by a machine that stopped: it is written anew, or taken away at the next start.
                // It lies in a store.
                None if SegmentName::parse_stored(&name).is_some_and(|name| ledger.segments.contains_key(&name.first_seq)) => {
                    there.extend(SegmentName::parse_stored(&name).map(|name| name.first_seq));
                }
                None if SegmentName::parse_stored(&name).is_some_and(|name| name.first_seq <= ledger.retired) => {
                    self.find(Finding::Retired { file })
                }
                None if name.strip_suffix(UNFINISHED).and_then(SegmentName::parse).is_some_and(|name| may_be_written(name, ledger)) => (),
                None => self.find(Finding::Stray { file }),
            }
        }
        Ok(there)
    }

    /// Whether a segment that the log does not name yet is what a tail that is still there makes.
    fn is_of_tail(&self, first_seq: u64, name: &str, tails: &Tails) -> bool {
        let path = self.directory.join(SEGMENTS).join(name);
        // Nothing waits for what is no file.
        plain::open(&path).is_ok() && Segment::open(&path).is_ok_and(|segment| segment.first_seq() == first_seq && tails.hold(&segment))
    }
}

/// Whether a segment of this name is sealed or erased from some time: that of one that is retired is not.
fn may_be_written(name: SegmentName, ledger: &Ledger) -> bool {
    name.first_seq >= ledger.next() || ledger.segments.contains_key(&name.first_seq)
}
