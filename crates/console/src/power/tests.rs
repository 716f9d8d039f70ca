use super::{Power, kept_to, within_reach};
use crate::call::testing::{Fixture, identity};

#[test]
fn power_ends_at_ones_owner_and_ones_roles() {
    let reach = |caller: &str, target: &str, power| {
        let (caller, target) = (identity(caller).unwrap().identity, identity(target).unwrap().identity);
        within_reach(&caller, &target, power).map_or_else(|p| p.detail, |()| "yes".into())
    };
    assert_eq!(reach("root", "stranger", Power::Give), "yes");
    assert_eq!(reach("op", "stranger", Power::Give), "yes");
    assert_eq!(reach("olga", "ledger", Power::Give), "yes");
    assert_eq!(reach("olga", "stranger", Power::Give), "`stranger` is of the owner `cards`, the caller acts for `payments`");
    assert_eq!(reach("olga", "stranger", Power::Stop), "`stranger` is of the owner `cards`, the caller acts for `payments`");
    assert_eq!(reach("op", "root", Power::Give), "`root` has the role `admin`, which the caller has not");
    assert_eq!(reach("ledger", "watcher", Power::Give), "`watcher` has the role `viewer`, which the caller has not");
    assert_eq!(reach("op", "root", Power::Stop), "yes", "whoever operates can stop anybody");
}

#[test]
fn only_the_role_owner_keeps_to_an_owner() {
    let kept = |name: &str| kept_to(&identity(name).unwrap().identity).map(ToString::to_string);
    assert_eq!(kept("olga").as_deref(), Some("payments"));
    assert_eq!((kept("root"), kept("op"), kept("watcher"), kept("ledger")), (None, None, None, None));
}

