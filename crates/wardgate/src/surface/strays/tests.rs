use super::{OF_NETWORK_MAX, PLACES_MAX, Strays, seen};
use crate::usage::scene::{Scene, at};
use wardgate_governance::surface::SHADOW_MAX;
use wardgate_model::event::Event;
use wardgate_store::{STRAYS_MAX, StrayKind};

fn take(strays: &mut Strays, event: &Event) -> bool {
    seen(event).is_some_and(|seen| strays.take(seen, event))
}

/// What is handed over, a line each: how often, served, refused, from where.
fn handed(strays: &mut Strays, now: u64) -> Vec<String> {
    let ready = strays.ready(at(now));
    let mut lines: Vec<String> = ready
        .iter()
        .flat_map(|(api, rows)| rows.iter().map(move |row| (api, row)))
        .map(|(api, row)| {
            let (sum, place) = (&row.sum, if row.place.is_empty() { String::new() } else { format!(" ({})", row.place) });
            let by: Vec<&str> = sum.callers.iter().chain(&sum.sources).map(|name| &**name).collect();
            format!("{:?} {api} {}{place} {}/{}/{} {}", row.kind, row.operation, sum.seen, sum.answered, sum.refused, by.join(","))
        })
        .collect();
    lines.sort();
    lines
}

fn check(requests: &[&str], expected: &[&str]) {
    let (scene, mut strays) = (Scene::new(), Strays::default());
    for request in requests {
        take(&mut strays, &scene.event(request));
    }
    assert_eq!(handed(&mut strays, 100), expected);
    assert_eq!(handed(&mut strays, 101), [""; 0], "what was handed over is not handed over again");
}

#[test]
fn what_no_document_has_is_counted_by_what_the_upstream_said() {
    check(
        &[
            "+1s caller 10.0.0.1 GET /old/things/7 200",
            "+2s - 10.0.1.1 GET /old/things/8 404",
            "+3s - 10.0.1.1 GET /old/admin 403",
            "+4s - 10.0.1.1 GET /old/things 200",
            "+5s caller 10.0.0.1 GET /shop/things 200",
        ],
        &["Shadow old GET /old/things/{id} 2/1/0 10.0.0.0/24,10.0.1.0/24", "Unknown old GET /old/things 1/1/0 10.0.1.0/24"],
    );
}

#[test]
fn what_is_refused_counts_once_it_comes_again_and_again() {
    let requests = ["+1s - 10.0.0.1 PUT /shop/things 200", "+2s - 10.0.0.1 PUT /shop/things 200", "+3s - 10.0.0.2 PUT /shop/things 200"];
    check(&requests[..2], &[]);
    check(&requests, &["Shadow shop PUT /shop/things 3/0/3 10.0.0.0/24"]);
    check(&["+1s - 10.0.0.1 OPTIONS /shop/things 200"; 3], &[]);
}

#[test]
fn strangers_fill_nothing() {
    let (scene, mut strays) = (Scene::new(), Strays::default());
    let template = scene.event("+1s - 10.0.0.1 GET /shop/x 200");
    let ask = |strays: &mut Strays, path: String, address: [u8; 4], seconds: u64| {
        let mut event = template.clone();
        event.facts.request.path = path.into();
        event.facts.source.address = address.into();
        event.facts.time = at(seconds);
        take(strays, &event)
    };
    let word = |number: usize| number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect::<String>();
    for number in 0..1_000 {
        ask(&mut strays, format!("/shop/{}", word(number)), [10, 0, 0, 1], 1);
    }
    assert_eq!(strays.apis.values().map(std::collections::HashMap::len).sum::<usize>(), OF_NETWORK_MAX);
    assert_eq!(strays.dropped(), 1_000 - u64::try_from(OF_NETWORK_MAX).unwrap());
    // From everywhere, and each often enough to be told of.
    for number in 0..2_000 {
        let (high, low) = (u8::try_from(number / 200).unwrap(), u8::try_from(number % 200).unwrap());
        for _ in 0..3 {
            ask(
                &mut strays,
                format!("/shop/{}/{}", word(number % 5), word(number)),
                [11, high, low, 1],
                2 + u64::try_from(number).unwrap(),
            );
        }
        let rows: usize = strays.apis.values().map(std::collections::HashMap::len).sum();
        assert!(rows <= STRAYS_MAX, "{rows}");
    }
    let rows = strays.apis.values().next().unwrap();
    assert!(rows.keys().filter(|(kind, ..)| *kind == StrayKind::Shadow).count() <= SHADOW_MAX);
    assert!(rows.keys().any(|(_, operation, _)| operation.contains("{id}")), "where too many words stand they are names");
    // What is served is known whatever strangers have asked for.
    let template = scene.event("+1s - 10.0.0.1 GET /old/x 404");
    for number in 0..SHADOW_MAX {
        let mut event = template.clone();
        event.facts.request.path = format!("/old/{}", word(number)).into();
        event.facts.source.address = [12, 0, u8::try_from(number % 250).unwrap(), 1].into();
        assert!(!take(&mut strays, &event), "nobody has what was asked for");
    }
    let dropped = strays.dropped();
    assert!(take(&mut strays, &scene.event("+1s caller 10.0.0.1 GET /old/hidden 200")));
    assert_eq!(strays.dropped(), dropped);
}

#[test]
fn what_is_otherwise_is_told_by_place_and_places_are_few() {
    let (scene, mut strays) = (Scene::new(), Strays::default());
    let otherwise = |strays: &mut Strays, place: &str| {
        let mut event = scene.event("+1s caller 10.0.0.1 GET /shop/things 200");
        event.ruling.deviation = Some(place.into());
        take(strays, &event)
    };
    otherwise(&mut strays, "the body at `/items/0/name`: it is of another type");
    otherwise(&mut strays, "the body at `/items/17/name`: it is of another type");
    otherwise(&mut strays, "parameter `limit` in the query: it is out of range");
    assert_eq!(
        handed(&mut strays, 2),
        [
            "Drift shop GET /shop/things (parameter `limit` in the query: it is out of range) 1/1/0 caller,10.0.0.0/24",
            "Drift shop GET /shop/things (the body at `/items/*/name`: it is of another type) 2/2/0 caller,10.0.0.0/24",
        ]
    );
    for number in 0..57_u32 {
        otherwise(&mut strays, &format!("the body at `/{}`: the document does not have it", char::from_u32('A' as u32 + number).unwrap()));
    }
    let rows = handed(&mut strays, 3);
    assert_eq!(rows.len(), PLACES_MAX - 1, "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("(at other places) 47/47/0")), "{rows:#?}");
    assert!(seen(&scene.event("+1s caller 10.0.0.1 GET /shop/things 200")).is_none());
}
