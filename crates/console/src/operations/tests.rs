use super::{Key, Needs, PREFIX, Reach, admin_api, operations, row_of};
use std::collections::HashSet;
use wardgate_model::api::{Api, OperationClass};

#[test]
fn the_table_says_each_thing_once() {
    let keys: Vec<Key> = operations().map(|row| row.key).collect();
    assert_eq!(keys.len(), Key::ALL.len());
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "a key stands twice");
    let api = admin_api();
    assert_eq!(api.operations.len(), operations().count(), "a template is none");
    assert_eq!(api.operations.iter().map(|o| o.id.as_str()).collect::<HashSet<_>>().len(), operations().count());
    for (operation, row) in api.operations.iter().zip(operations()) {
        assert_eq!(row_of(operation).map(|r| r.key), Some(row.key));
        assert!(row.template.starts_with(PREFIX) && !operation.anonymous);
        assert!(row.summary.ends_with('.'), "{}", row.summary);
    }
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/operations.txt");

#[test]
fn the_classes_as_a_page() {
    let line = |row: &super::AdminOperation| {
        let own = if row.reach == Reach::Own { " own" } else { "" };
        let statuses = row.answers.iter().map(|(status, _)| status.to_string()).collect::<Vec<_>>().join(" ");
        format!("{:6} {:6} {} {:?}{own} → {statuses}\n", row.method.http().as_str(), row.class.as_str(), row.template, row.needs)
    };
    let made: String = operations().map(line).collect();
    if std::env::var_os("WARDGATE_BLESS").is_some() {
        std::fs::write(PAGE, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(PAGE).unwrap(), made, "run with WARDGATE_BLESS=1, read the difference, commit it");
}

#[test]
fn what_a_sign_in_opens_is_the_one_login_that_needs_it() {
    let opened: Vec<_> = operations().filter(|row| row.needs == Needs::SignIn).collect();
    assert!(matches!(opened.as_slice(), [row] if row.key == Key::SignIn && row.class == OperationClass::Login));
}

#[test]
fn it_is_reached_by_the_admin_door_and_always_recorded() {
    let api = admin_api();
    let shown = format!("{} {} {} {} {:?} shared={}", api.name, api.doors, api.audit, api.mode, api.accept, api.environment.shared);
    assert_eq!(shown, "wardgate-admin admin required enforce [Session, SignIn, BreakGlass] shared=true");
    assert_eq!(api.name.as_str(), Api::ADMIN);
}
