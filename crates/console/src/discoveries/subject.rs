//! A subject that a trust source vouches for becomes an identity's: an entry of its `credentials` says so.

use crate::{
    acts::{self, Asking, Outcome},
    answer::Answer,
    call::{Asked, Console},
    declared::{Making, One, make},
    problem::{Code, Problem},
    world::{DeclaredQuery, Manner},
};
use serde_json::{Value, json};
use wardgate_model::{inventory::Identity, resource::Kind, trust::JWT_SVID};
use wardgate_store::{Actor, DiscoveredBy, Origin, Precondition, ResourceId, SeenSubject, StoredDiscovery};

/// Entries of one identity that are looked through.
const ENTRIES_MAX: usize = 1_000;

/// Declares it, unless the identity does so already; gives the answer where a second person has to agree first.
pub(super) async fn bind(
    console: &Console,
    asked: &Asked<'_>,
    actor: &Actor,
    known: &Identity,
    seen: &StoredDiscovery,
    vouched: &SeenSubject,
) -> Result<Option<Answer>, Problem> {
    let declared = console.world.declared(&DeclaredQuery { identity: Some(known.id.clone()), after: None, limit: ENTRIES_MAX });
    let mut bindings = declared.iter().filter_map(|one| one.binding.as_ref());
    if bindings.any(|binding| binding.trust == vouched.trust && binding.subject.holds(&vouched.subject)) {
        return Ok(None);
    }
    let conflict = |detail: String| Problem::new(Code::Conflict, detail);
    let id = ResourceId::parse(Kind::Identity, known.id.as_str()).map_err(Problem::fault)?;
    let missing = || conflict(format!("`{}` stands in no document, so nothing can be added to it", known.id));
    let resource = console.store.resource(&id).await?.ok_or_else(missing)?;
    let entry = entry(seen, vouched);
    if let Origin::File(path) = &resource.origin {
        return Err(conflict(format!("`{}` comes from the file `{path}`", known.id))
            .mend(format!("add `{entry}` to its `credentials` there, then claim it again")));
    }
    let spec = with_entry(resource.spec, entry).ok_or_else(missing)?;
    let making = Making { caller: &asked.caller.identity, actor, manner: Manner::Single, now: asked.now };
    let wish = One { id, spec: Some(spec), expect: Precondition::Revision(resource.revision) };
    match make(console, &making, &Asking::of(asked, actor), &wish).await? {
        Outcome::Waits(approval) => Ok(Some(acts::waits(&approval, asked.now))),
        Outcome::Done(_) => Ok(None),
    }
}

/// The entry that stands for this subject and no other.
fn entry(seen: &StoredDiscovery, vouched: &SeenSubject) -> Value {
    let svid = vouched.subject.strip_prefix(JWT_SVID).filter(|id| id.starts_with("spiffe://"));
    let (kind, key, subject) = match (&seen.what, svid) {
        (DiscoveredBy::Certificate, _) if vouched.subject.starts_with("spiffe://") => ("x509", "spiffe_id", &*vouched.subject),
        (DiscoveredBy::Certificate, _) => ("x509", "subject", &*vouched.subject),
        (DiscoveredBy::Subject, Some(id)) => ("oidc", "spiffe_id", id),
        (DiscoveredBy::Subject | DiscoveredBy::Key | DiscoveredBy::Source, _) => ("oidc", "subject", &*vouched.subject),
    };
    json!({ "name": seen.id.as_str(), "type": kind, "trust": vouched.trust.as_str(), key: subject })
}

fn with_entry(mut spec: Value, entry: Value) -> Option<Value> {
    let entries = spec.as_object_mut()?.entry("credentials").or_insert_with(|| json!([]));
    entries.as_array_mut()?.push(entry);
    Some(spec)
}