/// `caller kind/name before → after`, a line an attempt; what the API says to it.
#[tokio::test]
async fn who_may_declare_what() {
    let fixture = Fixture::new().await;
    fixture
        .apply(
            "a.yaml Api/shop {\"policy_owner\":\"payments\"}\na.yaml Api/till {\"policy_owner\":\"cards\"}\na.yaml Identity/gone {\"owner\":\"payments\"}\na.yaml Zone/there {}",
        )
        .await;
    fixture
        .apply("a.yaml Api/shop {\"policy_owner\":\"payments\"}\na.yaml Api/till {\"policy_owner\":\"cards\"}\na.yaml Zone/there {}")
        .await;
    let plain = r#"{"owner":"payments"}"#;
    let takes = "takes the role `security` or `admin`";
    let no = |detail: &str| format!("403 console.reach: {detail}");
    for (caller, target, spec, said) in [
        ("watcher", "Identity/a", plain, no(&format!("`Identity/a`: to declare a Identity {takes}"))),
        ("op", "Zone/a", "{}", no(&format!("`Zone/a`: to declare a Zone {takes}"))),
        ("op", "Policy/a", "{}", no(&format!("`Policy/a`: to declare a Policy {takes}"))),
        ("op", "Identity/a", r#"{"owner":"cards"}"#, "201".into()),
        ("op", "Identity/b", r#"{"owner":"cards","roles":["admin"]}"#, no("`b` has the role `admin`, which the caller has not")),
        (
            "op",
            "Identity/b",
            r#"{"owner":"cards","tags":{"person":"cora@example.com"}}"#,
            no("whom `b` stands for (the tag `person`) is said with the role `security` or `admin`"),
        ),
        ("rita", "Identity/c", r#"{"owner":"cards","roles":["admin"]}"#, no("`c` has the role `admin`, which the caller has not")),
        ("rita", "Zone/a", "{}", "201".into()),
        ("olga", "Identity/d", plain, "201".into()),
        ("olga", "Identity/e", r#"{"owner":"cards"}"#, no("`e` is of the owner `cards`, the caller acts for `payments`")),
        ("olga", "Identity/d", r#"{"owner":"cards"}"#, no("`d` is of the owner `cards`, the caller acts for `payments`")),
        ("olga", "Identity/a", plain, no("`a` is of the owner `cards`, the caller acts for `payments`")),
        (
            "olga",
            "Identity/d",
            r#"{"owner":"payments","roles":["owner"]}"#,
            no("`d` has roles in Wardgate: these are declared with the role `security` or `admin`"),
        ),
        (
            "olga",
            "Identity/gone",
            plain,
            no("`gone` was on record before, and what was issued to it may be live: ask somebody with the role `operator`"),
        ),
        ("olga", "Grant/g", r#"{"api":"shop","to":{"identity":"stranger"}}"#, "201".into()),
        ("olga", "Grant/h", r#"{"api":"till"}"#, no("the API `till` is not of the owner `payments`, for whom the caller acts")),
        ("olga", "Grant/g", r#"{"api":"till"}"#, no("the API `till` is not of the owner `payments`, for whom the caller acts")),
        ("olga", "Api/shop", "{}", no(&format!("`Api/shop`: to declare a Api {takes}"))),
        ("olga", "Owner/payments", "{}", no(&format!("`Owner/payments`: to declare a Owner {takes}"))),
    ] {
        let did = fixture.ask(&format!("PUT /api/v1/resources/{target} as {caller}\n\n{{\"spec\":{spec}}}")).await;
        let did = if did.starts_with('2') { did[..3].to_owned() } else { did };
        assert_eq!(did, said, "{caller} {target} {spec}");
        // Not by another way either.
        let (kind, name) = target.split_once('/').unwrap();
        let body = format!(r#"{{"documents":[{{"kind":"{kind}","name":"{name}","spec":{spec}}}]}}"#);
        let applied = fixture.ask(&format!("POST /api/v1/apply as {caller}\n\n{body}")).await;
        assert!(if said.starts_with('2') { applied.starts_with("200") } else { applied == said }, "{caller} {target}: {applied}");
    }
}

#[tokio::test]
async fn whoever_is_kept_to_an_owner_sees_only_what_is_its_own() {
    let fixture = Fixture::new().await;
    fixture
        .apply("a.yaml Identity/mine {\"owner\":\"payments\"}\na.yaml Identity/theirs {\"owner\":\"cards\"}\na.yaml Owner/cards {}\na.yaml Owner/payments {}\na.yaml Environment/production {}")
        .await;
    let kept = "403 console.reach: this is not for the role `owner`: the caller acts for `payments` and nobody else";
    for wide in ["events", "changes", "secrets", "discoveries", "export"] {
        assert_eq!(fixture.ask(&format!("GET /api/v1/{wide} as olga")).await, kept, "{wide}");
    }
    for post in ["rollback", "import", "owners/payments/depart", "owners/cards/return", "approvals/AAAAAAAAAAAA/approve"] {
        assert_eq!(fixture.ask(&format!("POST /api/v1/{post} as olga\n\n{{}}")).await, kept, "{post}");
    }
    let listed = fixture.ask("GET /api/v1/resources/Identity as olga").await;
    assert!(listed.contains(r#""name":"mine""#) && !listed.contains("theirs"), "{listed}");
    assert!(fixture.ask("GET /api/v1/resources/Environment/production as olga").await.starts_with("200"));
    assert!(fixture.ask("GET /api/v1/resources/Owner/payments as olga").await.starts_with("200"));
    let others = "is not of the owner `payments`, for whom the caller acts";
    for other in ["Identity/theirs", "Owner/cards"] {
        let read = fixture.ask(&format!("GET /api/v1/resources/{other} as olga")).await;
        assert_eq!(read, format!("403 console.reach: `{other}` {others}"));
    }
    for narrow in ["access", "usage"] {
        let asked = fixture.ask(&format!("GET /api/v1/{narrow} as olga")).await;
        assert_eq!(asked, "403 console.reach: ask for one identity of the owner `payments`, for whom the caller acts");
        let other = fixture.ask(&format!("GET /api/v1/{narrow}?identity=stranger as olga")).await;
        assert_eq!(other, "403 console.reach: this is of the owner `cards`, the caller acts for `payments`");
        assert!(fixture.ask(&format!("GET /api/v1/{narrow}?identity=ledger as olga")).await.starts_with("200"));
    }
    let findings = fixture.ask("GET /api/v1/findings as olga").await;
    assert!(findings.contains(r#""owner":"payments""#) && !findings.contains(r#""owner":"cards""#), "{findings}");
}
