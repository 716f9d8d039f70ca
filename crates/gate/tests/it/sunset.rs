//! Operations that go out of use: what becomes of them at their sunset.

use std::time::Duration;
use wardgate_model::time::Time;
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, world};

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
name: sync
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: keeps stock in step
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Identity
name: stranger
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: has no grant
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  match: { hosts: [shop.example] }
  upstream: { urls: ['http://127.0.0.1:9000'] }
  after_sunset: STANCE
  mode: MODE
  operations:
    - { match: 'GET /things', class: list, sunset: SUNSET }
    - { match: 'GET /things/{id}', class: read, deprecated: 2020-01-01 }
    - { match: 'GET /status', class: read, anonymous: true, sunset: SUNSET }
---
kind: Grant
name: sync-reads
spec: { to: { identity: sync }, api: shop, operations: [list, read] }
";

/// What becomes of `GET PATH` by an identity (empty: nobody) at a moment.
fn check(stance: &str, mode: &str, who: &str, path: &str, now: Time) -> String {
    let sunset = (DAWN + Duration::from_hours(1)).to_rfc3339();
    let text = WORLD.replace("STANCE", stance).replace("MODE", mode).replace("SUNSET", &format!("'{sunset}'"));
    let world = world(&text, "", ShippedLimits::Off).unwrap();
    let asked = Asked::parse(&format!("GET http://shop.example{path}")).unwrap();
    let asked = if who.is_empty() { asked } else { asked.bearer(world.key(who)) };
    let (facts, verdict) = world.judge(&asked, now).unwrap();
    let by = facts.caller.map_or_else(|| "-".to_owned(), |caller| caller.identity.id.to_string());
    let forwarded = if verdict.permit.is_some() { "forwarded" } else { "stopped" };
    format!("{} {by} {forwarded}", verdict.ruling.reason().code())
}

#[test]
fn an_operation_ends_at_its_sunset_where_its_api_says_so() {
    let (before, at) = (DAWN + Duration::from_secs(3_599), DAWN + Duration::from_hours(1));
    assert_eq!(check("deny", "enforce", "sync", "/things", before), "rule.allowed sync forwarded");
    assert_eq!(check("deny", "enforce", "sync", "/things", at), "standing.sunset sync stopped", "and the record says whose call it was");
    assert_eq!(check("deny", "enforce", "stranger", "/things", at), "standing.no_grant stranger stopped", "it is told nothing more");
    assert_eq!(check("deny", "enforce", "", "/status", at), "standing.sunset anonymous stopped");
    assert_eq!(check("deny", "observe", "sync", "/things", at), "standing.sunset sync forwarded");
    assert_eq!(check("deny", "enforce", "sync", "/things/7", at), "rule.allowed sync forwarded", "deprecated is not gone");
    assert_eq!(check("allow", "enforce", "sync", "/things", at), "rule.allowed sync forwarded");
}
