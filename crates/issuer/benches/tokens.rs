//! What a token costs to give out, and what it costs to hold a million of them: `cargo bench -p wardgate-issuer`.
//!
//! A client signs an assertion, and gets a token for it: one ES256 signature is verified and one is made. The bench asks the gate and the
//! token service for tokens, as a request does but for the wire and the record, and for the bare two operations, turn and turn about in one
//! process on one thread. Times alone say little of a machine; their ratio does. Below [`SHARE_MIN`] the run ends with exit code 1.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey},
};
use std::{
    hint::black_box,
    io::Write as _,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};
use wardgate_gate::{Answer, Need, Step, decide, establish, establish_with};
use wardgate_issuer::{
    api,
    exchange::{self, Outcome, Terms},
    place::Place,
};
use wardgate_model::id::{CredentialId, IdentityId};
use wardgate_proof::{access_token::AccessToken, entropy::SystemEntropy, jose::signer::Signer};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, Texts};

/// Which share of the bare rate has to be left.
const SHARE_MIN: f64 = 0.6;
/// Tokens of a turn.
const TURN: usize = 500;
/// Turns of each kind.
const TURNS: usize = 12;
/// Tokens that are live at a time.
const MILLION: u32 = 1_000_000;
/// How long a token lives.
const LIFE: Duration = Duration::from_mins(5);

