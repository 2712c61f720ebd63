//! Checks codes, and uses them up. The attempts are limited.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::corrupt;
use crate::actions::Actions;
use crate::identity::{Attempt, EnteredCode, FactorSecret, Subject};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::security_policy::CodePolicy;
use crate::model::{Actor, Origin};
use crate::store::users::User;
use crate::store::{self, PgConnection, second_factors, user_changes};

/// A code that a user has entered.
#[derive(Debug, Clone, Copy)]
pub struct EnteredFactor<'a> {
    /// The code of the app, or a recovery code, as entered.
    pub code: &'a str,
    /// The address of the client.
    pub from: IpAddr,
    /// Where the request comes from.
    pub origin: Origin,
    /// The cookie that this browser got when it signed in the last time.
    pub device: Option<&'a str>,
}

/// The code that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedFactor {
    /// Of the authenticator app.
    App,
    /// A recovery code. Contains the number of those that are left.
    RecoveryCode(i64),
}

/// Why a code was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// The code is wrong, or was used before.
    #[error("the code is wrong, or was used before")]
    Wrong,
    /// Too many attempts.
    #[error("too many attempts; wait {} seconds", .0.as_secs() + 1)]
    Throttled(Duration),
    /// The user has no second factor.
    #[error("the user has no second factor")]
    Off,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl UsedFactor {
    /// Returns the name in the audit log.
    pub(in crate::actions) fn label(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::RecoveryCode(_) => "recovery code",
        }
    }

    /// Returns the entry of a recovery code for the audit log.
    pub(in crate::actions) fn entry(self, user: &User) -> Option<AuditEntry> {
        match self {
            Self::App => None,
            Self::RecoveryCode(left) => {
                let object = AuditObject::user(user.id, &user.email);
                let entry = AuditEntry::new(AuditAction::RecoveryCodeUsed, object);
                Some(entry.with("left", left))
            }
        }
    }
}

impl Actions {
    /// Counts an attempt to enter a code.
    ///
    /// # Errors
    /// If there were too many.
    pub(super) fn start_code(
        &self,
        user: &User,
        entered: EnteredFactor<'_>,
    ) -> Result<Attempt, SecondFactorError> {
        let key = &self.parts.device_key;
        let device = entered.device.and_then(|cookie| key.recognize(cookie, &user.email));
        let subject = Subject::SecondFactor(&user.email);
        self.throttle
            .start(entered.from, subject, device, Instant::now())
            .map_err(SecondFactorError::Throttled)
    }

    /// Uses a code in a transaction, which must be committed. Returns the secret and which code it was; `None` if the code
    /// is wrong or was used before, in which case the transaction is not needed any more.
    ///
    /// # Errors
    /// If the user has no second factor, or the database failed.
    pub(super) async fn use_code(
        &self,
        db: &mut PgConnection,
        user: &User,
        entered: EnteredFactor<'_>,
    ) -> Result<Option<(FactorSecret, UsedFactor)>, SecondFactorError> {
        // First the user, in the same order as other changes of users.
        user_changes::find_for_update(db, user.id).await?;
        let found = second_factors::find_for_update(db, &self.parts.vault, user.id).await?;
        let stored = found.ok_or(SecondFactorError::Off)?;
        let secret = FactorSecret::from_bytes(stored.hash, &stored.bytes);
        let secret = secret.ok_or_else(|| corrupt(user.id))?;
        let CodePolicy { tolerance_steps, .. } = self.parts.policy.codes;
        let factor = match EnteredCode::parse(entered.code) {
            Some(EnteredCode::App(digits)) => {
                match secret.step_of(&digits, self.parts.sources.now(), tolerance_steps) {
                    Some(step) if second_factors::use_step(db, user.id, step).await? => {
                        Some(UsedFactor::App)
                    }
                    _ => None,
                }
            }
            Some(EnteredCode::Recovery(code)) => {
                let hash = secret.hash_recovery_code(&code);
                if second_factors::use_recovery_code(db, user.id, &hash).await? {
                    let left = second_factors::count_recovery_codes(db, user.id).await?;
                    Some(UsedFactor::RecoveryCode(left))
                } else {
                    None
                }
            }
            None => None,
        };
        Ok(factor.map(|factor| (secret, factor)))
    }

    /// Records a wrong code, unless there are too many records. Returns the error.
    pub(super) async fn reject_code(
        &self,
        user: &User,
        entered: EnteredFactor<'_>,
    ) -> SecondFactorError {
        tracing::warn!(from = %entered.from, email = user.email, "rejected a second factor");
        match self.record_wrong_code(user, entered.origin).await {
            Ok(()) => SecondFactorError::Wrong,
            Err(error) => error.into(),
        }
    }

    async fn record_wrong_code(&self, user: &User, origin: Origin) -> Result<(), store::Error> {
        let Some(omitted) = self.record_limit.admit(Instant::now()) else { return Ok(()) };
        let actor = Actor { origin, ..Actor::UNKNOWN };
        let object = AuditObject::user(user.id, &user.email);
        let mut entry = AuditEntry::new(AuditAction::SecondFactorFailed, object);
        if omitted > 0 {
            entry = entry.with("omitted_before", omitted);
        }
        let mut tx = store::begin(&self.parts.db).await?;
        self.record(&mut tx, &actor, [entry]).await?;
        Ok(tx.commit().await?)
    }
}
