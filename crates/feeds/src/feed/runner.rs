//! What keeps a feed going: waits, fetches, reads, hands out. One task a feed; it ends when its handle in the set is dropped or
//! when nobody receives any more.

use super::{Change, Delivery, Failure, Feed, FeedFault, FeedSpec, Fetched, Held, Origin, Receipt};
use crate::{
    document::{Document, Kind},
    fetch::{Answer, Asking, Fetcher, Media, Message},
    file::{self, Mark},
    pace::Ended,
    roots::Roots,
    target::Target,
    workload::{Agent, WorkloadFault},
};
use bytes::Bytes;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};
use wardgate_model::time::Time;
use wardgate_proof::entropy::Entropy;

/// Longest sleep: so soon a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(30);
/// Shortest sleep.
const SLEEP_MIN: Duration = Duration::from_millis(1);
/// Longest wait for a document to be taken up.
const RECEIPT_WAIT: Duration = Duration::from_secs(5);

/// What all feeds of a set share.
#[derive(Clone)]
pub(crate) struct Soil {
    pub(crate) fetcher: Fetcher,
    pub(crate) system: Roots,
    pub(crate) entropy: Arc<dyn Entropy + Send + Sync>,
    pub(crate) out: mpsc::Sender<Delivery>,
    /// So many fetch at a time.
    pub(crate) places: Arc<Semaphore>,
}

/// Keeps one feed going.
pub(crate) struct Runner {
    spec: FeedSpec,
    feed: Feed,
    soil: Soil,
    /// Where discovery led, and until when that counts.
    found: Option<(Target, Time)>,
    /// What the file looked like when it was last read.
    mark: Option<Mark>,
    /// The agent that is listened to, and which of its states was taken.
    agent: Option<(Agent, u64)>,
}

/// Says that a feed is gone, however its task ends.
struct Ending(Feed);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Runner {
    pub(crate) fn new(spec: FeedSpec, clock: crate::clock::Clock, soil: Soil) -> (Self, Feed) {
        let feed = Feed::new(&spec, clock);
        (Self { spec, feed: feed.clone(), soil, found: None, mark: None, agent: None }, feed)
    }

    pub(crate) async fn run(mut self) {
        let _ending = Ending(self.feed.clone());
        while !self.soil.out.is_closed() {
            let now = self.feed.now();
            self.lapse(now).await;
            self.look_at_file(now).await;
            self.look_at_agent(now);
            let (begins, wait) = {
                let mut inner = self.feed.lock();
                (inner.pace.begin(now), inner.pace.wait(now))
            };
            if begins {
                self.turn().await;
            } else {
                let longest = if matches!(self.spec.origin, Origin::File(_)) { self.spec.rhythm.look_every } else { SLEEP_MAX };
                // Woken or not: what is to be done is looked at anew.
                let _ = timeout(wait.min(longest).max(SLEEP_MIN), self.feed.0.wake.notified()).await;
            }
        }
    }

    /// Drops what is too old.
    async fn lapse(&self, now: Time) {
        let lapsed = {
            let mut inner = self.feed.lock();
            let lapsed = inner.pace.lapse(now);
            if lapsed {
                inner.held = None;
            }
            lapsed
        };
        if lapsed {
            self.hand_out(Delivery::Lapsed { feed: self.feed.0.id.clone(), at: now, by: self.feed.clone() }).await;
        }
    }

    async fn hand_out(&self, delivery: Delivery) {
        // Nobody receives any more: the loop ends by itself.
        let _ = self.soil.out.send(delivery).await;
    }

    async fn look_at_file(&mut self, now: Time) {
        if let Origin::File(path) = &self.spec.origin {
            let mark = file::mark(path).await;
            if mark != self.mark {
                self.mark = mark;
                self.feed.lock().pace.hasten(now);
            }
        }
    }

    fn look_at_agent(&mut self, now: Time) {
        let Some((agent, taken)) = &mut self.agent else { return };
        let version = agent.version();
        if version != *taken {
            *taken = version;
            // One that ends each stream at once is not asked as fast as it ends them.
            let due = if agent.has_ended() { now + self.spec.rhythm.retry_min } else { now };
            self.feed.lock().pace.hasten(due);
        }
    }

