//! Whole replays: text in, the report out. Addresses are of the networks for documentation, or of published logs.

use super::{Files, Format, Installation, Mapping, Reading, Report, Settings, Unreplayed, YEARS, replay};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::{
    fmt::Write as _,
    io::{self, Read},
    sync::Arc,
};
use wardgate_gate::Limits;
use wardgate_model::time::Time;

const APACHE: &str = include_str!("../../testdata/traffic/access-logs/apache.log");
const SSHD: &str = include_str!("../../testdata/traffic/access-logs/sshd_auth.log");
const TRAIL: [&str; 3] = [
    include_str!("../../testdata/traffic/cloudtrail/aws.initial-access.console-login-without-mfa.json"),
    include_str!("../../testdata/traffic/cloudtrail/aws.credential-access.secretsmanager-batch-retrieve-secrets.json"),
    include_str!("../../testdata/traffic/cloudtrail/aws.persistence.iam-create-admin-user.json"),
];

fn replayed(format: Format, texts: &[&str], installation: Option<&Installation>) -> Result<Report, Unreplayed> {
    let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let open = |at: usize| -> io::Result<Box<dyn Read>> {
        texts.get(at).map(|text| Box::new(io::Cursor::new(text.clone())) as Box<dyn Read>).ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let names = (0..texts.len()).map(|at| format!("file-{at}")).collect();
    let reading = Reading { format, mapping: Arc::new(Mapping::new([]).unwrap()), years: YEARS };
    replay(&Files { names, open: &open }, &Settings { reading, top: 4 }, installation)
}

fn told(report: &Report) -> String {
    serde_json::to_string_pretty(report).unwrap()
}

fn report(format: Format, texts: &[&str]) -> Report {
    replayed(format, texts, None).unwrap()
}

/// `SECOND SOURCE USER METHOD TARGET STATUS` a line, as the common format.
fn common(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let second: u32 = parts[0].parse().unwrap();
        let clock = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
        let _ = writeln!(
            text,
            "{} - {} [01/Mar/2026:{clock} +0000] \"{} {} HTTP/1.1\" {} 10",
            parts[1], parts[2], parts[3], parts[4], parts[5]
        );
    }
    text
}

#[test]
fn a_web_servers_log() {
    assert_snapshot!(told(&report(Format::Combined, &[APACHE])));
}

#[test]
fn logins_by_ssh() {
    assert_snapshot!(told(&report(Format::Sshd, &[SSHD])));
}

#[test]
fn an_accounts_trail() {
    assert_snapshot!(told(&report(Format::CloudTrail, &TRAIL)));
}

#[test]
fn an_archive() {
    let entry = |second: u32, method: &str, path: &str, status: u32| {
        format!(
            "{{\"startedDateTime\":\"2026-03-01T09:00:{second:02}.250Z\",\"request\":{{\"method\":\"{method}\",\"url\":\"https://Shop.example{path}\",\
             \"headers\":[{{\"name\":\"User-Agent\",\"value\":\"Mozilla/5.0\"}}]}},\"response\":{{\"status\":{status},\"content\":{{\"size\":70}}}}}}"
        )
    };
    let entries =
        [entry(1, "GET", "/things", 200), entry(4, "GET", "/things/17", 200), entry(3, "POST", "/session", 401), "{\"x\":1}".to_owned()];
    let archive = format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{{}},\"entries\":[\n{}]}}}}", entries.join(",\n"));
    assert_snapshot!(told(&report(Format::Har, &[&archive])));
}

