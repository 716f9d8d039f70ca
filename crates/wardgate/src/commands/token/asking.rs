//! How this client gets its tokens: by what it proves itself, and what it asks for. Files are read anew each time, since somebody may
//! replace what is in them.

use super::{
    issuer::{Answered, Issuer, NoAnswer, Way},
    possession::{self, Possession},
};
use crate::{
    cli::TokenArgs,
    clock::{self, Instant},
};
use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, header};
use rustls::ClientConfig;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use wardgate_model::secret::Secret;
use wardgate_proof::{
    client::{self, ASSERTION_TYPE},
    entropy::{Entropy as _, SystemEntropy},
    jws::Signer,
};

/// What says which grant is asked for.
const GRANT: &str = "grant_type";
/// The value of it for what rests on a token of somebody else (RFC 8693 §2.1).
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// `subject_token_type` of it (RFC 8693 §3): what proves its sender, and what somebody else was given and handed on.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The type of `authorization_details` that names a task (RFC 9396 §2).
const TASK: &str = "wardgate_task";
/// How long a token is taken to live that does not say it (RFC 6749 §5.1 recommends that it does).
const LIFE: Duration = Duration::from_mins(1);
/// Largest file with a key or a token, in bytes.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// By what a client proves itself.
#[derive(Clone)]
enum Proof {
    /// A private key of its own.
    Key { client: String, file: PathBuf },
    /// An API key, in a file or given.
    ApiKey { client: String, key: ApiKey },
    /// The certificate of its connection.
    Certificate { client: String },
    /// A token that somebody else gave it.
    Subject { file: PathBuf },
    /// Its own proof, and the token of whom it acts for (RFC 8693 §1.1, delegation).
    Acting { own: Box<Proof>, subject: PathBuf },
}

#[derive(Clone)]
enum ApiKey {
    File(PathBuf),
    Given(Secret<String>),
}

/// What a token is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asks {
    /// The API that it is for.
    pub(super) resource: Option<String>,
    /// Classes of operations.
    pub(super) scope: Option<String>,
    /// The task that it is of.
    pub(super) task: Option<String>,
}

/// Gets tokens.
pub(super) struct Asker {
    issuer: Issuer,
    proof: Proof,
    asks: Asks,
    /// What tokens are bound to, where we show them ourselves.
    binding: Option<Binding>,
}

/// To what tokens are bound, from when on that is asked for.
struct Binding {
    key: Possession,
    begun: AtomicBool,
}

/// A token, and until when.
pub(super) struct Token {
    /// The token itself.
    pub(super) text: Secret<String>,
    /// When it was asked for. Not a time of day: whoever sets the clock makes no token live longer or shorter.
    pub(super) asked: Instant,
    /// For how long it was given: after that it opens nothing.
    pub(super) life: Duration,
    /// What the service answered.
    pub(super) answer: Value,
    /// Whether it opens nothing without a proof of our key.
    pub(super) bound: bool,
    /// What TLS is to be spoken with where it is shown: it may be bound to the certificate of the client.
    pub(super) tls: Arc<ClientConfig>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("life", &self.life).finish_non_exhaustive()
    }
}

impl Token {
    /// For how long it has been there.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.since(self.asked)
    }

    /// Whether it has not ended.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.age(now) < self.life
    }

    /// When the next one is got: with a third of its life left.
    pub(super) fn due(&self) -> Instant {
        self.asked + (self.life - self.life / 3)
    }
}

