//! The small file that says where a segment lies.

use super::{Addressing, Bucket, StoreError};
use crate::{
    segment::{read::SEGMENT_BYTES_MAX, write::UNFINISHED},
    tree::{HASH_BYTES, Hash},
    web::Site,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// What such a file says that it is.
const FORM: &str = "wardgate-stored/1";
/// The end of its name, in the place of the segment's.
pub(crate) const STORED: &str = "stored";
/// Its length at most, in bytes.
const STUB_BYTES_MAX: u64 = 8 * 1024;

/// Where a segment lies. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stub {
    /// The store's URL.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The region that is signed for.
    pub region: String,
    /// Whether the bucket stands in the path, not in the host.
    pub path_style: bool,
    /// The name of the object.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it: the hash that the log of segments says of the file.
    pub sha256: Hash,
    /// What the store calls this content.
    pub etag: Option<String>,
}

/// How it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    stored: String,
    endpoint: String,
    bucket: String,
    region: String,
    path_style: bool,
    key: String,
    bytes: u64,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

/// Whether a store may call something so: it is sent back in a field of a head.
pub(super) fn is_etag(text: &str) -> bool {
    text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Stub {
    /// What stands beside where a segment's file was; `None`: nothing.
    ///
    /// # Errors
    /// When it is there and says nothing that can be understood.
    pub fn beside(segment: &Path) -> Result<Option<Self>, StoreError> {
        Self::read(&Self::path(segment))
    }

    /// The name of the file that stands beside a segment's.
    #[must_use]
    pub fn path(segment: &Path) -> PathBuf {
        segment.with_extension(STORED)
    }

    /// Reads such a file; `None`: there is none.
    ///
    /// # Errors
    /// When it says nothing that can be understood.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let wrong = |why: String| StoreError::Stub { path: path.to_owned(), why };
        match Self::look(path) {
            Ok(None) => Ok(None),
            Ok(Some(said)) => said.map(Some).map_err(wrong),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// What such a file says, or why that is nothing; `None`: there is none.
    ///
    /// # Errors
    /// When it cannot be read: nobody knows what it says.
    pub(crate) fn look(path: &Path) -> io::Result<Option<Result<Self, String>>> {
        let absent_is_none = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) };
        let found = match fs::metadata(path) {
            Err(error) => return absent_is_none(error),
            Ok(found) => found,
        };
        if !found.is_file() || found.len() > STUB_BYTES_MAX {
            return Err(io::Error::other("it is no small plain file"));
        }
        let mut text = Vec::new();
        match File::open(path).and_then(|file| file.take(STUB_BYTES_MAX).read_to_end(&mut text)) {
            Err(error) => absent_is_none(error),
            Ok(_) => Ok(Some(Self::parse(&text))),
        }
    }

    /// Whether it can be that of a segment whose file has this hash: it says so, and objects are named by what is in them.
    pub(crate) fn is_of(&self, first_seq: u64, file: &Hash) -> bool {
        self.sha256 == *file && self.key.rsplit('/').next() == Some(&*Self::name(first_seq, file))
    }

    /// What an object is called, without what all of a bucket's begin with.
    pub(super) fn name(first_seq: u64, file: &Hash) -> String {
        format!("events-{first_seq:012}-{}.parquet", super::hex(&file.0))
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let written: Written = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if written.stored != FORM {
            return Err(format!("its form is `{}`", written.stored.escape_default()));
        }
        let Written { endpoint, bucket, region, path_style, key, bytes, sha256, etag, .. } = written;
        let stub = Self { endpoint, bucket, region, path_style, key, bytes, sha256: hash(&sha256).ok_or("`sha256` is none")?, etag };
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        if stub.key.is_empty() || stub.key.len() > 1024 || !stub.key.bytes().all(good) || stub.key.split('/').any(|part| part == "..") {
            return Err("`key` names no object of ours".to_owned());
        }
        if stub.bytes > SEGMENT_BYTES_MAX {
            return Err("`bytes` is more than any segment has".to_owned());
        }
        if stub.etag.as_deref().is_some_and(|etag| !is_etag(etag)) {
            return Err("`etag` is none".to_owned());
        }
        stub.bucket().map(|_| stub).ok_or_else(|| "it names no bucket".to_owned())
    }

    /// The bucket that it names.
    pub(super) fn bucket(&self) -> Option<Bucket> {
        let bucket = Bucket {
            endpoint: self.endpoint.parse().ok()?,
            name: self.bucket.clone(),
            region: self.region.clone(),
            addressing: if self.path_style { Addressing::Path } else { Addressing::Host },
            prefix: String::new(),
        };
        bucket.check().ok().map(|()| bucket)
    }

    /// The object, for people.
    #[must_use]
    pub fn object(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// Writes it, all or nothing, and durably but for its name.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let Self { endpoint, bucket, region, path_style, key, bytes, sha256, etag } = self.clone();
        let (stored, sha256) = (FORM.to_owned(), super::hex(&sha256.0));
        let text = serde_json::to_string_pretty(&Written { stored, endpoint, bucket, region, path_style, key, bytes, sha256, etag })?;
        let mut new = path.as_os_str().to_owned();
        new.push(UNFINISHED);
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, path)
    }
}

/// Whether it is Amazon's S3 itself: `s3[.REGION].amazonaws.com` under TLS. Other hosts below that name are their users'.
pub(super) fn is_amazon(endpoint: &Site) -> bool {
    let Some(place) = endpoint.authority().strip_suffix(".amazonaws.com") else { return false };
    let is_region = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let mut parts = place.split('.');
    let is_store = matches!(parts.next(), Some("s3" | "s3-fips"));
    let rest: Vec<&str> = parts.collect();
    let in_region = match *rest {
        [] => true,
        [region] | ["dualstack", region] => is_region(region),
        _ => false,
    };
    endpoint.scheme() == "https" && endpoint.path().is_empty() && is_store && in_region
}

fn hash(text: &str) -> Option<Hash> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes.filter(|_| rest.is_empty()).and_then(|bytes| <[u8; HASH_BYTES]>::try_from(bytes).ok()).map(Hash)
}
