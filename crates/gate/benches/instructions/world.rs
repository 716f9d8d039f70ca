//! The worlds in which requests are measured.

use std::{fmt::Write as _, net::IpAddr, sync::Arc, time::Duration};
use wardgate_abuse::budget::{Drawn, Wants};
use wardgate_gate::{Change, Meters, Snapshot};
use wardgate_model::{
    api::OperationClass,
    atlas::{Atlas, ByAddress, List, Listed, Networks},
    grant::{Grant, GrantTo, OperationSelector},
    id::{ApiName, CredentialId, EnvironmentName, GrantId, IdentityId, PurposeName, TaskId},
    proof::HeldKey,
    task::{Budget, Task, TaskState},
    time::Time,
};
use wardgate_proof::{
    access_token::AccessToken,
    api_key::{self, KeyKind},
    dpop::{self, Proof, ProofKey, Proving, Room},
    entropy::SystemEntropy,
    jose::base64url,
    jws::{Signer, jwks},
};
use wardgate_testkit::world::{Asked, DAWN, ISSUER, ShippedLimits, TestWorld, Texts};

/// Policies and grants of a crowd.
pub(crate) const CROWD: usize = 100_000;
/// Of which so many are policies as text where the world is built under valgrind, which is fifty times slower.
const CROWD_TEXTS: usize = 1_000;
/// Identities among which a crowd's policies are spread.
const CROWD_IDENTITIES: usize = 1_000;
/// More than all requests use.
const PLENTY: u64 = 1 << 40;
/// Policies in one file.
const POLICIES_A_FILE: usize = 4_000;

const YAML: &str = include_str!("world.yaml");
/// The keys of its issuer.
const KEYS: &str = "ci.json";

/// A kind of request in a kind of world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A key that was seen before, 10 grants, 2 limits: allowed.
    Allowed,
    /// The same with the limits that ship: five in all.
    Shipped,
    /// The grant ends one day and has a purpose, so that it is looked at with each request.
    Conditional,
    /// A token that was seen before, of an issuer outside: allowed, as with a key.
    Token,
    /// The same, bound to a key: each request has a fresh proof of possession, whose signature is counted apart.
    Bound,
    /// A token of our own service, bound to a key and of a task with a budget of everything: each request has a fresh proof of possession.
    Budgeted,
    /// An operation of class `admin`, where a guardrail looks at each request: forbidden to API keys.
    Guarded,
    /// A well-formed key that is not on record, under the limits that ship.
    Unknown,
    /// Allowed among 100,000 policies and grants of others.
    Crowd,
    /// Each request is the first of its identity's revision.
    First,
    /// From an address that is on one of two lists of 100,000 networks, while 400,000 networks have a country: weighed.
    Charted,
    /// Of a caller that has called for two weeks, each for another thing: what is usual for it is known.
    Grown,
}

impl Shape {
    /// All but [`Shape::Allowed`].
    pub(crate) const VARIANTS: &[Self] = &[
        Self::Shipped,
        Self::Conditional,
        Self::Token,
        Self::Bound,
        Self::Budgeted,
        Self::Guarded,
        Self::Unknown,
        Self::Crowd,
        Self::First,
        Self::Charted,
        Self::Grown,
    ];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Shipped => "shipped",
            Self::Conditional => "conditional",
            Self::Token => "token",
            Self::Bound => "bound",
            Self::Budgeted => "budgeted",
            Self::Guarded => "guarded",
            Self::Unknown => "unknown",
            Self::Crowd => "crowd",
            Self::First => "first",
            Self::Charted => "charted",
            Self::Grown => "grown",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Allowed].iter().chain(Self::VARIANTS).copied().find(|shape| shape.name() == name)
    }
}

/// A world, and the request that is judged in it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) world: TestWorld,
    pub(crate) asked: Asked,
    /// The code of the ruling.
    pub(crate) expected: &'static str,
    /// A request for each moment, where no two may be the same.
    pub(crate) each: Vec<Each>,
    /// The key that made their proofs.
    pub(crate) key: Option<ProofKey>,
}