    /// What the agent says now; it is connected to where that is not so.
    async fn hear(&mut self, path: &Path) -> Result<Answer, FeedFault> {
        let Kind::Bundle(domain) = &self.spec.kind else { return Err(WorkloadFault::Message("it is asked for bundles alone").into()) };
        let open = match self.agent.take().filter(|(agent, _)| !agent.has_ended()) {
            Some((agent, _)) => agent,
            None => Agent::open(path, self.spec.bounds, self.feed.clone()).await?,
        };
        let (version, bundle) = open.bundle(domain)?;
        self.agent = Some((open, version));
        let body = match bundle {
            Some(bundle) => bundle,
            None if self.feed.is_bare() => return Err(WorkloadFault::Domain(domain.clone()).into()),
            // Each message is the whole state: what vanished from it vouches for nobody any more.
            None => Bytes::from_static(br#"{"keys":[]}"#),
        };
        Ok(Answer { body, fresh_for: None })
    }

    /// One fetch, from its beginning to its end.
    async fn turn(&mut self) {
        let (before, listed) = {
            let inner = self.feed.lock();
            (inner.held.clone(), inner.listed.clone())
        };
        let gathered = Box::pin(self.gather()).await.and_then(|answer| self.read(answer, before.as_ref(), listed.as_deref()));
        let now = self.feed.now();
        let ended = match gathered {
            Ok((held, change, fresh_for)) => {
                self.deliver(&held, change, now).await;
                let mut inner = self.feed.lock();
                inner.listed = matches!(*held.document, Document::Revocations(_)).then(|| Arc::clone(&held.document));
                inner.held = Some(held);
                inner.success = Some(now);
                inner.failure = None;
                Ended::Fetched { fresh_for }
            }
            Err(fault) => {
                self.found = None;
                let failure = Failure { at: now, why: fault.to_string().into(), takes_back: fault.takes_back() };
                self.feed.lock().failure = Some(failure);
                Ended::Failed { retry_after: fault.retry_after() }
            }
        };
        let chance = self.chance();
        self.feed.lock().pace.end(ended, chance, now);
        self.feed.0.ends.send_replace(());
    }

    fn chance(&self) -> u64 {
        let mut bytes = [0; 8];
        // Without chance all feeds keep step: no harm to what they fetch.
        self.soil.entropy.fill(&mut bytes).map_or(0, |()| u64::from_le_bytes(bytes))
    }

    fn read(
        &self,
        answer: Answer,
        before: Option<&Held>,
        listed: Option<&Document>,
    ) -> Result<(Held, Change, Option<Duration>), FeedFault> {
        if let Some(before) = before.filter(|before| before.text == answer.body) {
            return Ok((before.clone(), Change::Renewed, self.fresh_for(&before.document, answer.fresh_for)));
        }
        let document = Document::read(&self.spec.kind, &answer.body, before.map(|before| &*before.document).or(listed), self.feed.now())?;
        let fresh_for = self.fresh_for(&document, answer.fresh_for);
        Ok((Held { document: Arc::new(document), text: answer.body }, Change::Changed, fresh_for))
    }

    /// What the maker of a document says goes before what its server says.
    fn fresh_for(&self, document: &Document, said: Option<Duration>) -> Option<Duration> {
        document.refresh_hint(said, self.spec.rhythm.refresh_usual, self.feed.now())
    }

    async fn deliver(&self, held: &Held, change: Change, now: Time) {
        let (receipt, taken) = oneshot::channel();
        self.hand_out(Delivery::Fetched(Fetched {
            feed: self.feed.0.id.clone(),
            document: Arc::clone(&held.document),
            change,
            fetched_at: now,
            good_until: now + self.spec.rhythm.hard_age,
            receipt: Receipt(receipt),
            by: self.feed.clone(),
        }))
        .await;
        // Dropped is taken up; too long is as good: those who wait have waited long enough.
        let _ = timeout(RECEIPT_WAIT, taken).await;
    }

    async fn gather(&mut self) -> Result<Answer, FeedFault> {
        let roots = match (&self.spec.origin, &self.spec.reach.roots) {
            (Origin::Spiffe(endpoint), _) => {
                let held = self.feed.lock().held.clone();
                endpoint.roots(held.as_ref().map(|held| &*held.document), &self.spec.kind)?
            }
            (_, None) => self.soil.system.clone(),
            (_, Some(pem)) => Roots::only(pem)?,
        };
        let target = match &self.spec.origin {
            Origin::File(path) => {
                let body: Bytes = file::read(path, self.spec.bounds.bytes_max).await?;
                return Ok(Answer { body, fresh_for: None });
            }
            Origin::Workload(path) => {
                let path = path.clone();
                return self.hear(&path).await;
            }
            Origin::At(target) => target.clone(),
            Origin::Spiffe(endpoint) => endpoint.target().clone(),
            Origin::Discovered(issuer) => {
                let now = self.feed.now();
                let known = self.found.as_ref().filter(|(_, until)| now < *until).map(|(target, _)| target.clone());
                match known {
                    Some(target) => target,
                    None => {
                        let _place = self.soil.places.acquire().await;
                        let discovering = issuer.discover(&self.soil.fetcher, &self.spec.reach, &roots, self.spec.bounds);
                        let (metadata, fresh_for) = discovering.await?;
                        self.found = Some((metadata.jwks_uri.clone(), now + self.spec.rhythm.refresh(fresh_for)));
                        metadata.jwks_uri
                    }
                }
            }
        };
        let media = match self.spec.kind {
            Kind::Keys(_) | Kind::Bundle(_) => Media::Json,
            Kind::Directory => Media::Directory,
            Kind::Anchors(_) | Kind::Revocations => Media::Certificates,
        };
        let (reach, bounds) = (&self.spec.reach, self.spec.bounds);
        let asking = Asking { target: &target, message: Message::Read, media, reach, roots: &roots, bounds };
        let _place = self.soil.places.acquire().await;
        Ok(self.soil.fetcher.fetch(&asking).await?)
    }
}
