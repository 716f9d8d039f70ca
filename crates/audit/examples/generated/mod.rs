//! Events as a company's gate might see them: 200 identities, 20 APIs, the same at each run.

use std::borrow::Cow;
use wardgate_audit::{
    canonical, columns,
    event_v1::{ApiV1, CredentialV1, EventV1, IdentityV1, Kind, ProofV1, PurposeV1, RequestV1, RulingV1, SourceV1, UpstreamV1},
};

/// The edge that they are of.
pub(crate) const EDGE: &str = "edge-1";
/// Events of one segment, as they are sealed.
pub(crate) const SEGMENT: u64 = 131_072;

/// Numbers that look random and are the same at each run (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Few are asked for much, as it is in life.
    fn skewed(&mut self, bound: u64) -> u64 {
        let (a, b) = (self.below(bound), self.below(bound));
        a * b / bound
    }
}

pub(crate) fn event(numbers: &mut Numbers, seq: u64, now_us: &mut i64, trace: &mut (u64, u64)) -> EventV1<'static> {
    *now_us += i64::try_from(numbers.below(2000)).unwrap_or(0);
    // A third of all requests are calls of a trace that is there already.
    if numbers.below(3) > 0 {
        *trace = (numbers.next(), numbers.next());
    }
    let who = numbers.skewed(200);
    let api = who * 7 % 20;
    let resource = numbers.skewed(300);
    let operation = numbers.skewed(6);
    let allowed = numbers.below(50) > 0;
    let latency = 800 + numbers.skewed(40_000);
    let text = |text: String| Some(Cow::<'static, str>::Owned(text));
    let method = if operation == 0 { "POST" } else { "GET" };
    EventV1 {
        kind: Kind::Request,
        time_us: *now_us,
        seq,
        edge: EDGE.into(),
        request_id: text(request_id(numbers, *now_us)),
        trace_id: text(format!("{:016x}{:016x}", trace.0, trace.1)),
        door: Some("public".into()),
        identity: Some(IdentityV1 {
            id: format!("service-{who:03}").into(),
            name: text(format!("service-{who:03}")),
            kind: Some("service_account".into()),
            owner: text(format!("team-{}", who % 30)),
            team: text(format!("squad-{}", who % 12)),
            environment: Some("production".into()),
            quality: Some(u8::try_from(60 + who % 40).unwrap_or(60)),
        }),
        credential: Some(CredentialV1 { id: format!("aB3dE5g{who:05}").into(), kind: Some("api_key".into()), bound: Some(false) }),
        proof: Some(ProofV1 {
            kind: "api_key".into(),
            bound: false,
            age_s: *now_us / 1_000_000 - 1_789_000_000 + i64::try_from(who).unwrap_or(0) * 977,
        }),
        lane: Some("machine".into()),
        grant: text(format!("service-{who:03}-uses-api-{api}")),
        purpose: Some(PurposeV1 { value: format!("purpose-{}", who % 9).into(), basis: "registered".into() }),
        source: Some(SourceV1 {
            address: text(format!("10.{}.{}.{}", who % 4, who, 10 + numbers.below(4))),
            zone: Some("data-platform".into()),
            user_agent: text(format!("service-{who:03}/2.{}", who % 5)),
            ..SourceV1::default()
        }),
        request: Some(RequestV1 {
            host: text(format!("api-{api}.example")),
            content_type: Some("application/json".into()),
            length: Some(0),
            query: None,
        }),
        api: Some(ApiV1 {
            name: format!("api-{api}").into(),
            owner: text(format!("team-{}", api % 7)),
            business_function: text(format!("function-{}", api % 5)),
            sensitivity: Some("high".into()),
        }),
        operation: text(format!("api-{api} {method} /v1/things-{operation}/{{id}}")),
        class: Some(if operation == 0 { "write" } else { "read" }.into()),
        method: Some(method.into()),
        path: text(format!("/v1/things-{operation}/{:06}", resource * 7919)),
        resource: text(format!("{:06}", resource * 7919)),
        ruling: Some(RulingV1 {
            response: if allowed { "allow" } else { "block" }.into(),
            enforced: true,
            code: if allowed { "rule.allowed" } else { "rule.no_grant" }.into(),
            reasons: vec![if allowed { "rule.allowed" } else { "rule.no_grant" }.into()],
            policies: if allowed { vec![format!("grant:service-{who:03}-uses-api-{api}").into()] } else { Vec::new() },
            risk: 0,
            ..RulingV1::default()
        }),
        ending: Some("complete".into()),
        duration_us: Some(latency + 120 + numbers.below(200)),
        client_status: Some(if allowed { 200 } else { 403 }),
        upstream: allowed.then(|| UpstreamV1 {
            name: format!("http://10.0.0.{api}:8080").into(),
            status: Some(200),
            latency_us: latency,
            bytes_in: 0,
            bytes_out: 300 + numbers.skewed(9000),
            records: Some(numbers.skewed(50)),
        }),
        snapshot: Some(3 + seq / 200_000),
        judge_order: Some(seq + numbers.below(3)),
        ..empty()
    }
}

/// Version 7: 48 bits of time in milliseconds, and random bits.
fn request_id(numbers: &mut Numbers, now_us: i64) -> String {
    let (ms, random, more) = (now_us / 1000, numbers.below(1 << 12), numbers.next());
    let (high, low) = (ms >> 16, ms & 0xffff);
    format!("{high:08x}-{low:04x}-7{random:03x}-{:04x}-{:012x}", 0x8000 | (more >> 50), more & 0xffff_ffff_ffff)
}

fn empty() -> EventV1<'static> {
    columns::event([const { None }; columns::COUNT]).unwrap_or_else(|_| unreachable!())
}

/// The bytes of records: what is public, what is not, and the salt.
pub(crate) fn records(numbers: &mut Numbers, first_seq: u64, count: u64, now_us: &mut i64) -> Vec<(Vec<u8>, Vec<u8>, [u8; 16])> {
    let mut trace = (0, 0);
    (first_seq..first_seq + count)
        .map(|seq| {
            let event = event(numbers, seq, now_us, &mut trace);
            let row = columns::row(&event);
            let (mut public, mut personal) = (Vec::new(), Vec::new());
            canonical::encode(&row, false, &mut public);
            canonical::encode(&row, true, &mut personal);
            let salt = (u128::from(numbers.next()) << 64 | u128::from(numbers.next())).to_be_bytes();
            (public, personal, salt)
        })
        .collect()
}
