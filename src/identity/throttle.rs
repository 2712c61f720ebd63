//! Limits attempts to sign in and to set up, by growing delays.
//!
//! Attempts are counted for the pair of network and account, so that another network can block no account, and one account
//! blocks no other. A browser that has signed in before has its own counter (OWASP, "device cookies"), so that not even
//! attempts from its own network delay it. A further counter for each network limits attempts at many accounts.
//!
//! Codes of the second factor have their own counters, because every correct password resets those of passwords. A client
//! that guesses codes knows the password, so codes are also counted over all networks.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::device::DeviceId;

/// Maximum number of counters. One takes about 100 bytes.
const MAX_COUNTERS: usize = 20_000;

/// When attempts are delayed.
#[derive(Debug, Clone, Copy)]
struct Policy {
    /// Number of failures without a delay.
    free: u32,
    /// Delay after the last of them. It doubles with each further failure.
    first_delay: Duration,
    max_delay: Duration,
    /// Time without attempts after which failures are forgotten.
    memory: Duration,
}

const ACCOUNT_FROM_NETWORK: Policy = Policy {
    free: 5,
    first_delay: Duration::from_secs(5),
    max_delay: Duration::from_mins(15),
    memory: Duration::from_hours(1),
};
const KNOWN_DEVICE: Policy = Policy { max_delay: Duration::from_secs(30), ..ACCOUNT_FROM_NETWORK };
/// Codes that can be guessed from many networks: about 100 a day, of a million.
const CODES_OF_ACCOUNT: Policy = Policy { free: 10, ..ACCOUNT_FROM_NETWORK };
/// Users who share an address share this limit, so its delays are short.
const NETWORK: Policy = Policy {
    free: 50,
    first_delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(10),
    memory: Duration::from_mins(5),
};

