//! The stage: upstreams, a gate as `wardgate serve` starts it, a session of the management API, and a key for every
//! identity. All of it in a temporary directory and on ports of this machine.

mod governing;
mod habits;

pub(super) use governing::until;
pub(super) use habits::habit;

use super::{
    caller::{Call, Gateway, Line},
    issuer::Issuer,
    mesh::{Mesh, Svid},
    play::{Play, Side, Want},
    sample::{Kind, SharedKey, Upstream},
    scenes::Scene,
};
use crate::{
    client::{Address, Client, segment},
    clock,
    config::Config,
    pki,
    serve::{self, Running},
    session,
};
use anyhow::{Context as _, bail};
use http::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use wardgate_model::secret::Secret;
use wardgate_proof::{entropy::SystemEntropy, jws::Signer, keyring::Keyring};

/// Everybody who calls.
const CALLERS: [&str; 11] = [
    "orders-sync",
    "analytics-reader",
    "export-job",
    "checkout-ci",
    "acme-partner",
    "till-terminal",
    "restock-agent",
    "planner-agent",
    "buyer-agent",
    "payment-service",
    "parcel-partner",
];

/// Who agrees to what the operator asks for.
const SECOND: &str = "insights-security";
/// The name of the warehouse's key, as a secret and as the file that it is delivered to.
pub(super) const WAREHOUSE_KEY: &str = "warehouse-key";

/// The private key of the batch job, on its machine.
const JOB_KEY: &str = "job/export-job.pem";
/// Where what is declared stands.
const RESOURCES: &str = "resources";
/// The mesh's revocation list.
const REVOKED: &str = "resources/revoked.pem";

/// A set stage.
#[derive(Debug)]
pub(super) struct Stage {
    runtime: Runtime,
    running: Running,
    directory: TempDir,
    gateway: Gateway,
    people: People,
    keys: BTreeMap<&'static str, Secret<String>>,
    shop: Upstream,
    staging: Upstream,
    warehouse: Upstream,
    warehouse_key: Arc<SharedKey>,
    billing: Upstream,
    billing_keys: Arc<[Secret<String>]>,
    ci: Issuer,
    mesh: Mesh,
    feed: Signer,
}

/// Who acts in the management API.
#[derive(Debug)]
struct People {
    /// The operator, who sets all of this up.
    operator: Client,
    /// The operator's session.
    token: Secret<String>,
    /// Somebody of another owner.
    second: Client,
}

