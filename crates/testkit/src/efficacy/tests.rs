use super::{Outcome, measure};
use crate::estate::Scale;
use std::{fs, path::Path};

/// What is found in the smallest estate. A change of it is a change of what the gate does to abuse and to honest work: look at it, then
/// let `UPDATE_GOLDEN=1` write it, and have `docs/efficacy-table.md` made anew.
#[test]
fn what_is_found_in_a_small_estate_is_the_golden() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/efficacy.txt");
    let outcomes = measure(&[7], Scale::SMALL, &[], &|_| ()).unwrap();
    let page = Outcome::table(&outcomes);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &page).unwrap();
    }
    let kept = fs::read_to_string(&golden).unwrap();
    assert!(page == kept, "another than {}: run with UPDATE_GOLDEN=1 and look at the difference\n{page}", golden.display());
}
