//! A token that is kept fresh: the next one is there before the last one ends, so that nobody waits but for the first. While the token
//! service is away it is asked again after pauses that grow, and those who need a token are told why there is none.

use super::{
    asking::{Asker, Token},
    issuer::NoAnswer,
};
use crate::{
    clock::{self, Instant},
    output::note,
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};

/// The first wait after a failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// The longest that the token service can ask for (`Retry-After`).
const AFTER_MAX: Duration = Duration::from_mins(10);
/// Who needs a token waits so long at the most, where there is none.
const PATIENCE: Duration = Duration::from_secs(30);
/// The clock is looked at so often: timers stand still while a machine sleeps, tokens end all the same.
const LOOKED: Duration = Duration::from_secs(15);

/// A token that is kept fresh for as long as this is held.
pub(super) struct Fresh {
    kept: watch::Receiver<Kept>,
    wanted: Arc<Notify>,
    renewing: tokio::task::JoinHandle<()>,
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// What there is.
struct Kept {
    token: Arc<Token>,
    /// Why there is no newer one, where that was asked for in vain.
    trouble: Option<Trouble>,
}

/// Why there is no token.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    why: Arc<str>,
    /// When the token service is asked again.
    again: Instant,
}

impl Trouble {
    /// How long until it is asked again.
    pub(super) fn left(&self) -> Duration {
        self.again.since(clock::instant())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the last token ended, and there is no new one: {}", self.why)
    }
}

impl std::error::Error for Trouble {}

impl Fresh {
    /// Gets the first token, and keeps it fresh from then on.
    ///
    /// # Errors
    /// There is no first one.
    pub(super) async fn begin(asker: Arc<Asker>) -> Result<Self, NoAnswer> {
        let (tell, kept) = watch::channel(Kept { token: Arc::new(asker.ask().await?), trouble: None });
        let wanted = Arc::new(Notify::new());
        let renewing = tokio::spawn(renew(asker, tell, Arc::clone(&wanted)));
        Ok(Self { kept, wanted, renewing })
    }

    /// A token that has not ended. There is one at once but where the token service did not answer for so long that the last one ended.
    ///
    /// # Errors
    /// There is none, and none will be there soon.
    pub(super) async fn token(&self) -> Result<Arc<Token>, Trouble> {
        let mut kept = self.kept.clone();
        let end = clock::instant() + PATIENCE;
        loop {
            let trouble = {
                let kept = kept.borrow_and_update();
                if kept.token.is_live(clock::instant()) {
                    return Ok(Arc::clone(&kept.token));
                }
                kept.trouble.clone()
            };
            if let Some(trouble) = trouble.as_ref().filter(|trouble| trouble.again > end) {
                return Err(trouble.clone());
            }
            self.wanted.notify_one();
            let patient = tokio::time::timeout(end.since(clock::instant()), kept.changed()).await;
            if !matches!(patient, Ok(Ok(()))) {
                let silent = || Trouble { why: "the token service does not answer".into(), again: clock::instant() + PAUSE };
                return Err(trouble.unwrap_or_else(silent));
            }
        }
    }

    /// The token that comes after this one; `None`: nothing comes any more.
    pub(super) async fn after(&self, last: &Arc<Token>) -> Option<Arc<Token>> {
        let mut kept = self.kept.clone();
        let next = kept.wait_for(|kept| !Arc::ptr_eq(&kept.token, last)).await.ok()?;
        Some(Arc::clone(&next.token))
    }

    /// Has a new token: this one was refused.
    pub(super) fn refused(&self, refused: &Arc<Token>) {
        if Arc::ptr_eq(&self.kept.borrow().token, refused) {
            self.wanted.notify_one();
        }
    }
}

/// How long is waited after so many failures in a row, from half of what it could be to all of it: many clients that lost their token service at
/// once do not come back at once. What the service asks for is waited for in any case.
fn pause(failures: u32, after: Option<Duration>, entropy: u128) -> Duration {
    let most = PAUSE.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(PAUSE_MAX);
    let share = u32::try_from(entropy & 0xFFFF).unwrap_or_default();
    let spread = most / 2 + most / 2 * share / 0xFFFF;
    spread.max(after.map_or(Duration::ZERO, |after| after.min(AFTER_MAX) + most / 2 * share / 0xFFFF))
}

/// Waits for a moment in pieces: a timer stands still while the machine sleeps, and what it slept is not waited for again.
async fn until(moment: Instant, now: impl Fn() -> Instant, sleep: impl AsyncFn(Duration)) {
    loop {
        let left = moment.since(now());
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOKED)).await;
    }
}

async fn renew(asker: Arc<Asker>, tell: watch::Sender<Kept>, wanted: Arc<Notify>) {
    let mut failures = 0;
    loop {
        let due = tell.borrow().token.due();
        let asked_for = tokio::select! {
            () = wanted.notified() => true,
            () = tokio::time::sleep(due.since(clock::instant()).min(LOOKED)) => false,
        };
        if !asked_for && clock::instant() < due {
            continue;
        }
        match asker.ask().await {
            Ok(token) => {
                failures = 0;
                tell.send_replace(Kept { token: Arc::new(token), trouble: None });
                // Not at once again, whatever somebody wants, and however short tokens live.
                tokio::time::sleep(PAUSE).await;
                // Whoever wanted one meanwhile has this one.
                tokio::select! { biased; () = wanted.notified() => {}, () = std::future::ready(()) => {} }
            }
            Err(why) => {
                let after = if let NoAnswer::Later { after, .. } = &why { *after } else { None };
                let pause = pause(failures, after, clock::entropy());
                failures = failures.saturating_add(1);
                let shown = pause.as_secs().max(1);
                note(&format!("warning: {why}; trying again in {shown} s"));
                let again = clock::instant() + pause;
                let trouble = Trouble { why: why.to_string().into(), again };
                tell.send_modify(|kept| kept.trouble = Some(trouble));
                until(again, clock::instant, tokio::time::sleep).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
