//! Makes a database with very many identities, two credentials each, and says how long it took; then reads them page by
//! page, and revokes credentials while more are imported.
//!
//! `cargo run --release -p wardgate-store --example million -- ADDRESS [IDENTITIES]`, with an address that
//! `wardgate.yaml` takes (`sqlite:/tmp/million.db`); a database that is there already is only read.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement: it reads the clock and prints")]

use serde_json::json;
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId},
    resource::Kind,
    time::Time,
};
use wardgate_store::{Actor, NewCredential, Pace, Precondition, ResourceChange, ResourceId, Store, Who};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const NOW: Time = Time::from_seconds(1_800_000_000);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const PAGE: u32 = 50_000;
const IMPORTED: usize = 100_000;
const REVOKED: usize = 200;

fn rate(count: usize, since: Instant) -> String {
    let took = since.elapsed();
    format!("{count} in {:.1} s, {:.0} a second", took.as_secs_f64(), count as f64 / took.as_secs_f64())
}

fn declared(prefix: &str, n: usize) -> Outcome<ResourceChange> {
    let spec = json!({
        "kind": "service_account",
        "owner": format!("owner-{}", n % 2_000),
        "environment": if n.is_multiple_of(5) { "staging" } else { "production" },
        "purpose": format!("synchronises ledger {n} with the data warehouse every night"),
        "criticality": "medium",
        "tags": { "cost_centre": format!("cc-{}", n % 300), "application": format!("app-{}", n % 10_000) },
        "credentials": [{ "name": "main", "kind": "api_key", "expires_in": "90d" }],
    });
    Ok(ResourceChange { id: ResourceId::parse(Kind::Identity, &format!("{prefix}-{n:07}"))?, spec: Some(spec), expect: Precondition::Any })
}

fn key(n: usize) -> Option<CredentialId> {
    CredentialId::parse(&format!("{n:012}"))
}

fn credential(n: usize) -> Outcome<NewCredential> {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&n.to_le_bytes());
    Ok(NewCredential {
        id: key(n).ok_or("too many")?,
        identity: IdentityId::parse(&format!("id-{:07}", n / 2))?,
        name: "main".into(),
        kind: CredentialKind::ApiKey,
        environment: EnvironmentName::parse("production")?,
        sources: Box::default(),
        hash: KeyedHash::new(hash),
        expires: NOW + YEAR,
        task: None,
    })
}

async fn import(store: &Store, prefix: &str, count: usize) -> Outcome<()> {
    let actor = Actor::new(Who::Process, "import");
    let (mut pace, mut start) = (Pace::default(), 0);
    while start < count {
        let piece = (start..count.min(start + pace.next())).map(|n| declared(prefix, n)).collect::<Result<Vec<_>, _>>()?;
        let began = Instant::now();
        store.change_resources(&actor, &piece, None, NOW).await?;
        pace.took(piece.len(), began.elapsed());
        start += piece.len();
    }
    Ok(())
}

async fn make(store: &Store, identities: usize) -> Outcome<()> {
    let started = Instant::now();
    import(store, "id", identities).await?;
    println!("identities declared: {}", rate(identities, started));
    let (started, actor) = (Instant::now(), Actor::new(Who::Process, "import"));
    let (mut pace, mut start) = (Pace::default(), 0);
    while start < identities * 2 {
        let piece = (start..(identities * 2).min(start + pace.next())).map(credential).collect::<Result<Vec<_>, _>>()?;
        let began = Instant::now();
        store.issue_credentials(&actor, &piece, NOW).await?;
        pace.took(piece.len(), began.elapsed());
        start += piece.len();
    }
    println!("credentials issued: {}", rate(identities * 2, started));
    Ok(())
}

async fn read(store: &Store) -> Outcome<()> {
    let (started, mut after, mut count, mut credentials) = (Instant::now(), String::new(), 0, 0);
    loop {
        let page = store.identities_page(&after, PAGE).await?;
        let Some(last) = page.records.last() else { break };
        after = last.identity.to_string();
        count += page.records.len();
        credentials += page.records.iter().map(|record| record.credentials.len()).sum::<usize>();
    }
    println!("identities read, pages of {PAGE}, with {credentials} credentials: {}", rate(count, started));
    Ok(())
}

/// How long a revocation takes while 100,000 identities are imported.
async fn revoke_during_import(store: &Arc<Store>) -> Outcome<()> {
    let done = Arc::new(AtomicBool::new(false));
    let importing = {
        let (store, done) = (Arc::clone(store), Arc::clone(&done));
        tokio::spawn(async move {
            let started = Instant::now();
            let imported = import(&store, "more", IMPORTED).await;
            done.store(true, Ordering::Relaxed);
            imported.map(|()| rate(IMPORTED, started))
        })
    };
    let (actor, mut took) = (Actor::new(Who::Process, "leaked"), Vec::new());
    for n in 0..REVOKED {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let Some(id) = key(n * 3) else { break };
        let started = Instant::now();
        store.revoke_credential(&actor, &id, Precondition::Any, NOW).await?;
        took.push(started.elapsed());
    }
    println!("identities imported meanwhile: {}", importing.await??);
    took.sort();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default();
    println!("{} revocations during the import: median {:?}, p99 {:?}, slowest {:?}", took.len(), at(50), at(99), at(100));
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("say which database: `sqlite:PATH` or `postgres://…`")?;
    let identities = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let store = Arc::new(Store::open(&address).await?);
    if store.last_seq().await? == 0 {
        make(&store, identities).await?;
    }
    read(&store).await?;
    revoke_during_import(&store).await
}
