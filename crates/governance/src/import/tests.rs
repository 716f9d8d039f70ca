use super::{Beside, DIAGNOSTICS_MAX, DOCUMENTS_MAX, Format, TEXT_BYTES_MAX, import};
use crate::testing::inventory;
use proptest::prelude::*;
use std::fmt::Write as _;
use wardgate_model::{
    id::{EnvironmentName, OwnerName},
    inventory::Owner,
    resource::Kind,
};

fn owner(name: &'static str, accountable: &str, deputy: Option<&str>) -> Owner {
    let name = OwnerName::literal(name);
    Owner { name, accountable: accountable.into(), deputy: deputy.map(Into::into), contact: None, teams: Box::default() }
}

fn check_beside(format: Format, text: &str, beside: &Beside<'_>) -> String {
    let imported = import(format, text, beside);
    let mut said = String::new();
    for document in &imported.documents {
        writeln!(said, "{}/{} {}", document.kind, document.name, document.spec).unwrap();
    }
    for departed in &imported.departures {
        writeln!(said, "departed: {}", serde_json::to_string(departed).unwrap()).unwrap();
    }
    for diagnostic in &imported.diagnostics {
        writeln!(said, "{diagnostic}").unwrap();
    }
    said
}

/// With `platform` for what has no owner and `production` for what has no environment.
fn check(format: Format, text: &str) -> String {
    let (owner, environment) = (OwnerName::literal("platform"), EnvironmentName::literal("production"));
    check_beside(format, text, &Beside { owner: Some(&owner), environment: Some(&environment), owners: &[] })
}

