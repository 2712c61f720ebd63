//! Chooses the roles that require a second factor.

use crate::actions::Actions;
use crate::identity::Role;
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store::{self, second_factors};

/// Why the roles were not changed.
#[derive(Debug, thiserror::Error)]
pub enum RequireSecondFactorError {
    /// Strict mode requires a second factor of all users.
    #[error("strict mode requires two-factor authentication for all roles")]
    RequiredForAll,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Requires a second factor for exactly these roles from now on.
    ///
    /// # Errors
    /// See [`RequireSecondFactorError`].
    pub async fn require_second_factor(
        &self,
        roles: &[Role],
        actor: &Actor,
    ) -> Result<(), RequireSecondFactorError> {
        if self.parts.policy.second_factor.is_for_all() {
            return Err(RequireSecondFactorError::RequiredForAll);
        }
        let names: Vec<String> = Role::ALL
            .into_iter()
            .filter(|role| roles.contains(role))
            .map(|role| role.as_str().to_owned())
            .collect();
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        if !second_factors::replace_required_roles(&mut tx, &names).await? {
            return Ok(());
        }
        let object = AuditObject::new("settings", "", "Two-factor authentication");
        let entry = AuditEntry::new(AuditAction::SecondFactorRequired, object);
        self.record(&mut tx, actor, [entry.with("roles", names)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(())
    }
}
