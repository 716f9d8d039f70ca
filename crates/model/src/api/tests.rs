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
fn authorities_leave_out_default_ports_and_bracket_addresses() {
    let url = |tls, host: &str, port| UpstreamUrl { tls, host: host.into(), port }.to_string();
    assert_eq!(url(false, "a.example", 80), "http://a.example");
    assert_eq!(url(true, "a.example", 8443), "https://a.example:8443");
    assert_eq!(url(false, "::1", 9000), "http://[::1]:9000");
}
