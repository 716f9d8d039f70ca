//! The addresses by which APIs are called: what clients of our token service name as `resource`, and what stands in its tokens (RFC 8707).

use super::{Estate, Snapshot};
use std::sync::Arc;
use wardgate_model::{api::Api, id::ApiName};

impl Estate {
    /// Says by which addresses APIs are called: our own tokens name one of them as their audience (RFC 8707).
    #[must_use]
    pub fn addressed(self, addresses: impl IntoIterator<Item = (Box<str>, ApiName)>) -> Self {
        Self { addresses: addresses.into_iter().collect(), ..self }
    }
}

impl Snapshot {
    /// The API that is called by this address, compared exactly.
    #[must_use]
    pub fn addressed(&self, address: &str) -> Option<&Arc<Api>> {
        let name = self.estate.addresses.get(address)?;
        self.estate.apis.iter().find(|api| api.name == *name)
    }

    /// The addresses by which an API is called, in order.
    #[must_use]
    pub fn addresses(&self, api: &ApiName) -> Vec<&str> {
        let mut all: Vec<&str> = self.estate.addresses.iter().filter(|(_, name)| *name == api).map(|(address, _)| &**address).collect();
        all.sort_unstable();
        all
    }
}