impl Stage {
    /// Sets the stage.
    pub(super) fn open() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("wardgate-demo").enable_all().build()?;
        let directory = tempfile::Builder::new().prefix("wardgate-demo-").tempdir().context("cannot make a temporary directory")?;
        let secret = || Keyring::generate(&SystemEntropy);
        let delivered = directory.path().join("delivered").join(WAREHOUSE_KEY);
        let warehouse_key = Arc::new(SharedKey::new(secret()?, delivered));
        let billing_keys: Arc<[_]> = Arc::new([secret()?, secret()?]);
        let (shop, staging, warehouse, billing, ci) = runtime.block_on(async {
            anyhow::Ok((
                Upstream::start(Kind::Shop).await?,
                Upstream::start(Kind::Shop).await?,
                Upstream::start(Kind::Warehouse(Arc::clone(&warehouse_key))).await?,
                Upstream::start(Kind::Billing(Arc::clone(&billing_keys))).await?,
                Issuer::start().await?,
            ))
        })?;
        let mesh = Mesh::new()?;
        let feed = Signer::load(Signer::generate()?.danger_expose())?;
        let marks = [("@SHOP@", &shop), ("@STAGING@", &staging), ("@WAREHOUSE@", &warehouse), ("@CI@", ci.pages())];
        let ca = write(directory.path(), &marks, &mesh, &feed)?;
        let config = match Config::read(&directory.path().join(crate::config::FILE)) {
            Ok(config) => config,
            Err(diagnostics) => {
                crate::diagnostics::show(&diagnostics);
                bail!("the demo's own configuration is refused");
            }
        };
        let running = serve::start(config)?;
        let first = running.first_credential().context("a new store has a first credential")?.clone();
        let (_, public) = running.addresses().first().context("the gate has a listener")?;
        let gateway = Gateway::new(*public, &ca)?;
        let address = Address::parse(&format!("http://{}", running.admin()))?;
        let (people, keys) = runtime.block_on(prepare(address, first, warehouse_key.first()))?;
        Ok(Self {
            runtime,
            running,
            directory,
            gateway,
            people,
            keys,
            shop,
            staging,
            warehouse,
            warehouse_key,
            billing,
            billing_keys,
            ci,
            mesh,
            feed,
        })
    }

    /// Plays a scene; what cannot go on tells why.
    pub(super) fn play(&self, scene: &Scene) -> (Play, Option<String>) {
        let mut play = Play::default();
        let result = self.runtime.block_on((scene.play)(self, &mut play));
        (play, result.err().map(|error| format!("{error:#}")))
    }

    /// Serves on until Ctrl-C or SIGTERM.
    pub(super) fn until_interrupted(&self) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                ended = tokio::signal::ctrl_c() => ended.context("cannot wait for Ctrl-C")?,
                _ = terminate.recv() => {}
            }
            Ok(())
        })
    }

    /// Takes everything down.
    pub(super) fn close(self) {
        self.running.stop();
        self.runtime.shutdown_background();
    }

    /// Makes a request over an open connection and notes it.
    pub(super) async fn ask(
        &self,
        play: &mut Play,
        line: &mut Line,
        (side, who): (Side, &str),
        call: Call,
        want: Want,
    ) -> anyhow::Result<super::caller::Answer> {
        let (what, before) = (call.shown(), self.reached());
        let answer = line.send(call).await?;
        play.note(side, who, what, &answer, self.reached().saturating_sub(before), want);
        Ok(answer)
    }

    /// Requests that have reached any upstream.
    pub(super) fn reached(&self) -> usize {
        [&self.shop, &self.staging, &self.warehouse, &self.billing].iter().map(|upstream| upstream.count()).sum()
    }

    /// The key of an identity.
    pub(super) fn key(&self, identity: &str) -> anyhow::Result<&Secret<String>> {
        self.keys.get(identity).with_context(|| format!("`{identity}` has no key"))
    }

    /// Issues one more key through the management API: its id and itself.
    pub(super) async fn issue(&self, identity: &str) -> anyhow::Result<(String, Secret<String>)> {
        issue(&self.people.operator, identity).await
    }

    /// Revokes a credential through the management API.
    pub(super) async fn revoke(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/credentials/{}?reason=leaked", segment(id));
        self.client().call(Method::DELETE, &path, None).await?;
        Ok(())
    }

    /// The management API, as the operator.
    pub(super) const fn client(&self) -> &Client {
        &self.people.operator
    }

    /// The management API, as somebody of another owner.
    pub(super) const fn second(&self) -> &Client {
        &self.people.second
    }

    /// The session's token.
    pub(super) const fn token(&self) -> &Secret<String> {
        &self.people.token
    }

    /// Where clients go.
    pub(super) const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The gate itself.
    pub(super) const fn running(&self) -> &Running {
        &self.running
    }

    /// What the gate was told.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let file = self.directory.path().join(crate::config::FILE);
        Config::read(&file).map_err(|_| anyhow::anyhow!("the demo's own configuration cannot be read again"))
    }

    /// The certificate of the demo's authority.
    pub(super) fn ca(&self) -> PathBuf {
        self.directory.path().join("tls/ca.pem")
    }

    /// The private key of the batch job.
    pub(super) fn job_key(&self) -> PathBuf {
        self.directory.path().join(JOB_KEY)
    }

    /// The shop.
    pub(super) const fn shop(&self) -> &Upstream {
        &self.shop
    }

    /// The shop of staging.
    pub(super) const fn staging(&self) -> &Upstream {
        &self.staging
    }

    /// The legacy system, and the one key it knows from the beginning.
    pub(super) fn warehouse(&self) -> (&Upstream, &Secret<String>) {
        (&self.warehouse, self.warehouse_key.first())
    }

    /// The CI service.
    pub(super) const fn ci(&self) -> &Issuer {
        &self.ci
    }

    /// The mesh.
    pub(super) const fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The key by which the feed of prices proves itself, of which the gate has the public half on record.
    pub(super) const fn feed(&self) -> &Signer {
        &self.feed
    }

    /// A file of the demo's, beside all others.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What is declared, in files.
    pub(super) fn resources(&self) -> PathBuf {
        self.directory.path().join(RESOURCES)
    }

    /// Has the mesh revoke certificates: its revocation list is another one.
    pub(super) fn revoke_certificates(&self, svids: &[&Svid]) -> anyhow::Result<()> {
        let (list, beside) = (self.directory.path().join(REVOKED), self.directory.path().join("revoked.pem"));
        // Moved into its place whole, so that nobody reads half of it.
        fs::write(&beside, self.mesh.revoked(svids)?).and_then(|()| fs::rename(&beside, &list)).context("cannot write the revocation list")
    }

    /// The keys that the legacy system takes.
    pub(super) fn warehouse_key(&self) -> &SharedKey {
        &self.warehouse_key
    }

    /// The application that looks at its callers' keys itself, and the keys that it takes.
    pub(super) fn billing(&self) -> (&Upstream, &[Secret<String>]) {
        (&self.billing, &self.billing_keys)
    }
}

