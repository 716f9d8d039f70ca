use super::page;
use crate::commands::replay::shown::text;
use insta::assert_snapshot;
use std::{
    fmt::Write as _,
    io::{self, Read},
    sync::Arc,
};
use wardgate_governance::traffic::{Files, Format, Mapping, Reading, Report, Settings, Years, replay};

/// A log in the combined format: a caller far above its limit, one that asks for nothing that is there, and one whose name is a page itself.
fn report() -> Report {
    let mut log = String::new();
    let mut line = |second: u32, who: &str, target: &str, times: u32| {
        for _ in 0..times {
            let _ = writeln!(
                log,
                "192.0.2.7 - {who} [01/Mar/2026:10:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 512 \"-\" \"curl/8\"",
                second / 60,
                second % 60
            );
        }
    };
    line(0, "ada", "/things", 3);
    line(1, "ada", "/things/17", 1);
    line(60, "eve", "/things/18", 1_700);
    line(61, "<script>alert(1)</script>", "/things/../etc/passwd", 2);
    log.push_str("nonsense & <b>more</b>\n");
    let bytes = log.into_bytes();
    let open = |_: usize| -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(bytes.clone()))) };
    let reading = Reading { format: Format::Combined, mapping: Arc::new(Mapping::new([]).unwrap()), years: Years::All(2000) };
    replay(&Files { names: vec!["access.log".to_owned()], open: &open }, &Settings { reading, top: 5 }, None).unwrap()
}

#[test]
fn a_report_on_a_terminal() {
    let text = anstream::adapter::strip_str(&text(&report(), super::judged_by(&report()))).to_string();
    assert_snapshot!(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_page_runs_nothing_fetches_nothing_and_shows_names_as_text() {
    let page = page(&report());
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(page.contains("default-src 'none'"));
    for wanted in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(wanted), "{wanted}");
    }
    // Bars for both steps, and what was refused stands on what was allowed.
    assert!(page.contains("<title>2026-03-01T10:01:00Z: 700 block</title>") || page.contains("block</title>"), "{page}");
    assert_eq!(page, super::page(&report()), "the same log gives the same page");
}
