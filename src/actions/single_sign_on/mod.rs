//! Single sign-on: signs users in with the identity provider, and confirms who they are.

mod link;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use url::Url;

use crate::actions::sign_in::{ProviderSession, SignedIn};
use crate::actions::{Actions, email};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Origin, UserId};
use crate::oidc::{Callback, Identity, MissingRole, Oidc, OidcError, Purpose, Rejection, Started};
use crate::store::sessions::{self, SessionId};
use crate::store::{self, identities};

/// The method of a sign-in in the audit log.
pub(super) const METHOD: &str = "single sign-on";

/// A response of the identity provider, as a browser brings it.
#[derive(Debug, Clone, Copy)]
pub struct SingleSignOn<'a> {
    /// The response.
    pub callback: &'a Callback,
    /// The cookie of the sign-in.
    pub cookie: Option<&'a str>,
    /// The address of the client.
    pub from: IpAddr,
    /// Where the request comes from.
    pub origin: Origin,
    /// The user of the browser's session, if there is one.
    pub current: Option<UserId>,
}

/// What a response of the identity provider has led to.
#[derive(Debug, Clone)]
pub enum SingleSignOnOutcome {
    /// The user is signed in.
    SignedIn {
        /// The user. A session must be started.
        done: SignedIn,
        /// Where to go.
        next: String,
    },
    /// The user of the session has entered credentials at the provider again.
    Confirmed,
}