/// Signs in, keeps the warehouse's key, issues a key for everybody, and signs in somebody else.
async fn prepare(
    address: Address,
    first: Secret<String>,
    warehouse_key: &Secret<String>,
) -> anyhow::Result<(People, BTreeMap<&'static str, Secret<String>>)> {
    let session = session::swap(&address, first).await.context("cannot sign in")?;
    let operator = Client::new(address.clone(), session.token.clone());
    let secret = json!({ "value": warehouse_key.danger_expose() });
    let place = format!("/api/v1/secrets/{WAREHOUSE_KEY}");
    operator.call(Method::PUT, &place, Some(&secret)).await.context("cannot keep the warehouse's key")?;
    let mut keys = BTreeMap::new();
    for identity in CALLERS {
        let (_, key) = issue(&operator, identity).await.with_context(|| format!("cannot issue a key for `{identity}`"))?;
        keys.insert(identity, key);
    }
    let wanted = json!({ "identity": SECOND, "kind": "sign_in" });
    let issued = operator.call(Method::POST, "/api/v1/credentials", Some(&wanted)).await?.body;
    let sign_in = issued.get("key").and_then(Value::as_str).context("the answer holds no sign-in credential")?;
    let other = session::swap(&address, Secret::new(sign_in.to_owned())).await.with_context(|| format!("cannot sign in as `{SECOND}`"))?;
    let second = Client::new(address, other.token);
    Ok((People { operator, token: session.token, second }, keys))
}

async fn issue(client: &Client, identity: &str) -> anyhow::Result<(String, Secret<String>)> {
    let wanted = json!({ "identity": identity, "name": "main" });
    let issued = client.call(Method::POST, "/api/v1/credentials", Some(&wanted)).await?.body;
    let member = |name: &str| issued.get(name).and_then(Value::as_str).map(str::to_owned);
    let (id, key) = member("id").zip(member("key")).context("the answer holds no key")?;
    Ok((id, Secret::new(key)))
}

/// Writes the files of the demo; gives the authority's certificate.
fn write(directory: &Path, servers: &[(&str, &Upstream)], mesh: &Mesh, feed: &Signer) -> anyhow::Result<String> {
    let pki = pki::local(clock::now())?;
    let job = Signer::generate()?;
    let public = Signer::load(job.danger_expose())?.jwk().to_string();
    let job = pki::pem(&job);
    let filled = |text: &str| {
        let fill = |text: String, (mark, server): &(&str, &Upstream)| text.replace(mark, &format!("http://{}", server.address()));
        servers.iter().fold(text.replace("@JOB@", &public).replace("@FEED@", &feed.jwk().to_string()), fill)
    };
    let (bundle, revoked) = (mesh.bundle(), mesh.revoked(&[])?);
    let key = Keyring::generate(&SystemEntropy)?;
    fs::create_dir(directory.join("delivered")).context("cannot make the directory for delivered secrets")?;
    let files = [
        (crate::config::FILE, include_str!("../../assets/demo/wardgate.yaml")),
        ("resources/demo.yaml", &filled(include_str!("../../assets/demo/resources.yaml"))),
        ("resources/trust.yaml", &filled(include_str!("../../assets/demo/trust.yaml"))),
        ("resources/abuse.yaml", &filled(include_str!("../../assets/demo/abuse.yaml"))),
        ("resources/mesh.pem", &bundle),
        (REVOKED, &revoked),
        ("openapi/shop.yaml", include_str!("../../assets/demo/shop.yaml")),
        ("tls/ca.pem", &pki.ca),
        ("tls/edge.pem", &pki.certificate),
        ("tls/edge.key", pki.key.danger_expose()),
        ("wardgate.key", key.danger_expose()),
        (JOB_KEY, job.danger_expose()),
    ];
    for (name, text) in files {
        let path = directory.join(name);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?.write_all(text.as_bytes())
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(pki.ca)
}
