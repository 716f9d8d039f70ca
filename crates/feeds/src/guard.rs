//! The guard of outbound fetches (SSRF, RFC 8725 §3.10): which addresses may be reached.
//!
//! It judges addresses and never names: whoever asks resolves first, has every address judged, and connects to the very
//! address that was judged. An address that carries another one inside (mapped, NAT64, 6to4, ISATAP) is judged as that one too.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use wardgate_model::trust::Reach;

/// Why an address is not reached from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// This machine.
    Loopback,
    /// The link, and nobody beyond it.
    LinkLocal,
    /// A network of somebody's own.
    Private,
    /// Where a cloud tells its machines their secrets.
    Metadata,
    /// Nobody in particular.
    Unspecified,
    /// More than one.
    Multicast,
    /// Set apart by IANA for no host of the public network.
    Reserved,
}

impl Forbidden {
    /// Whether a trust source may ask for it by naming its network.
    #[must_use]
    pub const fn can_be_named(self) -> bool {
        match self {
            Self::Loopback | Self::LinkLocal | Self::Private | Self::Reserved => true,
            Self::Metadata | Self::Unspecified | Self::Multicast => false,
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "this machine itself",
            Self::LinkLocal => "a link-local address",
            Self::Private => "an address of a private network",
            Self::Metadata => "where a cloud gives secrets to its machines",
            Self::Unspecified => "no address of a host",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// The first row that holds an address says what it is (IANA special-purpose registry, RFC 6890, and what clouds do).
const V4: &[(Ipv4Net, Forbidden)] = &[
    (v4(169, 254, 169, 254, 32), Forbidden::Metadata),
    (v4(169, 254, 170, 2, 32), Forbidden::Metadata),
    (v4(169, 254, 170, 23, 32), Forbidden::Metadata),
    (v4(100, 100, 100, 200, 32), Forbidden::Metadata),
    (v4(168, 63, 129, 16, 32), Forbidden::Metadata),
    (v4(192, 0, 0, 192, 32), Forbidden::Metadata),
    (v4(0, 0, 0, 0, 8), Forbidden::Unspecified),
    (v4(127, 0, 0, 0, 8), Forbidden::Loopback),
    (v4(169, 254, 0, 0, 16), Forbidden::LinkLocal),
    (v4(10, 0, 0, 0, 8), Forbidden::Private),
    (v4(172, 16, 0, 0, 12), Forbidden::Private),
    (v4(192, 168, 0, 0, 16), Forbidden::Private),
    (v4(100, 64, 0, 0, 10), Forbidden::Private),
    (v4(224, 0, 0, 0, 4), Forbidden::Multicast),
    (v4(255, 255, 255, 255, 32), Forbidden::Multicast),
    (v4(192, 0, 0, 0, 24), Forbidden::Reserved),
    (v4(192, 0, 2, 0, 24), Forbidden::Reserved),
    (v4(192, 88, 99, 0, 24), Forbidden::Reserved),
    (v4(198, 18, 0, 0, 15), Forbidden::Reserved),
    (v4(198, 51, 100, 0, 24), Forbidden::Reserved),
    (v4(203, 0, 113, 0, 24), Forbidden::Reserved),
    (v4(240, 0, 0, 0, 4), Forbidden::Reserved),
];

/// The same for IPv6; what no row holds is public only within [`GLOBAL`].
const V6: &[(Ipv6Net, Forbidden)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), Forbidden::Metadata),
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128), Forbidden::Metadata),
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), Forbidden::Unspecified),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Forbidden::Loopback),
    (v6(0xfe80, 0, 0, 10), Forbidden::LinkLocal),
    (v6(0xfc00, 0, 0, 7), Forbidden::Private),
    (v6(0xfec0, 0, 0, 10), Forbidden::Private),
    (v6(0xff00, 0, 0, 8), Forbidden::Multicast),
    // IETF protocols, Teredo among them (RFC 2928, RFC 4380), and documentation (RFC 3849, RFC 9637).
    (v6(0x2001, 0, 0, 23), Forbidden::Reserved),
    (v6(0x2001, 0xdb8, 0, 32), Forbidden::Reserved),
    (v6(0x3fff, 0, 0, 20), Forbidden::Reserved),
];

/// What of IPv6 is given to hosts of the public network.
const GLOBAL: Ipv6Net = v6(0x2000, 0, 0, 3);
/// NAT64's well-known prefix (RFC 6052 §2.1): the last 32 bits are an IPv4 address.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);
/// 6to4 (RFC 3056 §2): the 32 bits after the first 16 are an IPv4 address.
const SIX_TO_FOUR: Ipv6Net = v6(0x2002, 0, 0, 16);
/// IPv4-compatible addresses (RFC 4291 §2.5.5.1): the last 32 bits are an IPv4 address.
const COMPATIBLE: Ipv6Net = v6(0, 0, 0, 96);

/// What an address is that may not be reached unless its network is named; `None`: a public host.
#[must_use]
pub fn forbidden(address: IpAddr) -> Option<Forbidden> {
    match address.to_canonical() {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => forbidden_v6(address),
    }
}

/// Judges an address that a fetch is about to connect to.
///
/// # Errors
/// Why it is not reached.
pub fn admit(address: IpAddr, reach: &Reach) -> Result<(), Forbidden> {
    let address = address.to_canonical();
    match forbidden(address) {
        None => Ok(()),
        Some(why) if why.can_be_named() && reach.networks.iter().any(|network| holds(network, address)) => Ok(()),
        Some(why) => Err(why),
    }
}

fn holds(network: &IpNet, address: IpAddr) -> bool {
    match network {
        // A network written in its mapped form means what it maps.
        IpNet::V6(mapped) if mapped.prefix_len() >= 96 && mapped.network().to_ipv4_mapped().is_some() => {
            let plain =
                mapped.network().to_ipv4_mapped().and_then(|start| Ipv4Net::new(start, mapped.prefix_len().saturating_sub(96)).ok());
            plain.is_some_and(|plain| IpNet::V4(plain).contains(&address))
        }
        IpNet::V4(_) | IpNet::V6(_) => network.contains(&address),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<Forbidden> {
    V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what)
}

fn forbidden_v6(address: Ipv6Addr) -> Option<Forbidden> {
    if let Some((_, what)) = V6.iter().find(|(network, _)| network.contains(&address)) {
        return Some(*what);
    }
    let [.., a, b, c, d] = address.octets();
    let last = Ipv4Addr::new(a, b, c, d);
    if NAT64.contains(&address) || COMPATIBLE.contains(&address) {
        // Nobody answers at a compatible address any more: the address inside says only how bad it is.
        return forbidden_v4(last).or_else(|| COMPATIBLE.contains(&address).then_some(Forbidden::Reserved));
    }
    if SIX_TO_FOUR.contains(&address) {
        let [_, _, a, b, c, d, ..] = address.octets();
        return forbidden_v4(Ipv4Addr::new(a, b, c, d));
    }
    if !GLOBAL.contains(&address) {
        return Some(Forbidden::Reserved);
    }
    // ISATAP (RFC 5214 §6.1) under any prefix.
    match address.segments() {
        [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => forbidden_v4(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
