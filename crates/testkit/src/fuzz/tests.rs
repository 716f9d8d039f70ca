use super::{Broken, Outcome, Run, TARGETS, Target, hold};

/// The corpus, then so many changed inputs under a fixed seed. Different outcomes are counted, so that a target that no
/// longer reaches its parser is seen.
fn check(name: &str, steps: u64, outcomes_min: usize) {
    let target = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    let mut run = Run::new(target, target.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(steps).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= outcomes_min, "{name}: only {} different outcomes", run.outcomes());
}

#[test]
fn canonicalisation_gives_one_meaning() {
    check("canon", 20_000, 20);
}

#[test]
fn keys_read_back() {
    check("api_key", 20_000, 8);
}

#[test]
fn requests_are_inspected_in_one_way() {
    check("inspection", 4_000, 20);
}

#[test]
fn resources_are_read_or_refused() {
    check("resources", 2_000, 40);
}

#[test]
fn tokens_that_nobody_signed_prove_nothing() {
    check("token", 20_000, 60);
}

#[test]
fn signatures_that_nobody_made_prove_nothing() {
    check("signature", 20_000, 40);
}

#[test]
fn certificates_that_nobody_signed_prove_nothing() {
    check("x509", 20_000, 30);
}

const fn planted(property: fn(&[u8]) -> Result<Outcome, Broken>) -> Target {
    Target { name: "planted", corpus: "", property, words: &["ward"], bytes_max: 64 }
}

#[test]
fn a_planted_fault_is_found_and_told() {
    let target = planted(|input| {
        hold(!input.ends_with(b"warden"), || "it ends so".to_owned())?;
        // How far it came: what is new is kept and changed further.
        Ok(Outcome::of(b"warden".iter().zip(input).take_while(|(a, b)| a == b).count()))
    });
    let failure = Run::new(target, vec![b"en".to_vec()], 1).unwrap().steps(100_000).unwrap_err();
    assert!(failure.to_string().starts_with("planted: it ends so\n  input: \""), "{failure}");
    assert!(failure.input.ends_with(b"warden"));
}

#[test]
fn a_panic_is_a_broken_property() {
    let target = planted(|input| Ok(Outcome::of(input[0])));
    let failure = target.check(b"").unwrap_err();
    assert!(failure.to_string().starts_with("planted: panicked: index out of bounds"), "{failure}");
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let target = planted(|input| Ok(Outcome::of(input)));
    let run = |seed| {
        let mut run = Run::new(target, vec![b"abc".to_vec()], seed).unwrap();
        run.steps(50).unwrap();
        run.inputs
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
