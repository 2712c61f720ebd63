//! Cookies by which a browser that has signed in before is recognized (OWASP, "device cookies"). One grants no access: its
//! browser only has its own counter of failed attempts.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::Sources;

const ID_BYTES: usize = 16;
const MAC_BYTES: usize = 32;

/// Identifies a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceId([u8; ID_BYTES]);

impl DeviceId {
    /// Creates an id.
    pub(super) fn new(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }
}

/// Signs device cookies. Instances that share a database must have the same key.
#[derive(Clone)]
pub struct DeviceKey([u8; 64]);

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey([redacted])")
    }
}

impl DeviceKey {
    /// Creates a key from secret bytes.
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Returns the cookie of a new device that has signed in to this account.
    pub fn issue(&self, email: &str, sources: &Sources) -> String {
        let id = DeviceId::new(sources.bytes());
        hex::encode(id.0) + &hex::encode(self.mac(id, email).finalize().into_bytes())
    }

    /// Returns the device of a cookie, if it was issued for this account.
    pub fn recognize(&self, cookie: &str, email: &str) -> Option<DeviceId> {
        let mut bytes = [0; ID_BYTES + MAC_BYTES];
        hex::decode_to_slice(cookie, &mut bytes).ok()?;
        let (id, mac) = bytes.split_first_chunk::<ID_BYTES>()?;
        let id = DeviceId::new(*id);
        self.mac(id, email).verify_slice(mac).is_ok().then_some(id)
    }

    fn mac(&self, id: DeviceId, email: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new((&self.0).into());
        mac.update(&id.0);
        mac.update(email.trim().to_lowercase().as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{Clock, Entropy, Timestamp};

    #[derive(Debug)]
    struct Fixed(u8);

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn sources(seed: u8) -> Sources {
        Sources::new(Arc::new(Fixed(0)), Arc::new(Fixed(seed)))
    }

    proptest! {
        #[test]
        fn a_cookie_is_recognized_only_unchanged_and_for_its_account(at in 0_usize..96, seed: u8) {
            let key = DeviceKey::new([1; 64]);
            let cookie = key.issue("Ann@example.com", &sources(seed));
            let device = key.recognize(&cookie, " ann@EXAMPLE.com");
            prop_assert_eq!(device, Some(DeviceId([seed; ID_BYTES])));
            prop_assert_eq!(key.recognize(&cookie, "bo@example.com"), None);
            prop_assert_eq!(DeviceKey::new([2; 64]).recognize(&cookie, "ann@example.com"), None);
            let mut changed = cookie.into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(key.recognize(&changed, "ann@example.com"), None);
        }

        #[test]
        fn other_text_is_not_recognized(text in ".{0,120}|[0-9a-f]{96}") {
            prop_assert_eq!(DeviceKey::new([1; 64]).recognize(&text, "ann@example.com"), None);
        }
    }
}
