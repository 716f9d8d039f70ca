//! Connections to upstreams: a pool per thread, API and address. HTTP/1.1 or HTTP/2, in clear text or over TLS.
//!
//! INVARIANT (clean reuse): an HTTP/1 connection goes back only after a whole answer to a wholly sent request, and is taken again
//! only if the engine found nothing more on it. Everything else is closed. An HTTP/2 connection is shared by its requests.

mod borne;
mod gradient;
mod health;
mod lane;
mod pool;
mod socket;
mod standing;

use crate::{limits::EdgeLimits, metrics::EdgeMetrics};
use ahash::AHashMap;
use borne::Borne;
pub use lane::{Lane, Sending};
pub use pool::Pool;
pub use standing::Standing;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};
use wardgate_gate::ClientCertificate;
use wardgate_model::{
    api::{Api, UpstreamUrl},
    id::ApiName,
    time::Time,
};

/// Why there is no answer of the upstream.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamFault {
    /// Every connection was in use for too long, or too many wait for one.
    #[error("every connection to the upstream is in use")]
    Busy,
    /// It could not be reached.
    #[error("the upstream cannot be reached: {0}")]
    Connect(std::io::Error),
    /// It could not be reached in time.
    #[error("the upstream did not take a connection in time")]
    ConnectTimeout,
    /// TLS did not come about: its certificate is not good for its name, or something else.
    #[error("the upstream's TLS is refused: {0}")]
    Tls(std::io::Error),
    /// Its name is none that a certificate could be for.
    #[error("the upstream's name cannot stand in a certificate")]
    Name,
    /// It does not speak the protocol that its API names.
    #[error("the upstream does not agree on HTTP/2")]
    Protocol,
    /// The roots by which its certificate is to be judged cannot be read.
    #[error("the roots of the upstream's certificate cannot be read")]
    Roots,
    /// The certificate and key that we are to show cannot be read, or do not belong together.
    #[error("the certificate for the upstream cannot be used")]
    Certificate,
    /// The exchange broke before its answer's head.
    #[error("the upstream did not answer: {0}")]
    Broke(hyper::Error),
}

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub struct To<'a> {
    /// The API.
    pub api: &'a Api,
    /// The addresses of its upstream.
    pub urls: &'a [UpstreamUrl],
    /// The certificate that the upstream is shown, where it is shown one.
    pub certificate: Option<&'a ClientCertificate>,
}

/// The pools of one thread.
#[derive(Debug)]
pub struct Upstreams {
    limits: EdgeLimits,
    threads: usize,
    metrics: Arc<EdgeMetrics>,
    pools: RefCell<AHashMap<ApiName, Vec<Rc<Pool>>>>,
    turn: Cell<usize>,
}

impl Upstreams {
    /// No connection yet.
    #[must_use]
    pub fn new(limits: EdgeLimits, threads: usize, metrics: Arc<EdgeMetrics>) -> Self {
        Self { limits, threads: threads.max(1), metrics, pools: RefCell::default(), turn: Cell::new(0) }
    }

    /// Whose turn it is among the addresses of an upstream.
    #[must_use]
    pub fn turn(&self) -> usize {
        self.turn.replace(self.turn.get().wrapping_add(1))
    }

    /// The pool of an address that a request goes to: of those that are up the one with the fewest requests, and among equals the
    /// one whose turn it is. Addresses in `tried` are left out; where none is up, any will do. `None`: there is none left.
    #[must_use]
    pub fn pool(&self, to: To<'_>, turn: usize, tried: &[Arc<str>], now: Time) -> Option<Rc<Pool>> {
        let urls = to.urls;
        if let ([url], []) = (urls, tried) {
            return Some(self.of(to, url, now));
        }
        let mut best: Option<((bool, usize), Rc<Pool>)> = None;
        for at in 0..urls.len() {
            let Some(url) = urls.get(turn.wrapping_add(at).checked_rem(urls.len())?) else { continue };
            let pool = self.of(to, url, now);
            let rank = (!pool.standing().is_up(now), pool.outstanding());
            if !tried.contains(pool.name()) && best.as_ref().is_none_or(|(least, _)| rank < *least) {
                best = Some((rank, pool));
            }
        }
        best.map(|(_, pool)| pool)
    }

    fn of(&self, to: To<'_>, url: &UpstreamUrl, now: Time) -> Rc<Pool> {
        let To { api, urls, certificate } = to;
        let max = (api.upstream.connections_max as usize).div_ceil(self.threads).max(1);
        let mut all = self.pools.borrow_mut();
        if let Some(pools) = all.get(&api.name)
            && let Some(pool) = pools.iter().find(|pool| pool.serves(url, max, &api.upstream.wire, certificate, now))
        {
            return Rc::clone(pool);
        }
        let borne = api.upstream.wire.concurrency.map(|bounds| Borne::new(bounds, self.threads, self.metrics.concurrency(&api.name)));
        let pool = Rc::new(Pool::new(url, max, &api.upstream.wire, certificate.cloned(), borne, now));
        if let Some(health) = &pool.wire().health {
            tokio::task::spawn_local(health::watch(Rc::downgrade(&pool), health.clone()));
        }
        let pools = all.entry(api.name.clone()).or_default();
        // What the API no longer names, or has another certificate, is closed when its last request is over.
        pools.retain(|pool| urls.contains(pool.url()) && pool.url() != url);
        pools.push(Rc::clone(&pool));
        pool
    }

    /// Closes connections that have been idle for too long.
    pub fn sweep(&self, now: Time) {
        self.pools.borrow_mut().retain(|_, pools| {
            pools.retain(|pool| pool.sweep(now, self.limits.upstream_idle));
            !pools.is_empty()
        });
    }
}
