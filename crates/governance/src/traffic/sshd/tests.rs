use super::{Sshd, Years};
use crate::traffic::testing::told;
use insta::assert_snapshot;
use proptest::prelude::*;

fn check(lines: &str) -> String {
    let mut sshd = Sshd::new(&Years::All(2017), 0);
    let told = |line: &str| match sshd.line(line.trim().as_bytes()) {
        Ok(None) => "-".to_owned(),
        Ok(Some(call)) => told(Ok(call)),
        Err(wrong) => wrong.to_string(),
    };
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(told).collect::<Vec<_>>().join("\n")
}

#[test]
fn logins_are_read_and_all_else_is_passed_over() {
    let told = check(
        "
        Mar  7 13:08:09 gate sshd[1361]: Accepted publickey for ubuntu from 192.0.2.7 port 54259 ssh2: RSA SHA256:abc
        Mar 27 13:08:10 gate sshd[1361]: Failed password for invalid user admin from 192.0.2.8 port 1 ssh2
        Mar 27 13:08:11 gate sshd[1361]: Failed password for invalid user  from 192.0.2.8 port 1 ssh2
        Mar 27 13:08:12 gate sshd[1361]: message repeated 3 times: [ Failed password for root from 192.0.2.8 port 1 ssh2]
        Mar 27 13:08:13 gate sshd[1361]: Failed password for invalid user x from 203.0.113.1 port 1 from 192.0.2.8 port 2 ssh2
        Mar 27 13:08:14 gate sshd[1361]: Connection closed by 192.0.2.8 port 3 [preauth]
        Mar 27 13:08:15 gate cron[1]: Failed password for root from 192.0.2.8 port 1 ssh2
        2017-04-01T00:00:00.5+02:00 gate sshd[1]: Accepted password for eve from 2001:db8::1 port 9 ssh2
        Mar 27 13:08:15
        hello
        ",
    );
    assert_snapshot!(told);
}

#[test]
fn the_year_grows_where_the_months_begin_anew() {
    let of = |day: &str| format!("{day} 00:00:00 gate sshd[1]: Accepted password for eve from 192.0.2.7 port 9 ssh2\n");
    let told = check(&["Nov  1", "Dec 31", "Jan  1", "Dec 31", "Jan  2", "Feb 28", "Dec  1", "Mar  1"].map(of).concat());
    let years: Vec<&str> = told.lines().map(|line| &line[..10]).collect();
    assert_eq!(
        years,
        ["2017-11-01", "2017-12-31", "2018-01-01", "2017-12-31", "2018-01-02", "2018-02-28", "2018-12-01", "2019-03-01"],
        "what is told a little late is of the year before"
    );
}

#[test]
fn the_year_comes_of_when_a_file_ended() {
    let first = |file: usize, day: &str| {
        let line = format!("{day} 00:00:00 gate sshd[1]: Accepted password for eve from 192.0.2.7 port 9 ssh2");
        let years = Years::Ended([(2024, 3), (2023, 12)].into());
        let mut sshd = Sshd::new(&years, file);
        sshd.line(line.as_bytes()).map(|call| call.unwrap().time.to_rfc3339()[..10].to_owned())
    };
    assert_eq!(first(0, "Mar  1").as_deref(), Ok("2024-03-01"));
    assert_eq!(first(0, "Feb 29").as_deref(), Ok("2024-02-29"));
    assert_eq!(first(0, "Nov 30").as_deref(), Ok("2023-11-30"), "what is to come in that year was in the year before");
    assert_eq!(first(1, "Nov 30").as_deref(), Ok("2023-11-30"));
}

proptest! {
    #[test]
    fn nothing_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..160), at in 0_usize..80, put in any::<u8>()) {
        let mut sshd = Sshd::new(&Years::All(2000), 0);
        let _ = sshd.line(&bytes);
        let mut good = b"Mar 27 13:08:10 gate sshd[1361]: Failed password for invalid user admin from 192.0.2.8 port 1 ssh2".to_vec();
        good[at] = put;
        let _ = sshd.line(&good);
        let _ = sshd.line(&good[..at]);
    }
}
