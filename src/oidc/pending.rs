//! A sign-in in progress, in an encrypted cookie of the browser that has started it. Nothing is stored for visitors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::error::{OidcError, Rejection};
use crate::model::Timestamp;
use crate::vault::Vault;

/// How long a sign-in may take.
pub const PENDING_VALIDITY: TimeDelta = TimeDelta::minutes(10);
/// What the encrypted value is for.
const PLACE: &str = "cookie/sign-in";

/// What a sign-in is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Starting a session.
    SignIn,
    /// Starting a session, with another account than the one that is signed in at the provider.
    OtherAccount,
    /// Confirming that the user of a session is still the same.
    Confirm,
}

/// A sign-in in progress.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) state: String,
    pub(super) nonce: String,
    /// The PKCE code verifier (RFC 7636).
    pub(super) verifier: String,
    pub(super) purpose: Purpose,
    /// Where to go afterwards.
    pub(super) next: String,
    pub(super) started_at: Timestamp,
}

impl Pending {
    /// Returns the value of the cookie.
    pub(super) fn seal(&self, vault: &Vault) -> Result<String, OidcError> {
        let internal = |error: &dyn std::error::Error| OidcError::Internal(error.to_string());
        let text = serde_json::to_vec(self).map_err(|error| internal(&error))?;
        let sealed = vault.seal(PLACE, &text).map_err(|error| internal(&error))?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Reads the cookie, and checks that it is the one of this response.
    pub(super) fn open(
        cookie: Option<&str>,
        state: &str,
        vault: &Vault,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let sealed = cookie.and_then(|cookie| URL_SAFE_NO_PAD.decode(cookie).ok());
        let text = sealed.and_then(|sealed| vault.open(PLACE, &sealed).ok());
        let pending = text.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        let pending = pending.ok_or(Rejection::NoCookie)?;
        if !bool::from(pending.state.as_bytes().ct_eq(state.as_bytes())) {
            return Err(Rejection::WrongState);
        }
        if now - pending.started_at > PENDING_VALIDITY {
            return Err(Rejection::Expired);
        }
        Ok(pending)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{Clock, Entropy, Sources};

    #[derive(Debug)]
    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn vault(key: u8) -> Vault {
        Vault::new(&[key; 32], Sources::new(Arc::new(Fixed), Arc::new(Fixed)))
    }

    fn pending() -> Pending {
        Pending {
            state: "the state".to_owned(),
            nonce: "the nonce".to_owned(),
            verifier: "the verifier".to_owned(),
            purpose: Purpose::SignIn,
            next: "/events".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn open(cookie: Option<&str>, state: &str, minutes: i64) -> Result<Pending, Rejection> {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::minutes(minutes);
        Pending::open(cookie, state, &vault(1), now)
    }

    #[test]
    fn a_cookie_is_accepted_only_with_its_state_and_in_time() {
        let cookie = pending().seal(&vault(1)).unwrap();
        assert!(!cookie.contains("verifier"));
        let cookie = Some(cookie.as_str());
        assert_eq!(open(cookie, "the state", 10).unwrap().next, "/events");
        assert_eq!(open(cookie, "the state", 11).unwrap_err(), Rejection::Expired);
        assert_eq!(open(cookie, "another", 0).unwrap_err(), Rejection::WrongState);
        assert_eq!(open(cookie, "", 0).unwrap_err(), Rejection::WrongState);
        assert_eq!(open(None, "the state", 0).unwrap_err(), Rejection::NoCookie);
        let foreign = pending().seal(&vault(2)).unwrap();
        assert_eq!(open(Some(&foreign), "the state", 0).unwrap_err(), Rejection::NoCookie);
    }

    proptest! {
        #[test]
        fn a_changed_cookie_is_rejected(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let cookie = pending().seal(&vault(1)).unwrap();
            // The last character has bits that are not part of a byte.
            let at = at.index(cookie.len() - 1);
            let mut changed = cookie.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != cookie);
            prop_assert_eq!(open(Some(&changed), "the state", 0).unwrap_err(), Rejection::NoCookie);
        }

        #[test]
        fn other_text_is_rejected(text in ".{0,100}") {
            prop_assert_eq!(open(Some(&text), "the state", 0).unwrap_err(), Rejection::NoCookie);
        }
    }
}
