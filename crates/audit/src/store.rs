//! Sealed segments in object storage (S3 and what speaks like it): put there, checked, and read where they lie.
//!
//! Objects are named by what is in them: the number of the first event and the SHA-256 of the file. So an object is never
//! replaced: what is erased from is put anew under another name, and the old one is deleted. Beside where the file was, a small
//! file says where it lies ([`Stub`]); it holds no secret. What reads a segment reads that ([`crate::segment::Input`]). Beside segments
//! lies a copy of the log of segments (`files`).
//!
//! A process says once by which keys it reads ([`allow`], [`allow_lent`]): a stub is a file, so it must not decide whom we speak
//! to. `sign` is the signature, `remote` reads by ranges.

mod files;
mod own;
mod remote;
mod sign;
mod stub;

pub(crate) use own::elsewhere;
pub use own::{Named, own};
pub(crate) use remote::Remote;
pub use sign::Credentials;
pub(crate) use stub::STORED;
pub use stub::Stub;
use stub::is_amazon;

use crate::{
    tree::Hash,
    web::{Answer, Method, NoSite, Outgoing, Site, Web, WebError},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sign::{Unsigned, encoded, hex, signed};
use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    thread,
    time::Duration,
};
use wardgate_model::time::Time;

/// Bytes of an answer that only says how it went.
const SAID_BYTES_MAX: u64 = 64 * 1024;
/// Pauses before a request is tried again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];

/// Why an object cannot be put, read or taken away. Each names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is not there.
    #[error("the object `{object}` is not there")]
    Missing {
        /// Which.
        object: String,
    },
    /// It is not what was put.
    #[error("the object `{object}` was changed: {what}")]
    Changed {
        /// Which.
        object: String,
        /// What of it.
        what: String,
    },
    /// The store does not answer, or is in trouble: another time it may.
    #[error("the object `{object}` cannot be reached: {why}")]
    Away {
        /// Which.
        object: String,
        /// Why.
        why: String,
    },
    /// The store does not let us.
    #[error("the store refuses the object `{object}`: {why}")]
    Refused {
        /// Which.
        object: String,
        /// What it said.
        why: String,
    },
    /// Nobody said by which key it may be read.
    #[error(
        "the object `{object}` is read with a key that nobody gave: name the configuration, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoKey {
        /// Which.
        object: String,
    },
    /// It lies at a place that nobody named: the file that says so is no reason to send anything there.
    #[error("the object `{object}` lies at `{endpoint}`, which nobody named: name the configuration, or set AWS_ENDPOINT_URL_S3 to it")]
    Unnamed {
        /// Which.
        object: String,
        /// Where.
        endpoint: String,
    },
    /// What says where the segment lies is damaged.
    #[error("`{}` does not say where a segment lies: {why}", path.display())]
    Stub {
        /// The file.
        path: PathBuf,
        /// What is wrong of it.
        why: String,
    },
}

impl StoreError {
    /// Whether what was there is gone or another, which is for [`crate::verify`] to tell; else it may be there another time.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Changed { .. } | Self::Stub { .. })
    }
}

/// How a bucket is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// By the path: `https://HOST/BUCKET/KEY`.
    Path,
    /// By the host: `https://BUCKET.HOST/KEY`.
    Host,
}

/// A bucket of an object store, and where in it segments lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The store.
    pub endpoint: Site,
    /// Its name.
    pub name: String,
    /// The region that is signed for.
    pub region: String,
    /// How it is addressed.
    pub addressing: Addressing,
    /// What the names of objects begin with: empty, or ending with `/`.
    pub prefix: String,
}

/// Why something is no bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoBucket {
    /// Its name.
    #[error("a bucket's name has 3 to 63 letters a-z, digits, `-` and `.`, and begins and ends with a letter or a digit")]
    Name,
    /// What objects begin with.
    #[error("a prefix has letters, digits, `-`, `_`, `.` and `/`, ends with `/`, has no empty part, no `..`, and at most 512 bytes")]
    Prefix,
    /// The region.
    #[error("a region has letters a-z, digits and `-`")]
    Region,
    /// Its name would stand before an address, or go in clear text to a name that is not this machine's.
    #[error("the bucket's name cannot stand before this host: an address has no names below it, and `http` is for this machine only")]
    Host,
}