/// One of many requests, with the proof that it shows.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) asked: Asked,
    /// Read already: its signature is verified apart.
    pub(crate) read: Proof<'static>,
}

impl Scene {
    /// `moments`: when requests will come.
    pub(crate) fn new(shape: Shape, moments: impl Iterator<Item = Time>) -> Result<Self, String> {
        let shipped = if matches!(shape, Shape::Shipped | Shape::Unknown) { ShippedLimits::On } else { ShippedLimits::Off };
        let issuer = signer()?;
        let keys = jwks([&issuer]).to_string();
        let mut world = match shape {
            Shape::Crowd => crowd(CROWD_TEXTS)?,
            _ => Texts { yaml: YAML, cedar: &[], files: &[(KEYS, keys.as_bytes())], grants: &[], shipped }.world()?,
        };
        let (target, expected) = match shape {
            Shape::Conditional => ("GET /ledger/reports/2026-05", "rule.allowed"),
            Shape::Guarded => ("POST /ledger/keys", "rule.forbidden"),
            Shape::Unknown => ("GET /ledger/entries/4711", "proof.unknown"),
            Shape::Allowed
            | Shape::Shipped
            | Shape::Token
            | Shape::Bound
            | Shape::Budgeted
            | Shape::Crowd
            | Shape::First
            | Shape::Charted
            | Shape::Grown => ("GET /ledger/entries/4711", "rule.allowed"),
        };
        let request = format!("{target}\nhost: ledger.example\nuser-agent: ledger-sync/3.1\naccept: application/json");
        let stranger = api_key::generate(KeyKind::ApiKey, &EnvironmentName::literal("production"), &SystemEntropy);
        let stranger = stranger.map_err(|error| error.to_string())?.1;
        let key = signer()?;
        let token = match shape {
            Shape::Budgeted => {
                world = tasked(world)?;
                of_task(&world, &key)?
            }
            _ => token(&issuer, (shape == Shape::Bound).then_some(&key))?,
        };
        let shown = match shape {
            Shape::Unknown => stranger.danger_expose().as_str(),
            Shape::Token | Shape::Bound | Shape::Budgeted => &token,
            _ => world.key("ledger-sync"),
        };
        let asked = || Asked::parse(&request).ok_or("the request cannot be read");
        let each = match shape {
            Shape::Bound | Shape::Budgeted => moments.map(|now| each(asked()?, &key, &token, now)).collect::<Result<Vec<_>, String>>()?,
            _ => Vec::new(),
        };
        let key = each.first().map(|each| ProofKey::read(each.read.head())).transpose().map_err(|error| error.to_string())?;
        let asked = asked()?.bearer(shown);
        if shape == Shape::Charted {
            world.snapshot = world.snapshot.knowing(Arc::new(atlas(asked.arrival(DAWN).peer)));
        }
        let scene = Self { world, asked, expected, each, key };
        if shape == Shape::Grown {
            scene.grow(scene.asked.arrival(DAWN).peer)?;
        }
        Ok(scene)
    }

    /// The request of [`Shape::Crowd`], in a world where so many of the crowd are policies as text.
    pub(crate) fn crowded(texts: usize) -> Result<Self, String> {
        let Self { asked: _, expected, .. } = Self::new(Shape::Allowed, std::iter::empty())?;
        let world = crowd(texts)?;
        let request = "GET /ledger/entries/4711\nhost: ledger.example\nuser-agent: ledger-sync/3.1\naccept: application/json";
        let asked = Asked::parse(request).ok_or("the request cannot be read")?.bearer(world.key("ledger-sync"));
        Ok(Self { world, asked, expected, each: Vec::new(), key: None })
    }
}

/// Lists and countries all over version 4, one of the lists with this address.
fn atlas(address: IpAddr) -> Atlas {
    let spread = |count: u32, width: u32| (0..count).map(move |at| at * (u32::MAX / count)).map(move |first| (first, first + width));
    let list = |name: &str, mut ranges: Vec<(u32, u32)>| {
        ranges.extend(match address {
            IpAddr::V4(v4) if name == "drop" => Some((v4.into(), v4.into())),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        });
        List { name: name.into(), weight: 25, networks: Arc::new(Networks::of(ranges, Vec::new())) }
    };
    let lists = [list("drop", spread(100_000, 255).collect()), list("scan", spread(100_000, 63).collect())];
    let countries = spread(400_000, 1023).enumerate().map(|(at, (first, last))| (first, last, if at % 2 == 0 { *b"DE" } else { *b"FR" }));
    Atlas { listed: Arc::new(Listed::of(&lists)), countries: Arc::new(ByAddress::of(countries, [])), ..Atlas::default() }
}

