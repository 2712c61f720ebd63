//! Rules on the IP addresses that outbound connections may reach.

use std::net::IpAddr;

use ipnet::IpNet;

use super::embedded_ipv4::embedded;
use super::own_addresses::OwnAddresses;
use super::special_purpose::{Purpose, purpose};

/// Networks that the operator allows and denies. Addresses that lead to this machine, its link, a metadata service of a
/// cloud or nowhere are blocked unless allowed. All other addresses, also private ones, are permitted unless denied, or
/// unless only other networks are permitted. Deny takes precedence over allow.
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    /// If not empty, the only permitted networks.
    only: Vec<IpNet>,
    own: OwnAddresses,
}

impl AddressRules {
    /// Creates rules from allowed and denied networks.
    pub fn new(allow: Vec<IpNet>, deny: Vec<IpNet>) -> Self {
        Self { allow, deny, only: Vec::new(), own: OwnAddresses::default() }
    }

    /// Permits only addresses of these networks, if there are any.
    #[must_use]
    pub fn only(self, networks: Vec<IpNet>) -> Self {
        Self { only: networks, ..self }
    }

    /// Returns whether an address may be reached. An IPv4 address in an IPv6 address is judged like itself.
    pub fn permit(&self, address: IpAddr) -> bool {
        let embedded = embedded(address);
        let is_denied = |address: &IpAddr| within(&self.deny, *address);
        if is_denied(&address) || embedded.iter().any(is_denied) {
            return false;
        }
        if !self.only.is_empty() && !within(&self.only, address.to_canonical()) {
            return false;
        }
        self.allows(address)
            || (self.is_ordinary(address)
                && embedded.iter().all(|one| self.allows(*one) || self.is_ordinary(*one)))
    }

    fn allows(&self, address: IpAddr) -> bool {
        within(&self.allow, address)
    }

    fn is_ordinary(&self, address: IpAddr) -> bool {
        purpose(address) != Purpose::Local && !self.own.contains(address)
    }
}

