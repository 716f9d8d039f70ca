//! What is known of a request before the judge has looked at it.

use http::Method;
use std::net::IpAddr;
use wardgate_gate::canon;
use wardgate_model::{
    facts::{ContentFacts, Door, Facts, RequestFacts, SourceFacts},
    id::RequestId,
    time::Time,
};

/// What is known of a request before the judge has looked at it.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its id.
    pub id: RequestId,
    /// When its head was there.
    pub time: Time,
    /// Through which door.
    pub door: Door,
    /// Method.
    pub method: Method,
    /// The peer.
    pub peer: IpAddr,
}

impl Opening {
    /// Facts of a request that the judge never saw.
    #[must_use]
    pub fn facts(&self, path: &str) -> Facts {
        Facts {
            id: self.id,
            time: self.time,
            door: self.door,
            trace: None,
            request: RequestFacts {
                method: self.method.clone(),
                host: Box::default(),
                path: path.into(),
                query: None,
                content_type: None,
                length: None,
                retry: None,
                content: ContentFacts::default(),
            },
            source: SourceFacts::at(canon::address(self.peer)),
            api: None,
            operation: None,
            resource: None,
            caller: None,
            purpose: None,
            stopped: None,
            unknown: None,
            assessed: None,
        }
    }
}
