//! Very many identities, two credentials each, from the store to the gate: the time of a start, the memory of an identity at
//! the gate, the time of a change, the cost of a request beside that with a hundred identities, and a revocation during an
//! import of 100,000.
//!
//! `cargo run --release -p wardgate --example many_identities -- DIRECTORY [IDENTITIES]`; a directory that has a store already is
//! only read. The clock is a wall clock and the machine may do other things: run it alone.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measurement: it reads the clock and prints"
)]

use anyhow::Context as _;
use serde_json::json;
use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use wardgate::{clock, config::Config, control::Control};
use wardgate_abuse::{MeterBounds, Meters, journal::Unrecorded};
use wardgate_audit::sink::{Log, Options, Writer};
use wardgate_gate::{Arrival, Step};
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    facts::Door,
    id::{CredentialId, EnvironmentName, IdentityId, RequestId},
    resource::Kind,
    time::Time,
};
use wardgate_proof::{
    api_key::{self, KeyKind},
    entropy::SystemEntropy,
};
use wardgate_store::{Actor, CHANGES_WELL_MADE, NewCredential, Pace, Precondition, ResourceChange, ResourceId, Store, Who};

/// What the binary uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FEW: usize = 100;
const IMPORTED: usize = 100_000;
const OWNERS: usize = 1_000;
/// Callers whose keys are known here.
const CALLERS: usize = 1_000;
const REQUESTS: usize = 200_000;
const CHANGES: usize = 200;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().context("say in which DIRECTORY")?);
    let many: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let few = Place::prepare(&directory.join("few"), FEW).await?;
        let lots = Place::prepare(&directory.join("many"), many).await?;
        let (few, _) = few.open().await?;
        let (lots, keys) = lots.open().await?;
        requests(&few, &lots, &keys)?;
        changes(&lots).await?;
        revocations(&lots, &keys).await
    })
}

/// A directory with a configuration, a store and the keys of some callers.
struct Place {
    directory: PathBuf,
    identities: usize,
}

fn name(prefix: &str, n: usize) -> String {
    format!("{prefix}-{n:07}")
}

fn world() -> String {
    let mut text = String::from(
        "kind: Environment\nname: production\nspec: { production: true }\n---\nkind: Api\nname: ledger\nspec:\n  policy_owner: owner-0\n  business_owner: owner-0\n  environment: production\n  \
         match: { hosts: [ledger.example], path_prefix: /ledger }\n  upstream: { urls: ['http://127.0.0.1:9'], identity: assertion }\n  \
         operations:\n    - { match: 'GET /entries', class: list }\n    - { match: 'GET /entries/{id}', class: read, resource: path.id }\n",
    );
    for n in 0..OWNERS {
        text +=
            &format!("---\nkind: Owner\nname: owner-{n}\nspec: {{ accountable: lead-{n}@example.com, deputy: deputy-{n}@example.com }}\n");
        text += &format!(
            "---\nkind: Grant\nname: owner-{n}-reads\nspec: {{ to: {{ owner: owner-{n} }}, api: ledger, operations: [read, list] }}\n"
        );
    }
    text
}

fn declared(prefix: &str, n: usize) -> anyhow::Result<ResourceChange> {
    let spec = json!({
        "type": "service_account",
        "owner": format!("owner-{}", n % OWNERS),
        "environment": "production",
        "purpose": format!("synchronises ledger {n} with the data warehouse"),
        "criticality": "medium",
        "credentials": [{ "name": "main", "type": "api_key", "expires_in": "90d" }],
    });
    Ok(ResourceChange { id: ResourceId::parse(Kind::Identity, &name(prefix, n))?, spec: Some(spec), expect: Precondition::Any })
}

async fn import(store: &Store, prefix: &str, count: usize) -> anyhow::Result<()> {
    let actor = Actor::new(Who::Process, "import");
    let (mut pace, mut start) = (Pace::default(), 0);
    while start < count {
        let piece: Vec<_> = (start..count.min(start + pace.next())).map(|n| declared(prefix, n)).collect::<Result<_, _>>()?;
        let began = Instant::now();
        store.change_resources(&actor, &piece, None, clock::now()).await?;
        pace.took(piece.len(), began.elapsed());
        start += piece.len();
    }
    Ok(())
}

