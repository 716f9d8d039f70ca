//! Signing keys are replaced while clients get tokens and call with them, at two gates: at no moment anybody honest is refused (IS6).

use crate::{
    gate::{Gate, Place, until},
    http::{self, bearer},
    token_world::{ASSERTION, GRANT, assertion, post, said, token, world},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use wardgate::{config::Config, control::Control};
use wardgate_abuse::{MeterBounds, Meters, journal::Unrecorded};
use wardgate_audit::sink::{Log, Options};
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};
use wardgate_testkit::postgres::{Disk, Server};

/// What is shipped would bind a client that never rests.
const FREELY: &str = "\
kind: Limit
name: default:identity
spec: { per: identity, rate: 1000000/s }
---
kind: Limit
name: default:source
spec: { per: source, rate: 1000000/s }
";
const DAY: Duration = Duration::from_hours(24);
const CLIENTS: usize = 2;

/// By which key something is signed.
fn kid(signed: &str) -> String {
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap()).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

/// The keys that a gate publishes, by name.
fn published(gate: &Gate) -> Vec<String> {
    let keys = http::ask(gate.public, "GET /.well-known/jwks.json", &[], "").json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn call(gate: &Gate, token: &str) -> String {
    http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "").said()
}

/// Clients that never rest.
struct Load<'w> {
    gates: [&'w Gate; 2],
    client: &'w Signer,
    over: AtomicBool,
    rounds: [AtomicU64; CLIENTS],
}

/// Has the clients rest, also when something went wrong.
struct Over<'l>(&'l AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Load<'_> {
    /// A token of the one gate.
    fn token(&self, gate: usize) -> String {
        let form =
            format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={}", assertion(self.client, "ledger-sync", &json!({})));
        let answer = post(self.gates[gate], "token", &[], &form);
        assert_eq!(said(&answer), "200", "{answer:?}");
        token(&answer)
    }

    /// Gets tokens by turns at each gate, and shows each to both: when it is new, and when there is a newer one.
    fn run(&self, client: usize) {
        let mut kept = self.token(client % 2);
        while !self.over.load(Ordering::Acquire) {
            let turn = self.rounds[client].load(Ordering::Acquire);
            let fresh = self.token(usize::from(turn.is_multiple_of(2)));
            for (gate, token) in self.gates.iter().flat_map(|gate| [(gate, &kept), (gate, &fresh)]) {
                assert_eq!(call(gate, token), "200", "round {turn} of client {client}");
            }
            kept = fresh;
            self.rounds[client].store(turn + 1, Ordering::Release);
        }
    }

    /// Waits until every client has gone round some times more: then it holds no token of before.
    fn go_on(&self, what: &str) {
        for rounds in &self.rounds {
            let enough = rounds.load(Ordering::Acquire) + 3;
            until(what, || (rounds.load(Ordering::Acquire) >= enough).then_some(()));
        }
    }
}

/// The control side of a third process on the same store, which is told another time.
struct Clockwork {
    runtime: tokio::runtime::Runtime,
    control: Arc<Control>,
    begun: wardgate_model::time::Time,
    _place: Place,
}

impl Clockwork {
    fn open(place: Place) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let config = Config::read(&place.path().join("wardgate.yaml")).unwrap();
        let control = runtime.block_on(async {
            let (log, _writer) = Log::start(&config.audit, &Options::new("clockwork")).unwrap();
            Control::open(config, Meters::new(Arc::new(Unrecorded), MeterBounds::default()), log).await.unwrap()
        });
        Self { runtime, control, begun: wardgate::clock::now(), _place: place }
    }

    /// Does what is due after so many days.
    fn after(&self, days: u32) {
        let done = self.runtime.block_on(self.control.renew_keys_once(self.begun + DAY * days)).unwrap();
        assert_eq!(done, 1, "after {days} days");
    }
}

#[test]
fn nobody_is_refused_while_the_key_that_signs_is_replaced() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let store = format!("store: {{ url: '{}' }}", server.database().unwrap());
    let mut world = world(Algorithm::Es256, &store);
    let copy = || {
        let place = Place::bare();
        place.write("resources/world.yaml", &fs::read_to_string(world.place.path().join("resources/world.yaml")).unwrap());
        place.write("resources/freely.yaml", FREELY);
        place.change("wardgate.yaml", "secrets:", &format!("{store}\nsecrets:"));
        place
    };
    let (beside, third) = (copy(), copy());
    world.place.write("resources/freely.yaml", FREELY);
    world.gate.end();
    world.gate = world.place.serve();
    let other = beside.serve();
    let clockwork = Clockwork::open(third);
    let load = Load { gates: [&world.gate, &other], client: &world.client, over: AtomicBool::new(false), rounds: Default::default() };
    let first = kid(&load.token(0));
    thread::scope(|scope| {
        let _over = Over(&load.over);
        for client in 0..CLIENTS {
            let load = &load;
            scope.spawn(move || load.run(client));
        }
        load.go_on("calls by the first key");

        // Made and published before anything is signed with it: whoever remembers the keys from now on knows it.
        clockwork.after(29);
        let next = until("both gates to publish the next key", || {
            let [one, two] = load.gates.map(published);
            (one.len() == 2 && two.len() == 2).then(|| one.into_iter().find(|kid| *kid != first).unwrap())
        });
        assert_eq!(kid(&load.token(0)), first);
        load.go_on("calls while it is published");
        let remembered = published(&other);

        clockwork.after(31);
        until("both gates to sign with it", || (0..2).all(|gate| kid(&load.token(gate)) == next).then_some(()));
        load.go_on("calls by the next key");
        let told = world._upstream.last().field("wardgate-assertion").unwrap().to_owned();
        assert!(remembered.contains(&kid(&told)), "an upstream that remembers the keys knows the one of its assertion");

        // Nothing by the first one is good any more by then.
        clockwork.after(33);
        until("both gates to take the first one back", || {
            load.gates.map(published).iter().all(|keys| **keys == [next.clone()]).then_some(())
        });
        load.go_on("calls when it is gone");
    });
    assert!(load.rounds.iter().all(|rounds| rounds.load(Ordering::Acquire) >= 12));
}