impl Bucket {
    /// Whether it can be one.
    ///
    /// # Errors
    /// What of it cannot be.
    pub fn check(&self) -> Result<(), NoBucket> {
        let ends =
            |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.ends_with(|c: char| c.is_ascii_alphanumeric());
        let of =
            |text: &str, more: &[u8]| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte));
        if !((3..=63).contains(&self.name.len()) && of(&self.name, b"-.") && ends(&self.name) && !self.name.contains("..")) {
            return Err(NoBucket::Name);
        }
        if !((1..=64).contains(&self.region.len()) && of(&self.region, b"-")) {
            return Err(NoBucket::Region);
        }
        let part = |part: &str| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(good)
        };
        let within = |prefix: &str| prefix.split('/').all(part);
        let is_prefix = self.prefix.is_empty() || (self.prefix.len() <= 512 && self.prefix.strip_suffix('/').is_some_and(within));
        if !is_prefix {
            return Err(NoBucket::Prefix);
        }
        if self.addressing == Addressing::Host && (self.endpoint.scheme() != "https" || self.endpoint.is_address()) {
            return Err(NoBucket::Host);
        }
        Ok(())
    }

    /// Whether a stub names this bucket of this store.
    pub(crate) fn holds(&self, stub: &Stub) -> bool {
        self.endpoint.base() == stub.endpoint && self.name == stub.bucket
    }

    /// Host and path of an object.
    fn place(&self, key: &str) -> (String, String) {
        let (authority, path, key) = (self.endpoint.authority(), self.endpoint.path(), encoded(key));
        match self.addressing {
            Addressing::Path => (authority.to_owned(), format!("{path}/{}/{key}", self.name)),
            Addressing::Host => (format!("{}.{authority}", self.name), format!("{path}/{key}")),
        }
    }
}

/// A bucket that is spoken to.
#[derive(Clone)]
pub struct Store {
    /// Which.
    pub bucket: Bucket,
    /// Who speaks.
    pub credentials: Credentials,
    /// How.
    pub web: Web,
    /// The time, which is signed.
    pub clock: fn() -> Time,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("bucket", &self.bucket).field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

impl Store {
    /// Puts a segment there: what lies there afterwards has its length and its hash, which is asked, or read back.
    ///
    /// # Errors
    /// When the store is away or refuses, or what lies there is something else.
    pub fn put(&self, stub: &Stub, bytes: &[u8]) -> Result<Stub, StoreError> {
        self.put_as(stub, bytes, "application/vnd.apache.parquet")
    }

    /// Whether what was put lies there.
    ///
    /// # Errors
    /// When it does not, or the store is away or refuses.
    pub fn check(&self, stub: &Stub) -> Result<(), StoreError> {
        let answer = self.ask(Method::Head, &stub.key, &[("x-amz-checksum-mode", "ENABLED")], &[], SAID_BYTES_MAX)?;
        if answer.status != 200 {
            return Err(self.why(&stub.key, &answer));
        }
        let changed = |what: String| StoreError::Changed { object: self.object(&stub.key), what };
        let length = answer.header("content-length").and_then(|length| length.parse::<u64>().ok());
        if let Some(length) = length.filter(|length| *length != stub.bytes) {
            return Err(changed(format!("it has {length} bytes, and {} were put", stub.bytes)));
        }
        match answer.header("x-amz-checksum-sha256") {
            Some(checksum) if checksum == STANDARD.encode(stub.sha256.0) => Ok(()),
            Some(_) => Err(changed("its checksum is another one".to_owned())),
            None => match crate::segment::hash_of(&self.whole(stub)?) {
                found if found == stub.sha256 => Ok(()),
                _ => Err(changed("its SHA-256 is another one".to_owned())),
            },
        }
    }

    /// Reads an object whole. That it is what was put, whoever reads it has to check.
    ///
    /// # Errors
    /// When it is not there or has another length, or the store is away or refuses.
    pub fn whole(&self, stub: &Stub) -> Result<Vec<u8>, StoreError> {
        let answer = self.ask(Method::Get, &stub.key, &[], &[], stub.bytes.max(SAID_BYTES_MAX))?;
        if answer.status != 200 {
            return Err(self.why(&stub.key, &answer));
        }
        let length = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
        if length == stub.bytes {
            return Ok(answer.body);
        }
        Err(StoreError::Changed { object: self.object(&stub.key), what: format!("it has {length} bytes, and {} were put", stub.bytes) })
    }

