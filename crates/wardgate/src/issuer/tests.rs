use super::port;

#[test]
fn a_port_is_what_follows_the_host() {
    for (authority, expected) in [("gate.example", ""), ("gate.example:8443", ":8443"), ("[::1]", ""), ("[::1]:8443", ":8443")] {
        assert_eq!(port(authority), expected, "{authority}");
    }
}
