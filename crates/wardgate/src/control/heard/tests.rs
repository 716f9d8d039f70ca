use super::{Heard, Tried};
use std::time::Duration;
use wardgate_model::time::Time;
use wardgate_store::{DatabaseFault, StoreFault};

const LONG_AGO: Time = Time::from_seconds(1_700_000_000);

#[test]
fn what_is_wrong_is_told_until_it_is_mended() {
    let heard = Heard::at(LONG_AGO);
    assert_eq!((heard.trouble(), heard.away()), (None, None));
    let gone = StoreFault::Database(DatabaseFault::NotBack);
    heard.note(Tried::Write, Err(&gone));
    assert!(heard.failed(Tried::Write) && heard.away().is_some_and(|away| away.since == LONG_AGO), "{heard:?}");
    heard.note(Tried::Beat, Ok(()));
    assert!(heard.trouble().is_some() && heard.last() > LONG_AGO, "it reads, but does not write");
    heard.note(Tried::Write, Ok(()));
    assert_eq!((heard.trouble(), heard.away()), (None, None));
}

#[test]
fn a_store_that_cannot_be_followed_is_not_heard() {
    let heard = Heard::at(LONG_AGO);
    let corrupt = StoreFault::Corrupt { what: "change", name: "7".into(), why: "unknown act".into() };
    heard.note(Tried::Follow, Err(&corrupt));
    heard.note(Tried::Beat, Ok(()));
    assert_eq!(heard.last(), LONG_AGO);
    assert!(heard.trouble().is_some_and(|said| said.contains("unknown act")) && heard.away().is_none(), "it is there");
    let stale = heard.clock();
    assert!(stale.is_stale(Duration::from_secs(1), Time::from_seconds(1_700_000_002)));
    heard.note(Tried::Follow, Ok(()));
    assert!(heard.trouble().is_none() && !stale.is_stale(Duration::from_secs(1), heard.last()) && heard.last() > LONG_AGO);
}
