//! Signals that are for the command that we run, or that end us. One that is ignored when we begin stays ignored, here and in the command:
//! whoever began us wants that (`nohup`, and what a shell puts into the background).

use rustix::process::Signal;
use std::future::{pending, poll_fn};
use tokio::signal::unix::{Signal as Arriving, SignalKind, signal};

/// Where Linux says what a process does with signals; elsewhere there is no such file, and none is taken to be ignored.
const STATUS: &str = "/proc/self/status";
/// The line of it.
const IGNORED: &str = "SigIgn:";

/// Signals that are listened for.
pub(super) struct Heard(Vec<(Signal, Arriving)>);

impl Heard {
    /// What ends a process.
    ///
    /// # Errors
    /// They cannot be listened for.
    pub(super) fn ends() -> std::io::Result<Self> {
        Self::of(&[Signal::TERM, Signal::INT, Signal::HUP])
    }

    /// What a command is to have that runs under us.
    ///
    /// # Errors
    /// They cannot be listened for.
    pub(super) fn passed_on() -> std::io::Result<Self> {
        Self::of(&[Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2])
    }

    /// INVARIANT (ignored): to listen for a signal is to take it up, and what is taken up is not ignored by what we run either.
    fn of(signals: &[Signal]) -> std::io::Result<Self> {
        let ignored = std::fs::read_to_string(STATUS).ok().map_or(0, |status| ignored(&status));
        let taken = signals.iter().filter(|signal| !is_in(ignored, **signal));
        taken.map(|wanted| Ok((*wanted, signal(SignalKind::from_raw(wanted.as_raw()))?))).collect::<Result<_, std::io::Error>>().map(Self)
    }

    /// The next one that comes; never, where none is listened for.
    pub(super) async fn next(&mut self) -> Signal {
        if self.0.is_empty() {
            return pending().await;
        }
        poll_fn(|cx| {
            let mut came = self.0.iter_mut().filter_map(|(signal, arriving)| arriving.poll_recv(cx).is_ready().then_some(*signal));
            came.next().map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

/// The signals that are ignored: number N is bit N - 1.
fn ignored(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(IGNORED));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn is_in(mask: u64, signal: Signal) -> bool {
    let bit = u32::try_from(signal.as_raw() - 1).ok();
    bit.and_then(|bit| mask.checked_shr(bit)).is_some_and(|rest| rest & 1 == 1)
}

#[cfg(test)]
mod tests;
