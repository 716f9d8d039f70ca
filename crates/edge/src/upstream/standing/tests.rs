use super::Standing;
use std::fmt::Write;
use wardgate_model::time::Time;

/// `second: what happened` → the same with whether requests go there afterwards.
fn play(story: &str) -> String {
    let standing = Standing::default();
    let mut told = String::new();
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (second, what) = line.split_once(": ").unwrap();
        let now = Time::from_seconds(second.parse().unwrap());
        match what {
            "well" => standing.well(),
            "failed" => {
                standing.failed(now);
            }
            "answers" => standing.asked(true),
            "silent" => standing.asked(false),
            _ => {}
        }
        writeln!(told, "{line} {}", if standing.is_up(now) { "up" } else { "down" }).unwrap();
    }
    told
}

#[test]
fn five_failures_in_a_row_are_too_many_and_each_time_is_longer() {
    let story = "0: failed\n0: failed\n0: failed\n0: failed\n1: well\n1: failed\n1: failed\n1: failed\n1: failed\n1: failed\n10: look\n11: look\n11: failed\n30: look\n31: look\n31: well\n32: failed\n";
    assert_eq!(
        play(story),
        "0: failed up\n0: failed up\n0: failed up\n0: failed up\n1: well up\n1: failed up\n1: failed up\n1: failed up\n1: failed up\n1: failed down\n10: look down\n11: look up\n11: failed down\n30: look down\n31: look up\n31: well up\n32: failed up\n"
    );
}

#[test]
fn who_does_not_answer_twice_is_sick_until_it_does() {
    assert_eq!(play("0: silent\n5: silent\n500: look\n501: answers\n"), "0: silent up\n5: silent down\n500: look down\n501: answers up\n");
}

#[test]
fn an_answer_to_the_question_ends_the_time_of_an_ejection() {
    let story = "0: failed\n0: failed\n0: failed\n0: failed\n0: failed\n1: answers\n";
    assert!(play(story).ends_with("1: answers up\n"), "{}", play(story));
}
