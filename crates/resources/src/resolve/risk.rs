//! What follows from which risk: the plan of an API, the containment plan of an identity.

use super::{Entry, items, operations::shape, value};
use crate::{
    raw::{Raw, RawApi, RawContainment, RawIdentity, SelectorText, Threshold, Word},
    wire::Selector,
    yaml::{At, Faults, Spot},
};
use std::{collections::HashSet, sync::Arc};
use wardgate_model::{
    api::{Api, Mode, Sensitivity},
    grant::OperationSelector,
    risk::{Containment, Plan, QUARANTINE, Steps, Told},
};

/// Greatest risk there is.
const MOST: u64 = 100;
/// The code of these diagnostics.
const CODE: &str = "risk.steps";

/// Steps as they are written.
struct Written<'r> {
    mode: Option<&'r At<Word<Mode>>>,
    slow: Option<&'r At<u32>>,
    challenge: Option<&'r At<u32>>,
    block: Option<&'r At<u32>>,
    quarantine: Option<&'r At<Threshold>>,
}

/// The plan of an API: what is not said goes by its sensitivity.
pub(super) fn plan(raw: &RawApi, sensitivity: Sensitivity, faults: &Faults) -> Plan {
    let usual = Plan::of(sensitivity);
    let Some(risk) = value(raw.risk.as_ref()) else { return usual };
    let written = Written {
        mode: risk.mode.as_ref(),
        slow: risk.slow.as_ref(),
        challenge: risk.challenge.as_ref(),
        block: risk.block.as_ref(),
        quarantine: risk.quarantine.as_ref(),
    };
    usual.with(&steps(&written, faults))
}

/// The containment plan of an identity.
pub(super) fn containment(raw: &RawIdentity, faults: &Faults) -> Option<Arc<Containment>> {
    let risk = value(raw.risk.as_ref())?;
    let written = Written {
        mode: risk.mode.as_ref(),
        slow: risk.slow.as_ref(),
        challenge: risk.challenge.as_ref(),
        block: risk.block.as_ref(),
        quarantine: risk.quarantine.as_ref(),
    };
    Some(Arc::new(Containment { steps: steps(&written, faults), tell: tell(risk, faults), keep: keep(risk, faults) }))
}

/// Steps in their order: none that is stricter comes before one that is milder.
fn steps(written: &Written<'_>, faults: &Faults) -> Steps {
    let number = |key: &str, at: Option<&At<u32>>| from(key, at.and_then(|at| Some((u64::from(*at.value.as_ref()?), at.spot))), faults);
    let quarantine = match written.quarantine.and_then(|at| Some((*at.value.as_ref()?, at.spot))) {
        None => None,
        Some((Threshold::Whether(whether), _)) => Some(whether.then_some(QUARANTINE)),
        Some((Threshold::From(number), spot)) => from("quarantine", Some((number, spot)), faults).map(Some),
    };
    let steps = Steps {
        slow: number("slow", written.slow),
        challenge: number("challenge", written.challenge),
        block: number("block", written.block),
        quarantine,
        observe: value(written.mode).map(|mode| mode.0 == Mode::Observe),
    };
    let spot = |at: Option<&At<u32>>| at.map_or(Spot::default(), |at| at.spot);
    let said = [
        ("slow", steps.slow, spot(written.slow)),
        ("challenge", steps.challenge, spot(written.challenge)),
        ("block", steps.block, spot(written.block)),
        // That an identity is quarantined at all is no number that could be out of order.
        ("quarantine", number_of(written.quarantine), written.quarantine.map_or(Spot::default(), |at| at.spot)),
    ];
    let said: Vec<_> = said.into_iter().filter_map(|(key, from, spot)| Some((key, from?, spot))).collect();
    for pair in said.windows(2) {
        if let [(milder, low, _), (stricter, high, spot)] = pair
            && high < low
        {
            let what = format!("`risk.{stricter}`: {high} is less than `{milder}`, which is {low}: the milder answer would never be given");
            faults.error(*spot, CODE, what, "order them: slow, challenge, block, quarantine".to_owned());
        }
    }
    steps
}

