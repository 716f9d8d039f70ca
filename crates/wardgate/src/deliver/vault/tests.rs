use super::{Entry, check};
use crate::deliver::VaultSettings;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use wardgate_model::secret::Secret;

const TOKEN: &str = "hvs.CAESIJ";

/// One entry: its versions, the last one last; `None`: deleted.
type Versions = Vec<Option<Map<String, Value>>>;

/// A KV engine of version 2, mounted at `secret`, as its API is documented.
#[derive(Default)]
struct Engine {
    entries: BTreeMap<String, Versions>,
    asked: Vec<String>,
}

impl Engine {
    fn answer(&mut self, method: &Method, path: &str, media: &str, token: &str, body: &[u8]) -> (StatusCode, Value) {
        self.asked.push(format!("{method} {path}"));
        let errors = |status, why: &[&str]| (status, json!({ "errors": why }));
        if token != TOKEN {
            return errors(StatusCode::FORBIDDEN, &["permission denied"]);
        }
        let Some(path) = path.strip_prefix("/v1/secret/data/") else { return errors(StatusCode::NOT_FOUND, &["no handler for route"]) };
        let body: Value = serde_json::from_slice(body).unwrap();
        let entry = self.entries.get(path).cloned().unwrap_or_default();
        let version = entry.len();
        if let Some(cas) = body.pointer("/options/cas").and_then(Value::as_u64)
            && cas != version as u64
        {
            return errors(StatusCode::BAD_REQUEST, &["check-and-set parameter did not match the current version"]);
        }
        let given = body["data"].as_object().unwrap().clone();
        let data = match (method.as_str(), media) {
            ("POST", "application/json") => given,
            ("PATCH", "application/merge-patch+json") => match entry.last() {
                None => return errors(StatusCode::NOT_FOUND, &[]),
                Some(None) => return (StatusCode::NOT_FOUND, json!({ "data": { "data": null, "metadata": { "version": version } } })),
                Some(Some(before)) => before.clone().into_iter().chain(given).collect(),
            },
            _ => return errors(StatusCode::METHOD_NOT_ALLOWED, &["unsupported operation"]),
        };
        self.entries.entry(path.to_owned()).or_default().push(Some(data));
        (StatusCode::OK, json!({ "data": { "version": version + 1, "destroyed": false } }))
    }
}

#[expect(clippy::disallowed_methods, reason = "a test server reads what its own client sends")]
async fn serve(engine: Arc<Mutex<Engine>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let field = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    let (status, body) =
        engine.lock().unwrap().answer(&head.method, head.uri.path(), field("content-type"), field("x-vault-token"), &bytes);
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    Ok(response)
}

async fn carry(engine: Arc<Mutex<Engine>>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = service_fn(move |request| serve(Arc::clone(&engine), request));
    let _gone = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A Vault on this machine, and how it is configured.
struct Vault {
    engine: Arc<Mutex<Engine>>,
    settings: VaultSettings,
    directory: TempDir,
}

impl Vault {
    async fn start(tls: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (engine, listener) = (Arc::new(Mutex::new(Engine::default())), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = listener.local_addr().unwrap().port();
        let file = |name: &str, text: &str| -> PathBuf {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let token = file("token", &format!("{TOKEN}\n"));
        let mut settings =
            VaultSettings { url: format!("http://127.0.0.1:{port}"), mount: "secret".into(), namespace: None, token, ca: None };
        let acceptor = tls.then(|| {
            let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            settings.ca = Some(file("ca.pem", &own.cert.pem()));
            settings.url = format!("https://localhost:{port}");
            let key = rustls_pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
            let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![own.cert.der().clone()], key)
                .unwrap();
            TlsAcceptor::from(Arc::new(config))
        });
        let served = Arc::clone(&engine);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match &acceptor {
                    None => drop(tokio::spawn(carry(Arc::clone(&served), stream))),
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            tokio::spawn(carry(Arc::clone(&served), stream));
                        }
                    }
                }
            }
        });
        Self { engine, settings, directory }
    }

    async fn put(&self, path: &str, key: &str, secret: &str) -> Result<(), String> {
        let entry = Entry::parse(&self.settings, path, key).unwrap();
        entry.put(&Secret::new(secret.to_owned())).await.map_err(|fault| fault.to_string())
    }

    fn has(&self, path: &str) -> Value {
        json!(self.engine.lock().unwrap().entries.get(path).unwrap())
    }
}

