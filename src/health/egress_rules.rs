//! The check of the networks that deliveries may reach: contradictions, and networks that lead to this machine.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::check::{Check, CheckId};
use super::settings::Settings;
use crate::egress::{AddressRules, own_addresses};

pub(super) fn check(settings: &Settings) -> Check {
    check_with(settings, &own_addresses())
}

/// Does the same with these addresses of the machine.
fn check_with(settings: &Settings, own: &[IpAddr]) -> Check {
    let Settings { egress_allow: allow, egress_deny: deny, egress_only: only, listen, .. } =
        settings;
    let (mut found, mut fixes) = (Vec::new(), Vec::new());
    for (allowed, denied) in contradictions(allow, deny) {
        found.push(format!("{allowed} is allowed, but it is blocked, because {denied} is denied."));
        fixes.push(format!(
            "Remove {allowed} from GATEPOST_EGRESS_ALLOW, or deny less with GATEPOST_EGRESS_DENY."
        ));
    }
    let rules = AddressRules::new(allow.clone(), deny.clone()).only(only.clone());
    let reachable = reachable(&rules, allow, own);
    if !reachable.is_empty() {
        let addresses: Vec<String> = reachable.iter().map(ToString::to_string).collect();
        let mut sentence =
            format!("Webhooks can reach services on this machine at {}", addresses.join(", "));
        if listen.ip().is_unspecified() || reachable.contains(&listen.ip()) {
            sentence += ", also Gatepost itself";
        }
        found.push(sentence + ".");
        fixes.push(
            "Unless a target is on this machine, remove these addresses from GATEPOST_EGRESS_ALLOW."
                .to_owned(),
        );
    }
    if found.is_empty() {
        let count = |networks: &[IpNet]| match networks.len() {
            0 => "none".to_owned(),
            count => count.to_string(),
        };
        let found = format!(
            "Addresses of this machine are blocked. Networks that are also allowed: {}. Networks that are also denied: {}. \
             Networks to which connections are limited: {}.",
            count(allow),
            count(deny),
            count(only)
        );
        return Check::ok(CheckId::EgressRules, found);
    }
    Check::warning(CheckId::EgressRules, found.join(" "), fixes.join(" "))
}

/// Returns the allowed networks that a denied one contains, with that one.
fn contradictions<'a>(
    allow: &'a [IpNet],
    deny: &'a [IpNet],
) -> impl Iterator<Item = (&'a IpNet, &'a IpNet)> {
    allow
        .iter()
        .filter_map(|allowed| Some((allowed, deny.iter().find(|denied| denied.contains(allowed))?)))
}

/// Returns the addresses of this machine that are permitted: its own, loopback, and the unspecified ones.
fn reachable(rules: &AddressRules, allow: &[IpNet], own: &[IpAddr]) -> BTreeSet<IpAddr> {
    let always: [IpAddr; 4] = [
        Ipv4Addr::LOCALHOST.into(),
        Ipv6Addr::LOCALHOST.into(),
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::UNSPECIFIED.into(),
    ];
    let first_hosts = allow.iter().filter_map(|network| network.hosts().next());
    let loopback = first_hosts.filter(IpAddr::is_loopback);
    let candidates = own.iter().copied().chain(always).chain(loopback);
    candidates.filter(|address| rules.permit(*address)).collect()
}

#[cfg(test)]
mod tests {
    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    use super::super::check::CheckState;
    use super::*;
    use crate::model::SecurityPolicy;

    fn settings(allow: &[&str], deny: &[&str], listen: &str) -> Settings {
        let network = |text: &&str| {
            text.parse().unwrap_or_else(|_not| IpNet::from(text.parse::<IpAddr>().unwrap()))
        };
        Settings {
            egress_allow: allow.iter().map(network).collect(),
            egress_deny: deny.iter().map(network).collect(),
            egress_only: Vec::new(),
            listen: listen.parse().unwrap(),
            retention_days: 30,
            public_url: None,
            serves_tls: false,
            password_sign_in: true,
            mail: None,
            policy: SecurityPolicy::default(),
            private_data_dir: None,
            certificate: None,
            unusable: Vec::new(),
        }
    }

    fn found(allow: &[&str], deny: &[&str], listen: &str) -> (CheckState, String) {
        let own = ["127.0.0.1", "::1", "192.0.2.7"].map(|one| one.parse().unwrap());
        let check = check_with(&settings(allow, deny, listen), &own);
        assert_eq!(check.fix.is_empty(), check.state == CheckState::Ok, "{check:?}");
        (check.state, check.found)
    }

    #[test]
    fn usual_rules_are_fine() {
        for (allow, deny) in [
            (&[][..], &[][..]),
            (&["10.0.0.0/8"], &["10.1.0.0/16"]),
            (&["169.254.1.1"], &["10.0.0.0/8", "::/0"]),
            // Denied as well, so that nothing on this machine can be reached.
            (&["127.0.0.0/8"], &["127.0.0.0/9", "127.128.0.0/9"]),
        ] {
            let (state, found) = found(allow, deny, "0.0.0.0:8080");
            assert_eq!(state, CheckState::Ok, "{found}");
        }
    }

    #[test]
    fn an_allowed_network_within_a_denied_one_is_reported() {
        let (state, found) =
            found(&["10.1.0.0/16", "10.2.0.0/16", "fd00::/8"], &["10.1.0.0/15"], "0.0.0.0:8080");
        assert_eq!(state, CheckState::Warning);
        let expected = "10.1.0.0/16 is allowed, but it is blocked, because 10.1.0.0/15 is denied.";
        assert_eq!(found, expected);
    }

    #[test]
    fn access_to_this_machine_is_reported() {
        for (allow, listen, addresses) in [
            ("127.0.0.0/8", "10.0.0.5:80", "127.0.0.1."),
            ("127.0.0.0/8", "127.0.0.1:80", "127.0.0.1, also Gatepost itself."),
            ("127.0.0.2", "127.0.0.1:80", "127.0.0.2."),
            ("192.0.2.0/24", "0.0.0.0:80", "192.0.2.7, also Gatepost itself."),
            ("::/0", "0.0.0.0:80", "::, ::1, also Gatepost itself."),
            ("0.0.0.0", "10.0.0.5:80", "0.0.0.0."),
        ] {
            let (state, found) = found(&[allow], &[], listen);
            assert_eq!(state, CheckState::Warning, "{allow}");
            assert_eq!(
                found,
                format!("Webhooks can reach services on this machine at {addresses}")
            );
        }
    }

    proptest! {
        #[test]
        fn a_contradiction_is_an_allowed_network_without_any_permitted_address(
            bits: u32, length in 8_u8..=32, deny_length in 8_u8..=32, host: u32,
        ) {
            let net = |length| Ipv4Net::new(Ipv4Addr::from_bits(bits), length).unwrap().trunc();
            let address = net(length).network().to_bits() | (host & net(length).hostmask().to_bits());
            let (allowed, denied) = (IpNet::from(net(length)), IpNet::from(net(deny_length)));
            let is_reported = contradictions(&[allowed], &[denied]).next().is_some();
            prop_assert_eq!(is_reported, deny_length <= length);
            if is_reported {
                let rules = AddressRules::new(vec![allowed], vec![denied]);
                prop_assert!(!rules.permit(Ipv4Addr::from_bits(address).into()));
            }
        }
    }
}
