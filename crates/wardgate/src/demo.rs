//! `wardgate demo`: a sample API, honest and abusive clients, real sockets and TLS, scene by scene.
//!
//! Nothing is staged but the parts: the gate is the one that `wardgate serve` starts, the keys are issued through the
//! management API, and what reached an upstream is what the upstream counted.

mod assertion;
mod caller;
mod issuer;
mod load;
mod mesh;
mod play;
mod sample;
mod scenes;
mod show;
mod stage;
mod tokens;

pub use scenes::scene_names;

use crate::{
    cli::{DemoArgs, Output},
    output::{Exit, json, note},
};
use play::Told;
use scenes::Scene;
use serde::Serialize;
use stage::Stage;

/// The whole tour as a document (CONTRACT "Commands").
#[derive(Debug, Serialize)]
struct Tour {
    scenes: Vec<Told>,
    held: bool,
}

/// Plays the tour, and serves on where that is wanted.
///
/// # Errors
/// When the stage cannot be set: no directory, no port, no gate.
pub fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let stage = Stage::open()?;
    let result = tour(args, &stage);
    let result = match result {
        Ok(exit) if !args.once => show::serving(&stage, args.output.output).and_then(|()| stage.until_interrupted()).map(|()| exit),
        other => other,
    };
    stage.close();
    result
}

fn tour(args: &DemoArgs, stage: &Stage) -> anyhow::Result<Exit> {
    let chosen: Vec<&Scene> = scenes::ALL.iter().filter(|scene| args.scene.as_deref().is_none_or(|name| name == scene.name)).collect();
    let people = args.output.output == Output::Table;
    if people {
        show::opening(stage)?;
    } else {
        note("playing the tour");
    }
    let mut told = Vec::new();
    for (at, scene) in chosen.iter().enumerate() {
        let (play, fault) = stage.play(scene);
        if people {
            show::scene(scene, at + 1, chosen.len(), &play, fault.as_deref())?;
        }
        told.push(play.told(scene, fault));
    }
    let tour = Tour { held: told.iter().all(|scene| scene.held), scenes: told };
    if people {
        show::closing(tour.scenes.iter().filter(|scene| scene.held).count(), tour.scenes.len())?;
    } else {
        json(&tour)?;
    }
    Ok(if tour.held { Exit::Done } else { Exit::Failed })
}
