//! The pass. Nothing is forwarded without a [`Permit`] by value, and only room 12 makes one.
//!
//! ```compile_fail,E0451
//! // INVARIANT (no permit, no forwarding): its fields are private and it has no public constructor.
//! let forged = wardgate_gate::Permit { api: todo!(), show: todo!(), purpose: None, lease: todo!(), transactions: None };
//! ```
//!
//! ```compile_fail,E0382
//! // A permit is spent by use: it cannot be cloned, nor used twice.
//! fn twice(permit: wardgate_gate::Permit) {
//!     permit.depart();
//!     permit.depart();
//! }
//! ```

use crate::{assertion::Mint, commit, delegation, denied::Denied};
use http::{HeaderName, HeaderValue, uri::PathAndQuery};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use wardgate_abuse::{Exhausted, Hold, budget::Course};
use wardgate_model::{
    api::Api,
    facts::{Caller, Facts, Purpose, RequestFacts},
    reason::Reason,
    secret::Secret,
    time::Time,
};
use wardgate_proof::transaction::Transaction;

/// Leave to forward one request.
#[derive(Debug)]
#[must_use = "a permit that is dropped gives its place back"]
pub struct Permit {
    api: Arc<Api>,
    show: Show,
    purpose: Option<Purpose>,
    lease: Lease,
    /// What signs transaction tokens, where the upstream gets them.
    transactions: Option<Arc<Mint>>,
}

/// A certificate chain and its key, PEM, for connections to an upstream. Two are equal when their text is.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Secret<String>>);

impl ClientCertificate {
    /// With this text. Whether it is one is seen when a connection is made.
    #[must_use]
    pub fn new(pem: Secret<String>) -> Self {
        Self(Arc::new(pem))
    }

    /// The text.
    #[must_use]
    pub fn danger_expose(&self) -> &str {
        self.0.danger_expose()
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        // Both are ours: how long a comparison takes tells nobody anything.
        Arc::ptr_eq(&self.0, &other.0) || self.danger_expose() == other.danger_expose()
    }
}

impl Eq for ClientCertificate {}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(…)")
    }
}

/// What the upstream is shown.
#[derive(Debug, Clone)]
pub enum Show {
    /// A `Wardgate-Assertion`.
    Assertion(HeaderValue),
    /// The upstream's own secret, in a header (`Authorization` for Basic).
    Secret {
        /// Which header.
        name: HeaderName,
        /// The secret, marked sensitive.
        value: HeaderValue,
    },
    /// A client certificate of ours, when the connection is made.
    Certificate(ClientCertificate),
    /// The client's own credential.
    Keep,
    /// Nothing: under `mode: observe`, nobody is proven.
    Nothing,
    /// The typed caller: this process answers itself.
    Caller,
}

/// A permit in use: where to go, what to show, and the lease that goes along.
#[derive(Debug)]
pub struct Departure {
    /// The API.
    pub api: Arc<Api>,
    /// What the upstream is shown.
    pub show: Show,
    /// The purpose on which it rests, declared or registered.
    pub purpose: Option<Purpose>,
    /// Kept until the last byte has passed.
    pub lease: Lease,
    transactions: Option<Arc<Mint>>,
}

impl Permit {
    /// `mint`: what signs, should the upstream get transaction tokens.
    pub(crate) fn new(api: Arc<Api>, show: Show, purpose: Option<Purpose>, lease: Lease, mint: &Arc<Mint>) -> Self {
        let transactions = api.upstream.transactions.as_ref().map(|_| Arc::clone(mint));
        Self { api, show, purpose, lease, transactions }
    }

    /// Uses the permit.
    #[must_use]
    pub fn depart(self) -> Departure {
        let Self { api, show, purpose, lease, transactions } = self;
        Departure { api, show, purpose, lease, transactions }
    }
}