impl Asker {
    /// As the command says it.
    ///
    /// # Errors
    /// It does not say enough, a file cannot be read, or nobody is at the issuer.
    pub(super) async fn new(args: &TokenArgs) -> anyhow::Result<Self> {
        let url = args.issuer.as_ref().context("`--issuer` is needed")?;
        let proof = proof(args)?;
        proof.look()?;
        let certificate = args.certificate.clone().zip(args.certificate_key.clone());
        let way = Way { connect: args.connect.clone(), ca: args.ca.clone(), certificate };
        let issuer = Issuer::find(url, way).await?;
        if args.bound && !issuer.binds() {
            bail!("the token service binds no tokens to a key (RFC 9449): leave `--bound` out");
        }
        // Whoever else is to show the token has no key: only the forwarder shows it by itself.
        let binding = match (&args.proxy, &args.resource) {
            (Some(_), Some(resource)) if issuer.binds() => {
                let begun = AtomicBool::new(args.bound || issuer.only_bound(resource).await);
                Some(Binding { key: Possession::new()?, begun })
            }
            _ => None,
        };
        let asks = Asks { resource: args.resource.clone(), scope: args.scope.clone(), task: args.task.clone() };
        Ok(Self { issuer, proof, asks, binding })
    }

    /// The same client, that asks for something else, bound to nothing.
    pub(super) fn asking(&self, asks: Asks) -> Self {
        Self { issuer: self.issuer.clone(), proof: self.proof.clone(), asks, binding: None }
    }

    /// What it asks for.
    pub(super) fn asks(&self) -> &Asks {
        &self.asks
    }

    /// The token service.
    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// How to get to the gate.
    pub(super) fn way(&self) -> &Way {
        self.issuer.way()
    }

    /// What its tokens are bound to, for whoever they are shown to.
    pub(super) fn possession(&self) -> Option<Possession> {
        self.binding.as_ref().map(|binding| binding.key.elsewhere())
    }

