//! Signs a user in.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::actions::{Actions, UsedFactor, email};
use crate::identity::{Lane, PasswordError, Passwords, Subject};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, Origin, Timestamp};
use crate::store::users::{self, Credentials, User};
use crate::store::{self, PgConnection, second_factors};

/// How long to wait if too many passwords are being checked. It takes about a second until the first of them are.
const BUSY_DELAY: Duration = Duration::from_secs(2);

/// An attempt to sign in.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// The email address as entered.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
    /// The address of the client.
    pub from: IpAddr,
    /// Where the request comes from.
    pub origin: Origin,
    /// The cookie that this browser got when it signed in the last time.
    pub device: Option<&'a str>,
}

/// A successful sign-in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The user.
    pub user: User,
    /// The version of the user's sessions when the credentials were checked.
    pub session_version: i64,
    /// The cookie by which the browser is recognized the next time.
    pub device: String,
    /// What the session needs if the user has signed in with single sign-on.
    pub provider: Option<ProviderSession>,
}

/// What a session that is started with single sign-on needs.
#[derive(Debug, Clone)]
pub struct ProviderSession {
    /// When the user entered credentials at the provider, if it says so.
    pub authenticated_at: Option<Timestamp>,
    /// The encrypted ID token.
    pub id_token: Vec<u8>,
}

/// What follows a correct password.
#[derive(Debug, Clone)]
pub enum AcceptedPassword {
    /// The user is signed in.
    SignedIn(SignedIn),
    /// The user must enter a code. Contains the cookie for [`Actions::sign_in_with_code`].
    NeedsCode(String),
}

/// Why a sign-in was rejected.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The email address or the password is wrong. The error does not reveal which.
    #[error("the email address or the password is wrong")]
    Wrong,
    /// The password is right, but an administrator has disabled the user.
    #[error("the user is disabled")]
    Disabled,
    /// Users sign in only with single sign-on.
    #[error("users sign in only with single sign-on")]
    PasswordsOff,
    /// Too many attempts.
    #[error("too many attempts; wait {} seconds", .0.as_secs() + 1)]
    Throttled(Duration),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Signs in the user with this email address and password, or asks for the second factor. Only this browser can go on.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(
        &self,
        request: SignIn<'_>,
        browser: &str,
    ) -> Result<AcceptedPassword, SignInError> {
        let origin = request.origin;
        let (user, session_version) = self.check_password(request).await?;
        if second_factors::exists(&self.parts.db, user.id).await? {
            let cookie = self.pending_sign_in((user.id, session_version), browser)?;
            return Ok(AcceptedPassword::NeedsCode(cookie));
        }
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        self.record_sign_in(&mut tx, &user, origin, None).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(AcceptedPassword::SignedIn(self.signed_in(user, session_version)))
    }

    /// Checks the password of a user who has signed in already.
    ///
    /// # Errors
    /// As for [`Self::sign_in`].
    pub async fn confirm_password(&self, request: SignIn<'_>) -> Result<(), SignInError> {
        self.check_password(request).await?;
        Ok(())
    }

    /// Returns the user, and the version of their sessions.
    async fn check_password(&self, request: SignIn<'_>) -> Result<(User, i64), SignInError> {
        let SignIn { email, password, from, origin, device } = request;
        if !self.allows_passwords() {
            return Err(SignInError::PasswordsOff);
        }
        let email = email.trim();
        if !email::is_plausible(email) {
            return Err(SignInError::Wrong);
        }
        let key = &self.parts.device_key;
        let device = device.and_then(|cookie| key.recognize(cookie, email));
        let attempt = self
            .throttle
            .start(from, Subject::Account(email), device, Instant::now())
            .map_err(SignInError::Throttled)?;
        let found = users::find_by_email(&self.parts.db, email).await?;
        let hash = found.as_ref().map(|found| found.password_hash.as_str());
        let lane = if device.is_some() { Lane::Known } else { Lane::Unknown };
        let matches = match self.passwords.verify(password, hash, lane).await {
            Ok(matches) => matches,
            Err(PasswordError::Busy) => return Err(SignInError::Throttled(BUSY_DELAY)),
            Err(error @ PasswordError::Failed(_)) => {
                tracing::error!(%error, "could not check a password");
                false
            }
        };
        match found {
            Some(found) if matches && !found.is_disabled => {
                attempt.succeed(Instant::now());
                self.renew_hash(&found, password).await?;
                Ok((found.user, found.session_version))
            }
            _ => {
                let known_device = device.is_some();
                tracing::warn!(%from, email, known_device, "rejected a sign-in");
                self.record_rejected_sign_in(email, origin).await?;
                // Only a user who knows the password learns that there is such a user.
                Err(if matches { SignInError::Disabled } else { SignInError::Wrong })
            }
        }
    }

    /// Hashes a correct password again if its stored hash has outdated parameters.
    async fn renew_hash(&self, found: &Credentials, password: &str) -> Result<(), store::Error> {
        if !Passwords::is_outdated(&found.password_hash) {
            return Ok(());
        }
        match self.passwords.hash(password).await {
            Ok(new) => {
                let (id, old) = (found.user.id, &found.password_hash);
                users::replace_password_hash(&self.parts.db, id, old, &new).await
            }
            Err(error) => {
                tracing::error!(%error, "could not renew the hash of a password");
                Ok(())
            }
        }
    }

    /// Records a sign-in, and the recovery code that was used.
    pub(super) async fn record_sign_in(
        &self,
        db: &mut PgConnection,
        user: &User,
        origin: Origin,
        factor: Option<UsedFactor>,
    ) -> Result<(), store::Error> {
        let actor = Actor::person(user.email.clone(), origin);
        let object = AuditObject::user(user.id, &user.email);
        users::record_sign_in(db, user.id, self.parts.sources.now()).await?;
        let mut entry = AuditEntry::new(AuditAction::SignedIn, object).with("method", "password");
        if let Some(factor) = factor {
            entry = entry.with("second_factor", factor.label());
        }
        let before = factor.and_then(|factor| factor.entry(user));
        self.record(db, &actor, before.into_iter().chain([entry])).await
    }

    /// Records a rejected sign-in, unless there are too many. The actor is unknown, because anyone can enter an address.
    async fn record_rejected_sign_in(
        &self,
        email: &str,
        origin: Origin,
    ) -> Result<(), store::Error> {
        let object = AuditObject::new("user", "", email);
        self.record_rejection(AuditEntry::new(AuditAction::SignInFailed, object), origin).await
    }

    /// Records the entry of a rejected sign-in, unless there are too many.
    pub(super) async fn record_rejection(
        &self,
        mut entry: AuditEntry,
        origin: Origin,
    ) -> Result<(), store::Error> {
        let Some(omitted) = self.record_limit.admit(Instant::now()) else { return Ok(()) };
        let actor = Actor { origin, ..Actor::UNKNOWN };
        if omitted > 0 {
            entry = entry.with("omitted_before", omitted);
        }
        let mut tx = store::begin(&self.parts.db).await?;
        self.record(&mut tx, &actor, [entry]).await?;
        Ok(tx.commit().await?)
    }

    /// Issues the cookie of a browser in which this user has signed in.
    pub(super) fn signed_in(&self, user: User, session_version: i64) -> SignedIn {
        let device = self.parts.device_key.issue(&user.email, &self.parts.sources);
        SignedIn { user, session_version, device, provider: None }
    }
}
