//! Sign-ins in progress, in a cookie of the browser that has started them, encrypted. Nothing is stored for visitors.

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
/// Separates the sign-ins in a cookie. Base64 does not contain it.
const SEPARATOR: char = '.';
/// Maximum length of the cookie's value, in bytes. Browsers accept 4,096 bytes with the name (RFC 6265bis, section 5.7).
const MAX_COOKIE_BYTES: usize = 4000;
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

    /// Reads the cookie, and finds the sign-in of this response in it. Several tabs can be signing in.
    pub(super) fn open(
        cookie: Option<&str>,
        state: &str,
        vault: &Vault,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let all = cookie.unwrap_or_default().split(SEPARATOR);
        let mut readable = all.filter_map(|sealed| Self::unseal(sealed, vault)).peekable();
        if readable.peek().is_none() {
            return Err(Rejection::NoCookie);
        }
        let pending = readable.find(|pending| pending.is_of(state)).ok_or(Rejection::WrongState)?;
        if now - pending.started_at > PENDING_VALIDITY {
            return Err(Rejection::Expired);
        }
        Ok(pending)
    }

    fn unseal(sealed: &str, vault: &Vault) -> Option<Self> {
        let text = vault.open(PLACE, &URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn is_of(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

/// Adds a sign-in to the cookie of a browser, before those that other tabs have started. The oldest ones are dropped if it
/// becomes too long.
pub(super) fn add(sealed: &str, cookie: Option<&str>) -> String {
    let mut all = sealed.to_owned();
    for other in cookie.unwrap_or_default().split(SEPARATOR).filter(|other| !other.is_empty()) {
        if all.len() + 1 + other.len() > MAX_COOKIE_BYTES {
            break;
        }
        all.push(SEPARATOR);
        all.push_str(other);
    }
    all
}

/// Removes the sign-in with this state from a cookie. Empty if there is no other.
pub(super) fn remove(cookie: &str, state: &str, vault: &Vault) -> String {
    let others = cookie.split(SEPARATOR).filter(|sealed| {
        Pending::unseal(sealed, vault).is_some_and(|pending| !pending.is_of(state))
    });
    others.collect::<Vec<_>>().join(&SEPARATOR.to_string())
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

    #[test]
    fn a_browser_can_have_several_sign_ins() {
        let of = |state: &str, next: &str| {
            let (state, next) = (state.to_owned(), next.to_owned());
            Pending { state, next, ..pending() }.seal(&vault(1)).unwrap()
        };
        let cookie = add(&of("second", "/b"), Some(&of("first", "/a")));
        assert_eq!(open(Some(&cookie), "first", 0).unwrap().next, "/a");
        assert_eq!(open(Some(&cookie), "second", 0).unwrap().next, "/b");
        assert_eq!(open(Some(&cookie), "third", 0).unwrap_err(), Rejection::WrongState);
        let rest = remove(&cookie, "second", &vault(1));
        assert_eq!(open(Some(&rest), "second", 0).unwrap_err(), Rejection::WrongState);
        assert_eq!(open(Some(&rest), "first", 0).unwrap().next, "/a");
        assert_eq!(remove(&rest, "first", &vault(1)), "");
    }

    #[test]
    fn the_cookie_keeps_the_newest_sign_ins_that_fit() {
        let mut cookie = None;
        for number in 0..20 {
            let (state, next) = (number.to_string(), "/x".repeat(400));
            let sealed = Pending { state, next, ..pending() }.seal(&vault(1)).unwrap();
            cookie = Some(add(&sealed, cookie.as_deref()));
            assert!(cookie.as_ref().unwrap().len() <= MAX_COOKIE_BYTES);
        }
        for (state, is_kept) in [("19", true), ("18", true), ("0", false)] {
            assert_eq!(open(cookie.as_deref(), state, 0).is_ok(), is_kept, "{state}");
        }
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