impl Place {
    async fn prepare(directory: &Path, identities: usize) -> anyhow::Result<Self> {
        let place = Self { directory: directory.to_owned(), identities };
        if directory.join("keys").exists() {
            return Ok(place);
        }
        fs::create_dir_all(directory)?;
        let config = "listeners: [{ name: public, address: '127.0.0.1:0', public_url: 'https://gate.example' }]\nsecrets: { key: file:wardgate.key }\nresources: [world.yaml]\n";
        for (name, text) in [("wardgate.yaml", config), ("world.yaml", &world()), ("wardgate.key", &"7f3c9b04".repeat(8))] {
            fs::write(directory.join(name), text)?;
        }
        let started = Instant::now();
        let (control, _, writer) = Box::pin(place.control()).await?;
        import(control.store(), "id", identities).await?;
        println!("declared {identities} identities in {:.1} s", started.elapsed().as_secs_f64());
        let started = Instant::now();
        place.issue(&control).await?;
        println!("issued {} credentials in {:.1} s", identities * 2, started.elapsed().as_secs_f64());
        drop((control, writer));
        Ok(place)
    }

    /// Two credentials for everybody; those of the first callers are real keys, which are kept beside.
    async fn issue(&self, control: &Control) -> anyhow::Result<()> {
        let (actor, environment) = (Actor::new(Who::Process, "import"), EnvironmentName::parse("production")?);
        let mut keys = String::new();
        let mut batch = Vec::with_capacity(CHANGES_WELL_MADE);
        let step = (self.identities / CALLERS).max(1);
        for n in 0..self.identities * 2 {
            let caller = n % 2 == 0 && (n / 2) % step == 0;
            let (id, hash) = if caller {
                let (id, text) = api_key::generate(KeyKind::ApiKey, &environment, &SystemEntropy)?;
                let hash = api_key::hash(control.material().pepper(), text.danger_expose());
                keys += text.danger_expose();
                keys.push('\n');
                (id, hash)
            } else {
                (CredentialId::of(0x1000_0000_0000 + n as u128), KeyedHash::new([1; 32]))
            };
            batch.push(NewCredential {
                id,
                identity: IdentityId::parse(&name("id", n / 2))?,
                name: "main".into(),
                kind: CredentialKind::ApiKey,
                environment: environment.clone(),
                sources: Box::default(),
                hash,
                expires: clock::now() + Duration::from_hours(24 * 90),
                task: None,
            });
            if batch.len() == CHANGES_WELL_MADE || n + 1 == self.identities * 2 {
                control.store().issue_credentials(&actor, &batch, clock::now()).await?;
                batch.clear();
            }
        }
        fs::write(self.directory.join("keys"), keys)?;
        Ok(())
    }

    async fn control(&self) -> anyhow::Result<(Arc<Control>, Vec<String>, Writer)> {
        let config = Config::read(&self.directory.join("wardgate.yaml")).map_err(|found| anyhow::anyhow!("{found:?}"))?;
        let (log, writer) = Log::start(&config.audit, &Options::new("edge-1"))?;
        let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
        let control = Control::open(config, meters, log).await?;
        let keys = fs::read_to_string(self.directory.join("keys")).unwrap_or_default();
        Ok((control, keys.lines().map(str::to_owned).collect(), writer))
    }

    async fn open(&self) -> anyhow::Result<(Arc<Control>, Vec<String>)> {
        let (before, started) = (resident_bytes()?, Instant::now());
        let (control, keys, writer) = Box::pin(self.control()).await?;
        // It goes on for as long as the measurement does.
        std::mem::forget(writer);
        let took = started.elapsed().as_secs_f64();
        let grown = resident_bytes()?.saturating_sub(before);
        let (identities, credentials) = {
            let snapshot = control.gate().snapshot();
            (snapshot.population().identities().len(), snapshot.population().credentials().len())
        };
        println!(
            "start with {identities} identities and {credentials} credentials: {took:.1} s, {} MiB more resident, {} bytes an identity",
            grown >> 20,
            grown / identities.max(1)
        );
        Ok((control, keys))
    }
}

fn resident_bytes() -> anyhow::Result<usize> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages: usize = text.split(' ').nth(1).context("statm")?.parse()?;
    Ok(pages * 4096)
}

/// One judged request: established and decided.
fn judge(control: &Control, key: &str, n: usize, now: Time) -> anyhow::Result<bool> {
    let mut headers = http::HeaderMap::new();
    headers.insert(http::header::AUTHORIZATION, format!("Bearer {key}").parse()?);
    headers.insert(http::header::HOST, "ledger.example".parse()?);
    let uri: http::Uri = "/ledger/entries/7".parse()?;
    let arrival = Arrival {
        id: RequestId::new(now, n as u128),
        time: now,
        door: Door::Public,
        version: http::Version::HTTP_11,
        protocol: None,
        certificates: None,
        handshake: None,
        method: &http::Method::GET,
        uri: &uri,
        headers: &headers,
        body: false,
        // A source each, so that no limit of one source is in the way.
        peer: IpAddr::V4(Ipv4Addr::from(0x0A00_0000_u32 | u32::try_from(n % 0x00FF_FFFF)?)),
        via: "million",
    };
    let (gate, snapshot) = (control.gate(), control.gate().snapshot());
    let Step::Done(facts) = wardgate_gate::establish(&arrival, &snapshot, gate.meters(), now) else { return Ok(false) };
    let Step::Done(verdict) = wardgate_gate::decide(&facts, &snapshot, gate.meters(), now) else { return Ok(false) };
    Ok(verdict.permit.is_some())
}

