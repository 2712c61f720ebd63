//! What follows the host of a URL cannot change the host, and loopback and link-local addresses are never permitted.
#![no_main]

use std::net::IpAddr;

use gatepost::egress::AddressRules;
use gatepost::model::webhook::{Draft, Rules, Webhook, server_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, [u8; 16])| {
    let (text, address) = input;
    let url = format!("https://10.0.0.5/{text}");
    let draft = Draft {
        name: "Fuzz".to_owned(),
        url: url.clone(),
        triggers: vec!["Granted".to_owned()],
        ..Draft::default()
    };
    if let Ok(webhook) = Webhook::new(draft, &Rules::default()) {
        let server = server_of(&webhook.draft().url).expect("an accepted URL has a server");
        assert_eq!(server.host_str(), Some("10.0.0.5"), "{url}");
    }
    let _other = server_of(text);
    let address = IpAddr::from(address).to_canonical();
    let is_local = match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local(),
    };
    let is_permitted = AddressRules::new(Vec::new(), Vec::new()).permit(address);
    assert!(!(is_local || address.is_multicast()) || !is_permitted, "{address}");
});
