//! What is begun and not finished, from the documents of an operator to the ruling.

use std::time::Duration;
use wardgate_abuse::watch::Effect;
use wardgate_model::time::Time;
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

const WORLD: &str = "
kind: Owner
name: shop-team
spec: { accountable: lead@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Identity
name: partner
spec:
  type: partner
  owner: shop-team
  environment: production
  purpose: sells what the shop has
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  sensitivity: low
  match: { path_prefix: /shop }
  upstream: { urls: ['http://127.0.0.1:9000'] }
  operations:
    - { match: 'POST /holds' }
    - { match: 'POST /holds/{id}/purchase', resource: path.id }
    - { match: 'DELETE /holds/{id}', resource: path.id }
---
kind: Grant
name: partner-sells
spec: { to: { identity: partner }, api: shop, operations: [write, delete] }
---
kind: Flow
name: holds
spec: { api: shop, begin: ['POST /holds'], finish: ['POST /holds/{id}/purchase', 'DELETE /holds/{id}'], within: 15m }
";

/// What is ruled on a call of the partner's, which goes well where it is let go.
fn call(world: &TestWorld, request: &str, now: Time) -> String {
    let asked = Asked::parse(&format!("{request}\nhost: gate.example")).unwrap().bearer(world.key("partner"));
    let (facts, verdict) = world.judge(&asked, now).unwrap();
    let effect = Effect { status: verdict.ruling.forwards().then_some(201), ..Effect::default() };
    world.meters.watch().learn(&facts, &verdict.ruling, &effect, now);
    let signals: String = verdict.ruling.signals.iter().map(|part| format!(" {} {}", part.signal.as_str(), part.weight)).collect();
    format!("{}{signals}", verdict.ruling.reason().code())
}

#[test]
fn who_holds_and_never_buys_is_refused_and_may_still_buy() {
    let world = world(WORLD, "", ShippedLimits::Off).unwrap();
    let mut now = DAWN;
    for number in 0..5 * 24 * 10_u64 {
        // Nothing that goes up one by one.
        let id = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        assert_eq!(call(&world, "POST /shop/holds", now), "rule.allowed");
        let end = if number % 5 == 0 { format!("DELETE /shop/holds/{id}") } else { format!("POST /shop/holds/{id}/purchase") };
        assert_eq!(call(&world, &end, now), "rule.allowed");
        now = now + Duration::from_mins(6);
    }
    let mut held = 0;
    let said = loop {
        let said = call(&world, "POST /shop/holds", now);
        now = now + Duration::from_secs(10);
        if said != "rule.allowed" {
            break said;
        }
        held += 1;
        assert!(held < 150, "{held} are held");
    };
    assert_eq!(said, "risk.blocked unfinished 92");
    assert_eq!(call(&world, "DELETE /shop/holds/9001", now), "rule.allowed", "what is begun is let come to its end");
}

#[test]
fn without_the_flow_nothing_is_told() {
    let (yaml, _) = WORLD.split_once("---\nkind: Flow").unwrap();
    let world = world(yaml, "", ShippedLimits::Off).unwrap();
    let mut now = DAWN;
    for _ in 0..40 * 24 {
        assert_eq!(call(&world, "POST /shop/holds", now), "rule.allowed");
        now = now + Duration::from_mins(6);
    }
}