#[test]
fn json_lines() {
    let lines = "\
{\"ts\":1772355600,\"method\":\"GET\",\"host\":\"api.example\",\"path\":\"/orders\",\"status\":200,\"ip\":\"192.0.2.7\",\"key_id\":\"k1\",\"records\":20}
{\"ts\":1772355601,\"method\":\"POST\",\"host\":\"api.example\",\"path\":\"/payments\",\"status\":201,\"ip\":\"192.0.2.7\",\"user\":\"ledger-sync\"}
{\"ts\":\"soon\",\"path\":\"/\"}
not json
{\"ts\":1772355602,\"path\":\"/orders/../admin\",\"ip\":\"192.0.2.8\"}
";
    assert_snapshot!(told(&report(Format::Json, &[lines])));
}

#[test]
fn what_the_gate_would_not_have_let_through_is_told_with_its_reason() {
    // One of two callers is far above what ships as a limit for everybody, the other knocks where nothing is.
    let burst = "36000 192.0.2.7 - GET /things/7 200\n".repeat(1_500);
    let rest = "36001 192.0.2.8 - GET /things/8 200\n36002 192.0.2.8 - GET /%2e%2e/etc/passwd 404\n36003 192.0.2.8 - TRACE /things/8 405";
    let report = report(Format::Clf, &[&common(&format!("{burst}{rest}"))]);
    let reasons: Vec<String> = report.reasons.iter().map(|reason| format!("{} {}", reason.calls, reason.code)).collect();
    assert_eq!(reasons, ["1001 rule.allowed", "500 reserve.rate_exceeded", "1 canon.method", "1 canon.path"]);
    let [first, second] = report.identities.as_slice() else { panic!("{:#?}", report.identities) };
    assert_eq!((first.name.as_str(), first.rulings.block, second.name.as_str(), second.rulings.block), ("192.0.2.7", 500, "192.0.2.8", 2));
    assert_eq!(second.worst.iter().map(|call| call.what.as_str()).collect::<Vec<_>>(), ["GET /%2e%2e/etc/passwd", "TRACE /things/8"]);
}

const SHOP: &str = "
kind: Environment
name: production
spec: { production: true }
---
kind: Owner
name: shop-team
spec: { accountable: shop@example.com, deputy: deputy@example.com }
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /shop }
  accept: [api_key]
  upstream: { urls: [\"http://127.0.0.1:9000\"], identity: assertion }
  operations:
    - { match: \"GET /things/{id}\", class: read, resource: path.id }
    - { match: \"POST /things\", class: write }
    - { match: \"POST /admin\", class: admin }
---
kind: Identity
name: reader
spec: { type: bot, owner: shop-team, environment: production, purpose: reads, credentials: [{ name: main, type: api_key, expires_in: 30d }] }
---
kind: Grant
name: reader-shop
spec: { to: { identity: reader }, api: shop, operations: [read] }
---
kind: Limit
name: slow
spec: { select: { identity: reader }, per: identity, rate: 1/h, burst: 2 }
";

#[test]
fn an_installation_judges_those_on_record_by_its_policies_and_lets_strangers_in_to_be_looked_at() {
    let inventory = crate::testing::inventory(SHOP);
    let limits = Limits::compile(&inventory.limits);
    let installation = Installation::of(&inventory, Arc::new(limits)).unwrap();
    let lines = common(
        "
        1 192.0.2.7 reader GET /shop/things/7 200
        2 192.0.2.7 reader POST /shop/things 201
        3 192.0.2.7 reader GET /shop/things/8 200
        4 192.0.2.7 reader GET /shop/things/9 200
        5 192.0.2.7 stranger POST /shop/things 201
        6 192.0.2.7 stranger POST /shop/admin 201
        7 192.0.2.7 - GET /elsewhere 200
        ",
    );
    let report = replayed(Format::Clf, &[&lines], Some(&installation)).unwrap();
    let mut told = String::new();
    for identity in &report.identities {
        let reasons: Vec<String> = identity.reasons.iter().map(|reason| format!("{} {}", reason.calls, reason.code)).collect();
        let _ = writeln!(
            told,
            "{} ({}): {} of {} allowed; {}",
            identity.name,
            identity.known_by,
            identity.rulings.allow,
            identity.calls,
            if reasons.is_empty() { "-".to_owned() } else { reasons.join(", ") }
        );
    }
    assert_snapshot!(told, @"
    reader (record): 2 of 4 allowed; 1 reserve.rate_exceeded, 1 standing.no_grant
    192.0.2.7 (source): 0 of 1 allowed; 1 route.no_api
    stranger (user): 2 of 2 allowed; -
    ");
    assert!(!report.learned);
}

/// What is told of a caller that comes every other hour for days and then hammers for ten minutes; what it is answered then.
fn hammering(rate: &str, answered: &str) -> Option<u8> {
    let inventory = crate::testing::inventory(&SHOP.replace("rate: 1/h, burst: 2", rate));
    let installation = Installation::of(&inventory, Arc::new(Limits::compile(&inventory.limits))).unwrap();
    let call = |millis: u64, answered: &str| {
        let (second, rest) = (1_772_355_600 + millis / 1_000, millis % 1_000);
        format!("{{\"ts\":{second}.{rest:03},\"path\":\"/shop/things/7\",\"user\":\"reader\",\"ip\":\"192.0.2.7\",{answered}}}\n")
    };
    let usual = (0..60).map(|at| call(at * 7_200_000, "\"status\":200"));
    let lines: String = usual.chain((0..2_000).map(|at| call(60 * 7_200_000 + at * 300, answered))).collect();
    let report = replayed(Format::Json, &[&lines], Some(&installation)).unwrap();
    report.signals.iter().find(|signal| signal.name == "deaf").map(|signal| signal.weight_max)
}

#[test]
fn who_is_told_to_wait_and_comes_again_is_told_of() {
    let (refused, let_in) = ("rate: 9/m, burst: 1", "rate: 1000/s, burst: 1000");
    assert_eq!(hammering(refused, "\"status\":200"), Some(30), "by a refusal of ours");
    assert_eq!(hammering(let_in, "\"status\":200"), None);
    assert_eq!(hammering(let_in, "\"status\":429,\"retry_after\":60"), Some(30), "by the upstream");
    assert_eq!(hammering(let_in, "\"status\":503,\"retry_after\":\"60\""), Some(30));
    assert_eq!(hammering(let_in, "\"status\":429"), None, "nobody knows for how long");
    assert_eq!(hammering(let_in, "\"status\":301,\"retry_after\":60"), None, "that is not to come again");
    assert_eq!(hammering(let_in, "\"status\":429,\"retry_after\":\"Fri, 31 Dec 1999 23:59:59 GMT\""), None);
}

#[test]
fn files_are_one_log_whatever_is_in_which() {
    let lines: Vec<String> = (0..600_u32).map(|at| common(&format!("{} 192.0.2.{} - GET /things/{at} 200", at / 3, at % 7))).collect();
    let whole = report(Format::Clf, &[&lines.concat()]);
    let every = |of: usize, at: usize| lines.iter().skip(at).step_by(of).cloned().collect::<String>();
    let halves = report(Format::Clf, &[&every(2, 1), &every(2, 0)]);
    let late = report(Format::Clf, &[&lines[300..].concat(), &lines[..300].concat()]);
    for other in [&halves, &late] {
        assert_eq!((other.order.sorted, other.order.late), (0, 0));
        assert_eq!(
            (&other.rulings, &other.over_time, &other.apis, other.calls),
            (&whole.rulings, &whole.over_time, &whole.apis, whole.calls)
        );
    }
}

#[test]
fn what_comes_too_late_to_be_put_in_order_is_counted_and_the_clock_does_not_go_back() {
    let ahead: String = (0..9_000_u32).map(|at| common(&format!("{} 192.0.2.7 - GET /a 200", 100 + at / 100))).collect();
    let report = report(
        Format::Clf,
        &[&format!("{ahead}{}", common("1 192.0.2.8 - GET /a 200\n190 192.0.2.8 - GET /a 200\n189 192.0.2.8 - GET /a 200"))],
    );
    assert_eq!((report.order.sorted, report.order.late, report.calls), (2, 1, 9_003));
    let late = report.identities.iter().find(|identity| identity.name == "192.0.2.8").unwrap();
    assert!(late.first > Time::parse("2026-03-01T00:01:40Z").unwrap(), "{late:?}");
}

#[test]
fn the_same_files_give_the_same_bytes() {
    for (format, texts) in [(Format::Combined, &[APACHE][..]), (Format::Sshd, &[SSHD][..]), (Format::CloudTrail, &TRAIL[..])] {
        let once = told(&report(format, texts));
        for _ in 0..3 {
            assert_eq!(once, told(&report(format, texts)));
        }
    }
}

#[test]
fn a_log_of_nothing_has_a_report_too() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.as_str()), Some(*format));
        let report = report(*format, &["", "\n\n"]);
        assert_eq!((report.calls, report.over_time.steps.len(), report.from), (0, 0, None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_that_is_in_a_file_breaks_a_replay(bytes in proptest::collection::vec(any::<u8>(), 0..400), cuts in proptest::collection::vec((0_usize..20_000, any::<u8>()), 0..12)) {
        for format in Format::ALL {
            let whole = match format {
                Format::Clf | Format::Combined => APACHE,
                Format::Sshd => SSHD,
                Format::CloudTrail => TRAIL[1],
                Format::Wardgate => {
                    "{\"time_us\":9000000,\"kind\":\"request\",\"source\":{\"address\":\"192.0.2.7\"},\"method\":\"GET\",\"path\":\"/a\",\"client_status\":200}\n"
                }
                Format::Json => "{\"ts\":1,\"path\":\"/a/1?b\",\"status\":200}\n",
                Format::Har => "{\"log\":{\"entries\":[{\"startedDateTime\":\"2026-03-01T09:00:00Z\",\"request\":{\"method\":\"GET\",\"url\":\"https://a/b\"}}]}}",
            };
            let mut changed = whole.as_bytes().to_vec();
            for (at, byte) in &cuts {
                let at = at % changed.len();
                changed[at] = *byte;
            }
            changed.extend(&bytes);
            let files = [changed];
            let open = |_: usize| -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(files[0].clone()))) };
            let reading = Reading { format: *format, mapping: Arc::new(Mapping::new([]).unwrap()), years: YEARS };
            let report = replay(&Files { names: vec!["changed".to_owned()], open: &open }, &Settings { reading, top: 4 }, None).unwrap();
            let of_files: u64 = report.files.iter().map(|file| file.calls).sum();
            prop_assert_eq!(report.calls, of_files);
            prop_assert_eq!(report.calls, report.rulings.sum());
            prop_assert_eq!(report.calls, report.reasons.iter().map(|reason| reason.calls).sum::<u64>());
        }
    }
}