    /// Asks for a token.
    ///
    /// # Errors
    /// It is refused, or nobody answers.
    pub(super) async fn ask(&self) -> Result<Token, NoAnswer> {
        let asked = clock::instant();
        let (answered, tls) = self.answered().await.map_err(|error| NoAnswer::Later { why: format!("{error:#}"), after: None })?;
        let answer = answered.good("token")?;
        let text = answer.get("access_token").and_then(Value::as_str);
        let text = text.ok_or_else(|| NoAnswer::Refused("the answer has no `access_token`".to_owned()))?;
        let life = answer.get("expires_in").and_then(Value::as_u64).map_or(LIFE, Duration::from_secs);
        // RFC 6749 §7.1: the type says how it is shown, whatever was asked for.
        let bound = answer.get("token_type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("DPoP"));
        Ok(Token { text: Secret::new(text.to_owned()), bound, asked, life, tls, answer })
    }

    /// The answer that counts: after a proof of possession and a nonce were asked for, each once (RFC 9449 §5.2, §8).
    async fn answered(&self) -> anyhow::Result<(Answered, Arc<ClientConfig>)> {
        let tls = self.way().tls()?;
        let mut answer = self.once(&tls).await?;
        let Some(Binding { key, begun }) = &self.binding else { return Ok((answer, tls)) };
        if answer.error() == possession::UNBOUND && !begun.swap(true, Ordering::Relaxed) {
            answer = self.once(&tls).await?;
        }
        if answer.error() == possession::WANTED && answer.nonce.is_some() {
            key.learn(answer.nonce.as_deref());
            answer = self.once(&tls).await?;
        }
        key.learn(answer.nonce.as_deref());
        Ok((answer, tls))
    }

    /// Has a token ended that nobody needs any more. What proves itself by the token of somebody else alone cannot say that (RFC 7009 §2.1), nor
    /// can anybody to a service that ends none: then it ends by itself.
    ///
    /// # Errors
    /// Nobody heard it.
    pub(super) async fn give_back(&self, token: &Token) -> anyhow::Result<()> {
        let Some((endpoint, proof)) = self.issuer.revocation().zip(self.proof.own()) else { return Ok(()) };
        let shown = proof.shown(self.issuer.name())?;
        let mut form = shown.form();
        // It is no grant that is asked for.
        form.retain(|(name, _)| *name != GRANT);
        form.extend([("token", token.text.danger_expose().as_str()), ("token_type_hint", "access_token")]);
        self.issuer.post(&self.way().tls()?, endpoint, shown.fields.clone(), &form).await?.good("end of the token")?;
        Ok(())
    }

    async fn once(&self, tls: &Arc<ClientConfig>) -> anyhow::Result<Answered> {
        let mut shown = self.proof.shown(self.issuer.name())?;
        if let Some(Binding { key, .. }) = self.binding.as_ref().filter(|binding| binding.begun.load(Ordering::Relaxed)) {
            shown.fields.push((possession::PROOF, key.proof("POST", self.issuer.endpoint(), None)?));
        }
        let mut form = shown.form();
        let Asks { resource, scope, task } = &self.asks;
        let details = task.as_ref().map(|task| json!([{ "type": TASK, "task_id": task }]).to_string());
        let asked = [("resource", resource), ("scope", scope), ("authorization_details", &details)];
        form.extend(asked.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
        self.issuer.post(tls, self.issuer.endpoint(), shown.fields.clone(), &form).await
    }
}

/// What goes with a question for a token.
struct Shown {
    form: Vec<(&'static str, Secret<String>)>,
    fields: Vec<(HeaderName, HeaderValue)>,
}

impl Shown {
    fn form(&self) -> Vec<(&str, &str)> {
        self.form.iter().map(|(name, value)| (*name, value.danger_expose().as_str())).collect()
    }
}

/// What stands in the way of taking a command as it was meant: two ways for a client to prove itself, or what a token file would leave unused. A
/// variable counts as the option does.
pub(super) fn at_odds(args: &TokenArgs) -> Option<String> {
    let ways = [
        ("`--key` (WARDGATE_CLIENT_KEY)", args.key.is_some()),
        ("`--api-key-file` (WARDGATE_API_KEY_FILE)", args.api_key_file.is_some()),
        ("the variable WARDGATE_API_KEY", args.api_key.is_some()),
    ];
    let given: Vec<&str> = ways.iter().filter_map(|(way, given)| given.then_some(*way)).collect();
    if let [one, other, ..] = given[..] {
        return Some(format!("{one} and {other} are two ways to prove oneself: leave one out"));
    }
    let acts = args.subject_token_file.is_some() && args.client.is_some();
    if acts && args.own.purpose.is_some() {
        return Some(
            "`--purpose` starts a task of the command's own, and nobody starts one for somebody else: leave `--purpose` out (a token of a task in \
             `--subject-token-file` gives tokens of that task), or `--subject-token-file`"
                .to_owned(),
        );
    }
    if args.subject_token_file.is_none() {
        return match (&args.client, given.first(), &args.certificate) {
            (None, ..) => Some("`--client` (WARDGATE_CLIENT) is missing: the name of the identity".to_owned()),
            (Some(_), None, None) => Some(
                "say by what the client proves itself: `--key`, `--api-key-file`, `--certificate` or `--subject-token-file`".to_owned(),
            ),
            _ => None,
        };
    }
    match (given.first(), &args.client, &args.certificate) {
        (Some(way), None, _) => Some(format!(
            "{way} beside `--subject-token-file` proves who acts for somebody else: say by `--client` (WARDGATE_CLIENT) who that is, or leave it \
             out"
        )),
        (None, Some(_), None) => Some(
            "`--client` (WARDGATE_CLIENT) beside `--subject-token-file` acts for somebody else, and has to prove itself too: by `--key`, \
             `--api-key-file` or `--certificate`; where the token itself says who asks, leave `--client` out"
                .to_owned(),
        ),
        _ => None,
    }
}

fn proof(args: &TokenArgs) -> anyhow::Result<Proof> {
    match &args.subject_token_file {
        Some(file) if args.client.is_none() => Ok(Proof::Subject { file: file.clone() }),
        Some(file) => Ok(Proof::Acting { own: Box::new(own(args)?), subject: file.clone() }),
        None => own(args),
    }
}

/// By what a client proves itself that has a name here.
fn own(args: &TokenArgs) -> anyhow::Result<Proof> {
    let client = args.client.clone().context("`--client` is needed: the name of the identity")?;
    if let Some(file) = &args.key {
        return Ok(Proof::Key { client, file: file.clone() });
    }
    let given = || args.api_key.as_ref().map(|key| ApiKey::Given(key.clone()));
    if let Some(key) = args.api_key_file.clone().map(ApiKey::File).or_else(given) {
        return Ok(Proof::ApiKey { client, key });
    }
    if args.certificate.is_some() {
        return Ok(Proof::Certificate { client });
    }
    bail!("say by what the client proves itself: `--key`, `--api-key-file`, `--certificate` or `--subject-token-file`")
}

impl Proof {
    /// Whether it can be read at all: said at once, and not with the first renewal.
    fn look(&self) -> anyhow::Result<()> {
        self.shown("").map(drop)
    }

    /// What of it is the client's own.
    fn own(&self) -> Option<&Self> {
        match self {
            Self::Subject { .. } => None,
            Self::Acting { own, .. } => Some(own),
            Self::Key { .. } | Self::ApiKey { .. } | Self::Certificate { .. } => Some(self),
        }
    }

    fn shown(&self, issuer: &str) -> anyhow::Result<Shown> {
        let open = |text: &str| Secret::new(text.to_owned());
        let usual = (GRANT, open("client_credentials"));
        let mut fields = Vec::new();
        let form = match self {
            Self::Key { client, file } => {
                let mut id = [0; 16];
                SystemEntropy.fill(&mut id)?;
                let assertion = client::assertion(&signer(file)?, client, issuer, &id, clock::now())?;
                let by = [("client_assertion_type", open(ASSERTION_TYPE)), ("client_assertion", Secret::new(assertion))];
                [usual, ("client_id", open(client))].into_iter().chain(by).collect()
            }
            Self::ApiKey { client, key } => {
                let key = match key {
                    ApiKey::File(file) => read(file)?,
                    ApiKey::Given(key) => key.clone(),
                };
                let pair = Secret::new(format!("{client}:{}", key.danger_expose()));
                let mut basic = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair.danger_expose())))?;
                basic.set_sensitive(true);
                fields.push((header::AUTHORIZATION, basic));
                vec![usual]
            }
            Self::Certificate { client } => vec![usual, ("client_id", open(client))],
            Self::Subject { file } => {
                vec![(GRANT, open(EXCHANGE)), ("subject_token", read(file)?), ("subject_token_type", open(JWT))]
            }
            Self::Acting { own, subject } => {
                let Shown { mut form, fields: by } = own.shown(issuer)?;
                form.retain(|(name, _)| *name != GRANT);
                form.extend([(GRANT, open(EXCHANGE)), ("subject_token", read(subject)?), ("subject_token_type", open(ACCESS_TOKEN))]);
                fields = by;
                form
            }
        };
        Ok(Shown { form, fields })
    }
}

/// A private key of a client, as `--new-key` makes it.
///
/// # Errors
/// It cannot be read, or is none.
pub(super) fn signer(file: &Path) -> anyhow::Result<Signer> {
    let text = Secret::new(fs::read(file).with_context(|| format!("cannot read the key `{}`", file.display()))?);
    let der = PrivatePkcs8KeyDer::from_pem_slice(text.danger_expose());
    let der = der.map_err(|_| {
        anyhow::anyhow!("`{}` holds no private key in PEM, PKCS #8: make one with `wardgate token --new-key FILE`", file.display())
    })?;
    Signer::load(der.secret_pkcs8_der()).with_context(|| format!("the key `{}` cannot be used", file.display()))
}

/// One line of a file: a key or a token.
///
/// # Errors
/// It cannot be read, or is no such line.
pub(super) fn read(file: &Path) -> anyhow::Result<Secret<String>> {
    let text = Secret::new(fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?);
    let line = text.danger_expose().trim();
    if line.is_empty() || line.len() > FILE_BYTES_MAX || !line.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("`{}` holds no key or token: one line of visible characters", file.display());
    }
    Ok(Secret::new(line.to_owned()))
}

#[cfg(test)]
mod tests;
