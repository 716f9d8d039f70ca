//! What is measured in time, because it is too long for valgrind or because memory matters: the crowd, first use, reload.

use crate::{
    line,
    world::{self, CROWD, Scene, Shape},
};
use std::{collections::BTreeSet, hint::black_box, sync::Arc, time::Duration};
use wardgate_gate::{Change, Step, decide};
use wardgate_model::{diagnostic::Place, grant::Grant, inventory::Environment};
use wardgate_policy::{Names, PolicySource, compile};
use wardgate_testkit::world::DAWN;

const PAIRS: usize = 9;
const ROUNDS: u32 = 40_000;
/// Tasks that are under way at a time.
const TASKS: u64 = 100_000;
/// First uses; [`first`] divides by it.
const FIRSTS: u32 = 1_000;

/// Seconds of this thread on a core, so that other work on the machine counts little. The kernel adds them up to a few
/// milliseconds exactly: measure what takes longer.
fn seconds(run: impl FnOnce()) -> f64 {
    let begin = on_core();
    run();
    on_core() - begin
}

/// The first figure of `schedstat` (proc(5)): nanoseconds on a core.
fn on_core() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: f64 = told.split(' ').next().and_then(|figure| figure.parse().ok()).unwrap_or_default();
    nanoseconds / 1e9
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Measures and prints seconds on a core. They depend on what else the machine does, so nothing here is held against a budget.
pub(crate) fn all() -> Result<bool, String> {
    line("");
    // First, while nothing that was given back is there to be had again.
    tasks()?;
    let few = Scene::new(Shape::Allowed, std::iter::empty())?;
    let token = Scene::new(Shape::Token, std::iter::empty())?;
    let by_token = median((0..PAIRS).map(|pair| warm(&token, pair) / warm(&few, pair)).collect());
    line(&format!(
        "warm request with a token that was seen before, beside one with an API key: ratio {by_token:.3} (median of {PAIRS} pairs)"
    ));
    let mut many = None;
    let build = seconds(|| many = Some(Scene::crowded(CROWD)));
    let many = many.ok_or("no world was built")??;
    line(&format!("world with {CROWD} policies as text, from files to snapshot     {:>10.0} ms", build * 1e3));
    let grants_only = Scene::crowded(0)?;
    for (name, crowd) in [("policies as text", &many), ("grants", &grants_only)] {
        let pairs: Vec<(f64, f64)> = (0..PAIRS).map(|pair| (warm(&few, pair), warm(crowd, pair))).collect();
        let (a, b) = (median(pairs.iter().map(|pair| pair.0).collect()), median(pairs.iter().map(|pair| pair.1).collect()));
        let ratio = median(pairs.iter().map(|(a, b)| b / a).collect());
        line(&format!(
            "warm request among 10 grants {a:.0} ns, among {CROWD} {name} {b:.0} ns: ratio {ratio:.3} (median of {PAIRS} pairs)"
        ));
    }
    for (name, scene) in [("10 grants", &few), ("100,000 policies as text", &many), ("100,000 grants", &grants_only)] {
        line(&format!("first use of an identity and operation, {name:<24}      {:>10.1} µs", first(scene)? * 1e6));
    }
    // Compiled as a reload does it.
    for count in [1_000, 10_000] {
        let (grants, texts) = (world::grants(count)?, sources(count));
        line(&format!("compile {count:>6} grants                                        {:>10.1} ms", compiled(&[], &grants, &few)? * 1e3));
        line(&format!("compile {count:>6} policies as text                              {:>10.1} ms", compiled(&texts, &[], &few)? * 1e3));
    }
    Ok(true)
}

/// Memory of tasks that are under way, each with a share of its budget drawn here.
fn tasks() -> Result<(), String> {
    let scene = Scene::new(Shape::Budgeted, std::iter::empty())?;
    let mut population = scene.world.snapshot.population().clone();
    let before = resident();
    for number in 0..TASKS {
        let task = world::task(&format!("t-{number:032x}"), &format!("2027-{number}-*"))?;
        world::draw(&scene.world.meters, &task);
        population.apply(Change::Task(Arc::new(task)));
    }
    let more = resident().saturating_sub(before);
    line(&format!("memory of {TASKS} open tasks and their shares {:>24} KiB, {} bytes each", more / 1024, more / TASKS));
    Ok(())
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Nanoseconds a request, `establish` and `decide` together.
fn warm(scene: &Scene, pair: usize) -> f64 {
    let begin = DAWN + Duration::from_secs(u64::try_from(pair).unwrap_or(0));
    let mut now = begin;
    let spent = seconds(|| {
        for _ in 0..ROUNDS {
            // Slow enough for the limits, and short enough that one assertion serves all.
            now = now + Duration::from_micros(20);
            drop(black_box(scene.judge(now)));
        }
    });
    spent * 1e9 / f64::from(ROUNDS)
}

/// Seconds of a first standing.
fn first(scene: &Scene) -> Result<f64, String> {
    let (snapshot, meters) = (&scene.world.snapshot, &scene.world.meters);
    let newcomers = (0..FIRSTS).map(|revision| scene.newcomer(u64::from(revision))).collect::<Result<Vec<_>, _>>()?;
    // The assertion is signed anew as well; that is not what is asked here, so the standing alone is.
    let spent = seconds(|| {
        for facts in &newcomers {
            if let (Some(caller), Some(api), Some(operation)) = (&facts.caller, &facts.api, &facts.operation) {
                black_box(snapshot.policies().standing(&caller.identity, api, operation));
            }
        }
    });
    let facts = newcomers.first().ok_or("nobody came")?;
    match decide(facts, snapshot, meters, DAWN + Duration::from_hours(1)) {
        Step::Done(verdict) if verdict.permit.is_some() => Ok(spent / f64::from(FIRSTS)),
        _ => Err("a first use was refused".to_owned()),
    }
}

fn sources(count: usize) -> Vec<PolicySource> {
    let files = world::policies(count).into_iter().enumerate();
    files.map(|(at, text)| PolicySource { place: Place::file(format!("crowd-{at}.cedar")), text: text.into() }).collect()
}

/// Seconds to compile, the median of three.
fn compiled(sources: &[PolicySource], grants: &[Arc<Grant>], scene: &Scene) -> Result<f64, String> {
    let identities: Vec<String> = (0..1_000).map(|number| format!("i{number}")).collect();
    let environments: Vec<Arc<Environment>> = scene.world.snapshot.apis().iter().map(|api| Arc::clone(&api.environment)).collect();
    let names = Names {
        identities: identities.iter().map(String::as_str).collect(),
        owners: BTreeSet::from(["payments"]).into_iter().collect(),
        environments: &environments,
        apis: scene.world.snapshot.apis(),
        ..Names::default()
    };
    let mut good = true;
    let figures = (0..3).map(|_| seconds(|| good &= black_box(compile(sources, grants, &names)).policies.is_some()));
    let spent = median(figures.collect());
    if good { Ok(spent) } else { Err("the policies of the crowd do not compile".to_owned()) }
}
