//! The tour on a terminal.

use super::{
    play::{Play, Side, Step},
    scenes::Scene,
    stage::Stage,
};
use crate::{
    cli::Output,
    output::{BAD, BOLD, DIM, GOOD, NAME, STOPPED, line, note, print, styled},
};
use std::collections::BTreeMap;

/// Who plays.
pub(super) fn opening(stage: &Stage) -> anyhow::Result<()> {
    let behind = [("shop", stage.shop()), ("shop-staging", stage.staging()), ("warehouse", stage.warehouse().0)];
    let behind: Vec<String> =
        behind.iter().map(|(name, upstream)| format!("{name} {}", styled(DIM, &upstream.address().to_string()))).collect();
    line(&format!(
        "\n  {}  {}\n  the gate    https://{}\n  behind it   {}\n  callers     machines of 3 owners, in production and staging, most with a key of their own;\n              a CI pipeline and a mesh workload, without any",
        styled(BOLD, "Wardgate"),
        styled(DIM, "a tour over real sockets and TLS"),
        stage.gateway().authority(),
        behind.join("   "),
    ))?;
    Ok(())
}

/// One scene: what was sent, what reached the upstream, what was promised.
pub(super) fn scene(scene: &Scene, at: usize, of: usize, play: &Play, fault: Option<&str>) -> anyhow::Result<()> {
    let mut page = format!("\n  {} {}\n      {}\n\n", styled(DIM, &format!("{at}/{of}")), styled(BOLD, scene.name), scene.promise);
    let width =
        |column: fn(&Step) -> &str, least: usize| play.steps.iter().map(|step| column(step).chars().count()).max().unwrap_or(0).max(least);
    let (who, what, answer) = (width(|step| &step.who, 8), width(|step| &step.what, 20), width(|step| &step.answer, 8));
    for step in &play.steps {
        let (side, style) = match step.side {
            Side::Honest => ("honest", GOOD),
            Side::Abuse => ("abuse ", STOPPED),
        };
        page.push_str(&format!(
            "      {}  {}  {:<what$}  {:<answer$}  {}  {}\n",
            styled(style, side),
            styled(NAME, &format!("{:<who$}", step.who)),
            step.what,
            step.answer,
            reached(step),
            mark(step.held),
        ));
    }
    for claim in &play.claims {
        page.push_str(&format!("      {} {}\n", mark(claim.held), claim.what));
    }
    if let Some(fault) = fault {
        page.push_str(&format!("      {} {fault}\n", styled(BAD, "the scene broke off:")));
    }
    let held = fault.is_none() && play.held();
    let verdict = if held { styled(GOOD, "held") } else { styled(BAD, "is BROKEN") };
    page.push_str(&format!("\n      the promise {verdict}: of {} requests {} reached an upstream\n", play.sent(), play.reached()));
    print(&page)?;
    Ok(())
}

fn reached(step: &Step) -> String {
    let text = match (step.sent, step.reached) {
        (_, 0) => "stopped at the gate".to_owned(),
        (1, 1) => "→ upstream".to_owned(),
        (sent, reached) => format!("→ {reached} of {sent}"),
    };
    let style = if step.reached == 0 { STOPPED } else { DIM };
    styled(style, &format!("{text:<19}"))
}

fn mark(held: bool) -> String {
    if held { styled(GOOD, "✓") } else { styled(BAD, "✗") }
}

/// How it went.
pub(super) fn closing(held: usize, of: usize) -> anyhow::Result<()> {
    let style = if held == of { GOOD } else { BAD };
    line(&format!("\n  {}", styled(style, &format!("{held} of {of} promises held"))))?;
    Ok(())
}

/// Where to go on by oneself. On standard error when standard output is for a machine.
pub(super) fn serving(stage: &Stage, output: Output) -> anyhow::Result<()> {
    let key = stage.key("orders-sync")?.danger_expose();
    let text = format!(
        "
  {title}

  {more}
{counts}
  {look}
  curl --cacert {ca} -H 'Authorization: Bearer {key}' https://{gate}/shop/orders

  {ask}
  export WARDGATE_URL=http://{admin} WARDGATE_TOKEN={token}
  wardgate audit tail
  wardgate explain --identity checkout-ci --method GET --url /shop/orders
",
        title = styled(BOLD, "The gate keeps serving until Ctrl-C. All of it is gone then."),
        look = styled(DIM, "# call it as orders-sync"),
        ca = stage.ca().display(),
        gate = stage.gateway().authority(),
        ask = styled(DIM, "# ask it, from another terminal"),
        admin = stage.running().admin(),
        token = stage.token().danger_expose(),
        more = styled(DIM, "# what reached the shop during the tour"),
        counts = counted(stage.shop().by_path()),
    );
    match output {
        Output::Table => line(&text)?,
        Output::Json => note(&text),
    }
    Ok(())
}

/// Paths that are shown of what reached an upstream.
const PATHS: usize = 8;

/// How often each path was reached, the most first, and in a line what is left.
fn counted(by_path: BTreeMap<String, usize>) -> String {
    let mut paths: Vec<(String, usize)> = by_path.into_iter().collect();
    paths.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut text: String = paths.iter().take(PATHS).map(|(what, count)| format!("  {count:>5}  {what}\n")).collect();
    let rest = paths.get(PATHS..).unwrap_or_default();
    if !rest.is_empty() {
        let calls: usize = rest.iter().map(|(_, count)| count).sum();
        text.push_str(&format!("  {calls:>5}  on {} other paths\n", rest.len()));
    }
    text
}

#[cfg(test)]
mod tests;
