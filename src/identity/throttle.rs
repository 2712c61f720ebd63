//! How often somebody may try.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Tries in a row before somebody has to wait; then one every 12 seconds.
const BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Counts tries by address and by account, so that neither many accounts from one address nor one
/// account from many addresses can be guessed at.
#[derive(Debug, Clone)]
pub struct Throttle {
    by_address: Arc<DefaultKeyedRateLimiter<IpAddr>>,
    by_account: Arc<DefaultKeyedRateLimiter<String>>,
}

impl Default for Throttle {
    fn default() -> Self {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(BURST);
        Self {
            by_address: Arc::new(RateLimiter::keyed(quota)),
            by_account: Arc::new(RateLimiter::keyed(quota)),
        }
    }
}

impl Throttle {
    /// Counts a try.
    ///
    /// # Errors
    /// How long to wait before the next.
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
    fn neither_an_address_nor_an_account_can_be_tried_for_ever() {
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
