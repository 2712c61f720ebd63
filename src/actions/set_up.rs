//! Creates the first administrator.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use crate::actions::{Actions, SignedIn, email};
use crate::identity::Subject;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, Origin, UserId};
use crate::store::users::{self, User};
use crate::store::{self};

/// A field of the setup page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUpField {
    /// The one-time code from the terminal.
    Code,
    /// The email address.
    Email,
    /// The password.
    Password,
}

/// Why the first administrator was not created.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// There is one already.
    #[error("there is already an administrator")]
    Done,
    /// The input is invalid.
    #[error("{}", .0.iter().map(|(_, message)| message.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<(SetUpField, String)>),
    /// Too many attempts.
    #[error("too many attempts; wait {} seconds", .0.as_secs() + 1)]
    Throttled(Duration),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Returns whether there are no users yet.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn needs_setup(&self) -> Result<bool, store::Error> {
        let mut connection = self.parts.db.acquire().await?;
        Ok(!users::exist(&mut connection).await?)
    }

    /// Creates the first administrator. The code was printed when the server started.
    ///
    /// # Errors
    /// See [`SetUpError`].
    pub async fn set_up(
        &self,
        code: &str,
        email: &str,
        password: &str,
        (from, origin): (IpAddr, Origin),
    ) -> Result<SignedIn, SetUpError> {
        let attempt = self
            .throttle
            .start(from, Subject::SetUp, None, Instant::now())
            .map_err(SetUpError::Throttled)?;
        let mut errors = self.check_first(email, password).await;
        let expected = self.parts.setup_code.as_deref().unwrap_or_default();
        let entered = code.trim().to_uppercase();
        if expected.is_empty() || !bool::from(entered.as_bytes().ct_eq(expected.as_bytes())) {
            let message = "This is not the code that the server printed when it started. Copy it from the terminal or the log.";
            errors.insert(0, (SetUpField::Code, message.to_owned()));
            let entry =
                AuditEntry::new(AuditAction::SignInFailed, AuditObject::new("user", "", email));
            self.record_rejection(entry.with("method", "one-time code"), origin).await?;
        } else {
            attempt.succeed(Instant::now());
        }
        if errors.is_empty() {
            let actor = Actor::person(email.trim(), origin);
            let user = self.create_first(email, password, &actor).await?;
            Ok(self.signed_in(user, users::FIRST_SESSION_VERSION))
        } else {
            Err(SetUpError::Invalid(errors))
        }
    }

    /// Creates the first administrator from the operator's configuration.
    ///
    /// # Errors
    /// See [`SetUpError`].
    pub async fn set_up_from_environment(
        &self,
        email: &str,
        password: &str,
    ) -> Result<User, SetUpError> {
        let errors = self.check_first(email, password).await;
        if errors.is_empty() {
            self.create_first(email, password, &Actor::GATEPOST).await
        } else {
            Err(SetUpError::Invalid(errors))
        }
    }

    async fn create_first(
        &self,
        email: &str,
        password: &str,
        actor: &Actor,
    ) -> Result<User, SetUpError> {
        let parts = &self.parts;
        let hash = self.passwords.hash(password).await.map_err(|error| {
            SetUpError::Invalid(vec![(SetUpField::Password, error.to_string())])
        })?;
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        users::lock_first(&mut tx).await?;
        if users::exist(&mut tx).await? {
            return Err(SetUpError::Done);
        }
        let user = User {
            id: UserId::new(&parts.sources),
            email: email.trim().to_owned(),
            role: "admin".to_owned(),
        };
        users::insert(&mut tx, &user, &hash, parts.sources.now()).await?;
        let entry =
            AuditEntry::new(AuditAction::UserCreated, AuditObject::user(user.id, &user.email));
        self.record(&mut tx, actor, [entry.with("role", user.role.clone())]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(user)
    }

    /// Checks the email address and the password of the first administrator.
    async fn check_first(&self, email: &str, password: &str) -> Vec<(SetUpField, String)> {
        let mut errors = Vec::new();
        if !email::is_plausible(email.trim()) {
            errors.push((
                SetUpField::Email,
                "Enter an email address, such as ann@example.com.".to_owned(),
            ));
        }
        if let Err(message) = self.passwords.check_new(password, email).await {
            errors.push((SetUpField::Password, message));
        }
        errors
    }
}
