//! Events of a small world, from lines of text. For tests.

use std::time::Duration;
use wardgate_model::{
    event::{CameOf, Ending, Event, EventKind, Outcome, UpstreamOutcome},
    time::Time,
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

const WORLD: &str = "
kind: Owner
name: shop-team
spec: { accountable: ada@example.com, deputy: bo@example.com, contact: shop@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /shop }
  upstream: { urls: ['http://127.0.0.1:9000'], identity: { header: X-Api-Key, secret: legacy } }
  operations:
    - { match: 'GET /things', class: list }
    - { match: 'GET /things/{id}', class: read }
    - { match: 'DELETE /things/{id}', class: delete }
    - { match: 'GET /status', class: read, anonymous: true }
---
kind: Api
name: old
spec:
  policy_owner: shop-team
  environment: production
  mode: observe
  match: { path_prefix: /old }
  upstream: { urls: ['http://127.0.0.1:9001'] }
  operations: [{ match: 'GET /things', class: list }]
---
kind: Identity
name: caller
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: keeps things in step
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Grant
name: caller-works
spec: { to: { identity: caller }, api: shop, operations: [read, list] }
";

/// A shop that is enforced, an old API that is observed, and one caller.
pub(crate) struct Scene(TestWorld);

impl Scene {
    pub(crate) fn new() -> Self {
        Self(world(WORLD, "", ShippedLimits::Off).unwrap())
    }

    /// The public id of the caller's key.
    pub(crate) fn credential(&self) -> &str {
        self.0.key("caller").split('_').nth(2).unwrap()
    }

    /// `+3s caller 10.0.0.1 GET /shop/things/7 200`: when after dawn, who (`-` nobody, `key=TEXT` a key of foreign make),
    /// from where, what for, and the status of the upstream where it is reached.
    pub(crate) fn event(&self, line: &str) -> Event {
        let [when, who, from, method, path, status] = *line.split_whitespace().collect::<Vec<_>>() else { panic!("`{line}`") };
        let now = at(when.strip_prefix('+').unwrap().strip_suffix('s').unwrap().parse().unwrap());
        let asked = Asked::parse(&format!("{method} http://gate.test{path}")).unwrap().from(from.parse().unwrap());
        let asked = match (who, who.strip_prefix("key=")) {
            ("-", _) => asked,
            (_, Some(key)) => asked.bearer(key),
            (identity, None) => asked.bearer(self.0.key(identity)),
        };
        let (facts, verdict) = self.0.judge(&asked, now).unwrap();
        let upstream = verdict.ruling.forwards().then(|| UpstreamOutcome {
            name: "http://127.0.0.1:9000".into(),
            status: status.parse().ok(),
            latency: Duration::from_millis(1),
            bytes_in: 0,
            bytes_out: 0,
            records: None,
        });
        let outcome =
            Outcome { end: now, ending: Ending::Complete, client_status: None, upstream, effect: None, came_of: CameOf::default() };
        Event { kind: EventKind::Request, facts, ruling: verdict.ruling, outcome, snapshot: 1, judge_order: 0 }
    }
}

/// So many seconds after dawn.
pub(crate) fn at(seconds: u64) -> Time {
    DAWN + Duration::from_secs(seconds)
}