fn signer() -> Result<Signer, String> {
    let key = Signer::generate().map_err(|error| error.to_string())?;
    Signer::load(key.danger_expose()).map_err(|error| error.to_string())
}

/// A request with a proof that is made for it.
fn each(asked: Asked, key: &Signer, token: &str, now: Time) -> Result<Each, String> {
    let id: [u8; 16] = u128::from(now.as_micros().unsigned_abs()).to_be_bytes();
    let target = "https://ledger.example/ledger/entries/4711";
    let proving = Proving { method: "GET", target, token: Some(token), nonce: None, id: &id, now };
    let proof = dpop::prove(key, &proving).map_err(|error| error.to_string())?;
    let read = Proof::read(Box::leak(proof.clone().into_boxed_str()).as_bytes(), None, Box::leak(Box::<Room>::default()))
        .map_err(|error| error.to_string())?;
    Ok(Each { asked: asked.possessed(token, &proof), read })
}

/// As long as a token of a CI provider: about a thousand bytes.
fn token(issuer: &Signer, bound_to: Option<&Signer>) -> Result<String, String> {
    let now = DAWN.as_seconds();
    let mut claims = serde_json::json!({
        "iss": "https://ci.example", "sub": "repo:acme/ledger:ref:refs/heads/main", "aud": "wardgate", "iat": now, "nbf": now, "exp": now + 600,
        "jti": "0d3c7cf2-5f9a-4f5c-8a48-8f5d7a4c0a55", "environment": "production", "ref": "refs/heads/main", "ref_type": "branch",
        "repository": "acme/ledger", "repository_id": "74", "repository_owner": "acme", "repository_owner_id": "65", "run_id": "123456",
        "workflow": "deploy", "sha": "6b8a4a5c4a2f4a7c9d1e", "actor": "octo", "event_name": "push", "runner_environment": "hosted",
        "job_workflow_ref": "acme/flows/.github/workflows/deploy.yml@refs/heads/main",
    });
    if let (Some(key), Some(members)) = (bound_to, claims.as_object_mut()) {
        members.insert("cnf".to_owned(), serde_json::json!({ "jkt": key.kid() }));
    }
    issuer.sign("JWT", &claims).map_err(|error| error.to_string())
}

const TASK: &str = "t-0123456789abcdef0123456789abcdef";

/// A task of `ledger-sync` that is under way.
pub(crate) fn task(id: &str, resource: &str) -> Result<Task, String> {
    Ok(Task {
        id: TaskId::parse(id).map_err(|error| error.to_string())?,
        identity: IdentityId::literal("ledger-sync"),
        purpose: PurposeName::parse("settlement").map_err(|error| error.to_string())?,
        api: ApiName::literal("ledger"),
        operations: Box::new([OperationSelector::Class(OperationClass::Read)]),
        resources: Box::new([resource.into()]),
        budget: Budget { calls: Some(PLENTY), bytes: Some(PLENTY), records: Some(PLENTY) },
        ends: DAWN + Duration::from_mins(15),
        lease: Some(Duration::from_mins(5)),
        beat: DAWN,
        state: TaskState::Open,
    })
}

/// Draws a share of a task's budget that is enough for everything.
pub(crate) fn draw(meters: &Meters, task: &Task) {
    let all = Wants { calls: true, bytes: true, records: true, ..Wants::default() };
    meters.budgets().drawn(&task.id, all, Drawn { calls: PLENTY, bytes: PLENTY, records: PLENTY }, DAWN);
}