fn number_of(at: Option<&At<Threshold>>) -> Option<u8> {
    match at.and_then(|at| at.value)? {
        Threshold::From(number) => u8::try_from(number).ok().filter(|number| (1..=100).contains(number)),
        Threshold::Whether(_) => None,
    }
}

fn from(key: &str, said: Option<(u64, Spot)>, faults: &Faults) -> Option<u8> {
    let (number, spot) = said?;
    if !(1..=MOST).contains(&number) {
        let mend = "write 1 to 100; `mode: observe` is how nothing follows from a risk".to_owned();
        faults.error(spot, CODE, format_args!("`risk.{key}`: a risk is 1 to {MOST}, not {number}"), mend);
        return None;
    }
    u8::try_from(number).ok()
}

fn tell(raw: &RawContainment, faults: &Faults) -> Box<[Told]> {
    let mut told: Vec<Told> = Vec::new();
    for (word, _) in items(raw.tell.as_ref()) {
        if !told.contains(&word.0) {
            told.push(word.0);
        }
    }
    if let Some(list) = raw.tell.as_ref().filter(|list| list.value.as_ref().is_some_and(Vec::is_empty)) {
        let mend = "name `owner`, `deputy` or `contact`, or leave it out for `owner`".to_owned();
        faults.error(list.spot, "risk.tell", "`risk.tell`: the list is empty, and somebody has to be told", mend);
    }
    told.into()
}

fn keep(raw: &RawContainment, faults: &Faults) -> Box<[OperationSelector]> {
    let mut kept: Vec<OperationSelector> = Vec::new();
    for (selector, spot) in items(raw.keep.as_ref()) {
        let one = match &selector.0 {
            Selector::Class(class) => OperationSelector::Class(*class),
            Selector::Operation(wanted) => {
                OperationSelector::Operation { method: wanted.method.clone(), template: wanted.template.clone() }
            }
        };
        if kept.contains(&one) {
            faults.error(spot, "risk.keep", format_args!("`risk.keep`: `{one}` stands twice"), "keep one".to_owned());
        } else {
            kept.push(one);
        }
    }
    kept.into()
}

/// Says which operations that are to stay alive no API has: a slip of the pen would be seen on the day when it counts.
pub(super) fn kept(entries: &[Entry<'_>], apis: &[Arc<Api>]) {
    let wanted = |raw: &RawIdentity| value(raw.risk.as_ref()).and_then(|risk| risk.keep.as_ref()).is_some();
    if !entries.iter().any(|entry| matches!(&entry.raw, Raw::Identity(raw) if wanted(raw))) {
        return;
    }
    let mut known = HashSet::new();
    for api in apis {
        for operation in &api.operations {
            let form = shape(&operation.template);
            let relative = form.strip_prefix(&*api.path_prefix).filter(|rest| rest.starts_with('/')).unwrap_or("");
            known.insert((operation.method.clone(), relative.to_owned()));
        }
    }
    for entry in entries {
        let Raw::Identity(raw) = &entry.raw else { continue };
        let Some(risk) = value(raw.risk.as_ref()) else { continue };
        for (selector, spot) in items::<SelectorText>(risk.keep.as_ref()) {
            if let Selector::Operation(wanted) = &selector.0
                && !known.contains(&(wanted.method.clone(), shape(&wanted.template)))
            {
                let what = format!("`risk.keep`: no API has the operation `{} {}`", wanted.method, wanted.template);
                let mend = "write it as it stands in `operations`, without the API's `path_prefix`".to_owned();
                entry.faults.warning(spot, "risk.keep", what, mend);
            }
        }
    }
}

#[cfg(test)]
mod tests;
