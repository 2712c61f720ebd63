//! The addresses of this machine. Connecting to one of them reaches the machine itself, like loopback.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use parking_lot::Mutex;

/// Time after which the addresses are read again, because interfaces come and go.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// The addresses of this machine's interfaces.
#[derive(Debug, Clone)]
pub(super) enum OwnAddresses {
    /// As the system reports them.
    System(Arc<Mutex<Option<Reading>>>),
    #[cfg(test)]
    Fixed(Vec<IpAddr>),
}

#[derive(Debug)]
pub(super) struct Reading {
    addresses: Vec<IpAddr>,
    at: Instant,
}

impl Default for OwnAddresses {
    fn default() -> Self {
        Self::System(Arc::default())
    }
}

impl OwnAddresses {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::System(last) => {
                let mut last = last.lock();
                let now = Instant::now();
                let is_current =
                    |reading: &&mut Reading| now.duration_since(reading.at) < REFRESH_INTERVAL;
                if let Some(reading) = last.as_mut().filter(is_current) {
                    return reading.addresses.contains(&address);
                }
                let reading = last.insert(Reading { addresses: own_addresses(), at: now });
                reading.addresses.contains(&address)
            }
            #[cfg(test)]
            Self::Fixed(addresses) => addresses.contains(&address),
        }
    }
}

/// Returns the addresses of this machine's interfaces. Logs a warning if they cannot be read.
pub fn own_addresses() -> Vec<IpAddr> {
    let interfaces = match getifaddrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            tracing::warn!(%error, "could not read the addresses of this machine");
            return Vec::new();
        }
    };
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    });
    addresses.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_reports_at_least_loopback() {
        let own = OwnAddresses::default();
        assert!(own.contains("127.0.0.1".parse().unwrap()));
        assert!(!own.contains("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn the_address_that_other_machines_see_is_one_of_them() {
        // Selects a route without sending anything.
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        if socket.connect("192.0.2.1:9").is_ok() {
            let address = socket.local_addr().unwrap().ip();
            assert!(OwnAddresses::default().contains(address), "{address}");
        }
    }
}
