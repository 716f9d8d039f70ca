//! HTTP/2 seen from outside: frames as they pass, counted by kind (RFC 9113 §4.1, §10.5). The engine reads what they mean; here is
//! bounded how many may come that cost much and carry nothing.

use super::Refusal;
use crate::limits::EdgeLimits;
use std::time::Duration;
use wardgate_model::{reason::Reason, time::Time};

/// DATA (§6.1).
const DATA: u8 = 0;
/// HEADERS (§6.2).
const HEADERS: u8 = 1;
/// RST_STREAM (§6.4).
const RST_STREAM: u8 = 3;
/// SETTINGS (§6.5).
const SETTINGS: u8 = 4;
/// PING (§6.7).
const PING: u8 = 6;
/// GOAWAY (§6.8).
const GOAWAY: u8 = 7;
/// WINDOW_UPDATE (§6.9).
const WINDOW_UPDATE: u8 = 8;
/// CONTINUATION (§6.10).
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `ENHANCE_YOUR_CALM` (§7).
const ENHANCE_YOUR_CALM: u32 = 11;
/// Bytes of a frame's head.
const HEAD: usize = 9;
/// Bytes of its payload that are looked at.
const LEAD: usize = 8;
/// For how long frames are counted before the count begins anew.
const WINDOW: Duration = Duration::from_secs(10);
/// WINDOW_UPDATE frames that each DATA frame of ours may bring forth.
const UPDATES_PER_DATA: u32 = 10;

/// One frame, as far as it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    kind: u8,
    flags: u8,
    length: usize,
    lead: [u8; LEAD],
}

impl Frame {
    fn number(&self, at: usize) -> u32 {
        self.lead.iter().skip(at).take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
    }
}

/// Finds the frames in a stream of bytes, however it is cut.
#[derive(Debug)]
pub struct Frames {
    /// Bytes to pass over: the rest of a payload, or the preface.
    skip: usize,
    head: [u8; HEAD + LEAD],
    have: usize,
}

impl Frames {
    /// Begins behind so many bytes that are no frame.
    #[must_use]
    pub const fn behind(skip: usize) -> Self {
        Self { skip, head: [0; HEAD + LEAD], have: 0 }
    }

    /// Whether it stands between two frames.
    #[must_use]
    pub const fn is_between(&self) -> bool {
        self.skip == 0 && self.have == 0
    }

    /// Reads on, and shows every frame whose beginning is there.
    pub fn read(&mut self, mut bytes: &[u8], mut show: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let mut wanted = HEAD;
            if self.have >= HEAD {
                wanted += self.length().min(LEAD);
            }
            let taken = wanted.saturating_sub(self.have).min(bytes.len());
            if let (Some(room), Some(fresh)) = (self.head.get_mut(self.have..self.have + taken), bytes.get(..taken)) {
                room.copy_from_slice(fresh);
            }
            self.have += taken;
            bytes = bytes.get(taken..).unwrap_or_default();
            if self.have >= HEAD && self.have == HEAD + self.length().min(LEAD) {
                let [_, _, _, kind, flags, _, _, _, _, lead @ ..] = self.head;
                let length = self.length();
                show(Frame { kind, flags, length, lead });
                (self.skip, self.have, self.head) = (length - length.min(LEAD), 0, [0; HEAD + LEAD]);
            }
        }
    }

    fn length(&self) -> usize {
        let [high, middle, low, ..] = self.head;
        (usize::from(high) << 16) | (usize::from(middle) << 8) | usize::from(low)
    }
}

/// How many frames of a client have come that cost more than they carry.
#[derive(Debug, Default)]
pub struct Budget {
    since: Time,
    pings: u32,
    settings: u32,
    resets: u32,
    updates: u32,
    empty: u32,
    others: u32,
    /// DATA frames of ours.
    answered: u32,
    /// CONTINUATION frames of the header block under way.
    continued: u32,
}

impl Budget {
    /// Counts a frame of the client.
    ///
    /// # Errors
    /// When it is the one too many.
    pub fn came(&mut self, frame: Frame, now: Time, limits: &EdgeLimits) -> Result<(), Refusal> {
        if now.since(self.since) >= WINDOW {
            *self = Self { since: now, continued: self.continued, ..Self::default() };
        }
        let ends = |flag| frame.flags & flag != 0;
        let (count, max, detail) = match frame.kind {
            DATA if frame.length == 0 && !ends(END_STREAM) => (&mut self.empty, limits.empty_frames_max, "too many empty DATA frames"),
            DATA => return Ok(()),
            HEADERS => {
                self.continued = 0;
                return Ok(());
            }
            CONTINUATION => {
                // RUSTSEC-2024-0332.
                (&mut self.continued, limits.continuations_max, "a header section in too many CONTINUATION frames")
            }
            RST_STREAM => (&mut self.resets, limits.resets_max, "too many streams are reset"),
            SETTINGS => (&mut self.settings, limits.control_frames_max, "too many SETTINGS frames"),
            PING => (&mut self.pings, limits.control_frames_max, "too many PING frames"),
            WINDOW_UPDATE => {
                let max = limits.control_frames_max.saturating_add(self.answered.saturating_mul(UPDATES_PER_DATA));
                (&mut self.updates, max, "too many WINDOW_UPDATE frames")
            }
            _ => (&mut self.others, limits.control_frames_max, "too many frames of little use"),
        };
        *count += 1;
        let over = *count > max;
        if frame.kind == CONTINUATION && ends(END_HEADERS) {
            self.continued = 0;
        }
        if over { Err(Refusal::new(Reason::WireFlood, detail, 0)) } else { Ok(()) }
    }

    /// Counts a frame of ours. Gives why the engine ends the connection, where this frame says that it does.
    pub fn went(&mut self, frame: Frame) -> Option<Refusal> {
        match frame.kind {
            DATA => self.answered = self.answered.saturating_add(1),
            GOAWAY => {
                let detail = match frame.number(4) {
                    0 => return None,
                    2 => return Some(Refusal::new(Reason::ForwardFault, "the HTTP/2 engine failed", 0)),
                    ENHANCE_YOUR_CALM => return Some(Refusal::new(Reason::WireFlood, "too much that carries nothing", 0)),
                    1 => "a violation of HTTP/2",
                    3 => "a violation of flow control",
                    4 => "the SETTINGS were not acknowledged in time",
                    5 => "a frame on a closed stream",
                    6 => "a frame of a wrong size",
                    9 => "the header compression is broken",
                    _ => "the HTTP/2 connection cannot go on",
                };
                return Some(Refusal::new(Reason::WireMalformed, detail, 0));
            }
            _ => {}
        }
        None
    }
}

/// The last frame of a connection that is ended for what came over it (§6.8). It names the highest stream: none is to be tried again.
#[must_use]
pub fn farewell(refusal: &Refusal) -> Vec<u8> {
    let debug = refusal.detail.as_bytes();
    let length = u32::try_from(LEAD + debug.len()).unwrap_or_default().to_be_bytes();
    let [_, length @ ..] = length;
    let mut bytes = Vec::with_capacity(HEAD + LEAD + debug.len());
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&[GOAWAY, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&0x7FFF_FFFF_u32.to_be_bytes());
    bytes.extend_from_slice(&ENHANCE_YOUR_CALM.to_be_bytes());
    bytes.extend_from_slice(debug);
    bytes
}

#[cfg(test)]
mod tests;