impl Departure {
    /// The transaction token of this request, as the upstream's `Txn-Token`; `None`: it gets none, or nobody is proven of whom it could say
    /// anything. Signing costs 13 µs and more: none is used twice.
    ///
    /// # Errors
    /// When signing failed.
    pub fn transaction_token(&self, facts: &Facts, now: Time) -> Result<Option<HeaderValue>, Reason> {
        let (Some(mint), Some(domain)) = (&self.transactions, &self.api.upstream.transactions) else { return Ok(None) };
        let (Some(caller), Some(operation)) = (&self.lease.caller, &facts.operation) else { return Ok(None) };
        let transaction = Transaction {
            issuer: mint.issuer(),
            domain,
            request: facts.id,
            identity: &caller.identity.id,
            actors: &caller.actors,
            operation: &operation.id,
            class: operation.class,
            purpose: self.purpose.as_ref().map(|purpose| &purpose.value),
            task: caller.task.as_ref(),
            address: facts.source.address,
            proof: caller.proof.kind,
        };
        let token = transaction.sign(mint.signer(), now).map_err(|_| Reason::ForwardFault)?;
        let mut value = HeaderValue::try_from(token).map_err(|_| Reason::ForwardFault)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The path and query to send: the canonical path that was authorised, behind the upstream's own prefix where it has
    /// one. The received value is used again where its bytes are the same. `None` only if the parts make no target.
    #[must_use]
    pub fn path_and_query(&self, request: &RequestFacts, received: &PathAndQuery) -> Option<PathAndQuery> {
        let path: &str = &request.path;
        if self.api.upstream.path.is_none() && received.path() == path {
            return Some(received.clone());
        }
        let mut target = String::with_capacity(received.as_str().len() + 32);
        match &self.api.upstream.path {
            Some(prefix) => {
                target.push_str(prefix.trim_end_matches('/'));
                target.push_str(path.strip_prefix(&*self.api.path_prefix)?);
                if target.is_empty() {
                    target.push('/');
                }
            }
            None => target.push_str(path),
        }
        if let Some(query) = &request.query {
            target.push('?');
            target.push_str(query);
        }
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)).ok()
    }
}

/// When what a caller was let in by ends by itself; `until`: when the grant does.
pub(crate) fn end(caller: &Caller, until: Option<Time>) -> Option<Time> {
    let credential = caller.credential.as_ref().and_then(|credential| credential.expires);
    let actors = caller.delegation.as_deref().and_then(delegation::end);
    [credential, caller.proof.ends, caller.identity.ends, actors, until].into_iter().flatten().min()
}

/// A live lease: what an open request holds, and whether it may go on. Dropping it ends what it holds.
#[derive(Debug)]
pub struct Lease {
    caller: Option<Caller>,
    denied: Arc<Denied>,
    seen: AtomicU64,
    hold: Option<Hold>,
    ends: Ends,
}

/// When what a request rests on ends by itself, beside what its caller shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    /// The grant that permits it.
    pub(crate) until: Option<Time>,
    /// Its task, unless something is heard of that.
    pub(crate) lapses: Option<Time>,
}

impl Lease {
    pub(crate) fn new(caller: Option<Caller>, denied: Arc<Denied>, hold: Option<Hold>, ends: Ends) -> Self {
        // INVARIANT (no gap): no generation has been seen yet, so a stop since the caller's check is found at the first look.
        Self { caller, denied, seen: AtomicU64::new(u64::MAX), hold, ends }
    }

    /// Whether the caller may still be served. Costs one atomic load while nobody new is stopped.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let Some(caller) = &self.caller else { return true };
        let generation = self.denied.generation();
        if self.seen.load(Ordering::Relaxed) == generation {
            return true;
        }
        let live = !self.denied.stops(caller);
        if live {
            self.seen.store(generation, Ordering::Relaxed);
        }
        live
    }

    /// Why a caller that may not be served any more may not.
    #[must_use]
    pub fn stopped(&self) -> Reason {
        self.caller.as_ref().map_or(Reason::CommitStale, |caller| commit::stopped(caller, &self.denied))
    }

    /// When what the caller was let in by ends by itself: its credential, its proof, its identity, or the grant.
    #[must_use]
    pub fn ends(&self) -> Option<Time> {
        end(self.caller.as_ref()?, self.ends.until)
    }

    /// When the task of the caller is over, as far as was heard of it when the request was let in; `None`: it is of none.
    #[must_use]
    pub fn lapses(&self) -> Option<Time> {
        self.ends.lapses
    }

    /// Whether records of the answer are charged to the budget of a task.
    #[must_use]
    pub fn counts_records(&self) -> bool {
        self.hold.as_ref().is_some_and(Hold::counts_records)
    }

    /// Charges records of an answer that pass to the budget of the task; `None`: nobody can say how many.
    ///
    /// # Errors
    /// When they are used up: the stream has to be cut, unless it comes to its end and is the first one to exceed them.
    pub fn charge_records(&self, records: Option<u64>, course: Course, now: Time) -> Result<(), Exhausted> {
        self.hold.as_ref().map_or(Ok(()), |hold| hold.charge_records(records, course, now))
    }

    /// Charges bytes of a body that are about to pass.
    ///
    /// # Errors
    /// When a limit of bytes is used up, or those of the task: the stream has to be cut.
    pub fn charge_bytes(&self, bytes: u64, now: Time) -> Result<(), Exhausted> {
        self.hold.as_ref().map_or(Ok(()), |hold| hold.charge_bytes(bytes, now))
    }
}
