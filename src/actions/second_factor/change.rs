//! Switches a second factor off, and replaces the recovery codes. Both require a code.

use std::time::Instant;

use super::{EnteredFactor, SecondFactorError, replace_recovery_codes};
use crate::actions::Actions;
use crate::identity::RecoveryCode;
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store::users::User;
use crate::store::{self, second_factors};

impl Actions {
    /// Switches off the second factor of a user who enters a code.
    ///
    /// # Errors
    /// See [`SecondFactorError`].
    pub async fn disable_second_factor(
        &self,
        user: &User,
        entered: EnteredFactor<'_>,
    ) -> Result<(), SecondFactorError> {
        let attempt = self.start_code(user, entered)?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let Some((_secret, factor)) = self.use_code(&mut tx, user, entered).await? else {
            drop(tx);
            return Err(self.reject_code(user, entered).await);
        };
        second_factors::delete(&mut tx, user.id).await?;
        let actor = Actor::person(user.email.clone(), entered.origin);
        let object = AuditObject::user(user.id, &user.email);
        let entry = AuditEntry::new(AuditAction::SecondFactorDisabled, object);
        self.record(&mut tx, &actor, factor.entry(user).into_iter().chain([entry])).await?;
        tx.commit().await.map_err(store::Error::from)?;
        attempt.succeed(Instant::now());
        Ok(())
    }

    /// Replaces the recovery codes of a user who enters a code. Returns the new ones, which are shown once.
    ///
    /// # Errors
    /// See [`SecondFactorError`].
    pub async fn renew_recovery_codes(
        &self,
        user: &User,
        entered: EnteredFactor<'_>,
    ) -> Result<Vec<RecoveryCode>, SecondFactorError> {
        let attempt = self.start_code(user, entered)?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let Some((secret, factor)) = self.use_code(&mut tx, user, entered).await? else {
            drop(tx);
            return Err(self.reject_code(user, entered).await);
        };
        let sources = &self.parts.sources;
        let codes = replace_recovery_codes(&mut tx, user.id, &secret, sources).await?;
        let actor = Actor::person(user.email.clone(), entered.origin);
        let object = AuditObject::user(user.id, &user.email);
        let entry = AuditEntry::new(AuditAction::RecoveryCodesRenewed, object);
        self.record(&mut tx, &actor, factor.entry(user).into_iter().chain([entry])).await?;
        tx.commit().await.map_err(store::Error::from)?;
        attempt.succeed(Instant::now());
        Ok(codes)
    }
}
