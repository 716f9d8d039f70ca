//! The fuzz target of lists: the first line says how the rest is written.

use super::super::{BAD_SHARE, Column, Format, TOLD_MAX, Taken, read};
use wardgate_model::time::Time;
use wardgate_testkit::fuzz::{Broken, Outcome, Run, Target, hold};

const TARGET: Target = Target {
    name: "reputation",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/reputation"),
    property,
    words: &[
        "netset\n",
        "jsonl\n",
        "csv ip\n",
        "csv 1\n",
        "stix\n",
        "misp\n",
        "192.0.2.1",
        "192.0.2.0/24",
        "0.0.0.0/0",
        "255.255.255.255",
        "::ffff:192.0.2.0/120",
        "2001:db8::/32",
        "[2001:db8::1]:80",
        "192.0.2.1-192.0.2.9",
        "\n",
        "\r\n",
        "#",
        ";",
        ",",
        "\"",
        "\\",
        "{\"cidr\":\"",
        "\"type\":\"indicator\"",
        "\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\"",
        "ISSUBSET '192.0.2.0/24'",
        " OR ",
        " AND ",
        "\"revoked\":true",
        "\"valid_until\":\"2026-01-01\"",
        "\"type\":\"ip-src\"",
        "\"to_ids\":false",
        "[[[[[[[[",
        "null",
        "\u{feff}",
    ],
    bytes_max: 4_096,
};

fn property(input: &[u8]) -> Result<Outcome, Broken> {
    let (first, bytes) = input.split_at(input.iter().position(|byte| *byte == b'\n').map_or(input.len(), |end| end + 1));
    let format = match std::str::from_utf8(first).unwrap_or_default().trim_end() {
        "jsonl" => Format::Jsonl("cidr".into()),
        "stix" => Format::Stix,
        "misp" => Format::Misp,
        csv if csv.starts_with("csv ") && !csv.chars().any(char::is_control) => match csv.get(4..).unwrap_or_default() {
            name if name.parse::<usize>().is_err() => Format::Csv(Column::Name(name.into())),
            number => Format::Csv(Column::Number(number.parse().unwrap_or(1))),
        },
        _ => Format::Netset,
    };
    let now = Time::parse("2026-11-01").unwrap_or_default();
    let taken = match read(bytes, &format, now) {
        Err(unlisted) => {
            let said = unlisted.to_string();
            hold(!said.chars().any(char::is_control), || format!("what is said is not fit to be shown: {said:?}"))?;
            return Ok(Outcome::of((std::mem::discriminant(&format), std::mem::discriminant(&unlisted))));
        }
        Ok(taken) => taken,
    };
    let Taken { networks, entries, others, bad, wrong } = &taken;
    hold(bad * BAD_SHARE <= entries + others + bad, || format!("{bad} are wrong of {entries} and {others}"))?;
    hold(wrong.len() as u64 == (*bad).min(TOLD_MAX as u64), || format!("{bad} are wrong, {wrong:?} are told"))?;
    hold(networks.len() as u64 <= *entries, || format!("{} ranges of {entries} entries", networks.len()))?;
    hold(wrong.iter().all(|wrong| !wrong.what.chars().any(char::is_control)), || format!("{wrong:?} is not fit to be shown"))?;
    if format == Format::Netset && !bytes.starts_with(b"\xEF\xBB\xBF") {
        // A list has no order.
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        lines.reverse();
        let turned = read(&lines.join(&b'\n'), &format, now);
        hold(turned.as_ref().is_ok_and(|turned| turned.networks == *networks), || format!("the other way round it is {turned:?}"))?;
    }
    Ok(Outcome::of((std::mem::discriminant(&format), (*entries).min(3), (*others).min(2), (*bad).min(2))))
}

#[test]
fn any_bytes_are_a_list_or_none() {
    let mut run = Run::new(TARGET, TARGET.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(5_000).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= 12, "only {} different outcomes", run.outcomes());
}