/// The same requests of as many callers, interleaved, against few and many identities.
fn requests(few: &Arc<Control>, lots: &Arc<Control>, keys: &[String]) -> anyhow::Result<()> {
    let of_few = fs::read_to_string(few.config().file.with_file_name("keys"))?;
    let of_few: Vec<_> = of_few.lines().collect();
    // As many callers here as there, so that what is remembered of each (its assertion, its standing) is worth the same.
    let of_many: Vec<_> = keys.iter().step_by((keys.len() / of_few.len()).max(1)).take(of_few.len()).collect();
    let begin = clock::now();
    let mut spent = [Duration::ZERO; 2];
    let mut permitted = [0_usize; 2];
    for n in 0..REQUESTS {
        for (at, control, key) in [(0, few, of_few[n % of_few.len()]), (1, lots, of_many[n % of_many.len()].as_str())] {
            // Time goes on, so that no rate is in the way.
            let now = begin + Duration::from_millis(50) * u32::try_from(n)?;
            let started = Instant::now();
            let yes = judge(control, key, n, now)?;
            spent[at] += started.elapsed();
            permitted[at] += usize::from(yes);
        }
    }
    let each = |at: usize| spent[at].as_nanos() as f64 / REQUESTS as f64;
    println!(
        "a judged request: {:.0} ns with {FEW} identities ({} permitted), {:.0} ns with many ({} permitted): ratio {:.3}",
        each(0),
        permitted[0],
        each(1),
        permitted[1],
        each(1) / each(0)
    );
    Ok(())
}

fn told(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{what}: median {:.2} ms, p99 {:.2} ms, most {:.2} ms ({} times)", at(50), at(99), at(100), took.len());
}

/// From the acknowledged change to the snapshot that holds it.
async fn changes(control: &Arc<Control>) -> anyhow::Result<()> {
    let (actor, mut identity, mut credential) = (Actor::new(Who::Process, "change"), Vec::new(), Vec::new());
    for n in 0..CHANGES {
        let mut change = declared("id", n)?;
        if let Some(spec) = change.spec.as_mut() {
            spec["purpose"] = format!("changed at {}", clock::now().as_micros()).into();
        }
        let applied = control.store().change_resources(&actor, &[change], None, clock::now()).await?;
        let started = Instant::now();
        control.obey(applied.seq).await?;
        identity.push(started.elapsed());
        let id = CredentialId::of(0x1000_0000_0001 + 2 * n as u128);
        let ended =
            control.store().end_credential_at(&actor, &id, clock::now() + Duration::from_hours(24 + n as u64), clock::now()).await?;
        let started = Instant::now();
        control.obey(ended.revision).await?;
        credential.push(started.elapsed());
    }
    told("a changed identity at the gate", identity);
    told("a changed credential at the gate", credential);
    Ok(())
}

/// Revocations while 100,000 identities are imported: from the call to the answer, which is when the gate refuses.
async fn revocations(control: &Arc<Control>, keys: &[String]) -> anyhow::Result<()> {
    let importing = {
        let control = Arc::clone(control);
        tokio::spawn(async move {
            let started = Instant::now();
            let prefix = format!("more-{}", clock::now().as_seconds());
            import(control.store(), &prefix, IMPORTED).await?;
            let kept = started.elapsed();
            control.obey(control.store().last_seq().await?).await?;
            anyhow::Ok((kept, started.elapsed()))
        })
    };
    let (actor, mut took, mut let_in) = (Actor::new(Who::Process, "leaked"), Vec::new(), 0);
    for (n, key) in keys.iter().enumerate() {
        if importing.is_finished() {
            break;
        }
        let Some(id) = key.split('_').nth(2).and_then(CredentialId::parse) else { continue };
        let started = Instant::now();
        let revoked = control.store().revoke_credential(&actor, &id, Precondition::Any, clock::now()).await?;
        control.obey(revoked.revision).await?;
        took.push(started.elapsed());
        let_in += usize::from(judge(control, key, n, clock::now())?);
    }
    let (kept, obeyed) = importing.await??;
    println!("imported {IMPORTED} identities in {:.1} s, at the gate after {:.1} s", kept.as_secs_f64(), obeyed.as_secs_f64());
    told("a revocation during the import, from the call to the first refusal", took);
    println!("let in after the answer: {let_in}");
    Ok(())
}
