//! `docs/evidence.md` says what can be asked: as it is. Which columns it says that there are is held against them by `wardgate-audit`.

use crate::log::Log;

const PAGE: &str = include_str!("../../../../docs/evidence.md");

#[test]
fn every_question_of_the_page_has_an_answer() {
    let log = Log::new("edge-1");
    log.seal(1..2001);
    log.append(2001..2101);
    let questions: Vec<&str> = PAGE.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(questions.len() >= 12, "{}", questions.len());
    for question in questions {
        let answer = log.asked(question, &[]);
        assert!(answer.status.success(), "{question}: {}", crate::log::said(&answer));
    }
}
