//! IPv4 addresses in IPv6 addresses. A translator or a tunnel can lead to them, so they are checked, too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns the IPv4 addresses that an IPv6 address can lead to. There can be several, because some prefixes have various
/// lengths.
pub(super) fn embedded(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else { return Vec::new() };
    let segments = v6.segments();
    let mut found = match segments {
        // IPv4-compatible, mapped and translated addresses: RFC 4291, section 2.5.5; RFC 2765, section 2.1. The
        // translation prefix: RFC 6052, section 2.1.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4: RFC 3056, section 2.
        | [0x2002, high, low, ..] => vec![v4(high, low)],
        // Local translation prefixes of any length: RFC 8215, section 5.
        [0x64, 0xff9b, 1, ..] => translated(v6),
        // Teredo, with the server and the inverted client: RFC 4380, section 4.
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            vec![v4(server_high, server_low), v4(!high, !low)]
        }
        _ => Vec::new(),
    };
    // ISATAP, in any network: RFC 5214, section 6.1.
    if let [_, _, _, _, 0 | 0x200, 0x5efe, high, low] = segments {
        found.push(v4(high, low));
    }
    found.into_iter().map(IpAddr::V4).collect()
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// Returns the addresses after a prefix of 48, 56, 64 and 96 bits (RFC 6052, section 2.2). Octet 8 is not used. Addresses
/// that begin with 0 are those of another length, and no translator sends to them.
fn translated(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let [_, _, _, _, _, _, o6, o7, _, o9, o10, o11, o12, o13, o14, o15] = address.octets();
    let all = [[o6, o7, o9, o10], [o7, o9, o10, o11], [o9, o10, o11, o12], [o12, o13, o14, o15]];
    all.into_iter().filter(|[first, ..]| *first != 0).map(Ipv4Addr::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(address: &str) -> Vec<String> {
        embedded(address.parse().unwrap()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_the_address_in_every_notation() {
        for address in [
            "::192.0.2.33",
            "::ffff:192.0.2.33",
            "::ffff:0:192.0.2.33",
            "64:ff9b::192.0.2.33",
            "2002:c000:221::1",
            "2001:db8::5efe:192.0.2.33",
            "2001:db8::200:5efe:192.0.2.33",
            // The examples of RFC 6052, section 2.4, with a local prefix.
            "64:ff9b:1:c000:2:2100::",
            "64:ff9b:1:1c0:0:221::",
            "64:ff9b:1:100:c0:2:2100::",
            "64:ff9b:1::192.0.2.33",
        ] {
            assert!(
                all(address).contains(&"192.0.2.33".to_owned()),
                "{address}: {:?}",
                all(address)
            );
        }
        assert_eq!(all("2001:0:c000:221:0:0:3fff:fdde"), ["192.0.2.33", "192.0.2.33"]);
        for address in ["192.0.2.33", "2001:db8::1", "fd00::192.0.2.33", "64:ff9b:2::192.0.2.33"] {
            assert_eq!(all(address), [""; 0], "{address}");
        }
    }
}
