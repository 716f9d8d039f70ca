use super::{OF_NETWORK_MAX, PLACES_OF_NETWORK_MAX, Strays, seen};
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
    assert_eq!(rows.len(), PLACES_OF_NETWORK_MAX - 2 + 1, "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("(at other places) 51/51/0")), "{rows:#?}");
    assert!(seen(&scene.event("+1s caller 10.0.0.1 GET /shop/things 200")).is_none());
}

/// A request as that of a line, for something else, from elsewhere, later.
fn asks(event: &Event, path: &str, network: u8, seconds: u64) -> Event {
    let mut event = event.clone();
    event.facts.request.path = path.into();
    event.facts.source.address = [10, 0, network, 1].into();
    event.facts.time = at(seconds);
    event
}

fn word(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect()
}

fn operations(strays: &Strays) -> Vec<&str> {
    let mut all: Vec<&str> = strays.apis.values().flatten().map(|((_, operation, _), _)| &**operation).collect();
    all.sort_unstable();
    all
}

#[test]
fn made_up_words_hide_nothing_that_is_served() {
    let (scene, mut strays) = (Scene::new(), Strays::default());
    let (asked, served) = (scene.event("+1s - 10.0.0.1 GET /old/x 404"), scene.event("+1s - 10.0.0.1 GET /old/x 200"));
    assert!(take(&mut strays, &asks(&served, "/old/export", 1, 1)));
    // It was handed over: what is known of it stays known.
    strays.ready(at(2));
    let refused = scene.event("+1s - 10.0.0.1 GET /shop/x 200");
    for number in 0..200 {
        for _ in 0..3 {
            let mut event = asks(&refused, &format!("/old/{}", word(number)), 1, 3 + u64::try_from(number).unwrap());
            event.facts.api.clone_from(&asked.facts.api);
            take(&mut strays, &event);
        }
    }
    let told = operations(&strays);
    assert!(told.contains(&"GET /old/export") && told.contains(&"GET /old/{id}"), "{told:?}");
    assert!(told.len() <= OF_NETWORK_MAX + 1, "{told:?}");
}

#[test]
fn whoever_is_loud_takes_no_room_from_others() {
    let (scene, mut strays) = (Scene::new(), Strays::default());
    let served = scene.event("+1s - 10.0.0.1 GET /old/x 200");
    // An upstream that serves everything.
    for number in 0..1_000 {
        assert!(
            take(&mut strays, &asks(&served, &format!("/old/{}/{}", word(number % 20), word(number)), 1, 1)),
            "what it is served last is told"
        );
    }
    assert_eq!(strays.dropped(), 1_000 - u64::try_from(SHADOW_MAX).unwrap());
    for number in 0..9 {
        assert!(take(&mut strays, &asks(&served, &format!("/old/mine/{}", word(number)), 2, 1)));
    }
    for number in 0..1_000 {
        take(&mut strays, &asks(&served, &format!("/old/{}/{}/again", word(number % 20), word(number)), 1, 1));
    }
    let told = operations(&strays);
    assert_eq!((told.len(), told.iter().filter(|operation| operation.starts_with("GET /old/mine/")).count()), (SHADOW_MAX, 9));
    // The same of what is only asked for: six fill all, one that comes later has room.
    let (refused, mut strays) = (scene.event("+1s - 10.0.0.1 GET /shop/x 200"), Strays::default());
    for number in 0..600 {
        let network = u8::try_from(number % 6).unwrap();
        take(&mut strays, &asks(&refused, &format!("/shop/{}/{}", word(number % 20), word(number)), network, 1));
    }
    assert_eq!(operations(&strays).len(), SHADOW_MAX);
    for _ in 0..3 {
        take(&mut strays, &asks(&refused, "/shop/new", 9, 1));
    }
    assert_eq!(handed(&mut strays, 2), ["Shadow shop GET /shop/new 3/0/3 10.0.9.0/24"]);
    // What is asked for makes no way for itself: all have as much.
    let before = strays.dropped();
    take(&mut strays, &asks(&refused, "/shop/more", 5, 1));
    assert_eq!(strays.dropped(), before + 1);
}

#[test]
fn one_client_that_is_odd_leaves_places_for_others() {
    let (scene, mut strays) = (Scene::new(), Strays::default());
    let otherwise = |strays: &mut Strays, place: &str, network: u8| {
        let mut event = scene.event("+1s caller 10.0.0.1 GET /shop/things 200");
        event.facts.source.address = [10, 0, network, 1].into();
        event.ruling.deviation = Some(place.into());
        take(strays, &event)
    };
    for number in 0..57_u32 {
        otherwise(
            &mut strays,
            &format!("the body at `/{}`: the document does not have it", char::from_u32('A' as u32 + number).unwrap()),
            0,
        );
    }
    otherwise(&mut strays, "parameter `limit` in the query: it is out of range", 7);
    let rows = handed(&mut strays, 2);
    assert_eq!(rows.len(), PLACES_OF_NETWORK_MAX + 2, "{rows:#?}");
    assert!(
        rows.iter().any(|row| row.contains("(parameter `limit` in the query: it is out of range) 1/1/0 caller,10.0.7.0/24")),
        "{rows:#?}"
    );
}