/// Why a user was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SingleSignOnError {
    /// Single sign-on is off.
    #[error("single sign-on is off")]
    Off,
    /// The provider cannot be reached, or its response cannot be trusted.
    #[error(transparent)]
    Protocol(#[from] OidcError),
    /// The provider sent no usable email address of a new user.
    #[error("the provider sent no email address")]
    NoEmail,
    /// The provider has not verified the email address of a new user.
    #[error("the provider has not verified the email address")]
    UnverifiedEmail(String),
    /// No value of the claim gives a role.
    #[error("no group or role of the user gives a role")]
    NoRole(Box<NoRole>),
    /// The user is disabled.
    #[error("the user is disabled")]
    Disabled(String),
    /// The user with this email address has another account of the provider.
    #[error("the user has another account of the provider")]
    OtherAccount(String),
    /// Another user than the one of the session has signed in at the provider.
    #[error("another user has signed in at the provider")]
    OtherUser,
    /// Too many attempts.
    #[error("too many attempts; wait {} seconds", .0.as_secs() + 1)]
    Throttled(Duration),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A user to whom no value of the claim gives a role.
#[derive(Debug, Clone)]
pub struct NoRole {
    /// The email address; empty if there is none.
    pub email: String,
    /// The user's identifier at the provider.
    pub subject: String,
    /// What the provider sent instead.
    pub why: MissingRole,
}

impl SingleSignOnError {
    /// Returns the email address to record, if it is known.
    fn email(&self) -> &str {
        match self {
            Self::UnverifiedEmail(email) | Self::Disabled(email) | Self::OtherAccount(email) => {
                email
            }
            Self::Off
            | Self::Protocol(_)
            | Self::NoEmail
            | Self::OtherUser
            | Self::Throttled(_)
            | Self::Store(_) => "",
            Self::NoRole(user) => &user.email,
        }
    }

    /// Returns the user without a role, if that is the reason.
    fn user_without_role(&self) -> Option<&NoRole> {
        if let Self::NoRole(user) = self { Some(user) } else { None }
    }

    /// Whether another site can cause it in the browser of a user. Such responses do not count as attempts, because they would
    /// delay the sign-ins of a whole network, and because nothing can be guessed with them.
    fn can_be_caused_by_another_site(&self) -> bool {
        matches!(
            self,
            Self::Protocol(OidcError::Rejected(
                Rejection::NoCookie | Rejection::WrongState | Rejection::Expired
            ))
        )
    }

    /// Whether it is recorded: a user or an attacker was rejected.
    fn is_rejection(&self) -> bool {
        match self {
            Self::Protocol(OidcError::Rejected(rejection)) => *rejection != Rejection::Cancelled,
            Self::Off | Self::Protocol(_) | Self::Throttled(_) | Self::Store(_) => false,
            Self::NoEmail
            | Self::UnverifiedEmail(_)
            | Self::NoRole(_)
            | Self::Disabled(_)
            | Self::OtherAccount(_)
            | Self::OtherUser => true,
        }
    }
}

impl Actions {
    /// Returns the name of the identity provider on pages. `None` if single sign-on is off.
    pub fn single_sign_on_name(&self) -> Option<&str> {
        self.parts.oidc.as_ref().map(Oidc::name)
    }

    /// Returns whether users may sign in with passwords.
    pub fn allows_passwords(&self) -> bool {
        self.parts.password_sign_in
    }

    /// Starts a sign-in at the identity provider. `next` is where to go afterwards. The cookie contains the sign-ins that other
    /// tabs of the browser have started.
    ///
    /// # Errors
    /// If single sign-on is off, or the provider cannot be reached.
    pub async fn start_single_sign_on(
        &self,
        purpose: Purpose,
        next: &str,
        cookie: Option<&str>,
    ) -> Result<Started, SingleSignOnError> {
        let oidc = self.parts.oidc.as_ref().ok_or(SingleSignOnError::Off)?;
        Ok(oidc.start(purpose, next, cookie).await?)
    }

    /// Finishes a sign-in: finds or creates the user, and gives them the role of the claim.
    ///
    /// # Errors
    /// See [`SingleSignOnError`].
    pub async fn finish_single_sign_on(
        &self,
        request: SingleSignOn<'_>,
    ) -> Result<SingleSignOnOutcome, SingleSignOnError> {
        let attempt = self
            .throttle
            .start_from(request.from, Instant::now())
            .map_err(SingleSignOnError::Throttled)?;
        let finished = self.finish(&request).await;
        match &finished {
            Err(error) if error.is_rejection() => {
                let (from, reason) = (request.from, error.to_string());
                let email = Some(error.email()).filter(|email| !email.is_empty());
                let user = error.user_without_role();
                let subject = user.map(|user| user.subject.as_str());
                let detail = user.map(|user| user.why.to_string());
                tracing::warn!(%from, reason, email, subject, detail, "rejected a single sign-on");
                self.record_rejected_single_sign_on(error, request.origin).await?;
                if error.can_be_caused_by_another_site() {
                    attempt.succeed(Instant::now());
                }
            }
            _ => attempt.succeed(Instant::now()),
        }
        finished
    }

    async fn finish(
        &self,
        request: &SingleSignOn<'_>,
    ) -> Result<SingleSignOnOutcome, SingleSignOnError> {
        let oidc = self.parts.oidc.as_ref().ok_or(SingleSignOnError::Off)?;
        let finished = oidc.finish(request.callback, request.cookie).await?;
        let identity = finished.identity;
        if finished.purpose == Purpose::Confirm {
            let db = &self.parts.db;
            let user = identities::find_user_id(db, &identity.issuer, &identity.subject).await?;
            let is_same = user.is_some() && user == request.current;
            return if is_same {
                Ok(SingleSignOnOutcome::Confirmed)
            } else {
                Err(SingleSignOnError::OtherUser)
            };
        }
        let (user, session_version) = self.link_user(&identity, request.origin).await?;
        let id_token = oidc.seal_token(&identity.id_token)?;
        let provider = ProviderSession { authenticated_at: identity.authenticated_at, id_token };
        let done = SignedIn { provider: Some(provider), ..self.signed_in(user, session_version) };
        Ok(SingleSignOnOutcome::SignedIn { done, next: finished.next })
    }

    /// Removes a finished sign-in from the cookie of its browser. Empty if no other is in progress.
    pub fn remove_single_sign_on(&self, cookie: &str, state: &str) -> String {
        let oidc = self.parts.oidc.as_ref();
        oidc.map(|oidc| oidc.remove_pending(cookie, state)).unwrap_or_default()
    }

    /// Returns the encrypted ID token of a session. `None` if it was not started with single sign-on.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn find_id_token(&self, session: SessionId) -> Result<Option<Vec<u8>>, store::Error> {
        sessions::find_id_token(&self.parts.db, session).await
    }

    /// Returns the address at which the user with this encrypted ID token signs out at the provider. `None` if the provider
    /// offers none or does not respond.
    pub async fn provider_sign_out_url(&self, id_token: &[u8]) -> Option<Url> {
        let oidc = self.parts.oidc.as_ref()?;
        // After a rotation of the master key, the token cannot be read any more.
        oidc.sign_out_url(oidc.open_token(id_token).as_deref()).await
    }

    /// Encrypts the description of a failed sign-in for a cookie. `None` if that is not possible.
    pub fn seal_failed_sign_in(&self, text: &[u8]) -> Option<String> {
        self.parts.oidc.as_ref()?.seal_failure(text).ok()
    }

    /// Decrypts the description of a failed sign-in. `None` if Gatepost has not written it.
    pub fn open_failed_sign_in(&self, cookie: &str) -> Option<Vec<u8>> {
        self.parts.oidc.as_ref()?.open_failure(cookie)
    }

    async fn record_rejected_single_sign_on(
        &self,
        error: &SingleSignOnError,
        origin: Origin,
    ) -> Result<(), store::Error> {
        let object = AuditObject::new("user", "", error.email());
        let mut entry = AuditEntry::new(AuditAction::SignInFailed, object)
            .with("method", METHOD)
            .with("reason", error.to_string());
        if let Some(user) = error.user_without_role() {
            entry =
                entry.with("subject", user.subject.clone()).with("detail", user.why.to_string());
        }
        self.record_rejection(entry, origin).await
    }
}

/// Returns the email address, if it can be one.
fn plausible_email(identity: &Identity) -> Option<&str> {
    let address = identity.email.as_deref().map(str::trim);
    address.filter(|address| email::is_plausible(address))
}

/// Returns the address of a new user, if it can be one and the provider has verified it.
fn verified_email(identity: &Identity) -> Result<&str, SingleSignOnError> {
    let address = plausible_email(identity).ok_or(SingleSignOnError::NoEmail)?;
    if identity.is_email_verified {
        Ok(address)
    } else {
        Err(SingleSignOnError::UnverifiedEmail(address.to_owned()))
    }
}
