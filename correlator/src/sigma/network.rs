//! Networks in CIDR notation, of both families.

use std::net::IpAddr;

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    pub(crate) fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse().ok()?, Some(prefix.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let widest = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
        let prefix = prefix.unwrap_or(widest);
        (prefix <= widest).then_some(Network { address, prefix })
    }

    /// Whether the address, or the IPv4 address that it stands for (`::ffff:192.0.2.1`), is of the network.
    pub(crate) fn contains(self, ip: IpAddr) -> bool {
        self.holds(ip) || self.holds(ip.to_canonical())
    }

    /// Whether it holds every address of its family.
    pub(crate) fn is_everything(self) -> bool {
        self.prefix == 0
    }

    fn holds(self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                u32::from(net) & mask == u32::from(ip) & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                u128::from(net) & mask == u128::from(ip) & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::{Folds, Pattern};
    use super::*;
    use event::Value;

    #[test]
    fn networks_of_both_families_hold_their_addresses_only() {
        for (network, ip, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "192.0.2.1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.7", true),
            ("::ffff:0:0/96", "::ffff:192.0.2.7", true),
            ("192.0.2.7", "192.0.2.7", true),
        ] {
            let pattern = Pattern::Network(Network::parse(network).unwrap());
            assert_eq!(pattern.holds(Value::Text(ip), &mut Folds::default()), expected, "{network} {ip}");
            assert_eq!(
                pattern.holds(Value::Ip(ip.parse().unwrap()), &mut Folds::default()),
                expected,
                "{network} {ip}"
            );
        }
        assert_eq!(Network::parse("192.0.2.0/33"), None);
        assert_eq!(Network::parse("x/8"), None);
    }
}
