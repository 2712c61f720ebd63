//! A sign-in whose password was correct and whose code is missing. It is in a cookie, encrypted and bound to the browser,
//! because nothing is stored for visitors.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::actions::Actions;
use crate::model::{Timestamp, UserId};
use crate::store::users::{self, User};
use crate::store::{self};

/// How long the code can be entered.
const VALIDITY: Duration = Duration::from_mins(10);
const ID_BYTES: usize = 16;
const NUMBER_BYTES: usize = 8;

impl Actions {
    /// Returns the cookie of a sign-in of this user, for this browser only.
    pub(in crate::actions) fn pending_sign_in(
        &self,
        (user, session_version): (UserId, i64),
        browser: &str,
    ) -> Result<String, store::Error> {
        let end = self.parts.sources.now() + VALIDITY;
        let bytes = [
            &user.uuid().into_bytes()[..],
            &end.timestamp().to_be_bytes(),
            &session_version.to_be_bytes(),
        ]
        .concat();
        let sealed =
            self.parts.vault.seal(&place(browser), &bytes).map_err(|error| {
                store::Error::Corrupt { table: "users", detail: error.to_string() }
            })?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Returns the user of a cookie, and the version of their sessions. `None` if the cookie has expired or is of another
    /// browser, the user's sessions were ended since, for example because the password has changed, or the user is not
    /// active any more.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn find_pending_user(
        &self,
        cookie: &str,
        browser: &str,
    ) -> Result<Option<(User, i64)>, store::Error> {
        if !self.allows_passwords() {
            return Ok(None);
        }
        let Some((id, version)) = self.open_pending(cookie, browser) else { return Ok(None) };
        let found = users::find_unchanged(&self.parts.db, id, version).await?;
        Ok(found.map(|user| (user, version)))
    }

    fn open_pending(&self, cookie: &str, browser: &str) -> Option<(UserId, i64)> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let bytes = self.parts.vault.open(&place(browser), &sealed).ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (end, version) = rest.split_first_chunk::<NUMBER_BYTES>()?;
        let version = i64::from_be_bytes(version.try_into().ok()?);
        let end = Timestamp::from_timestamp(i64::from_be_bytes(*end), 0)?;
        let is_valid = self.parts.sources.now() < end;
        is_valid.then(|| (Uuid::from_bytes(*id).into(), version))
    }
}

/// Authenticates the browser together with the content.
fn place(browser: &str) -> String {
    format!("sign_in.pending/{}", hex::encode(Sha256::digest(browser)))
}
