//! A report on a terminal.

use crate::output::{Page, number};
use wardgate_governance::traffic::{
    Report,
    report::{ApiTold, CallTold, IdentityTold, Part, Rulings, Step},
};
use wardgate_model::time::Time;

/// Lines that are shown of what could not be understood.
const WRONG: usize = 5;
/// Steps of time that are shown: those in which not all was let in, else the first.
const STEPS: usize = 24;
/// Operations that are shown of each API, and APIs.
const OPERATIONS: usize = 10;
const APIS: usize = 10;
/// Callers of whom it is shown what they did.
const OFFENDERS: usize = 5;

/// The whole report; `by` says what judged.
pub(super) fn text(report: &Report, by: &str) -> String {
    let mut page = Page::about("replay", report.format);
    page.say("calls", &report.calls.to_string());
    page.say("from", &moment(report.from));
    page.say("to", &moment(report.to));
    page.say("callers", &callers(report));
    page.say("ruled", &rulings(report.rulings));
    page.say("judged by", by);
    let files: Vec<String> = report.files.iter().map(|file| file.name.clone()).collect();
    page.say("files", &if files.len() > 3 { number(report.files.len() as u64, "file") } else { files.join(", ") });
    if report.order.sorted > 0 || report.order.late > 0 {
        page.say("order", &format!("{} put in order, {} too late for it", report.order.sorted, report.order.late));
    }
    if report.not_understood.count > 0 {
        page.say("not understood", &number(report.not_understood.count, "line"));
        for wrong in report.not_understood.first.iter().take(WRONG) {
            page.remark(&format!("{}:{}: {}", wrong.file, wrong.line, wrong.what));
        }
    }
    let rows: Vec<_> = report.reasons.iter().map(|reason| vec![reason.calls.to_string(), reason.code.to_owned()]).collect();
    page.rows("Why", &["CALLS", "REASON"], &rows);
    over_time(&mut page, report);
    let rows: Vec<_> = report
        .signals
        .iter()
        .map(|signal| {
            let first = signal.first.to_rfc3339();
            vec![
                signal.name.to_owned(),
                signal.calls.to_string(),
                signal.callers.to_string(),
                signal.weight_max.to_string(),
                first,
                signal.says.to_owned(),
            ]
        })
        .collect();
    page.rows("Signals", &["SIGNAL", "CALLS", "CALLERS", "WEIGHT", "FIRST", "SAYS"], &rows);
    identities(&mut page, &report.identities);
    for api in report.apis.iter().take(APIS) {
        operations(&mut page, api, report.learned);
    }
    if report.apis.len() > APIS {
        page.remark(&format!("and {} more", number((report.apis.len() - APIS) as u64, "API")));
    }
    let rows: Vec<_> = report.not_told.iter().map(|what| vec![(*what).to_owned()]).collect();
    page.rows("What such a log does not tell", &["WHAT"], &rows);
    page.text()
}

fn callers(report: &Report) -> String {
    let callers = &report.callers;
    let sorts = [(callers.on_record, "on record"), (callers.users, "named"), (callers.keys, "by key"), (callers.sources, "by source")];
    let sorts: Vec<String> = sorts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let others =
        if callers.calls_of_others > 0 { format!("; {} by others", number(callers.calls_of_others, "call")) } else { String::new() };
    format!("{} ({}){others}", callers.count, sorts.join(", "))
}

/// `9,990 allow · 10 block`, as numbers.
fn rulings(rulings: Rulings) -> String {
    let all = [(rulings.allow, "allow"), (rulings.slow, "slow"), (rulings.challenge, "challenge"), (rulings.block, "block")];
    all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(" · ")
}

fn moment(time: Option<Time>) -> String {
    time.map_or_else(|| "-".to_owned(), Time::to_rfc3339)
}

fn over_time(page: &mut Page, report: &Report) {
    let worth = |step: &&Step| step.rulings.not_allowed() > 0 || step.risk_max > 0;
    let all = &report.over_time.steps;
    let some: Vec<&Step> = all.iter().filter(worth).collect();
    let (shown, heading): (Vec<&Step>, &str) = if some.is_empty() {
        (Vec::new(), "Over time: all was let in, and no risk was seen")
    } else {
        (some, "Over time, where not all was let in")
    };
    let row = |step: &&Step| {
        let Rulings { allow, slow, challenge, block } = step.rulings;
        let numbers = [allow, slow, challenge, block, u64::from(step.risk_max)];
        std::iter::once(step.from.to_rfc3339()).chain(numbers.iter().map(ToString::to_string)).collect()
    };
    let rows: Vec<Vec<String>> = shown.iter().take(STEPS).map(row).collect();
    page.rows(heading, &["FROM", "ALLOW", "SLOW", "CHALLENGE", "BLOCK", "RISK"], &rows);
    if shown.len() > STEPS {
        page.remark(&format!("and {} more", number((shown.len() - STEPS) as u64, "step")));
    }
}

fn identities(page: &mut Page, identities: &[IdentityTold]) {
    let row = |told: &IdentityTold| {
        let signals: Vec<&str> = told.signals.iter().take(4).map(|signal| signal.name).collect();
        let numbers = [told.calls, told.rulings.not_allowed(), u64::from(told.risk_max), told.operations, told.sources];
        std::iter::once(told.name.clone()).chain(numbers.iter().map(ToString::to_string)).chain([signals.join(" ")]).collect()
    };
    let rows: Vec<Vec<String>> = identities.iter().map(row).collect();
    page.rows("Callers, the worst first", &["CALLER", "CALLS", "NOT ALLOWED", "RISK", "OPERATIONS", "SOURCES", "SIGNALS"], &rows);
    for told in identities.iter().filter(|told| !told.worst.is_empty()).take(OFFENDERS) {
        let row = |call: &CallTold| {
            // A value of nothing says nothing: what it contributes does.
            let measured = |part: &Part| if part.value == 0 { String::new() } else { format!(" {}", part.value) };
            let signals: Vec<String> =
                call.signals.iter().map(|part| format!("{}{} (+{})", part.name, measured(part), part.weight)).collect();
            vec![
                call.time.to_rfc3339(),
                call.response.to_owned(),
                call.code.to_owned(),
                call.risk.to_string(),
                call.what.clone(),
                signals.join(", "),
            ]
        };
        let rows: Vec<Vec<String>> = told.worst.iter().map(row).collect();
        page.rows(&format!("Of {}", crate::output::plain(&told.name)), &["TIME", "RULED", "REASON", "RISK", "WHAT", "SIGNALS"], &rows);
    }
}

fn operations(page: &mut Page, api: &ApiTold, learned: bool) {
    let heading = format!(
        "{}{}: {} calls, {}",
        if learned { "Learned: " } else { "" },
        api.name,
        api.calls,
        number(api.operation_count, "operation")
    );
    let rows: Vec<Vec<String>> = api
        .operations
        .iter()
        .take(OPERATIONS)
        .map(|told| {
            let numbers = [told.calls, told.callers, told.not_allowed].map(|number| number.to_string());
            [told.operation.clone(), told.class.to_owned()].into_iter().chain(numbers).collect()
        })
        .collect();
    page.rows(&heading, &["OPERATION", "CLASS", "CALLS", "CALLERS", "NOT ALLOWED"], &rows);
}
