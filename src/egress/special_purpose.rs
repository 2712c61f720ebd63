//! Addresses that are not ordinary ones: IANA's registries of special-purpose addresses, and cloud metadata services.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

use self::Purpose::{Embedding, Local, Private, Public};

/// What a network is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The machine itself, its link, or nothing that can be reached: not globally reachable, and not private.
    Local,
    /// An organization's own network.
    Private,
    /// Globally reachable.
    Public,
    /// An IPv4 address in an IPv6 address, which decides.
    Embedding,
}

/// IANA's IPv4 and IPv6 special-purpose address registries (RFC 6890), in the state of 2025, when the newest entry was
/// `100:0:0:1::/64` of April 2025, and two networks that other registries define.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
///
/// An entry is `Local` if the registry says that it is not globally reachable, unless it is for private use.
/// `2001::/23` is not globally reachable "unless allowed by a more specific allocation", which follow it.
const REGISTRIES: [(&str, Purpose); 50] = [
    ("0.0.0.0/8", Local),           // "This network"
    ("10.0.0.0/8", Private),        // Private-Use
    ("100.64.0.0/10", Private),     // Shared Address Space
    ("127.0.0.0/8", Local),         // Loopback
    ("169.254.0.0/16", Local),      // Link Local
    ("172.16.0.0/12", Private),     // Private-Use
    ("192.0.0.0/24", Local),        // IETF Protocol Assignments
    ("192.0.0.0/29", Local),        // IPv4 Service Continuity Prefix
    ("192.0.0.8/32", Local),        // IPv4 dummy address
    ("192.0.0.9/32", Public),       // Port Control Protocol Anycast
    ("192.0.0.10/32", Public),      // Traversal Using Relays around NAT Anycast
    ("192.0.0.170/32", Local),      // NAT64/DNS64 Discovery
    ("192.0.0.171/32", Local),      // NAT64/DNS64 Discovery
    ("192.0.2.0/24", Local),        // Documentation (TEST-NET-1)
    ("192.31.196.0/24", Public),    // AS112-v4
    ("192.52.193.0/24", Public),    // AMT
    ("192.88.99.0/24", Local),      // Deprecated (6to4 Relay Anycast)
    ("192.168.0.0/16", Private),    // Private-Use
    ("192.175.48.0/24", Public),    // Direct Delegation AS112 Service
    ("198.18.0.0/15", Local),       // Benchmarking
    ("198.51.100.0/24", Local),     // Documentation (TEST-NET-2)
    ("203.0.113.0/24", Local),      // Documentation (TEST-NET-3)
    ("224.0.0.0/4", Local),         // Multicast: RFC 5771
    ("240.0.0.0/4", Local),         // Reserved
    ("255.255.255.255/32", Local),  // Limited Broadcast
    ("::/96", Embedding),           // IPv4-compatible, deprecated: RFC 4291, section 2.5.5.1
    ("::1/128", Local),             // Loopback Address
    ("::/128", Local),              // Unspecified Address
    ("::ffff:0:0/96", Embedding),   // IPv4-mapped Address
    ("::ffff:0:0:0/96", Embedding), // IPv4-translated: RFC 2765, section 2.1
    ("64:ff9b::/96", Embedding),    // IPv4-IPv6 Translat.
    ("64:ff9b:1::/48", Embedding),  // IPv4-IPv6 Translat.
    ("100::/64", Local),            // Discard-Only Address Block
    ("100:0:0:1::/64", Local),      // Dummy IPv6 Prefix
    ("2001::/23", Local),           // IETF Protocol Assignments
    ("2001::/32", Embedding),       // TEREDO
    ("2001:1::1/128", Public),      // Port Control Protocol Anycast
    ("2001:1::2/128", Public),      // Traversal Using Relays around NAT Anycast
    ("2001:1::3/128", Public),      // DNS-SD Service Registration Protocol Anycast
    ("2001:3::/32", Public),        // AMT
    ("2001:4:112::/48", Public),    // AS112-v6
    ("2001:20::/28", Public),       // ORCHIDv2
    ("2001:30::/28", Public),       // Drone Remote ID Protocol Entity Tags (DETs) Prefix
    ("2001:db8::/32", Local),       // Documentation
    ("2002::/16", Embedding),       // 6to4
    ("3fff::/20", Local),           // Documentation
    ("5f00::/16", Local),           // Segment Routing (SRv6) SIDs
    ("fc00::/7", Private),          // Unique-Local
    ("fe80::/10", Local),           // Link-Local Unicast
    ("ff00::/8", Local),            // Multicast: RFC 4291, section 2.7
];

/// Metadata services of clouds that have other than link-local addresses. They give credentials to the machine.
const METADATA_SERVICES: [(&str, Purpose); 6] = [
    ("100.100.100.200/32", Local), // Alibaba Cloud
    ("168.63.129.16/32", Local),   // Azure
    ("192.0.0.192/32", Local),     // Oracle Cloud
    ("fd00:ec2::/32", Local), // AWS: metadata at fd00:ec2::254, credentials of EKS pods at fd00:ec2::23
    ("fd20:ce::254/128", Local), // Google Cloud
    ("fd00:42::42/128", Local), // Scaleway
];

static NETWORKS: LazyLock<Vec<(IpNet, Purpose)>> = LazyLock::new(|| {
    let entries = REGISTRIES.iter().chain(&METADATA_SERVICES);
    let networks = entries.filter_map(|(text, purpose)| Some((text.parse().ok()?, *purpose)));
    networks.collect()
});

/// Returns what an address is for, by the most specific network.
pub(super) fn purpose(address: IpAddr) -> Purpose {
    let found = NETWORKS.iter().filter(|(network, _)| network.contains(&address));
    found.max_by_key(|(network, _)| network.prefix_len()).map_or(Public, |(_, purpose)| *purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_a_network_and_occurs_once() {
        assert_eq!(NETWORKS.len(), REGISTRIES.len() + METADATA_SERVICES.len());
        for (index, (network, _)) in NETWORKS.iter().enumerate() {
            assert_eq!(network.trunc(), *network, "has bits after its prefix");
            assert!(
                NETWORKS.iter().skip(index + 1).all(|(other, _)| other != network),
                "{network}"
            );
        }
    }

    #[test]
    fn the_most_specific_network_decides() {
        for (address, expected) in [
            ("192.0.0.1", Local),
            ("192.0.0.9", Public),
            ("192.0.0.192", Local),
            ("100.100.100.199", Private),
            ("100.100.100.200", Local),
            ("2001:1::1", Public),
            ("2001:1::4", Local),
            ("2001::1", Embedding),
            ("fd00:ec2::254", Local),
            ("fd00:ec3::254", Private),
            ("8.8.8.8", Public),
            ("2a00::1", Public),
            ("::1", Local),
        ] {
            assert_eq!(purpose(address.parse().unwrap()), expected, "{address}");
        }
    }
}
