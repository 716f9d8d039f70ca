use super::Reason;
use std::collections::HashSet;

#[test]
fn every_code_is_one_of_a_kind_and_reads_back() {
    let mut seen = HashSet::new();
    for reason in Reason::ALL {
        assert!(seen.insert(reason.code()), "{} stands twice", reason.code());
        assert_eq!(Reason::parse(reason.code()), Some(*reason));
        assert_eq!(reason.code().split('.').count(), 2, "{}", reason.code());
    }
}

#[test]
fn only_the_allowing_reason_has_a_status_that_is_no_error() {
    for reason in Reason::ALL {
        let row = reason.row();
        assert_eq!(row.http < 400, *reason == Reason::RuleAllowed, "{}", row.code);
        assert_eq!(row.grpc == 0, *reason == Reason::RuleAllowed, "{}", row.code);
    }
}

#[test]
fn what_is_told_outside_has_the_same_status_and_text() {
    for reason in Reason::ALL {
        let (inside, outside) = (reason.row(), reason.outside().row());
        assert_eq!((inside.http, inside.grpc, inside.public), (outside.http, outside.grpc, outside.public), "{}", inside.code);
        assert_eq!(reason.outside().outside(), reason.outside());
    }
}
