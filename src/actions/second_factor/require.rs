//! Chooses the roles that require a second factor.

use crate::actions::Actions;
use crate::identity::Role;
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store::{self, second_factors};

impl Actions {
    /// Requires a second factor for exactly these roles from now on.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn require_second_factor(
        &self,
        roles: &[Role],
        actor: &Actor,
    ) -> Result<(), store::Error> {
        let names: Vec<String> = Role::ALL
            .into_iter()
            .filter(|role| roles.contains(role))
            .map(|role| role.as_str().to_owned())
            .collect();
        let mut tx = store::begin(&self.parts.db).await?;
        if !second_factors::replace_required_roles(&mut tx, &names).await? {
            return Ok(());
        }
        let object = AuditObject::new("settings", "", "Two-factor authentication");
        let entry = AuditEntry::new(AuditAction::SecondFactorRequired, object);
        self.record(&mut tx, actor, [entry.with("roles", names)]).await?;
        Ok(tx.commit().await?)
    }
}