/// What a visitor tries to get access to.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// An account, by its email address in any case.
    Account(&'a str),
    /// The second factor of an account, whose password was correct.
    SecondFactor(&'a str),
    /// The setup of the first administrator.
    SetUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Device(DeviceId),
    CodesOfDevice(DeviceId),
    CodesOfAccount([u8; 16]),
    SubjectFromNetwork([u8; 16], IpAddr),
    Network(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    failures: u32,
    blocked_until: Instant,
    forgotten_at: Instant,
}

/// Counts failed attempts of this instance.
#[derive(Debug, Clone, Default)]
pub struct Throttle(Arc<Mutex<HashMap<Key, Counter>>>);

/// A permitted attempt. It counts as a failure until [`Attempt::succeed`] is called, so that attempts at the same time are
/// counted, too.
#[derive(Debug)]
pub struct Attempt {
    throttle: Throttle,
    keys: Vec<(Key, Policy)>,
}

impl Throttle {
    /// Counts an attempt. `device` is the browser's, if it has signed in to this account before.
    ///
    /// # Errors
    /// How long to wait before the next attempt.
    pub fn start(
        &self,
        from: IpAddr,
        subject: Subject<'_>,
        device: Option<DeviceId>,
        now: Instant,
    ) -> Result<Attempt, Duration> {
        self.start_with(keys(network(from), subject, device), now)
    }

    /// Counts an attempt of a visitor who names no account.
    ///
    /// # Errors
    /// How long to wait before the next attempt.
    pub fn start_from(&self, from: IpAddr, now: Instant) -> Result<Attempt, Duration> {
        self.start_with(vec![(Key::Network(network(from)), NETWORK)], now)
    }

    fn start_with(&self, keys: Vec<(Key, Policy)>, now: Instant) -> Result<Attempt, Duration> {
        let mut counters = self.0.lock();
        let blocked = keys.iter().filter_map(|(key, _)| counters.get(key));
        let wait =
            blocked.map(|counter| counter.blocked_until.saturating_duration_since(now)).max();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        for (key, policy) in &keys {
            make_place(&mut counters, *key, now);
            let counter = counters.entry(*key).or_insert_with(|| policy.counter(0, now));
            *counter = policy.counter(counter.failures.saturating_add(1), now);
        }
        Ok(Attempt { throttle: self.clone(), keys })
    }
}

impl Attempt {
    /// Forgets this attempt and, except for the network's other accounts, the failures before it.
    pub fn succeed(self, now: Instant) {
        let mut counters = self.throttle.0.lock();
        for (key, policy) in self.keys {
            let failures = counters.get(&key).map_or(0, |counter| counter.failures);
            if matches!(key, Key::Network(_)) && failures > 1 {
                counters.insert(key, policy.counter(failures - 1, now));
            } else {
                counters.remove(&key);
            }
        }
    }
}

impl Policy {
    fn counter(self, failures: u32, now: Instant) -> Counter {
        let delay = match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(doublings) => {
                self.first_delay.saturating_mul(2_u32.saturating_pow(doublings)).min(self.max_delay)
            }
        };
        let blocked_until = now + delay;
        Counter { failures, blocked_until, forgotten_at: blocked_until + self.memory }
    }
}

/// Returns the counters of an attempt.
fn keys(network: IpAddr, subject: Subject<'_>, device: Option<DeviceId>) -> Vec<(Key, Policy)> {
    let is_code = matches!(subject, Subject::SecondFactor(_));
    match device {
        // A correct password does not reset this one either, so the delays are not shortened.
        Some(device) if is_code => vec![(Key::CodesOfDevice(device), ACCOUNT_FROM_NETWORK)],
        Some(device) => vec![(Key::Device(device), KNOWN_DEVICE)],
        None => {
            let subject = digest(subject);
            let mut keys = vec![
                (Key::SubjectFromNetwork(subject, network), ACCOUNT_FROM_NETWORK),
                (Key::Network(network), NETWORK),
            ];
            if is_code {
                keys.push((Key::CodesOfAccount(subject), CODES_OF_ACCOUNT));
            }
            keys
        }
    }
}

/// Removes what can be forgotten if there is no place for another counter. The counters with the most failures are
/// kept, so that attempts from many addresses do not erase them.
fn make_place(counters: &mut HashMap<Key, Counter>, key: Key, now: Instant) {
    if counters.get(&key).is_some_and(|counter| counter.forgotten_at <= now) {
        counters.remove(&key);
    }
    if counters.len() < MAX_COUNTERS || counters.contains_key(&key) {
        return;
    }
    // Many at once, so that an attempt rarely has to look at all of them.
    let mut ends: Vec<Instant> = counters.values().map(|counter| counter.forgotten_at).collect();
    let (_, end, _) = ends.select_nth_unstable(MAX_COUNTERS / 4);
    let end = now.max(*end);
    counters.retain(|_, counter| counter.forgotten_at > end);
}

/// The address of an IPv4 client, or the network of an IPv6 client, which has at least a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// A short name of a subject, because an account can be named by any text.
fn digest(subject: Subject<'_>) -> [u8; 16] {
    let mut hash = Sha256::new();
    match subject {
        Subject::Account(email) => hash.update(format!("account {}", email.trim().to_lowercase())),
        Subject::SecondFactor(email) => {
            hash.update(format!("second factor {}", email.trim().to_lowercase()));
        }
        Subject::SetUp => hash.update("setup"),
    }
    hash.finalize().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANN: Subject<'static> = Subject::Account("ann@example.com");

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Makes failed attempts, waiting as long as necessary. Returns the delays.
    fn fail(
        throttle: &Throttle,
        from: IpAddr,
        subject: Subject<'_>,
        device: Option<DeviceId>,
        count: usize,
    ) -> Vec<u64> {
        let mut now = Instant::now();
        let mut attempt = || {
            let start = now;
            while let Err(wait) = throttle.start(from, subject, device, now) {
                now += wait;
            }
            now.duration_since(start).as_secs()
        };
        (0..count).map(|_| attempt()).collect()
    }

    #[test]
    fn the_delay_grows_with_each_failure() {
        let throttle = Throttle::default();
        let delays = fail(&throttle, address("10.0.0.1"), ANN, None, 16);
        assert_eq!(delays, [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
    }

    #[test]
    fn failures_are_forgotten_after_a_success_and_after_an_hour() {
        let (throttle, from, now) = (Throttle::default(), address("10.0.0.1"), Instant::now());
        fail(&throttle, from, ANN, None, 5);
        assert!(throttle.start(from, ANN, None, now).is_err());
        let later = now + Duration::from_secs(6);
        throttle.start(from, ANN, None, later).unwrap().succeed(later);
        for _ in 0..5 {
            throttle.start(from, ANN, None, later).unwrap();
        }
        assert!(throttle.start(from, ANN, None, later).is_err());
        let later = later + Duration::from_mins(61);
        assert!((0..5).all(|_| throttle.start(from, ANN, None, later).is_ok()));
    }

    #[test]
    fn attempts_at_the_same_time_are_counted() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let started: Vec<_> = (0..20)
            .filter_map(|_| throttle.start(address("10.0.0.1"), ANN, None, now).ok())
            .collect();
        assert_eq!(started.len(), 5);
    }

    #[test]
    fn a_known_device_is_delayed_only_by_its_own_failures() {
        let (throttle, from, now) = (Throttle::default(), address("10.0.0.1"), Instant::now());
        let (device, other) = (DeviceId::new([1; 16]), DeviceId::new([2; 16]));
        fail(&throttle, from, ANN, None, 20);
        assert!(throttle.start(from, ANN, Some(device), now).is_ok());
        let delays = fail(&throttle, from, ANN, Some(other), 12);
        assert_eq!(delays, [0, 0, 0, 0, 0, 5, 10, 20, 30, 30, 30, 30]);
        assert!(throttle.start(from, ANN, Some(device), now).is_ok());
    }

    #[test]
    fn a_network_is_limited_over_all_accounts() {
        let (throttle, from, now) = (Throttle::default(), address("10.0.0.1"), Instant::now());
        let attempt = |n: usize, now| {
            let name = format!("{n}@example.com");
            throttle.start(from, Subject::Account(&name), None, now)
        };
        assert!((0..50).all(|n| attempt(n, now).is_ok()));
        assert_eq!(attempt(50, now).unwrap_err(), Duration::from_secs(1));
        // A success does not allow more failures.
        let later = now + Duration::from_secs(1);
        attempt(51, later).unwrap().succeed(later);
        assert!(attempt(52, later).is_err());
    }

    #[test]
    fn a_correct_password_does_not_reset_the_counters_of_codes() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let codes = Subject::SecondFactor("ann@example.com");
        for device in [None, Some(DeviceId::new([1; 16]))] {
            let from = address("10.0.0.1");
            for _ in 0..5 {
                throttle.start(from, ANN, device, now).unwrap().succeed(now);
                throttle.start(from, codes, device, now).unwrap();
            }
            throttle.start(from, ANN, device, now).unwrap().succeed(now);
            assert!(throttle.start(from, codes, device, now).is_err());
        }
    }

    #[test]
    fn codes_are_limited_over_all_networks_except_for_known_devices() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let codes = Subject::SecondFactor("ann@example.com");
        let started = (0..100_u32)
            .filter(|n| throttle.start(IpAddr::from(n.to_be_bytes()), codes, None, now).is_ok());
        assert_eq!(started.count(), 10);
        let device = Some(DeviceId::new([1; 16]));
        assert!(throttle.start(address("10.0.0.1"), codes, device, now).is_ok());
        assert!(throttle.start(address("10.0.0.1"), ANN, None, now).is_ok());
        let other = Subject::SecondFactor("bo@example.com");
        assert!(throttle.start(address("10.0.0.1"), other, None, now).is_ok());
    }

    #[test]
    fn the_number_of_counters_is_limited_and_the_most_failures_are_kept() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..5 {
            throttle.start(address("10.0.0.1"), ANN, None, now).unwrap();
        }
        for n in 0..MAX_COUNTERS {
            let from = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
            throttle.start(from, ANN, None, now).unwrap();
        }
        assert!(throttle.0.lock().len() <= MAX_COUNTERS);
        assert!(throttle.start(address("10.0.0.1"), ANN, None, now).is_err());
    }

    proptest! {
        #[test]
        fn no_number_of_failures_elsewhere_delays_an_attempt(
            others in proptest::collection::vec((any::<[u8; 4]>(), "[a-z]{1,3}|setup"), 0..60),
        ) {
            let (throttle, now) = (Throttle::default(), Instant::now());
            for (from, account) in others {
                let from = IpAddr::from(from);
                prop_assume!(from != address("10.0.0.1"));
                for _ in 0..6 {
                    let _count = throttle.start(from, Subject::Account(&account), None, now);
                    let _count = throttle.start(from, ANN, None, now);
                }
            }
            prop_assert!(throttle.start(address("10.0.0.1"), ANN, None, now).is_ok());
            prop_assert!(throttle.start(address("10.0.0.1"), Subject::SetUp, None, now).is_ok());
        }

        #[test]
        fn the_addresses_of_a_client_are_one_network(bits: u128, host: u64, v4: u32) {
            let first = Ipv6Addr::from_bits(bits);
            let second = Ipv6Addr::from_bits(bits & !u128::from(u64::MAX) | u128::from(host));
            prop_assume!(first.to_ipv4_mapped().is_none() && second.to_ipv4_mapped().is_none());
            prop_assert_eq!(network(first.into()), network(second.into()));
            let v4 = std::net::Ipv4Addr::from_bits(v4);
            prop_assert_eq!(network(v4.to_ipv6_mapped().into()), network(v4.into()));
        }
    }
}
