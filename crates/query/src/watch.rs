//! Who ends the process when a question takes longer, or holds more, than it may. The engine looks at its own bounds only
//! where it waits; this looks from outside.

use crate::bounds::Bounds;
use std::{
    fs,
    io::Write as _,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(10);
/// With what status the process ends then: it failed.
const FAILED: i32 = 1;

/// Ends the process when it takes too long to answer, or too much memory until it ends.
#[derive(Debug)]
pub struct Watch {
    answered: Arc<AtomicBool>,
}

impl Watch {
    /// Begins to watch this process.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn begin(bounds: Bounds) -> std::io::Result<Self> {
        let answered = Arc::new(AtomicBool::new(false));
        let is_answered = Arc::clone(&answered);
        let began = now();
        // It ends with the process.
        thread::Builder::new().name("watch".to_owned()).spawn(move || {
            loop {
                if now().duration_since(began) >= bounds.time && !is_answered.load(Ordering::Acquire) {
                    end(&format!("it takes longer than the {} s that it may: ask for less, or allow more", bounds.time.as_secs_f64()));
                }
                if resident().is_some_and(|bytes| bytes > bounds.process_bytes()) {
                    end(&format!(
                        "it takes more than the {} MiB of memory that it may: ask for less at a time, or allow more",
                        bounds.memory_mib
                    ));
                }
                thread::park_timeout(LOOK);
            }
        })?;
        Ok(Self { answered })
    }

    /// The answer is there: whoever reads it may take its time. What it takes to write it is memory all the same.
    pub fn answered(&self) {
        self.answered.store(true, Ordering::Release);
    }
}

fn end(why: &str) -> ! {
    drop(writeln!(std::io::stderr(), "error: {why}"));
    process::exit(FAILED);
}

#[expect(clippy::disallowed_methods, reason = "a process of its own, which ends by this and by nothing else")]
fn now() -> Instant {
    Instant::now()
}

/// Memory that is really taken, in bytes, where the system tells.
fn resident() -> Option<usize> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<usize>().ok()?.checked_mul(rustix::param::page_size())
}
