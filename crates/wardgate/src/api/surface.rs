//! What is called beside the documents of APIs: what was seen, what is on record and what is declared, as values for
//! `governance::surface`.

use super::findings::beginnings;
use crate::{bypass::Bypass, control::Control, surface::Surface};
use std::{collections::HashMap, sync::Arc, time::Duration};
use wardgate_console::{OperationQuery, OperationView, WorldFault};
use wardgate_governance::surface::{Ground, Line, lines};
use wardgate_model::{
    api::{Api, Operation},
    id::ApiName,
    resource::Kind,
    time::Time,
};
use wardgate_store::StoreFault;

pub(super) async fn operations(
    control: &Control,
    bypass: &Bypass,
    surface: &Surface,
    query: OperationQuery,
    now: Time,
) -> Result<Vec<OperationView>, WorldFault> {
    let since = beginnings(control.store()).await.map_err(super::fault)?;
    let found = beside(control, bypass, surface, &since, (query.api.as_ref(), query.unused_for), now).await.map_err(super::fault)?;
    Ok(found.iter().map(shown).collect())
}

/// Every operation that is beside its document; of one API, where one is named. `since`: since when resources are on record.
pub(super) async fn beside(
    control: &Control,
    bypass: &Bypass,
    surface: &Surface,
    since: &HashMap<(Kind, Box<str>), Time>,
    (api, unused_for): (Option<&ApiName>, Duration),
    now: Time,
) -> Result<Vec<Line>, StoreFault> {
    let store = control.store();
    surface.note(store, now).await?;
    bypass.notice(now).await;
    let (used, strays, counted) = (store.operations_used(api).await?, store.strays(api).await?, store.counted_since().await?);
    let loaded = control.loaded();
    let apis: Vec<Arc<Api>> = loaded.inventory.apis.iter().filter(|one| api.is_none_or(|api| one.name == *api)).cloned().collect();
    let came: HashMap<&ApiName, HashMap<String, Time>> = apis.iter().map(|api| (&api.name, bypass.came(&api.name))).collect();
    let there_since = |api: &Api, operation: &Operation| {
        let (counted, declared) = (counted?, since.get(&(Kind::Api, api.name.as_str().into())).copied()?);
        let came = came.get(&api.name).and_then(|came| came.get(&format!("{} {}", operation.method, operation.template))).copied();
        Some(counted.max(declared).max(came.unwrap_or(declared)))
    };
    let ground =
        Ground { apis: &apis, used: &used, strays: &strays, had: &|api: &ApiName| bypass.had(api), since: &there_since, unused_for };
    Ok(lines(&ground, now))
}

fn shown(line: &Line) -> OperationView {
    let seen = |time: Time| (line.sum.seen > 0).then(|| time.to_rfc3339());
    let names = |names: &[Box<str>]| names.iter().map(|name| name.to_string()).collect();
    OperationView {
        api: line.api.to_string(),
        owner: line.owner.to_string(),
        standing: line.standing.to_string(),
        operation: line.operation.clone(),
        class: line.class.map(|class| class.to_string()),
        detail: line.detail.clone(),
        gone: line.gone,
        since: line.since.map(Time::to_rfc3339),
        first: seen(line.sum.first),
        last: seen(line.sum.last),
        calls: line.sum.seen,
        served: line.sum.answered,
        refused: line.sum.refused,
        identities: line.identities,
        callers: names(&line.sum.callers),
        sources: names(&line.sum.sources),
    }
}