/// A world with a token service of its own and a task.
fn tasked(world: TestWorld) -> Result<TestWorld, String> {
    let mut world = world.issuing()?;
    let task = task(TASK, "47*")?;
    world.meters.budgets().when_low(|_| true);
    draw(&world.meters, &task);
    let before = &world.snapshot;
    let mut population = before.population().clone();
    population.apply(Change::Task(Arc::new(task)));
    let next = Snapshot::new(before.number() + 1, population, Arc::clone(before.estate()));
    world.snapshot = next.trusting(Arc::clone(before.trust()));
    Ok(world)
}

/// A token of the task, bound to a key.
fn of_task(world: &TestWorld, key: &Signer) -> Result<String, String> {
    let credential = world.key("ledger-sync").split('_').nth(2).ok_or("a key of another form")?;
    let details = serde_json::json!([{ "type": "wardgate_task", "task_id": TASK, "purpose": "settlement", "operations": ["read"], "resources": ["47*"] }]);
    let task = TaskId::parse(TASK).map_err(|error| error.to_string())?;
    let thumbprint = base64url::decode(key.kid()).and_then(|bytes| bytes.try_into().ok()).ok_or("a key without a thumbprint")?;
    let token = AccessToken {
        issuer: ISSUER,
        identity: &IdentityId::literal("ledger-sync"),
        audience: "https://ledger.example/ledger",
        scope: "read",
        credential: CredentialId::parse(credential).ok_or("a key without an id")?,
        id: "0123456789abcdef0123456789abcdef",
        since: None,
        on_behalf_of: None,
        actors: &[],
        parents: &[],
        unbound: false,
        task: Some((&task, &details)),
        issued: DAWN,
        ends: DAWN + Duration::from_mins(5),
        bound_to: Some(HeldKey::Key(thumbprint)),
    };
    token.sign(world.snapshot.mint().tokens().ok_or("no token service")?).map_err(|error| error.to_string())
}

/// The base world with a crowd of others: `texts` policies, the rest grants.
fn crowd(texts: usize) -> Result<TestWorld, String> {
    let mut yaml = YAML.to_owned();
    for number in 0..CROWD_IDENTITIES {
        let spec = "{ type: workload, owner: payments, environment: production, purpose: one of a crowd }";
        write!(yaml, "\n---\nkind: Identity\nname: i{number}\nspec: {spec}\n").map_err(|error| error.to_string())?;
    }
    let cedar = policies(texts);
    let cedar: Vec<&str> = cedar.iter().map(String::as_str).collect();
    let grants = grants(CROWD.saturating_sub(texts))?;
    let keys = jwks([&signer()?]).to_string();
    Texts { yaml: &yaml, cedar: &cedar, files: &[(KEYS, keys.as_bytes())], grants: &grants, shipped: ShippedLimits::Off }.world()
}

/// Policies that are bound to an identity and an API, in files of bounded size.
pub(crate) fn policies(count: usize) -> Vec<String> {
    let numbers: Vec<usize> = (0..count).collect();
    let policy = |number: &usize| {
        let who = number % CROWD_IDENTITIES;
        let action = if number.is_multiple_of(2) { "read" } else { "list" };
        format!(
            "@id(\"crowd:{number}\")\npermit (principal == Identity::\"i{who}\", action == Action::\"{action}\", resource in Api::\"ledger\")\n\
             when {{ context.risk < 60 && context.proof.kind == \"api_key\" }};\n"
        )
    };
    numbers.chunks(POLICIES_A_FILE).map(|chunk| chunk.iter().map(policy).collect()).collect()
}

/// Grants to identities of the crowd.
pub(crate) fn grants(count: usize) -> Result<Vec<Arc<Grant>>, String> {
    let grant = |number: usize| {
        let to = IdentityId::parse(&format!("i{}", number % CROWD_IDENTITIES)).map_err(|error| error.to_string())?;
        Ok(Arc::new(Grant {
            id: GrantId::parse(&format!("crowd-{number}")).map_err(|error| error.to_string())?,
            to: GrantTo::Identity(to),
            api: ApiName::literal("ledger"),
            operations: Box::new([OperationSelector::Class(OperationClass::Read)]),
            purpose: None,
            until: None,
            approver: None,
        }))
    };
    (0..count).map(grant).collect()
}
