use super::{lines, metrics};
use crate::run::Before;
use wardgate_audit::sink::Counters;

#[test]
fn each_trouble_has_a_line_and_a_metric() {
    assert_eq!(lines(&Counters::default()), "");
    let troubled = Counters { anchors_behind: 2, seal_failing: true, clock_doubted: true, ..Counters::default() };
    let told = lines(&troubled);
    assert_eq!(told.lines().filter(|line| line.starts_with("warning: ")).count(), 3, "{told}");
    for what in ["2 anchors of `audit.anchor`", "cannot be sealed or signed", "the clock is more than two days ahead"] {
        assert!(told.contains(what), "{told}");
    }
    let values = |log: &Counters, before| -> Vec<String> {
        metrics(log, before).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(
        values(&troubled, Before::Nothing),
        ["wardgate_audit_seal_failing 1", "wardgate_audit_clock_doubted 1", "wardgate_audit_after_crash 0"]
    );
    assert_eq!(
        values(&Counters::default(), Before::Crashed),
        ["wardgate_audit_seal_failing 0", "wardgate_audit_clock_doubted 0", "wardgate_audit_after_crash 1"]
    );
}
