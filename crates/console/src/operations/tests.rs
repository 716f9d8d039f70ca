use super::{Key, Needs, OPERATIONS, PREFIX, admin_api, row_of};
use std::collections::HashSet;
use wardgate_model::api::{Api, OperationClass};

#[test]
fn the_table_says_each_thing_once() {
    let keys: Vec<Key> = OPERATIONS.iter().map(|row| row.key).collect();
    assert_eq!(keys.len(), Key::ALL.len());
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "a key stands twice");
    let api = admin_api();
    assert_eq!(api.operations.len(), OPERATIONS.len(), "a template is none");
    assert_eq!(api.operations.iter().map(|o| o.id.as_str()).collect::<HashSet<_>>().len(), OPERATIONS.len());
    for (operation, row) in api.operations.iter().zip(OPERATIONS) {
        assert_eq!(row_of(operation).map(|r| r.key), Some(row.key));
        assert!(row.template.starts_with(PREFIX) && !operation.anonymous);
        assert!(row.summary.ends_with('.'), "{}", row.summary);
    }
}

#[test]
fn the_classes_as_a_page() {
    let lines: Vec<String> =
        OPERATIONS.iter().map(|row| format!("{} {} {} {:?}", row.method.http(), row.class, row.template, row.needs)).collect();
    assert_eq!(
        lines,
        [
            "POST login /api/v1/sessions SignIn",
            "POST login /api/v1/sessions/renew Session",
            "DELETE login /api/v1/sessions/current Session",
            "GET read /api/v1/whoami Session",
            "GET list /api/v1/credentials Session",
            "POST write /api/v1/credentials Session",
            "DELETE delete /api/v1/credentials/{id} Session",
            "GET list /api/v1/secrets Session",
            "PUT admin /api/v1/secrets/{name} Session",
            "GET read /api/v1/explain/{request_id} Session",
            "POST read /api/v1/explain Session",
            "GET list /api/v1/events Session",
            "GET list /api/v1/resources/{kind} Session",
            "GET read /api/v1/resources/{kind}/{name} Session",
            "GET list /api/v1/changes Session",
            "GET read /api/v1/openapi.json Session",
        ]
    );
}

#[test]
fn what_a_sign_in_opens_is_the_one_login_that_needs_it() {
    let opened: Vec<_> = OPERATIONS.iter().filter(|row| row.needs == Needs::SignIn).collect();
    assert!(matches!(opened.as_slice(), [row] if row.key == Key::SignIn && row.class == OperationClass::Login));
}

#[test]
fn it_is_reached_by_the_admin_door_and_always_recorded() {
    let api = admin_api();
    let shown = format!("{} {} {} {} {:?} shared={}", api.name, api.doors, api.audit, api.mode, api.accept, api.environment.shared);
    assert_eq!(shown, "wardgate-admin admin required enforce [Session, SignIn] shared=true");
    assert_eq!(api.name.as_str(), Api::ADMIN);
}
