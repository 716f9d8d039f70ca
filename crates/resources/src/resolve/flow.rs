//! Flows: what is begun and brought to its end. Their operations are told of it, so that whoever sees a request sees its place in them.

use super::{
    Entry, access, items,
    known::{Known, SEARCHED_MAX},
    value,
};
use crate::{
    inventory::Inventory,
    raw::{MatchText, Raw, RawFlow},
    scalar,
    yaml::{At, Faults, Spot},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use wardgate_model::{
    api::{Api, Operation, OperationClass, OperationId},
    flow::{FLOWS_OF_OPERATION_MAX, Flow, Part, Step, WITHIN},
    id::FlowName,
    resource::Kind,
};

/// Largest number of beginnings that can be asked for before anything is told.
const AT_LEAST_MAX: u32 = 10_000;

/// An operation that a flow names, and where it stands.
struct Named {
    id: OperationId,
    part: Part,
    spot: Spot,
}

/// Resolves all flows, and gives the operations of their APIs their places in them. Once all APIs are known.
pub(super) fn begun(entries: &[Entry<'_>], known: &mut Known<'_>, inventory: &mut Inventory) {
    let mut steps: BTreeMap<&str, HashMap<String, Vec<Step>>> = BTreeMap::new();
    for entry in entries {
        let Raw::Flow(raw) = &entry.raw else { continue };
        let name = entry.document.name.as_str();
        let Some((flow, named)) = flow(name, raw, known, &entry.faults) else { continue };
        let Some((api, _)) = known.apis.get_key_value(flow.api.as_str()) else { continue };
        let operations = steps.entry(*api).or_default();
        for Named { id, part, spot } in named {
            let of = operations.entry(id.as_str().to_owned()).or_default();
            if of.len() >= FLOWS_OF_OPERATION_MAX {
                let what = format!("an operation stands in {FLOWS_OF_OPERATION_MAX} flows at the most");
                entry.faults.error(spot, "flow.many", what, "take it out here, or make one of two flows".to_owned());
                continue;
            }
            of.push(Step { flow: Arc::clone(&flow), part });
        }
        inventory.flows.push(flow);
    }
    for (name, mut operations) in steps {
        let Some(api) = known.apis.get(name) else { continue };
        let told = |operation: &Arc<Operation>| match operations.remove(operation.id.as_str()) {
            Some(flows) => Arc::new(Operation { flows: flows.into(), ..Operation::clone(operation) }),
            None => Arc::clone(operation),
        };
        let api = Arc::new(Api { operations: api.operations.iter().map(told).collect(), ..Api::clone(api) });
        if let Some(place) = inventory.apis.iter_mut().find(|other| other.name == api.name) {
            *place = Arc::clone(&api);
        }
        known.apis.insert(name, api);
    }
}

fn flow(name: &str, raw: &RawFlow, known: &Known<'_>, faults: &Faults) -> Option<(Arc<Flow>, Vec<Named>)> {
    let api = api(raw, known, faults);
    let mut named: Vec<Named> = Vec::new();
    for (key, list, part) in [("begin", &raw.begin, Part::Begins), ("finish", &raw.finish, Part::Finishes)] {
        operations(key, list, part, api, &mut named, faults);
    }
    let within = raw.within.value.as_ref().map(|within| within.0).filter(|within| {
        let good = WITHIN.contains(within);
        if !good {
            let (least, most) = (scalar::shown(*WITHIN.start()), scalar::shown(*WITHIN.end()));
            let what = format!("`within`: {} is not between {least} and {most}", scalar::shown(*within));
            faults.error(
                raw.within.spot,
                "flow.within",
                what,
                "write how long it takes at the most from the beginning to the end".to_owned(),
            );
        }
        good
    });
    let unfinished = value(raw.unfinished.as_ref());
    let share = unfinished.and_then(|unfinished| value(unfinished.share.as_ref())).map_or(Flow::SHARE, |share| share.0);
    let at_least = unfinished.and_then(|unfinished| unfinished.at_least.as_ref());
    if let Some(At { spot, value: Some(number) }) = at_least
        && !(1..=AT_LEAST_MAX).contains(number)
    {
        let what = format!("`unfinished.at_least`: {number} is not between 1 and {AT_LEAST_MAX}");
        faults.error(*spot, "flow.at_least", what, "write how much has to be begun before anything is told".to_owned());
    }
    let flow = Flow {
        name: FlowName::parse(name).ok()?,
        api: api?.name.clone(),
        within: within?,
        share,
        at_least: value(at_least).copied().unwrap_or(Flow::AT_LEAST),
    };
    Some((Arc::new(flow), named))
}

fn api<'a>(raw: &RawFlow, known: &'a Known<'_>, faults: &Faults) -> Option<&'a Arc<Api>> {
    let name = &raw.api.value.as_ref()?.0;
    if name.as_str() == Api::ADMIN {
        faults.error(raw.api.spot, "flow.api", "`api`: the management API has no flows", "name an API of yours".to_owned());
        return None;
    }
    known.exists(Kind::Api, name.as_str(), raw.api.spot, "api", faults);
    known.apis.get(name.as_str())
}

/// The operations of one of the lists, each once in both of them.
fn operations(key: &str, list: &At<Vec<At<MatchText>>>, part: Part, api: Option<&Arc<Api>>, named: &mut Vec<Named>, faults: &Faults) {
    if list.value.as_ref().is_some_and(Vec::is_empty) {
        let mend = "name an operation of the API, as in `[\"POST /holds\"]`".to_owned();
        faults.error(list.spot, "flow.empty", format_args!("`{key}`: the list is empty"), mend);
    }
    let Some(api) = api else { return };
    for (wanted, spot) in items(Some(list)).take(SEARCHED_MAX) {
        let Some(found) = access::operation(api, &wanted.0, spot, "flow.no_operation", faults) else { continue };
        let written = format!("{} {}", wanted.0.method, wanted.0.template);
        match named.iter().find(|named| named.id == found.id) {
            Some(first) if first.part == part => {
                let what = format!("`{key}`: `{written}` stands twice, first in line {}", first.spot.line);
                faults.error(spot, "flow.twice", what, "keep one: names of parameters make no difference".to_owned());
            }
            Some(first) => {
                let what = format!("`{key}`: `{written}` begins it, in line {}: what begins a flow cannot end it", first.spot.line);
                faults.error(spot, "flow.both", what, "keep it in one of the two lists".to_owned());
            }
            None => {
                if part == Part::Begins && matches!(found.class, OperationClass::Read | OperationClass::List) {
                    let what = format!("`{key}`: `{written}` is of the class `{}`, which begins nothing", found.class);
                    faults.warning(spot, "flow.reads", what, "name the operation that takes or creates something".to_owned());
                }
                named.push(Named { id: found.id.clone(), part, spot });
            }
        }
    }
}

#[cfg(test)]
mod tests;