    /// Reads some bytes of an object, as long as it is the one that was put.
    ///
    /// # Errors
    /// When it is not there or another one, or the store is away or refuses.
    pub fn range(&self, stub: &Stub, range: &Range<u64>) -> Result<Vec<u8>, StoreError> {
        let length = range.end.saturating_sub(range.start);
        let bytes = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let mut headers = vec![("range", &*bytes)];
        headers.extend(stub.etag.as_deref().map(|etag| ("if-match", etag)));
        let answer = self.ask(Method::Get, &stub.key, &headers, &[], length.max(SAID_BYTES_MAX))?;
        let changed = |what: String| StoreError::Changed { object: self.object(&stub.key), what };
        let total = answer.header("content-range").and_then(|range| range.rsplit_once('/')?.1.parse::<u64>().ok());
        match (answer.status, total) {
            (206, Some(total)) if total != stub.bytes => Err(changed(format!("it has {total} bytes, and {} were put", stub.bytes))),
            (206, _) if u64::try_from(answer.body.len()) == Ok(length) => Ok(answer.body),
            (206 | 416, _) => Err(changed("it is shorter than what was put".to_owned())),
            (412, _) => Err(changed("it is not the one that was put".to_owned())),
            (200, _) => Err(StoreError::Refused { object: self.object(&stub.key), why: "it does not answer with ranges".to_owned() }),
            _ => Err(self.why(&stub.key, &answer)),
        }
    }

