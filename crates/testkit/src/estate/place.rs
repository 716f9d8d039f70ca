//! Where calls come from. All addresses are of ranges that belong to nobody: private, shared, for documentation or for benchmarks.

use super::{call::Source, chance::Chance};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A zone of the estate: its name, its network, the environment that lives there.
#[derive(Debug, Clone, Copy)]
pub struct Zone {
    /// Its name.
    pub name: &'static str,
    /// Its network.
    pub network: &'static str,
    /// The environment that lives there.
    pub environment: Option<&'static str>,
}

/// The zones that the gate is told of.
pub const ZONES: &[Zone] = &[
    Zone { name: "cluster", network: "10.16.0.0/12", environment: Some("production") },
    Zone { name: "runners", network: "10.40.0.0/16", environment: Some("staging") },
    Zone { name: "stores", network: "10.80.0.0/16", environment: Some("production") },
    Zone { name: "partners", network: "198.18.0.0/16", environment: None },
    Zone { name: "cloud", network: "203.0.113.0/24", environment: None },
];

/// Where an identity lives, with its number within its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// Containers that come and go with the load; a deploy moves them.
    Cluster(u8),
    /// One address in a store.
    Store(u8),
    /// A few public addresses, which change one day.
    Partner(u8),
    /// Whatever runner a job gets.
    Runners,
    /// Addresses that one provider's customers share.
    Cloud(u8),
    /// The phones and browsers of customers.
    Consumers,
}

/// What makes a place what it is at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// How often it was deployed.
    pub(super) release: u8,
    /// How often its way out was moved.
    pub(super) moves: u8,
    /// How busy it is, in thousandths.
    pub(super) intensity: u64,
    /// Chance that lasts for a bout of calls: the same container, runner, person.
    pub(super) bout: u64,
}

impl Home {
    /// Where a bout of calls comes from.
    pub(super) fn source(self, standing: Standing) -> Source {
        let mut chance = Chance::new(standing.bout, 0);
        let (zone, address) = match self {
            Self::Cluster(number) => {
                // Autoscaling: between three and some twenty containers. A deploy gives them other addresses.
                let pool = 3 + standing.intensity / 60;
                let at = chance.below(pool) + u64::from(standing.release % 8) * 30;
                ("cluster", v4([10, 16 + number / 64, number, octet(1 + at)]))
            }
            Self::Store(number) => ("stores", v4([10, 80, number, 10])),
            Self::Partner(number) => {
                let (zone, second) = if standing.moves.is_multiple_of(2) { (Some("partners"), 18) } else { (None, 19) };
                let address =
                    v4([198, second, number, octet(20 + u64::from(standing.moves) * 8 + chance.below(1 + u64::from(number % 3)))]);
                return Source { address, zone };
            }
            Self::Runners => ("runners", v4([10, 40, octet(chance.below(250)), octet(chance.below(250))])),
            Self::Cloud(number) => ("cloud", v4([203, 0, 113, octet(1 + u64::from(number % 8) * 24 + chance.below(24))])),
            Self::Consumers => return Source { address: consumer(&mut chance, 64), zone: None },
        };
        Source { address, zone: Some(zone) }
    }
}

/// Where attacks come from that do not come from their victim's own place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lair {
    /// Servers that anybody can rent.
    Rented,
    /// Addresses of version 6 by the thousand.
    Fleet,
    /// The machines of people who do not know it: from among customers' networks.
    Unwitting,
}

impl Lair {
    /// The source of this number of an attack.
    pub(super) fn source(self, attack: u64, number: u64) -> Source {
        let mut chance = Chance::new(attack.wrapping_mul(8_191).wrapping_add(number), 1);
        let address = match self {
            Self::Rented => v4([192, 0, 2, octet(1 + (attack * 5 + number) % 250)]),
            Self::Fleet => {
                let word = |value: u64| u16::try_from(value % 65_536).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xf00, word(attack), word(chance.next()), 0, 0, word(number)))
            }
            Self::Unwitting => consumer(&mut chance, 96),
        };
        Source { address, zone: None }
    }
}

/// An address of a customer: of 100.64.0.0/11 those who are honest, of 100.96.0.0/11 those whose machines serve others.
fn consumer(chance: &mut Chance, from: u8) -> IpAddr {
    v4([100, from + octet(chance.below(32)), octet(chance.below(256)), octet(chance.below(256))])
}

fn octet(value: u64) -> u8 {
    u8::try_from(value % 256).unwrap_or(0)
}

const fn v4(octets: [u8; 4]) -> IpAddr {
    let [a, b, c, d] = octets;
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}
