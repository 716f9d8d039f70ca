//! Which identity a proof stands for: against a plain look through all rules, and at size.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use wardgate_model::{
    id::{CredentialId, IdentityId, TrustName},
    trust::{Binding, ClaimValue, Condition, Subject},
};
use wardgate_proof::{
    binding::{Holder, Match, Subjects},
    jose::claims,
};

fn trust(name: &str) -> TrustName {
    TrustName::parse(name).expect("a name")
}

fn holder(identity: &str, number: usize) -> Holder {
    let credential = CredentialId::parse(&format!("{number:012}")).expect("an id");
    Holder { identity: IdentityId::parse(identity).expect("a name"), credential }
}

/// `TRUST SUBJECT [CLAIM=VALUE,…] IDENTITY`, one a line. A value is JSON, or else text.
fn rules(text: &str) -> Vec<(Binding, Holder)> {
    let rule = |(at, line): (usize, &str)| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let conditions = words[2..words.len() - 1].iter().flat_map(|list| list.split(',')).map(|condition| {
            let (claim, value) = condition.split_once('=').expect("claim=value");
            let value = match serde_json::from_str(value) {
                Ok(Value::Bool(flag)) => ClaimValue::Flag(flag),
                Ok(Value::Number(number)) => ClaimValue::Number(number.as_i64().expect("whole")),
                _ => ClaimValue::Text(value.trim_matches('"').into()),
            };
            Condition { claim: claim.into(), value }
        });
        let binding = Binding { trust: trust(words[0]), subject: Subject::parse(words[1]), claims: conditions.collect() };
        (binding, holder(words[words.len() - 1], at))
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate().map(rule).collect()
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn told(found: Match<'_>) -> String {
    match found {
        Match::Nobody => "nobody".to_owned(),
        Match::One(one) => one.identity.to_string(),
        Match::Ambiguous(one, other) => {
            let both: BTreeSet<&str> = [one.identity.as_str(), other.identity.as_str()].into();
            format!("ambiguous: {}", both.into_iter().collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn a_subject_and_its_claims_lead_to_one_identity() {
    let subjects = Subjects::build(rules(
        "ci   repo:acme/ledger:ref:refs/heads/main                          deployer
         ci   repo:acme/ledger:*             environment=production          production
         ci   repo:acme/ledger:*             environment=staging             staging
         ci   repo:acme/tools:*                                              tools
         k8s  system:serviceaccount:pay:sync kubernetes.io.namespace=pay     sync
         k8s  system:serviceaccount:pay:*    runs=7,prod=true                numbers
         mesh spiffe://acme.example/prod/*                                   mesh",
    ));
    for (source, subject, said, who) in [
        ("ci", "repo:acme/ledger:ref:refs/heads/main", json!({}), "deployer"),
        ("ci", "repo:acme/ledger:environment:production", json!({ "environment": "production" }), "production"),
        ("ci", "repo:acme/ledger:environment:production", json!({ "environment": ["a", "production"] }), "production"),
        ("ci", "repo:acme/ledger:environment:staging", json!({ "environment": "staging" }), "staging"),
        ("ci", "repo:acme/ledger:x", json!({}), "nobody"),
        ("ci", "repo:acme/ledger:x", json!({ "environment": "Production" }), "nobody"),
        ("ci", "repo:acme/ledger:x", json!({ "environment": { "production": true } }), "nobody"),
        ("ci", "repo:acme/ledger", json!({ "environment": "production" }), "nobody"),
        ("ci", "repo:acme/ledger-evil:x", json!({ "environment": "production" }), "nobody"),
        ("ci", "REPO:acme/tools:x", json!({}), "nobody"),
        ("ci", "repo:acme/tools:", json!({}), "tools"),
        ("ci", "", json!({}), "nobody"),
        // A star that a token sends is a star and nothing more.
        ("ci", "repo:acme/*", json!({}), "nobody"),
        // Another trust source says nothing about these.
        ("k8s", "repo:acme/tools:x", json!({}), "nobody"),
        ("other", "repo:acme/tools:x", json!({}), "nobody"),
        ("k8s", "system:serviceaccount:pay:sync", json!({ "kubernetes.io": { "namespace": "pay" } }), "sync"),
        ("k8s", "system:serviceaccount:pay:sync", json!({ "kubernetes.io": { "namespace": "dev" } }), "nobody"),
        ("k8s", "system:serviceaccount:pay:job", json!({ "runs": 7, "prod": true }), "numbers"),
        ("k8s", "system:serviceaccount:pay:job", json!({ "runs": "7", "prod": true }), "nobody"),
        ("k8s", "system:serviceaccount:pay:job", json!({ "runs": 7.0, "prod": true }), "nobody"),
        ("k8s", "system:serviceaccount:pay:job", json!({ "runs": 7, "prod": "true" }), "nobody"),
        ("mesh", "spiffe://acme.example/prod/ledger-sync", json!({}), "mesh"),
        ("mesh", "spiffe://acme.example.evil/prod/x", json!({}), "nobody"),
        // Two identities.
        ("ci", "repo:acme/ledger:ref:refs/heads/main", json!({ "environment": "production" }), "ambiguous: deployer, production"),
        ("ci", "repo:acme/ledger:x", json!({ "environment": ["production", "staging"] }), "ambiguous: production, staging"),
    ] {
        assert_eq!(told(subjects.find(&trust(source), subject, &members(said.clone()))), who, "{source} {subject} {said}");
    }
}

#[test]
fn two_credentials_of_one_identity_are_no_conflict_and_the_one_that_says_most_counts() {
    let subjects = Subjects::build(rules("ci a:b:* one\n ci a:b:c:* one\n ci a:b:c:d one\n ci a:b:c:d x=1,y=2 one\n ci a:b:c:d x=1 one"));
    for (subject, said, number) in [
        ("a:b:c:d", json!({ "x": 1, "y": 2 }), 3),
        ("a:b:c:d", json!({ "x": 1 }), 4),
        ("a:b:c:d", json!({}), 2),
        ("a:b:c:e", json!({}), 1),
        ("a:b:d", json!({}), 0),
    ] {
        assert_eq!(subjects.find(&trust("ci"), subject, &members(said)), Match::One(&holder("one", number)), "{subject}");
    }
}

#[test]
fn a_change_is_seen_at_once_and_the_copy_before_it_stays() {
    let all = rules("ci a:b:* one\n ci a:b:* x=1 two\n ci a:b:c three");
    let before = Subjects::build(all.clone());
    let mut after = before.clone();
    let find = |subjects: &Subjects, subject: &str, said: Value| told(subjects.find(&trust("ci"), subject, &members(said)));
    after.remove(&all[0].0, &all[0].1.credential);
    after.remove(&all[2].0, &all[2].1.credential);
    assert_eq!(find(&before, "a:b:c", json!({})), "ambiguous: one, three");
    assert_eq!(find(&after, "a:b:c", json!({})), "nobody");
    assert_eq!(find(&after, "a:b:c", json!({ "x": 1 })), "two");
    // The same credential again, with another condition.
    let mut moved = all[1].0.clone();
    moved.claims[0].value = ClaimValue::Number(2);
    after.put(&moved, all[1].1.clone());
    assert_eq!(
        (find(&after, "a:b:c", json!({ "x": 1 })), find(&after, "a:b:c", json!({ "x": 2 }))),
        ("nobody".to_owned(), "two".to_owned())
    );
    after.remove(&moved, &all[1].1.credential);
    assert_eq!(find(&after, "a:b:c", json!({ "x": 2 })), "nobody");
    // What is not there is not taken away.
    after.remove(&moved, &all[1].1.credential);
    after.put(&all[2].0, all[2].1.clone());
    assert_eq!(find(&after, "a:b:c", json!({})), "three");
}

fn overlapping(text: &str) -> Vec<String> {
    let found = Subjects::build(rules(text)).overlaps(100);
    assert!(!found.more);
    found
        .pairs
        .iter()
        .map(|pair| format!("{} {}: {} and {} ({})", pair.trust, pair.subject, pair.first.identity, pair.second.identity, pair.wider))
        .collect()
}

#[test]
fn pairs_that_one_proof_could_stand_for_are_found_when_they_are_loaded() {
    assert_eq!(
        overlapping(
            "ci repo:acme/*                        all
             ci repo:acme/ledger:*                 ledger
             ci repo:acme/ledger:main              main
             ci repo:acme/tools:*    env=prod      tools-prod
             ci repo:acme/tools:*    env=dev       tools-dev
             ci repo:acme/tools:x    env=dev,n=1   tools-x
             ci repo:other/x:*                     other
             k8s repo:acme/ledger:*                elsewhere"
        ),
        [
            "ci repo:acme/ledger:*: ledger and all (repo:acme/*)",
            "ci repo:acme/ledger:main: main and all (repo:acme/*)",
            "ci repo:acme/ledger:main: main and ledger (repo:acme/ledger:*)",
            "ci repo:acme/tools:*: tools-dev and all (repo:acme/*)",
            "ci repo:acme/tools:*: tools-prod and all (repo:acme/*)",
            "ci repo:acme/tools:x: tools-x and all (repo:acme/*)",
            "ci repo:acme/tools:x: tools-x and tools-dev (repo:acme/tools:*)",
        ]
    );
    // The same subject, the same or no claims.
    assert_eq!(overlapping("ci a:b one\n ci a:b two"), ["ci a:b: one and two (a:b)"]);
    assert_eq!(overlapping("ci a:b x=1 one\n ci a:b y=1 two"), ["ci a:b: one and two (a:b)"]);
    assert_eq!(overlapping("ci a:b x=1 one\n ci a:b x=2 two\n ci a:b one"), ["ci a:b: one and two (a:b)"]);
    // A beginning and the whole of it.
    assert_eq!(overlapping("ci a:* one\n ci a: two"), ["ci a:: two and one (a:*)"]);
    assert_eq!(overlapping("ci a:* one\n ci a:b one\n ci a:b:* one"), Vec::<String>::new());
    assert_eq!(overlapping("ci a:b one\n ci a:c two\n k8s a:b three"), Vec::<String>::new());
}

#[test]
fn many_identities_behind_one_beginning_are_told_apart_by_an_index() {
    let text: String = (0..3_000).map(|at| format!("ci repo:acme/* environment=production,repository_id=r{at} id-{at}\n")).collect();
    let subjects = Subjects::build(rules(&text));
    let find = |said: Value| told(subjects.find(&trust("ci"), "repo:acme/x:main", &members(said)));
    assert_eq!(find(json!({ "environment": "production", "repository_id": "r1234" })), "id-1234");
    assert_eq!(find(json!({ "environment": "staging", "repository_id": "r1234" })), "nobody");
    assert_eq!(find(json!({ "environment": "production", "repository_id": ["r1", "r2"] })), "ambiguous: id-1, id-2");
    assert_eq!(find(json!({ "environment": "production", "repository_id": ["r1", "r1"] })), "id-1");
    let none = subjects.overlaps(100);
    assert!(none.pairs.is_empty() && !none.more);
}

#[test]
fn what_is_found_is_bounded() {
    let text: String = (0..400).map(|at| format!("ci repo:acme/* id-{at}\n")).collect();
    let found = Subjects::build(rules(&text)).overlaps(50);
    assert_eq!((found.pairs.len(), found.more), (50, true));
}

/// The plain reading of the rules: each of them, one after the other.
fn plain(rules: &[(Binding, Holder)], source: &TrustName, subject: &str, said: &Map<String, Value>) -> BTreeSet<String> {
    let is = |value: &Value, wanted: &ClaimValue| match wanted {
        ClaimValue::Text(text) => *value == json!(text),
        ClaimValue::Number(number) => *value == json!(number),
        ClaimValue::Flag(flag) => *value == json!(flag),
    };
    let holds = |condition: &Condition| match claims::find(said, &condition.claim) {
        Some(Value::Array(list)) => list.iter().any(|value| is(value, &condition.value)),
        Some(value) => is(value, &condition.value),
        None => false,
    };
    let matching = rules.iter().filter(|(rule, _)| rule.trust == *source && rule.subject.holds(subject) && rule.claims.iter().all(holds));
    matching.map(|(_, holder)| holder.identity.to_string()).collect()
}

fn any_rules() -> impl Strategy<Value = Vec<(Binding, Holder)>> {
    let rule = ("[ab]{0,4}", any::<bool>(), proptest::collection::btree_map("[xy]", 0..3_i64, 0..3), "[pqr]", any::<bool>());
    proptest::collection::vec(rule, 0..40).prop_map(|rules| {
        let rule = |(at, (text, whole, claims, identity, source)): (usize, (String, bool, _, String, bool))| {
            let claims: std::collections::BTreeMap<String, i64> = claims;
            let claims = claims.into_iter().map(|(claim, value)| Condition { claim: claim.into(), value: ClaimValue::Number(value) });
            let subject = if whole { Subject::Exactly(text.into()) } else { Subject::Beginning(text.into()) };
            (Binding { trust: trust(if source { "ci" } else { "k8s" }), subject, claims: claims.collect() }, holder(&identity, at))
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_a_look_through_all_rules_finds(
        rules in any_rules(),
        gone in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        subject in "[ab]{0,5}",
        x in 0..3_i64,
        y in proptest::collection::vec(0..3_i64, 0..3),
    ) {
        let mut subjects = Subjects::build(rules.clone());
        let mut left = rules;
        for at in gone {
            if left.is_empty() { break }
            let (binding, holder) = left.swap_remove(at.index(left.len()));
            subjects.remove(&binding, &holder.credential);
        }
        let said = members(json!({ "x": x, "y": y }));
        let expected = plain(&left, &trust("ci"), &subject, &said);
        let found = match subjects.find(&trust("ci"), &subject, &said) {
            Match::Nobody => BTreeSet::new(),
            Match::One(one) => [one.identity.to_string()].into(),
            Match::Ambiguous(one, other) => {
                prop_assert!(one.identity != other.identity);
                prop_assert!([one, other].iter().all(|holder| expected.contains(holder.identity.as_str())));
                expected.clone()
            }
        };
        prop_assert_eq!(&found, &expected);
        // What is ambiguous was announced when it was loaded, unless a list says two things at once.
        if expected.len() > 1 && y.len() < 2 {
            prop_assert!(!subjects.overlaps(10_000).pairs.is_empty());
        }
    }
}
