use super::{Rollup, network};
use crate::usage::scene::Scene;
use wardgate_store::UsageRow;

/// The rows, a line each, in order: who by what, what, from where, first to last, permitted and refused.
fn told(rollup: &mut Rollup, scene: &Scene) -> Vec<String> {
    let mut lines: Vec<String> = rollup.take().iter().map(|taken| line(&taken.row(), scene)).collect();
    lines.sort();
    lines
}

fn line(row: &UsageRow, scene: &Scene) -> String {
    let by = row.credential.as_ref().map_or("-", |id| if id.as_str() == scene.credential() { "main" } else { id.as_str() });
    let dawn = wardgate_testkit::world::DAWN;
    let (first, last) = (row.first.since(dawn).as_secs(), row.last.since(dawn).as_secs());
    format!("{} {by} {} {} +{first}..+{last} {}/{}", row.identity, row.operation, row.source, row.allowed, row.refused)
}

fn check(rows_max: usize, requests: &[&str], expected: &[&str]) -> Rollup {
    let scene = Scene::new();
    let mut rollup = Rollup::new(rows_max);
    requests.iter().for_each(|request| rollup.count(&scene.event(request)));
    assert_eq!(told(&mut rollup, &scene), expected);
    assert_eq!(rollup.len(), 0, "what was taken is gone");
    rollup
}

#[test]
fn requests_of_one_credential_operation_and_network_are_one_row() {
    check(
        100,
        &[
            "+5s caller 10.1.2.3 GET /shop/things/7 200",
            "+3s caller 10.1.2.200 GET /shop/things/8 404",
            "+9s caller 10.1.3.1 GET /shop/things/8 200",
            "+9s caller 10.1.2.3 DELETE /shop/things/8 200",
            "+9s caller 2001:db8:0:12ff::1 GET /shop/things 200",
            "+10s caller 2001:db8:0:1200::2 GET /shop/things 200",
        ],
        &[
            "caller main shop DELETE /shop/things/{id} 10.1.2.0/24 +9..+9 0/1",
            "caller main shop GET /shop/things 2001:db8:0:1200::/56 +9..+10 2/0",
            "caller main shop GET /shop/things/{id} 10.1.2.0/24 +3..+5 2/0",
            "caller main shop GET /shop/things/{id} 10.1.3.0/24 +9..+9 1/0",
        ],
    );
}

/// Else anybody could make a credential look used.
#[test]
fn nothing_is_counted_of_callers_that_proved_nothing() {
    check(100, &["+1s key=made-up 10.0.0.1 GET /shop/things 200", "+1s - 10.0.0.1 GET /shop/things 200"], &[]);
}

#[test]
fn the_anonymous_are_counted_as_such() {
    check(100, &["+1s - 10.0.0.1 GET /shop/status 200"], &["anonymous - shop GET /shop/status 10.0.0.0/24 +1..+1 1/0"]);
}

#[test]
fn what_is_observed_counts_as_permitted_because_it_went_through() {
    check(100, &["+1s caller 10.0.0.1 GET /old/things 200"], &["caller main old GET /old/things 10.0.0.0/24 +1..+1 1/0"]);
}

#[test]
fn beyond_the_bound_operation_and_network_are_not_told_apart_and_beyond_that_only_counted() {
    let rollup = check(
        1,
        &[
            "+1s caller 10.0.0.1 GET /shop/things 200",
            "+2s caller 10.0.1.1 GET /shop/things 200",
            "+3s caller 10.0.2.1 GET /shop/things/7 200",
            "+4s caller 10.0.0.1 GET /shop/things 200",
            "+5s - 10.0.0.1 GET /shop/status 200",
        ],
        &["caller main other other +2..+3 2/0", "caller main shop GET /shop/things 10.0.0.0/24 +1..+4 2/0"],
    );
    assert_eq!((rollup.coarse(), rollup.lost()), (2, 1));
}

#[test]
fn what_could_not_be_kept_is_counted_on() {
    let scene = Scene::new();
    let mut rollup = Rollup::new(10);
    rollup.count(&scene.event("+1s caller 10.0.0.1 GET /shop/things 200"));
    let taken = rollup.take();
    rollup.count(&scene.event("+2s caller 10.0.0.1 GET /shop/things 200"));
    taken.into_iter().for_each(|taken| rollup.give_back(taken));
    assert_eq!(told(&mut rollup, &scene), ["caller main shop GET /shop/things 10.0.0.0/24 +1..+2 2/0"]);
}

#[test]
fn addresses_are_counted_by_network() {
    let check = |address: &str| network(address.parse().unwrap()).to_string();
    assert_eq!(check("192.0.2.77"), "192.0.2.0/24");
    assert_eq!(check("::ffff:192.0.2.77"), "192.0.2.0/24");
    assert_eq!(check("2001:db8:1:2345::1"), "2001:db8:1:2300::/56");
}
