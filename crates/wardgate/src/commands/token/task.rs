//! A task of its own for a command: started before it, kept alive while it runs, and ended as it ends.
//!
//! Whatever becomes of this process, the task is not left behind: without a heartbeat it lapses, and its tokens with it.

use super::{
    asking::{Asker, Asks},
    fresh::Fresh,
    issuer::Answered,
};
use crate::{
    cli::TokenTaskArgs,
    client::segment,
    output::{note, plain},
};
use anyhow::Context as _;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wardgate_proof::entropy::{Entropy as _, SystemEntropy};

/// Heartbeats in a lease: two may be lost.
const BEATS: u32 = 3;
/// How often it is tried to end a task, and the wait between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// Longest that is waited until a task is ended.
pub(super) const END_MAX: Duration = Duration::from_secs(10);
/// The same from when somebody wants us to end: whoever ended the command may have told us with it, and the task is to be told all the same.
pub(super) const HURRY: Duration = Duration::from_secs(2);

/// A task that was started for a command.
pub(super) struct Running {
    asker: Arc<Asker>,
    /// What opens the API of tasks.
    tokens: Fresh,
    /// Its address there.
    url: String,
    id: String,
    lease: Duration,
}

impl Running {
    /// Starts a task by what this client proves itself by, at the API that its tokens are for.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub(super) async fn start(asker: &Asker, purpose: &str, resource: &str, args: &TokenTaskArgs) -> anyhow::Result<Self> {
        let asker = Arc::new(asker.asking(Asks { resource: Some(asker.issuer().tasks_resource()), ..Asks::default() }));
        let tokens = Fresh::begin(Arc::clone(&asker)).await.context("no token to start a task with")?;
        let mut name = [0; 16];
        SystemEntropy.fill(&mut name)?;
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let lease = args.lease_within_life();
        let wanted = json!({
            "purpose": purpose,
            "resource": resource,
            "operations": args.operations,
            "resources": args.task_resources,
            "lifetime": args.lifetime,
            "lease": lease.map(|lease| lease.as_secs()),
            "budget": { "calls": args.calls, "bytes": args.bytes, "records": args.records },
        });
        let fields = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("idempotency-key"), HeaderValue::try_from(format!("\"{name}\""))?),
        ];
        let tasks = asker.issuer().tasks().context("the token service is at no address below which tasks could be")?;
        let started = post(&asker, &tokens, &tasks, fields, wanted.to_string()).await?.good("task")?;
        let id = started.get("task_id").and_then(Value::as_str).context("the answer has no `task_id`")?.to_owned();
        Ok(Self { url: format!("{tasks}/{}", segment(&id)), asker, tokens, id, lease: lease.unwrap_or(args.lease) })
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Says again and again that it is under way. Ends when it is over.
    pub(super) async fn beat(&self) {
        let mut tick = tokio::time::interval(self.lease / BEATS);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first is at once, and it was heard of just now.
        tick.tick().await;
        loop {
            tick.tick().await;
            match self.say("heartbeat").await {
                Ok(_) => {}
                Err(Silence::Over(why)) => {
                    return note(&format!("warning: {why}: the task `{}` is over, and its tokens with it", plain(&self.id)));
                }
                Err(Silence::Unheard(why)) => note(&format!("warning: {why}")),
            }
        }
    }

    /// Ends it: the command ended well, or did not. Where nobody can be told, the task lapses by itself.
    pub(super) async fn end(&self, well: bool) {
        let step = if well { "complete" } else { "fail" };
        for turn in 1..=TRIES {
            match self.say(step).await {
                Ok(said) => {
                    // It was stopped since the last heartbeat: the command may have been refused without a word about why.
                    if let Some(since) = said.get("contained").and_then(Value::as_str) {
                        note(&format!(
                            "warning: the task `{}` was contained by somebody at {}: its tokens were refused since",
                            plain(&self.id),
                            plain(since)
                        ));
                    }
                    return;
                }
                Err(Silence::Unheard(_)) if turn < TRIES => tokio::time::sleep(PAUSE).await,
                Err(Silence::Unheard(why)) => note(&format!("warning: {why}: the task `{}` lapses by itself", plain(&self.id))),
                Err(Silence::Over(why)) => return note(&format!("warning: {why}: the task `{}` was over before", plain(&self.id))),
            }
        }
    }

    /// Gives what is said of the task then.
    async fn say(&self, step: &str) -> Result<Value, Silence> {
        let said = post(&self.asker, &self.tokens, &format!("{}/{step}", self.url), Vec::new(), String::new()).await;
        let said = said.map_err(|error| Silence::Unheard(format!("{error:#}")))?;
        let over = matches!(said.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
        said.good(step).map_err(|why| if over { Silence::Over(why.to_string()) } else { Silence::Unheard(why.to_string()) })
    }
}

/// Why something that was said of a task does not count.
enum Silence {
    /// The task is not under way.
    Over(String),
    /// It was not heard, or not believed: it may be another time.
    Unheard(String),
}

/// Lets something come to its end, for so long at the most, and for so long after a signal. `false`: it did not.
pub(super) async fn in_time<S>(ending: impl Future<Output = ()>, signal: impl Future<Output = S>, most: Duration, hurry: Duration) -> bool {
    let hurried = async {
        signal.await;
        tokio::time::sleep(hurry).await;
    };
    tokio::select! {
        biased;
        () = ending => true,
        () = hurried => false,
        () = tokio::time::sleep(most) => false,
    }
}

async fn post(
    asker: &Asker,
    tokens: &Fresh,
    url: &str,
    mut fields: Vec<(HeaderName, HeaderValue)>,
    body: String,
) -> anyhow::Result<Answered> {
    let token = tokens.token().await?;
    let mut shown = HeaderValue::try_from(format!("Bearer {}", token.text.danger_expose()))?;
    shown.set_sensitive(true);
    fields.push((header::AUTHORIZATION, shown));
    let answered = asker.way().ask(&token.tls, Method::POST, url, fields, body).await?;
    if answered.status == StatusCode::UNAUTHORIZED {
        tokens.refused(&token);
    }
    Ok(answered)
}

#[cfg(test)]
mod tests {
    use super::in_time;
    use std::{
        future::{pending, ready},
        time::Duration,
    };

    /// So long nobody waits but for what never comes.
    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn nobody_waits_long_for_the_end_of_a_task() {
        assert!(in_time(ready(()), pending::<()>(), LONG, LONG).await);
        assert!(in_time(ready(()), ready(()), Duration::ZERO, Duration::ZERO).await, "what is done is done");
        assert!(!in_time(pending(), pending::<()>(), Duration::ZERO, LONG).await, "nobody answers");
        assert!(!in_time(pending(), ready(()), LONG, Duration::ZERO).await, "and somebody wants us to end");
    }

    /// One signal for both of us is no word that the task is not to be ended.
    #[tokio::test]
    async fn who_ends_the_command_and_us_lets_the_task_end() {
        let (tell, told) = tokio::sync::oneshot::channel();
        let ending = async {
            // Not at once.
            tokio::task::yield_now().await;
            drop(told.await);
        };
        tokio::spawn(async move { tell.send(()) });
        assert!(in_time(ending, ready(()), LONG, LONG).await);
    }
}
