use super::{PathTemplate, Segment, TemplateError, UpstreamUrl};

#[test]
fn templates_are_read_segment_by_segment() {
    let template = PathTemplate::parse("/orders/{id}/report.{format}").unwrap();
    assert_eq!(
        template.segments(),
        [
            Segment::Literal("orders".into()),
            Segment::Parameter("id".into()),
            Segment::Mixed { prefix: "report.".into(), name: "format".into(), suffix: "".into() },
        ]
    );
    assert!(PathTemplate::parse("/").unwrap().segments().is_empty());
    assert_eq!(PathTemplate::parse("orders"), Err(TemplateError::NoSlash));
    for bad in ["/{", "/}", "/{}", "/{a}{b}", "/a}b{c}", "/{{a}}"] {
        assert!(matches!(PathTemplate::parse(bad), Err(TemplateError::Braces(_))), "{bad}");
    }
    assert_eq!(PathTemplate::parse("/{a}/{a}"), Err(TemplateError::Twice("a".into())));
}

#[test]
fn several_parameters_share_a_segment() {
    let template = PathTemplate::parse("/compare/v{base}...{head}.diff").unwrap();
    let segment = template.segments().last().unwrap();
    assert_eq!(segment.parameters().collect::<Vec<_>>(), ["base", "head"]);
    for (part, expected) in [
        ("v1...2.diff", "1 2"),
        ("v1...2...3.diff", "1 2...3"),
        ("v.......x.diff", ". ...x"),
        ("v1...2", "no"),
        ("v...2.diff", "no"),
        ("v1....diff", "no"),
        ("1...2.diff", "no"),
        ("vé...ü.diff", "é ü"),
        ("", "no"),
    ] {
        let value = |name| segment.value(name, part);
        let told = value("base").zip(value("head")).map_or("no".to_owned(), |(base, head)| format!("{base} {head}"));
        assert_eq!((told.as_str(), segment.fits(part)), (expected, expected != "no"), "{part}");
    }
    assert_eq!(PathTemplate::parse("/{a}.{a}"), Err(TemplateError::Twice("a".into())));
}

#[test]
fn authorities_leave_out_default_ports_and_bracket_addresses() {
    let url = |tls, host: &str, port| UpstreamUrl { tls, host: host.into(), port }.to_string();
    assert_eq!(url(false, "a.example", 80), "http://a.example");
    assert_eq!(url(true, "a.example", 8443), "https://a.example:8443");
    assert_eq!(url(false, "::1", 9000), "http://[::1]:9000");
}
