//! Files that are no segments: what lies in the bucket under a name of its own, below the prefix.

use super::{Method, SAID_BYTES_MAX, Store, StoreError, Stub, stub};
use crate::segment::hash_of;
use base64::{Engine as _, engine::general_purpose::STANDARD};

impl Store {
    /// Puts an object: what lies there afterwards has its length and its hash, which is asked, or read back.
    pub(super) fn put_as(&self, stub: &Stub, bytes: &[u8], kind: &str) -> Result<Stub, StoreError> {
        let checksum = STANDARD.encode(stub.sha256.0);
        let headers = [("content-type", kind), ("x-amz-checksum-sha256", &*checksum)];
        let answer = self.ask(Method::Put, &stub.key, &headers, bytes, SAID_BYTES_MAX)?;
        if answer.status != 200 {
            return Err(self.why(&stub.key, &answer));
        }
        let etag = answer.header("etag").filter(|etag| stub::is_etag(etag)).map(str::to_owned);
        let put = Stub { etag, ..stub.clone() };
        self.check(&put)?;
        Ok(put)
    }

    /// Puts a file, in the place of what lies there.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(crate) fn put_file(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let file = Stub { key: self.key(name), ..self.stub(0, hash_of(bytes), length) };
        self.put_as(&file, bytes, "application/octet-stream").map(drop)
    }

    /// A file's bytes, of at most so many; `None`: it is not there.
    ///
    /// # Errors
    /// When it is longer, or the store is away or refuses.
    pub(crate) fn file(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let key = self.key(name);
        let answer = self.ask(Method::Get, &key, &[], &[], bytes_max)?;
        if answer.status == 200 {
            return Ok(Some(answer.body));
        }
        match self.why(&key, &answer) {
            StoreError::Missing { .. } => Ok(None),
            error => Err(error),
        }
    }

    /// Takes a file away. One that is not there is good too.
    ///
    /// # Errors
    /// As [`Self::delete`].
    pub(crate) fn delete_file(&self, name: &str) -> Result<(), StoreError> {
        self.delete(&self.key(name))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.bucket.prefix)
    }
}
