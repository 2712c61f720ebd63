//! Rules on the IP addresses that outbound connections may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Networks that the operator allows and denies. Loopback, link-local (the metadata services of clouds), unspecified,
/// multicast and broadcast addresses are blocked unless allowed. All other addresses are permitted unless denied. Deny
/// takes precedence over allow.
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
}

impl AddressRules {
    /// Creates rules from allowed and denied networks.
    pub fn new(allow: Vec<IpNet>, deny: Vec<IpNet>) -> Self {
        Self { allow, deny }
    }

    /// Returns whether an address may be reached.
    pub fn permit(&self, address: IpAddr) -> bool {
        let plain = plain(address);
        let within =
            |nets: &[IpNet]| nets.iter().any(|net| net.contains(&plain) || net.contains(&address));
        !within(&self.deny) && (within(&self.allow) || !is_special(plain))
    }
}

/// Returns the IPv4 address embedded in an IPv6 address: mapped (`::ffff:a.b.c.d`), compatible (`::a.b.c.d`),
/// NAT64 (`64:ff9b::/96`, RFC 6052) and 6to4 (`2002::/16`, RFC 3056).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        // `::1` and `::` embed no IPv4 address.
        [0, 0, 0, 0, 0, 0, 0, _] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        _ => address,
    }
}

fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets().first() == Some(&0)
        }
        IpAddr::V6(v6) => {
            v6 == Ipv6Addr::LOCALHOST
                || v6 == Ipv6Addr::UNSPECIFIED
                || v6.is_multicast()
                || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(allow: &[&str], deny: &[&str]) -> AddressRules {
        let nets = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect();
        AddressRules::new(nets(allow), nets(deny))
    }

    #[test]
    fn blocks_special_addresses_in_every_notation() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(!rules(&[], &[]).permit(address.parse().unwrap()), "{address}");
        }
        for address in
            ["10.0.0.5", "192.168.1.1", "172.16.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"]
        {
            assert!(rules(&[], &[]).permit(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn deny_takes_precedence_over_allow() {
        let rules = rules(&["127.0.0.0/8", "10.0.0.0/8"], &["10.1.0.0/16"]);
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", true),
            ("10.1.0.1", false),
            ("::ffff:10.1.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(rules.permit(address.parse().unwrap()), expected, "{address}");
        }
    }

    proptest! {
        #[test]
        fn treats_mapped_addresses_like_ipv4(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let rules = rules(&["127.0.0.0/9"], &["10.0.0.0/8"]);
            prop_assert_eq!(rules.permit(v4.into()), rules.permit(v4.to_ipv6_mapped().into()));
        }
    }
}