fn main() -> ExitCode {
    // `cargo test` builds benches and may start them: only `cargo bench` says so.
    if !std::env::args().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    match table() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            line(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

fn line(text: &str) {
    let _closed = writeln!(std::io::stdout(), "{text}");
}

struct Scene {
    world: TestWorld,
    client: Signer,
    credential: CredentialId,
}

fn scene() -> Result<Scene, String> {
    let signer = || Signer::generate().and_then(|key| Signer::load(key.danger_expose())).map_err(|why| why.to_string());
    let client = signer()?;
    let yaml = format!(
        "{{kind: Owner, name: team, spec: {{accountable: ann@example.com}}}}\n---\n{{kind: Environment, name: production, spec: {{production: true}}}}\n---\n\
         kind: Identity\nname: shop\nspec: {{type: workload, owner: team, environment: production, purpose: testing, credentials: [{{name: key, type: public_key, jwk: {}}}]}}\n---\n\
         kind: Api\nname: ledger\nspec: {{policy_owner: team, environment: production, match: {{path_prefix: /ledger}}, accept: [jwt], upstream: {{urls: ['http://127.0.0.1:9']}}, operations: [{{match: GET /all, class: list}}, {{match: POST /all, class: write}}]}}\n---\n\
         {{kind: Grant, name: all, spec: {{to: {{identity: shop}}, api: ledger, operations: [list, write]}}}}\n",
        client.jwk()
    );
    let place = Place::parse("https://gate.example").ok_or("no place")?;
    let texts = Texts { yaml: &yaml, cedar: &[], files: &[], grants: &[], shipped: ShippedLimits::Off };
    let world = texts.world_with(&[Arc::new(api::api(&place))])?.issuing()?;
    let known = world.snapshot.population().client("shop").ok_or("no client")?;
    let credential = known.credential(client.kid()).ok_or("no credential")?.id;
    Ok(Scene { world, client, credential })
}

impl Scene {
    /// Forms with assertions of their own, signed beforehand.
    fn forms(&self, turn: usize) -> Result<Vec<bytes::Bytes>, String> {
        (0..TURN)
            .map(|at| {
                let now = DAWN.as_seconds();
                let claims = serde_json::json!({
                    "iss": "shop", "sub": "shop", "aud": "https://gate.example", "iat": now, "exp": now + 60, "jti": format!("{turn}-{at}"),
                });
                let assertion = self.client.sign("client-authentication+jwt", &claims).map_err(|why| why.to_string())?;
                Ok(format!(
                    "grant_type=client_credentials&resource=https%3A%2F%2Fgate.example%2Fledger\
                     &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
                )
                .into())
            })
            .collect()
    }

    /// Through every room of the gate and the token service, as each request goes.
    fn token(&self, asked: &Asked, form: bytes::Bytes) -> Result<(), String> {
        let TestWorld { snapshot, meters, .. } = &self.world;
        let arrival = asked.arrival(DAWN);
        let Step::Wait(unproven, Need::Body { .. }) = establish(&arrival, snapshot, meters, DAWN) else {
            return Err("no body is asked for".to_owned());
        };
        let Step::Done(facts) = establish_with(&arrival, unproven, &[Answer::Body(Ok(form.clone()))], snapshot, meters, DAWN) else {
            return Err("more is asked for".to_owned());
        };
        let Step::Done(verdict) = decide(&facts, snapshot, meters, DAWN) else { return Err("not decided".to_owned()) };
        if verdict.permit.is_none() {
            return Err(verdict.ruling.reason().code().to_owned());
        }
        match exchange::answer(exchange::Asked { facts: &facts, body: &form }, Terms { life: LIFE }, snapshot, &SystemEntropy, DAWN) {
            Outcome::Answer(answer) if answer.status() == 200 => Ok(()),
            outcome => Err(format!("{outcome:?}")),
        }
    }
}

/// The clock of the machine, not of the world.
#[expect(clippy::disallowed_methods, reason = "a bench takes the time")]
fn instant() -> Instant {
    Instant::now()
}

/// The fastest turn of each kind counts: what else the machine did then disturbed it least.
fn table() -> Result<bool, String> {
    let scene = scene()?;
    let asked =
        Asked::parse("POST https://gate.example/oauth/token\ncontent-type: application/x-www-form-urlencoded").ok_or("no request")?;
    let fault = |_| "the library refuses".to_owned();
    let (pair, random) = (EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(fault)?, SystemRandom::new());
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()).map_err(|_| "no key")?;
    // As long as an assertion and a token are.
    let text = [b'a'; 400];
    let signature = pair.sign(&random, &text).map_err(fault)?;
    let (mut bare, mut whole) = (Duration::MAX, Duration::MAX);
    for turn in 0..TURNS {
        let forms = scene.forms(turn)?;
        let begun = instant();
        for form in forms {
            scene.token(&asked, form)?;
        }
        whole = whole.min(begun.elapsed());
        let begun = instant();
        for _ in 0..TURN {
            public.verify_sig(black_box(&text), signature.as_ref()).map_err(fault)?;
            black_box(pair.sign(&random, black_box(&text)).map_err(fault)?);
        }
        bare = bare.min(begun.elapsed());
    }
    let rate = |time: Duration| f64::from(u32::try_from(TURN).unwrap_or(u32::MAX)) / time.as_secs_f64();
    let share = rate(whole) / rate(bare);
    line(&format!("tokens by private_key_jwt     {:>9.0} /s", rate(whole)));
    line(&format!("one ES256 verified, one made  {:>9.0} /s", rate(bare)));
    line(&format!("share                         {share:>9.2}    (at least {SHARE_MIN})"));
    million(&scene)?;
    Ok(share >= SHARE_MIN)
}

/// A million tokens, each shown once: what the gate remembers of them is bounded.
fn million(scene: &Scene) -> Result<(), String> {
    let identity = IdentityId::literal("shop");
    let signer = scene.world.snapshot.mint().tokens().ok_or("no signer")?;
    let before = resident();
    let begun = instant();
    for number in 0..MILLION {
        // As they come: 3,333 a second live at a time for five minutes.
        let now = DAWN + Duration::from_micros(u64::from(number) * 290);
        let id = format!("{number:032x}");
        let token = AccessToken {
            issuer: "https://gate.example",
            identity: &identity,
            audience: "https://gate.example/ledger",
            scope: "list write",
            credential: scene.credential,
            id: &id,
            since: None,
            on_behalf_of: None,
            actors: &[],
            parents: &[],
            unbound: false,
            task: None,
            issued: now,
            ends: now + LIFE,
            bound_to: None,
        };
        let token = token.sign(signer).map_err(|why| why.to_string())?;
        let asked = Asked::parse("GET https://gate.example/ledger/all").ok_or("no request")?.bearer(&token);
        let judged = scene.world.judge(&asked, now).ok_or("not judged")?;
        if number == 0 && !judged.1.ruling.forwards() {
            return Err(judged.1.ruling.reason().code().to_owned());
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let after = resident();
    line(&format!(
        "\n{MILLION} live tokens, each shown once: {} MiB more than before, {:.0} s",
        after.saturating_sub(before) / 1_048_576,
        took
    ));
    Ok(())
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
