//! Measures what the profiles of 10,000 identities that are active take in memory, all about them included:
//! `cargo run --release -p wardgate-testkit --example profiles`.

use std::{error::Error, fs, io::Write as _, sync::Arc, time::Duration};
use wardgate_abuse::watch::{Effect, Payload, Watch};
use wardgate_gate::{Step, establish};
use wardgate_model::{
    id::IdentityId,
    reason::Reason,
    ruling::{Response, Ruling},
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, world};

const WORLD: &str = "
{kind: Owner, name: o, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: e, spec: {production: true}}
---
{kind: Identity, name: caller, spec: {type: bot, owner: o, environment: e, purpose: x, credentials: [{name: main, type: api_key, expires_in: 30d}]}}
---
kind: Api
name: shop
spec:
  policy_owner: o
  business_owner: o
  environment: e
  match: {path_prefix: /shop}
  upstream: {urls: ['http://127.0.0.1:9000']}
  operations: [{match: 'GET /things/{id}'}]
";
const IDENTITIES: usize = 10_000;
const CALLS: u32 = 20;

/// Bytes of this process in memory.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<usize>()? * 1024)
}

fn main() -> Result<(), Box<dyn Error>> {
    let world = world(WORLD, "", ShippedLimits::Off)?;
    let asked = Asked::parse("GET http://gate.test/shop/things/7").ok_or("no request")?.bearer(world.key("caller"));
    let Step::Done(facts) = establish(&asked.arrival(DAWN), &world.snapshot, &world.meters, DAWN) else { return Err("not known".into()) };
    let ids = (0..IDENTITIES).map(|number| IdentityId::parse(&format!("caller-{number}"))).collect::<Result<Vec<_>, _>>()?;
    let (watch, allowed) = (Watch::default(), Ruling { response: Response::Allow, ..Ruling::refused(Reason::RuleAllowed) });
    let effect = Effect { status: Some(200), records: Some(1), bytes: 512, subject: None };
    let before = resident()?;
    for id in ids {
        let mut facts = facts.clone();
        let caller = facts.caller.as_mut().ok_or("no caller")?;
        caller.identity = Arc::new(wardgate_model::inventory::Identity { id, ..(*caller.identity).clone() });
        for call in 0..CALLS {
            let now = DAWN + Duration::from_mins(31) * call;
            let _assessed = watch.assess(&facts, &Payload::default(), now);
            watch.learn(&facts, &allowed, &effect, now);
        }
    }
    let grown = resident()?.saturating_sub(before);
    let mut file = Vec::new();
    watch.keep(&mut file)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} identities: {} bytes each in memory, {} bytes each on disk",
        watch.count(),
        grown / IDENTITIES,
        file.len() / IDENTITIES
    )?;
    Ok(())
}