    /// Takes an object away. One that is not there is good too.
    ///
    /// # Errors
    /// When the store is away or refuses.
    pub fn delete(&self, key: &str) -> Result<(), StoreError> {
        let answer = self.ask(Method::Delete, key, &[], &[], SAID_BYTES_MAX)?;
        match answer.status {
            200 | 202 | 204 => Ok(()),
            _ => match self.why(key, &answer) {
                StoreError::Missing { .. } => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Where a segment of this hash and length is to lie.
    #[must_use]
    pub fn stub(&self, first_seq: u64, sha256: Hash, bytes: u64) -> Stub {
        let key = format!("{}{}", self.bucket.prefix, Stub::name(first_seq, &sha256));
        let Bucket { endpoint, name, region, addressing, .. } = &self.bucket;
        let path_style = *addressing == Addressing::Path;
        Stub { endpoint: endpoint.base(), bucket: name.clone(), region: region.clone(), path_style, key, bytes, sha256, etag: None }
    }

    fn object(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket.name)
    }

    /// Asks, and again where the store is in trouble.
    fn ask(&self, method: Method, key: &str, headers: &[(&str, &str)], body: &[u8], bytes_max: u64) -> Result<Answer, StoreError> {
        let mut pauses = PAUSES.iter();
        loop {
            let answer = self.ask_once(method, key, headers, body, bytes_max);
            let in_trouble = match &answer {
                Ok(answer) => answer.status >= 500 || answer.status == 429,
                Err(error) => matches!(error, StoreError::Away { .. }),
            };
            match pauses.next() {
                Some(pause) if in_trouble => thread::park_timeout(*pause),
                _ => return answer,
            }
        }
    }

    fn ask_once(&self, method: Method, key: &str, headers: &[(&str, &str)], body: &[u8], bytes_max: u64) -> Result<Answer, StoreError> {
        let (host, path) = self.bucket.place(key);
        let headers: Vec<(String, String)> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body_sha256 = hex(digest(&SHA256, body).as_ref());
        let request =
            Unsigned { method: method.as_str(), host: &host, path: &path, query: "", headers: &headers, body_sha256: &body_sha256 };
        let mut headers = signed(&request, &self.credentials, &self.bucket.region, (self.clock)());
        headers.push(("host".to_owned(), host.clone()));
        let url = format!("{}://{host}{path}", self.bucket.endpoint.scheme());
        let object = || self.object(key);
        self.web.send(&Outgoing { method, url, headers, body }, bytes_max).map_err(|error| match error {
            WebError::Long(most) => {
                StoreError::Changed { object: object(), what: format!("it has more than the {most} bytes that were put") }
            }
            other => StoreError::Away { object: object(), why: other.to_string() },
        })
    }

    /// What an answer means that is none of those expected.
    fn why(&self, key: &str, answer: &Answer) -> StoreError {
        let object = self.object(key);
        let code = code(&answer.body);
        let why = format!("it answered {}{}", answer.status, code.as_ref().map_or_else(String::new, |code| format!(" ({code})")));
        match answer.status {
            404 if code.as_deref() != Some("NoSuchBucket") => StoreError::Missing { object },
            429 | 500.. => StoreError::Away { object, why },
            _ => StoreError::Refused { object, why },
        }
    }
}

/// The code of an error, as a store says it in XML.
fn code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let code = text.split_once("<Code>")?.1.split_once("</Code>")?.0;
    (code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| code.to_owned())
}

/// Where sealed segments go.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The bucket.
    pub store: Store,
    /// How long after its newest event a segment stays here, too.
    pub local: Duration,
}

/// By what this process reads segments that lie in a store.
#[derive(Debug)]
struct Reading {
    /// Buckets that the configuration names.
    named: Vec<Store>,
    /// A key that is good for other buckets of one store.
    lent: Option<Lent>,
}

static READING: RwLock<Reading> = RwLock::new(Reading { named: Vec::new(), lent: None });

/// A key that was lent for any bucket, or for those of one store.
#[derive(Debug, Clone)]
pub struct Lent {
    /// Who reads.
    pub credentials: Credentials,
    /// How.
    pub web: Web,
    /// The only store that may be asked; `None`: Amazon's S3, whichever bucket of it a stub names.
    pub only: Option<Site>,
    /// The time, which is signed.
    pub clock: fn() -> Time,
}

/// The variables of the environment by which segments are read from a store, as other programs know them: the id of a key, the
/// key, its session, the only endpoint that is asked, and a file of the authority.
pub const VARIABLES: [&str; 5] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"];

/// Why what the environment says is no key.
#[derive(Debug, thiserror::Error)]
pub enum NoLent {
    /// The endpoint.
    #[error("AWS_ENDPOINT_URL_S3: {0}")]
    Endpoint(#[from] NoSite),
    /// The file of the authority.
    #[error("AWS_CA_BUNDLE: {0}")]
    Authority(String),
}

impl Lent {
    /// What the environment says ([`VARIABLES`]); `None`: it names no key.
    ///
    /// # Errors
    /// When what it says is none.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>, clock: fn() -> Time) -> Result<Option<Self>, NoLent> {
        let [access_key, secret_key, session_token, endpoint, authority] =
            VARIABLES.map(|name| variable(name).filter(|value| !value.is_empty()));
        let (Some(access_key), Some(secret_key)) = (access_key, secret_key) else { return Ok(None) };
        let pem = authority.map(std::fs::read).transpose().map_err(|error| NoLent::Authority(error.to_string()))?;
        let web = Web::new(pem.as_deref()).map_err(|error| NoLent::Authority(error.to_string()))?;
        let credentials = Credentials {
            access_key,
            secret_key: wardgate_model::secret::Secret::new(secret_key),
            session_token: session_token.map(wardgate_model::secret::Secret::new),
        };
        let only = endpoint.map(|endpoint| endpoint.parse()).transpose()?;
        Ok(Some(Self { credentials, web, only, clock }))
    }
}

/// From now on this process reads segments that lie in this bucket.
pub fn allow(store: Store) {
    let mut reading = READING.write().unwrap_or_else(PoisonError::into_inner);
    let same = |other: &Store| other.bucket.endpoint.base() == store.bucket.endpoint.base() && other.bucket.name == store.bucket.name;
    reading.named.retain(|other| !same(other));
    reading.named.push(store);
}

/// From now on this process reads segments with this key, where no bucket of the configuration is meant.
pub fn allow_lent(lent: Lent) {
    READING.write().unwrap_or_else(PoisonError::into_inner).lent = Some(lent);
}

/// The bucket that a stub names, where this process may read it.
fn reader(stub: &Stub) -> Result<Store, StoreError> {
    let reading = READING.read().unwrap_or_else(PoisonError::into_inner);
    let named = reading.named.iter().find(|store| store.bucket.holds(stub));
    if let Some(store) = named {
        return Ok(store.clone());
    }
    let no_key = || StoreError::NoKey { object: stub.object() };
    let lent = reading.lent.as_ref().ok_or_else(no_key)?;
    let bucket = stub.bucket().ok_or_else(no_key)?;
    let may_be_asked = match &lent.only {
        Some(only) => only.base() == bucket.endpoint.base(),
        None => is_amazon(&bucket.endpoint),
    };
    if !may_be_asked {
        return Err(StoreError::Unnamed { object: stub.object(), endpoint: stub.endpoint.clone() });
    }
    Ok(Store { bucket, credentials: lent.credentials.clone(), web: lent.web.clone(), clock: lent.clock })
}

/// A segment's file that lies in a store, whole; `None`: nothing says that it lies in one.
///
/// # Errors
/// When it cannot be read there.
pub(crate) fn whole(segment: &Path) -> Result<Option<(Stub, Vec<u8>)>, StoreError> {
    let Some(stub) = Stub::beside(segment)? else { return Ok(None) };
    let bytes = reader(&stub)?.whole(&stub)?;
    Ok(Some((stub, bytes)))
}

#[cfg(test)]
pub(crate) mod tests;
