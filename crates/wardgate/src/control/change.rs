//! Changes of what is declared, through the management API: resolved with everything else before they are written.

use super::{Control, Loaded, load::DECLARED, people, publish::resolve};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use wardgate_console::{Manner, Planned, Refused};
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    resource::Kind,
    time::Time,
};
use wardgate_resources::{Document, resolve_identity};
use wardgate_store::{Actor, Applied, ResourceChange, StoreFault};

/// What would be declared beside the files.
#[derive(Debug, Default)]
pub(super) struct Proposed<'a> {
    /// All of it, identities apart.
    pub(super) documents: Vec<Document>,
    /// Identities that would be declared, or declared otherwise.
    pub(super) identities: Vec<Document>,
    /// Identities that would not be there any more.
    pub(super) gone: BTreeSet<&'a str>,
    /// Everything that would not be there any more.
    pub(super) removed: Vec<(Kind, &'a str)>,
}

/// Where a diagnostic points that is about the change as a whole.
pub(super) fn place() -> Place {
    Place::file(DECLARED)
}

impl Control {
    /// Says whether a change can be made: everything is resolved as it would be. Nothing is written.
    ///
    /// # Errors
    /// With every diagnostic at once, or when the store fails.
    pub async fn plan(&self, changes: &[ResourceChange]) -> Result<Planned, Refused> {
        let basis = self.store.last_seq().await?;
        let last = self.loaded();
        let small = |change: &&ResourceChange| change.id.kind() != Kind::Identity;
        let loaded = if changes.iter().any(|change| small(&change) || change.spec.is_none()) {
            let _one = self.planning.lock().await;
            let proposed = self.proposed(changes).await?;
            let snapshot = self.gate.snapshot();
            let resolved = resolve(&self.store, snapshot.population(), Arc::clone(&last.gathered), Some(&proposed)).await?;
            Arc::new(resolved.map_err(Refused::Diagnostics)?)
        } else {
            Arc::clone(&last)
        };
        let mut found = identities(changes, &loaded);
        if found.iter().any(Diagnostic::is_error) {
            return Err(Refused::Diagnostics(found));
        }
        // What was worth knowing before is no news.
        found.extend(loaded.warnings.iter().filter(|warning| !last.warnings.contains(warning)).cloned());
        Ok(Planned { basis, warnings: found })
    }

    /// Makes a change that was planned, and publishes it.
    ///
    /// # Errors
    /// When resources were changed after `basis`, or the store refuses or fails: then nothing was done.
    pub async fn apply(
        &self,
        actor: &Actor,
        changes: &[ResourceChange],
        manner: Manner,
        basis: u64,
        now: Time,
    ) -> Result<Applied, Refused> {
        let applied = match manner {
            Manner::Single => self.store.change_resources(actor, changes, Some(basis), now).await?,
            Manner::Whole => self.store.apply_resources(actor, changes, Some(basis), now).await?,
        };
        if let Err(error) = self.obey(applied.seq).await {
            tracing::error!(%error, seq = applied.seq, "a change is kept but not yet obeyed");
        }
        Ok(applied)
    }

    async fn proposed<'a>(&self, changes: &'a [ResourceChange]) -> Result<Proposed<'a>, StoreFault> {
        let declared = self.declared().await?;
        let mut documents: BTreeMap<(Kind, String), Document> =
            declared.into_iter().map(|document| ((document.kind, document.name.clone()), document)).collect();
        let mut proposed = Proposed::default();
        for change in changes {
            let (kind, name) = (change.id.kind(), change.id.name());
            match (&change.spec, kind) {
                (Some(spec), Kind::Identity) => proposed.identities.push(people::declared(&change.id, spec.clone())),
                (Some(spec), _) => {
                    documents.insert((kind, name.to_owned()), people::declared(&change.id, spec.clone()));
                }
                (None, _) => {
                    documents.remove(&(kind, name.to_owned()));
                    proposed.removed.push((kind, name));
                    if kind == Kind::Identity {
                        proposed.gone.insert(name);
                    }
                }
            }
        }
        proposed.documents = documents.into_values().collect();
        Ok(proposed)
    }
}

/// What is wrong with the identities of a change.
fn identities(changes: &[ResourceChange], loaded: &Loaded) -> Vec<Diagnostic> {
    let puts = changes.iter().filter(|change| change.id.kind() == Kind::Identity);
    let puts = puts.filter_map(|change| change.spec.as_ref().map(|spec| people::declared(&change.id, spec.clone())));
    let wrong = |document: Document| match resolve_identity(&document, &loaded.inventory) {
        Ok(resolved) => super::trust::keys(&resolved, &document.place),
        Err(found) => found,
    };
    puts.flat_map(wrong).collect()
}