fn test(run: impl AsyncFnOnce()) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run());
}

#[test]
fn one_key_is_replaced_and_the_others_stay() {
    test(async || {
        let vault = Vault::start(false).await;
        vault.put("team/shop", "api_key", "old").await.unwrap();
        vault.put("team/shop", "other", "kept").await.unwrap();
        vault.put("team/shop", "api_key", "new").await.unwrap();
        assert_eq!(vault.has("team/shop")[2], json!({ "api_key": "new", "other": "kept" }));
        let asked = vault.engine.lock().unwrap().asked.clone();
        let (patch, post) = ("PATCH /v1/secret/data/team/shop", "POST /v1/secret/data/team/shop");
        assert_eq!(asked, [patch, post, patch, patch]);
    });
}

#[test]
fn over_tls_the_configured_authority_is_the_only_one_believed() {
    test(async || {
        let mut vault = Vault::start(true).await;
        vault.put("team/shop", "value", "new").await.unwrap();
        assert_eq!(vault.has("team/shop")[0], json!({ "value": "new" }));

        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(vault.directory.path().join("other.pem"), other.cert.pem()).unwrap();
        vault.settings.ca = Some(vault.directory.path().join("other.pem"));
        let refused = vault.put("team/shop", "value", "newer").await.unwrap_err();
        assert!(refused.contains("cannot be spoken to"), "{refused}");
        vault.settings.ca = None;
        assert!(vault.put("team/shop", "value", "newer").await.is_err());
        assert_eq!(vault.has("team/shop").as_array().unwrap().len(), 1);
    });
}

#[test]
fn what_was_deleted_gets_a_next_version() {
    test(async || {
        let vault = Vault::start(false).await;
        vault.put("team/shop", "value", "old").await.unwrap();
        vault.engine.lock().unwrap().entries.get_mut("team/shop").unwrap().push(None);
        vault.put("team/shop", "value", "new").await.unwrap();
        assert_eq!(vault.has("team/shop")[2], json!({ "value": "new" }));
    });
}

#[test]
fn a_refusal_says_what_to_look_at_and_tells_no_secret() {
    test(async || {
        let mut vault = Vault::start(false).await;
        let url = vault.settings.url.clone();
        std::fs::write(&vault.settings.token, "hvs.other").unwrap();
        let refused = vault.put("team/shop", "value", "s3cret").await.unwrap_err();
        let expected = format!(
            "the secret was not delivered: the Vault {url} answered 403 for `secret/team/shop`: its token may not patch and create there"
        );
        assert_eq!(refused, expected);
        std::fs::write(&vault.settings.token, TOKEN).unwrap();
        vault.settings.mount = "nowhere".into();
        let nowhere = vault.put("team/shop", "value", "s3cret").await.unwrap_err();
        assert!(nowhere.contains("no KV engine of version 2 is mounted there"), "{nowhere}");
        vault.settings.token = vault.directory.path().join("not-there");
        assert!(vault.put("team/shop", "value", "s3cret").await.unwrap_err().contains("the Vault's token"));
        vault.settings =
            VaultSettings { url: "http://127.0.0.1:1".to_owned(), token: vault.directory.path().join("token"), ..vault.settings };
        assert!(vault.put("team/shop", "value", "s3cret").await.unwrap_err().contains("cannot be spoken to"));
    });
}

#[test]
fn a_secret_never_crosses_a_network_in_the_clear() {
    for good in ["https://vault.example", "https://vault.example:8200/", "http://127.0.0.1:8200", "http://localhost", "http://[::1]:8200"] {
        assert!(check(good).is_ok(), "{good}");
    }
    for bad in
        ["http://vault.example:8200", "http://10.0.0.1", "https://user@vault.example", "https://vault.example/v1", "vault", "ftp://v", ""]
    {
        assert!(check(bad).is_err(), "{bad}");
    }
}