fn within(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use proptest::prelude::*;

    const OWN: [&str; 2] = ["10.9.9.9", "2a00:9::9"];

    fn rules(allow: &[&str], deny: &[&str]) -> AddressRules {
        let net = |text: &&str| {
            text.parse().unwrap_or_else(|_not| IpNet::from(text.parse::<IpAddr>().unwrap()))
        };
        let nets = |list: &[&str]| list.iter().map(net).collect();
        let own = OWN.iter().map(|address| address.parse().unwrap()).collect();
        AddressRules {
            allow: nets(allow),
            deny: nets(deny),
            only: Vec::new(),
            own: OwnAddresses::Fixed(own),
        }
    }

    /// Returns the IPv6 addresses that lead to an IPv4 address.
    fn notations(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
        let bits = u128::from(v4.to_bits());
        let prefix = |text: &str| text.parse::<Ipv6Addr>().unwrap().to_bits();
        let [a, b, c, d] = v4.octets().map(u128::from);
        let local = prefix("64:ff9b:1::");
        let all = [
            bits,
            prefix("::ffff:0:0") | bits,
            prefix("::ffff:0:0:0") | bits,
            prefix("64:ff9b::") | bits,
            local | bits,
            local | a << 72 | b << 64 | c << 48 | d << 40,
            local | a << 64 | b << 48 | c << 40 | d << 32,
            local | a << 48 | b << 40 | c << 32 | d << 24,
            prefix("2002::") | bits << 80 | 1,
            prefix("2001::")
                | bits << 64
                | !u128::from(u32::from_be_bytes([8, 8, 8, 8])) & 0xffff_ffff,
            prefix("2001:0:808:808::") | !bits & 0xffff_ffff,
            prefix("2a00::5efe:0:0") | bits,
            prefix("2a00::200:5efe:0:0") | bits,
        ];
        all.map(Ipv6Addr::from_bits).to_vec()
    }

    #[test]
    fn only_listed_networks_can_be_reached() {
        let only = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect();
        let rules =
            rules(&["127.0.0.1"], &["10.1.0.7"]).only(only(&["10.1.0.0/16", "127.0.0.0/8"]));
        let permits = |address: &str| rules.permit(address.parse().unwrap());
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1"] {
            assert!(permits(address), "{address}");
        }
        for address in
            ["10.2.0.1", "8.8.8.8", "2a00::1", "64:ff9b::a01:203", "10.1.0.7", "127.0.0.2"]
        {
            assert!(!permits(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn listing_networks_permits_nothing_more(bits: u128, v4: u32, is_v4: bool, net: u32, length in 0_u8..=32) {
            let address: IpAddr = if is_v4 {
                Ipv4Addr::from_bits(v4).into()
            } else {
                Ipv6Addr::from_bits(bits).into()
            };
            let listed: IpNet = ipnet::Ipv4Net::new(Ipv4Addr::from_bits(net), length).unwrap().into();
            let (all, only) = (rules(&[], &[]), rules(&[], &[]).only(vec![listed]));
            let expected = all.permit(address) && listed.contains(&address.to_canonical());
            prop_assert_eq!(only.permit(address), expected);
        }
    }

    #[test]
    fn blocks_special_addresses_in_every_notation() {
        let blocked = [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fe80::5efe:10.0.0.1",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "2001:db8::1",
            "100::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "::ffff:100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd20:ce::254",
        ];
        for address in blocked.iter().chain(&OWN) {
            assert!(!rules(&[], &[]).permit(address.parse().unwrap()), "{address}");
            assert!(rules(&[address], &[]).permit(address.parse().unwrap()), "{address}");
            assert!(!rules(&[address], &[address]).permit(address.parse().unwrap()), "{address}");
        }
        for address in [
            "10.0.0.5",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "8.8.8.8",
            "192.0.0.9",
            "fd00::1",
            "2a00::1",
            "64:ff9b::8.8.8.8",
            "::ffff:10.0.0.5",
        ] {
            assert!(rules(&[], &[]).permit(address.parse().unwrap()), "{address}");
            assert!(!rules(&[], &[address]).permit(address.parse().unwrap()), "{address}");
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

    /// Any address, with those at the edges of special networks more often.
    fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
        let edges = [
            0x0000_0000_u32,
            0x0a00_0000,
            0x0a09_0909,
            0x6440_0000,
            0x6464_64c8,
            0x7f00_0000,
            0xa9fe_0000,
            0xac10_0000,
            0xc000_0000,
            0xc0a8_0000,
            0xc612_0000,
            0xe000_0000,
            0xf000_0000,
        ];
        let near = (proptest::sample::select(edges.to_vec()), 0_u32..4, any::<bool>());
        let near = near.prop_map(|(edge, offset, is_before)| {
            if is_before { edge.wrapping_sub(offset) } else { edge.wrapping_add(offset) }
        });
        prop_oneof![any::<u32>(), near].prop_map(Ipv4Addr::from_bits)
    }

    proptest! {
        #[test]
        fn no_notation_of_an_address_reaches_more_than_the_address(
            v4 in any_v4(),
            allow in proptest::option::of(0_u8..=32),
            deny in proptest::option::of(0_u8..=32),
        ) {
            let net = |length| format!("{v4}/{length}");
            let allow = allow.map(net);
            let deny = deny.map(net);
            let list = |net: &Option<String>| net.iter().map(|net| net.parse().unwrap()).collect();
            let rules = AddressRules { allow: list(&allow), deny: list(&deny), ..rules(&[], &[]) };
            let permitted = rules.permit(v4.into());
            prop_assert!(!permitted || deny.is_none());
            for v6 in notations(v4) {
                // No translator sends to 0.0.0.0/8.
                if v4.octets()[0] == 0 && v6.segments()[..3] == [0x64, 0xff9b, 1] {
                    continue;
                }
                // Some notations lead to further addresses, which may be blocked.
                prop_assert!(permitted || !rules.permit(v6.into()), "{} as {}", v4, v6);
            }
            for v6 in &notations(v4)[1..4] {
                prop_assert_eq!(rules.permit((*v6).into()), permitted, "{} as {}", v4, v6);
            }
        }

        #[test]
        fn a_denied_network_is_blocked_whatever_is_allowed(bits: u128, length in 0_u8..=128, host: u128) {
            let network = ipnet::Ipv6Net::new(Ipv6Addr::from_bits(bits), length).unwrap().trunc();
            let mask = network.hostmask().to_bits();
            let address = Ipv6Addr::from_bits(network.network().to_bits() | host & mask);
            let deny = vec![network.into()];
            let all = vec!["::/0".parse().unwrap(), "0.0.0.0/0".parse().unwrap()];
            let rules = AddressRules { allow: all, deny, ..rules(&[], &[]) };
            prop_assert!(!rules.permit(address.into()));
        }

        #[test]
        fn ordinary_addresses_are_permitted(bits in 0x2a00_u128 << 112..0x2b00_u128 << 112) {
            let address = Ipv6Addr::from_bits(bits);
            prop_assume!(embedded(address.into()).is_empty());
            prop_assert!(rules(&[], &[]).permit(address.into()));
        }
    }
}
