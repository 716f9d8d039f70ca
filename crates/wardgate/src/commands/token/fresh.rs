//! A token that is kept fresh: the next one is there before the last one ends, so that nobody waits but for the first.

use super::{
    asking::{Asker, Token},
    issuer::NoAnswer,
};
use crate::{clock, output::note};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};
use wardgate_model::time::Time;

/// The first wait after a failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Who needs a token waits so long at the most, where there is none.
const PATIENCE: Duration = Duration::from_secs(30);
/// The clock is looked at so often: timers stand still while a machine sleeps, tokens end all the same.
const LOOKED: Duration = Duration::from_secs(15);

/// A token that is kept fresh for as long as this is held.
pub(super) struct Fresh {
    tokens: watch::Receiver<Option<Arc<Token>>>,
    wanted: Arc<Notify>,
    renewing: tokio::task::JoinHandle<()>,
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Fresh {
    /// Gets the first token, and keeps it fresh from then on.
    ///
    /// # Errors
    /// There is no first one.
    pub(super) async fn begin(asker: Arc<Asker>) -> Result<Self, NoAnswer> {
        let (tell, tokens) = watch::channel(Some(Arc::new(asker.ask().await?)));
        let wanted = Arc::new(Notify::new());
        let renewing = tokio::spawn(renew(asker, tell, Arc::clone(&wanted)));
        Ok(Self { tokens, wanted, renewing })
    }

    /// A token that has not ended. There is one at once but where the token service did not answer for so long that the last one ended.
    pub(super) async fn token(&self) -> Option<Arc<Token>> {
        let live = |token: &Option<Arc<Token>>| token.as_ref().is_some_and(|token| clock::now() < token.ends);
        let mut tokens = self.tokens.clone();
        let there = tokens.borrow().clone().filter(|token| clock::now() < token.ends);
        if there.is_some() {
            return there;
        }
        self.wanted.notify_one();
        let waited = tokio::time::timeout(PATIENCE, tokens.wait_for(live)).await.ok()?.ok()?;
        waited.clone()
    }

    /// The token that comes after this one; `None`: nothing comes any more.
    pub(super) async fn after(&self, last: &Arc<Token>) -> Option<Arc<Token>> {
        let mut tokens = self.tokens.clone();
        let next = tokens.wait_for(|token| token.as_ref().is_some_and(|token| !Arc::ptr_eq(token, last))).await.ok()?;
        next.clone()
    }

    /// Has a new token: this one was refused.
    pub(super) fn refused(&self, refused: &Arc<Token>) {
        if self.tokens.borrow().as_ref().is_some_and(|token| Arc::ptr_eq(token, refused)) {
            self.wanted.notify_one();
        }
    }
}

/// When the next one is got: with a third of its life left.
fn due(token: &Token, now: Time) -> bool {
    now + token.life / 3 >= token.ends
}

async fn renew(asker: Arc<Asker>, tell: watch::Sender<Option<Arc<Token>>>, wanted: Arc<Notify>) {
    let mut pause = PAUSE;
    loop {
        let until_due = tell.borrow().as_ref().map_or(Duration::ZERO, |token| {
            if due(token, clock::now()) { Duration::ZERO } else { token.ends.since(clock::now() + token.life / 3).min(LOOKED) }
        });
        let asked_for = tokio::select! {
            () = wanted.notified() => true,
            () = tokio::time::sleep(until_due) => false,
        };
        if !asked_for && tell.borrow().as_ref().is_some_and(|token| !due(token, clock::now())) {
            continue;
        }
        match asker.ask().await {
            Ok(token) => {
                pause = PAUSE;
                tell.send_replace(Some(Arc::new(token)));
                // Not at once again, whatever somebody wants, and however short tokens live.
                tokio::time::sleep(PAUSE).await;
            }
            Err(why) => {
                note(&format!("warning: {why}; trying again in {} s", pause.as_secs()));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}
