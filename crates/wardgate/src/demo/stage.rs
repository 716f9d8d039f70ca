//! The stage: upstreams, a gate as `wardgate serve` starts it, a session of the management API, and a key for every
//! identity. All of it in a temporary directory and on ports of this machine.

use super::{
    caller::{Call, Gateway, Line},
    play::{Play, Side, Want},
    sample::{Kind, Upstream},
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
};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use wardgate_model::secret::Secret;
use wardgate_proof::{entropy::SystemEntropy, keyring::Keyring};

/// Everybody who calls.
const CALLERS: [&str; 7] =
    ["orders-sync", "analytics-reader", "export-job", "checkout-ci", "acme-partner", "till-terminal", "restock-agent"];

/// A set stage.
#[derive(Debug)]
pub(super) struct Stage {
    runtime: Runtime,
    running: Running,
    directory: TempDir,
    gateway: Gateway,
    client: Client,
    token: Secret<String>,
    keys: BTreeMap<&'static str, Secret<String>>,
    shop: Upstream,
    staging: Upstream,
    warehouse: Upstream,
    warehouse_key: Secret<String>,
}

impl Stage {
    /// Sets the stage.
    pub(super) fn open() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("wardgate-demo").enable_all().build()?;
        let warehouse_key = Keyring::generate(&SystemEntropy)?;
        let (shop, staging, warehouse) = runtime.block_on(async {
            anyhow::Ok((
                Upstream::start(Kind::Shop).await?,
                Upstream::start(Kind::Shop).await?,
                Upstream::start(Kind::Warehouse(warehouse_key.clone())).await?,
            ))
        })?;
        let directory = tempfile::Builder::new().prefix("wardgate-demo-").tempdir().context("cannot make a temporary directory")?;
        let ca = write(directory.path(), [("@SHOP@", &shop), ("@STAGING@", &staging), ("@WAREHOUSE@", &warehouse)])?;
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
        let (token, client, keys) = runtime.block_on(prepare(address, first, &warehouse_key))?;
        Ok(Self { runtime, running, directory, gateway, client, token, keys, shop, staging, warehouse, warehouse_key })
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
        self.shop.count() + self.staging.count() + self.warehouse.count()
    }

    /// The key of an identity.
    pub(super) fn key(&self, identity: &str) -> anyhow::Result<&Secret<String>> {
        self.keys.get(identity).with_context(|| format!("`{identity}` has no key"))
    }

    /// Issues one more key through the management API: its id and itself.
    pub(super) async fn issue(&self, identity: &str) -> anyhow::Result<(String, Secret<String>)> {
        issue(&self.client, identity).await
    }

    /// Revokes a credential through the management API.
    pub(super) async fn revoke(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/credentials/{}?reason=leaked", segment(id));
        self.client.call(Method::DELETE, &path, None).await?;
        Ok(())
    }

    /// The management API.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// The session's token.
    pub(super) const fn token(&self) -> &Secret<String> {
        &self.token
    }

    /// Where clients go.
    pub(super) const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The gate itself.
    pub(super) const fn running(&self) -> &Running {
        &self.running
    }

    /// The certificate of the demo's authority.
    pub(super) fn ca(&self) -> PathBuf {
        self.directory.path().join("tls/ca.pem")
    }

    /// The shop.
    pub(super) const fn shop(&self) -> &Upstream {
        &self.shop
    }

    /// The shop of staging.
    pub(super) const fn staging(&self) -> &Upstream {
        &self.staging
    }

    /// The legacy system, and the one key it knows.
    pub(super) const fn warehouse(&self) -> (&Upstream, &Secret<String>) {
        (&self.warehouse, &self.warehouse_key)
    }
}

/// Signs in, keeps the warehouse's key, issues a key for everybody.
async fn prepare(
    address: Address,
    first: Secret<String>,
    warehouse_key: &Secret<String>,
) -> anyhow::Result<(Secret<String>, Client, BTreeMap<&'static str, Secret<String>>)> {
    let session = session::swap(&address, first).await.context("cannot sign in")?;
    let client = Client::new(address, session.token.clone());
    let secret = json!({ "value": warehouse_key.danger_expose() });
    client.call(Method::PUT, "/api/v1/secrets/warehouse-key", Some(&secret)).await.context("cannot keep the warehouse's key")?;
    let mut keys = BTreeMap::new();
    for identity in CALLERS {
        let (_, key) = issue(&client, identity).await.with_context(|| format!("cannot issue a key for `{identity}`"))?;
        keys.insert(identity, key);
    }
    Ok((session.token, client, keys))
}

async fn issue(client: &Client, identity: &str) -> anyhow::Result<(String, Secret<String>)> {
    let wanted = json!({ "identity": identity, "name": "main" });
    let issued = client.call(Method::POST, "/api/v1/credentials", Some(&wanted)).await?.body;
    let member = |name: &str| issued.get(name).and_then(Value::as_str).map(str::to_owned);
    let (id, key) = member("id").zip(member("key")).context("the answer holds no key")?;
    Ok((id, Secret::new(key)))
}

/// Writes the files of the demo; gives the authority's certificate.
fn write(directory: &Path, upstreams: [(&str, &Upstream); 3]) -> anyhow::Result<String> {
    let pki = pki::local(clock::now())?;
    let resources = upstreams.iter().fold(include_str!("../../assets/demo/resources.yaml").to_owned(), |text, (mark, upstream)| {
        text.replace(mark, &format!("http://{}", upstream.address()))
    });
    let key = Keyring::generate(&SystemEntropy)?;
    let files = [
        (crate::config::FILE, include_str!("../../assets/demo/wardgate.yaml")),
        ("resources/demo.yaml", resources.as_str()),
        ("openapi/shop.yaml", include_str!("../../assets/demo/shop.yaml")),
        ("tls/ca.pem", &pki.ca),
        ("tls/edge.pem", &pki.certificate),
        ("tls/edge.key", pki.key.danger_expose()),
        ("wardgate.key", key.danger_expose()),
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
