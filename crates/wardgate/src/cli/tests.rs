use super::{Cli, Command};
use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use wardgate_issuer::{against, tasks::Cause};
use wardgate_model::{reason::Reason, risk::Signal};

#[test]
fn the_manual_is_kept() {
    let kept = include_str!("../../../../docs/cli.md");
    assert!(
        super::manual() == kept,
        "docs/cli.md is not what the commands say: renew it with `cargo run -p wardgate -- manual > docs/cli.md`"
    );
}

#[test]
fn every_command_has_examples() {
    fn look(command: &clap::Command) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:"), "`{}` has no examples", sub.get_name());
            look(sub);
        }
    }
    look(&Cli::command());
}

fn parse(line: &str) -> Result<Cli, String> {
    Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// Whoever follows a remedy types what stands there.
#[test]
fn every_command_that_a_remedy_names_is_understood() {
    let reasons = Reason::ALL.iter().map(|reason| reason.row().remedy);
    let others = Signal::ALL.iter().map(|signal| signal.remedy()).chain(Cause::ALL.iter().map(|cause| cause.remedy()));
    let mut lines = 0;
    for remedy in reasons.chain(others).chain(against::remedies()) {
        for line in remedy.split('`').skip(1).step_by(2).filter(|part| part.starts_with("wardgate ")) {
            match Cli::try_parse_from(line.split(' ')) {
                Ok(cli) => {
                    let alone = matches!(&cli.command, Command::Token(args) if args.bound && args.proxy.is_none());
                    assert!(!alone, "`{line}`: only the forwarder shows what is bound");
                }
                // One that only names a command leaves to the reader what for.
                Err(wrong) if wrong.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {}
                Err(wrong) if wrong.kind() == ErrorKind::MissingRequiredArgument && !line.contains(" -") => {}
                Err(wrong) => panic!("`{line}`: {wrong}"),
            }
            lines += 1;
        }
    }
    assert!(lines > 5, "{lines}");
}

#[test]
fn examples_of_the_contract_are_understood() {
    for line in [
        "wardgate demo --once --scene leaked-key --output json",
        "wardgate init gate",
        "wardgate serve -c gate/wardgate.yaml",
        "wardgate check -c gate/wardgate.yaml resources policies",
        "wardgate credential issue a --name main --reason first",
        "wardgate credential revoke 4fT0aZ19xQ2b",
        "wardgate credential list --identity a",
        "wardgate secret put warehouse-key",
        "wardgate explain 0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de --output json",
        "wardgate explain --identity a --method GET --url https://h/x --header a:b --header c:d --proof api_key",
        "wardgate audit tail --follow --code proof.expired -n 5",
        "wardgate audit timeline identity:a --from 2026-11-01 --to 2026-11-02T08:00:00Z -n 9 --trace-children -o html --file a.html",
        "wardgate schema Identity",
        "wardgate config show",
        "wardgate sign-in --offline",
        "wardgate plan resources --since 7d",
        "wardgate apply resources policies --prune --reason x",
        "wardgate get identities --owner payments",
        "wardgate get identity ledger-sync -o json",
        "wardgate describe trust-source ci",
        "wardgate edit grant reads",
        "wardgate delete Grant reads",
        "wardgate export declared",
        "wardgate import --format csv clients.csv --owner payments",
        "wardgate history identity ledger-sync --full",
        "wardgate history owner-status payments",
        "wardgate rollback --to 12 --plan",
        "wardgate identity request a --type bot --owner o --environment production --purpose p --api-key 30d --until 2027-06-30",
        "wardgate identity request --file a.yaml",
        "wardgate identity approve a --evidence ticket",
        "wardgate identity transfer a --to finance --team t",
        "wardgate identity claim discovered-3kx09qz1mb7a --as a",
        "wardgate owner depart payments --grace 14d",
        "wardgate credential rotate 4fT0aZ19xQ2b --overlap 24h",
        "wardgate secret rotate warehouse-key --deliver command=push",
        "wardgate contain identity a --preview",
        "wardgate contain --list",
        "wardgate release credential 4fT0aZ19xQ2b",
        "wardgate approval approve 4fT0aZ19xQ2b",
        "wardgate access --identity a --at 2026-11-01",
        "wardgate access --diff 4711 now",
        "wardgate findings --exemptions",
        "wardgate usage --credential 4fT0aZ19xQ2b",
        "wardgate backup wardgate.bak",
        "wardgate signing-key revoke SvRTkLFiSDHCm4Dzu08V0hMtxx2s3t1qBCNEdBkWCAo --reason x",
        "wardgate contain token 5f0c1de2a3b44c5d6e7f8091a2b3c4d5",
        "wardgate token --issuer https://h --exec -- sh -c x",
        "wardgate token --issuer https://h --resource https://h/a --proxy unix:/run/a --strip X-Api-Key --strip X-More --idle-exit 10m",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
    }
}

#[test]
fn wrong_usage_is_told() {
    insta::assert_snapshot!(parse("wardgate demo --scene nowhere").unwrap_err(), @"error: invalid value 'nowhere' for '--scene <NAME>': there are these scenes: analytics-no-export, staging-on-production, legacy-key, spoofed-headers, burst, leaked-key, owner-departs, rotation-without-a-failed-request, contained-under-load, discovered-caller-claimed, ci-promotes-by-claims, mesh-workload-by-spiffe, stolen-certificate, smuggling-attempt, bypass-found-and-closed, webhook-sender, incident-reconstructed, tampering-found, unmodified-batch-job, ci-without-a-secret, three-hops-each-narrower, task-token, budget-runs-out, stolen-token-challenged, stuffing-over-300-sources, slow-scraping-found, retry-storm-is-no-attack, holds-without-purchase");
    insta::assert_snapshot!(parse("wardgate explain").unwrap_err(), @"error: the following required arguments were not provided:");
    insta::assert_snapshot!(parse("wardgate explain --identity a").unwrap_err(), @"error: the following required arguments were not provided:");
    insta::assert_snapshot!(parse("wardgate credential list --state dead").unwrap_err(), @"error: invalid value 'dead' for '--state <STATE>'");
    insta::assert_snapshot!(parse("wardgate get widgets").unwrap_err(), @"error: invalid value 'widgets' for '<KIND>': the kinds are Owner, Environment, Identity, TrustSource, Api, Grant, Limit, Zone, Contract, Flow, Waiver, Webhook, Rotation, Purpose, Policy");
    insta::assert_snapshot!(parse("wardgate contain").unwrap_err(), @"Stop something everywhere, now: the next request is refused, open streams are cut");
    insta::assert_snapshot!(parse("wardgate contain identity").unwrap_err(), @"error: the following required arguments were not provided:");
    insta::assert_snapshot!(parse("wardgate usage").unwrap_err(), @"error: the following required arguments were not provided:");
    insta::assert_snapshot!(parse("wardgate secret rotate k --deliver mail=x").unwrap_err(), @"error: invalid value 'mail=x' for '--deliver <HOW=WHERE>': write `file=NAME`, `kubernetes=NAMESPACE/NAME`, `vault=PATH` or `command=NAME`");
    for lacking in ["token --issuer https://h --exec", "token --issuer https://h --proxy 127.0.0.1:1", "token --issuer https://h -- sh"] {
        let told = parse(&format!("wardgate {lacking}")).unwrap_err();
        assert_eq!(told, "error: the following required arguments were not provided:", "{lacking}");
    }
    insta::assert_snapshot!(parse("wardgate plan r --since soon").unwrap_err(), @"error: invalid value 'soon' for '--since <TIME>': `soon` has no number before `soon`: write a duration as in `30d`, `12h`, `5m`, `10s`, `250ms` or `1h30m`");
}

#[test]
fn a_token_is_not_shown_by_debug() {
    let cli = parse("wardgate credential list --token wgs_hush").unwrap();
    assert!(matches!(cli.command, Command::Credential(_)));
    assert!(!format!("{cli:?}").contains("hush"));
}
