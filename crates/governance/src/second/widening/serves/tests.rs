use crate::{
    second::{Act, Needed, needs},
    testing::{documents, proposed, record},
};

fn identity(name: &str, owner: &str, serves: &str) -> String {
    format!(
        "kind: Identity\nname: {name}\nspec: {{ type: workload, owner: {owner}, environment: production, purpose: x, serves: [{serves}] }}\n"
    )
}

fn api(owners: &str) -> String {
    format!("kind: Api\nname: ledger\nspec: {{ {owners}, environment: production, upstream: {{ urls: [\"http://127.0.0.1:9000\"] }} }}\n")
}

/// What it takes to change what is on record, where `fleet` of `acme` says to stand behind the API `ledger`.
fn check(before: &str, change: &str) -> String {
    let before = documents(before);
    let record = record(&before).with_serving([("fleet", "acme", "ledger"), ("other", "cards", "orders")]);
    match needs(&Act::Apply { changes: proposed(change) }, &record) {
        None => "nothing".to_owned(),
        Some(needs) => {
            assert_eq!(needs.needed, Needed::Second);
            needs.why.join("; ")
        }
    }
}

const TOLD: &str = "`fleet` may act with the tokens that the API `ledger` is called with";

#[test]
fn an_identity_that_says_so_waits_a_new_one_too() {
    let ledger = api("policy_owner: payments");
    assert_eq!(check(&ledger, &identity("fleet", "payments", "ledger")), TOLD);
    assert_eq!(check(&ledger, &identity("fleet", "payments", "")), "nothing");
    let had = format!("{ledger}---\n{}", identity("fleet", "payments", ""));
    assert_eq!(check(&had, &identity("fleet", "payments", "ledger")), TOLD);
    let has = format!("{ledger}---\n{}", identity("fleet", "payments", "ledger"));
    assert_eq!(check(&has, &identity("fleet", "payments", "")), "nothing", "it gives it up");
}

#[test]
fn one_that_goes_to_an_owner_who_answers_for_the_api_waits() {
    let before = |owners: &str| format!("{}---\n{}", api(owners), identity("fleet", "acme", "ledger"));
    let moved = identity("fleet", "payments", "ledger");
    let then = format!("{TOLD}: its owner `payments` answers for that then");
    assert_eq!(check(&before("policy_owner: payments"), &moved), then);
    assert_eq!(check(&before("policy_owner: cards, business_owner: payments"), &moved), then);
    assert_eq!(check(&before("policy_owner: cards"), &moved), "nothing", "it counts for nothing there either");
    // Both at once.
    let both = format!("{moved}---\n{}", api("policy_owner: payments"));
    assert_eq!(check(&before("policy_owner: cards"), &both), then);
}

#[test]
fn an_api_that_goes_to_the_owner_of_such_an_identity_waits() {
    let then = format!("{TOLD}: its owner `acme` answers for that then");
    let (before, business) = (api("policy_owner: payments"), api("policy_owner: payments, business_owner: acme"));
    assert_eq!(check(&before, &api("policy_owner: acme")), then);
    assert_eq!(check(&before, &business), then);
    assert_eq!(check("", &business), then, "one that is new");
    assert_eq!(check(&before, &api("policy_owner: payments, business_owner: cards")), "nothing", "`other` stands behind another one");
    assert_eq!(check(&business, &api("policy_owner: acme")), "nothing", "it answers for it already");
}