#[test]
fn a_table_of_service_accounts() {
    insta::assert_snapshot!(check(Format::Csv, include_str!("../../testdata/accounts.csv")), @r#"
    Identity/svc-ledger-sync {"business_function":"settlement","criticality":"high","environment":"production","owner":"payments","purpose":"copies settled payments, every five minutes","tags":{"region":"eu","tier":"gold"},"team":"settlement","type":"service_account"}
    Identity/svc_report-nightly {"criticality":"medium","environment":"production","owner":"data","purpose":"nightly report","type":"batch_job","until":"2027-12-31"}
    Identity/svc-build {"environment":"staging","owner":"payments","purpose":"builds and tests","type":"ci_job"}
    Identity/partner-feed {"criticality":"low","environment":"production","owner":"partner-acme","purpose":"reads the \"feed\"","type":"partner"}
    Identity/svc-unowned {"environment":"production","owner":"platform","purpose":"nobody knows","type":"service_account"}
    Owner/payments {"accountable":"ann@example.com","deputy":"bo@example.com","teams":["settlement"]}
    csv:1: warning[csv.column]: the column `cost_centre` is not read
      = columns that are read: name, type, owner, team, environment, purpose, business_function, criticality, until, tags, owner_accountable, owner_deputy
    csv:7: error[csv.value]: `toaster` is no `type`
      = use a word of the resource documents, as in `wardgate schema Identity`
    csv:8: error[csv.until]: `31/12/2027` is no date
      = write `2027-06-30`
    csv:9: error[import.duplicate]: there are two of the name Identity `svc-ledger-sync`
      = give one another name
    "#);
}

#[test]
fn a_table_without_its_owners_and_environments() {
    let text = "name,purpose\nnightly,copies\n";
    insta::assert_snapshot!(check_beside(Format::Csv, text, &Beside::default()), @"
    csv:2: error[import.no_owner]: nobody answers for `nightly`
      = say `owner` for all that come without one
    csv:2: error[import.no_environment]: it is not said where `nightly` lives
      = say `environment` for all that come without one
    ");
    insta::assert_snapshot!(check(Format::Csv, "owner\npayments\n"), @"
    csv:1: error[csv.header]: the header has no column `name`
      = write a header such as `name,type,owner,environment,purpose`
    ");
    insta::assert_snapshot!(check(Format::Csv, "name,purpose\nNightly Job,copies\nnightly-job,copies\n???,x\n,x\nlater,\n"), @r#"
    Identity/nightly-job {"environment":"production","owner":"platform","purpose":"copies","type":"service_account"}
    csv:3: error[import.duplicate]: there are two of the name Identity `nightly-job`
      = give one another name
    csv:4: error[csv.name]: `???` makes no name
      = use letters and digits
    csv:5: error[csv.name]: this line has no name
      = give it one, or take the line out
    csv:6: error[csv.purpose]: it is not said what `later` is for
      = fill the column `purpose`
    "#);
}

#[test]
fn people_who_are_away() {
    let owners = [
        owner("payments", "ann@example.com", Some("Bo@Example.com")),
        owner("finance", "cy@example.com", Some("di@example.com")),
        owner("platform", "eve@example.com", None),
    ];
    let beside = Beside { owners: &owners, ..Beside::default() };
    insta::assert_snapshot!(check_beside(Format::Scim, include_str!("../../testdata/users.scim.json"), &beside), @r#"
    departed: {"owner":"payments","person":"ann@example.com","part":"accountable","successor":"Bo@Example.com"}
    departed: {"owner":"finance","person":"cy@example.com","part":"accountable","successor":null}
    departed: {"owner":"finance","person":"di@example.com","part":"deputy","successor":null}
    scim: warning[scim.user]: `Resources[5]` has neither `userName` nor `emails`
      = it is left out
    scim: warning[scim.not_listed]: `eve@example.com`, who answers for the owner `platform`, is not among the users
      = if the list is complete, the person is away
    "#);
    insta::assert_snapshot!(check_beside(Format::Scim, "{", &beside), @"
    scim:1: error[scim.syntax]: this is no JSON: EOF while parsing an object at line 1 column 1
      = export the users as a SCIM list response
    ");
    insta::assert_snapshot!(check_beside(Format::Scim, "{}", &beside), @"
    scim: error[scim.shape]: there is no list of users
      = export the users as a SCIM list response, with `Resources`
    ");
}

#[test]
fn teams_of_a_repository() {
    let owners = [owner("platform", "eve@example.com", None)];
    let beside = Beside { owners: &owners, ..Beside::default() };
    insta::assert_snapshot!(check_beside(Format::Codeowners, include_str!("../../testdata/CODEOWNERS"), &beside), @r#"
    Owner/dana {"accountable":"@dana","contact":"@dana (/docs/My Notes/)"}
    Owner/data {"accountable":"data@example.com","contact":"data@example.com (/exports/*.sql)","deputy":"ops@example.com"}
    Owner/payments {"accountable":"lead@example.com","contact":"@acme/payments (/services/ledger/, /services/ledger/api/)","deputy":"deputy@example.com"}
    codeowners:11: error[codeowners.owner]: `nobody` is no team, user or address
      = write `@org/team`, `@user` or an address
    codeowners:5: warning[codeowners.no_person]: `@dana` is no address: it is not known who answers for the owner `dana`
      = write the person's address into `accountable`
    "#);
}

#[test]
fn service_accounts_of_a_cluster() {
    let json = check(Format::Kubernetes, include_str!("../../testdata/serviceaccounts.json"));
    insta::assert_snapshot!(json, @r#"
    Identity/payments:ledger-sync {"environment":"production","owner":"payments","purpose":"copies settled payments","tags":{"kubernetes":"payments/ledger-sync"},"type":"workload"}
    Identity/warehouse:loader {"environment":"staging","owner":"data","purpose":"service account `loader` of the namespace `warehouse`","tags":{"kubernetes":"warehouse/loader"},"type":"workload"}
    Identity/warehouse:default {"environment":"production","owner":"platform","purpose":"service account `default` of the namespace `warehouse`","tags":{"kubernetes":"warehouse/default"},"type":"workload"}
    kubernetes: warning[kubernetes.system]: 1 service accounts of the cluster itself are left out
      = declare those by hand that call an API
    "#);
    assert_eq!(check(Format::Kubernetes, include_str!("../../testdata/serviceaccounts.yaml")), json, "the same list as YAML");
    insta::assert_snapshot!(check(Format::Kubernetes, r#"{ "kind": "PodList" }"#), @"
    kubernetes: error[kubernetes.shape]: this is no list of service accounts
      = export with `kubectl get serviceaccounts -A -o json`
    ");
    insta::assert_snapshot!(check(Format::Kubernetes, r#"{ "items": [{ "metadata": {} }, 7, { "kind": "Pod" }] }"#), @"
    kubernetes: error[kubernetes.metadata]: `items[0]` has no namespace or no name
      = export the whole objects
    kubernetes: error[kubernetes.metadata]: `items[1]` has no namespace or no name
      = export the whole objects
    kubernetes: warning[kubernetes.kind]: `items[2]` is no ServiceAccount
      = it is left out
    ");
}

#[test]
fn clients_of_a_realm() {
    insta::assert_snapshot!(check(Format::Keycloak, include_str!("../../testdata/realm.json")), @r#"
    Identity/ledger-sync {"environment":"staging","owner":"payments","purpose":"copies settled payments","tags":{"keycloak":"machines/ledger-sync"},"type":"service_account"}
    Identity/https:acme.example-feed {"environment":"production","owner":"platform","purpose":"service account of the client `https://acme.example/feed`","tags":{"keycloak":"machines/https://acme.example/feed"},"type":"service_account"}
    keycloak: warning[keycloak.disabled]: 1 clients that are disabled are left out
      = enable them, or leave them out
    "#);
    insta::assert_snapshot!(check(Format::Keycloak, "[1, {}]"), @"
    keycloak: error[keycloak.client]: `clients[0]` has no `clientId`
      = export the whole clients
    keycloak: error[keycloak.client]: `clients[1]` has no `clientId`
      = export the whole clients
    ");
    insta::assert_snapshot!(check(Format::Keycloak, "no"), @"
    keycloak:1: error[keycloak.syntax]: this is no JSON: expected ident at line 1 column 2
      = export the realm, or its clients
    ");
}

/// What is given can be applied: it resolves beside the owners and environments that it names.
#[test]
fn what_is_imported_resolves() {
    let (owner, environment) = (OwnerName::literal("platform"), EnvironmentName::literal("production"));
    let beside = Beside { owner: Some(&owner), environment: Some(&environment), owners: &[] };
    let texts = [
        (Format::Csv, include_str!("../../testdata/accounts.csv")),
        (Format::Codeowners, include_str!("../../testdata/CODEOWNERS")),
        (Format::Kubernetes, include_str!("../../testdata/serviceaccounts.json")),
        (Format::Keycloak, include_str!("../../testdata/realm.json")),
    ];
    for (format, text) in texts {
        let mut yaml = String::from(
            "kind: Environment\nname: production\nspec: { production: true }\n---\nkind: Environment\nname: staging\nspec: {}\n",
        );
        let documents = import(format, text, &beside).documents;
        for owner in ["platform", "payments", "data", "partner-acme"] {
            if !documents.iter().any(|document| document.kind == Kind::Owner && document.name == owner) {
                write!(yaml, "---\nkind: Owner\nname: {owner}\nspec: {{ accountable: x@example.com, teams: [settlement] }}\n").unwrap();
            }
        }
        for document in documents {
            write!(yaml, "---\nkind: {}\nname: {:?}\nspec: {}\n", document.kind, document.name, document.spec).unwrap();
        }
        inventory(&yaml);
    }
}

#[test]
fn bounds_hold() {
    let large = "x".repeat(TEXT_BYTES_MAX + 1);
    for format in Format::ALL {
        let imported = import(*format, &large, &Beside::default());
        assert_eq!((imported.documents.len(), imported.diagnostics.len()), (0, 1), "{format}");
    }
    let (owner, environment) = (OwnerName::literal("platform"), EnvironmentName::literal("production"));
    let beside = Beside { owner: Some(&owner), environment: Some(&environment), owners: &[] };
    let mut rows = String::from("name,purpose\n");
    (0..DOCUMENTS_MAX + 10).for_each(|at| writeln!(rows, "n{at},x").unwrap());
    let imported = import(Format::Csv, &rows, &beside);
    assert_eq!((imported.documents.len(), imported.diagnostics.len()), (DOCUMENTS_MAX, 1));
    let wrong = format!("name,purpose\n{}", "?,x\n".repeat(10_000));
    let imported = import(Format::Csv, &wrong, &beside);
    assert_eq!(imported.diagnostics.len(), DIAGNOSTICS_MAX + 1);
}

/// Something like the real thing, broken at places.
fn hostile() -> impl Strategy<Value = String> {
    let seeds = [
        include_str!("../../testdata/accounts.csv"),
        include_str!("../../testdata/users.scim.json"),
        include_str!("../../testdata/CODEOWNERS"),
        include_str!("../../testdata/serviceaccounts.yaml"),
        include_str!("../../testdata/realm.json"),
    ];
    let bent = (proptest::sample::select(seeds.to_vec()), proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 0..8));
    let bent = bent.prop_map(|(seed, edits)| {
        let mut chars: Vec<char> = seed.chars().collect();
        for (at, c) in edits {
            let at = at.index(chars.len());
            chars[at] = c;
        }
        chars.into_iter().collect()
    });
    prop_oneof![3 => bent, 1 => ".{0,200}", 1 => "[\\[{\"a:,}\\]\\n-]{0,200}"]
}

proptest! {
    #[test]
    fn nothing_panics_and_whatever_is_given_is_in_bounds(text in hostile(), format in proptest::sample::select(Format::ALL)) {
        let owners = [owner("payments", "ann@example.com", Some("bo@example.com"))];
        let (name, environment) = (OwnerName::literal("platform"), EnvironmentName::literal("production"));
        let imported = import(format, &text, &Beside { owner: Some(&name), environment: Some(&environment), owners: &owners });
        prop_assert!(imported.diagnostics.len() <= DIAGNOSTICS_MAX + 1);
        for document in imported.documents {
            prop_assert!(OwnerName::parse(&document.name).is_ok(), "`{}`", document.name);
            prop_assert!(document.spec.is_object());
        }
    }
}
