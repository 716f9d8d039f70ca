use super::{ignored, is_in};
use rustix::process::Signal;

#[test]
fn what_is_ignored_is_read_from_the_line_that_says_it() {
    let status = "Name:\twardgate\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
    let mask = ignored(status);
    assert!(is_in(mask, Signal::HUP) && is_in(mask, Signal::PIPE));
    assert!(!is_in(mask, Signal::INT) && !is_in(mask, Signal::TERM));
    for none in ["", "SigIgn:\tzz\n", "SigBlk:\t0000000000000001\n"] {
        assert_eq!(ignored(none), 0, "{none}");
    }
}
