//! What somebody is taken to have done before the tour: nobody can wait for weeks.

use super::Stage;
use crate::{
    clock,
    demo::caller::{Call, Gateway, Protocol},
};
use anyhow::Context as _;
use std::{net::Ipv4Addr, sync::Arc};
use wardgate_gate::{Habit, Software, Spell, Taught};
use wardgate_model::id::IdentityId;

/// For how many days.
const DAYS: u8 = 14;

/// Calls of an operation, `API METHOD TEMPLATE`, at any hour of the day.
pub(in crate::demo) fn habit(operation: &str, per_hour: u32, (from, tls): (Ipv4Addr, &Arc<str>)) -> Habit {
    let software = Software::Tls(Arc::clone(tls));
    Habit { operation: operation.into(), per_hour, hours: (0..24).collect(), from: from.into(), software, records: 1 }
}

impl Stage {
    /// How the gate knows the software of a client: by what it offers in its handshake, as the log has it.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(in crate::demo) async fn software(&self, gateway: &Gateway, protocol: Protocol) -> anyhow::Result<Arc<str>> {
        let answer = gateway.open(protocol).await?.send(Call::get("/shop/status")).await?;
        let event = self.event("shop", answer.field("wardgate-request-id").unwrap_or_default()).await?;
        let told = event.pointer("/source/tls_fingerprint").and_then(serde_json::Value::as_str);
        told.map(Arc::from).context("the log has no fingerprint of the client")
    }

    /// Has the gate know an identity by its habits of the last weeks; says of how many calls that is.
    ///
    /// # Errors
    /// When it cannot be taught.
    pub(in crate::demo) fn teach(&self, identity: &'static str, habits: Vec<Habit>) -> anyhow::Result<u32> {
        self.teach_lately(identity, habits, &[])
    }

    /// The same, with what it has done in the last minutes.
    ///
    /// # Errors
    /// When it cannot be taught.
    pub(in crate::demo) fn teach_lately(&self, identity: &'static str, habits: Vec<Habit>, lately: &[Spell]) -> anyhow::Result<u32> {
        let taught = Taught { identity: IdentityId::literal(identity), days: DAYS, habits };
        Ok(self.running().gate().teach_lately(&taught, lately, clock::now())?)
    }
}
