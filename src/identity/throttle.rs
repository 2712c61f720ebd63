//! Limits attempts to sign in and to set up.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Maximum number of attempts in a row.
const MAX_BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Attempts per minute after that.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Counts attempts by address and by account. This stops guesses for many accounts from one address, and for one
/// account from many addresses.
#[derive(Debug, Clone)]
pub struct Throttle {
    by_address: Arc<DefaultKeyedRateLimiter<IpAddr>>,
    by_account: Arc<DefaultKeyedRateLimiter<String>>,
}

impl Default for Throttle {
    fn default() -> Self {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(MAX_BURST);
        Self {
            by_address: Arc::new(RateLimiter::keyed(quota)),
            by_account: Arc::new(RateLimiter::keyed(quota)),
        }
    }
}

impl Throttle {
    /// Counts an attempt.
    ///
    /// # Errors
    /// How long to wait before the next attempt.
    pub fn try_now(&self, from: IpAddr, account: &str) -> Result<(), Duration> {
        let now = DefaultClock::default().now();
        self.by_address.retain_recent();
        self.by_account.retain_recent();
        self.by_address.check_key(&from).map_err(|not_until| not_until.wait_time_from(now))?;
        let account = account.trim().to_lowercase();
        self.by_account.check_key(&account).map_err(|not_until| not_until.wait_time_from(now))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_attempts_by_address_and_by_account() {
        let throttle = Throttle::default();
        let address = |last| IpAddr::from([10, 0, 0, last]);
        for n in 0..10 {
            assert!(throttle.try_now(address(1), &format!("{n}@example.com")).is_ok());
        }
        assert!(throttle.try_now(address(1), "other@example.com").is_err());
        for n in 0..10 {
            assert!(throttle.try_now(address(100 + n), "Ann@example.com").is_ok());
        }
        assert!(throttle.try_now(address(200), "ann@EXAMPLE.com").is_err());
    }
}
